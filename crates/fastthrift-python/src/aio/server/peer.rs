//! The protocol that the loop calls for one connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Instant;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{ConnectionError, ReplyError, Request};
use pyo3::exceptions::asyncio::CancelledError;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::carrier::{Work, ends_loop};
use super::job::Job;
use super::serving::Serving;
use super::state::{Seen, State};
use crate::aio::secure::Secure;
use crate::call::within;
use crate::error::application_error;
use crate::object::{Object, type_of};
use crate::server::connection::LINGER;
use crate::server::current::Current;
use crate::server::dispatch::{Invocation, refuse};
use crate::server::engine::overloaded;
use crate::server::log;
use crate::server::patience::Duty;

/// How many requests of one connection are served before the others get their turn.
const REQUESTS_PER_TURN: usize = 32;

/// What the loop knows a connection by: an `asyncio.Protocol`.
#[pyclass(frozen, weakref, name = "AsyncPeer", module = "fastthrift._core")]
pub(super) struct Peer {
    serving: Py<Serving>,
    /// The number of the listener that it came in by.
    port: usize,
    transport: OnceLock<Py<PyAny>>,
    /// The transport has enough to send for now. It says so in the middle of a write.
    is_paused: AtomicBool,
    state: Mutex<Option<State>>,
}

impl Peer {
    pub(super) fn new(serving: Py<Serving>, port: usize) -> Self {
        Self { serving, port, transport: OnceLock::new(), is_paused: AtomicBool::new(false), state: Mutex::new(None) }
    }

    pub(super) fn is_of(&self, serving: &Bound<'_, Serving>) -> bool {
        self.serving.is(serving)
    }

    fn serving<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, Serving> {
        self.serving.bind(py)
    }

    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Option<State>> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// For what a handler may call, which runs with the lock held.
    fn try_lock(&self) -> Option<MutexGuard<'_, Option<State>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The peer's URL, where it has one.
    pub(super) fn url(&self, py: Python<'_>) -> Option<String> {
        let name = self.transport.get()?.bind(py).call_method1(intern!(py, "get_extra_info"), ("peername",)).ok()?;
        let address = name.cast::<PyTuple>().ok()?;
        let (host, port): (String, u16) = address.get_slice(0, 2).extract().ok()?;
        Some(if host.contains(':') { format!("tcp://[{host}]:{port}") } else { format!("tcp://{host}:{port}") })
    }

    /// Serves what was received, and sends.
    fn pump(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        let mut has_more = true;
        let mut fatal = None;
        for _ in 0..REQUESTS_PER_TURN {
            match state.rpc.poll_event() {
                Ok(Some(request)) => match Self::handle(this, state, &request) {
                    Ok(()) => state.patience.served(),
                    Err(Unserved::Reply) => return Self::abort_now(this, state),
                    Err(Unserved::Python(error)) => {
                        fatal = Some(error);
                        break;
                    }
                },
                Ok(None) => {
                    has_more = false;
                    break;
                }
                Err(error) => {
                    log::debug(this.py(), || format!("a connection is closed: {error}"));
                    has_more = false;
                    break;
                }
            }
        }
        Self::settle(this, state, has_more)?;
        fatal.map_or(Ok(()), Err)
    }

    /// Sends what is to be sent, and says to the transport how to go on; `has_more` that requests may wait that were received already.
    fn settle(this: &Bound<'_, Self>, state: &mut State, has_more: bool) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let was_full = state.is_full();
        if (!state.rpc.outbound().is_empty() || state.secure.is_some()) && !me.is_paused.load(Ordering::Relaxed) {
            match state.take_outbound(py) {
                Ok(Some(bytes)) => drop(state.write.call1(py, (bytes,))?),
                Ok(None) => {}
                Err(_) => return Self::abort_now(this, state),
            }
        }
        if state.is_closing {
            return Ok(());
        }
        if state.rpc.is_finished() {
            let is_answered = state.rpc.failure().is_some_and(ConnectionError::is_answered);
            return if is_answered { Self::start_lingering(py, state) } else { Self::close(py, state) };
        }
        let serving = me.serving.get();
        if serving.is_draining() && !has_more && state.is_quiet() {
            return Self::close(py, state);
        }
        if (has_more || was_full) && !state.is_full() {
            Self::settle_soon(this, state)?;
        }
        let is_wanted = state.rpc.wants_read() && !state.is_held;
        if is_wanted != state.is_reading {
            state.is_reading = is_wanted;
            let name = if is_wanted { intern!(py, "resume_reading") } else { intern!(py, "pause_reading") };
            state.transport.call_method0(py, name)?;
        }
        Ok(())
    }

