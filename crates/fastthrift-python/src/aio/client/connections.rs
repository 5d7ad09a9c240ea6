//! The connections of a client, and the calls that wait for one.

use std::collections::VecDeque;
use std::os::fd::IntoRawFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use fastthrift_protocol::Bounded;
use fastthrift_rpc::{CallError, CallId};
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::MutexExt;
use pyo3::{PyTraverseError, PyVisit};

use super::channel::{Body, Channel, End, Outgoing};
use super::later::Later;
use super::link::Link;
use super::state::{Queued, State, Timer};
use super::target::{Target, closed_error};
use super::terms::Terms;
use crate::aio::event_loop::EventLoop;
use crate::call::Call;
use crate::client::{CallDefaults, name_of, write_arguments};
use crate::endpoint::{Address, Endpoint};
use crate::error::encode_error;
use crate::interceptors::{Interceptors, Style};
use crate::memory;
use crate::object::Object;
use crate::registry::Registry;
use crate::service::FunctionInfo;

/// The connections of a client on one event loop.
///
/// While there is none, calls wait, and one is being opened: by `opener`, which starts that and returns something to cancel it by.
#[pyclass(frozen, weakref, name = "AsyncConnections", module = "fastthrift._core")]
pub(super) struct Connections {
    target: Target,
    event_loop: EventLoop,
    /// Makes a future of the loop for a call's result.
    make_reply: Py<PyAny>,
    opener: Py<PyAny>,
    /// A coroutine function that awaits what interceptors give.
    conductor: Py<PyAny>,
    interceptors: Interceptors,
    /// Opens the transport that a user wrote, where there is one.
    custom: Option<Py<PyAny>>,
    epoch: Instant,
    state: Mutex<State>,
}

impl Connections {
    pub(super) fn url(&self) -> String {
        self.target.endpoint.to_string()
    }

    pub(super) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    pub(super) fn target(&self) -> &Target {
        &self.target
    }

    pub(super) fn interceptors(&self) -> &Interceptors {
        &self.interceptors
    }

    /// What holds for a call that begins now.
    pub(super) fn terms(&self, py: Python<'_>, options: &CallDefaults) -> Terms {
        Terms::of(options, py, self.epoch)
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

    fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// For what the loop calls: only another thread, which has no business here, can have the lock.
    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, State> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// For what a program calls, which may be the code of a value that is just written.
    fn try_lock(&self) -> Option<MutexGuard<'_, State>> {
        match self.state.try_lock() {
            Ok(state) => Some(state),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Makes a call, and returns the future of its result.
    pub(super) fn call<'py>(
        this: &Bound<'py, Self>,
        registry: &Bound<'py, Registry>,
        info: &Arc<FunctionInfo>,
        values: &[Object],
        terms: &Terms,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (py, me) = (this.py(), this.get());
        me.event_loop.check(py)?;
        let reply = me.make_reply.bind(py).call0()?;
        let deadline = terms.deadline;
        let mut later = Later::default();
        {
            let mut state = me.try_lock().ok_or_else(in_a_call)?;
            if state.is_closed {
                return Err(closed_error(py, &info.name));
            }
            later.sets_timer = deadline.is_some_and(|deadline| state.is_before_timer(deadline));
            if let Some(channel) = state.ready() {
                let call = Outgoing { reply: &reply, registry, info, terms };
                channel.begin(&me.target, &call, &Body::Values(values), || me.now(), &mut later)?;
            } else {
                Self::queue(this, &mut state, &reply, registry, info, values, terms)?;
                later.opens = state.wants_more(&me.target) && !state.is_opening;
            }
        }
        later.carry_out(this)?;
        Ok(reply)
    }

    /// Lets a call wait for a connection.
    fn queue(
        this: &Bound<'_, Self>,
        state: &mut State,
        reply: &Bound<'_, PyAny>,
        registry: &Bound<'_, Registry>,
        info: &Arc<FunctionInfo>,
        values: &[Object],
        terms: &Terms,
    ) -> PyResult<()> {
        let (py, target) = (registry.py(), &this.get().target);
        let limit = target.config.max_in_flight;
        if state.queue.len() >= limit {
            return Err(Target::call_error(py, &info.name, &CallError::TooManyInFlight { limit }));
        }
        let mut body = Vec::new();
        let mut loss = None;
        let mut sink = Bounded::new(&mut body, target.config.limits.message, &mut loss);
        let written = write_arguments(registry.get(), info, values, &target.settings, &mut sink);
        written.map_err(|error| encode_error(py, &error))?;
        if loss.is_some() {
            let error = CallError::TooLarge { size: body.len(), limit: target.config.limits.message };
            return Err(Target::call_error(py, &info.name, &error));
        }
        let key = state.next_key;
        state.next_key += 1;
        reply.setattr(intern!(py, "_holder"), this)?;
        reply.setattr(intern!(py, "_key"), key)?;
        let (reply, registry) = (reply.clone().unbind(), registry.clone().unbind());
        state.queue.push_back(Queued { key, reply, registry, info: Arc::clone(info), body, terms: terms.copy(py) });
        Ok(())
    }

    /// Takes a connection that was made.
    pub(super) fn made(this: &Bound<'_, Self>, link: &Bound<'_, Link>, transport: Py<PyAny>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if state.is_closed {
            later.aborts.push(transport.into_bound(py));
        } else {
            let mut channel = Channel::new(link.clone().unbind(), link.get().ready(py), transport, &me.target)?;
            // TLS begins with what the client has to say.
            channel.flush(py, &mut later);
            channel.becomes_ready(py, &mut later);
            state.channels.push(channel);
            state.drain(py, &me.target, || me.now(), &mut later);
        }
        drop(state);
        later.carry_out(this)
    }

    /// Takes bytes that came, or `None` for the end of them.
    pub(super) fn received(this: &Bound<'_, Self>, link: &Bound<'_, Link>, data: Option<&[u8]>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        let Some(channel) = state.channel(link) else { return Ok(()) };
        let received = channel.receive(py, data, &mut later);
        let now = if channel.next_deadline().is_some() { me.now() } else { Duration::ZERO };
        let mut is_good = channel.pump(py, &me.target, now, &mut later);
        let is_new = channel.becomes_ready(py, &mut later);
        if let Err(error) = received {
            is_good = false;
            let text = error.to_string();
            channel.fail_ready(py, &text, &mut later);
            channel.end(py, &me.target, &End::Lost(text), &mut later);
            later.aborts.push(channel.transport.bind(py).clone());
        }
        let has_room = is_new || channel.is_serial();
        let removed = if is_good { None } else { state.remove(link) };
        if !is_good || has_room {
            state.drain(py, &me.target, || me.now(), &mut later);
        }
        drop(state);
        drop(removed);
        later.carry_out(this)
    }

    /// Ends the calls of a connection that is gone.
    pub(super) fn lost(
        this: &Bound<'_, Self>,
        link: &Bound<'_, Link>,
        error: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let text = error.map_or_else(|| "it was closed".to_owned(), |error| error.to_string());
        let mut later = Later::default();
        let mut state = me.lock(py);
        let removed = state.remove(link);
        if let Some(mut channel) = removed {
            let end = if state.is_closed { End::Closed } else { End::Lost(text.clone()) };
            channel.fail_ready(py, &text, &mut later);
            channel.end(py, &me.target, &end, &mut later);
            state.drain(py, &me.target, || me.now(), &mut later);
        }
        state.note_end(py, &mut later);
        drop(state);
        later.carry_out(this)
    }

    /// Notes that a transport has enough to send, or wants more.
    pub(super) fn pause(this: &Bound<'_, Self>, link: &Bound<'_, Link>, is_paused: bool) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if let Some(channel) = state.channel(link) {
            channel.pause(is_paused);
        }
        if !is_paused {
            state.drain(py, &me.target, || me.now(), &mut later);
        }
        drop(state);
        later.carry_out(this)
    }

