//! The callers of the fault test. It says what the process holds for each empty line that it reads, and for each other, which is a
//! [`Task`] in JSON, what its callers saw.

mod blocking;
mod tasks;

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::runtime::Runtime;

use super::judge::{Judge, Tally};
use crate::Outcome;
use crate::held::Held;
use crate::serving::{runtime, say};

/// What callers are to do.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    sharing: Sharing,
    url: String,
    /// The seconds that each call may take.
    deadline: f64,
    #[serde(default)]
    transport: Transport,
    /// The file of the authority that is trusted, for TLS.
    ca: Option<PathBuf>,
    callers: u64,
    calls: u64,
    seed: u64,
    may_be_damaged: bool,
}

/// How callers share connections.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Sharing {
    /// All calls are on one connection.
    One,
    /// They are on eight connections.
    Eight,
    /// Each call in flight has a connection of its own, of a pool.
    Pool,
    /// The same, and what may be asked again is; connections are given up when they are idle or old.
    Retrying,
    /// Threads block, and share a channel.
    Blocking,
}

/// How messages are told apart.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
enum Transport {
    #[default]
    #[serde(rename = "framed")]
    Framed,
    #[serde(rename = "unframed")]
    Unframed,
    #[serde(rename = "header")]
    Header,
    #[serde(rename = "header+zlib")]
    HeaderZlib,
    #[serde(rename = "zlib")]
    Zlib,
}

/// The calls that are still to be made, of all callers.
#[derive(Debug)]
struct Tickets(AtomicU64);

impl Tickets {
    /// Whether there is one more.
    fn take(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

impl Task {
    fn deadline(&self) -> Duration {
        Duration::from_secs_f64(self.deadline)
    }

    /// How long it is waited for the callers.
    fn patience(&self) -> Duration {
        Duration::from_secs(60 + self.calls / 100)
    }

    fn judge(&self, caller: u64) -> Judge {
        Judge::new(self.seed.wrapping_mul(1009).wrapping_add(caller), self.deadline(), self.may_be_damaged)
    }

    fn run(&self, runtime: &Runtime) -> Outcome<Tally> {
        match self.sharing {
            Sharing::Blocking => blocking::run(self),
            _ => runtime.block_on(tasks::run(self)),
        }
    }
}

/// Calls as it is told until there is no more to read.
pub(crate) fn run() -> Outcome {
    let runtime = runtime()?;
    say(&serde_json::json!({}))?;
    for line in io::stdin().lines() {
        let line = line?;
        if line.is_empty() {
            say(&Held::now(runtime.handle())?)?;
        } else {
            let task: Task = serde_json::from_str(&line)?;
            say(&task.run(&runtime)?)?;
        }
    }
    Ok(())
}
