//! Blocking clients.

mod arguments;
mod failure;
mod link;
mod message;
mod socket;
mod turns;

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use fastthrift_protocol::Limits;
use fastthrift_rpc::{CallId, CallKind, ClientConfig, Framing, ReplyBody, Span};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple, PyType};

pub(crate) use self::arguments::bind;
use self::failure::{Failure, LinkError, connect_error};
use self::link::Link;
pub(crate) use self::message::{ResultFields, Unsent, read_result, write_arguments, write_call};
use self::turns::{NoTurn, Turn, Turns};
use crate::class::none;
use crate::endpoint::Endpoint;
use crate::error::{application_error, decode_error, encode_error};
use crate::function::{Role, ServiceFunction};
use crate::names::python_name;
use crate::object::{Object, held};
use crate::protocols::wire_protocol;
use crate::registry::Registry;
use crate::service::{FunctionInfo, ServiceHandle};
use crate::settings::Settings;

/// A client of a service: its methods are those of the IDL.
///
/// Use it as a context manager, or call `close`. It may be shared by threads; one call is made at a time.
#[pyclass(frozen, subclass, weakref, module = "fastthrift")]
pub(crate) struct Client {
    target: Target,
    link: Turns<Link>,
}

/// What a client was opened with.
struct Target {
    endpoint: Endpoint,
    timeout: Option<Duration>,
    config: ClientConfig,
    settings: Settings,
}

impl Target {
    /// Makes sure that a link is open. A signal ends the attempt; if its handler raises nothing, there is another.
    fn open(&self, py: Python<'_>, link: &mut Link, deadline: Option<Instant>) -> PyResult<Result<(), LinkError>> {
        loop {
            match py.detach(|| link.open(self, deadline)) {
                Err(LinkError::Connect(error)) if error.kind() == std::io::ErrorKind::Interrupted => {
                    py.check_signals()?;
                }
                result => return Ok(result),
            }
        }
    }
}

impl Client {
    /// Waits until no other thread uses the link.
    fn take_link(&self, py: Python<'_>, name: &str, deadline: Option<Instant>) -> PyResult<Turn<'_, Link>> {
        self.link.take(py, deadline).map_err(|reason| match reason {
            NoTurn::Interrupted(error) => error,
            NoTurn::TimedOut => Failure::before(LinkError::TimedOut).into_python(py, &self.target, name),
            NoTurn::Mine => PyRuntimeError::new_err("the client is in the middle of a call on this very thread"),
        })
    }

    /// Makes a call: the arguments go straight into the connection's buffer, the result comes straight out of it.
    pub(crate) fn call<'py>(
        &self,
        registry: &Bound<'py, Registry>,
        info: &FunctionInfo,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = registry.py();
        let values = bind(info, registry, args, kwargs)?;
        let start = Instant::now();
        let deadline = self.target.timeout.map(|timeout| start + timeout);
        let mut link = self.take_link(py, &info.name, deadline)?;
        let failed = |failure: Failure| failure.into_python(py, &self.target, &info.name);
        if !link.is_warm(start) {
            self.target.open(py, &mut link, deadline)?.map_err(Failure::before).map_err(failed)?;
        }
        let kind = if info.is_oneway { CallKind::Oneway } else { CallKind::Call };
        let call = self.write_call(registry.get(), info, &values, &mut link, kind, deadline)?;
        let mut raised = None;
        let reply = py.detach(|| {
            link.exchange(call, kind, deadline, &mut || {
                raised = signal_error();
                raised.is_some()
            })
        });
        if let Some(raised) = raised {
            return Err(raised);
        }
        match reply.map_err(failed)? {
            None => Ok(none().into_bound(py)),
            Some(ReplyBody::Exception(exception)) => Err(application_error(py, &exception)),
            Some(ReplyBody::Result(body)) => {
                let fields = self.read_result(registry, info, &mut link, body)?;
                drop(link);
                fields.into_result(py, info)
            }
        }
    }

    /// Puts a call into the connection's buffer. When that fails, nothing of it is there, and the connection stays good.
    fn write_call(
        &self,
        registry: &Registry,
        info: &FunctionInfo,
        values: &[Object],
        link: &mut Link,
        kind: CallKind,
        deadline: Option<Instant>,
    ) -> PyResult<CallId> {
        let failed = |error| Failure::before(error).into_python(held(), &self.target, &info.name);
        let writer = link.begin_call(&info.name, kind, deadline).map_err(failed)?;
        write_call(registry, info, values, &self.target.settings, writer).map_err(|unsent| match unsent {
            Unsent::Encode(error) => encode_error(held(), &error),
            Unsent::Call(error) => failed(LinkError::Call(error)),
        })
    }

