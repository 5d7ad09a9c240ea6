//! Why calls fail, and what Python is told of it.

use std::io;
use std::time::Duration;

use fastthrift_rpc::{CallError, ConnectionError, Fault};
use pyo3::exceptions::{PyException, PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;

use super::Target;
use super::custom::raised;
use crate::error::{TransportKind, transport_error};

/// Why a call did not get its reply. The connection was closed, but for `Call` errors.
#[derive(Debug)]
pub(crate) enum LinkError {
    /// The client was closed.
    Closed,
    /// No connection could be made.
    Connect(io::Error),
    /// The call cannot be made; nothing was sent.
    Call(CallError),
    /// The deadline passed.
    TimedOut,
    /// The socket failed.
    Io(io::Error),
    /// The peer broke the protocol, or closed the connection.
    Connection(ConnectionError),
    /// A signal's handler asked to stop.
    Interrupted,
}

/// A call that failed, and whether the peer can know of it.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) error: LinkError,
    /// Whether any byte of the request may have left.
    pub(crate) was_sent: bool,
    /// Which of the target's addresses the connection led to.
    pub(crate) place: usize,
}

impl Failure {
    /// A failure before any byte of the request left.
    pub(crate) const fn before(error: LinkError) -> Self {
        Self { error, was_sent: false, place: 0 }
    }

    /// Whether the call may be made again: no reply of any kind came, and either the peer does not know of the call, or it
    /// does no harm to carry it out twice.
    pub(crate) fn is_retryable(&self, is_idempotent: bool) -> bool {
        match &self.error {
            LinkError::Connect(error) => !is_lasting(error),
            LinkError::Io(_) => !self.was_sent || is_idempotent,
            LinkError::Connection(error) => error.fault() == Fault::Network && (!self.was_sent || is_idempotent),
            LinkError::Closed | LinkError::Call(_) | LinkError::TimedOut | LinkError::Interrupted => false,
        }
    }

    /// As a Python exception that says what was called, and where.
    #[cold]
    pub(crate) fn into_python(self, py: Python<'_>, target: &Target, timeout: Option<Duration>, name: &str) -> PyErr {
        let Self { error, was_sent, place } = self;
        let cause = match &error {
            LinkError::Io(error) | LinkError::Connect(error) => raised(error).map(|raised| raised.clone_ref(py)),
            _ => None,
        };
        if let Some(asked_to_stop) = asks_to_stop(py, cause.as_ref()) {
            return asked_to_stop;
        }
        let endpoint = target.endpoints.at(place);
        let (kind, text) = match error {
            LinkError::Closed => (TransportKind::NotOpen, "the client was closed".to_owned()),
            error @ LinkError::Connect(_) => return connect_error(py, target, timeout, error),
            LinkError::TimedOut => (TransportKind::TimedOut, format!("no reply from {endpoint} {}", span(timeout))),
            LinkError::Io(error) => (TransportKind::Broken, format!("the connection to {endpoint} failed: {error}")),
            LinkError::Connection(error) => {
                (TransportKind::of(&error), format!("the connection to {endpoint} was closed: {error}"))
            }
            LinkError::Call(error @ CallError::OutOfMemory) => {
                return PyMemoryError::new_err(format!("{name}: {error}"));
            }
            LinkError::Call(error) => (TransportKind::Other, error.to_string()),
            LinkError::Interrupted => {
                return PyErr::take(py).unwrap_or_else(|| PyRuntimeError::new_err("interrupted"));
            }
        };
        let error = transport_error(py, kind, was_sent, format!("{name}: {text}"));
        if cause.is_some() {
            error.set_cause(py, cause);
        }
        error
    }
}

/// A connection that could not be made.
#[cold]
pub(super) fn connect_error(py: Python<'_>, target: &Target, timeout: Option<Duration>, error: LinkError) -> PyErr {
    let endpoints = &target.endpoints;
    let cause = match &error {
        LinkError::Connect(error) => raised(error).map(|raised| raised.clone_ref(py)),
        _ => None,
    };
    if let Some(asked_to_stop) = asks_to_stop(py, cause.as_ref()) {
        return asked_to_stop;
    }
    let (kind, text) = match error {
        LinkError::TimedOut => (TransportKind::TimedOut, format!(" {}", span(timeout))),
        LinkError::Connect(error) => (TransportKind::Connect, format!(": {error}")),
        other => (TransportKind::NotOpen, format!(": {other:?}")),
    };
    let error = transport_error(py, kind, false, format!("cannot connect to {endpoints}{text}"));
    if cause.is_some() {
        error.set_cause(py, cause);
    }
    error
}

/// What was raised, if it is no failure but ends the program or the thread.
fn asks_to_stop(py: Python<'_>, raised: Option<&PyErr>) -> Option<PyErr> {
    raised.filter(|raised| !raised.is_instance_of::<PyException>(py)).map(|raised| raised.clone_ref(py))
}

/// How long was waited.
fn span(timeout: Option<Duration>) -> String {
    timeout.map_or_else(|| "before the deadline".to_owned(), |timeout| format!("within {timeout:?}"))
}

/// Whether connecting again will fail the same way.
pub(crate) fn is_lasting(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, InvalidInput, PermissionDenied, Unsupported};
    matches!(error.kind(), InvalidData | InvalidInput | PermissionDenied | Unsupported)
}
