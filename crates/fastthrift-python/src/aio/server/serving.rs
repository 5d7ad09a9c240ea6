//! A server that runs on an event loop.

use std::collections::VecDeque;
use std::os::fd::IntoRawFd;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::{MutexExt, PyOnceLock};
use pyo3::types::{PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit, ffi, intern};

use super::carrier::{Carrier, Work};
use super::job::Job;
use super::peer::Peer;
use super::plain::{Handler, Plain};
use super::port::Port;
use super::shares::Shares;
use crate::aio::event_loop::EventLoop;
use crate::call::task_variable;
use crate::endpoint::Address;
use crate::server::ServerCore;
use crate::server::connection::Timeouts;
use crate::server::listen_error;
use crate::server::listener::Listener;
use crate::server::processor::Beside;
use crate::server::services::{Method, Services};

/// How many connections over the limit are kept until there is room; more are closed.
const MAX_HELD: usize = 1024;

/// A server between its start and its end.
#[pyclass(frozen, weakref, name = "AsyncServing", module = "fastthrift._core")]
pub(super) struct Serving {
    core: Py<ServerCore>,
    event_loop: EventLoop,
    /// Calls a plain handler with a tuple of arguments in a thread; what it returns is awaited.
    plain: Py<PyAny>,
    /// Calls a check of SASL likewise, and says whether it is a coroutine function.
    check: Py<PyAny>,
    /// The future that is done when all connections are closed after draining.
    ended: Py<PyAny>,
    coroutine_type: Py<PyType>,
    copy_context: Py<PyAny>,
    /// Sets the call of a context.
    set_call: Py<PyAny>,
    /// Make a task the one that runs, and end that.
    enter_task: Py<PyAny>,
    leave_task: Py<PyAny>,
    in_flight: AtomicIsize,
    /// How many connections there were.
    accepted: AtomicUsize,
    /// There where the connections' memory is limited.
    pub(super) shares: Option<Mutex<Shares>>,
    is_draining: AtomicBool,
    urls: Vec<String>,
    /// How the connections of each listener are served.
    ports: Vec<Port>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    listeners: Vec<Listener>,
    peers: Vec<Py<Peer>>,
    /// Those of the peers that wait until there is room.
    held: VecDeque<Py<Peer>>,
    /// The task that has nothing to do.
    spare: Option<Py<Carrier>>,
    is_spare_due: bool,
    /// What looks at the peers' times next.
    sweep: Option<Py<PyAny>>,
    is_over: bool,
}

impl Serving {
    pub(super) fn event_loop(&self) -> &EventLoop {
        &self.event_loop
    }

    pub(super) fn services(&self) -> &Services {
        &self.core.get().services
    }

    pub(super) fn timeouts(&self) -> &Timeouts {
        &self.core.get().settings.timeouts
    }

    /// How the connections of a listener are served.
    pub(super) fn port(&self, number: usize) -> &Port {
        &self.ports[number]
    }

