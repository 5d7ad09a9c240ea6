//! Serving the messages of one request, for whoever brings the bytes: a web framework, a queue, a socket of their own.

use std::time::{Duration, Instant};

use fastthrift_protocol::Protocol;
use fastthrift_rpc::{ConnectionError, Headers, Request, ServerConfig, ServerConnection};
use pyo3::exceptions::{PyException, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};
use pyo3::{PyTraverseError, PyVisit};

use super::DEFAULT_LIMITS;
use super::dispatch::{Invocation, Origin, Outcome, refuse, too_late};
use super::services::Services;
use crate::call::Call;
use crate::client::{headers_dict, headers_of};
use crate::error::{TransportKind, transport_error};
use crate::given::{not_negative, number, object_of, optional, refused, shown, text};
use crate::interceptors::{Interceptors, Style};
use crate::protocols::{Bounds, wire_protocol};
use crate::settings::Settings;
use crate::transports;

/// What `fastthrift.Processor` drives.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ProcessorCore {
    services: Services,
    config: ServerConfig,
}

#[pymethods]
impl ProcessorCore {
    #[new]
    #[pyo3(signature = (handlers, *, protocol, transport, limits, interceptors))]
    #[allow(clippy::needless_pass_by_value)]
    fn new(
        handlers: Vec<(String, Bound<'_, PyAny>, Bound<'_, PyAny>)>,
        protocol: Option<Bound<'_, PyAny>>,
        transport: Option<Bound<'_, PyAny>>,
        limits: Option<Bound<'_, PyAny>>,
        interceptors: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let chosen = protocol.as_ref().map(wire_protocol).transpose()?;
        let settings = chosen.map_or(*Settings::plain(Protocol::Binary), |chosen| chosen.settings());
        let usual = chosen.map(|chosen| chosen.bounds).unwrap_or_default().over(DEFAULT_LIMITS);
        let base = ServerConfig {
            protocol: chosen.map(|chosen| chosen.settings().protocol),
            limits: object_of::<Bounds>("limits", limits.as_ref())?.map_or(usual, |limits| limits.get().over(usual)),
            strict: settings.strict,
            ..ServerConfig::default()
        };
        let transport = optional("transport", transport.as_ref(), text)?;
        let config = transports::accepting(transport.as_deref(), &base).map_err(|error| refused(&error))?;
        let interceptors = Interceptors::new(interceptors.as_ref(), Style::Blocking)?;
        Ok(Self { services: Services::new(&handlers, settings, interceptors, Style::Blocking)?, config })
    }

    /// Serves the messages that these bytes are, and returns the replies; `None` when there are none.
    #[pyo3(signature = (request, headers, peer, reply_headers, waited))]
    fn process<'py>(
        &self,
        py: Python<'py>,
        request: &Bound<'py, PyAny>,
        headers: Option<&Bound<'py, PyAny>>,
        peer: Option<&Bound<'py, PyAny>>,
        reply_headers: Option<&Bound<'py, PyAny>>,
        waited: &Bound<'py, PyAny>,
    ) -> PyResult<Option<Bound<'py, PyBytes>>> {
        let bytes = request.cast::<PyBytes>();
        let bytes = bytes
            .map_err(|_| PyTypeError::new_err(format!("request must be bytes, got {}", shown(request))))?
            .as_bytes();
        let beside = Beside::read(headers, peer, reply_headers, waited)?;
        let mut packet = Packet { rpc: ServerConnection::new(self.config.clone()), beside };
        packet.rpc.receive(bytes);
        packet.rpc.receive_eof();
        loop {
            match packet.rpc.poll_event() {
                Ok(Some(request)) => self.serve(py, &mut packet, &request)?,
                Ok(None) => break,
                Err(error) if error.is_answered() => break,
                Err(error) => return Err(unreadable(py, &error)),
            }
        }
        let replies = packet.rpc.outbound();
        Ok((!replies.is_empty()).then(|| PyBytes::new(py, replies)))
    }

    /// The most bytes that a request may have.
    #[getter]
    fn max_message_size(&self) -> usize {
        self.config.limits.message
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.services.traverse(&visit)
    }
}