    /// Sends what was written in this round of the loop.
    pub(super) fn flush(this: &Bound<'_, Self>, link: &Bound<'_, Link>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        if let Some(channel) = state.channel(link) {
            channel.flushed();
            channel.flush(py, &mut later);
        }
        let has_more = !state.queue.is_empty();
        drop(state);
        later.carry_out(this)?;
        if !has_more {
            return Ok(());
        }
        let mut later = Later::default();
        me.lock(py).drain(py, &me.target, || me.now(), &mut later);
        later.carry_out(this)
    }

    /// Stops waiting for a call. Where the lock is held, its reply finds a future that is cancelled.
    pub(super) fn abandon_on(this: &Bound<'_, Self>, link: &Bound<'_, Link>, call: CallId) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        if let Some(mut state) = me.try_lock()
            && let Some(channel) = state.channel(link)
        {
            channel.abandon(py, call, &mut later);
        }
        later.carry_out(this)
    }

    /// Has a connection opened, unless that is under way.
    pub(super) fn start_opening(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        if std::mem::replace(&mut me.lock(py).is_opening, true) {
            return Ok(());
        }
        let opening = me.opener.bind(py).call1((this,))?.unbind();
        let mut state = me.lock(py);
        if state.is_opening {
            state.opening = Some(opening);
        }
        Ok(())
    }

    /// Sets the timer for the first call whose time is over.
    pub(super) fn set_timer(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        let Some(at) = state.next_deadline().filter(|at| state.is_before_timer(*at)) else { return Ok(()) };
        let earlier = state.timer.take();
        drop(state);
        if let Some(earlier) = earlier {
            earlier.handle.call_method0(py, intern!(py, "cancel"))?;
        }
        let expire = this.getattr(intern!(py, "_expire"))?;
        let handle = me.event_loop.call_at(py, me.epoch + at, expire)?;
        me.lock(py).timer = Some(Timer { at, handle });
        Ok(())
    }
}

