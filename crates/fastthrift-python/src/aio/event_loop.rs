//! The event loop that a client or a server belongs to.

use std::time::{Duration, Instant};

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::{PyTraverseError, PyVisit, intern};

/// A loop, and its methods that are called often.
pub(super) struct EventLoop {
    object: Py<PyAny>,
    call_soon: Py<PyAny>,
}

impl EventLoop {
    /// The loop that runs on this thread; a `RuntimeError` where none does.
    pub(super) fn running(py: Python<'_>) -> PyResult<Self> {
        let object = running_loop(py)?;
        let call_soon = object.getattr(intern!(py, "call_soon"))?.unbind();
        Ok(Self { object: object.unbind(), call_soon })
    }

    pub(super) fn bind<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyAny> {
        self.object.bind(py)
    }

    /// Refuses a call from outside of the loop: nothing here may be used by two threads at once, nor after a fork.
    #[inline]
    pub(super) fn check(&self, py: Python<'_>) -> PyResult<()> {
        if running_loop(py)?.is(&self.object) { Ok(()) } else { Err(other_loop()) }
    }

    /// Calls in the loop's next round.
    pub(super) fn call_soon(&self, py: Python<'_>, callback: Bound<'_, PyAny>) -> PyResult<()> {
        self.call_soon.bind(py).call1((callback,)).map(drop)
    }

    /// Calls in the loop's next round with an argument.
    pub(super) fn call_soon_with(
        &self,
        py: Python<'_>,
        callback: &Bound<'_, PyAny>,
        argument: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.call_soon.bind(py).call1((callback, argument)).map(drop)
    }

    /// Calls soon after a time; the handle that is returned can cancel that.
    pub(super) fn call_at(&self, py: Python<'_>, at: Instant, callback: Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
        let delay = (at.saturating_duration_since(Instant::now()) + SLACK).as_secs_f64();
        Ok(self.bind(py).call_method1(intern!(py, "call_later"), (delay, callback))?.unbind())
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.object)?;
        visit.call(&self.call_soon)
    }
}

/// How much later: loops may call a little too early, and what is due at almost the same time is seen to at once.
const SLACK: Duration = Duration::from_millis(1);

fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GET.import(py, "asyncio", "get_running_loop")?.call0()
}

#[cold]
fn other_loop() -> PyErr {
    PyRuntimeError::new_err("this belongs to another event loop, or to the process that this one was forked from")
}
