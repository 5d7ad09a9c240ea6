//! What the servers have in common: their options, and what they say.

use std::collections::BTreeMap;
use std::future::ready;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Duration;

use fastthrift::{Limits, Server, ServerBuilder, ServerTls, Service};
use serde::{Deserialize, Serialize};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::Outcome;
use crate::held::Held;

/// How a server is set up: as the servers of the Python package are, whose options have the same names. Times are in seconds.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Options {
    max_message_size: Option<usize>,
    max_decoded_size: Option<usize>,
    max_container_size: Option<usize>,
    max_connections: Option<usize>,
    max_memory: Option<usize>,
    message_timeout: Option<f64>,
    idle_timeout: Option<f64>,
    /// The files of a certificate and its key, with which TLS is served, too.
    identity: Option<(PathBuf, PathBuf)>,
    /// Who may call by which password; when there are none, everybody may.
    accounts: BTreeMap<String, String>,
}

/// What a server says first.
#[derive(Debug, Serialize)]
struct Ports {
    port: u16,
    ports: BTreeMap<String, u16>,
}

/// A runtime on which all that a program does runs.
pub(crate) fn runtime() -> io::Result<Runtime> {
    Builder::new_multi_thread().worker_threads(4).enable_all().build()
}

/// Says a line of JSON.
pub(crate) fn say(what: &impl Serialize) -> Outcome {
    let mut line = serde_json::to_vec(what)?;
    line.push(b'\n');
    let mut out = io::stdout().lock();
    out.write_all(&line)?;
    Ok(out.flush()?)
}

/// Serves until there is no more to read: says the ports, and for each line that is read what the process holds.
pub(crate) fn serve<S: Service>(service: S, options: &str) -> Outcome {
    let options: Options = serde_json::from_str(options)?;
    let runtime = runtime()?;
    let server = runtime.block_on(bind(Server::builder(service), &options))?;
    say(&ports(&server))?;
    let (stop, stopped) = oneshot::channel::<()>();
    let serving = runtime.spawn(server.serve_until(async { drop(stopped.await) }));
    for line in io::stdin().lines() {
        line?;
        say(&Held::now(runtime.handle())?)?;
    }
    drop(stop);
    Ok(runtime.block_on(serving)?)
}

async fn bind<S: Service>(builder: ServerBuilder<S>, options: &Options) -> Outcome<Server<S>> {
    let builder = configured(builder, options);
    let builder = if options.accounts.is_empty() {
        builder.listen("http://127.0.0.1:0")
    } else {
        let accounts = options.accounts.clone();
        builder.sasl_plain(move |login| ready(accounts.get(&login.username) == Some(&login.password)))
    };
    let builder = match &options.identity {
        None => builder,
        Some((chain, key)) => {
            let tls = ServerTls::new(&std::fs::read(chain)?, &std::fs::read(key)?)?;
            builder.tls(tls).listen("tls://127.0.0.1:0").listen("https://127.0.0.1:0")
        }
    };
    Ok(builder.bind("tcp://127.0.0.1:0").await?)
}

fn configured<S: Service>(builder: ServerBuilder<S>, options: &Options) -> ServerBuilder<S> {
    let message = options.max_message_size.unwrap_or(Limits::DEFAULT.message);
    let limits = Limits {
        message,
        string: message,
        container: options.max_container_size.unwrap_or(Limits::DEFAULT.container),
        memory: options.max_decoded_size.unwrap_or(Limits::DEFAULT.memory),
        ..Limits::DEFAULT
    };
    let mut builder = builder.limits(limits).drain_timeout(Duration::from_secs(2));
    if let Some(count) = options.max_connections {
        builder = builder.max_connections(count);
    }
    if let Some(bytes) = options.max_memory {
        builder = builder.max_memory(bytes);
    }
    if let Some(seconds) = options.message_timeout {
        builder = builder.message_timeout(Duration::from_secs_f64(seconds));
    }
    if let Some(seconds) = options.idle_timeout {
        builder = builder.idle_timeout(Duration::from_secs_f64(seconds));
    }
    builder
}

fn ports<S: Service>(server: &Server<S>) -> Ports {
    let port = |url: &str| {
        let (scheme, rest) = url.split_once("://")?;
        let port = rest.rsplit(':').next()?.trim_end_matches('/').parse().ok()?;
        Some((scheme.to_owned(), port))
    };
    let ports: BTreeMap<_, _> = server.urls().filter_map(|url| port(&url)).collect();
    Ports { port: ports.get("tcp").copied().unwrap_or_default(), ports }
}
