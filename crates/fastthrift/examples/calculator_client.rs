//! Calls a server of `examples/rust/calculator.thrift`: `calculator_client [URL [PROTOCOL [header]]]`.

#[path = "idl/calculator.rs"]
#[rustfmt::skip]
mod idl;

use std::error::Error;
use std::time::Duration;

use fastthrift::{Channel, Framing};
use idl::calculator::{AddError, CalculatorClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let url = arguments.first().map_or("tcp://127.0.0.1:9090", String::as_str);
    let mut builder = Channel::builder(url).timeout(Duration::from_secs(10));
    if let Some(protocol) = arguments.get(1) {
        builder = builder.protocol(protocol.parse()?);
    }
    if arguments.get(2).is_some_and(|it| it == "header") {
        builder = builder.framing(Framing::Header);
    }
    let client = CalculatorClient::new(builder.connect().await?);
    println!("2 + 3 = {}", client.add(2, 3).await?);
    match client.add(i32::MAX, 1).await {
        Err(AddError::Overflow(overflow)) => println!("{} over {}", overflow.message, overflow.limit),
        other => println!("{other:?}"),
    }
    client.log("the client was here").await?;
    println!("{}", client.greet("Ada").await?);
    Ok(())
}
