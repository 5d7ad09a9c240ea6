//! What a client calls, and how its failures look to Python.

use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::{CallError, ClientConfig, Headers};
use pyo3::exceptions::{PyMemoryError, PyValueError};
use pyo3::prelude::*;

use super::channel::End;
use crate::aio::secure::Secure;
use crate::client::{CallDefaults, PoolOptions, headers_of, option_of, seconds, span, spoken};
use crate::endpoint::Endpoint;
use crate::error::{TransportKind, transport_error};
use crate::settings::Settings;
use crate::tls::{self, ClientSecurity, config_error};
use crate::transports;

/// What a client was opened with.
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    pub(super) timeout: Option<Duration>,
    pub(super) config: ClientConfig,
    pub(super) settings: Settings,
    /// The TLS of a secure endpoint.
    security: Option<ClientSecurity>,
    /// What travels beside each call.
    pub(super) headers: Headers,
    /// How many connections there may be.
    pub(super) size: usize,
}

/// How many connections there may be where one cannot carry several calls, unless the pool says so.
const SERIAL_SIZE: usize = 8;

impl Target {
    /// Reads what `fastthrift.aio.connect` was given.
    #[allow(clippy::too_many_arguments)]
    pub(super) fn new(
        endpoint: Endpoint,
        protocol: &Bound<'_, PyAny>,
        transport: Option<&str>,
        timeout: Option<f64>,
        service_name: Option<String>,
        pool: Option<&Bound<'_, PyAny>>,
        tls: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let security = tls::of_client(std::slice::from_ref(&endpoint), tls)?;
        let headers = headers.map(headers_of).transpose()?.unwrap_or_default();
        let pool = option_of::<PoolOptions>("pool", pool)?.map(|pool| pool.get().policy.size);
        let size = pool.unwrap_or(if endpoint.http_path.is_some() { SERIAL_SIZE } else { 1 });
        let timeout = timeout.map(seconds).transpose()?;
        let (settings, base) = spoken(protocol, service_name)?;
        let config = transports::for_client(transport, &endpoint, &headers, &base).map_err(PyValueError::new_err)?;
        if !headers.is_empty() && !config.carries_headers() {
            let text =
                "headers travel over HTTP and in the Header transport alone: use http:// or transport=\"header\"";
            return Err(PyValueError::new_err(text));
        }
        Ok(Self { endpoint, timeout, config, settings, security, headers, size })
    }

    /// What holds for each call, unless a twin of the client says otherwise.
    pub(super) fn options(&self) -> CallDefaults {
        let headers = if self.headers.is_empty() { None } else { Some(Arc::new(self.headers.clone())) };
        CallDefaults { timeout: self.timeout, headers, idempotent: None }
    }

    /// The TLS of a new connection; `None` where there is none.
    pub(super) fn secure(&self) -> PyResult<Option<Secure>> {
        let session = self.security.as_ref().map(|security| security.session(&self.endpoint)).transpose();
        Ok(session.map_err(config_error)?.map(Secure::new))
    }

    /// A call that no connection takes, as it is.
    pub(super) fn call_error(py: Python<'_>, name: &str, error: &CallError) -> PyErr {
        match error {
            CallError::OutOfMemory => PyMemoryError::new_err(format!("{name}: {error}")),
            error => transport_error(py, TransportKind::Other, false, format!("{name}: {error}")),
        }
    }

    /// A call whose time is over.
    pub(super) fn timeout_error(&self, py: Python<'_>, name: &str, timeout: Option<Duration>, was_sent: bool) -> PyErr {
        let text = format!("{name}: no reply from {} {}", self.endpoint, span(timeout));
        transport_error(py, TransportKind::TimedOut, was_sent, text)
    }

    /// A call whose connection does no more.
    pub(super) fn end_error(&self, py: Python<'_>, name: &str, end: &End<'_>, was_sent: bool) -> PyErr {
        let endpoint = &self.endpoint;
        let (kind, text) = match end {
            End::Connection(error) => {
                (TransportKind::of(error), format!("the connection to {endpoint} was closed: {error}"))
            }
            End::Lost(text) => (TransportKind::Broken, format!("the connection to {endpoint} failed: {text}")),
            End::Closed => (TransportKind::NotOpen, "the client was closed".to_owned()),
        };
        transport_error(py, kind, was_sent, format!("{name}: {text}"))
    }
}

/// A call of a client that was closed before.
#[cold]
pub(super) fn closed_error(py: Python<'_>, name: &str) -> PyErr {
    transport_error(py, TransportKind::NotOpen, false, format!("{name}: the client was closed"))
}
