//! A transport that a user wrote in Python, as a socket.

use std::io::{self, Read, Write};
use std::time::Duration;

use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTimeoutError, PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::given::shown;

/// An object with `read`, `write`, `flush` and `close`.
pub(super) struct CustomSocket {
    object: Py<PyAny>,
    /// Whether it has a method `set_timeout`.
    has_timeouts: bool,
}

impl CustomSocket {
    /// Calls what opens a transport.
    pub(super) fn open(opener: &Py<PyAny>) -> io::Result<Self> {
        let open = |py: Python<'_>| -> PyResult<Self> {
            let object = opener.bind(py).call0()?;
            for name in ["read", "write", "flush", "close"] {
                if !object.getattr(name).is_ok_and(|method| method.is_callable()) {
                    let text = format!("a transport needs a method '{name}', got {}", shown(&object));
                    return Err(PyTypeError::new_err(text));
                }
            }
            let has_timeouts = object.hasattr("set_timeout")?;
            Ok(Self { object: object.unbind(), has_timeouts })
        };
        Python::attach(|py| open(py).map_err(|error| failed(py, error)))
    }

    /// Bounds each single read and write, where the transport can do that.
    pub(super) fn set_timeouts(&self, timeout: Option<Duration>) -> io::Result<()> {
        if !self.has_timeouts {
            return Ok(());
        }
        let seconds = timeout.map(|timeout| timeout.as_secs_f64());
        self.with(|object| object.call_method1(intern!(object.py(), "set_timeout"), (seconds,)).map(drop))
    }

    #[inline(never)]
    fn with<R>(&self, work: impl FnOnce(&Bound<'_, PyAny>) -> PyResult<R>) -> io::Result<R> {
        Python::attach(|py| work(self.object.bind(py)).map_err(|error| failed(py, error)))
    }
}

impl Read for CustomSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.with(|object| {
            let py = object.py();
            let given = object.call_method1(intern!(py, "read"), (buffer.len(),))?;
            if let Ok(bytes) = given.cast::<PyBytes>() {
                return put(bytes.as_bytes().len(), buffer, |room| room.copy_from_slice(bytes.as_bytes()));
            }
            let bytes = PyBuffer::<u8>::get(&given)?;
            let mut copied = Ok(());
            let count = put(bytes.len_bytes(), buffer, |room| copied = bytes.copy_to_slice(py, room))?;
            copied.map(|()| count)
        })
    }
}

impl Write for CustomSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|object| {
            let py = object.py();
            object.call_method1(intern!(py, "write"), (PyBytes::new(py, bytes),)).map(|_| bytes.len())
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|object| object.call_method0(intern!(object.py(), "flush")).map(drop))
    }
}

impl Drop for CustomSocket {
    fn drop(&mut self) {
        Python::attach(|py| {
            if let Err(error) = self.object.bind(py).call_method0(intern!(py, "close")) {
                error.write_unraisable(py, Some(self.object.bind(py)));
            }
        });
    }
}

/// Stores what was read, which may not be more than was asked for.
fn put(count: usize, buffer: &mut [u8], store: impl FnOnce(&mut [u8])) -> PyResult<usize> {
    let asked = buffer.len();
    let Some(room) = buffer.get_mut(..count) else {
        return Err(PyValueError::new_err(format!("read({asked}) of a transport returned {count} bytes")));
    };
    store(room);
    Ok(count)
}

/// A Python exception on its way through code that knows sockets alone.
fn failed(py: Python<'_>, error: PyErr) -> io::Error {
    let is_timeout = error.is_instance_of::<PyTimeoutError>(py);
    io::Error::new(if is_timeout { io::ErrorKind::TimedOut } else { io::ErrorKind::Other }, error)
}

/// The Python exception that a transport raised, if one did.
pub(super) fn raised(error: &io::Error) -> Option<&PyErr> {
    error.get_ref()?.downcast_ref()
}
