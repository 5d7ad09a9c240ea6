//! Core errors as Python exceptions: the one place where they meet.

use fastthrift_dynamic::{EncodeError, EncodeErrorKind};
use fastthrift_protocol::{ApplicationException, DecodeError};
use fastthrift_rpc::{ConnectionError, Fault};
use pyo3::exceptions::PyMemoryError;
use pyo3::prelude::*;
use pyo3::types::PyType;

/// An exception class of `fastthrift._errors`.
pub(crate) fn exception_class<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyType>> {
    Ok(py.import("fastthrift._errors")?.getattr(name)?.cast_into::<PyType>()?)
}

/// An exception of `fastthrift._errors`, made of these arguments.
pub(crate) fn exception<'py, A>(py: Python<'py>, class: &str, arguments: A) -> PyErr
where
    A: pyo3::call::PyCallArgs<'py>,
{
    let made = exception_class(py, class).and_then(|class| class.call1(arguments));
    made.map_or_else(|error| error, PyErr::from_value)
}

/// Sets a Python exception, for a C function that is about to say that it failed.
///
/// PyO3 gives references back only where it knows that it holds the interpreter; those that it could not give back before go, too.
#[cold]
pub(crate) fn restore(error: PyErr) {
    Python::attach(|py| error.restore(py));
}

/// A value that could not be written. A Python exception that is set goes first.
#[cold]
pub(crate) fn encode_error(py: Python<'_>, error: &EncodeError) -> PyErr {
    PyErr::take(py).unwrap_or_else(|| match error.kind() {
        kind @ EncodeErrorKind::NoRoom => PyMemoryError::new_err(kind.to_string()),
        _ => exception(py, "EncodeError", (error.to_string(),)),
    })
}

/// Bytes that could not be read. A Python exception that is set goes first.
#[cold]
pub(crate) fn decode_error(py: Python<'_>, error: &DecodeError) -> PyErr {
    PyErr::take(py).unwrap_or_else(|| exception(py, "DecodeError", (error.to_string(), error.offset())))
}

/// What a peer says about a call that it could not carry out.
pub(crate) fn application_error(py: Python<'_>, error: &ApplicationException) -> PyErr {
    exception(py, "TApplicationException", (error.kind.0, error.message.as_str()))
}

/// What kind of `TTransportException` a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TransportKind {
    /// The connection is not open, or cannot be used: a `TTransportException` of this type alone.
    NotOpen,
    /// A `TTransportException` that none of the others describes.
    Other,
    /// A `ConnectError`.
    Connect,
    /// A `ConnectionLost`: the socket failed.
    Broken,
    /// A `ConnectionLost`: the peer closed the connection.
    Ended,
    /// A `PeerError`.
    Peer,
    /// A `TransportTimeout`.
    TimedOut,
}

impl TransportKind {
    /// The kind of a connection's own error.
    pub(crate) fn of(error: &ConnectionError) -> Self {
        match error.fault() {
            Fault::Network => Self::Ended,
            Fault::Peer => Self::Peer,
            Fault::Local => Self::Other,
        }
    }

    /// The name of the class, and its `type`, which is a constant of `TTransportException`.
    const fn class(self) -> (&'static str, i32) {
        match self {
            Self::NotOpen => ("TTransportException", 1),
            Self::Other => ("TTransportException", 0),
            Self::Connect => ("ConnectError", 1),
            Self::Broken => ("ConnectionLost", 0),
            Self::Ended => ("ConnectionLost", 4),
            Self::Peer => ("PeerError", 0),
            Self::TimedOut => ("TransportTimeout", 3),
        }
    }
}

/// A connection that failed; `was_sent` says whether any of the request may have left.
#[cold]
pub(crate) fn transport_error(py: Python<'_>, kind: TransportKind, was_sent: bool, text: String) -> PyErr {
    let (class, number) = kind.class();
    exception(py, class, (number, text, was_sent))
}
