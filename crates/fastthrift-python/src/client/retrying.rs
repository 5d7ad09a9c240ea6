//! Calls that are made again.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastthrift_rpc::policy::{Backoff, RetryBudget};
use pyo3::prelude::*;

use super::calling::{Attempt, Outgoing, Trouble};
use super::policies::Retry;

/// How long is slept at once, before signals are looked at.
const SLICE: Duration = Duration::from_millis(50);

/// When and how often the calls of a client are made again.
pub(crate) struct Retrying {
    /// How often a call is made at most.
    attempts: u32,
    pub(crate) budget: Arc<SharedBudget>,
    backoff: Backoff,
}

/// A budget that clients share, with a clock.
pub(crate) struct SharedBudget {
    budget: Mutex<RetryBudget>,
    epoch: Instant,
}

impl SharedBudget {
    pub(crate) fn new(budget: RetryBudget) -> Self {
        Self { budget: Mutex::new(budget), epoch: Instant::now() }
    }

    /// Notes a new call.
    pub(crate) fn deposit(&self) {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).deposit();
    }

    /// Whether a call may be made again.
    pub(crate) fn withdraw(&self) -> bool {
        let now = self.epoch.elapsed();
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).withdraw(now)
    }
}

impl Retrying {
    pub(super) fn new(given: &Retry) -> Self {
        Self { attempts: given.attempts, budget: given.budget.clone(), backoff: given.backoff }
    }

    /// Makes attempts until one succeeds, or no other is allowed.
    pub(super) fn run(
        &self,
        outgoing: &Outgoing<'_, '_>,
        is_idempotent: bool,
        mut attempt: impl FnMut() -> Attempt,
    ) -> Attempt {
        self.budget.deposit();
        let mut failed = 0;
        loop {
            let failure = match attempt() {
                Err(Trouble::Failed(failure)) if failure.is_retryable(is_idempotent) => failure,
                done => return done,
            };
            failed += 1;
            match self.next_wait(failed, |wait| outgoing.has_time_for(wait)) {
                Some(wait) => sleep(outgoing.registry.py(), wait)?,
                None => return Err(failure.into()),
            }
        }
    }

    /// How long is waited before the next attempt at a call of which so many failed, if there may be one.
    pub(crate) fn next_wait(&self, failed: u32, has_time_for: impl FnOnce(Duration) -> bool) -> Option<Duration> {
        let wait = self.backoff.delay(failed, chance());
        (failed < self.attempts && has_time_for(wait) && self.budget.withdraw()).then_some(wait)
    }
}

/// A random number from 0 to 1; nothing secret depends on it.
fn chance() -> f64 {
    let drawn = RandomState::new().hash_one(0_u8) >> 32;
    u32::try_from(drawn).map_or(0.0, |drawn| f64::from(drawn) / f64::from(u32::MAX))
}

/// Sleeps with the interpreter released; a signal's handler may end it.
fn sleep(py: Python<'_>, time: Duration) -> PyResult<()> {
    let end = Instant::now().checked_add(time);
    loop {
        let left = end.map_or(SLICE, |end| end.saturating_duration_since(Instant::now()));
        if left.is_zero() {
            return Ok(());
        }
        py.detach(|| std::thread::sleep(left.min(SLICE)));
        py.check_signals()?;
    }
}
