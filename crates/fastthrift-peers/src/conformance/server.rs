//! Serves, and prints where. How a client speaks, the server finds out; whether it has to say who it is, the server is told.

use std::fs;

use fastthrift::{Server, ServerTls};

use super::handler::{Handler, Named};
use super::{Arguments, PASSWORD, USERNAME};
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
        if asked.find("transport") == Some("sasl") {
            builder = builder.sasl_plain(async |login| login.username == USERNAME && login.password == PASSWORD);
        }
        let server = builder.bind(url).await?;
        println!("listening {}", server.url());
        server.serve().await;
        Ok(())
    })
}
