//! Clients: each call is a future that the connection's protocol resolves.
//!
//! [`connections`] has the calls that wait and the connections that carry them, under one lock that is never held while the loop, a
//! transport or a future is called; what is to be done with those is gathered as [`later`] and done afterwards. A call that may be made
//! again is a [`course`] of attempts; all others are futures that a connection resolves itself.

mod calls;
mod channel;
mod connections;
mod course;
mod events;
mod intercepting;
mod later;
mod link;
mod options;
mod state;
mod target;
mod terms;
mod upkeep;

use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use self::connections::Connections;
use self::intercepting::{end_call, intercept};
use self::link::{Introduction, Link};
use self::options::Options;
use crate::client::{self, CallDefaults, bind, client_class, handle_of};
use crate::function::Role;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// A client of a service on an event loop: its methods are those of the IDL, and what they return is awaited.
#[pyclass(frozen, subclass, weakref, name = "AsyncClient", module = "fastthrift._core")]
pub(crate) struct AsyncClient {
    connections: Py<Connections>,
    options: CallDefaults,
}

impl AsyncClient {
    /// Makes a call, and returns the future of its result.
    pub(crate) fn call<'py>(
        &self,
        registry: &Bound<'py, Registry>,
        service: &Arc<str>,
        info: &Arc<FunctionInfo>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let values = bind(info, registry, args, kwargs)?;
        let connections = self.connections.bind(registry.py());
        let terms = connections.get().terms(registry.py(), &self.options);
        if connections.get().interceptors().is_empty() {
            return Connections::call(connections, registry, info, &values, &terms);
        }
        intercept(connections, registry, service, info, values, terms)
    }

    pub(crate) fn options(&self) -> &CallDefaults {
        &self.options
    }

    /// What it calls.
    pub(crate) fn target<'a>(&'a self, py: Python<'a>) -> &'a client::Target {
        &self.connections.bind(py).get().target().base
    }

    /// A client of the same class over the same connections, with other options.
    pub(crate) fn twin<'py>(client: &Bound<'py, Self>, options: CallDefaults) -> PyResult<Bound<'py, PyAny>> {
        let connections = client.get().connections.clone_ref(client.py());
        let opening = Opening(Mutex::new(Some(Self { connections, options })));
        client.get_type().call1((opening,))
    }
}

#[pymethods]
impl AsyncClient {
    #[new]
    fn new(opening: &Bound<'_, PyAny>) -> PyResult<Self> {
        if let Ok(connections) = opening.cast::<Connections>() {
            let options = connections.get().target().options.clone();
            return Ok(Self { connections: connections.clone().unbind(), options });
        }
        let client = opening.cast::<Opening>().ok().and_then(|opening| opening.get().0.lock().ok()?.take());
        client.ok_or_else(|| PyTypeError::new_err("a client is made by fastthrift.aio.connect()"))
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

/// A client on its way to an instance of its class.
#[pyclass(frozen, module = "fastthrift._core")]
struct Opening(Mutex<Option<AsyncClient>>);

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
    module.add_class::<Options>()?;
    module.add_class::<Link>()?;
    module.add_class::<Introduction>()?;
    module.add_function(wrap_pyfunction!(end_call, module)?)?;
    module.add_function(wrap_pyfunction!(async_client_class, module)?)
}
