//! The runtime of fastthrift.

use fastthrift::{CallError, Channel, Server};

use crate::load::Call;

#[allow(warnings, clippy::all, clippy::pedantic)]
mod generated {
    fastthrift::include_thrift!("echo");
}

pub use generated::echo::Message;
use generated::echo::{Echo, EchoClient, EchoServer};

struct Handler;

impl Echo for Handler {
    async fn echo(&self, message: Message) -> Result<Message, CallError> {
        Ok(message)
    }
}

/// The message that everybody sends: 124 bytes with the call and its frame.
pub fn message() -> Message {
    Message {
        id: 1_234_567_890_123,
        name: "0123456789abcdef0123456789abcdef0123".to_owned(),
        ratio: 0.75,
        count: 42,
        active: true,
        data: vec![7; 16],
    }
}

/// Serves until the process ends.
pub async fn serve(url: &str, ready: impl FnOnce(&str)) {
    let server = Server::builder(EchoServer::new(Handler)).bind(url).await.expect("the address is free");
    ready(&server.url());
    server.serve().await;
}

/// A caller; all of them share the channel.
pub struct Caller(EchoClient, Message);

impl Caller {
    /// Callers over this many connections: one carries all calls at once, several one call each.
    pub async fn all(url: &str, callers: usize, connections: usize) -> Vec<Self> {
        let builder = Channel::builder(url).connections(connections);
        let builder = if connections > 1 { builder.one_call_a_connection() } else { builder };
        let channel = builder.connect().await.expect("the server is there");
        (0..callers).map(|_| Self(EchoClient::new(channel.clone()), message())).collect()
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        let reply = self.0.echo(&self.1).await.expect("the server answers");
        assert_eq!(reply.id, self.1.id);
    }
}
