//! What a task waits for that has nothing to do.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use pyo3::exceptions::asyncio::CancelledError;
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit, intern};

/// To a task it is a future, that is never done: it only keeps what wakes the task, so that somebody may call it at once and not in
/// the loop's next round.
#[pyclass(frozen, module = "fastthrift._core")]
pub(super) struct Parking {
    event_loop: Py<PyAny>,
    is_awaited: AtomicBool,
    is_cancelled: AtomicBool,
    wake: Mutex<Option<Py<PyAny>>>,
}

impl Parking {
    pub(super) fn new(event_loop: Py<PyAny>) -> Self {
        Self {
            event_loop,
            is_awaited: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            wake: Mutex::new(None),
        }
    }

    /// Notes that a task is about to wait.
    pub(super) fn enter(&self) {
        self.is_awaited.store(true, Ordering::Relaxed);
    }

    /// What makes the task's next step when it is called with this very object; `None` while no task waits.
    pub(super) fn take(&self) -> Option<Py<PyAny>> {
        self.wake.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[pymethods]
impl Parking {
    #[getter(_asyncio_future_blocking)]
    fn is_awaited(&self) -> bool {
        self.is_awaited.load(Ordering::Relaxed)
    }

    #[setter(_asyncio_future_blocking)]
    fn set_awaited(&self, is_awaited: bool) {
        self.is_awaited.store(is_awaited, Ordering::Relaxed);
    }

    fn get_loop<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyAny> {
        self.event_loop.bind(py)
    }

    #[pyo3(signature = (callback, *, context=None))]
    fn add_done_callback(&self, callback: Py<PyAny>, context: Option<Bound<'_, PyAny>>) {
        drop(context);
        let before = self.wake.lock().unwrap_or_else(PoisonError::into_inner).replace(callback);
        drop(before);
    }

    fn result(&self) -> PyResult<()> {
        if self.is_cancelled.load(Ordering::Relaxed) { Err(CancelledError::new_err(())) } else { Ok(()) }
    }

    #[pyo3(signature = (msg=None))]
    fn cancel(this: &Bound<'_, Self>, msg: Option<Bound<'_, PyAny>>) -> PyResult<bool> {
        drop(msg);
        let me = this.get();
        let Some(wake) = me.take() else { return Ok(false) };
        me.is_cancelled.store(true, Ordering::Relaxed);
        me.event_loop.bind(this.py()).call_method1(intern!(this.py(), "call_soon"), (wake, this))?;
        Ok(true)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.event_loop)?;
        match self.wake.try_lock() {
            Ok(wake) => visit.call(&*wake),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        drop(self.take());
    }
}
