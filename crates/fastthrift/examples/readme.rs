//! The program in Rust that README.md opens with; the tests hold the two to each other.

#[path = "idl/readme.rs"]
#[rustfmt::skip]
mod idl;

use fastthrift::{CallError, Channel, Server};
use idl::calculator::{Calculator, CalculatorClient, CalculatorServer};

struct Handler;

impl Calculator for Handler {
    async fn add(&self, a: i64, b: i64) -> Result<i64, CallError> {
        Ok(a + b)
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await?;
    let url = server.url();
    tokio::spawn(server.serve());
    let client = CalculatorClient::new(Channel::connect(&url).await?);
    println!("{}", client.add(2, 3).await?); // 5
    Ok(())
}
