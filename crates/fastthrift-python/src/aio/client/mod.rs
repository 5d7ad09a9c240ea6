//! Clients: each call is a future that the connection's protocol resolves.
//!
//! [`connections`] has the calls that wait and the connections that carry them, under one lock that is never held while the loop, a
//! transport or a future is called; what is to be done with those is gathered as [`later`] and done afterwards.

mod channel;
mod connections;
mod later;
mod link;
mod state;
mod target;

use std::sync::Arc;

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use self::connections::Connections;
use self::link::Link;
use crate::client::{bind, client_class, handle_of};
use crate::function::Role;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// A client of a service on an event loop: its methods are those of the IDL, and what they return is awaited.
#[pyclass(frozen, subclass, weakref, name = "AsyncClient", module = "fastthrift._core")]
pub(crate) struct AsyncClient {
    connections: Py<Connections>,
}

impl AsyncClient {
    /// Makes a call, and returns the future of its result.
    pub(crate) fn call<'py>(
        &self,
        registry: &Bound<'py, Registry>,
        info: &Arc<FunctionInfo>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = bind(info, registry, args, kwargs)?;
        Connections::call(self.connections.bind(registry.py()), registry, info, &values)
    }
}

#[pymethods]
impl AsyncClient {
    #[new]
    fn new(connections: &Bound<'_, PyAny>) -> PyResult<Self> {
        let connections = connections.cast::<Connections>();
        let connections =
            connections.map_err(|_| PyTypeError::new_err("a client is made by fastthrift.aio.connect()"))?;
        Ok(Self { connections: connections.clone().unbind() })
    }

    /// The connections that the client calls over.
    #[getter]
    fn _connections<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, Connections> {
        self.connections.bind(py)
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {}>", this.get_type().qualname()?, this.get().connections.get().url()))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.connections)
    }
}

/// The class of a service's clients on an event loop; `base` is the class that it extends.
#[pyfunction]
fn async_client_class<'py>(service: &Bound<'py, PyAny>, base: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    let handle = handle_of(service)?;
    let registry = handle.get().registry.bind(service.py());
    client_class(registry, handle.get(), base.cast()?, Role::Await).map(Bound::into_any)
}

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<AsyncClient>()?;
    module.add_class::<Connections>()?;
    module.add_class::<Link>()?;
    module.add_function(wrap_pyfunction!(async_client_class, module)?)
}
