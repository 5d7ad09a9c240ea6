//! The two sides of a connection without IO, for drivers that are written in Python: bytes and commands in, bytes and
//! events out. Not public in the package.

use std::time::Duration;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind, Limits, Protocol};
use fastthrift_rpc::{
    CallError, CallId, CallKind, CallOptions, Carrier, ClientConfig, ClientConnection, ClientEvent, ConnectionError,
    Framing, Headers, HttpClient, HttpServer, ReplyBody, ReplyError, RequestId, SaslClient, SaslServer, ServerConfig,
    ServerConnection, Span, Transform,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyString};

use crate::error::{TransportKind, application_error, transport_error};
use crate::transports::Transport;

/// The client's side of one connection. Times are in seconds since a moment that the driver chooses once.
#[pyclass(name = "ClientConnection", module = "fastthrift._core")]
struct PyClientConnection(ClientConnection);

#[pymethods]
impl PyClientConnection {
    #[new]
    #[pyo3(signature = (protocol, transport, *, service=None, message_limit=None, max_abandoned=None, first_sequence_id=None, transforms=Vec::new(), http=None, sasl=None))]
    #[expect(clippy::too_many_arguments, reason = "one per keyword")]
    fn new(
        protocol: &str,
        transport: &str,
        service: Option<String>,
        message_limit: Option<usize>,
        max_abandoned: Option<usize>,
        first_sequence_id: Option<i32>,
        transforms: Vec<Bound<'_, PyString>>,
        http: Option<(&str, &str)>,
        sasl: Option<(&str, Vec<u8>)>,
    ) -> PyResult<Self> {
        let default = ClientConfig::default();
        let (framing, carrier) = carried(transport)?;
        let transforms = transforms.into_iter().map(|name| transform(name.to_str()?)).collect::<PyResult<_>>()?;
        let http = http.map(|(host, path)| HttpClient::new(host, path, Headers::none())).transpose();
        let sasl = sasl.map(|(mechanism, initial)| {
            SaslClient::new(mechanism, initial).ok_or_else(|| PyValueError::new_err("there is no such mechanism"))
        });
        Ok(Self(ClientConnection::new(ClientConfig {
            sasl: sasl.transpose()?,
            http: http.map_err(|error| PyValueError::new_err(error.to_string()))?.unwrap_or_default(),
            protocol: protocol.parse::<Protocol>().map_err(|error| PyValueError::new_err(error.to_string()))?,
            framing,
            carrier,
            transforms,
            service,
            limits: limits(message_limit),
            max_abandoned: max_abandoned.unwrap_or(default.max_abandoned),
            first_sequence_id: first_sequence_id.unwrap_or(default.first_sequence_id),
            ..default
        })))
    }

    /// Makes a call ready to send; `body` is the struct of the arguments. Returns its id.
    ///
    /// Where headers travel, `headers` and how long the server has, `timeout`, go with it.
    #[pyo3(signature = (function, body, *, service=None, oneway=false, deadline=None, timeout=None, headers=None))]
    #[expect(clippy::too_many_arguments, reason = "one per keyword")]
    fn call(
        &mut self,
        py: Python<'_>,
        function: &str,
        body: &[u8],
        service: Option<&str>,
        oneway: bool,
        deadline: Option<f64>,
        timeout: Option<f64>,
        headers: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<u64> {
        let kind = if oneway { CallKind::Oneway } else { CallKind::Call };
        let (deadline, timeout) = (deadline.map(time).transpose()?, timeout.map(time).transpose()?);
        let headers = &read_headers(headers)?;
        let begun = self.0.begin(CallOptions { service, function, kind, deadline, timeout, headers });
        let finished = begun.and_then(|mut writer| {
            writer.buffer().extend_from_slice(body);
            writer.finish()
        });
        finished.map(CallId::to_number).map_err(|error| call_error(py, &error))
    }

    /// Stops waiting for a call. False when nobody waited for it.
    fn cancel(&mut self, call: u64) -> bool {
        self.0.cancel(CallId::from_number(call))
    }

    /// Takes the bytes to send next.
    fn take_outbound<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = PyBytes::new(py, self.0.outbound());
        self.0.advance_outbound(self.0.outbound().len());
        bytes
    }

    /// Takes bytes that the peer sent.
    fn receive(&mut self, bytes: &[u8]) {
        self.0.receive(bytes);
    }

    /// Notes that the peer sends nothing more.
    fn receive_eof(&mut self) {
        self.0.receive_eof();
    }

