//! A server behind TLS that answers only those who know a token, and a client of it: `guarded serve URL CERTIFICATE KEY TOKEN`, which
//! prints its URL and ends when standard input does, and `guarded call URL AUTHORITIES TOKEN`. The files are PEM.

#[path = "idl/calculator.rs"]
#[rustfmt::skip]
mod idl;

use std::error::Error;
use std::time::Duration;
use std::{fs, io};

use fastthrift::{
    CallError, Channel, ClientReply, ClientRequest, ClientTls, Framing, Interceptor, Next, Request, Response, Server,
    ServerTls, Service,
};
use idl::calculator::{AddError, Base, Calculator, CalculatorClient, CalculatorServer, Overflow};
use tokio::task::spawn_blocking;

/// Sends a token with each call, or lets nobody in without it. Headers travel over the Header transport and HTTP.
struct Token(String);

impl Interceptor for Token {
    async fn call(&self, mut request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
        request.headers.insert("token", &self.0);
        next.run(request).await
    }

    async fn serve<S: Service>(&self, request: Request, next: &S) -> Response {
        match request.call().headers().find_ignoring_case("token") {
            Some(token) if token == self.0 => next.serve(request).await,
            _ => request.fail(CallError::internal("the token is wrong")),
        }
    }
}

struct Handler;

impl Base for Handler {
    async fn ping(&self) -> Result<(), CallError> {
        Ok(())
    }
}

impl Calculator for Handler {
    async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
        let sum = a.checked_add(b);
        Ok(sum.ok_or_else(|| Overflow { message: "too large".to_owned(), limit: i32::MAX })?)
    }

    async fn greet(&self, name: String) -> Result<String, CallError> {
        Ok(format!("Hello, {name}!"))
    }

    async fn log(&self, line: String) -> Result<(), CallError> {
        eprintln!("{line}");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["serve", url, certificate, key, token] => {
            let tls = ServerTls::new(&fs::read(certificate)?, &fs::read(key)?)?;
            let service = Server::builder(CalculatorServer::new(Handler)).interceptor(Token(token.to_owned()));
            let server = service.tls(tls).bind(url).await?;
            println!("{}", server.url());
            let ended = async { drop(spawn_blocking(|| io::read_to_string(io::stdin())).await) };
            server.serve_until(ended).await;
            Ok(())
        }
        ["call", url, authorities, token] => {
            let tls = ClientTls::new().authorities(fs::read(authorities)?);
            let channel = Channel::builder(url).tls(tls).framing(Framing::Header).timeout(Duration::from_secs(10));
            let channel = channel.connect().await?.with_interceptor(Token(token.to_owned()));
            println!("{}", CalculatorClient::new(channel).greet("Ada").await?);
            Ok(())
        }
        _ => Err("guarded serve URL CERTIFICATE KEY TOKEN, or guarded call URL AUTHORITIES TOKEN".into()),
    }
}