    /// Reads the result that the connection holds.
    fn read_result(
        &self,
        registry: &Bound<'_, Registry>,
        info: &FunctionInfo,
        link: &mut Link,
        body: Span,
    ) -> PyResult<ResultFields> {
        let connection =
            link.connection().ok_or_else(|| PyRuntimeError::new_err("invariant: the reply's connection is there"))?;
        read_result(registry, info, connection, body, &self.target.settings).map_err(|error| {
            // Where the body ends cannot be known now, so this connection is not used again.
            link.abandon();
            decode_error(registry.py(), &error)
        })
    }
}

/// What the handler of a signal that came raises, if it does.
fn signal_error() -> Option<PyErr> {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is not general enough")]
    Python::attach(|py| py.check_signals()).err()
}

#[pymethods]
impl Client {
    #[new]
    fn new(opening: &Bound<'_, PyAny>) -> PyResult<Self> {
        let client = opening.cast::<Opening>().ok().and_then(|opening| opening.get().0.lock().ok()?.take());
        client.ok_or_else(|| PyTypeError::new_err("a client is made by fastthrift.connect()"))
    }

    /// Closes the connection; further calls fail.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.take_link(py, "close", None)?.close();
        Ok(())
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        Ok(format!("<{} of {}>", this.get_type().qualname()?, this.get().target.endpoint))
    }

    fn __enter__(this: Py<Self>) -> Py<Self> {
        this
    }

    #[pyo3(signature = (*_exception))]
    fn __exit__(&self, py: Python<'_>, _exception: &Bound<'_, PyTuple>) -> PyResult<()> {
        self.close(py)
    }
}

/// Opens a client of a service.
#[pyfunction]
fn connect<'py>(
    service: &Bound<'py, PyAny>,
    url: &str,
    protocol: &Bound<'py, PyAny>,
    transport: &str,
    timeout: Option<f64>,
    service_name: Option<String>,
) -> PyResult<Bound<'py, PyAny>> {
    let py = service.py();
    let handle = handle_of(service)?;
    let endpoint = Endpoint::parse(url).map_err(PyValueError::new_err)?;
    let timeout = timeout.map(seconds).transpose()?;
    if let Some(name) = service_name.as_ref().filter(|name| name.contains(':')) {
        return Err(PyValueError::new_err(format!(
            "service_name must not contain ':', which separates it, got {name:?}"
        )));
    }
    let protocol = wire_protocol(protocol)?;
    let settings = Settings { limits: protocol.bounds.over(Limits::DEFAULT), ..protocol.settings() };
    let config = ClientConfig {
        protocol: settings.protocol,
        framing: framing(transport)?,
        limits: settings.limits,
        strict: settings.strict,
        old: settings.old,
        service: service_name,
        ..ClientConfig::default()
    };
    let target = Target { endpoint, timeout, config, settings };
    let mut link = Link::default();
    let deadline = timeout.map(|timeout| Instant::now() + timeout);
    target.open(py, &mut link, deadline)?.map_err(|error| connect_error(py, &target, error))?;
    let class = client_class(handle.get().registry.bind(py), handle.get(), &py.get_type::<Client>(), Role::Call)?;
    let client = Client { target, link: Turns::new(link) };
    class.call1((Bound::new(py, Opening(Mutex::new(Some(client))))?,))
}

/// A client on its way to an instance of its class.
#[pyclass(frozen, module = "fastthrift._core")]
struct Opening(Mutex<Option<Client>>);

/// The service that a stub class, or a class or object that extends one, stands for.
pub(crate) fn handle_of<'py>(service: &Bound<'py, PyAny>) -> PyResult<Bound<'py, ServiceHandle>> {
    let found = service.getattr("__thrift_service__").ok().and_then(|handle| handle.cast_into::<ServiceHandle>().ok());
    found.ok_or_else(|| PyTypeError::new_err(format!("expected a service of a loaded IDL file, got {service}")))
}

/// The transport that a name stands for.
pub(crate) fn framing(transport: &str) -> PyResult<Framing> {
    match transport {
        "framed" => Ok(Framing::Framed),
        "unframed" | "buffered" => Ok(Framing::Unframed),
        other => Err(PyValueError::new_err(format!("unknown transport {other:?}, expected 'framed' or 'unframed'"))),
    }
}

/// A duration of some seconds, as Python gives it.
pub(crate) fn seconds(value: f64) -> PyResult<Duration> {
    match Duration::try_from_secs_f64(value) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err(PyValueError::new_err(format!("a timeout must be a positive number of seconds, got {value}"))),
    }
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
            namespace.set_item(&info.method, ServiceFunction::new(registry, info, &service, role))?;
        }
    }
    let name = format!("{}Client", python_name(&service));
    let class = py.get_type::<PyType>().call1((name, (base,), namespace))?.cast_into::<PyType>()?;
    let _ = kept.set(class.clone().unbind());
    Ok(kept.get().map_or(class, |class| class.bind(py).clone()))
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Client>()?;
    module.add_function(wrap_pyfunction!(connect, module)?)
}
