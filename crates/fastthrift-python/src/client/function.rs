//! The methods of a client's class.

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use super::Client;
use crate::class::{none, place_by_name};
use crate::constant::Default;
use crate::object::{Object, Ref};
use crate::registry::Registry;
use crate::service::{FunctionInfo, bound_method};

// A function of a service as a method of its client's class. (As a doc comment this would hide the `__doc__` below.)
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ClientFunction {
    pub(super) registry: Py<Registry>,
    pub(super) info: Arc<FunctionInfo>,
    pub(super) service: Arc<str>,
}

#[pymethods]
impl ClientFunction {
    #[getter]
    fn __name__(&self, py: Python<'_>) -> Py<PyString> {
        self.info.method.clone_ref(py)
    }

    #[getter]
    fn __qualname__(&self, py: Python<'_>) -> String {
        format!("{}.{}", self.service, self.info.method.bind(py))
    }

    #[getter]
    fn __doc__(&self) -> Option<&str> {
        self.info.doc.as_deref()
    }

    #[getter]
    fn __signature__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.info.signature(self.registry.bind(py))
    }

    fn __get__<'py>(
        this: Bound<'py, Self>,
        instance: Bound<'py, PyAny>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        if instance.is_none() { Ok(this.into_any()) } else { bound_method(this.into_any(), instance) }
    }

    #[pyo3(signature = (client, *args, **kwargs))]
    fn __call__<'py>(
        &self,
        client: &Bound<'py, Client>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let registry = self.registry.bind(client.py());
        let values = self.bind(registry, args, kwargs)?;
        client.get().call(registry, &self.info, &values)
    }

    fn __repr__(&self) -> String {
        format!("<client function {}.{}>", self.service, self.info.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}

impl ClientFunction {
    /// Puts the arguments of a call into the order of the IDL.
    fn bind(
        &self,
        registry: &Bound<'_, Registry>,
        args: &Bound<'_, PyTuple>,
        kwargs: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Vec<Object>> {
        let info = &*self.info;
        let most = info.argument_names.len();
        if args.len() > most {
            return Err(PyTypeError::new_err(format!(
                "{}() takes at most {most} arguments, got {}",
                info.name,
                args.len()
            )));
        }
        if kwargs.is_none_or(PyDictMethods::is_empty) && args.len() == most {
            return Ok(args.iter().map(Object::from).collect());
        }
        let mut values: Vec<Option<Object>> = args.iter().map(|value| Some(Object::from(value))).collect();
        values.resize_with(most, || None);
        for (name, value) in kwargs.into_iter().flatten() {
            let place = place_by_name(&info.argument_names, name.as_ptr()).ok_or_else(|| {
                PyTypeError::new_err(format!("{}() got an unexpected keyword argument '{name}'", info.name))
            })?;
            if values[place].replace(value.into()).is_some() {
                return Err(PyTypeError::new_err(format!("{}() got several values for '{name}'", info.name)));
            }
        }
        let complete = |(place, value): (usize, Option<Object>)| match (value, &info.defaults[place]) {
            (Some(value), _) => Ok(value),
            (None, Default::None) => {
                let name = &info.argument_names[place];
                Err(PyTypeError::new_err(format!("{}() is missing the argument '{name}'", info.name)))
            }
            (None, default) => default.make(Some(registry)),
        };
        values.into_iter().enumerate().map(complete).collect()
    }
}

/// The value of an argument, or `None` when it is Python's None, which is not sent.
pub(super) fn argument(values: &[Object], place: usize) -> Option<Ref> {
    values.get(place).map(Object::as_ptr)
}

/// Python's None, for functions that return nothing.
pub(super) fn nothing(py: Python<'_>) -> Bound<'_, PyAny> {
    none().into_bound(py)
}
