//! volo-thrift, framed Binary.

use std::net::SocketAddr;

use pilota::FastStr;
use volo_thrift::ServerError;

use crate::load::Call;

#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/volo_gen.rs"));
}

use generated::volo_gen::echo::{EchoClient, EchoClientBuilder, EchoServer, Message};

struct Echo;

impl generated::volo_gen::echo::Echo for Echo {
    async fn echo(&self, message: Message) -> Result<Message, ServerError> {
        Ok(message)
    }
}

fn address(url: &str) -> volo::net::Address {
    match url.strip_prefix("unix://") {
        Some(path) => {
            volo::net::Address::from(std::os::unix::net::SocketAddr::from_pathname(path).expect("it is a path"))
        }
        None => {
            let address: SocketAddr = url.trim_start_matches("tcp://").parse().expect("it is an address");
            volo::net::Address::from(address)
        }
    }
}

/// Serves until the process ends.
pub async fn serve(url: &str, is_multiplexed: bool, ready: impl FnOnce(&str)) {
    let server = EchoServer::new(Echo);
    ready(url);
    if is_multiplexed {
        server.multiplex(true).run(address(url)).await.expect("it runs");
    } else {
        server.run(address(url)).await.expect("it runs");
    }
}

/// A caller; all of them share the client.
pub struct Caller(EchoClient, Message);

impl Caller {
    /// Callers over a pool, or over one connection.
    pub fn all(url: &str, callers: usize, is_multiplexed: bool) -> Vec<Self> {
        let builder = EchoClientBuilder::new("echo").address(address(url));
        let client = if is_multiplexed { builder.multiplex(true).build() } else { builder.build() };
        let sent = crate::ours::message();
        let message = Message {
            id: sent.id,
            name: FastStr::from_string(sent.name),
            ratio: sent.ratio,
            count: sent.count,
            active: sent.active,
            data: sent.data.into(),
        };
        (0..callers).map(|_| Self(client.clone(), message.clone())).collect()
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        let reply = self.0.echo(self.1.clone()).await.expect("the server answers");
        assert_eq!(reply.id, self.1.id);
    }
}