    pub(super) fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Relaxed)
    }

    /// What is told of the server's health over HTTP.
    pub(super) fn is_well(&self) -> bool {
        !self.is_draining() && self.core.get().is_serving()
    }

    /// Whether a handler runs on the loop's own thread, and nothing runs around it.
    #[inline]
    pub(super) fn is_inline(&self, method: &Method) -> bool {
        !method.is_async && self.services().interceptors.is_empty() && self.runs_here(&method.info.name)
    }

    fn runs_here(&self, name: &str) -> bool {
        self.core.get().inline.has(name)
    }

    #[inline]
    pub(super) fn is_coroutine_type(&self, class: *mut ffi::PyTypeObject) -> bool {
        self.coroutine_type.as_ptr() == class.cast()
    }

    /// Whether another handler may be begun that can wait.
    pub(super) fn has_room(&self) -> bool {
        let limit = self.core.get().max_in_flight.and_then(|limit| isize::try_from(limit).ok());
        limit.is_none_or(|limit| self.in_flight.load(Ordering::Relaxed) < limit)
    }

    /// Counts the handlers that wait.
    pub(super) fn count(&self, change: isize) {
        self.in_flight.fetch_add(change, Ordering::Relaxed);
    }

    /// Makes a task the one that runs; fails while there is one.
    pub(super) fn enter_task(&self, py: Python<'_>, task: &Py<PyAny>) -> PyResult<()> {
        self.enter_task.bind(py).call1((self.event_loop.bind(py), task)).map(drop)
    }

    /// Ends that a task is the one that runs.
    pub(super) fn leave_task(&self, py: Python<'_>, task: &Py<PyAny>) -> PyResult<()> {
        self.leave_task.bind(py).call1((self.event_loop.bind(py), task)).map(drop)
    }

    /// What runs something in a new context, a copy of this one.
    #[inline]
    pub(super) fn new_context<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.copy_context.bind(py).call0()?.getattr(intern!(py, "run"))
    }

    /// What runs something in a new context that stands for a job.
    pub(super) fn context_of<'py>(&self, job: &Bound<'py, Job>) -> PyResult<Bound<'py, PyAny>> {
        let run = self.new_context(job.py())?;
        run.call1((&self.set_call, job))?;
        Ok(run)
    }

    /// Calls a plain handler in a thread; what is returned is awaited.
    pub(super) fn call_plain<'py>(
        &self,
        callable: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.plain.bind(callable.py()).call1((callable, arguments))
    }

    /// A task that asks a check of SASL, in a thread where it is no coroutine function.
    pub(super) fn ask<'py>(
        &self,
        check: &Bound<'py, PyAny>,
        arguments: &Bound<'py, PyTuple>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = check.py();
        let is_async = crate::interceptors::is_coroutine_function(check);
        let asking = self.check.bind(py).call1((check, arguments, is_async))?;
        self.event_loop.bind(py).call_method1(intern!(py, "create_task"), (asking,))
    }

    /// Calls the interceptors around a handler; what is returned is awaited.
    pub(super) fn intercept<'py>(
        &self,
        job: &Bound<'py, Job>,
        callable: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = job.py();
        let call = job.get().call(py)?;
        let is_async = crate::interceptors::is_coroutine_function(callable);
        let name = call.get().function();
        let plain = (!is_async).then(|| if self.runs_here(name) { Plain::Here } else { Plain::Thread });
        let call_plain = self.plain.clone_ref(py);
        self.services()
            .interceptors
            .run(call.bind(py), Handler { callable: callable.clone().unbind(), plain, call_plain })
    }

    fn lock(&self, py: Python<'_>) -> MutexGuard<'_, State> {
        self.state.lock_py_attached(py).unwrap_or_else(PoisonError::into_inner)
    }

    /// Has a coroutine run at once, or soon where no task is free.
    pub(super) fn start_work(this: &Bound<'_, Self>, work: Work) -> PyResult<()> {
        let py = this.py();
        let spare = this.get().lock(py).spare.take();
        if let Some(carrier) = spare {
            work.job.get().set_carrier(carrier.bind(py));
            return Carrier::start(carrier.bind(py), work);
        }
        let job = work.job.clone_ref(py);
        let carrier = Carrier::spawn(this, Some(work))?;
        job.get().set_carrier(&carrier);
        Ok(())
    }

    /// Makes a task for the next job, unless there is one.
    pub(super) fn need_spare(this: &Bound<'_, Self>) -> PyResult<()> {
        let mut state = this.get().lock(this.py());
        if state.spare.is_some() || state.is_over || std::mem::replace(&mut state.is_spare_due, true) {
            return Ok(());
        }
        drop(state);
        Carrier::spawn(this, None).map(drop)
    }

    /// Keeps a task that has nothing to do; false where there is no use for it.
    pub(super) fn keep_spare(&self, carrier: &Bound<'_, Carrier>) -> bool {
        let mut state = self.lock(carrier.py());
        state.is_spare_due = false;
        if state.is_over || state.spare.is_some() {
            return false;
        }
        state.spare = Some(carrier.clone().unbind());
        true
    }

    /// Forgets a task that was cancelled.
    pub(super) fn forget_spare(&self, carrier: &Bound<'_, Carrier>) {
        let mut state = self.lock(carrier.py());
        let spare = state.spare.take_if(|spare| spare.is(carrier));
        drop(state);
        drop(spare);
    }

    /// Takes a connection in. Whether it has to wait for another one to leave; `None` where it is to be closed.
    pub(super) fn enter(this: &Bound<'_, Self>, peer: &Bound<'_, Peer>) -> PyResult<Option<bool>> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        state.peers.push(peer.clone().unbind());
        if me.is_draining() || state.held.len() >= MAX_HELD {
            return Ok(None);
        }
        let is_held = state.peers.len() - state.held.len() > me.core.get().settings.max_connections;
        if is_held {
            state.held.push_back(peer.clone().unbind());
        }
        let starts_sweep = state.sweep.is_none();
        drop(state);
        if starts_sweep {
            Self::sweep_later(this)?;
        }
        Ok(Some(is_held))
    }

    /// Lets a connection go, and another one in.
    pub(super) fn leave(this: &Bound<'_, Self>, peer: &Bound<'_, Peer>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        if let Some(place) = state.peers.iter().position(|each| each.is(peer)) {
            state.peers.swap_remove(place);
        }
        state.held.retain(|each| !each.is(peer));
        let has_room = state.peers.len() - state.held.len() < me.core.get().settings.max_connections;
        let next = if has_room { state.held.pop_front() } else { None };
        drop(state);
        if let Some(next) = next {
            Peer::admit(next.bind(py))?;
        }
        Self::end_if_empty(this)
    }

    /// Ends the server when it drains and nobody is left.
    fn end_if_empty(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let mut state = me.lock(py);
        if !me.is_draining() || !state.peers.is_empty() || std::mem::replace(&mut state.is_over, true) {
            return Ok(());
        }
        let (spare, sweep) = (state.spare.take(), state.sweep.take());
        drop(state);
        if let Some(spare) = spare {
            Carrier::end(spare.bind(py))?;
        }
        if let Some(sweep) = sweep {
            sweep.call_method0(py, intern!(py, "cancel"))?;
        }
        if !me.ended.call_method0(py, intern!(py, "done"))?.is_truthy(py)? {
            me.ended.call_method1(py, intern!(py, "set_result"), (py.None(),))?;
        }
        Ok(())
    }

    /// Has the peers' times looked at after a while.
    fn sweep_later(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let sweep = this.getattr(intern!(py, "_sweep"))?;
        let handle = me.event_loop.call_at(py, Instant::now() + me.timeouts().grain(), sweep)?;
        let before = me.lock(py).sweep.replace(handle);
        drop(before);
        Ok(())
    }

    fn new_peer(this: &Bound<'_, Self>, port: usize, beside: Option<Beside>) -> Peer {
        let number = this.get().accepted.fetch_add(1, Ordering::Relaxed);
        Peer::new(this.clone().unbind(), number, port, beside)
    }

    fn peers<'py>(&self, py: Python<'py>) -> Vec<Bound<'py, Peer>> {
        self.lock(py).peers.iter().map(|peer| peer.bind(py).clone()).collect()
    }
}

