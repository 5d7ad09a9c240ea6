//! The classes that say how a client pools connections and makes calls again; asyncio's clients take them, too.
#![expect(clippy::needless_pass_by_value, reason = "Python passes them so")]

use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::policy::{self, PoolPolicy};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::retrying::SharedBudget;
use crate::given::{Given, Number, count, not_negative, object_of, optional, positive, text, time_limit};

/// How many connections a client keeps, and for how long.
///
/// Threads that call at the same time use up to `size` connections; the others wait for one, no longer than their
/// deadlines. A connection that nobody used for `idle_timeout` seconds, or that is `max_age` seconds old, is closed once
/// no call uses it. Before a connection that was idle is used, it is looked whether the server closed it, which costs no
/// round trip. `health_check` names a function of the service that can be called without arguments: it is called over a
/// connection that nobody used for `check_after` seconds, and has `check_timeout` seconds to return; another connection
/// is made where it does not. A connection on which a call failed is never used again.
#[pyclass(frozen, module = "fastthrift")]
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) policy: PoolPolicy,
    pub(crate) health_check: Option<String>,
    pub(crate) check_timeout: Duration,
}

#[pymethods]
impl Pool {
    #[new]
    #[pyo3(
        signature = (size=Given::NOTHING, *, idle_timeout=None, max_age=None, health_check=None, check_after=Given::NOTHING,
                     check_timeout=Given::NOTHING),
        text_signature = "(size=1, *, idle_timeout=None, max_age=None, health_check=None, check_after=10.0, check_timeout=1.0)"
    )]
    fn new(
        size: Given<'_>,
        idle_timeout: Option<&Bound<'_, PyAny>>,
        max_age: Option<&Bound<'_, PyAny>>,
        health_check: Option<&Bound<'_, PyAny>>,
        check_after: Given<'_>,
        check_timeout: Given<'_>,
    ) -> PyResult<Self> {
        let size = size.read("size", 1, count)?;
        let idle_timeout = time_limit("idle_timeout", idle_timeout)?;
        let max_age = time_limit("max_age", max_age)?;
        let health_check = optional("health_check", health_check, text)?;
        let check_after = not_negative("check_after", check_after.number("check_after", 10.0)?)?;
        let check_timeout = positive("check_timeout", check_timeout.number("check_timeout", 1.0)?)?;
        let check_after = health_check.is_some().then_some(check_after);
        let policy = PoolPolicy { size, idle_timeout, max_age, check_after, ..PoolPolicy::default() };
        Ok(Self { policy, health_check, check_timeout })
    }

    fn __repr__(&self) -> String {
        format!("<Pool of up to {} connections>", self.policy.size)
    }
}

impl Default for Pool {
    fn default() -> Self {
        Self { policy: PoolPolicy::default(), health_check: None, check_timeout: Duration::from_secs(1) }
    }
}

/// How many calls may be made again: each call adds `ratio`, each second `per_second`, up to `burst`; each call that is
/// made again takes 1. Clients that are given the same budget share it.
#[pyclass(name = "RetryBudget", frozen, module = "fastthrift")]
pub(crate) struct Budget(pub(crate) Arc<SharedBudget>);

#[pymethods]
impl Budget {
    #[new]
    #[pyo3(
        signature = (ratio=Given::NOTHING, *, per_second=Given::NOTHING, burst=Given::NOTHING),
        text_signature = "(ratio=0.2, *, per_second=10.0, burst=100.0)"
    )]
    fn new(ratio: Given<'_>, per_second: Given<'_>, burst: Given<'_>) -> PyResult<Self> {
        let some = |given: Given<'_>, name, default| match given.number(name, default)? {
            Number(number) if number >= 0.0 => Ok(number),
            number => Err(PyValueError::new_err(format!("{name} must not be negative, got {number}"))),
        };
        let ratio = some(ratio, "ratio", 0.2)?;
        let (per_second, burst) = (some(per_second, "per_second", 10.0)?, some(burst, "burst", 100.0)?);
        Ok(Self(Arc::new(SharedBudget::new(policy::RetryBudget::new(ratio, per_second, burst)))))
    }
}

/// How long is waited before a call is made again: `first` seconds, `factor` times as long each time after, at most `most`
/// seconds; `jitter` is the part of each wait, from 0 to 1, that is left to chance.
#[pyclass(frozen, module = "fastthrift")]
#[derive(Debug)]
pub(crate) struct Backoff(pub(crate) policy::Backoff);

#[pymethods]
impl Backoff {
    #[new]
    #[pyo3(
        signature = (first=Given::NOTHING, *, most=Given::NOTHING, factor=Given::NOTHING, jitter=Given::NOTHING),
        text_signature = "(first=0.01, *, most=1.0, factor=2.0, jitter=1.0)"
    )]
    fn new(first: Given<'_>, most: Given<'_>, factor: Given<'_>, jitter: Given<'_>) -> PyResult<Self> {
        let (first, most) = (first.number("first", 0.01)?, most.number("most", 1.0)?);
        let (Number(factor), Number(jitter)) = (factor.number("factor", 2.0)?, jitter.number("jitter", 1.0)?);
        if !(factor >= 1.0 && factor.is_finite()) {
            return Err(PyValueError::new_err(format!("factor must be at least 1, got {factor}")));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(PyValueError::new_err(format!("jitter must be from 0 to 1, got {jitter}")));
        }
        let (first, most) = (not_negative("first", first)?, not_negative("most", most)?);
        Ok(Self(policy::Backoff { first, most, factor, jitter }))
    }

    fn __repr__(&self) -> String {
        format!("<Backoff from {:?} to {:?}>", self.0.first, self.0.most)
    }
}

/// Makes calls that failed again: up to `attempts` times in all, within the deadline and the `budget`, after the waits of
/// `backoff`.
///
/// Only a call is made again that got no reply of any kind, and of which either nothing was sent or that does no harm when
/// it is carried out twice: its function has the annotation ``(idempotent = "true")``, or `with_options` says so.
#[pyclass(frozen, module = "fastthrift")]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) budget: Arc<SharedBudget>,
    pub(crate) backoff: policy::Backoff,
}

#[pymethods]
impl Retry {
    #[new]
    #[pyo3(
        signature = (attempts=Given::NOTHING, *, budget=None, backoff=None),
        text_signature = "(attempts=3, *, budget=None, backoff=None)"
    )]
    fn new(
        attempts: Given<'_>,
        budget: Option<&Bound<'_, PyAny>>,
        backoff: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let attempts = u32::try_from(attempts.read("attempts", 3, count)?).unwrap_or(u32::MAX);
        let budget = object_of::<Budget>("budget", budget)?;
        let backoff = object_of::<Backoff>("backoff", backoff)?;
        let own = || Arc::new(SharedBudget::new(policy::RetryBudget::default()));
        let budget = budget.map_or_else(own, |budget| budget.get().0.clone());
        Ok(Self { attempts, budget, backoff: backoff.map(|backoff| backoff.get().0).unwrap_or_default() })
    }

    fn __repr__(&self) -> String {
        format!("<Retry of up to {} attempts>", self.attempts)
    }
}

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Pool>()?;
    module.add_class::<Budget>()?;
    module.add_class::<Backoff>()?;
    module.add_class::<Retry>()
}
