//! A client of `Calculator` that does as it is told: for each line that it reads, a [`Task`] in JSON, it says one of JSON.

use std::io;
use std::time::Duration;

use fastthrift::{CallError, CallErrorKind, Channel, Framing, Limits, Protocol, Transform, blocking};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::Outcome;
use crate::held::Held;
use crate::idl::calculator::{BlockingCalculatorClient, CalculatorClient};
use crate::serving::{runtime, say};

/// What to do.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Task {
    /// Open a client instead of the one that there is.
    Open(Opening),
    /// Add two numbers.
    Add(i64, i64),
    /// Close the client.
    Close,
    /// Say what the process holds.
    Held,
}

/// How a client is opened.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Opening {
    url: String,
    is_blocking: bool,
    protocol: String,
    /// `framed`, `unframed`, `header`, `header+zlib` or `zlib`.
    transport: String,
    /// The seconds that a call may take.
    timeout: f64,
    /// The bytes that a message may have.
    limit: usize,
}

/// A client of either engine.
enum Client {
    Tokio(CalculatorClient),
    Blocking(BlockingCalculatorClient),
}

/// Does what it is told until there is no more to read.
pub(crate) fn run() -> Outcome {
    let runtime = runtime()?;
    let mut client = None;
    for line in io::stdin().lines() {
        let said = match serde_json::from_str(&line?)? {
            Task::Open(opening) => told(runtime.block_on(open(&opening)).map(|opened| client = Some(opened))),
            Task::Add(a, b) => match &client {
                Some(client) => told(client.add(&runtime, a, b)),
                None => return Err("there is no client".into()),
            },
            Task::Close => {
                client = None;
                told(Ok(()))
            }
            Task::Held => serde_json::to_value(Held::now(runtime.handle())?)?,
        };
        say(&said)?;
    }
    Ok(())
}

async fn open(opening: &Opening) -> Result<Client, CallError> {
    let Opening { url, is_blocking, protocol, transport, timeout, limit } = opening;
    let framing = match transport.as_str() {
        "unframed" | "zlib" => Framing::Unframed,
        "header" | "header+zlib" => Framing::Header,
        _ => Framing::Framed,
    };
    let protocol: Protocol = protocol.parse().map_err(CallError::internal)?;
    let (timeout, limits) = (Duration::from_secs_f64(*timeout), Limits { message: *limit, ..Limits::DEFAULT });
    if *is_blocking {
        let builder = blocking::Channel::builder(url).protocol(protocol).framing(framing);
        let channel = builder.timeout(timeout).limits(limits).connect()?;
        return Ok(Client::Blocking(BlockingCalculatorClient::new(channel)));
    }
    let mut builder = Channel::builder(url).protocol(protocol).framing(framing).timeout(timeout).limits(limits);
    match transport.as_str() {
        "header+zlib" => builder = builder.transforms(&[Transform::Zlib]),
        "zlib" => builder = builder.zlib(),
        _ => {}
    }
    builder.connect().await.map(|channel| Client::Tokio(CalculatorClient::new(channel)))
}

impl Client {
    fn add(&self, runtime: &Runtime, a: i64, b: i64) -> Result<i64, CallError> {
        match self {
            Self::Tokio(client) => runtime.block_on(client.add(a, b)),
            Self::Blocking(client) => client.add(a, b),
        }
    }
}

/// What is said of an outcome: the value, or the error's kind and text.
fn told<T: serde::Serialize>(outcome: Result<T, CallError>) -> Value {
    match outcome {
        Ok(value) => json!({ "value": value }),
        Err(error) => json!({ "error": kind(&error), "text": error.to_string() }),
    }
}

fn kind(error: &CallError) -> &'static str {
    match error.kind() {
        CallErrorKind::Application(_) => "application",
        CallErrorKind::Decode(_) | CallErrorKind::Encode(_) => "protocol",
        _ => "transport",
    }
}
