//! Blocking servers: handlers in Python, everything else here.
//!
//! [`services`] are the handlers; [`engine`] has the threads, [`seat`] says which of them leads; the leader has the
//! [`reactor`], which has the [`connection`]s; [`dispatch`] turns a request into a call and what that gives into a
//! reply.

mod arguments;
pub(crate) mod budget;
pub(crate) mod connection;
pub(crate) mod current;
pub(crate) mod dispatch;
pub(crate) mod engine;
mod entrances;
mod heir;
#[cfg(unix)]
mod inherited;
pub(crate) mod inline;
pub(crate) mod listener;
mod load;
pub(crate) mod log;
pub(crate) mod patience;
pub(crate) mod processor;
pub(crate) mod reactor;
pub(crate) mod sasl;
mod seat;
pub(crate) mod services;
mod slots;
#[cfg(unix)]
mod socket_file;
mod stream;
mod tls_stream;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::ServerConfig;
use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::{PyTraverseError, PyVisit};

use self::connection::Timeouts;
use self::engine::{Capacity, Engine};
use self::inline::Inline;
use self::listener::{NotStarted, Site};
use self::reactor::Settings;
use self::sasl::Checks;
use self::services::Services;
use self::stream::Stream;
use crate::endpoint::Endpoint;
use crate::given::{Given, count, optional, refused, text, time_limit};
use crate::interceptors::{Interceptors, Style};
use crate::protocols::{depth_of, wire_protocol};
use crate::settings::Settings as WireSettings;
use crate::tls;
use crate::transports;

/// What `fastthrift.Server` drives.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ServerCore {
    pub(crate) services: Arc<Services>,
    pub(crate) site: Site,
    pub(crate) settings: Settings,
    threads: usize,
    pub(crate) max_in_flight: Option<usize>,
    /// Which plain handlers run on the loop's own thread, where there is one.
    pub(crate) inline: Inline,
    /// What is told of the server's health over HTTP while it runs.
    is_serving: AtomicBool,
    engine: Mutex<Option<Arc<Engine>>>,
}

impl ServerCore {
    /// Whether the server is told to be well.
    pub(crate) fn is_serving(&self) -> bool {
        self.is_serving.load(Ordering::Relaxed)
    }

    /// Waits with the interpreter released: who starts the server does that, too.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Option<Arc<Engine>>> {
        self.engine.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// The engine that runs, if this process has its threads.
    fn engine(&self, py: Python<'_>) -> Option<Arc<Engine>> {
        self.lock(py).as_ref().filter(|engine| engine.is_here()).cloned()
    }
}

