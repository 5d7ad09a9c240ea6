//! What a client decides about its connections and its calls, as pure functions: the time is an argument, since a moment that
//! the caller chooses once, and so is chance.

mod backoff;
mod budget;
mod pool;

pub use backoff::Backoff;
pub use budget::RetryBudget;
pub use pool::{Age, PoolPolicy, Verdict};
