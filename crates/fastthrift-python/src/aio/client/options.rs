//! What a client is opened with, read when it is told and not only when a connection is made.

use fastthrift_rpc::policy::PoolPolicy;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::target::Target;
use crate::client::{self, CallDefaults, PolicySet, handle_of, headers_of};
use crate::given::time_limit;
use crate::interceptors::{Interceptors, Style};

/// How many connections there may be where one cannot carry several calls, unless the pool says so.
const SERIAL_SIZE: usize = 8;

/// What `fastthrift.aio.connect` was given; the names are its own.
#[pyclass(frozen, name = "AsyncOptions", module = "fastthrift._core")]
pub(super) struct Options {
    pub(super) target: Target,
    pub(super) interceptors: Interceptors,
}

#[pymethods]
impl Options {
    #[new]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn new(
        service: &Bound<'_, PyAny>,
        urls: Vec<String>,
        protocol: &Bound<'_, PyAny>,
        transport: Option<&Bound<'_, PyAny>>,
        timeout: Option<&Bound<'_, PyAny>>,
        service_name: Option<&Bound<'_, PyAny>>,
        pool: Option<&Bound<'_, PyAny>>,
        retry: Option<&Bound<'_, PyAny>>,
        tls: Option<&Bound<'_, PyAny>>,
        interceptors: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        sasl: Option<&Bound<'_, PyAny>>,
        opener: Option<&Bound<'_, PyAny>>,
        hedge: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let handle = handle_of(service)?;
        let timeout = time_limit("timeout", timeout)?;
        let headers = headers.map(headers_of).transpose()?.unwrap_or_default();
        let base = client::Target::new(&urls, opener, protocol, transport, service_name, tls, sasl, &headers)?;
        let options = CallDefaults { timeout, ..CallDefaults::default() }.with_headers(&headers, &base)?;
        let size = if base.is_serial() { SERIAL_SIZE } else { PoolPolicy::default().size };
        let policies = PolicySet::new(&handle, pool, retry, hedge, size)?;
        let interceptors = Interceptors::new(interceptors, Style::Async)?;
        Ok(Self { target: Target { base, options, keeps_times: policies.pool.has_limits(), policies }, interceptors })
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.target.base.traverse(&visit)?;
        self.interceptors.traverse(&visit)
    }
}
