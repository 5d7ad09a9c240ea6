//! What a server serves: the handlers' methods, found by the names that come over the wire.

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use pyo3::exceptions::{PyAttributeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{PyTraverseError, PyVisit};
use rustc_hash::FxHashMap;

use super::sasl::Checks;
use crate::client::handle_of;
use crate::function::ServiceFunction;
use crate::given::shown;
use crate::interceptors::{Interceptors, Style, is_coroutine_function};
use crate::registry::Registry;
use crate::service::FunctionInfo;
use crate::settings::Settings;

/// `CO_VARARGS` of a code object's flags.
const VARARGS_FLAG: u32 = 0x4;

/// Under which name the service tells how it is; it never counts as the one that is served.
pub(crate) const HEALTH: &str = "fastthrift.Health";

/// A table by names that are known before anybody calls, so that its hasher need not stand up to a peer.
type ByName<T> = FxHashMap<Box<[u8]>, T>;

/// All services of one port.
pub(crate) struct Services {
    /// Who may call, where clients have to say who they are.
    pub(crate) checks: Option<Checks>,
    /// Serves functions that are called without a service's name.
    plain: Option<Arc<Service>>,
    /// Serves `name:function`.
    named: ByName<Arc<Service>>,
    /// How values are read and written, in whatever protocol.
    pub(crate) settings: Settings,
    /// What runs around each handler.
    pub(crate) interceptors: Interceptors,
}

/// One handler.
pub(crate) struct Service {
    pub(crate) name: Arc<str>,
    pub(crate) registry: Py<Registry>,
    methods: ByName<Method>,
}

/// A handler's method.
pub(crate) struct Method {
    pub(crate) info: Arc<FunctionInfo>,
    /// None where the handler does not implement the function.
    callable: Option<Py<PyAny>>,
    /// Whether it is a coroutine function.
    pub(crate) is_async: bool,
    /// How many more quick calls it takes until the method counts as quick; 0 is quick.
    slowness: AtomicU8,
}

impl Services {
    /// Takes handlers by the names under which clients call them. The one that is named `""`, or the only one, also
    /// serves clients that name none; without a name of its own it has that of the IDL.
    pub(crate) fn new(
        handlers: &[(String, Bound<'_, PyAny>, Bound<'_, PyAny>)],
        settings: Settings,
        interceptors: Interceptors,
        style: Style,
    ) -> PyResult<Self> {
        let mut services = Self { checks: None, plain: None, named: ByName::default(), settings, interceptors };
        let is_single = handlers.iter().filter(|(name, ..)| name != HEALTH).count() == 1;
        for (name, handler, service) in handlers {
            let service = Arc::new(Service::new(handler, service, style)?);
            if name.is_empty() || (name != HEALTH && is_single) {
                services.plain = Some(Arc::clone(&service));
            }
            let name = if name.is_empty() { &*service.name } else { name };
            if name.contains(':') {
                return Err(PyValueError::new_err(format!("a service's name cannot hold a colon: {name:?}")));
            }
            services.named.entry(name.as_bytes().into()).or_insert(service);
        }
        Ok(services)
    }

    /// The service and method that a request names, or what to answer.
    #[inline]
    pub(crate) fn find(
        &self,
        service: Option<&[u8]>,
        function: &[u8],
    ) -> Result<(&Arc<Service>, &Method), ApplicationException> {
        let Some(found) = self.service(service) else { return Err(no_service(service)) };
        match found.methods.get(function) {
            Some(method) if method.callable.is_some() => Ok((found, method)),
            Some(_) => Err(no_function(found, "does not implement", function)),
            None => Err(no_function(found, "has no function", function)),
        }
    }

    #[inline]
    fn service(&self, name: Option<&[u8]>) -> Option<&Arc<Service>> {
        match name {
            None => self.plain.as_ref(),
            Some(name) => self.named.get(name),
        }
    }

    /// Tells the interceptors of a request that is refused before any of them runs. A peer could call by any number of names, so
    /// they are told those alone that are served here.
    #[cold]
    pub(crate) fn tell_refused(
        &self,
        py: Python<'_>,
        service: Option<&[u8]>,
        function: &[u8],
        exception: &ApplicationException,
    ) {
        let found = self.service(service);
        let method = found.and_then(|found| found.methods.get(function));
        let (service, function) =
            (found.map_or("", |found| &found.name), method.map_or("", |method| &method.info.name));
        self.interceptors.tell_refused(py, service, function, exception);
    }

    /// The same for clients that have to say who they are.
    pub(super) fn with_checks(self, checks: Option<Checks>) -> Self {
        Self { checks, ..self }
    }

    /// Whether any service has a function of this name.
    pub(crate) fn has(&self, function: &[u8]) -> bool {
        self.named.values().any(|service| service.methods.contains_key(function))
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.interceptors.traverse(visit)?;
        self.checks.as_ref().map_or(Ok(()), |checks| checks.traverse(visit))?;
        // A service is in both places, but each of its references is one.
        let plain = self.plain.iter().filter(|plain| !self.named.values().any(|named| Arc::ptr_eq(plain, named)));
        for service in self.named.values().chain(plain) {
            visit.call(&service.registry)?;
            for method in service.methods.values() {
                visit.call(&method.callable)?;
            }
        }
        Ok(())
    }
}

#[cold]
fn no_service(service: Option<&[u8]>) -> ApplicationException {
    match service {
        Some(name) => unknown(format!("there is no service '{}' here", name.escape_ascii())),
        None => unknown("several services are served here: call 'service:function'".to_owned()),
    }
}

#[cold]
fn no_function(service: &Service, lacks: &str, function: &[u8]) -> ApplicationException {
    unknown(format!("'{}' {lacks} '{}'", service.name, function.escape_ascii()))
}

#[cold]
fn unknown(text: String) -> ApplicationException {
    ApplicationException::new(ApplicationExceptionKind::UNKNOWN_METHOD, text)
}

impl Service {
    /// Finds the handler's methods for the functions of a service, inherited ones included.
    fn new(handler: &Bound<'_, PyAny>, service: &Bound<'_, PyAny>, style: Style) -> PyResult<Self> {
        let py = handler.py();
        if handler.is_instance_of::<PyType>() {
            return Err(PyTypeError::new_err(format!("handler must be an object, got the class {}", shown(handler))));
        }
        let handle = handle_of(service)?;
        let registry = handle.get().registry.bind(py);
        let schema = registry.get().schema();
        let mut methods = ByName::default();
        for (id, _) in schema.lineage(handle.get().id) {
            for info in &Registry::service(registry, id)?.functions {
                if let Entry::Vacant(place) = methods.entry(Box::from(info.name.as_bytes())) {
                    place.insert(Method::new(handler, info, style)?);
                }
            }
        }
        if methods.values().all(|method: &Method| method.callable.is_none()) && !methods.is_empty() {
            let name = &schema.service(handle.get().id).name;
            let text = format!("{} implements no function of the service '{name}'", shown(handler));
            return Err(PyTypeError::new_err(text));
        }
        let name = schema.service(handle.get().id).name.clone();
        Ok(Self { name, registry: registry.clone().unbind(), methods })
    }
}

impl Method {
    fn new(handler: &Bound<'_, PyAny>, info: &Arc<FunctionInfo>, style: Style) -> PyResult<Self> {
        let py = handler.py();
        let callable = match handler.getattr(info.method.bind(py)) {
            Ok(found) if is_stub(&found) => None,
            Ok(found) => Some(checked(found, info, style)?),
            Err(error) if error.is_instance_of::<PyAttributeError>(py) => None,
            Err(error) => return Err(error),
        };
        let is_async = callable.as_ref().is_some_and(is_coroutine_function);
        let callable = callable.map(Bound::unbind);
        Ok(Self { info: Arc::clone(info), callable, is_async, slowness: AtomicU8::new(0) })
    }

    pub(crate) fn callable<'a, 'py>(&'a self, py: Python<'py>) -> Option<&'a Bound<'py, PyAny>> {
        self.callable.as_ref().map(|callable| callable.bind(py))
    }

    /// Whether calls lately took so long that another thread had to take over.
    #[inline]
    pub(crate) fn is_slow(&self) -> bool {
        self.slowness.load(Ordering::Relaxed) > 0
    }

    /// Notes that another thread took over during a call.
    pub(crate) fn was_slow(&self) {
        self.slowness.store(8, Ordering::Relaxed);
    }

    /// Notes how long a call of a slow method took.
    pub(crate) fn took(&self, time: Duration) {
        let slowness = self.slowness.load(Ordering::Relaxed);
        if time < Duration::from_micros(500) {
            self.slowness.store(slowness.saturating_sub(1), Ordering::Relaxed);
        }
    }
}

/// Whether this is the stub's own method, which only says that the handler has none.
fn is_stub(callable: &Bound<'_, PyAny>) -> bool {
    let function = callable.getattr("__func__");
    function.is_ok_and(|function| ServiceFunction::is_stub(&function)) || ServiceFunction::is_stub(callable)
}

/// Refuses what can be called but would not do what is meant.
fn checked<'py>(callable: Bound<'py, PyAny>, info: &FunctionInfo, style: Style) -> PyResult<Bound<'py, PyAny>> {
    if !callable.is_callable() {
        return Err(PyTypeError::new_err(format!("the handler's '{}' is no method", info.name)));
    }
    if style == Style::Blocking && is_coroutine_function(&callable) {
        let text =
            format!("the handler's '{}' is a coroutine function, which a blocking server cannot call", info.name);
        return Err(PyTypeError::new_err(text));
    }
    let count = info.argument_names.len();
    if takes(&callable, count) == Ok(false) {
        let text = format!("the handler's '{}' cannot be called with the {count} arguments of the IDL", info.name);
        return Err(PyTypeError::new_err(text));
    }
    Ok(callable)
}

/// Whether this takes so many arguments by their places. An error for what only a call can tell: it is no function of Python's.
fn takes(callable: &Bound<'_, PyAny>, count: usize) -> Result<bool, NoFunction> {
    let code = callable.getattr("__code__")?;
    let names: usize = code.getattr("co_argcount")?.extract()?;
    let flags: u32 = code.getattr("co_flags")?.extract()?;
    let defaults = callable.getattr("__defaults__")?;
    let defaults = if defaults.is_none() { 0 } else { defaults.len()? };
    let keyword_only: usize = code.getattr("co_kwonlyargcount")?.extract()?;
    let keyword_defaults = callable.getattr("__kwdefaults__")?;
    let keyword_defaults = if keyword_defaults.is_none() { 0 } else { keyword_defaults.len()? };
    let given = count + usize::from(callable.hasattr("__self__")?);
    let is_enough = given + defaults >= names && keyword_defaults >= keyword_only;
    Ok(is_enough && (given <= names || flags & VARARGS_FLAG != 0))
}

/// What is called is no function of Python's, or says of itself what cannot be.
#[derive(PartialEq, Eq)]
struct NoFunction;

impl From<PyErr> for NoFunction {
    fn from(_: PyErr) -> Self {
        Self
    }
}
