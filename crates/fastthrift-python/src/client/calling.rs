//! How calls are made: over a connection of the pool, and again where that is allowed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_protocol::ApplicationException;
use fastthrift_rpc::policy::Verdict;
use fastthrift_rpc::{CallId, CallKind, Headers, ReplyBody, Span};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::failure::{Failure, LinkError};
use super::intercepting::{intercept, observe};
use super::link::{Limit, Link};
use super::pool::{NoTurn, Turn};
use super::{Client, ResultFields, Shared, bind, read_result, write_arguments};
use crate::call::Call;
use crate::class::none;
use crate::error::{application_error, decode_error, encode_error};
use crate::object::{Object, held};
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// A call that is to be made.
pub(super) struct Outgoing<'a, 'py> {
    pub(super) registry: &'a Bound<'py, Registry>,
    pub(super) info: &'a FunctionInfo,
    /// The arguments in the order of the IDL.
    pub(super) values: &'a [Object],
    /// When it was begun.
    pub(super) start: Instant,
    pub(super) limit: Limit,
    /// What travels beside it, where anything can.
    pub(super) headers: &'a Headers,
    /// Who is told of its sizes and of the reply's headers.
    pub(super) observer: Option<&'a Bound<'py, Call>>,
}

/// What came of a call.
pub(super) enum Answer {
    /// It is oneway.
    Nothing,
    Result(ResultFields),
    Exception(ApplicationException),
}

/// An answer, or what to raise at once; a failure may be followed by another attempt.
pub(super) type Attempt = Result<PyResult<Answer>, Failure>;

impl Client {
    /// Makes a call of one of the service's functions.
    pub(crate) fn call<'py>(
        this: &Bound<'py, Self>,
        registry: &Bound<'py, Registry>,
        service: &Arc<str>,
        info: &Arc<FunctionInfo>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let client = this.get();
        let values = bind(info, registry, args, kwargs)?;
        let start = Instant::now();
        let limit = client.options.limit(registry.py(), start);
        if !client.interceptors.is_empty() {
            return intercept(this, registry, service, info, values, limit);
        }
        let headers = client.options.headers();
        client.make(&Outgoing { registry, info, values: &values, start, limit, headers, observer: None })
    }

    /// Makes a call: the arguments go straight into the connection's buffer, the result comes straight out of it.
    pub(super) fn make<'py>(&self, outgoing: &Outgoing<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let is_idempotent = self.options.idempotent.unwrap_or(outgoing.info.is_idempotent);
        match self.shared.make(outgoing, is_idempotent)? {
            Answer::Nothing => Ok(none().into_bound(outgoing.registry.py())),
            Answer::Result(fields) => fields.into_result(outgoing.registry.py(), outgoing.info),
            Answer::Exception(exception) => Err(application_error(outgoing.registry.py(), &exception)),
        }
    }
}

impl Shared {
    /// Makes a call, as often as that is allowed.
    fn make(&self, outgoing: &Outgoing<'_, '_>, is_idempotent: bool) -> PyResult<Answer> {
        let attempt = match &self.retry {
            None => self.attempt(outgoing),
            Some(retry) => retry.run(outgoing, is_idempotent, || self.attempt(outgoing)),
        };
        attempt.unwrap_or_else(|failure| {
            let py = outgoing.registry.py();
            Err(failure.into_python(py, &self.target, outgoing.limit.timeout, &outgoing.info.name))
        })
    }

    /// Makes a call once.
    fn attempt(&self, outgoing: &Outgoing<'_, '_>) -> Attempt {
        let py = outgoing.registry.py();
        let mut link = match self.take_link(py, outgoing.limit.deadline) {
            Ok(link) => link,
            Err(reason) => return refused(reason),
        };
        let verdict = link.verdict(self.pool.policy(), outgoing.start);
        if verdict != Verdict::Use
            && let Err(raised) = self.make_ready(outgoing, &mut link, verdict)?
        {
            return Ok(Err(raised));
        }
        match self.write(outgoing, &mut link) {
            Ok(call) => self.converse(outgoing, link, call?),
            Err(raised) => Ok(Err(raised)),
        }
    }

    /// Sends what was written, waits for the reply and reads it.
    fn converse(&self, outgoing: &Outgoing<'_, '_>, mut link: Turn<'_>, call: CallId) -> Attempt {
        let py = outgoing.registry.py();
        let (kind, limit) = (outgoing.kind(), outgoing.limit);
        let mut raised = None;
        let reply = py.detach(|| {
            link.exchange(call, kind, limit, &mut || {
                raised = signal_error();
                raised.is_some()
            })
        });
        if let Some(raised) = raised {
            return Ok(Err(raised));
        }
        let reply = reply?;
        if let Some(call) = outgoing.observer
            && let Err(raised) = observe(call, &link)
        {
            return Ok(Err(raised));
        }
        Ok(match reply {
            None => Ok(Answer::Nothing),
            Some(ReplyBody::Exception(exception)) => Ok(Answer::Exception(exception)),
            Some(ReplyBody::Result(body)) => self.read(outgoing, &mut link, body).map(Answer::Result),
        })
    }