    /// Has the loop go on in its next round, so that others get their turn and what is ready then is sent at once.
    fn settle_soon(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        if std::mem::replace(&mut state.is_settle_due, true) {
            return Ok(());
        }
        let settle = this.getattr(intern!(this.py(), "_settle"))?;
        this.get().serving.get().event_loop().call_soon(this.py(), settle)
    }

    fn close(py: Python<'_>, state: &mut State) -> PyResult<()> {
        state.is_closing = true;
        if let Some(farewell) = state.take_farewell(py) {
            state.write.call1(py, (farewell,))?;
        }
        state.transport.call_method0(py, intern!(py, "close")).map(drop)
    }

    fn abort_now(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        state.is_closing = true;
        state.transport.call_method0(this.py(), intern!(this.py(), "abort")).map(drop)
    }

    /// Closes this direction; the other stays open until the peer closes it. Closing at once while there are bytes to receive would
    /// make the system drop what was sent.
    fn start_lingering(py: Python<'_>, state: &mut State) -> PyResult<()> {
        if state.lingers_until.is_none() {
            state.lingers_until = Some(Instant::now() + LINGER);
            if let Some(farewell) = state.take_farewell(py) {
                state.write.call1(py, (farewell,))?;
            }
            if state.transport.call_method0(py, intern!(py, "can_write_eof"))?.is_truthy(py)? {
                state.transport.call_method0(py, intern!(py, "write_eof"))?;
            } else {
                return Self::close(py, state);
            }
        }
        Ok(())
    }

    /// Carries out one request, or begins to.
    fn handle(this: &Bound<'_, Self>, state: &mut State, request: &Request) -> Result<(), Unserved> {
        let (py, serving) = (this.py(), this.get().serving.get());
        let services = serving.services();
        let invocation = match Invocation::read(py, services, &mut state.rpc, request) {
            Ok(invocation) => invocation,
            Err(exception) => return Ok(refuse(&mut state.rpc, request, &exception)?),
        };
        if serving.is_inline(invocation.method) {
            return Self::run_inline(this, state, request, &invocation);
        }
        if !serving.has_room() {
            return Ok(refuse(&mut state.rpc, request, &overloaded())?);
        }
        let callable = invocation.method.callable(py).expect("invariant: only methods that are there are found");
        if !services.interceptors.is_empty() {
            return Self::start_job(this, state, request, &invocation, |job| serving.intercept(job, callable));
        }
        if invocation.method.is_async {
            return Self::start_job(this, state, request, &invocation, |_| {
                invocation.arguments.call(callable).map(|coroutine| coroutine.into_bound(py))
            });
        }
        Self::start_job(this, state, request, &invocation, |job| serving.call_plain(callable, job.get().arguments(py)))
    }

    /// Calls a plain handler right here.
    fn run_inline(
        this: &Bound<'_, Self>,
        state: &mut State,
        request: &Request,
        invocation: &Invocation<'_>,
    ) -> Result<(), Unserved> {
        let (py, me) = (this.py(), this.get());
        let callable = invocation.method.callable(py).expect("invariant: only methods that are there are found");
        let run = me.serving.get().new_context(py).map_err(Unserved::Python)?;
        let seen = Seen { peer: me, py, rpc: &state.rpc };
        let current = Current::new(invocation, &seen, request);
        let result = within(&current, || invocation.arguments.call_by(&run, callable));
        let call = current.into_call();
        if let Ok(value) = &result
            && me.serving.get().is_coroutine_type(type_of(value.as_ptr()))
        {
            let coroutine = result.map_err(Unserved::Python)?;
            return Self::start_job(this, state, request, invocation, |_| Ok(coroutine.into_bound(py)));
        }
        let fatal = result.as_ref().err().filter(|error| ends_loop(py, error)).map(|error| error.clone_ref(py));
        let url = || me.url(py);
        let answering = invocation.answering().of(&url);
        match call {
            None => answering.answer(py, &mut state.rpc, request, result)?,
            Some(call) => answering.answer_asked(call.bind(py), &mut state.rpc, request, result)?,
        }
        fatal.map_or(Ok(()), |fatal| Err(Unserved::Python(fatal)))
    }

