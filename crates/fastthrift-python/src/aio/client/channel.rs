//! One connection, and the calls that wait for their replies on it.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use fastthrift_rpc::policy::Age;
use fastthrift_rpc::{
    CallError, CallId, CallKind, CallOptions, Carrier, ClientConfig, ClientConnection, ClientEvent, ConnectionError,
    ConnectionErrorKind, ReplyBody, Span,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use pyo3::{PyTraverseError, PyVisit};

use super::course::{Outcome, Report, Run};
use super::later::Later;
use super::link::Link;
use super::target::Target;
use super::terms::Terms;
use super::upkeep::Standing;
use crate::aio::secure::Secure;
use crate::class::none;
use crate::client::{Failure, LinkError, Unsent, read_result, write_arguments};
use crate::error::{application_error, decode_error, encode_error};
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// From how many bytes on what waits to be sent is sent at once, not in the loop's next round.
const FULL: usize = 64 << 10;

/// A connection that was made and not lost.
pub(super) struct Channel {
    pub(super) link: Py<Link>,
    pub(super) transport: Py<PyAny>,
    /// Which of the target's addresses it leads to.
    place: usize,
    pub(super) connection: ClientConnection,
    pub(super) secure: Option<Secure>,
    /// The future that is done when calls can be made, or when the mechanism of SASL is asked something.
    pub(super) ready: Option<Py<PyAny>>,
    pub(super) standing: Standing,
    /// When it was made and used, since the epoch; kept only where the pool goes by that.
    pub(super) age: Age,
    pub(super) waiting: HashMap<CallId, Waiting>,
    /// The transport has enough to send for now.
    is_paused: bool,
    /// The loop is to flush in its next round.
    is_flush_due: bool,
    /// The first call of which nothing was given to the transport.
    unsent: Option<CallId>,
}

/// A call that waits for its reply.
pub(super) struct Waiting {
    recipient: Recipient,
    registry: Py<Registry>,
    info: Arc<FunctionInfo>,
    terms: Terms,
}

/// Who is told how a call on a connection ends.
pub(super) enum Recipient {
    /// A future.
    Future(Py<PyAny>),
    /// One of the calls that may be made again.
    Course(Run),
    /// The connection itself, which is only good if there is an answer.
    Check,
}

/// A call on its way into a connection.
pub(super) struct Outgoing<'a, 'py> {
    pub(super) recipient: Recipient,
    pub(super) registry: &'a Bound<'py, Registry>,
    pub(super) info: &'a Arc<FunctionInfo>,
    pub(super) terms: &'a Terms,
}

/// What the body of a call is written from.
pub(super) enum Body<'a> {
    /// The arguments in the order of the IDL.
    Values(&'a [Object]),
    /// The struct of the arguments.
    Bytes(&'a [u8]),
}

/// Why a connection does no more, for the calls that wait on it.
#[derive(Debug)]
pub(super) enum End<'a> {
    /// The peer closed it, or broke the protocol.
    Connection(&'a ConnectionError),
    /// The system says so.
    Lost(io::Error),
    /// The client was closed.
    Closed,
}

impl Channel {
    pub(super) fn new(link: &Bound<'_, Link>, transport: Py<PyAny>, target: &Target, now: Duration) -> PyResult<Self> {
        let Link { place, ready, introduction, .. } = link.get();
        let (py, place) = (link.py(), *place);
        let sasl = introduction.as_ref().map(|introduction| introduction.get().client.clone());
        Ok(Self {
            link: link.clone().unbind(),
            transport,
            place,
            connection: ClientConnection::new(ClientConfig { sasl, ..target.base.configs[place].clone() }),
            secure: target.secure(place)?,
            ready: Some(ready.clone_ref(py)),
            standing: Standing::Opening,
            age: Age { opened: now, used: now },
            waiting: HashMap::new(),
            is_paused: false,
            is_flush_due: false,
            unsent: None,
        })
    }

    /// Whether a call can be written now.
    pub(super) fn is_ready(&self) -> bool {
        !self.is_paused
            && self.standing == Standing::Open
            && self.connection.outbound().len() < FULL
            && !self.connection.owes_response()
    }

    /// Whether it carries one call at a time.
    pub(super) fn is_serial(&self) -> bool {
        self.connection.config().carrier == Carrier::Http
    }

    /// How many replies are to come, those that nobody waits for any more included.
    pub(super) fn load(&self) -> usize {
        self.waiting.len() + self.connection.abandoned()
    }

    /// When the first of the calls times out.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.connection.next_deadline()
    }

    pub(super) fn pause(&mut self, is_paused: bool) {
        self.is_paused = is_paused;
    }

    /// Writes a call. When that fails, nothing of it is there, and the connection stays good.
    pub(super) fn begin<'py>(
        &mut self,
        target: &Target,
        call: Outgoing<'_, 'py>,
        body: &Body<'_>,
        now: impl FnOnce() -> Duration,
        later: &mut Later<'py>,
    ) -> PyResult<CallId> {
        let Outgoing { recipient, registry, info, terms } = call;
        let deadline = terms.deadline;
        let py = registry.py();
        let kind = if info.is_oneway { CallKind::Oneway } else { CallKind::Call };
        let refused = |error: CallError| target.call_error(py, &info.name, error);
        let timeout = deadline.map(|deadline| deadline.saturating_sub(now()));
        let options = CallOptions { deadline, timeout, headers: terms.headers(), ..CallOptions::new(&info.name, kind) };
        let mut writer = self.connection.begin(options).map_err(refused)?;
        let written = match body {
            Body::Values(values) => {
                write_arguments(registry.get(), info, values, &target.base.settings, &mut writer.sink())
            }
            Body::Bytes(bytes) => {
                writer.buffer().extend_from_slice(bytes);
                Ok(())
            }
        };
        if let Some(call) = &terms.call {
            let start = writer.body_start();
            call.get().set_request_bytes(writer.buffer().len().saturating_sub(start));
        }
        let written = written.map_err(Unsent::Encode).and_then(|()| writer.finish().map_err(Unsent::Call));
        let id = written.map_err(|unsent| match unsent {
            Unsent::Encode(error) => encode_error(py, &error),
            Unsent::Call(error) => target.call_error(py, &info.name, error),
        })?;
        self.unsent.get_or_insert(id);
        let was_idle = self.waiting.is_empty();
        if kind == CallKind::Oneway {
            self.tell(py, recipient, Ok(none().into_bound(py)), later);
        } else {
            if let Recipient::Future(reply) = &recipient {
                let reply = reply.bind(py);
                reply.setattr(intern!(py, "_holder"), &self.link)?;
                reply.setattr(intern!(py, "_key"), id.to_number())?;
            }
            let registry = registry.clone().unbind();
            self.waiting.insert(id, Waiting { recipient, registry, info: Arc::clone(info), terms: terms.copy(py) });
        }
        if self.connection.outbound().len() >= FULL || (was_idle && kind == CallKind::Call && !self.is_flush_due) {
            self.flush(py, later);
        } else if !self.is_flush_due {
            self.is_flush_due = true;
            later.flushes.push(self.link.bind(py).getattr(intern!(py, "flush"))?);
        }
        Ok(id)
    }

    /// Hands what is to be sent to the transport.
    pub(super) fn flush<'py>(&mut self, py: Python<'py>, later: &mut Later<'py>) {
        let outbound = self.connection.outbound();
        let mut sealed = Vec::new();
        let (bytes, count) = match &mut self.secure {
            None => (outbound, outbound.len()),
            // What cannot be sealed has no way out; why shows when more is received, or when the calls' time is over.
            Some(secure) => match secure.send(outbound, &mut sealed) {
                Ok(taken) => (&*sealed, taken),
                Err(_) => return later.aborts.push(self.transport.bind(py).clone()),
            },
        };
        if !bytes.is_empty() {
            later.writes.push((self.transport.bind(py).clone(), PyBytes::new(py, bytes)));
        }
        self.connection.advance_outbound(count);
        if count > 0 {
            self.unsent = None;
        }
    }

    /// Notes that the flush that was due is done.
    pub(super) fn flushed(&mut self) {
        self.is_flush_due = false;
    }

    /// Stops waiting for a call.
    ///
    /// Where a connection carries one call at a time, it is of no use until the response comes, so it is closed.
    pub(super) fn abandon<'py>(&mut self, py: Python<'py>, call: CallId, later: &mut Later<'py>) {
        let waiting = self.waiting.remove(&call);
        self.connection.cancel(call);
        if self.connection.owes_response() {
            later.aborts.push(self.transport.bind(py).clone());
        }
        drop(waiting);
    }

    /// Takes bytes that came, or `None` for the end of them. An error ends the connection.
    pub(super) fn receive<'py>(
        &mut self,
        py: Python<'py>,
        data: Option<&[u8]>,
        later: &mut Later<'py>,
    ) -> io::Result<()> {
        let Self { connection, secure, .. } = self;
        let received = match (secure, data) {
            (None, Some(data)) => {
                connection.receive(data);
                return Ok(());
            }
            (None, None) => {
                connection.receive_eof();
                return Ok(());
            }
            (Some(secure), Some(data)) => secure.receive(data, |plain| connection.receive(plain)),
            (Some(secure), None) => secure.receive_eof().map(|()| true),
        };
        // The handshake goes on, or the peer is told why it does not.
        self.flush(py, later);
        if received? {
            self.connection.receive_eof();
        }
        Ok(())
    }

    /// Ends the calls whose replies came, or whose time is over. Whether the connection is still good.
    pub(super) fn pump<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        now: Duration,
        later: &mut Later<'py>,
    ) -> bool {
        loop {
            match self.connection.poll_event(now) {
                Ok(None) => return true,
                Ok(Some(ClientEvent::Reply { call, body })) => {
                    // The future of a call that nobody waits for may be gone already.
                    let Some(waiting) = self.waiting.remove(&call) else { continue };
                    let outcome = self.read(py, target, &waiting, body);
                    let outcome = waiting.terms.observe(py, &self.connection).and(outcome);
                    self.tell(py, waiting.recipient, outcome, later);
                }
                Ok(Some(ClientEvent::TimedOut { call })) => {
                    let is_sent = !self.is_unsent(call);
                    let Some(waiting) = self.waiting.remove(&call) else { continue };
                    let failure = Failure { error: LinkError::TimedOut, was_sent: is_sent, place: self.place };
                    self.tell_failure(py, target, waiting, failure, later);
                }
                Err(error) => {
                    self.end(py, target, &End::Connection(&error), later);
                    later.aborts.push(self.transport.bind(py).clone());
                    return false;
                }
            }
        }
    }

    /// Ends all calls that wait, and the opening of the connection if that is not over.
    pub(super) fn end<'py>(&mut self, py: Python<'py>, target: &Target, end: &End<'_>, later: &mut Later<'py>) {
        self.fail_ready(py, end, later);
        let mut waiting: Vec<_> = self.waiting.drain().collect();
        waiting.sort_unstable_by_key(|(call, _)| *call);
        for (call, waiting) in waiting {
            let failure = Failure { error: end.to_error(), was_sent: !self.is_unsent(call), place: self.place };
            self.tell_failure(py, target, waiting, failure, later);
        }
    }

    /// Tells how a call ended.
    fn tell<'py>(
        &mut self,
        py: Python<'py>,
        recipient: Recipient,
        outcome: PyResult<Bound<'py, PyAny>>,
        later: &mut Later<'py>,
    ) {
        match recipient {
            Recipient::Future(reply) => later.end(reply.into_bound(py), outcome),
            Recipient::Course(run) => later.reports.push(Report { run, outcome: Outcome::Answered(outcome) }),
            Recipient::Check => self.checked(py, outcome.is_ok(), later),
        }
    }

    /// Tells why a call was not answered.
    #[cold]
    fn tell_failure<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        waiting: Waiting,
        failure: Failure,
        later: &mut Later<'py>,
    ) {
        match waiting.recipient {
            Recipient::Future(reply) => {
                let error = target.error(py, failure, waiting.terms.timeout, &waiting.info.name);
                later.end(reply.into_bound(py), Err(error));
            }
            Recipient::Course(run) => later.reports.push(Report { run, outcome: Outcome::Failed(failure) }),
            Recipient::Check => self.checked(py, false, later),
        }
    }

    fn is_unsent(&self, call: CallId) -> bool {
        self.unsent.is_some_and(|first| call >= first)
    }

    fn read<'py>(
        &mut self,
        py: Python<'py>,
        target: &Target,
        waiting: &Waiting,
        body: ReplyBody,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = match body {
            ReplyBody::Result(body) => body,
            ReplyBody::Exception(exception) => return Err(application_error(py, &exception)),
        };
        match read_result(waiting.registry.bind(py), &waiting.info, &mut self.connection, body, &target.base.settings) {
            Ok(fields) => fields.into_result(py, &waiting.info),
            Err(error) => {
                let raised = decode_error(py, &error);
                self.check_end(body, error);
                Err(raised)
            }
        }
    }

    /// Where a body that could not be read has no end, what follows it cannot be told apart.
    fn check_end(&mut self, body: Span, error: fastthrift_protocol::DecodeError) {
        let config = self.connection.config();
        if config.protocol.struct_len(self.connection.bytes(body), config.limits).is_err() {
            self.connection.fail(ConnectionError::new(ConnectionErrorKind::Body(error)));
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.link)?;
        visit.call(&self.transport)?;
        visit.call(&self.ready)?;
        for waiting in self.waiting.values() {
            if let Recipient::Future(reply) = &waiting.recipient {
                visit.call(reply)?;
            }
            visit.call(&waiting.registry)?;
            visit.call(&waiting.terms.call)?;
        }
        Ok(())
    }
}
