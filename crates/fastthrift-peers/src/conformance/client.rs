//! Calls a server, and checks every reply.

use std::fs;
use std::time::Duration;

use fastthrift::{Channel, ChannelBuilder, ClientTls, Framing, Protocol};

use super::checks::CHECKS;
use super::{Arguments, PASSWORD, USERNAME};
use crate::Outcome;

/// How to connect.
pub(super) struct Setting {
    builder: ChannelBuilder,
}

impl Setting {
    fn new(asked: &Arguments) -> Outcome<Self> {
        let url = asked.get("url")?;
        let protocol: Protocol = asked.get("protocol")?.parse()?;
        let mut builder = Channel::builder(url).protocol(protocol).timeout(Duration::from_secs(10));
        builder = match asked.get("transport")? {
            "buffered" => builder.framing(Framing::Unframed),
            "framed" => builder.framing(Framing::Framed),
            "header" => builder.framing(Framing::Header),
            "sasl" => builder.sasl_plain(USERNAME, PASSWORD)?,
            "zlib" => builder.zlib(),
            other => return Err(format!("there is no transport {other:?}").into()),
        };
        if url.starts_with("tls:") || url.starts_with("https:") {
            builder = builder.tls(ClientTls::new().authorities(fs::read(asked.get("ca")?)?));
        }
        // Apache's servers answer the calls of a connection one after the other, and over HTTP some answer no oneway.
        Ok(Self { builder: builder.one_call_a_connection() })
    }

    /// A channel of its own.
    pub(super) async fn connect(&self) -> Outcome<Channel> {
        Ok(self.builder.clone().connect().await?)
    }
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
