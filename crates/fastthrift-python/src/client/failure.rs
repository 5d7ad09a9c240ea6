//! Why calls fail, and what Python is told of it.

use std::io;

use fastthrift_rpc::{CallError, ConnectionError};
use pyo3::exceptions::{PyMemoryError, PyRuntimeError};
use pyo3::prelude::*;

use super::Target;
use crate::error::{TransportKind, transport_error};

/// Why a call did not get its reply. The connection was closed, but for `Call` errors.
#[derive(Debug)]
pub(super) enum LinkError {
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
pub(super) struct Failure {
    pub(super) error: LinkError,
    /// Whether any byte of the request may have left.
    pub(super) was_sent: bool,
}

impl Failure {
    /// A failure before any byte of the request left.
    pub(super) const fn before(error: LinkError) -> Self {
        Self { error, was_sent: false }
    }

    /// As a Python exception that says what was called, and where.
    #[cold]
    pub(super) fn into_python(self, py: Python<'_>, target: &Target, name: &str) -> PyErr {
        let Self { error, was_sent } = self;
        let endpoint = &target.endpoint;
        let (kind, text) = match error {
            LinkError::Closed => (TransportKind::NotOpen, "the client was closed".to_owned()),
            error @ LinkError::Connect(_) => return connect_error(py, target, error),
            LinkError::TimedOut => {
                let limit = target.timeout.unwrap_or_default();
                (TransportKind::TimedOut, format!("no reply from {endpoint} within {limit:?}"))
            }
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
        transport_error(py, kind, was_sent, format!("{name}: {text}"))
    }
}

/// A connection that could not be made.
#[cold]
pub(super) fn connect_error(py: Python<'_>, target: &Target, error: LinkError) -> PyErr {
    let endpoint = &target.endpoint;
    let (kind, text) = match error {
        LinkError::TimedOut => (TransportKind::TimedOut, format!(" within {:?}", target.timeout.unwrap_or_default())),
        LinkError::Connect(error) => (TransportKind::Connect, format!(": {error}")),
        other => (TransportKind::NotOpen, format!(": {other:?}")),
    };
    transport_error(py, kind, false, format!("cannot connect to {endpoint}{text}"))
}
