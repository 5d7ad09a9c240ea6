//! Calls a server, and checks every reply.

use std::fs;
use std::time::Duration;

use fastthrift::{Channel, ChannelBuilder, ClientTls, Framing, Protocol, blocking};

use super::checks::CHECKS;
use super::engines::AnyChannel;
use super::{Arguments, PASSWORD, USERNAME};
use crate::Outcome;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How to connect.
pub(super) enum Setting {
    Tokio(ChannelBuilder),
    Blocking(blocking::ChannelBuilder),
}

impl Setting {
    fn new(asked: &Arguments) -> Outcome<Self> {
        match asked.find("engine") {
            None => Self::tokio(asked),
            Some("blocking") => Self::blocking(asked),
            Some(other) => Err(format!("there is no engine {other:?}").into()),
        }
    }

    fn tokio(asked: &Arguments) -> Outcome<Self> {
        let protocol: Protocol = asked.get("protocol")?.parse()?;
        let mut builder = Channel::builder(asked.get("url")?).protocol(protocol).timeout(TIMEOUT);
        builder = match asked.get("transport")? {
            "sasl" => builder.sasl_plain(USERNAME, PASSWORD)?,
            "zlib" => builder.zlib(),
            other => builder.framing(framing(other)?),
        };
        if let Some(tls) = tls(asked)? {
            builder = builder.tls(tls);
        }
        // Apache's servers answer the calls of a connection one after the other, and over HTTP some answer no oneway.
        Ok(Self::Tokio(builder.one_call_a_connection()))
    }

    fn blocking(asked: &Arguments) -> Outcome<Self> {
        let protocol: Protocol = asked.get("protocol")?.parse()?;
        let builder = blocking::Channel::builder(asked.get("url")?).protocol(protocol).timeout(TIMEOUT);
        let mut builder = match asked.get("transport")? {
            "sasl" => builder.sasl_plain(USERNAME, PASSWORD)?,
            other => builder.framing(framing(other)?),
        };
        if let Some(tls) = tls(asked)? {
            builder = builder.tls(tls);
        }
        Ok(Self::Blocking(builder))
    }

    /// A channel of its own.
    pub(super) async fn connect(&self) -> Outcome<AnyChannel> {
        Ok(match self {
            Self::Tokio(builder) => AnyChannel::Tokio(builder.clone().connect().await?),
            Self::Blocking(builder) => AnyChannel::Blocking(builder.clone().connect()?),
        })
    }
}

fn framing(transport: &str) -> Outcome<Framing> {
    match transport {
        "buffered" => Ok(Framing::Unframed),
        "framed" => Ok(Framing::Framed),
        "header" => Ok(Framing::Header),
        other => Err(format!("there is no transport {other:?}").into()),
    }
}

/// What the client trusts, where the URL says TLS.
fn tls(asked: &Arguments) -> Outcome<Option<ClientTls>> {
    let url = asked.get("url")?;
    if !url.starts_with("tls:") && !url.starts_with("https:") {
        return Ok(None);
    }
    Ok(Some(ClientTls::new().authorities(fs::read(asked.get("ca")?)?)))
}

/// Makes all checks, or the one that is asked for, and prints a line for each.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Outcome {
    let asked = Arguments::new(arguments)?;
    let setting = Setting::new(&asked)?;
    let only = asked.find("only");
    crate::serving::runtime()?.block_on(async {
        let mut failed = 0;
        for (name, check) in CHECKS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
            match check(&setting).await {
                Ok(()) => println!("ok {name}"),
                Err(error) => {
                    failed += 1;
                    println!("FAIL {name}: {:.300}", error.to_string().escape_debug().to_string());
                }
            }
        }
        if failed == 0 { Ok(()) } else { Err(format!("{failed} checks failed").into()) }
    })
}
