//! A proxy that tells of each call: `proxy IDL SERVICE URL [LISTEN]`. It serves a service by its IDL alone, has the server at the URL
//! answer, and writes function, arguments and outcome to standard error. Prints its own URL, and ends when standard input does.

use std::error::Error;
use std::io;
use std::time::Duration;

use fastthrift::dynamic::{Client, Error as Failure, Handler, Idl, Invocation, Served, Value};
use fastthrift::{Channel, Server};
use tokio::task::spawn_blocking;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [idl, service, url, rest @ ..] = arguments.as_slice() else {
        return Err("usage: proxy IDL SERVICE URL [LISTEN]".into());
    };
    let service = Idl::load(idl)?.service(service)?;
    let channel = Channel::builder(url).timeout(Duration::from_secs(10)).lazy()?;
    let proxy = Proxy(Client::new(channel, service.clone()));
    let listen = rest.first().map_or("tcp://127.0.0.1:9091", String::as_str);
    let server = Server::builder(Served::new(service, proxy)).bind(listen).await?;
    println!("{}", server.url());
    let ended = async { drop(spawn_blocking(|| io::read_to_string(io::stdin())).await) };
    server.serve_until(ended).await;
    Ok(())
}

/// Answers each call by what another server answers.
struct Proxy(Client);

impl Handler for Proxy {
    async fn handle(&self, invocation: Invocation) -> Result<Value, Failure> {
        let function = invocation.function().clone();
        let arguments = invocation.into_arguments();
        // Exceptions that the IDL declares and failures alike are handed on as they are.
        let outcome = self.0.call_function(&function, &arguments).await;
        match &outcome {
            Ok(value) => eprintln!("{} {arguments} = {value}", function.name()),
            Err(error) => eprintln!("{} {arguments} failed: {error}", function.name()),
        }
        outcome
    }
}
