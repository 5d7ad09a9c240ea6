//! Blocking clients.

mod arguments;
mod calling;
mod custom;
mod endpoints;
mod failure;
mod health;
mod hedging;
mod intercepting;
mod link;
mod message;
mod options;
mod policies;
mod policy_set;
mod pool;
mod reaper;
mod retrying;
mod sasl;
mod socket;
mod target;
mod tls_socket;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastthrift_protocol::Limits;
use fastthrift_rpc::ClientConfig;
use fastthrift_rpc::policy::PoolPolicy;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

pub(crate) use self::arguments::bind;
use self::failure::connect_error;
pub(crate) use self::failure::{Failure, LinkError, is_lasting};
pub(crate) use self::health::Health;
pub(crate) use self::hedging::Hedging;
pub(crate) use self::intercepting::{Towards, outgoing_call, outgoing_parts, tell_reply};
use self::link::Limit;
pub(crate) use self::message::{ResultFields, Unsent, read_result, write_arguments};
pub(crate) use self::options::{CallDefaults, headers_dict, headers_of};
pub(crate) use self::policy_set::PolicySet;
use self::pool::Pool;
pub(crate) use self::retrying::Retrying;
pub(crate) use self::sasl::Mechanism;
pub(crate) use self::target::Target;
use crate::function::{Role, ServiceFunction};
use crate::given::{plain_function, refused, shown, time_limit};
use crate::interceptors::{Interceptors, Style};
use crate::protocols::wire_protocol;
use crate::registry::Registry;
use crate::service::ServiceHandle;
use crate::settings::Settings;
use fastthrift_codegen::python::names::python_name;

/// A client of a service: its methods are those of the IDL.
///
/// Use it as a context manager, or call `close`. Threads may share it: it makes as many calls at a time as its pool has
/// connections.
#[pyclass(frozen, subclass, weakref, module = "fastthrift")]
pub(crate) struct Client {
    shared: Py<Shared>,
    options: CallDefaults,
    interceptors: Interceptors,
}

/// What clients have in common that differ in their options alone. An object, so that the garbage collector sees what it refers to
/// once, however many clients there are.
#[pyclass(frozen, module = "fastthrift._core")]
struct Shared {
    target: Target,
    pool: Pool,
    retry: Option<Retrying>,
    hedging: Option<Hedging>,
    /// Whether there is neither.
    makes_calls_once: bool,
    health: Option<Health>,
}

#[pymethods]
impl Client {
    #[new]
    fn new(opening: &Bound<'_, PyAny>) -> PyResult<Self> {
        let client = opening.cast::<Opening>().ok().and_then(|opening| opening.get().0.lock().ok()?.take());
        client.ok_or_else(|| PyTypeError::new_err("a client is made by fastthrift.connect()"))
    }

    /// Closes the connections, those in use when their calls end; further calls fail.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.shared.get().pool.close());
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {}>", this.get_type().qualname()?, this.get().shared.get().target.endpoints))
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.shared)?;
        self.interceptors.traverse(&visit)
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) {
        self.close(py);
    }
}

#[pymethods]
impl Shared {
    /// Not seen are the transports that the opener gave: threads take them from the pool and bring them back at any time.
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.target.traverse(&visit)
    }
}

/// Opens a client of a service.
#[pyfunction]
#[expect(clippy::too_many_arguments, clippy::needless_pass_by_value, reason = "Python passes them so")]
fn connect<'py>(
    service: &Bound<'py, PyAny>,
    urls: Vec<String>,
    protocol: &Bound<'py, PyAny>,
    transport: Option<&Bound<'py, PyAny>>,
    timeout: Option<&Bound<'py, PyAny>>,
    service_name: Option<&Bound<'py, PyAny>>,
    pool: Option<&Bound<'py, PyAny>>,
    retry: Option<&Bound<'py, PyAny>>,
    tls: Option<&Bound<'py, PyAny>>,
    interceptors: Option<&Bound<'py, PyAny>>,
    headers: Option<&Bound<'py, PyAny>>,
    sasl: Option<&Bound<'py, PyAny>>,
    opener: Option<Bound<'py, PyAny>>,
    hedge: Option<&Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = service.py();
    let handle = handle_of(service)?;
    let timeout = time_limit("timeout", timeout)?;
    opener.as_ref().map_or(Ok(()), |opener| plain_function("url", opener))?;
    let headers = headers.map(options::headers_of).transpose()?.unwrap_or_default();
    let target = Target::new(&urls, opener.as_ref(), protocol, transport, service_name, tls, sasl, &headers)?;
    let interceptors = Interceptors::new(interceptors, Style::Blocking)?;
    if hedge.is_some() && target.opener.is_some() {
        return Err(PyValueError::new_err("hedge needs sockets, not a transport of one's own"));
    }
    let PolicySet { pool, health, retry, hedging } =
        PolicySet::new(&handle, pool, retry, hedge, PoolPolicy::default().size)?;
    let makes_calls_once = retry.is_none() && hedging.is_none();
    let shared = Shared { target, pool: Pool::new(pool), retry, hedging, makes_calls_once, health };
    let options = CallDefaults { timeout, ..CallDefaults::default() };
    let options = options.with_headers(&headers, &shared.target)?;
    shared.open(py, timeout)?;
    let registry = handle.get().registry.bind(py);
    let class = client_class(registry, handle.get(), &py.get_type::<Client>(), Role::Call)?;
    opened(&class, Client { shared: Py::new(py, shared)?, options, interceptors })
}