    /// Runs a handler that is a coroutine as far as it goes without waiting; if that is not to its end, it goes on in its task.
    fn start_job<'py>(
        this: &Bound<'py, Self>,
        state: &mut State,
        request: &Request,
        invocation: &Invocation<'_>,
        begin: impl FnOnce(&Bound<'py, Job>) -> PyResult<Bound<'py, PyAny>>,
    ) -> Result<(), Unserved> {
        let (py, serving) = (this.py(), this.get().serving(this.py()));
        let seen = Seen { peer: this.get(), py, rpc: &state.rpc };
        let made = Job::new(this, invocation, request, &seen).and_then(|job| Bound::new(py, job));
        let job = made.map_err(Unserved::Python)?;
        let started = serving.get().context_of(&job).and_then(|run| {
            let coroutine = begin(&job)?.unbind();
            let work = Work { job: job.clone().unbind(), coroutine, run: run.unbind() };
            Serving::start_work(serving, work)
        });
        let result = match started {
            Ok(()) => job.get().result_or_detach(),
            // Either it was not begun, or its end is the program's.
            Err(error) if !ends_loop(py, &error) => Some(Err(error)),
            Err(error) => {
                let result = job.get().result_or_detach().unwrap_or_else(|| Err(error.clone_ref(py)));
                job.get().answer(py, &mut state.rpc, result)?;
                return Err(Unserved::Python(error));
            }
        };
        if let Some(result) = result {
            return Ok(job.get().answer(py, &mut state.rpc, quiet(py, result))?);
        }
        serving.get().count(1);
        state.jobs.insert(request.id, job.clone().unbind());
        if let Some(deadline) = job.get().deadline() {
            let set = || -> PyResult<()> {
                let expire = job.getattr(intern!(py, "_expire"))?;
                job.get().set_timer(serving.get().event_loop().call_at(py, deadline, expire)?);
                Ok(())
            };
            set().map_err(Unserved::Python)?;
        }
        Serving::need_spare(serving).map_err(Unserved::Python)
    }

    /// Answers a request whose handler had to wait.
    pub(super) fn finish(this: &Bound<'_, Self>, job: &Bound<'_, Job>, result: PyResult<Object>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        job.get().stop_timer(py)?;
        let mut guard = me.lock(py);
        let open = guard.as_mut().and_then(|state| state.jobs.remove(&job.get().request.id).map(|_| state));
        let Some(state) = open else {
            drop(guard);
            job.get().end(py);
            return Ok(());
        };
        me.serving.get().count(-1);
        state.patience.served();
        if job.get().answer(py, &mut state.rpc, quiet(py, result)).is_err() {
            return Self::abort_now(this, state);
        }
        Self::settle_soon(this, state)
    }

    /// Answers a request whose time is over, and has its handler cancelled.
    pub(super) fn expire(this: &Bound<'_, Self>, job: &Bound<'_, Job>) -> PyResult<()> {
        let py = this.py();
        let exception = ApplicationException::new(ApplicationExceptionKind::TIMEOUT, "the deadline passed");
        Self::finish(this, job, Err(application_error(py, &exception)))?;
        job.get().cancel(py)
    }

    /// Serves a connection that had to wait until another one left.
    pub(super) fn admit(this: &Bound<'_, Self>) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        state.is_held = false;
        Self::pump(this, state)
    }

    /// Closes the connection if nothing of it is in flight; the others see to that themselves.
    pub(super) fn drain(this: &Bound<'_, Self>) -> PyResult<()> {
        let Some(mut guard) = this.get().try_lock() else { return Ok(()) };
        match &mut *guard {
            Some(state) if state.is_quiet() && !state.is_closing => Self::close(this.py(), state),
            _ => Ok(()),
        }
    }

    /// Closes the connection now.
    pub(super) fn abort(&self, py: Python<'_>) -> PyResult<()> {
        let Some(transport) = self.transport.get() else { return Ok(()) };
        transport.call_method0(py, intern!(py, "abort")).map(drop)
    }

    /// Closes the connection if its peer takes too long for what it has to do.
    pub(super) fn check(this: &Bound<'_, Self>, now: Instant) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut guard = me.lock(py);
        let Some(state) = &mut *guard else { return Ok(()) };
        if state.is_held {
            return Ok(());
        }
        let unsent = state.transport.call_method0(py, intern!(py, "get_write_buffer_size"))?.extract(py)?;
        if std::mem::replace(&mut state.unsent, unsent) != unsent {
            state.patience.saw_bytes();
        }
        let duty = if unsent > 0 || !state.rpc.outbound().is_empty() {
            Duty::Take
        } else if state.secure.as_ref().is_some_and(Secure::is_handshaking) {
            Duty::Finish
        } else if state.rpc.open_requests() > 0 {
            Duty::Wait
        } else if state.rpc.is_mid_message() {
            Duty::Finish
        } else {
            Duty::Ask
        };
        let deadline = state.patience.deadline(duty, now, me.serving.get().timeouts());
        let deadline = state.lingers_until.or(deadline);
        if deadline.is_some_and(|deadline| deadline <= now) { Self::abort_now(this, state) } else { Ok(()) }
    }
}

