//! What a client goes by that pools connections and repeats calls, blocking or on an event loop.

use fastthrift_rpc::policy::PoolPolicy;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use super::health::Health;
use super::hedging::Hedging;
use super::policies::{Pool, Retry};
use super::retrying::Retrying;
use crate::given::{object_of, time_limit};
use crate::service::ServiceHandle;

/// The options `pool`, `retry` and `hedge`.
pub(crate) struct PolicySet {
    pub(crate) pool: PoolPolicy,
    pub(crate) health: Option<Health>,
    pub(crate) retry: Option<Retrying>,
    pub(crate) hedging: Option<Hedging>,
}

impl PolicySet {
    /// Reads what `connect` was given; `size` is that of the pool where none is given.
    pub(crate) fn new(
        handle: &Bound<'_, ServiceHandle>,
        pool: Option<&Bound<'_, PyAny>>,
        retry: Option<&Bound<'_, PyAny>>,
        hedge: Option<&Bound<'_, PyAny>>,
        size: usize,
    ) -> PyResult<Self> {
        let given = object_of::<Pool>("pool", pool)?.map(Bound::get);
        let health = given.map(|pool| Health::new(handle, pool)).transpose()?.flatten();
        let pool = given.map_or(PoolPolicy { size, ..PoolPolicy::default() }, |pool| pool.policy);
        let retry = object_of::<Retry>("retry", retry)?.map(|retry| Retrying::new(retry.get()));
        let hedge = time_limit("hedge", hedge)?;
        if hedge.is_some() && pool.size < 2 {
            let text = "hedge needs a second connection: give pool=fastthrift.Pool(2) or more";
            return Err(PyValueError::new_err(text));
        }
        let hedging = hedge.map(|delay| Hedging::new(delay, retry.as_ref()));
        Ok(Self { pool, health, retry, hedging })
    }
}
