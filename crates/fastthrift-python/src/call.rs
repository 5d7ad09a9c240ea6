//! What handlers and interceptors are told of a call, on either side.

mod running;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Instant;

use pyo3::prelude::*;
use pyo3::sync::{OnceLockExt, PyOnceLock};
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

pub(crate) use self::running::{Running, current_deadline, task_variable, within};
use crate::given::plain_function;
use crate::service::FunctionInfo;

/// Which end of a connection a call is seen from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What a [`Call`] is made of.
pub(crate) struct CallParts {
    pub(crate) side: Side,
    /// The service's name in the IDL.
    pub(crate) service: Arc<str>,
    pub(crate) info: Arc<FunctionInfo>,
    /// Whether no reply is sent: the function is declared so, or the peer asked for none.
    pub(crate) is_oneway: bool,
    /// The arguments in the order of the IDL.
    pub(crate) arguments: Py<PyTuple>,
    /// The request's headers; `None` for none yet.
    pub(crate) headers: Option<Py<PyDict>>,
    /// The peer's URL.
    pub(crate) peer: Option<Box<str>>,
    /// Who the client was let in as.
    pub(crate) user: Option<Box<str>>,
    /// Such as `binary`.
    pub(crate) protocol: Box<str>,
    /// Such as `framed`.
    pub(crate) transport: Box<str>,
    pub(crate) deadline: Option<Instant>,
    /// The bytes of the arguments' struct, where known.
    pub(crate) request_bytes: Option<usize>,
}

/// A call: what is called, by whom, until when, and the headers that go with it.
///
/// A handler gets the one that it serves from `current_call`, an interceptor as its first argument. It may be kept after
/// the call's end.
#[pyclass(frozen, weakref, module = "fastthrift")]
pub(crate) struct Call {
    parts: CallParts,
    headers: OnceLock<Py<PyDict>>,
    reply_headers: OnceLock<Py<PyDict>>,
    /// `time.monotonic()` at the deadline.
    deadline: Option<f64>,
    request_bytes: Size,
    reply_bytes: Size,
    /// What the peer is not told of.
    internal_error: OnceLock<Py<PyAny>>,
    /// What is to be called at the end; `None` after it.
    callbacks: Mutex<Option<Vec<Py<PyAny>>>>,
}

impl Call {
    pub(crate) fn new(py: Python<'_>, mut parts: CallParts) -> PyResult<Self> {
        let headers = parts.headers.take().map_or_else(OnceLock::new, OnceLock::from);
        let deadline = parts.deadline.map(|deadline| monotonic(py, deadline)).transpose()?;
        Ok(Self {
            headers,
            reply_headers: OnceLock::new(),
            deadline,
            request_bytes: Size::new(parts.request_bytes),
            reply_bytes: Size::new(None),
            internal_error: OnceLock::new(),
            callbacks: Mutex::new(Some(Vec::new())),
            parts,
        })
    }

    /// The request's headers, if there are any or somebody asked for them.
    pub(crate) fn headers_if_any<'a, 'py>(&'a self, py: Python<'py>) -> Option<&'a Bound<'py, PyDict>> {
        self.headers.get().map(|headers| headers.bind(py))
    }

    /// The reply's headers, if there are any or somebody asked for them.
    pub(crate) fn reply_headers_if_any<'a, 'py>(&'a self, py: Python<'py>) -> Option<&'a Bound<'py, PyDict>> {
        self.reply_headers.get().map(|headers| headers.bind(py))
    }

    /// The arguments in the order of the IDL.
    pub(crate) fn arguments_of<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyTuple> {
        self.parts.arguments.bind(py)
    }

    /// Until when the call is to end.
    pub(crate) fn instant(&self) -> Option<Instant> {
        self.parts.deadline
    }

    /// Notes how many bytes the arguments' struct took.
    pub(crate) fn set_request_bytes(&self, count: usize) {
        self.request_bytes.set(count);
    }

    /// Notes how many bytes the reply's message took.
    pub(crate) fn set_reply_bytes(&self, count: usize) {
        self.reply_bytes.set(count);
    }

    /// Notes what the peer was not told of: it was answered that something is wrong here.
    pub(crate) fn set_internal_error(&self, py: Python<'_>, error: &PyErr) {
        let _ = self.internal_error.set(error.value(py).clone().into_any().unbind());
    }

    /// Notes that nothing more happens to the call, and tells who waits for that.
    pub(crate) fn end(this: &Bound<'_, Self>) {
        let callbacks = this.get().callbacks.lock().unwrap_or_else(PoisonError::into_inner).take();
        for callback in callbacks.into_iter().flatten() {
            if let Err(error) = callback.call1(this.py(), (this,)) {
                error.write_unraisable(this.py(), Some(callback.bind(this.py())));
            }
        }
    }
}

