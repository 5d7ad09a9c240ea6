//! The connections of a client, and the calls that wait for one.

use std::os::fd::IntoRawFd;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::{PyTraverseError, PyVisit};

use super::later::Later;
use super::link::{Introduction, Link};
use super::options::Options;
use super::state::{Queued, State};
use super::target::Target;
use super::terms::Terms;
use crate::aio::event_loop::EventLoop;
use crate::call::Call;
use crate::client::CallDefaults;
use crate::endpoint::Address;
use crate::interceptors::Interceptors;
use crate::memory;

/// The connections of a client on one event loop.
///
/// While there is none, calls wait, and one is being opened.
#[pyclass(frozen, weakref, name = "AsyncConnections", module = "fastthrift._core")]
pub(super) struct Connections {
    options: Py<Options>,
    event_loop: EventLoop,
    /// Makes a future of the loop for a call's result.
    make_reply: Py<PyAny>,
    /// Starts to open a connection, and returns something to cancel that by.
    starter: Py<PyAny>,
    /// A coroutine function that awaits what interceptors give.
    conductor: Py<PyAny>,
    epoch: Instant,
    state: Mutex<State>,
}

impl Connections {
    pub(super) fn url(&self) -> String {
        self.target().base.endpoints.to_string()
    }

    pub(super) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    pub(super) fn starter(&self) -> &Py<PyAny> {
        &self.starter
    }

    /// A future for a call's result.
    pub(super) fn make_reply<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.make_reply.bind(py).call0()
    }

    pub(super) fn target(&self) -> &Target {
        &self.options.get().target
    }

    pub(super) fn interceptors(&self) -> &Interceptors {
        &self.options.get().interceptors
    }

    /// What holds for a call that begins now.
    pub(super) fn terms(&self, py: Python<'_>, options: &CallDefaults) -> Terms {
        Terms::of(options, py, self.epoch)
    }

    pub(super) fn epoch(&self) -> Instant {
        self.epoch
    }

    /// A time since the epoch as an instant.
    pub(super) fn instant(&self, time: Duration) -> Option<Instant> {
        self.epoch.checked_add(time)
    }

    /// What awaits a call that interceptors carry out, and ends it.
    pub(super) fn conduct<'py>(
        &self,
        py: Python<'py>,
        running: &Bound<'py, PyAny>,
        call: &Bound<'py, Call>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.conductor.bind(py).call1((running, call))
    }

    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// For what the loop calls: only another thread, which has no business here, can have the lock.
    pub(super) fn lock(&self, py: Python<'_>) -> MutexGuard<'_, State> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// For what a program calls, which may be the code of a value that is just written.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }
}

#[pymethods]
impl Connections {
    #[new]
    fn new(
        py: Python<'_>,
        options: Py<Options>,
        make_reply: Py<PyAny>,
        starter: Py<PyAny>,
        conductor: Py<PyAny>,
    ) -> PyResult<Self> {
        let event_loop = EventLoop::running(py)?;
        let (epoch, state) = (Instant::now(), Mutex::default());
        Ok(Self { options, event_loop, make_reply, starter, conductor, epoch, state })
    }

    /// The places of the addresses, in the order in which a new connection tries them.
    fn places(&self) -> Vec<usize> {
        self.target().base.endpoints.order().collect()
    }

    /// How a new connection to one of the addresses says by SASL who this side is; None where that is not asked for. The
    /// mechanism begins, which may take its time.
    fn introduction(&self, place: usize) -> PyResult<Option<Introduction>> {
        let Some(sasl) = &self.target().base.sasl else { return Ok(None) };
        let (mechanism, client) = sasl.begin(self.target().base.endpoints.at(place).host())?;
        Ok(Some(Introduction { mechanism, client }))
    }

    /// A protocol for a connection to one of the addresses that is being made; `ready` is a future that is done when calls can be
    /// made, with None, or when the mechanism of SASL is asked something, with that.
    fn link(this: &Bound<'_, Self>, place: usize, ready: Py<PyAny>, introduction: Option<Py<Introduction>>) -> Link {
        Link { connections: this.clone().unbind(), place, ready, introduction }
    }