#[pymethods]
impl Serving {
    /// Listens, where it does.
    #[new]
    fn new(py: Python<'_>, core: Py<ServerCore>, plain: Py<PyAny>, check: Py<PyAny>, listens: bool) -> PyResult<Self> {
        static COROUTINE: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let event_loop = EventLoop::running(py)?;
        let site = &core.get().site;
        let (listeners, endpoints) = if listens {
            py.detach(|| site.listen()).map_err(|error| listen_error(&error))?
        } else {
            (Vec::new(), Vec::new())
        };
        let ports = if listens {
            listeners.iter().map(Port::of).collect()
        } else {
            site.configs.iter().cloned().map(Port::of_messages).collect()
        };
        let shares = core.get().settings.max_memory.map(|limit| Mutex::new(Shares::new(limit)));
        Ok(Self {
            ended: event_loop.bind(py).call_method0(intern!(py, "create_future"))?.unbind(),
            coroutine_type: COROUTINE.import(py, "types", "CoroutineType")?.clone().unbind(),
            copy_context: py.import("contextvars")?.getattr("copy_context")?.unbind(),
            enter_task: py.import("asyncio")?.getattr("_enter_task")?.unbind(),
            leave_task: py.import("asyncio")?.getattr("_leave_task")?.unbind(),
            set_call: task_variable(py)?.getattr("set")?.unbind(),
            core,
            event_loop,
            plain,
            check,
            in_flight: AtomicIsize::new(0),
            accepted: AtomicUsize::new(0),
            shares,
            is_draining: AtomicBool::new(false),
            urls: endpoints.iter().map(ToString::to_string).collect(),
            ports,
            state: Mutex::new(State { listeners, ..State::default() }),
        })
    }

    /// A protocol for a connection that came in by the listener of this number.
    fn peer(this: &Bound<'_, Self>, port: usize) -> PyResult<Peer> {
        if port >= this.get().ports.len() {
            return Err(PyValueError::new_err("there is no such listener"));
        }
        Ok(Self::new_peer(this, port, None))
    }