#[pymethods]
impl Call {
    /// "client" or "server".
    #[getter]
    fn side(&self) -> &'static str {
        match self.parts.side {
            Side::Client => "client",
            Side::Server => "server",
        }
    }

    /// The service's name in the IDL.
    #[getter]
    fn service(&self) -> &str {
        &self.parts.service
    }

    /// The function's name in the IDL.
    #[getter]
    pub(crate) fn function(&self) -> &str {
        &self.parts.info.name
    }

    /// Whether no reply is sent.
    #[getter]
    fn is_oneway(&self) -> bool {
        self.parts.is_oneway
    }

    /// The arguments, in the order of the IDL.
    #[getter]
    fn arguments<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyTuple> {
        self.arguments_of(py)
    }

    /// The headers of the request. A client's interceptor adds to them before it proceeds.
    #[getter]
    fn headers<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyDict> {
        self.headers.get_or_init_py_attached(py, || PyDict::new(py).unbind()).bind(py)
    }

    /// The headers of the reply. A server's handler and interceptors add to them.
    #[getter]
    fn reply_headers<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyDict> {
        self.reply_headers.get_or_init_py_attached(py, || PyDict::new(py).unbind()).bind(py)
    }

    /// The peer's URL, such as `tcp://127.0.0.1:5123`; None where it has none.
    #[getter]
    fn peer(&self) -> Option<&str> {
        self.parts.peer.as_deref()
    }

    /// Whom the caller was let in as by SASL; None where nobody was asked, and on the client.
    #[getter]
    fn user(&self) -> Option<&str> {
        self.parts.user.as_deref()
    }

    /// The protocol's name, such as "binary".
    #[getter]
    fn protocol(&self) -> &str {
        &self.parts.protocol
    }

    /// The transport's name, such as "framed".
    #[getter]
    fn transport(&self) -> &str {
        &self.parts.transport
    }

    /// What `time.monotonic()` is when the call is to have ended; None for no limit.
    #[getter]
    fn deadline(&self) -> Option<f64> {
        self.deadline
    }

    /// The seconds that are left until the deadline, 0.0 after it; None for no limit.
    #[getter]
    fn remaining(&self) -> Option<f64> {
        let deadline = self.parts.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()).as_secs_f64())
    }

    /// The bytes of the arguments, encoded; None until that is known.
    #[getter]
    fn request_bytes(&self) -> Option<usize> {
        self.request_bytes.value()
    }

    /// The bytes of the reply as what carries it takes them, before TLS; for a client on an event loop, whose replies share what
    /// arrives, those of its message alone. None until that is known, and where there is no reply.
    #[getter]
    fn reply_bytes(&self) -> Option<usize> {
        self.reply_bytes.value()
    }

    /// On a server, the exception instead of which the peer was answered with an ``INTERNAL_ERROR``, known at the end: one that
    /// the IDL does not declare, or why the reply could not be written. None where there was none.
    #[getter]
    fn internal_error<'a, 'py>(&'a self, py: Python<'py>) -> Option<&'a Bound<'py, PyAny>> {
        self.internal_error.get().map(|error| error.bind(py))
    }

    /// Calls back with this call when it ended: its reply is known and encoded or decoded, or there is none. Comes
    /// after all interceptors returned; at once when the call ended already.
    fn on_end(this: &Bound<'_, Self>, callback: Bound<'_, PyAny>) -> PyResult<()> {
        plain_function("callback", &callback)?;
        if let Some(callbacks) = &mut *this.get().callbacks.lock().unwrap_or_else(PoisonError::into_inner) {
            callbacks.push(callback.unbind());
            return Ok(());
        }
        callback.call1((this,)).map(drop)
    }

    fn __repr__(&self) -> String {
        let peer = self.parts.peer.as_deref().unwrap_or("a peer without an address");
        let preposition = if self.parts.side == Side::Server { "from" } else { "to" };
        format!("<Call of {}.{} {preposition} {peer}>", self.parts.service, self.parts.info.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.parts.arguments)?;
        visit.call(self.headers.get())?;
        visit.call(self.reply_headers.get())?;
        visit.call(self.internal_error.get())?;
        if let Ok(callbacks) = self.callbacks.try_lock() {
            callbacks.iter().flatten().try_for_each(|callback| visit.call(callback))?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let callbacks = self.callbacks.try_lock().ok().and_then(|mut callbacks| callbacks.take());
        drop(callbacks);
    }
}

/// A number of bytes that may not be known yet.
struct Size(AtomicUsize);

impl Size {
    const UNKNOWN: usize = usize::MAX;

    fn new(count: Option<usize>) -> Self {
        Self(AtomicUsize::new(count.unwrap_or(Self::UNKNOWN)))
    }

    fn set(&self, count: usize) {
        self.0.store(count, Ordering::Relaxed);
    }

    fn value(&self) -> Option<usize> {
        Some(self.0.load(Ordering::Relaxed)).filter(|&count| count != Self::UNKNOWN)
    }
}

/// What `time.monotonic()` is at an instant.
fn monotonic(py: Python<'_>, instant: Instant) -> PyResult<f64> {
    static MONOTONIC: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let now: f64 = MONOTONIC.import(py, "time", "monotonic")?.call0()?.extract()?;
    let here = Instant::now();
    let left = instant.saturating_duration_since(here).as_secs_f64();
    Ok(now + left - here.saturating_duration_since(instant).as_secs_f64())
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Call>()?;
    module.add_function(wrap_pyfunction!(running::current_call, module)?)
}
