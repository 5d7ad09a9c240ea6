//! The server and the client of the conformance suite.

mod checks;
mod client;
mod engines;
mod handler;
mod server;
mod values;

use std::collections::BTreeMap;

use crate::Outcome;

pub(crate) use client::run as call;
pub(crate) use server::run as serve;

/// What the servers call the service for clients that multiplex.
const MULTIPLEXED_NAME: &str = "conformance";
/// Who may call where clients have to say who they are.
const USERNAME: &str = "conformance";
const PASSWORD: &str = "pass wörd";

/// What a program is asked for: `--name value`, over and over.
struct Arguments(BTreeMap<String, String>);

impl Arguments {
    fn new(arguments: impl Iterator<Item = String>) -> Outcome<Self> {
        let mut arguments = arguments.peekable();
        let mut found = BTreeMap::new();
        while let Some(name) = arguments.next() {
            let name = name.strip_prefix("--").ok_or("expected --name value")?;
            found.insert(name.to_owned(), arguments.next().ok_or("expected a value")?);
        }
        Ok(Self(found))
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn get(&self, name: &str) -> Outcome<&str> {
        self.find(name).ok_or_else(|| format!("--{name} is missing").into())
    }
}
