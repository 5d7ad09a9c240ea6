//! The runtime of fastthrift.

use fastthrift::{CallError, Channel, Function, Request, Response, Server, Service};

use crate::load::Call;
use crate::message::{Holder, Message, message};

struct Echo;

impl Service for Echo {
    fn name(&self) -> &'static str {
        "Echo"
    }

    async fn serve(&self, request: Request) -> Response {
        let arguments: Holder<Message, 1> = match request.arguments() {
            Ok(arguments) => arguments,
            Err(error) => return request.fail(error),
        };
        match echo(arguments.0).await {
            Ok(message) => request.reply(&Holder::<_, 0>(message)),
            Err(error) => request.fail(error),
        }
    }
}

async fn echo(message: Message) -> Result<Message, CallError> {
    Ok(message)
}

/// Serves until the process ends.
pub async fn serve(url: &str, ready: impl FnOnce(&str)) {
    let server = Server::builder(Echo).bind(url).await.expect("the address is free");
    ready(&server.url());
    server.serve().await;
}

/// A caller; all of them share the channel.
pub struct Caller(Channel, Message);

impl Caller {
    /// Callers over this many connections: one carries all calls at once, several one call each.
    pub async fn all(url: &str, callers: usize, connections: usize) -> Vec<Self> {
        let builder = Channel::builder(url).connections(connections);
        let builder = if connections > 1 { builder.one_call_a_connection() } else { builder };
        let channel = builder.connect().await.expect("the server is there");
        (0..callers).map(|_| Self(channel.clone(), message())).collect()
    }
}

impl Call for Caller {
    async fn call(&mut self) {
        let result: Holder<Message, 0> =
            self.0.call(&Function::new("echo"), &Holder::<_, 1>(&self.1)).await.expect("the server answers");
        assert_eq!(result.0.id, self.1.id);
    }
}