/// How a client writes and reads, and what its connections begin with wherever they lead.
pub(crate) fn spoken(protocol: &Bound<'_, PyAny>, service_name: Option<String>) -> PyResult<(Settings, ClientConfig)> {
    if let Some(name) = service_name.as_ref().filter(|name| name.contains(':')) {
        return Err(refused(&format!("service_name must not contain ':', which separates it, got {name:?}")));
    }
    let protocol = wire_protocol(protocol)?;
    let settings = Settings { limits: protocol.bounds.over(Limits::DEFAULT), ..protocol.settings() };
    let config = ClientConfig {
        protocol: settings.protocol,
        limits: settings.limits,
        strict: settings.strict,
        old: settings.old,
        service: service_name,
        ..ClientConfig::default()
    };
    Ok((settings, config))
}

/// What an opener of transports is called: a class or a function by its own name.
pub(crate) fn name_of(opener: &Bound<'_, PyAny>) -> String {
    let named = opener.getattr("__qualname__").or_else(|_| opener.get_type().qualname().map(Bound::into_any));
    named.map_or_else(|_| "transport".to_owned(), |name| name.to_string())
}

/// A client as an instance of its class.
fn opened<'py>(class: &Bound<'py, PyType>, client: Client) -> PyResult<Bound<'py, PyAny>> {
    class.call1((Bound::new(class.py(), Opening(Mutex::new(Some(client))))?,))
}

impl Shared {
    /// Makes the first connection, so that a wrong address is seen at once.
    fn open(&self, py: Python<'_>, timeout: Option<Duration>) -> PyResult<()> {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let Some(mut link) = self.pool.try_take() else { return Ok(()) };
        let connected = self.target.connect(py, &mut link, Limit { timeout, deadline })?;
        connected.map_err(|error| connect_error(py, &self.target, timeout, error))
    }
}

/// A client on its way to an instance of its class.
#[pyclass(frozen, module = "fastthrift._core")]
struct Opening(Mutex<Option<Client>>);

/// The service that a stub class, or a class or object that extends one, stands for.
pub(crate) fn handle_of<'py>(service: &Bound<'py, PyAny>) -> PyResult<Bound<'py, ServiceHandle>> {
    let found = service.getattr("__thrift_service__").ok().and_then(|handle| handle.cast_into::<ServiceHandle>().ok());
    found.ok_or_else(|| {
        PyTypeError::new_err(format!("service must be the class of a service of an IDL file, got {}", shown(service)))
    })
}

/// The class of a service's blocking clients.
#[pyfunction(name = "client_class")]
fn class_of_clients<'py>(service: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyType>> {
    let (py, handle) = (service.py(), handle_of(service)?);
    client_class(handle.get().registry.bind(py), handle.get(), &py.get_type::<Client>(), Role::Call)
}

/// The class of a service's clients, with a method for each function, inherited ones included. All of one `role` extend the same `base`.
pub(crate) fn client_class<'py>(
    registry: &Bound<'py, Registry>,
    handle: &ServiceHandle,
    base: &Bound<'py, PyType>,
    role: Role,
) -> PyResult<Bound<'py, PyType>> {
    let py = registry.py();
    let entry = Registry::service(registry, handle.id)?;
    let kept = entry.client_class(role);
    if let Some(class) = kept.get() {
        return Ok(class.bind(py).clone());
    }
    let schema = registry.get().schema();
    let service: Arc<str> = schema.service(handle.id).name.clone();
    let namespace = PyDict::new(py);
    namespace.set_item("__module__", registry.get().module_name(schema.service(handle.id).program))?;
    namespace.set_item("__doc__", format!("A client of the service '{service}'."))?;
    let lineage: Vec<_> = schema.lineage(handle.id).map(|(id, _)| id).collect();
    for id in lineage.into_iter().rev() {
        for info in &Registry::service(registry, id)?.functions {
            namespace.set_item(&info.method, ServiceFunction::new(registry, info, &service, role)?)?;
        }
    }
    // The class extends that of the clients of the service's base, wherever that is at home.
    let base = match schema.service(handle.id).extends {
        None => base.clone(),
        Some(extended) => {
            let stub = Registry::service(registry, extended)?.class(py);
            let handle = handle_of(stub)?;
            client_class(handle.get().registry.bind(py), handle.get(), base, role)?
        }
    };
    let name = format!("{}Client", python_name(&service));
    let class = py.get_type::<PyType>().call1((name, (base,), namespace))?.cast_into::<PyType>()?;
    let _ = kept.set(class.clone().unbind());
    Ok(kept.get().map_or(class, |class| class.bind(py).clone()))
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    policies::add_to(module)?;
    module.add_class::<Client>()?;
    module.add_function(wrap_pyfunction!(class_of_clients, module)?)?;
    module.add_function(wrap_pyfunction!(options::with_options, module)?)?;
    module.add_function(wrap_pyfunction!(connect, module)?)
}
