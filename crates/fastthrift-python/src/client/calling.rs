//! How calls are made: over a connection of the pool, and again where that is allowed.
#![expect(
    clippy::inline_always,
    reason = "a call goes through all of this once, and to hand things on costs more than what is done with them"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_protocol::ApplicationException;
use fastthrift_rpc::policy::Verdict;
use fastthrift_rpc::{CallError, CallId, CallKind, CallWriter, Headers, ReplyBody, Span};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::failure::{Failure, LinkError};
use super::intercepting::{intercept, observe};
use super::link::{Limit, Link};
use super::pool::{NoTurn, Turn};
use super::{Client, ResultFields, Shared, bind, read_result, write_arguments};
use crate::call::{Call, current_deadline};
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

/// Why an attempt at a call gave no answer.
pub(super) enum Trouble {
    /// This is raised at once.
    Raised(PyErr),
    /// Another attempt may follow.
    Failed(Failure),
}

pub(super) type Attempt = Result<Answer, Trouble>;

impl From<PyErr> for Trouble {
    fn from(error: PyErr) -> Self {
        Self::Raised(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

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

    /// Makes a call whose arguments are all given by their places, if no interceptors are around it.
    #[inline]
    pub(crate) fn call_plainly(
        client: &Bound<'_, Self>,
        registry: &Bound<'_, Registry>,
        info: &FunctionInfo,
        values: &[Object],
    ) -> Option<PyResult<Object>> {
        let client = client.get();
        if values.len() != info.argument_names.len() || !client.interceptors.is_empty() {
            return None;
        }
        let start = Instant::now();
        let limit = client.options.limit(registry.py(), start);
        let headers = client.options.headers();
        let made = client.make(&Outgoing { registry, info, values, start, limit, headers, observer: None });
        Some(made.map(Object::from))
    }

    /// Makes a call: the arguments go straight into the connection's buffer, the result comes straight out of it.
    #[inline]
    pub(super) fn make<'py>(&self, outgoing: &Outgoing<'_, 'py>) -> PyResult<Bound<'py, PyAny>> {
        let shared = self.shared.get();
        let attempted = if shared.makes_calls_once { shared.attempt(outgoing) } else { self.make_again(outgoing) };
        match attempted {
            Ok(Answer::Result(fields)) => fields.into_result(outgoing.registry.py(), outgoing.info),
            Ok(Answer::Nothing) => Ok(none().into_bound(outgoing.registry.py())),
            Ok(Answer::Exception(exception)) => Err(application_error(outgoing.registry.py(), &exception)),
            Err(trouble) => Err(shared.raised(outgoing, trouble)),
        }
    }

    /// Makes a call, as often as that is allowed.
    #[inline(never)]
    fn make_again(&self, outgoing: &Outgoing<'_, '_>) -> Attempt {
        let shared = self.shared.get();
        let is_idempotent = self.options.idempotent.unwrap_or(outgoing.info.is_idempotent);
        let attempt = || match &shared.hedging {
            Some(hedging) if is_idempotent && !outgoing.info.is_oneway => shared.attempt_hedged(hedging, outgoing),
            _ => shared.attempt(outgoing),
        };
        match &shared.retry {
            None => attempt(),
            Some(retry) => retry.run(outgoing, is_idempotent, attempt),
        }
    }
}

impl Shared {
    #[cold]
    fn raised(&self, outgoing: &Outgoing<'_, '_>, trouble: Trouble) -> PyErr {
        match trouble {
            Trouble::Raised(raised) => raised,
            Trouble::Failed(failure) => {
                let py = outgoing.registry.py();
                failure.into_python(py, &self.target, outgoing.own_timeout(), &outgoing.info.name)
            }
        }
    }

    /// Makes a call once.
    #[inline(always)]
    fn attempt(&self, outgoing: &Outgoing<'_, '_>) -> Attempt {
        let mut link = self.ready_link(outgoing)?;
        let call = self.write(outgoing, &mut link)?;
        self.converse(outgoing, link, call)
    }

    /// Sends what was written, waits for the reply and reads it.
    #[inline(always)]
    pub(super) fn converse(&self, outgoing: &Outgoing<'_, '_>, mut link: Turn<'_>, call: CallId) -> Attempt {
        let (kind, limit) = (outgoing.kind(), outgoing.limit);
        let py = outgoing.registry.py();
        let reply = interruptible(py, |is_interrupted| link.exchange(call, kind, limit, is_interrupted))?;
        match reply? {
            None => Ok(Answer::Nothing),
            Some(body) => self.answer(outgoing, link, body),
        }
    }

    /// Reads a reply, and lets go of its link.
    #[inline(always)]
    pub(super) fn answer(&self, outgoing: &Outgoing<'_, '_>, mut link: Turn<'_>, body: ReplyBody) -> Attempt {
        if let Some(call) = outgoing.observer {
            observe(call, &link)?;
        }
        match body {
            ReplyBody::Exception(exception) => Ok(Answer::Exception(exception)),
            ReplyBody::Result(body) => Ok(Answer::Result(self.read(outgoing, &mut link, body)?)),
        }
    }

    /// Takes a link that has a connection.
    #[inline(always)]
    pub(super) fn ready_link(&self, outgoing: &Outgoing<'_, '_>) -> Result<Turn<'_>, Trouble> {
        let mut link = self.pool.take(outgoing.registry.py(), outgoing.limit.deadline).map_err(refused)?;
        let verdict = link.verdict(self.pool.policy(), outgoing.start);
        if verdict != Verdict::Use {
            self.make_ready(outgoing, &mut link, verdict)?;
        }
        Ok(link)
    }

    /// Sees to it that a link has a connection that the peer did not close.
    #[cold]
    pub(super) fn make_ready(
        &self,
        outgoing: &Outgoing<'_, '_>,
        link: &mut Link,
        verdict: Verdict,
    ) -> Result<(), Trouble> {
        let is_there = match verdict {
            Verdict::Use | Verdict::Glance => link.glance(),
            Verdict::Check => link.glance() && self.check_health(outgoing, link)?,
            Verdict::Close => false,
        };
        if is_there {
            return Ok(());
        }
        let connected = self.target.connect(outgoing.registry.py(), link, outgoing.limit)?;
        connected.map_err(|error| Failure::before(error).into())
    }

    /// Whether the function that checks the server's health returns in time.
    fn check_health(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link) -> PyResult<bool> {
        let Some(health) = &self.health else { return Ok(true) };
        let py = outgoing.registry.py();
        let start = Instant::now();
        let own = start.checked_add(health.timeout);
        let deadline = own.into_iter().chain(outgoing.limit.deadline).min();
        let limit = Limit { timeout: outgoing.limit.timeout, deadline };
        let check = Outgoing { info: &health.info, values: &[], start, limit, observer: None, ..*outgoing };
        let call = match self.write(&check, link) {
            Ok(call) => call,
            Err(Trouble::Raised(raised)) => return Err(raised),
            Err(Trouble::Failed(_)) => return Ok(false),
        };
        let reply = interruptible(py, |is_interrupted| link.exchange(call, CallKind::Call, limit, is_interrupted))?;
        let Ok(Some(ReplyBody::Result(body))) = reply else { return Ok(false) };
        let read = self.read(&check, link, body);
        Ok(read.is_ok_and(|fields| fields.into_result(py, check.info).is_ok()))
    }

    /// Puts a call into the connection's buffer. When it fails, nothing of the call is in the buffer, and the connection stays good.
    #[inline]
    pub(super) fn write(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link) -> Result<CallId, Trouble> {
        let writer = self.written(outgoing, link)?;
        writer.finish().map_err(unsent)
    }

    /// The same, and gives a copy of the encoded arguments.
    #[cold]
    pub(super) fn write_kept(
        &self,
        outgoing: &Outgoing<'_, '_>,
        link: &mut Link,
    ) -> Result<(CallId, Vec<u8>), Trouble> {
        let mut writer = self.written(outgoing, link)?;
        let start = writer.body_start();
        let kept = writer.buffer().get(start..).unwrap_or_default().to_vec();
        Ok((writer.finish().map_err(unsent)?, kept))
    }

    #[inline(always)]
    fn written<'l>(&self, outgoing: &Outgoing<'_, '_>, link: &'l mut Link) -> Result<CallWriter<'l>, Trouble> {
        let Outgoing { registry, info, values, limit, headers, .. } = *outgoing;
        let mut writer =
            link.begin_call(&info.name, outgoing.kind(), limit.deadline, headers).map_err(Failure::before)?;
        write_arguments(registry.get(), info, values, &self.target.settings, &mut writer.sink())
            .map_err(|error| encode_error(held(), &error))?;
        if let Some(call) = outgoing.observer {
            let start = writer.body_start();
            call.get().set_request_bytes(writer.buffer().len().saturating_sub(start));
        }
        Ok(writer)
    }

    /// Reads the result that the connection holds.
    #[inline(always)]
    fn read(&self, outgoing: &Outgoing<'_, '_>, link: &mut Link, body: Span) -> PyResult<ResultFields> {
        let connection = link.connection().ok_or_else(no_connection)?;
        match read_result(outgoing.registry, outgoing.info, connection, body, &self.target.settings) {
            Ok(fields) => {
                connection.reply_used();
                Ok(fields)
            }
            Err(error) => {
                // Where the body ends cannot be known now, so this connection is not used again.
                link.abandon();
                Err(decode_error(outgoing.registry.py(), &error))
            }
        }
    }
}