#[pymethods]
impl ServerCore {
    #[new]
    #[pyo3(signature = (handlers, urls, *, tls, sasl, protocol, transport, threads, max_connections, message_timeout,
                        idle_timeout, max_message_size, max_decoded_size, max_string_size, max_container_size, max_depth, max_in_flight,
                        max_memory, interceptors, max_open=Given::NOTHING,
                        inline=Given::NOTHING))]
    #[allow(clippy::too_many_arguments, clippy::needless_pass_by_value)]
    fn new(
        handlers: Vec<(String, Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        urls: Vec<String>,
        tls: Option<Bound<'_, PyAny>>,
        sasl: Option<Bound<'_, PyAny>>,
        protocol: Option<Bound<'_, PyAny>>,
        transport: Option<Bound<'_, PyAny>>,
        threads: Bound<'_, PyAny>,
        max_connections: Bound<'_, PyAny>,
        message_timeout: Option<Bound<'_, PyAny>>,
        idle_timeout: Option<Bound<'_, PyAny>>,
        max_message_size: Option<Bound<'_, PyAny>>,
        max_decoded_size: Option<Bound<'_, PyAny>>,
        max_string_size: Option<Bound<'_, PyAny>>,
        max_container_size: Option<Bound<'_, PyAny>>,
        max_depth: Option<Bound<'_, PyAny>>,
        max_in_flight: Option<Bound<'_, PyAny>>,
        max_memory: Option<Bound<'_, PyAny>>,
        interceptors: Option<Bound<'_, PyAny>>,
        max_open: Given<'_>,
        inline: Given<'_>,
    ) -> PyResult<Self> {
        let chosen = protocol.as_ref().map(wire_protocol).transpose()?;
        let bounds = chosen.map(|chosen| chosen.bounds).unwrap_or_default();
        let message = one_of("max_message_size", max_message_size, count, "message", bounds.message)?;
        let message = message.unwrap_or(DEFAULT_LIMITS.message);
        let limits = Limits {
            message,
            string: one_of("max_string_size", max_string_size, count, "string", bounds.string)?.unwrap_or(message),
            container: one_of("max_container_size", max_container_size, count, "container", bounds.container)?
                .unwrap_or(DEFAULT_LIMITS.container),
            depth: one_of("max_depth", max_depth, depth_of, "depth", bounds.depth)?.unwrap_or(DEFAULT_LIMITS.depth),
            memory: one_of("max_decoded_size", max_decoded_size, count, "memory", bounds.memory)?
                .unwrap_or(DEFAULT_LIMITS.memory),
        };
        let settings = chosen.map_or(*WireSettings::plain(Protocol::Binary), |chosen| chosen.settings());
        // Only an event loop serves several requests of a connection together.
        let max_open = max_open.read_if_any("max_open", count)?;
        let style = if max_open.is_some() { Style::Async } else { Style::Blocking };
        let checks = sasl.as_ref().map(|given| Checks::new(given, style)).transpose()?;
        let base = ServerConfig {
            sasl: checks.as_ref().map(Checks::config).transpose()?,
            protocol: chosen.map(|chosen| chosen.settings().protocol),
            limits,
            strict: settings.strict,
            max_open: max_open.unwrap_or(1),
            ..ServerConfig::default()
        };
        let timeouts = Timeouts {
            message: time_limit("message_timeout", message_timeout.as_ref())?,
            idle: time_limit("idle_timeout", idle_timeout.as_ref())?,
        };
        let interceptors = Interceptors::new(interceptors.as_ref(), style)?;
        let parsed: Result<Vec<_>, _> = urls.iter().map(|url| Endpoint::parse(url)).collect();
        let endpoints = parsed.map_err(|error| refused(&error))?;
        if endpoints.is_empty() {
            return Err(PyValueError::new_err("a server needs a URL to listen on"));
        }
        let transport = optional("transport", transport.as_ref(), text)?;
        let config = |endpoint| transports::for_server(transport.as_deref(), endpoint, &base);
        let configs: Result<_, _> = endpoints.iter().map(config).collect();
        let configs = configs.map_err(|error| refused(&error))?;
        let services = Services::new(&handlers, settings, interceptors, style)?.with_checks(checks);
        Ok(Self {
            inline: inline.read("inline", Inline::All, |_, given| Inline::new(given, &services))?,
            services: Arc::new(services),
            site: Site { security: tls::of_server(&endpoints, tls.as_ref())?, endpoints, configs },
            settings: Settings {
                timeouts,
                max_connections: count("max_connections", &max_connections)?,
                max_memory: max_memory.map(|number| count("max_memory", &number)).transpose()?,
            },
            threads: count("threads", &threads)?,
            max_in_flight: max_in_flight.map(|number| count("max_in_flight", &number)).transpose()?,
            is_serving: AtomicBool::new(true),
            engine: Mutex::new(None),
        })
    }

    /// Listens and serves in threads of its own; `on_end` is called when the last of them ends.
    fn start(&self, py: Python<'_>, on_end: Py<PyAny>) -> PyResult<()> {
        let mut engine = self.lock(py);
        if engine.as_ref().is_some_and(|engine| engine.is_here() && !engine.is_over()) {
            return Err(PyRuntimeError::new_err("the server runs already"));
        }
        let (settings, services) = (self.settings.clone(), Arc::clone(&self.services));
        let capacity = Capacity { threads: self.threads, max_in_flight: self.max_in_flight };
        let started = py.detach(|| Engine::start(&self.site, settings, capacity, services, on_end));
        let started = started.map_err(|error| listen_error(&error))?;
        started.set_serving(self.is_serving());
        if let Some(forked) = engine.replace(started).filter(|engine| !engine.is_here()) {
            // Its threads, and so its locks, are those of the parent.
            std::mem::forget(forked);
        }
        Ok(())
    }

    /// Stops accepting, and closes each connection when nothing of it is in flight; after `timeout` seconds, the rest. With the
    /// number of a socket to a process that serves the same, that gets those connections which can be given away, instead.
    ///
    /// A connection that was active within the last `calm` seconds is closed right after its next reply instead, or when
    /// none comes for so long: its client may be about to send a request, which it would lose.
    #[pyo3(signature = (timeout, calm=0.0, heir=None))]
    fn drain(&self, py: Python<'_>, timeout: Option<f64>, calm: f64, heir: Option<i32>) -> PyResult<()> {
        let duration = |seconds| Duration::try_from_secs_f64(seconds).unwrap_or_default();
        let heir = heir.map(heir_of).transpose()?;
        if let Some(engine) = self.engine(py) {
            engine.drain(timeout.map(duration), duration(calm), heir);
        }
        Ok(())
    }

    /// Takes a connection that another process gave: the place of its endpoint, and the number of the socket, which stays open.
    fn adopt(&self, py: Python<'_>, place: usize, descriptor: i32) -> PyResult<()> {
        let (Some(endpoint), Some(config)) = (self.site.endpoints.get(place), self.site.configs.get(place)) else {
            return Err(PyValueError::new_err("there is no such endpoint"));
        };
        let stream = Stream::adopted(endpoint, inherited::duplicate(descriptor)?)?;
        if let Some(engine) = self.engine(py) {
            engine.adopt(stream, place, config);
        }
        Ok(())
    }

    /// The most bytes that a request may have at the first of the places.
    #[getter]
    fn max_message_size(&self) -> usize {
        self.site.configs.first().map_or(DEFAULT_LIMITS.message, |config| config.limits.message)
    }

    /// Sets what `GET /healthz` is answered over HTTP: 200, or 503 when it is false or the server stops.
    fn set_serving(&self, py: Python<'_>, is_serving: bool) {
        self.is_serving.store(is_serving, Ordering::Relaxed);
        if let Some(engine) = self.engine(py) {
            engine.set_serving(is_serving);
        }
    }

    /// Closes all connections now.
    fn abort(&self, py: Python<'_>) {
        if let Some(engine) = self.engine(py) {
            py.detach(|| engine.abort());
        }
    }

    /// Whether this very thread runs a handler of the server.
    fn is_in_handler(&self, py: Python<'_>) -> bool {
        self.engine(py).is_some_and(|engine| engine.employs_this_thread())
    }

    /// Whether the server's threads are those of this process.
    fn is_here(&self, py: Python<'_>) -> bool {
        self.engine(py).is_some()
    }

    /// Where the server listens, or is to listen.
    #[getter]
    fn urls(&self, py: Python<'_>) -> Vec<String> {
        let engine = self.lock(py);
        let endpoints = engine.as_ref().map_or(&*self.site.endpoints, |engine| engine.endpoints());
        endpoints.iter().map(ToString::to_string).collect()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.services.traverse(&visit)
    }
}