/// How a client is opened; the names are those of `fastthrift.aio.connect`.
#[pymethods]
impl Connections {
    #[new]
    #[allow(clippy::too_many_arguments)]
    fn new(
        py: Python<'_>,
        url: &str,
        protocol: &Bound<'_, PyAny>,
        transport: Option<&str>,
        timeout: Option<f64>,
        service_name: Option<String>,
        pool: Option<&Bound<'_, PyAny>>,
        tls: Option<&Bound<'_, PyAny>>,
        headers: Option<&Bound<'_, PyAny>>,
        interceptors: Option<&Bound<'_, PyAny>>,
        custom: Option<Bound<'_, PyAny>>,
        make_reply: Py<PyAny>,
        opener: Py<PyAny>,
        conductor: Py<PyAny>,
    ) -> PyResult<Self> {
        let endpoint = match &custom {
            Some(custom) => Endpoint::custom(&name_of(custom)),
            None => Endpoint::parse(url).map_err(PyValueError::new_err)?,
        };
        Ok(Self {
            target: Target::new(endpoint, protocol, transport, timeout, service_name, pool, tls, headers)?,
            interceptors: Interceptors::new(interceptors, Style::Async)?,
            custom: custom.map(Bound::unbind),
            conductor,
            event_loop: EventLoop::running(py)?,
            make_reply,
            opener,
            epoch: Instant::now(),
            state: Mutex::default(),
        })
    }

    /// A protocol for a connection that is being made; `ready` is a future that is done when calls can be made.
    fn link(this: &Bound<'_, Self>, ready: Py<PyAny>) -> Link {
        Link::new(this.clone().unbind(), ready)
    }

    /// What to connect to: a host and a port, the path of a UNIX socket, or the number of a socket that is connected already and is
    /// the caller's to close.
    fn address<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        match &self.target.endpoint.address {
            Address::Tcp { host, port } => Ok((host, port).into_pyobject(py)?.into_any()),
            Address::Unix(path) => Ok(path.into_pyobject(py)?.into_any()),
            Address::Memory(name) => Ok(memory::connect(name)?.into_raw_fd().into_pyobject(py)?.into_any()),
            Address::Custom(_) => Err(PyValueError::new_err("a transport of one's own is opened by its opener")),
        }
    }

    /// What opens the transport that a user wrote, where there is one.
    #[getter]
    fn custom(&self, py: Python<'_>) -> Option<Py<PyAny>> {
        self.custom.as_ref().map(|custom| custom.clone_ref(py))
    }

    #[getter(url)]
    fn url_text(&self) -> String {
        self.url()
    }

    /// The seconds that a call may take.
    #[getter]
    fn timeout(&self) -> Option<f64> {
        self.target.timeout.map(|timeout| timeout.as_secs_f64())
    }

    /// Notes that the attempt to open a connection is over. Where it failed, `make_error` gives the exception of each call that waited.
    #[pyo3(signature = (make_error=None))]
    fn opened(this: &Bound<'_, Self>, make_error: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        state.is_opening = false;
        let opening = state.opening.take();
        let waited = if make_error.is_some() { std::mem::take(&mut state.queue) } else { VecDeque::new() };
        let mut later = Later::default();
        state.drain(py, &me.target, || me.now(), &mut later);
        drop(state);
        drop(opening);
        for (queued, make_error) in waited.into_iter().zip(std::iter::repeat(make_error).flatten()) {
            let error = make_error.call0().map_or_else(|error| error, PyErr::from_value);
            later.end(queued.reply.into_bound(py), Err(error));
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
            channel.close(py, &me.target, &mut later);
        }
        for queued in state.queue.drain(..) {
            later.end(queued.reply.into_bound(py), Err(closed_error(py, &queued.info.name)));
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

    /// Stops waiting for a call that waits for a connection, and whose future was cancelled.
    fn abandon(&self, key: u64) {
        let mut state = self.try_lock();
        let place = state.as_ref().and_then(|state| state.queue.iter().position(|queued| queued.key == key));
        let removed = place.and_then(|place| state.as_mut()?.queue.remove(place));
        drop(state);
        drop(removed);
    }

    /// Ends the calls whose time is over.
    fn _expire(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut later = Later::default();
        let mut state = me.lock(py);
        state.timer = None;
        let now = me.now();
        let mut failed = Vec::new();
        for channel in &mut state.channels {
            if !channel.pump(py, &me.target, now, &mut later) {
                failed.push(channel.link.clone_ref(py));
            }
        }
        let removed: Vec<_> = failed.iter().filter_map(|link| state.remove(link.bind(py))).collect();
        state.expire(py, &me.target, now, &mut later);
        state.drain(py, &me.target, || me.now(), &mut later);
        later.sets_timer = state.next_deadline().is_some();
        drop(state);
        drop(removed);
        later.carry_out(this)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.event_loop.traverse(&visit)?;
        visit.call(&self.make_reply)?;
        visit.call(&self.opener)?;
        visit.call(&self.conductor)?;
        visit.call(&self.custom)?;
        self.interceptors.traverse(&visit)?;
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
fn in_a_call() -> PyErr {
    PyRuntimeError::new_err("the client is in the middle of a call on this very thread")
}
