//! Serves `examples/rust/calculator.thrift` until standard input ends: `calculator_server [URL]`. Prints the URL.

#[path = "../tests/calculator/mod.rs"]
mod calculator;

use std::io;

use calculator::{CalculatorServer, Handler};
use fastthrift::Server;
use tokio::task::spawn_blocking;

#[tokio::main]
async fn main() -> io::Result<()> {
    let url = std::env::args().nth(1).unwrap_or_else(|| "tcp://127.0.0.1:9090".to_owned());
    let server = Server::builder(CalculatorServer::new(Handler::default())).bind(&url).await?;
    println!("{}", server.url());
    let ended = async { drop(spawn_blocking(|| io::read_to_string(io::stdin())).await) };
    server.serve_until(ended).await;
    Ok(())
}