/// Why a request was not served.
enum Unserved {
    /// The connection cannot go on.
    Reply,
    /// Something that is to end more than the call.
    Python(PyErr),
}

impl From<ReplyError> for Unserved {
    fn from(_: ReplyError) -> Self {
        Self::Reply
    }
}

/// A handler that was cancelled is no bug, so it is answered for without a word in the log.
fn quiet(py: Python<'_>, result: PyResult<Object>) -> PyResult<Object> {
    match result {
        Err(error) if error.is_instance_of::<CancelledError>(py) => {
            let text = "the call was cancelled on the server";
            let exception = ApplicationException::new(ApplicationExceptionKind::INTERNAL_ERROR, text);
            Err(application_error(py, &exception))
        }
        result => result,
    }
}

#[pymethods]
impl Peer {
    fn connection_made(this: &Bound<'_, Self>, transport: &Bound<'_, PyAny>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let _ = me.transport.set(transport.clone().unbind());
        let write = transport.getattr(intern!(py, "write"))?.unbind();
        let port = me.serving.get().port(me.port);
        let mut state = State::new(port.config.clone(), port.secure()?, transport.clone().unbind(), write);
        let Some(is_held) = Serving::enter(me.serving(py), this)? else {
            *me.lock(py) = Some(state);
            return me.abort(py);
        };
        state.is_held = is_held;
        if state.is_held {
            state.is_reading = false;
            transport.call_method0(intern!(py, "pause_reading"))?;
        }
        *me.lock(py) = Some(state);
        Ok(())
    }

    fn data_received(this: &Bound<'_, Self>, data: &[u8]) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        if state.is_closing || state.lingers_until.is_some() {
            return Ok(());
        }
        if let Err(error) = state.receive(data) {
            log::debug(this.py(), || format!("a connection is closed: {error}"));
            Self::settle(this, state, false)?;
            return Self::close(this.py(), state);
        }
        state.patience.saw_bytes();
        if state.is_held {
            // Some loops begin to read whatever was said before.
            return state.transport.call_method0(this.py(), intern!(this.py(), "pause_reading")).map(drop);
        }
        Self::pump(this, state)
    }

    /// What was asked before is still answered, so the transport stays open: a peer may end its side alone.
    fn eof_received(this: &Bound<'_, Self>) -> PyResult<bool> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(false) };
        if state.is_closing || state.lingers_until.is_some() {
            return Ok(false);
        }
        if state.secure.as_mut().is_some_and(|secure| secure.receive_eof().is_err()) {
            // Cut off, be it by somebody in between.
            Self::abort_now(this, state)?;
            return Ok(false);
        }
        state.rpc.receive_eof();
        Self::pump(this, state)?;
        Ok(!state.is_closing)
    }

    fn connection_lost(this: &Bound<'_, Self>, error: Option<Bound<'_, PyAny>>) -> PyResult<()> {
        drop(error);
        let (py, me) = (this.py(), this.get());
        let state = me.lock(py).take();
        let mut result = Serving::leave(me.serving(py), this);
        for job in state.into_iter().flat_map(|mut state| std::mem::take(&mut state.jobs).into_values()) {
            me.serving.get().count(-1);
            result = result.and(job.get().cancel(py));
        }
        result
    }

    fn pause_writing(&self) {
        self.is_paused.store(true, Ordering::Relaxed);
    }

    fn resume_writing(this: &Bound<'_, Self>) -> PyResult<()> {
        this.get().is_paused.store(false, Ordering::Relaxed);
        let Some(mut guard) = this.get().try_lock() else { return Ok(()) };
        let Some(state) = &mut *guard else { return Ok(()) };
        Self::pump(this, state)
    }

    fn _settle(this: &Bound<'_, Self>) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        state.is_settle_due = false;
        Self::pump(this, state)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.serving)?;
        visit.call(self.transport.get())?;
        if let Ok(state) = self.state.try_lock()
            && let Some(state) = &*state
        {
            state.traverse(&visit)?;
        }
        Ok(())
    }

    fn __clear__(&self) {
        let state = self.try_lock().and_then(|mut state| state.take());
        drop(state);
    }
}
