//! Core errors as Python exceptions: the one place where they meet.

use fastthrift_dynamic::{EncodeError, EncodeErrorKind};
use fastthrift_protocol::{ApplicationException, DecodeError};
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

/// A connection that failed; `kind` is a constant of `TTransportException`.
pub(crate) fn transport_error(py: Python<'_>, kind: &str, text: String) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let class = exception_class(py, "TTransportException")?;
        Ok(PyErr::from_value(class.call1((class.getattr(kind)?, text))?))
    };
    make().unwrap_or_else(|error| error)
}
