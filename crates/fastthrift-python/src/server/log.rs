//! The log `fastthrift.server`. Python's `logging` is imported when the first thing is to be logged.

use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule};

const LOGGER: &str = "fastthrift.server";
const DEBUG: u8 = 10;

/// Logs an exception with its traceback. What goes wrong with that is shown as Python shows exceptions that nobody can
/// catch.
#[cold]
pub(crate) fn error(py: Python<'_>, text: &str, error: &PyErr) {
    let write = || -> PyResult<()> {
        let options = PyDict::new(py);
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
