//! The protocol that the loop calls for one connection.

use fastthrift_rpc::{CallId, SaslClient};
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};

use super::connections::Connections;
use crate::client::Mechanism;

/// What the loop knows a connection by: an `asyncio.Protocol`.
#[pyclass(frozen, weakref, name = "AsyncLink", module = "fastthrift._core")]
pub(super) struct Link {
    pub(super) connections: Py<Connections>,
    /// Which of the target's addresses it leads to.
    pub(super) place: usize,
    /// The future that is done when calls can be made, or when the mechanism of SASL is asked something.
    pub(super) ready: Py<PyAny>,
    pub(super) introduction: Option<Py<Introduction>>,
}

/// How one connection says by SASL who this side is.
#[pyclass(frozen, name = "AsyncIntroduction", module = "fastthrift._core")]
pub(super) struct Introduction {
    pub(super) mechanism: Mechanism,
    /// The mechanism's first response.
    pub(super) client: SaslClient,
}

#[pymethods]
impl Introduction {
    /// Answers a challenge.
    fn step<'py>(&self, py: Python<'py>, challenge: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
        self.mechanism.step(challenge).map(|response| PyBytes::new(py, &response))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(self.mechanism.object())
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

    /// Answers what the mechanism of SASL was asked; `ready` is done when it is asked more, or when calls can be made.
    fn respond(this: &Bound<'_, Self>, response: &[u8], ready: Py<PyAny>) -> PyResult<()> {
        Connections::respond(this.get().connections.bind(this.py()), this, response, ready)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connections)?;
        visit.call(&self.introduction)?;
        visit.call(&self.ready)
    }
}
