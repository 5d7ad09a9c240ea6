//! Serves, and prints where. How a client speaks, the server finds out.

use std::fs;

use fastthrift::{Server, ServerTls};

use super::Arguments;
use super::handler::{Handler, Named};
use crate::Outcome;
use crate::idl::conformance::ConformanceServer;

/// Serves until it is killed.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Outcome {
    let asked = Arguments::new(arguments)?;
    let service = || ConformanceServer::new(Handler::default());
    crate::serving::runtime()?.block_on(async {
        let mut builder = Server::builder(service()).service(Named(service()));
        let url = asked.get("url")?;
        if url.starts_with("tls:") || url.starts_with("https:") {
            builder = builder.tls(ServerTls::new(&fs::read(asked.get("cert")?)?, &fs::read(asked.get("key")?)?)?);
        }
        let server = builder.bind(url).await?;
        println!("listening {}", server.url());
        server.serve().await;
        Ok(())
    })
}