/// The process that gets the connections, at the other end of a socket, whose number stays open.
fn heir_of(descriptor: i32) -> std::io::Result<heir::Heir> {
    heir::Heir::new(inherited::duplicate(descriptor)?)
}

/// The usual limits of a server: of memory, it allows a request less than others may take.
const DEFAULT_LIMITS: Limits = Limits { memory: 512 << 20, ..Limits::DEFAULT };

/// A bound that the server's argument or the protocol's limits may give, but not both.
fn one_of<T>(
    name: &str,
    argument: Option<Bound<'_, PyAny>>,
    read: impl FnOnce(&str, &Bound<'_, PyAny>) -> PyResult<T>,
    bound_name: &str,
    bound: Option<T>,
) -> PyResult<Option<T>> {
    let argument = argument.map(|argument| read(name, &argument)).transpose()?;
    if argument.is_some() && bound.is_some() {
        let text = format!("{name} and the protocol's limits ({bound_name}) bound the same: give one of them");
        return Err(PyValueError::new_err(text));
    }
    Ok(argument.or(bound))
}

/// Why a server cannot listen, as the `OSError` that the system's number stands for.
pub(crate) fn listen_error(NotStarted { endpoint, error }: &NotStarted) -> PyErr {
    let text = match endpoint {
        Some(endpoint) => format!("cannot listen on {endpoint}: {error}"),
        None => format!("the server cannot start: {error}"),
    };
    match error.raw_os_error() {
        Some(number) => PyOSError::new_err((number, text)),
        None => PyOSError::new_err(text),
    }
}

/// Let servers that are to listen at the addresses of these listening sockets use them; those named before are let go.
/// The descriptors themselves stay open.
#[cfg(unix)]
#[pyfunction]
#[allow(clippy::needless_pass_by_value)]
fn inherit_sockets(descriptors: Vec<std::os::fd::RawFd>) -> PyResult<()> {
    inherited::replace(&descriptors).map_err(Into::into)
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    processor::add_to(module)?;
    #[cfg(unix)]
    module.add_function(wrap_pyfunction!(inherit_sockets, module)?)?;
    module.add_class::<ServerCore>()
}
