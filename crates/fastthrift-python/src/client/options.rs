//! What holds for each call of a client, and clients that differ in that alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_rpc::Headers;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::link::Limit;
use super::{Client, Target, opened};
use crate::aio::AsyncClient;
use crate::call::current_deadline;
use crate::given::{flag, shown, time_limit};
use crate::transports::is_of_the_client;

/// What holds for each call of a client.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallDefaults {
    pub(crate) timeout: Option<Duration>,
    /// What travels beside each call.
    pub(crate) headers: Option<Arc<Headers>>,
    /// Whether calls may be made again; `None` is what the IDL says of each function.
    pub(crate) idempotent: Option<bool>,
}

impl CallDefaults {
    /// How long a call may take that begins now: no longer than the call that this thread serves.
    #[inline]
    pub(super) fn limit(&self, py: Python<'_>, start: Instant) -> Limit {
        let own = self.timeout.and_then(|timeout| start.checked_add(timeout));
        Limit { timeout: self.timeout, deadline: earlier(own, current_deadline(py)) }
    }

    /// When a call is to have ended that begins now.
    pub(crate) fn deadline(&self, py: Python<'_>) -> Option<Instant> {
        let own = self.timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        earlier(own, current_deadline(py))
    }

    /// The same with more headers. An error where the transport carries none.
    pub(crate) fn with_headers(self, more: &Headers, target: &Target) -> PyResult<Self> {
        let is_http = target.is_http();
        let mut all = self.headers().clone();
        for (name, value) in more.iter().filter(|(name, _)| !is_http || !is_of_the_client(name)) {
            all.insert(name, value);
        }
        if !all.is_empty() && !target.carries_headers() {
            let text = "this transport carries no headers: connect with transport=\"header\" or over http:// for them";
            return Err(PyValueError::new_err(text));
        }
        Ok(if all.is_empty() { self } else { Self { headers: Some(Arc::new(all)), ..self } })
    }

    pub(crate) fn headers(&self) -> &Headers {
        self.headers.as_deref().unwrap_or(Headers::none())
    }
}

/// The earlier of two times of which each may be missing.
#[inline]
fn earlier(one: Option<Instant>, other: Option<Instant>) -> Option<Instant> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// A client of the same class over the same connections, whose calls differ as said; an Ellipsis says nothing.
#[pyfunction]
pub(super) fn with_options<'py>(
    client: &Bound<'py, PyAny>,
    timeout: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
    idempotent: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    if let Ok(client) = client.cast::<AsyncClient>() {
        let options = client.get().options().clone();
        let with_headers = |options: CallDefaults, more: &Headers| options.with_headers(more, client.get().target(py));
        return AsyncClient::twin(client, changed(options, timeout, headers, idempotent, with_headers)?);
    }
    let Ok(client) = client.cast::<Client>() else {
        return Err(PyTypeError::new_err(format!("client must be a client, got {}", shown(client))));
    };
    let Client { shared, options, interceptors } = client.get();
    let with_headers = |options: CallDefaults, more: &Headers| options.with_headers(more, &shared.get().target);
    let options = changed(options.clone(), timeout, headers, idempotent, with_headers)?;
    let twin = Client { shared: shared.clone_ref(py), options, interceptors: interceptors.clone_ref(py) };
    opened(&client.get_type(), twin)
}

/// Options that differ as said; an Ellipsis says nothing.
fn changed(
    mut options: CallDefaults,
    timeout: &Bound<'_, PyAny>,
    headers: &Bound<'_, PyAny>,
    idempotent: &Bound<'_, PyAny>,
    with_headers: impl FnOnce(CallDefaults, &Headers) -> PyResult<CallDefaults>,
) -> PyResult<CallDefaults> {
    let py = timeout.py();
    let ellipsis = py.Ellipsis();
    if !timeout.is(&ellipsis) {
        options.timeout = time_limit("timeout", Some(timeout).filter(|timeout| !timeout.is_none()))?;
    }
    if !idempotent.is(&ellipsis) {
        options.idempotent = if idempotent.is_none() { None } else { Some(flag("idempotent", idempotent)?) };
    }
    if headers.is_none() {
        options.headers = None;
    } else if !headers.is(&ellipsis) {
        return with_headers(options, &headers_of(headers)?);
    }
    Ok(options)
}

/// Headers as a mapping of text to text gives them.
pub(crate) fn headers_of(given: &Bound<'_, PyAny>) -> PyResult<Headers> {
    let bad = || PyTypeError::new_err(format!("headers must be a mapping of str to str, got {}", shown(given)));
    let items = given.cast::<PyMapping>().map_err(|_| bad())?.items()?;
    let mut headers = Headers::new();
    for item in items {
        let (name, value): (Bound<'_, PyAny>, Bound<'_, PyAny>) = item.extract()?;
        let (Ok(name), Ok(value)) = (name.cast::<PyString>(), value.cast::<PyString>()) else { return Err(bad()) };
        headers.insert(name.to_str()?, value.to_str()?);
    }
    Ok(headers)
}

/// Headers as a dict; of several with one name the last one counts.
pub(crate) fn headers_dict<'py>(py: Python<'py>, headers: &Headers) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in headers.iter() {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}
