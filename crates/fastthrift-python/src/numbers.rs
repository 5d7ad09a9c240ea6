//! Numbers that a user gives as options. What cannot be is a `ValueError` that says what can.

use std::fmt;

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;

/// The largest number that any setting may have: what Python calls `sys.maxsize`.
const MAX_NUMBER: usize = usize::MAX >> 1;

/// How much of a value an error shows.
const SHOWN: usize = 40;

/// A number such as that of seconds. An int that no float can hold counts as infinite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number(pub(crate) f64);

/// How many of something: at least 1.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count(pub(crate) usize);

impl<'py> FromPyObject<'_, 'py> for Number {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        match given.extract::<f64>() {
            Ok(number) => Ok(Self(number)),
            Err(error) if error.is_instance_of::<PyOverflowError>(given.py()) => {
                Ok(Self(if given.lt(0)? { f64::NEG_INFINITY } else { f64::INFINITY }))
            }
            Err(error) if error.is_instance_of::<PyTypeError>(given.py()) => {
                Err(PyTypeError::new_err(format!("must be a number, got {}", shown(&given))))
            }
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Number {
    /// As Python writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_nan() { f.write_str("nan") } else { self.0.fmt(f) }
    }
}

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        count("the number", &given).map(Self)
    }
}

/// A number of at least 1; the error names the argument.
pub(crate) fn count(name: &str, value: &Bound<'_, PyAny>) -> PyResult<usize> {
    match value.extract::<usize>() {
        Ok(number) if (1..=MAX_NUMBER).contains(&number) => Ok(number),
        Err(error) if error.is_instance_of::<PyTypeError>(value.py()) => {
            Err(PyTypeError::new_err(format!("{name} must be an int, got {}", shown(value))))
        }
        Ok(_) | Err(_) => {
            Err(PyValueError::new_err(format!("{name} must be from 1 to {MAX_NUMBER}, got {}", shown(value))))
        }
    }
}

/// What a user gave, for an error; only its start where it is long.
pub(crate) fn shown(given: &Bound<'_, PyAny>) -> String {
    let Ok(text) = given.repr() else { return format!("one of type {}", given.get_type()) };
    let text = text.to_string_lossy();
    match text.char_indices().nth(SHOWN) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}...", &text[..end]),
    }
}
