//! The protocol that the loop calls for one connection.

use fastthrift_rpc::CallId;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::connections::Connections;

/// What the loop knows a connection by: an `asyncio.Protocol`.
#[pyclass(frozen, weakref, name = "AsyncLink", module = "fastthrift._core")]
pub(super) struct Link {
    connections: Py<Connections>,
    /// The future that is done when calls can be made.
    ready: Py<PyAny>,
}

impl Link {
    pub(super) fn new(connections: Py<Connections>, ready: Py<PyAny>) -> Self {
        Self { connections, ready }
    }

    pub(super) fn ready(&self, py: Python<'_>) -> Py<PyAny> {
        self.ready.clone_ref(py)
    }
}

#[pymethods]
impl Link {
    fn connection_made(this: &Bound<'_, Self>, transport: Py<PyAny>) -> PyResult<()> {
        Connections::made(this.get().connections.bind(this.py()), this, transport)
    }

    fn data_received(this: &Bound<'_, Self>, data: &[u8]) -> PyResult<()> {
        Connections::received(this.get().connections.bind(this.py()), this, Some(data))
    }

    /// The transport closes itself after this.
    fn eof_received(this: &Bound<'_, Self>) -> PyResult<()> {
        Connections::received(this.get().connections.bind(this.py()), this, None)
    }

    fn connection_lost(this: &Bound<'_, Self>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        Connections::lost(this.get().connections.bind(this.py()), this, error)
    }

    fn pause_writing(this: &Bound<'_, Self>) -> PyResult<()> {
        Connections::pause(this.get().connections.bind(this.py()), this, true)
    }

    fn resume_writing(this: &Bound<'_, Self>) -> PyResult<()> {
        Connections::pause(this.get().connections.bind(this.py()), this, false)
    }

    /// Sends what was written in this round of the loop.
    fn flush(this: &Bound<'_, Self>) -> PyResult<()> {
        Connections::flush(this.get().connections.bind(this.py()), this)
    }

    /// Stops waiting for a call, whose future was cancelled.
    fn abandon(this: &Bound<'_, Self>, key: u64) -> PyResult<()> {
        Connections::abandon_on(this.get().connections.bind(this.py()), this, CallId::from_number(key))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connections)?;
        visit.call(&self.ready)
    }
}
