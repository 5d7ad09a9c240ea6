//! Which call is being served, by thread and by task.
//!
//! A thread that runs a blocking handler points to what it serves: nothing is made of that unless somebody asks. Tasks
//! of an event loop have a context variable, which is not even made before the first of them.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::NonNull;
use std::time::Instant;

use fastthrift_rpc::policy::HOP;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::IntoPyDict;

use super::Call;
use crate::aio::Job;

/// What a thread serves.
pub(crate) trait Running {
    /// The call as an object, the same one each time.
    fn call(&self, py: Python<'_>) -> PyResult<Py<Call>>;

    /// Until when the call is to end.
    fn deadline(&self) -> Option<Instant>;
}

thread_local! {
    static RUNNING: Cell<Option<NonNull<dyn Running>>> = const { Cell::new(None) };
}

/// The `contextvars.ContextVar` that holds the [`Call`] that a task serves, or None.
static TASK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// Does some work as what `running` says: to that, [`current`] leads meanwhile.
#[inline]
pub(crate) fn within<R>(running: &dyn Running, work: impl FnOnce() -> R) -> R {
    struct Restore(Option<NonNull<dyn Running>>);

    impl Drop for Restore {
        fn drop(&mut self) {
            RUNNING.set(self.0);
        }
    }

    // SAFETY: only the lifetime is forgotten. The pointer is taken away again before `running`'s borrow ends, however
    // the work ends, and no other thread sees it.
    let pointer = unsafe { std::mem::transmute::<NonNull<dyn Running + '_>, NonNull<dyn Running>>(running.into()) };
    let _restore = Restore(RUNNING.replace(Some(pointer)));
    work()
}

/// The call that this thread or task serves, if it serves one.
fn current(py: Python<'_>) -> PyResult<Option<Py<Call>>> {
    if let Some(running) = RUNNING.get() {
        // SAFETY: `within` keeps what it points to until it takes the pointer away.
        return unsafe { running.as_ref() }.call(py).map(Some);
    }
    match TASK.get(py) {
        None => Ok(None),
        Some(variable) => {
            let found = variable.bind(py).call_method0("get")?;
            // A task of the server has what makes its call; most never need that.
            found.cast::<Job>().map_or_else(|_| Ok(found.extract()?), |job| job.get().call(py).map(Some))
        }
    }
}

/// Until when calls are to end that are made for the call that this thread or task serves.
#[inline]
pub(crate) fn current_deadline(py: Python<'_>) -> Option<Instant> {
    served_deadline(py).map(|deadline| deadline.checked_sub(HOP).unwrap_or(deadline))
}

#[inline]
fn served_deadline(py: Python<'_>) -> Option<Instant> {
    if let Some(running) = RUNNING.get() {
        // SAFETY: as in `current`.
        return unsafe { running.as_ref() }.deadline();
    }
    let found = TASK.get(py)?.bind(py).call_method0("get").ok()?;
    match found.cast::<Job>() {
        Ok(job) => job.get().deadline(),
        Err(_) => found.cast::<Call>().ok()?.get().instant(),
    }
}

/// The `contextvars.ContextVar` that a task's [`Call`] is to be set in.
pub(crate) fn task_variable(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    let make = || {
        let options = [("default", py.None())].into_py_dict(py)?;
        let class = py.import("contextvars")?.getattr("ContextVar")?;
        class.call(("fastthrift_call",), Some(&options)).map(Bound::unbind)
    };
    Ok(TASK.get_or_try_init(py, make)?.bind(py))
}

/// Return the call that the handler on this thread, or in this task, serves; None outside of handlers.
#[pyfunction]
pub(super) fn current_call(py: Python<'_>) -> PyResult<Option<Py<Call>>> {
    current(py)
}
