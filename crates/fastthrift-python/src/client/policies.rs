//! The classes that say how a client pools connections and makes calls again; asyncio's clients take them, too.

use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::policy::{self, PoolPolicy};
use pyo3::PyClass;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;

use super::retrying::SharedBudget;
use crate::numbers::{Count, Number};

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
        signature = (size=Count(1), *, idle_timeout=None, max_age=None, health_check=None, check_after=Number(10.0),
                     check_timeout=Number(1.0)),
        text_signature = "(size=1, *, idle_timeout=None, max_age=None, health_check=None, check_after=10.0, check_timeout=1.0)"
    )]
    fn new(
        size: Count,
        idle_timeout: Option<Number>,
        max_age: Option<Number>,
        health_check: Option<String>,
        check_after: Number,
        check_timeout: Number,
    ) -> PyResult<Self> {
        let idle_timeout = idle_timeout.map(|given| positive("idle_timeout", given)).transpose()?;
        let max_age = max_age.map(|given| positive("max_age", given)).transpose()?;
        let check_after = duration("check_after", check_after)?;
        let check_after = health_check.is_some().then_some(check_after);
        let policy = PoolPolicy { size: size.0, idle_timeout, max_age, check_after, ..PoolPolicy::default() };
        Ok(Self { policy, health_check, check_timeout: positive("check_timeout", check_timeout)? })
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
        signature = (ratio=Number(0.2), *, per_second=Number(10.0), burst=Number(100.0)),
        text_signature = "(ratio=0.2, *, per_second=10.0, burst=100.0)"
    )]
    fn new(ratio: Number, per_second: Number, burst: Number) -> PyResult<Self> {
        let (Number(ratio), Number(per_second), Number(burst)) = (ratio, per_second, burst);
        for (name, number) in [("ratio", ratio), ("per_second", per_second), ("burst", burst)] {
            if number.is_nan() || number < 0.0 {
                return Err(PyValueError::new_err(format!("{name} must not be negative, got {number}")));
            }
        }
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
        signature = (first=Number(0.01), *, most=Number(1.0), factor=Number(2.0), jitter=Number(1.0)),
        text_signature = "(first=0.01, *, most=1.0, factor=2.0, jitter=1.0)"
    )]
    fn new(first: Number, most: Number, factor: Number, jitter: Number) -> PyResult<Self> {
        let (Number(factor), Number(jitter)) = (factor, jitter);
        if !(factor >= 1.0 && factor.is_finite()) {
            return Err(PyValueError::new_err(format!("factor must be at least 1, got {factor}")));
        }
        if !(0.0..=1.0).contains(&jitter) {
            return Err(PyValueError::new_err(format!("jitter must be from 0 to 1, got {jitter}")));
        }
        let (first, most) = (duration("first", first)?, duration("most", most)?);
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
        signature = (attempts=Count(3), *, budget=None, backoff=None),
        text_signature = "(attempts=3, *, budget=None, backoff=None)"
    )]
    fn new(attempts: Count, budget: Option<&Bound<'_, Budget>>, backoff: Option<&Bound<'_, Backoff>>) -> Self {
        let attempts = u32::try_from(attempts.0).unwrap_or(u32::MAX);
        let own = || Arc::new(SharedBudget::new(policy::RetryBudget::default()));
        let budget = budget.map_or_else(own, |budget| budget.get().0.clone());
        Self { attempts, budget, backoff: backoff.map(|backoff| backoff.get().0).unwrap_or_default() }
    }

    fn __repr__(&self) -> String {
        format!("<Retry of up to {} attempts>", self.attempts)
    }
}

/// A number of seconds that is not 0.
pub(crate) fn positive(name: &str, seconds: Number) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(seconds.0) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(PyValueError::new_err(format!("{name} must be a positive number of seconds, got {seconds}"))),
    }
}

fn duration(name: &str, seconds: Number) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds.0).map_err(|_| {
        PyValueError::new_err(format!("{name} must be a number of seconds that is not negative, got {seconds}"))
    })
}

/// What an option says that takes an object of one class, or None.
pub(crate) fn option_of<'a, 'py, T: PyClass>(
    name: &str,
    given: Option<&'a Bound<'py, PyAny>>,
) -> PyResult<Option<&'a Bound<'py, T>>> {
    let Some(given) = given else { return Ok(None) };
    given
        .cast::<T>()
        .map(Some)
        .map_err(|_| PyTypeError::new_err(format!("{name} must be a fastthrift.{} or None, got {given:?}", T::NAME)))
}

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Pool>()?;
    module.add_class::<Budget>()?;
    module.add_class::<Backoff>()?;
    module.add_class::<Retry>()
}
