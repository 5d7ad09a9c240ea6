//! Calls that are made again.

use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use fastthrift_protocol::ApplicationExceptionKind;
use fastthrift_rpc::policy::{Backoff, RetryBudget};
use tokio::time::{Instant, sleep};

use crate::{CallError, CallErrorKind, ClientReply, ClientRequest, Interceptor, Next};

/// An interceptor that makes calls again which failed for want of a connection or of time, as far as its budget allows: those of which
/// nothing was sent, those that the server refused as it had too many (`LOADSHEDDING`), and those of functions that the IDL marks
/// `(idempotent = "true")`.
///
/// The call's time-out counts for each attempt.
///
/// ```
/// use fastthrift::{CallError, Channel, Retry};
///
/// async fn patient(url: &str) -> Result<Channel, CallError> {
///     Ok(Channel::connect(url).await?.with_interceptor(Retry::new(3)))
/// }
/// ```
#[derive(Debug)]
pub struct Retry {
    attempts: u32,
    backoff: Backoff,
    budget: Mutex<RetryBudget>,
    epoch: Instant,
    chances: (RandomState, AtomicU64),
}

impl Retry {
    /// At most this many attempts of one call, the first included (0 counts as 1); waits from 10 ms to 1 s between them, and a budget of a
    /// fifth of all calls, ten a second and a hundred at once.
    pub fn new(attempts: u32) -> Self {
        Self {
            attempts,
            backoff: Backoff::default(),
            budget: Mutex::new(RetryBudget::default()),
            epoch: Instant::now(),
            chances: (RandomState::new(), AtomicU64::new(0)),
        }
    }

    /// Waits so between two attempts.
    #[must_use]
    pub fn backoff(self, backoff: Backoff) -> Self {
        Self { backoff, ..self }
    }

    /// How many calls may be made again.
    #[must_use]
    pub fn budget(self, budget: RetryBudget) -> Self {
        Self { budget: Mutex::new(budget), ..self }
    }

    fn may_repeat(&self, request: &ClientRequest, error: &CallError) -> bool {
        let is_harmless = !error.was_sent() || request.function.is_idempotent() || is_refused(error);
        is_harmless && is_passing(error) && {
            let mut budget = self.budget.lock().unwrap_or_else(PoisonError::into_inner);
            budget.withdraw(self.epoch.elapsed())
        }
    }

    /// A number from 0 to 1, another each time.
    fn chance(&self) -> f64 {
        let (state, count) = &self.chances;
        let hash = state.hash_one(count.fetch_add(1, Ordering::Relaxed));
        f64::from(u32::try_from(hash >> 32).unwrap_or(u32::MAX)) / f64::from(u32::MAX)
    }
}

impl Interceptor for Retry {
    async fn call(&self, request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
        self.budget.lock().unwrap_or_else(PoisonError::into_inner).deposit();
        for attempt in 1..self.attempts {
            match next.run(request.clone()).await {
                Err(error) if self.may_repeat(&request, &error) => {
                    sleep(self.backoff.delay(attempt, self.chance())).await;
                }
                outcome => return outcome,
            }
        }
        next.run(request).await
    }
}

/// Whether the server says that it did not begin with the call.
fn is_refused(error: &CallError) -> bool {
    error.application_exception().is_some_and(|exception| exception.kind == ApplicationExceptionKind::LOADSHEDDING)
}

/// Whether the next attempt may have more luck.
fn is_passing(error: &CallError) -> bool {
    match error.kind() {
        CallErrorKind::Connect(_) | CallErrorKind::ConnectionLost(_) | CallErrorKind::Timeout => true,
        _ => is_refused(error),
    }
}