    /// The next event: a call, and the bytes of its result's struct or the exception to raise. None while nothing comes.
    /// Raises when the connection has failed.
    fn poll_event<'py>(&mut self, py: Python<'py>, now: f64) -> PyResult<Option<(u64, Bound<'py, PyAny>)>> {
        let event = self.0.poll_event(time(now)?).map_err(|error| connection_error(py, &error))?;
        let raised = |error: PyErr| error.into_value(py).into_bound(py).into_any();
        Ok(event.map(|event| match event {
            ClientEvent::Reply { call, body: ReplyBody::Result(body) } => {
                (call.to_number(), PyBytes::new(py, self.0.bytes(body)).into_any())
            }
            ClientEvent::Reply { call, body: ReplyBody::Exception(error) } => {
                (call.to_number(), raised(application_error(py, &error)))
            }
            ClientEvent::TimedOut { call } => {
                let text = "no reply came before the deadline";
                (call.to_number(), raised(transport_error(py, TransportKind::TimedOut, true, text.to_owned())))
            }
        }))
    }

    /// What came beside the reply that was given last.
    fn reply_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        headers_of(py, self.0.reply_headers())
    }

    /// Whether this side still says who it is.
    fn is_handshaking(&self) -> bool {
        self.0.is_handshaking()
    }

    /// What the peer asks of the mechanism, to be answered by `respond`.
    fn challenge<'py>(&self, py: Python<'py>) -> Option<Bound<'py, PyBytes>> {
        self.0.challenge().map(|challenge| PyBytes::new(py, challenge))
    }

    /// Answers the challenge.
    fn respond(&mut self, response: &[u8]) {
        self.0.respond(response);
    }

    /// When `poll_event` is to be asked again even if nothing comes.
    fn next_deadline(&self) -> Option<f64> {
        self.0.next_deadline().map(|deadline| deadline.as_secs_f64())
    }

    /// The calls that the failure of the connection ended; each is given once.
    fn drain_failed(&mut self) -> Vec<u64> {
        self.0.drain_failed().into_iter().map(CallId::to_number).collect()
    }
}

/// A request: its id, the service's name if one came, the function's name, the arguments' struct, whether it is oneway.
type RequestParts<'py> = (u64, Option<Bound<'py, PyBytes>>, Bound<'py, PyBytes>, Bound<'py, PyBytes>, bool);

/// The server's side of one connection; it finds out what the peer speaks.
#[pyclass(name = "ServerConnection", module = "fastthrift._core")]
struct PyServerConnection(ServerConnection, Option<Duration>);

#[pymethods]
impl PyServerConnection {
    #[new]
    #[pyo3(signature = (*, message_limit=None, max_open=None, carrier=None, path=None, sasl=None))]
    fn new(
        message_limit: Option<usize>,
        max_open: Option<usize>,
        carrier: Option<&str>,
        path: Option<String>,
        sasl: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let default = ServerConfig::default();
        let sasl = sasl.map(|names| {
            let accepted = SaslServer::new(names.iter().map(String::as_str));
            accepted.ok_or_else(|| PyValueError::new_err("there are no such mechanisms"))
        });
        let config = ServerConfig {
            limits: limits(message_limit),
            max_open: max_open.unwrap_or(default.max_open),
            carrier: carrier.map(carrier_named).transpose()?,
            http: HttpServer { path, ..HttpServer::default() },
            sasl: sasl.transpose()?,
            ..default
        };
        Ok(Self(ServerConnection::new(config), None))
    }

    /// Takes bytes that the peer sent.
    fn receive(&mut self, bytes: &[u8]) {
        self.0.receive(bytes);
    }

    /// Notes that the peer sends nothing more.
    fn receive_eof(&mut self) {
        self.0.receive_eof();
    }

