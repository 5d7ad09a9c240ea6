//! Serves `examples/rust/calculator.thrift` until standard input ends: `calculator_server [URL]`. Prints the URL.

#[path = "idl/calculator.rs"]
#[rustfmt::skip]
mod idl;

use std::io;

use fastthrift::{CallError, Server, current_call};
use idl::calculator::{AddError, Base, Calculator, CalculatorServer, Overflow};
use tokio::task::spawn_blocking;

/// Adds, greets, and says on standard error what is to be logged.
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
        // A handler that panics fails this one call.
        assert!(!name.is_empty(), "there is nobody to greet");
        Ok(format!("Hello, {name}!"))
    }

    async fn log(&self, line: String) -> Result<(), CallError> {
        let call = current_call();
        let peer = call.as_ref().and_then(|call| call.peer()).unwrap_or("somebody");
        eprintln!("{peer}: {line}");
        Ok(())
    }
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "tcp://127.0.0.1:9090".to_owned());
    let server = Server::builder(CalculatorServer::new(Handler)).bind(&url).await?;
    println!("{}", server.url());
    let ended = async { drop(spawn_blocking(|| io::read_to_string(io::stdin())).await) };
    server.serve_until(ended).await;
    Ok(())
}