    /// Takes a link, which may have no connection yet.
    #[inline]
    pub(super) fn take_link(&self, py: Python<'_>, deadline: Option<Instant>) -> Result<Turn<'_>, NoTurn> {
        self.pool.take(py, deadline)
    }

    /// Sees to it that a link has a connection that the peer did not close.
    #[cold]
    fn make_ready(
        &self,
        outgoing: &Outgoing<'_, '_>,
        link: &mut Link,
        verdict: Verdict,
    ) -> Result<PyResult<()>, Failure> {
        let is_there = match verdict {
            Verdict::Use | Verdict::Glance => link.glance(),
            Verdict::Check => {
                link.glance()
                    && match self.check_health(outgoing, link) {
                        Ok(is_healthy) => is_healthy,
                        Err(raised) => return Ok(Err(raised)),
                    }
            }
            Verdict::Close => false,
        };
        if is_there {
            return Ok(Ok(()));
        }
        match self.target.connect(outgoing.registry.py(), link, outgoing.limit) {
            Ok(connected) => connected.map(Ok).map_err(Failure::before),
            Err(raised) => Ok(Err(raised)),
        }
    }

    /// Whether the function that checks the server's health gives a result in time.
    fn check_health(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link) -> PyResult<bool> {
        let Some(health) = &self.health else { return Ok(true) };
        let start = Instant::now();
        let own = start.checked_add(health.timeout);
        let deadline = own.into_iter().chain(outgoing.limit.deadline).min();
        let limit = Limit { timeout: outgoing.limit.timeout, deadline };
        let check = Outgoing { info: &health.info, values: &[], start, limit, observer: None, ..*outgoing };
        let Ok(call) = self.write(&check, link)? else { return Ok(false) };
        let mut raised = None;
        let reply = outgoing.registry.py().detach(|| {
            link.exchange(call, CallKind::Call, limit, &mut || {
                raised = signal_error();
                raised.is_some()
            })
        });
        match (raised, reply) {
            (Some(raised), _) => Err(raised),
            (None, Ok(Some(ReplyBody::Result(body)))) => Ok(self.read(&check, link, body).is_ok()),
            (None, _) => Ok(false),
        }
    }

    /// Puts a call into the connection's buffer. When that fails, nothing of it is there, and the connection stays good.
    pub(super) fn write(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link) -> PyResult<Result<CallId, Failure>> {
        let Outgoing { registry, info, values, limit, headers, .. } = *outgoing;
        let mut writer = match link.begin_call(&info.name, outgoing.kind(), limit.deadline, headers) {
            Ok(writer) => writer,
            Err(error) => return Ok(Err(Failure::before(error))),
        };
        if let Err(error) = write_arguments(registry.get(), info, values, &self.target.settings, &mut writer.sink()) {
            return Err(encode_error(held(), &error));
        }
        if let Some(call) = outgoing.observer {
            let start = writer.body_start();
            call.get().set_request_bytes(writer.buffer().len().saturating_sub(start));
        }
        Ok(writer.finish().map_err(|error| Failure::before(LinkError::Call(error))))
    }

    /// Reads the result that the connection holds.
    fn read(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link, body: Span) -> PyResult<ResultFields> {
        let connection =
            link.connection().ok_or_else(|| PyRuntimeError::new_err("invariant: the reply's connection is there"))?;
        let read = read_result(outgoing.registry, outgoing.info, connection, body, &self.target.settings);
        read.map_err(|error| {
            // Where the body ends cannot be known now, so this connection is not used again.
            link.abandon();
            decode_error(outgoing.registry.py(), &error)
        })
    }
}

impl Outgoing<'_, '_> {
    pub(super) fn kind(&self) -> CallKind {
        if self.info.is_oneway { CallKind::Oneway } else { CallKind::Call }
    }

    /// Whether there is time to wait that long and to try again.
    pub(super) fn has_time_for(&self, wait: Duration) -> bool {
        self.limit.deadline.is_none_or(|deadline| deadline.saturating_duration_since(Instant::now()) > wait)
    }
}

/// What becomes of a call that gets no link.
#[cold]
fn refused(reason: NoTurn) -> Attempt {
    match reason {
        NoTurn::Closed => Err(Failure::before(LinkError::Closed)),
        NoTurn::Interrupted(raised) => Ok(Err(raised)),
        NoTurn::TimedOut => Err(Failure::before(LinkError::TimedOut)),
        NoTurn::Mine => {
            let text = "the client is in the middle of a call on this very thread, and has no other connection";
            Ok(Err(PyRuntimeError::new_err(text)))
        }
    }
}

/// What the handler of a signal that came raises, if it does.
pub(super) fn signal_error() -> Option<PyErr> {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is not general enough")]
    Python::attach(|py| py.check_signals()).err()
}