#[cold]
fn no_connection() -> PyErr {
    PyRuntimeError::new_err("invariant: the reply's connection is there")
}

/// What becomes of a call that cannot be sent.
#[cold]
fn unsent(error: CallError) -> Trouble {
    Failure::before(LinkError::Call(error)).into()
}

impl Outgoing<'_, '_> {
    pub(super) fn kind(&self) -> CallKind {
        if self.info.is_oneway { CallKind::Oneway } else { CallKind::Call }
    }

    /// The time that the client gave the call; `None` also where the call that this thread serves left it less.
    #[cold]
    fn own_timeout(&self) -> Option<Duration> {
        let served = current_deadline(self.registry.py());
        self.limit.timeout.filter(|_| served.is_none() || served != self.limit.deadline)
    }

    /// Whether there is time to wait that long and to try again.
    pub(super) fn has_time_for(&self, wait: Duration) -> bool {
        self.limit.deadline.is_none_or(|deadline| deadline.saturating_duration_since(Instant::now()) > wait)
    }
}

/// What becomes of a call that gets no link.
#[cold]
fn refused(reason: NoTurn) -> Trouble {
    match reason {
        NoTurn::Closed => Failure::before(LinkError::Closed).into(),
        NoTurn::Interrupted(raised) => raised.into(),
        NoTurn::TimedOut => Failure::before(LinkError::TimedOut).into(),
        NoTurn::Mine => {
            let text = "the client is in the middle of a call on this very thread, and has no other connection";
            PyRuntimeError::new_err(text).into()
        }
    }
}

/// Does something with the interpreter released. The outer error is what a signal's handler raised meanwhile.
#[inline]
pub(super) fn interruptible<T: Send>(
    py: Python<'_>,
    work: impl FnOnce(&mut dyn FnMut() -> bool) -> T + Send,
) -> PyResult<T> {
    let mut raised = None;
    let done = py.detach(|| {
        work(&mut || {
            raised = signal_error();
            raised.is_some()
        })
    });
    raised.map_or(Ok(done), Err)
}

/// What the handler of a signal that came raises, if it does.
fn signal_error() -> Option<PyErr> {
    #[expect(clippy::redundant_closure_for_method_calls, reason = "the method's lifetime is not general enough")]
    Python::attach(|py| py.check_signals()).err()
}
