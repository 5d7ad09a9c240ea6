//! The log `fastthrift.server`. Python's `logging` is imported when the first thing is to be logged.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

const LOGGER: &str = "fastthrift.server";
const DEBUG: u8 = 10;

/// What a record says besides its text: attributes of the same names, and `error`, the exception's kind.
#[derive(Default)]
pub(crate) struct About<'a> {
    pub(crate) service: Option<&'a str>,
    pub(crate) function: Option<&'a str>,
    pub(crate) peer: Option<String>,
}

impl About<'_> {
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for (name, value) in [("service", self.service), ("function", self.function), ("peer", self.peer.as_deref())] {
            dict.set_item(name, value)?;
        }
        Ok(dict)
    }
}

/// Logs an exception with its traceback. What goes wrong with that is shown as Python shows exceptions that nobody can
/// catch.
#[cold]
pub(crate) fn error(py: Python<'_>, text: &str, error: &PyErr, about: &About<'_>) {
    let write = || -> PyResult<()> {
        let options = PyDict::new(py);
        let extra = about.to_dict(py)?;
        extra.set_item("error", error.get_type(py).qualname()?)?;
        options.set_item("extra", extra)?;
        options.set_item("exc_info", (error.get_type(py), error.value(py), error.traceback(py)))?;
        logger(&py.import("logging")?)?.call_method("error", (text,), Some(&options)).map(drop)
    };
    write().unwrap_or_else(|error| error.write_unraisable(py, None));
}

/// Logs what only matters to who looks for it; not at all while the program does not use `logging`.
#[cold]
pub(crate) fn debug(py: Python<'_>, text: impl FnOnce() -> String) {
    let write = || -> PyResult<()> {
        let modules = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
        let Some(logging) = modules.get_item("logging")? else { return Ok(()) };
        let logger = logger(logging.cast::<PyModule>()?)?;
        if logger.call_method1("isEnabledFor", (DEBUG,))?.is_truthy()? {
            logger.call_method1("debug", (text(),))?;
        }
        Ok(())
    };
    write().unwrap_or_else(|error| error.write_unraisable(py, None));
}

fn logger<'py>(logging: &Bound<'py, PyModule>) -> PyResult<Bound<'py, PyAny>> {
    logging.call_method1("getLogger", (LOGGER,))
}