    /// What to connect to: a host and a port, the path of a UNIX socket, or the number of a socket that is connected already and is
    /// the caller's to close.
    fn address<'py>(&self, py: Python<'py>, place: usize) -> PyResult<Bound<'py, PyAny>> {
        match &self.target().base.endpoints.at(place).address {
            Address::Tcp { host, port } => Ok((host, port).into_pyobject(py)?.into_any()),
            Address::Unix(path) => Ok(path.into_pyobject(py)?.into_any()),
            Address::Memory(name) => Ok(memory::connect(name)?.into_raw_fd().into_pyobject(py)?.into_any()),
            Address::Custom(_) => Err(PyValueError::new_err("a transport of one's own is opened by its opener")),
        }
    }

    /// What opens a connection for calls that wait, where that is under way.
    #[getter]
    fn opening(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.lock(py).opening.as_ref().map(|opening| opening.clone_ref(py))
    }

    /// What opens the transport that a user wrote, where there is one.
    #[getter]
    fn opener(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.target().base.opener.as_ref().map(|opener| opener.clone_ref(py))
    }

    /// The mechanism of SASL, where there is one.
    #[getter]
    fn sasl(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.target().base.sasl.as_ref().map(|sasl| sasl.object().clone_ref(py))
    }

    #[getter(url)]
    fn url_text(&self) -> String {
        self.url()
    }

    /// The seconds that a call may take.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.target().options.timeout.map(|timeout| timeout.as_secs_f64())
    }

    /// Notes that the attempt to open a connection is over. Where it failed, `make_error` gives the exception of each call that waited
    /// and is not made again, which none is if another attempt would fail, too.
    #[pyo3(signature = (make_error=None, is_lasting=false))]
    fn opened(this: &Bound<'_, Self>, make_error: Option<&Bound<'_, PyAny>>, is_lasting: bool) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        state.is_opening = false;
        let opening = state.opening.take();
        let mut ended = Vec::new();
        if make_error.is_some() && !state.note_failure(me.now(), is_lasting) {
            for queued in std::mem::take(&mut state.queue) {
                let is_again = !is_lasting && state.retry(queued.key(), me.target(), me.now(), &mut later);
                if !is_again {
                    ended.extend(state.take_out(py, queued, &mut later));
                }
            }
        }
        state.drain(py, me.target(), || me.now(), &mut later);
        later.opens |= make_error.is_none() && state.is_crowded(me.target(), || me.now());
        drop(state);
        drop(opening);
        for ((reply, _, _), make_error) in ended.into_iter().zip(std::iter::repeat(make_error).flatten()) {
            let error = make_error.call0().map_or_else(|error| error, PyErr::from_value);
            later.end(reply.into_bound(py), Err(error));
        }
        later.carry_out(this)
    }

    /// Ends all calls, closes all connections, and returns a future that is done when they are.
    fn close<'py>(this: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        me.event_loop.check(py)?;
        let closed = me.event_loop.bind(py).call_method0(intern!(py, "create_future"))?;
        let mut later = Later::default();
        let mut state = me.try_lock().ok_or_else(in_a_call)?;
        if let Some(closed) = &state.closed {
            return Ok(closed.bind(py).clone());
        }
        state.is_closed = true;
        state.closed = Some(closed.clone().unbind());
        for channel in &mut state.channels {
            channel.close(py, me.target(), me.now(), &mut later);
        }
        later.sets_timer = false;
        state.settle(py, me.target(), || me.now(), &mut later);
        let mut left: Vec<_> = state.queue.drain(..).collect();
        left.extend(state.agenda.iter().map(|(_, key)| Queued::Course(*key)));
        for queued in left {
            let Some((reply, info, _)) = state.take_out(py, queued, &mut later) else { continue };
            later.end(reply.into_bound(py), Err(me.target().closed_error(py, &info.name)));
        }
        later.cancelled.extend(state.opening.take());
        later.cancelled.extend(state.timer.take().map(|timer| timer.handle));
        state.note_end(py, &mut later);
        drop(state);
        later.carry_out(this)?;
        Ok(closed)
    }

    /// Closes all connections that are still there without sending more.
    fn abort(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let aborts = me.lock(py).channels.iter().map(|channel| channel.transport.bind(py).clone()).collect();
        later.aborts = aborts;
        later.carry_out(this)
    }

    /// Stops waiting for a call whose future was cancelled.
    fn abandon(this: &Bound<'_, Self>, key: u64) -> PyResult<()> {
        Self::abandon_by(this, key)
    }

    /// Does what is due: ends the calls whose time is over, makes others again, and closes connections.
    fn _expire(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        state.timer = None;
        let now = me.now();
        let mut failed = Vec::new();
        for channel in &mut state.channels {
            if !channel.pump(py, me.target(), now, &mut later) {
                failed.push(channel.link.clone_ref(py));
            } else if me.target().keeps_times {
                channel.tend(py, &me.target().policies.pool, now, &mut later);
            }
        }
        let removed: Vec<_> = failed.iter().filter_map(|link| state.remove(link.bind(py))).collect();
        state.settle(py, me.target(), || now, &mut later);
        state.make_due(py, me.target(), now, &mut later);
        state.expire(py, me.target(), now, &mut later);
        state.drain(py, me.target(), || me.now(), &mut later);
        later.sets_timer = state.next_due(me.target()).is_some();
        drop(state);
        drop(removed);
        later.carry_out(this)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.event_loop.traverse(&visit)?;
        visit.call(&self.make_reply)?;
        visit.call(&self.starter)?;
        visit.call(&self.conductor)?;
        visit.call(&self.options)?;
        match self.state.try_lock() {
            Ok(state) => state.traverse(&visit),
            Err(_) => Ok(()),
        }
    }

    fn __clear__(&self) {
        let state = self.try_lock().map(|mut state| std::mem::take(&mut *state));
        drop(state);
    }
}

#[cold]
pub(super) fn in_a_call() -> PyErr {
    PyRuntimeError::new_err("the client is in the middle of a call on this very thread")
}
