//! What holds for each call of a client, and clients that differ in that alone.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_rpc::Headers;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyMapping, PyString};

use super::link::Limit;
use super::{Client, Target, opened, seconds};
use crate::call::current_deadline;
use crate::transports::is_of_the_client;

/// What holds for each call of a client.
#[derive(Debug, Clone, Default)]
pub(super) struct CallDefaults {
    pub(super) timeout: Option<Duration>,
    /// What travels beside each call.
    pub(super) headers: Option<Arc<Headers>>,
    /// Whether calls may be made again; `None` is what the IDL says of each function.
    pub(super) idempotent: Option<bool>,
}

impl CallDefaults {
    /// How long a call may take that begins now: no longer than the call that this thread serves.
    #[inline]
    pub(super) fn limit(&self, py: Python<'_>, start: Instant) -> Limit {
        let own = self.timeout.and_then(|timeout| start.checked_add(timeout));
        let deadline = match (own, current_deadline(py)) {
            (Some(own), Some(served)) => Some(own.min(served)),
            (own, served) => own.or(served),
        };
        Limit { timeout: self.timeout, deadline }
    }

    /// The same with more headers. An error where the transport carries none.
    pub(super) fn with_headers(self, more: &Headers, target: &Target) -> PyResult<Self> {
        let mut all = self.headers().clone();
        let is_http = target.endpoints.listed().iter().all(|endpoint| endpoint.http_path.is_some());
        for (name, value) in more.iter().filter(|(name, _)| !is_http || !is_of_the_client(name)) {
            all.insert(name, value);
        }
        if !all.is_empty() && !target.carries_headers() {
            let text = "this transport carries no headers: connect with transport=\"header\" or over http:// for them";
            return Err(PyValueError::new_err(text));
        }
        Ok(if all.is_empty() { self } else { Self { headers: Some(Arc::new(all)), ..self } })
    }

    pub(super) fn headers(&self) -> &Headers {
        self.headers.as_deref().unwrap_or(Headers::none())
    }
}

/// A client of the same class over the same connections, whose calls differ as said; an Ellipsis says nothing.
#[pyfunction]
pub(super) fn with_options<'py>(
    client: &Bound<'py, Client>,
    timeout: &Bound<'py, PyAny>,
    headers: &Bound<'py, PyAny>,
    idempotent: &Bound<'py, PyAny>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = client.py();
    let Client { shared, options, interceptors } = client.get();
    let mut options = options.clone();
    let ellipsis = py.Ellipsis();
    if !timeout.is(&ellipsis) {
        options.timeout = timeout.extract::<Option<f64>>()?.map(seconds).transpose()?;
    }
    if !idempotent.is(&ellipsis) {
        options.idempotent = idempotent.extract()?;
    }
    if headers.is_none() {
        options.headers = None;
    } else if !headers.is(&ellipsis) {
        options = options.with_headers(&headers_of(headers)?, &shared.target)?;
    }
    let twin = Client { shared: shared.clone(), options, interceptors: interceptors.clone_ref(py) };
    opened(&client.get_type(), twin)
}

/// Headers as a mapping of text to text gives them.
pub(crate) fn headers_of(given: &Bound<'_, PyAny>) -> PyResult<Headers> {
    let bad = || PyTypeError::new_err(format!("headers are a mapping of str to str, got {given:?}"));
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
