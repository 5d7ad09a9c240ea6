//! How a connection begins, is kept and ends, beside the calls on it.

use std::time::Duration;

use fastthrift_rpc::policy::{Age, PoolPolicy, Verdict};
use pyo3::exceptions::PyConnectionError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::channel::{Body, Channel, End, Outgoing, Recipient};
use super::later::Later;
use super::target::Target;
use super::terms::Terms;
use crate::aio::secure::Secure;
use crate::class::none;
use crate::registry::Registry;

/// How long a connection that is closed may take to send what was written before.
const FAREWELL: Duration = Duration::from_secs(1);

/// What may be done with a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing yet: TLS shakes hands, or this side says who it is.
    Opening,
    /// Calls can be made.
    Open,
    /// A call finds out whether it is good; others wait.
    Checked,
    /// It is too old for further calls, and is closed when those that wait have ended.
    Retired,
    /// It is being closed, and is gone at that time, since the epoch; at once where there is none.
    Leaving(Option<Duration>),
}

impl Channel {
    /// Whether calls can be made from now on, which was not said before.
    pub(super) fn becomes_ready<'py>(&mut self, py: Python<'py>, later: &mut Later<'py>) -> bool {
        if self.ready.is_none() || self.secure.as_ref().is_some_and(Secure::is_handshaking) {
            return false;
        }
        let outcome = match self.connection.challenge() {
            Some(challenge) => PyBytes::new(py, challenge).into_any(),
            None if self.connection.is_handshaking() => {
                self.flush(py, later);
                return false;
            }
            None => none().into_bound(py),
        };
        let is_open = outcome.is_none();
        if is_open {
            self.standing = Standing::Open;
        }
        if let Some(ready) = self.ready.take() {
            later.end(ready.into_bound(py), Ok(outcome));
        }
        is_open
    }

    /// Answers what the mechanism of SASL was asked. `ready` is done when it is asked more, or when calls can be made.
    pub(super) fn respond<'py>(&mut self, py: Python<'py>, response: &[u8], ready: Py<PyAny>, later: &mut Later<'py>) {
        self.connection.respond(response);
        self.ready = Some(ready);
        self.flush(py, later);
    }

    /// Ends the opening of a connection, if that is not over. The exception says whether another attempt would end so, too.
    pub(super) fn fail_ready<'py>(&mut self, py: Python<'py>, end: &End<'_>, later: &mut Later<'py>) {
        let Some(ready) = self.ready.take() else { return };
        let error = PyConnectionError::new_err(end.to_string());
        let marked = error.value(py).setattr(intern!(py, "is_lasting"), end.is_lasting());
        later.end(ready.into_bound(py), Err(marked.err().unwrap_or(error)));
    }

    /// Whether it counts among the connections that there may be.
    pub(super) fn is_live(&self) -> bool {
        matches!(self.standing, Standing::Opening | Standing::Open | Standing::Checked)
    }

    /// Notes that something was done with it.
    pub(super) fn touch(&mut self, now: Duration) {
        self.age.used = now;
    }

    /// What becomes of it when it is to be used now. While calls wait on it, it is not idle.
    pub(super) fn verdict(&self, policy: &PoolPolicy, now: Duration) -> Verdict {
        let used = if self.waiting.is_empty() { self.age.used } else { now };
        policy.verdict(Age { used, ..self.age }, now)
    }

    /// When something is to be done with it, if nothing happens before.
    pub(super) fn next_end(&self, policy: &PoolPolicy) -> Option<Duration> {
        match self.standing {
            Standing::Open if self.waiting.is_empty() => policy.expires(self.age),
            Standing::Open => policy.max_age.and_then(|most| self.age.opened.checked_add(most)),
            Standing::Leaving(end) => end,
            Standing::Opening | Standing::Checked | Standing::Retired => None,
        }
    }

    /// Closes it if its time is over and no call waits on it; if calls do, it takes no others.
    pub(super) fn tend<'py>(&mut self, py: Python<'py>, policy: &PoolPolicy, now: Duration, later: &mut Later<'py>) {
        match self.standing {
            Standing::Open if self.verdict(policy, now) == Verdict::Close => self.standing = Standing::Retired,
            Standing::Leaving(Some(end)) if end <= now => return later.aborts.push(self.transport.bind(py).clone()),
            _ => {}
        }
        if self.standing == Standing::Retired && self.waiting.is_empty() {
            self.leave(py, now, later);
        }
    }

    /// Finds out by a call whether it is good. `registry` knows the function that the pool names.
    pub(super) fn check<'py>(
        &mut self,
        registry: &Bound<'py, Registry>,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) {
        let Some(health) = &target.policies.health else { return };
        let terms = Terms::until(now.checked_add(health.timeout));
        let call = Outgoing { recipient: Recipient::Check, registry, info: &health.info, terms: &terms };
        let begun = self.begin(target, call, &Body::Values(&[]), || now, later);
        self.standing = Standing::Checked;
        if begun.is_err() {
            self.checked(registry.py(), false, later);
        }
        later.sets_timer = true;
    }

    /// Notes whether it is good. One that is not takes no call, and is gone soon.
    pub(super) fn checked<'py>(&mut self, py: Python<'py>, is_good: bool, later: &mut Later<'py>) {
        if is_good {
            self.standing = Standing::Open;
        } else {
            self.standing = Standing::Leaving(None);
            later.aborts.push(self.transport.bind(py).clone());
        }
    }

    /// Ends all calls, and closes it when what was written is sent.
    pub(super) fn close<'py>(&mut self, py: Python<'py>, target: &Target, now: Duration, later: &mut Later<'py>) {
        self.end(py, target, &End::Closed, later);
        self.leave(py, now, later);
    }

    /// Closes it when what was written is sent, or after a while.
    fn leave<'py>(&mut self, py: Python<'py>, now: Duration, later: &mut Later<'py>) {
        self.flush(py, later);
        let mut farewell = Vec::new();
        if self.secure.as_mut().is_some_and(|secure| secure.close(&mut farewell).is_ok()) {
            later.writes.push((self.transport.bind(py).clone(), PyBytes::new(py, &farewell)));
        }
        later.closes.push(self.transport.bind(py).clone());
        later.sets_timer = true;
        self.standing = Standing::Leaving(now.checked_add(FAREWELL));
    }
}
