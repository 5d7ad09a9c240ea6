//! The functions of services as methods of Python classes.

use std::sync::{Arc, OnceLock};

use pyo3::exceptions::PyNotImplementedError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::aio::AsyncClient;
use crate::client::Client;
use crate::object::{Object, held};
use crate::registry::Registry;
use crate::service::FunctionInfo;
use crate::vectorcall::{Callable, Entry, prepare};

/// What calling a function does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// It says that the handler does not implement it: a method of a stub class.
    Stub,
    /// It calls the peer and waits: a method of a blocking client's class.
    Call,
    /// It calls the peer and returns what to wait for: a method of the class of a client on an event loop.
    Await,
}

// A function of a service as a method of a class, with the IDL's signature. (As a doc comment this would hide the `__doc__` below.)
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ServiceFunction {
    entry: Entry,
    registry: Py<Registry>,
    info: Arc<FunctionInfo>,
    service: Arc<str>,
    role: Role,
}

impl ServiceFunction {
    /// A function of a service as a method that does what its role says.
    pub(crate) fn new<'py>(
        registry: &Bound<'py, Registry>,
        info: &Arc<FunctionInfo>,
        service: &Arc<str>,
        role: Role,
    ) -> PyResult<Bound<'py, Self>> {
        static ONCE: OnceLock<()> = OnceLock::new();
        let (info, service) = (Arc::clone(info), Arc::clone(service));
        let function = Self { entry: Entry::of::<Self>(), registry: registry.clone().unbind(), info, service, role };
        let function = Bound::new(registry.py(), function)?;
        prepare(&function, &ONCE);
        Ok(function)
    }

    /// Whether an object is a method of a stub class that nobody implemented.
    pub(crate) fn is_stub(object: &Bound<'_, PyAny>) -> bool {
        object.cast::<Self>().is_ok_and(|function| matches!(function.get().role, Role::Stub))
    }
}

impl Callable for ServiceFunction {
    fn entry(&self) -> &Entry {
        &self.entry
    }

    #[inline]
    fn call_plainly(&self, values: &[Object]) -> Option<PyResult<Object>> {
        let (client, values) = values.split_first()?;
        if self.role != Role::Call {
            return None;
        }
        let client = client.bind(held()).cast::<Client>().ok()?;
        Client::call_plainly(&client, self.registry.bind(client.py()), &self.info, values)
    }
}

#[pymethods]
impl ServiceFunction {
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
        static METHOD: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        if instance.is_none() {
            return Ok(this.into_any());
        }
        METHOD.import(instance.py(), "types", "MethodType")?.call1((this, instance))
    }

    #[pyo3(signature = (instance, /, *args, **kwargs))]
    fn __call__<'py>(
        &self,
        instance: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.role {
            Role::Call => {
                let (client, registry) = (instance.cast::<Client>()?, self.registry.bind(instance.py()));
                Client::call(client, registry, &self.service, &self.info, args, kwargs)
            }
            Role::Await => {
                let client = instance.cast::<AsyncClient>()?.get();
                client.call(self.registry.bind(instance.py()), &self.service, &self.info, args, kwargs)
            }
            Role::Stub => {
                let (service, name) = (&self.service, &self.info.name);
                Err(PyNotImplementedError::new_err(format!("the handler does not implement '{service}.{name}'")))
            }
        }
    }

    fn __repr__(&self) -> String {
        format!("<function {}.{}>", self.service, self.info.name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}
