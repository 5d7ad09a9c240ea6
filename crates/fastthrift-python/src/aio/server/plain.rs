//! Handlers that are plain functions: which of them run on the loop's own thread, and how they run behind interceptors.

use std::collections::HashSet;

use pyo3::prelude::*;
use pyo3::types::PyBool;
use pyo3::{PyTraverseError, PyVisit};

use crate::call::Call;
use crate::interceptors::Target;

/// Which plain handlers run on the loop's own thread.
pub(super) enum Inline {
    All,
    These(HashSet<String>),
}

impl Inline {
    pub(super) fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(all) = given.cast::<PyBool>() {
            return Ok(if all.is_true() { Self::All } else { Self::These(HashSet::new()) });
        }
        let names = given.try_iter()?.map(|name| name?.extract::<String>()).collect::<PyResult<_>>();
        Ok(Self::These(names?))
    }

    /// Whether it is one of them.
    pub(super) fn has(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::These(names) => names.contains(name),
        }
    }
}

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
