//! The protocol that the loop calls for one connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError, TryLockError};
use std::time::Instant;

use fastthrift_rpc::Request;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::types::PyTuple;
use pyo3::{PyTraverseError, PyVisit, intern};

use super::calls::Unserved;
use super::serving::Serving;
use super::state::State;
use crate::server::log;
use crate::server::processor::{Beside, unreadable};

/// How many requests of one connection are served before the others get their turn.
const REQUESTS_PER_TURN: usize = 32;

/// What the loop knows a connection by: an `asyncio.Protocol`.
#[pyclass(frozen, weakref, name = "AsyncPeer", module = "fastthrift._core")]
pub(super) struct Peer {
    pub(super) serving: Py<Serving>,
    /// Its own number, and that of the listener that it came in by.
    pub(super) number: usize,
    port: usize,
    /// There where a message is all that comes, which somebody else brought.
    pub(super) beside: Option<Beside>,
    transport: OnceLock<Py<PyAny>>,
    /// The transport has enough to send for now. It says so in the middle of a write.
    pub(super) is_paused: AtomicBool,
    state: Mutex<Option<State>>,
}

impl Peer {
    pub(super) fn new(serving: Py<Serving>, number: usize, port: usize, beside: Option<Beside>) -> Self {
        Self {
            serving,
            number,
            port,
            beside,
            transport: OnceLock::new(),
            is_paused: AtomicBool::new(false),
            state: Mutex::new(None),
        }
    }

    pub(super) fn is_of(&self, serving: &Bound<'_, Serving>) -> bool {
        self.serving.is(serving)
    }

    pub(super) fn serving<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, Serving> {
        self.serving.bind(py)
    }

    pub(super) fn lock(&self, py: Python<'_>) -> MutexGuard<'_, Option<State>> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// For what a handler may call, which runs with the lock held.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Option<State>>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// The peer's URL, where it has one.
    pub(super) fn url(&self, py: Python<'_>) -> Option<String> {
        if let Some(beside) = &self.beside {
            return beside.peer.clone();
        }
        let name = self.transport.get()?.bind(py).call_method1(intern!(py, "get_extra_info"), ("peername",)).ok()?;
        let address = name.cast::<PyTuple>().ok()?;
        let (host, port): (String, u16) = address.get_slice(0, 2).extract().ok()?;
        let scheme = self.serving.get().port(self.port).scheme();
        Some(if host.contains(':') {
            format!("{scheme}://[{host}]:{port}")
        } else {
            format!("{scheme}://{host}:{port}")
        })
    }

    /// Until when a request is to be carried out.
    pub(super) fn deadline_of(&self, request: &Request) -> Option<Instant> {
        match &self.beside {
            Some(beside) => beside.deadline(request),
            None => request.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
        }
    }

    /// Serves what was received, and sends.
    pub(super) fn pump(this: &Bound<'_, Self>, state: &mut State) -> PyResult<()> {
        let mut has_more = true;
        let mut fatal = None;
        state.rpc.set_serving(this.get().serving.get().is_well());
        for _ in 0..REQUESTS_PER_TURN {
            match state.rpc.poll_event() {
                Ok(Some(request)) => match Self::handle(this, state, &request) {
                    Ok(()) => state.served(),
                    Err(Unserved::Reply) => return Self::abort_now(this, state),
                    Err(Unserved::Python(error)) => {
                        fatal = Some(error);
                        break;
                    }
                },
                Ok(None) => {
                    has_more = state.rpc.credentials().is_some() && Self::judge(this, state)?;
                    if !has_more {
                        break;
                    }
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

    /// Serves a connection that had to wait until another one left.
    pub(super) fn admit(this: &Bound<'_, Self>) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        state.is_held = false;
        Self::pump(this, state)
    }

    /// Closes the connection now.
    pub(super) fn abort(&self, py: Python<'_>) -> PyResult<()> {
        let Some(transport) = self.transport.get() else { return Ok(()) };
        transport.call_method0(py, intern!(py, "abort")).map(drop)
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
        me.serving.get().limit_chunks(transport)
    }

    fn data_received(this: &Bound<'_, Self>, data: &[u8]) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        if state.is_closing || state.lingers_until.is_some() {
            return Ok(());
        }
        if let Err(error) = state.receive(data) {
            log::debug(this.py(), || format!("a connection is closed: {error}"));
            // The peer is told why, and reads that only if the connection stays until it closes, too.
            Self::settle(this, state, false)?;
            return if state.is_closing { Ok(()) } else { Self::start_lingering(this.py(), state) };
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
        let Some(mut state) = state else { return result };
        result = result.and(me.serving.get().forget(py, me.number, &mut state));
        if let Some((_, task)) = &state.question {
            result = result.and(task.call_method0(py, intern!(py, "cancel")).map(drop));
        }
        for job in std::mem::take(&mut state.jobs).into_values() {
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

    /// Raises why what came cannot be read, where that is not answered.
    fn raise_failure(&self, py: Python<'_>) -> PyResult<()> {
        let guard = self.lock(py);
        let failure = guard.as_ref().and_then(|state| state.rpc.failure());
        match failure.filter(|failure| !failure.is_answered()) {
            Some(failure) => Err(unreadable(py, failure)),
            None => Ok(()),
        }
    }

    fn _settle(this: &Bound<'_, Self>) -> PyResult<()> {
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        state.is_settle_due = false;
        Self::pump(this, state)
    }

    /// Takes the answer to the question about who the peer is.
    fn _judged(this: &Bound<'_, Self>, task: &Bound<'_, PyAny>) -> PyResult<()> {
        let returned = task.call_method0(intern!(this.py(), "result"));
        let mut guard = this.get().lock(this.py());
        let Some(state) = &mut *guard else { return Ok(()) };
        Self::conclude(this, state, returned);
        Self::pump(this, state)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.serving)?;
        visit.call(self.transport.get())?;
        if let Some(beside) = &self.beside {
            beside.traverse(&visit)?;
        }
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