    /// What the peer says about who it is: the mechanism and its response. None while there is nothing to judge.
    fn credentials<'py>(&self, py: Python<'py>) -> Option<(Bound<'py, PyString>, Bound<'py, PyBytes>)> {
        let credentials = self.0.credentials()?;
        Some((PyString::new(py, credentials.mechanism), PyBytes::new(py, credentials.response)))
    }

    /// Accepts the peer as this one.
    fn accept_peer(&mut self, identity: &str, last: &[u8]) {
        self.0.accept_peer(identity, last);
    }

    /// Asks the peer's mechanism for more.
    fn challenge_peer(&mut self, challenge: &[u8]) {
        self.0.challenge_peer(challenge);
    }

    /// Refuses the peer and tells it why.
    fn refuse_peer(&mut self, text: &str) {
        self.0.refuse_peer(text);
    }

    /// Who the peer was accepted as.
    fn peer_identity(&self) -> Option<&str> {
        self.0.peer_identity()
    }

    /// Whether more should be received.
    fn wants_read(&self) -> bool {
        self.0.wants_read()
    }

    /// The next request, or None while nothing comes. Raises when the connection has failed.
    fn poll_event<'py>(&mut self, py: Python<'py>) -> PyResult<Option<RequestParts<'py>>> {
        let request = self.0.poll_event().map_err(|error| connection_error(py, &error))?;
        if let Some(request) = &request {
            self.1 = request.timeout;
        }
        let bytes = |span: Span| PyBytes::new(py, self.0.bytes(span));
        Ok(request.map(|request| {
            let id = request.id.to_number();
            let is_oneway = request.kind == CallKind::Oneway;
            (id, request.service.map(bytes), bytes(request.function), bytes(request.body), is_oneway)
        }))
    }

    /// What came beside the request that was given last.
    fn request_headers<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        headers_of(py, self.0.request_headers())
    }

    /// How many seconds the peer said that it waits for the request that was given last.
    fn request_timeout(&self) -> Option<f64> {
        self.1.map(|timeout| timeout.as_secs_f64())
    }

    /// Answers a request with its result's struct, and with headers where they travel.
    #[pyo3(signature = (request, body, *, headers=None))]
    fn reply(&mut self, request: u64, body: &[u8], headers: Option<&Bound<'_, PyDict>>) -> PyResult<()> {
        let begun = self.0.begin_reply_with(RequestId::from_number(request), &read_headers(headers)?);
        let finished = begun.and_then(|mut writer| {
            writer.buffer().extend_from_slice(body);
            writer.finish()
        });
        finished.map_err(|error| reply_error(&error))
    }

    /// Answers a request with an application exception.
    fn reply_exception(&mut self, request: u64, kind: i32, message: String) -> PyResult<()> {
        let exception = ApplicationException::new(ApplicationExceptionKind(kind), message);
        self.0.reply_exception(RequestId::from_number(request), &exception).map_err(|error| reply_error(&error))
    }

    /// Closes a oneway request, which gets no answer.
    fn finish_oneway(&mut self, request: u64) -> PyResult<()> {
        self.0.finish_oneway(RequestId::from_number(request)).map_err(|error| reply_error(&error))
    }

    /// Takes the bytes to send next.
    fn take_outbound<'py>(&mut self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let bytes = PyBytes::new(py, self.0.outbound());
        self.0.advance_outbound(self.0.outbound().len());
        bytes
    }

    /// Whether all is done and the connection is to be closed.
    fn is_finished(&self) -> bool {
        self.0.is_finished()
    }
}

/// How messages are told apart, and what carries them.
fn carried(transport: &str) -> PyResult<(Framing, Carrier)> {
    if transport == "http" {
        return Ok((Framing::Unframed, Carrier::Http));
    }
    let Transport { framing, carrier, .. } = Transport::named(transport).map_err(PyValueError::new_err)?;
    Ok((framing, carrier))
}

fn carrier_named(name: &str) -> PyResult<Carrier> {
    match name {
        "direct" => Ok(Carrier::Direct),
        "zlib" => Ok(Carrier::Zlib),
        "http" => Ok(Carrier::Http),
        _ => Err(PyValueError::new_err(format!("a carrier is 'direct', 'zlib' or 'http', got '{name}'"))),
    }
}

fn transform(name: &str) -> PyResult<Transform> {
    match name {
        "zlib" => Ok(Transform::Zlib),
        "zstd" => Ok(Transform::Zstd),
        other => Err(PyValueError::new_err(format!("unknown transform {other:?}, expected 'zlib' or 'zstd'"))),
    }
}

fn read_headers(given: Option<&Bound<'_, PyDict>>) -> PyResult<Headers> {
    let mut headers = Headers::new();
    if let Some(given) = given {
        for (name, value) in given {
            headers.insert(name.extract()?, value.extract()?);
        }
    }
    Ok(headers)
}

/// Headers as a dict, in which the last of those of one name stays.
fn headers_of<'py>(py: Python<'py>, headers: &Headers) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in headers.iter() {
        dict.set_item(name, value)?;
    }
    Ok(dict)
}

fn limits(message: Option<usize>) -> Limits {
    let default = Limits::DEFAULT;
    Limits { message: message.unwrap_or(default.message), ..default }
}

fn time(seconds: f64) -> PyResult<Duration> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| PyValueError::new_err(format!("a time is not negative, got {seconds}")))
}

fn connection_error(py: Python<'_>, error: &ConnectionError) -> PyErr {
    transport_error(py, TransportKind::of(error), true, error.to_string())
}

fn call_error(py: Python<'_>, error: &CallError) -> PyErr {
    match error {
        CallError::Connection(error) => connection_error(py, error),
        other => PyValueError::new_err(other.to_string()),
    }
}

fn reply_error(error: &ReplyError) -> PyErr {
    PyValueError::new_err(error.to_string())
}

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<PyClientConnection>()?;
    module.add_class::<PyServerConnection>()
}
