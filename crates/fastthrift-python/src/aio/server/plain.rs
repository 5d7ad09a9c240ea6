//! How handlers that are plain functions run behind interceptors.

use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use crate::call::Call;
use crate::interceptors::Target;

/// How a plain handler behind interceptors runs.
#[derive(Clone, Copy)]
pub(super) enum Plain {
    Here,
    Thread,
}

/// A handler's method, behind interceptors; what it returns is awaited.
pub(super) struct Handler {
    pub(super) callable: Py<PyAny>,
    /// `None` for a coroutine function.
    pub(super) plain: Option<Plain>,
    pub(super) call_plain: Py<PyAny>,
}

impl Target for Handler {
    fn proceed<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>> {
        let (py, arguments) = (call.py(), call.get().arguments_of(call.py()));
        let callable = self.callable.bind(py);
        match self.plain {
            None => callable.call1(arguments.clone()),
            Some(Plain::Thread) => self.call_plain.bind(py).call1((callable, arguments)),
            Some(Plain::Here) => self.call_plain.bind(py).call1((callable, arguments, true)),
        }
    }

    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.callable)?;
        visit.call(&self.call_plain)
    }
}
