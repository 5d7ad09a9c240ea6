//! A client of `Calculator` that does as it is told: for each line that it reads, a [`Task`] in JSON, it says one of JSON.

use std::path::PathBuf;
use std::time::Duration;
use std::{fs, io};

use fastthrift::{CallError, CallErrorKind, Channel, ClientTls, Framing, Limits, Protocol, Transform, blocking};
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
    /// Have a text of so many bytes refused.
    Refuse(usize),
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
    /// The seconds that a call may take, and the making of a connection.
    timeout: f64,
    /// The bytes that a message may have.
    limit: usize,
    /// The file of the authorities that TLS trusts.
    authorities: Option<PathBuf>,
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
            Task::Add(a, b) => told(opened(client.as_ref())?.add(&runtime, a, b)),
            Task::Refuse(size) => told(opened(client.as_ref())?.refuse(&runtime, &"x".repeat(size))),
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

fn opened(client: Option<&Client>) -> Outcome<&Client> {
    client.ok_or_else(|| "there is no client".into())
}

async fn open(opening: &Opening) -> Result<Client, CallError> {
    let Opening { url, is_blocking, protocol, transport, timeout, limit, authorities } = opening;
    let framing = match transport.as_str() {
        "unframed" | "zlib" => Framing::Unframed,
        "header" | "header+zlib" => Framing::Header,
        _ => Framing::Framed,
    };
    let protocol: Protocol = protocol.parse().map_err(CallError::internal)?;
    let limits = Limits { message: *limit, string: *limit, ..Limits::DEFAULT };
    let timeout = Duration::from_secs_f64(*timeout);
    let pem = authorities.as_ref().map(fs::read).transpose().map_err(CallError::internal)?;
    let tls = pem.map(|pem| ClientTls::new().authorities(pem));
    if *is_blocking {
        let builder = blocking::Channel::builder(url).protocol(protocol).framing(framing);
        let mut builder = builder.timeout(timeout).connect_timeout(timeout).limits(limits);
        if let Some(tls) = tls {
            builder = builder.tls(tls);
        }
        return Ok(Client::Blocking(BlockingCalculatorClient::new(builder.connect()?)));
    }
    let mut builder = Channel::builder(url).protocol(protocol).framing(framing);
    builder = builder.timeout(timeout).connect_timeout(timeout).limits(limits);
    if let Some(tls) = tls {
        builder = builder.tls(tls);
    }
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

    fn refuse(&self, runtime: &Runtime, text: &str) -> Result<(), CallError> {
        match self {
            Self::Tokio(client) => runtime.block_on(client.refuse(text)),
            Self::Blocking(client) => client.refuse(text),
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
        CallErrorKind::Connect(_) => "connect",
        CallErrorKind::ConnectionLost(_) => "lost",
        CallErrorKind::Peer(_) => "peer",
        CallErrorKind::Timeout => "timeout",
        _ => "transport",
    }
}