impl ProcessorCore {
    fn serve(&self, py: Python<'_>, packet: &mut Packet, request: &Request) -> PyResult<()> {
        let deadline = packet.beside.deadline(request);
        let is_late = deadline.is_some_and(|deadline| deadline <= Instant::now());
        let read =
            if is_late { Err(too_late()) } else { Invocation::read(py, &self.services, &mut packet.rpc, request) };
        let answered = match read {
            Err(exception) => refuse(py, &self.services, &mut packet.rpc, request, &exception),
            Ok(mut invocation) => {
                invocation.deadline = deadline;
                let Outcome { result, call } = invocation.run(py, packet, request);
                if let Err(error) = &result
                    && !error.is_instance_of::<PyException>(py)
                {
                    // Who asks to stop, asks the thread that called.
                    if let Some(call) = &call {
                        Call::end(call.bind(py));
                    }
                    return Err(error.clone_ref(py));
                }
                match call {
                    None => invocation.answer(py, &mut packet.rpc, request, result),
                    Some(call) => {
                        packet.beside.hand_out(call.bind(py))?;
                        invocation.answer_asked(call.bind(py), &mut packet.rpc, request, result)
                    }
                }
            }
        };
        answered.map_err(|error| {
            transport_error(py, TransportKind::Other, false, format!("the reply cannot be written: {error}"))
        })
    }
}

/// A request whose messages are served, as a connection of its own.
struct Packet {
    rpc: ServerConnection,
    beside: Beside,
}

/// What came beside a message that somebody else brought.
pub(crate) struct Beside {
    /// Those of the call, where they are not in the message.
    pub(crate) headers: Option<Py<PyDict>>,
    /// A URL.
    pub(crate) peer: Option<String>,
    /// Gets the headers that the handler sets.
    reply_headers: Option<Py<PyDict>>,
    arrived: Option<Instant>,
    /// How long whoever sent it waits.
    timeout: Option<Duration>,
}

impl Beside {
    /// Of the arguments of `Processor.process`.
    pub(crate) fn read(
        headers: Option<&Bound<'_, PyAny>>,
        peer: Option<&Bound<'_, PyAny>>,
        reply_headers: Option<&Bound<'_, PyAny>>,
        waited: &Bound<'_, PyAny>,
    ) -> PyResult<Self> {
        let headers = optional("headers", headers, texts)?;
        let waited = not_negative("waited", number("waited", waited)?)?;
        Ok(Self {
            timeout: headers.as_ref().and_then(told),
            headers: headers.map(Bound::unbind),
            peer: optional("peer", peer, text)?,
            reply_headers: optional("reply_headers", reply_headers, dict)?.map(Bound::unbind),
            arrived: Instant::now().checked_sub(waited),
        })
    }

    /// Until when a request is to be carried out: what it says itself counts more than what is beside it.
    pub(crate) fn deadline(&self, request: &Request) -> Option<Instant> {
        self.arrived?.checked_add(request.timeout.or(self.timeout)?)
    }

    /// Hands out the headers that a call's reply is to have. Where they cannot be, an error is answered in place of the result.
    pub(crate) fn hand_out(&self, call: &Bound<'_, Call>) -> PyResult<()> {
        let py = call.py();
        if let (Some(wanted), Some(given)) = (&self.reply_headers, call.get().reply_headers_if_any(py))
            && let Ok(headers) = headers_of(given.as_any())
        {
            wanted.bind(py).update(headers_dict(py, &headers)?.as_mapping())?;
        }
        Ok(())
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.headers)?;
        visit.call(&self.reply_headers)
    }
}

/// How long the caller waits, as the headers say that were given; WSGI knows no underscore.
fn told(headers: &Bound<'_, PyDict>) -> Option<Duration> {
    ["client_timeout", "client-timeout"].into_iter().find_map(|name| {
        let value = headers.get_item(name).ok()??;
        [("client_timeout", value.extract::<&str>().ok()?)].into_iter().collect::<Headers>().timeout()
    })
}

impl Origin for Packet {
    fn rpc(&self) -> &ServerConnection {
        &self.rpc
    }

    fn peer(&self) -> Option<String> {
        self.beside.peer.clone()
    }

    fn beside(&self) -> Option<&Beside> {
        Some(&self.beside)
    }
}

/// A dict.
fn dict<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let dict = given.cast::<PyDict>();
    dict.cloned()
        .map_err(|_| PyTypeError::new_err(format!("{name} must be a dict of str to str, got {}", shown(given))))
}

/// A dict of texts by texts.
fn texts<'py>(name: &str, given: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
    let dict = dict(name, given)?;
    let is_text = |part: &Bound<'_, PyAny>| part.is_instance_of::<PyString>();
    if dict.iter().all(|(name, value)| is_text(&name) && is_text(&value)) {
        return Ok(dict);
    }
    Err(PyTypeError::new_err(format!("{name} must be a dict of str to str, got {}", shown(given))))
}

#[cold]
pub(crate) fn unreadable(py: Python<'_>, error: &ConnectionError) -> PyErr {
    transport_error(py, TransportKind::of(error), false, format!("the request cannot be read: {error}"))
}

pub(super) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<ProcessorCore>()
}
