//! What a client decides about its connections and its calls, as pure functions: the time is an argument, since a moment that
//! the caller chooses once, and so is chance.

mod backoff;
mod budget;
mod pool;

use std::time::Duration;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use pool::{Age, PoolPolicy, Verdict};

/// How much earlier calls are to end that a handler makes for the call that it serves. Times are announced in whole milliseconds,
/// rounded up: without this, what is left would not shrink from server to server where each takes less.
pub const HOP: Duration = Duration::from_millis(1);