    /// A protocol for a message that somebody else brought, with what came beside it.
    fn packet(
        this: &Bound<'_, Self>,
        headers: Option<&Bound<'_, PyAny>>,
        peer: Option<&Bound<'_, PyAny>>,
        reply_headers: Option<&Bound<'_, PyAny>>,
        waited: &Bound<'_, PyAny>,
    ) -> PyResult<Peer> {
        Ok(Self::new_peer(this, 0, Some(Beside::read(headers, peer, reply_headers, waited)?)))
    }

    /// The sockets that listen: the number of each, and whether it only tells of connections in memory.
    #[getter]
    fn descriptors(&self, py: Python<'_>) -> Vec<(i32, bool)> {
        let describe = |listener: &Listener| {
            let is_in_memory = matches!(listener.endpoint().address, Address::Memory(_));
            (listener.descriptor(), is_in_memory)
        };
        self.lock(py).listeners.iter().map(describe).collect()
    }

    /// The number of the socket of the next connection in memory, which is the caller's to close.
    fn accept(&self, py: Python<'_>, port: usize) -> PyResult<Option<i32>> {
        let state = self.lock(py);
        let accepted = state.listeners.get(port).map_or(Ok(None), Listener::accept_in_memory)?;
        Ok(accepted.map(IntoRawFd::into_raw_fd))
    }

    /// Where the server listens.
    #[getter]
    fn urls(&self) -> Vec<String> {
        self.urls.clone()
    }

    /// The future that is done when all is closed.
    #[getter]
    fn ended<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyAny> {
        self.ended.bind(py)
    }

    /// Stops listening, and closes each connection when nothing of it is in flight.
    fn drain(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        me.event_loop.check(py)?;
        me.is_draining.store(true, Ordering::Relaxed);
        let mut state = me.lock(py);
        let (listeners, held) = (std::mem::take(&mut state.listeners), std::mem::take(&mut state.held));
        drop(state);
        drop(listeners);
        for peer in held {
            peer.get().abort(py)?;
        }
        for peer in me.peers(py) {
            Peer::drain(&peer)?;
        }
        Self::end_if_empty(this)
    }

    /// Whether this code runs for a handler of the server.
    fn is_in_handler(this: &Bound<'_, Self>) -> PyResult<bool> {
        let found = task_variable(this.py())?.call_method0(intern!(this.py(), "get"))?;
        Ok(found.cast::<Job>().is_ok_and(|job| job.get().peer().is_of(this)))
    }

    /// Closes all connections now, and has their handlers cancelled.
    fn abort(&self, py: Python<'_>) -> PyResult<()> {
        self.peers(py).iter().try_for_each(|peer| peer.get().abort(py))
    }

    /// Lets go of everything: the loop is closed, and calls nothing any more.
    fn forsake(&self, py: Python<'_>) {
        self.is_draining.store(true, Ordering::Relaxed);
        let forsaken = std::mem::replace(&mut *self.lock(py), State { is_over: true, ..State::default() });
        drop(forsaken);
    }

    /// Looks at the peers' times.
    fn _sweep(this: &Bound<'_, Self>) -> PyResult<()> {
        let (py, me) = (this.py(), this.get());
        let done = me.lock(py).sweep.take();
        drop(done);
        let now = Instant::now();
        let peers = me.peers(py);
        for peer in &peers {
            Peer::check(peer, now)?;
        }
        if peers.is_empty() { Ok(()) } else { Self::sweep_later(this) }
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.core)?;
        self.event_loop.traverse(&visit)?;
        visit.call(&self.plain)?;
        visit.call(&self.check)?;
        visit.call(&self.ended)?;
        visit.call(&self.copy_context)?;
        visit.call(&self.set_call)?;
        if let Ok(state) = self.state.try_lock() {
            state.peers.iter().try_for_each(|peer| visit.call(peer))?;
            state.held.iter().try_for_each(|peer| visit.call(peer))?;
            visit.call(&state.spare)?;
            visit.call(&state.sweep)?;
        }
        self.traverse_shares(&visit)?;
        Ok(())
    }

    fn __clear__(&self) {
        let state = self.state.try_lock().map(|mut state| std::mem::take(&mut *state));
        drop(state);
        self.clear_shares();
    }
}
