//! The threads of a server: one leads, the others follow.
//!
//! The leader holds the interpreter and gives it up only around a poll that has to wait. It receives, calls the handlers
//! and sends, for the connections that are ready together, without handing anything to another thread. For the time of a handler it lays
//! the reactor into the [`Seat`]; when it finds it gone afterwards, another thread leads: it finishes its one request,
//! gives the connection back and follows.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use fastthrift_rpc::{ReplyError, Request, ServerConfig, ServerConnection};
use mio::Waker;
use pyo3::prelude::*;

use super::connection::{Connection, Next};
use super::dispatch::{Invocation, Outcome, refuse, too_late};
use super::heir::Heir;
use super::listener::{NotStarted, Site};
use super::load::{Admission, Load};
use super::log;
use super::reactor::{Draining, Reactor, Settings, settle};
use super::seat::{Follow, Seat};
use super::services::{HEALTH, Services};
use super::stream::Stream;
use crate::endpoint::Endpoint;

/// How many requests of one connection are served before the others get their turn.
const REQUESTS_PER_TURN: usize = 32;
/// After how many rounds the interpreter is given up though there is work: handlers written in C never do that
/// themselves.
const ROUNDS_HELD: u32 = 256;
/// Handlers are Python code, which may nest deep.
const STACK_SIZE: usize = 8 << 20;

/// A server that runs.
pub(super) struct Engine {
    seat: Seat<Reactor>,
    /// Whether there is nobody to take over from a slow handler, and so to learn that it is slow.
    is_alone: bool,
    services: Arc<Services>,
    /// There where the number of calls is limited.
    load: Option<Load>,
    waker: Waker,
    /// What is told of the server's health over HTTP.
    is_serving: AtomicBool,
    endpoints: Vec<Endpoint>,
    /// What other threads have for the leader; the waker tells it to look.
    inbox: Mutex<Inbox>,
    /// Called when the last thread ends, and let go with that: it may refer to the server, which refers to the engine.
    on_end: Mutex<Option<Py<PyAny>>>,
    /// The process whose threads these are; a forked child has the memory but not the threads.
    process: u32,
}

/// How much an engine does at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Capacity {
    /// Handlers that run.
    pub(super) threads: usize,
    /// Calls that run or wait for a thread; those beyond are refused.
    pub(super) max_in_flight: Option<usize>,
}

/// How a connection's turn went.
enum Served {
    /// The replies are to be sent; `has_more` that requests may wait that were received already.
    Answered { has_more: bool },
    /// The connection is to have another turn when this happens.
    Until(Next),
}

struct Inbox {
    returned: Vec<(usize, Box<Connection>, Next)>,
    /// Connections that another process gave.
    adopted: Vec<Connection>,
    /// What gets the connections when the server stops.
    heir: Option<Heir>,
    order: Order,
}

/// What the server is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Serve,
    /// Finish what is in flight.
    Drain(Draining),
    /// All connections are closed, or about to be.
    Over,
}

thread_local! {
    /// The engine that this thread works for.
    static EMPLOYER: std::cell::Cell<*const Engine> = const { std::cell::Cell::new(std::ptr::null()) };
}

impl Engine {
    /// Listens and starts to serve.
    pub(super) fn start(
        site: &Site,
        settings: Settings,
        capacity: Capacity,
        services: Arc<Services>,
        on_end: Py<PyAny>,
    ) -> Result<Arc<Self>, NotStarted> {
        let (listeners, endpoints) = site.listen()?;
        let (reactor, waker) = Reactor::new(listeners, settings)?;
        let inbox = Mutex::new(Inbox { returned: Vec::new(), adopted: Vec::new(), heir: None, order: Order::Serve });
        let Capacity { threads, max_in_flight } = capacity;
        let load = max_in_flight.map(|max| Load::new(threads, max));
        // Where calls are refused, one thread more than may run handlers is there to lead: it does that when all do.
        let threads = threads.saturating_add(usize::from(load.is_some()));
        let on_end = Mutex::new(Some(on_end));
        let engine = Arc::new(Self {
            seat: Seat::new(threads),
            is_alone: threads == 1,
            services,
            load,
            waker,
            is_serving: AtomicBool::new(true),
            endpoints,
            inbox,
            on_end,
            process: std::process::id(),
        });
        engine.seat.enter();
        engine.spawn(Some(Box::new(reactor)))?;
        Ok(engine)
    }

    /// Sets what is told of the server's health over HTTP, from each connection's next turn on.
    pub(super) fn set_serving(&self, is_serving: bool) {
        self.is_serving.store(is_serving, Ordering::Relaxed);
    }

    /// Where it listens.
    pub(super) fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Whether this process has the engine's threads: a forked child has not.
    pub(super) fn is_here(&self) -> bool {
        self.process == std::process::id()
    }

    /// Whether all connections are closed for good.
    pub(super) fn is_over(&self) -> bool {
        self.seat.is_over()
    }

    /// Whether this very thread serves for this engine.
    pub(super) fn employs_this_thread(&self) -> bool {
        EMPLOYER.get() == std::ptr::from_ref(self)
    }

    /// Stops accepting and closes each connection when it has its replies; after `patience` all that are left.
    /// Those that can be given away go to the `heir`, where there is one.
    pub(super) fn drain(&self, patience: Option<Duration>, calm: Duration, heir: Option<Heir>) {
        let end = patience.and_then(|patience| Instant::now().checked_add(patience));
        self.set_serving(false);
        let mut inbox = self.inbox();
        if inbox.order == Order::Serve {
            inbox.order = Order::Drain(Draining { end, calm });
            inbox.heir = heir;
        }
        drop(inbox);
        self.wake();
    }

    /// Takes a connection that another process gave, in addition to those that the limit allows. Once all is over, it is closed.
    pub(super) fn adopt(&self, stream: Stream, place: usize, config: &ServerConfig) {
        let connection = Connection::new(stream, place, config.clone(), Instant::now());
        let mut inbox = self.inbox();
        if inbox.order != Order::Over {
            inbox.adopted.push(connection);
        }
        drop(inbox);
        self.wake();
    }

    /// Closes all connections now. Handlers that run go on, but nobody gets their replies.
    pub(super) fn abort(&self) {
        self.inbox().order = Order::Over;
        self.wake();
        // No thread may be free to lead; then the reactor lies in its seat.
        if let Some(reactor) = self.seat.take_any() {
            self.end(reactor);
        }
    }

    fn wake(&self) {
        // This fails only when the reactor is gone, and then nobody needs to be woken.
        let _ = self.waker.wake();
    }

    fn inbox(&self) -> std::sync::MutexGuard<'_, Inbox> {
        self.inbox.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a thread that is counted in already.
    fn spawn(self: &Arc<Self>, reactor: Option<Box<Reactor>>) -> std::io::Result<()> {
        let engine = Arc::clone(self);
        let builder = std::thread::Builder::new().name("fastthrift-server".into()).stack_size(STACK_SIZE);
        let spawned = builder.spawn(move || {
            Python::attach(move |py| {
                let employment = Employment::start(py, engine);
                employment.engine.work(py, reactor);
            });
        });
        if spawned.is_err() {
            self.seat.leave();
        }
        spawned.map(drop)
    }

    /// Leads and follows until the end.
    fn work(self: &Arc<Self>, py: Python<'_>, mut reactor: Option<Box<Reactor>>) {
        loop {
            if let Some(reactor) = reactor.take() {
                if self.seat.recruit() {
                    // Without a second thread a slow handler holds up the others, which is better than to end.
                    let _ = self.spawn(None);
                }
                self.lead(py, reactor);
            }
            match py.detach(|| self.seat.follow()) {
                Follow::Take(turn) => reactor = self.seat.take(turn),
                Follow::Leave => return,
            }
        }
    }

    /// Serves until another thread has the reactor, or all is over.
    fn lead(&self, py: Python<'_>, reactor: Box<Reactor>) {
        let mut lead = Some(reactor);
        if let Some(reactor) = &mut lead {
            // Who led before may be in its handler for long.
            reactor.settle();
        }
        let mut rounds = 0;
        while let Some(reactor) = &mut lead {
            let waited = if self.has_room() { reactor.next_waiting() } else { None };
            if let Some((index, connection)) = waited.or_else(|| reactor.next_turn()) {
                self.give_turn(py, &mut lead, index, connection);
            } else if self.gather(py, reactor, &mut rounds) {
                lead.take().into_iter().for_each(|reactor| self.end(reactor));
            }
        }
    }

    /// Whether there is a thread for a call that waited for one.
    fn has_room(&self) -> bool {
        self.load.as_ref().is_some_and(Load::has_room)
    }

    /// Finds out what is ready. Whether all is over.
    fn gather(&self, py: Python<'_>, reactor: &mut Reactor, rounds: &mut u32) -> bool {
        if reactor.is_done() {
            return true;
        }
        *rounds += 1;
        let mut was_woken = false;
        let has_ready = reactor.has_ready();
        if has_ready && *rounds >= ROUNDS_HELD {
            *rounds = 0;
            was_woken = py.detach(|| reactor.poll(Some(Duration::ZERO)));
        } else if has_ready || (reactor.was_busy() && *rounds < ROUNDS_HELD) {
            was_woken = reactor.poll(Some(Duration::ZERO));
        }
        if !was_woken && !reactor.has_ready() {
            *rounds = 0;
            was_woken = py.detach(|| reactor.poll(reactor.patience()));
        }
        if was_woken && self.read_inbox(reactor) {
            return true;
        }
        reactor.is_done()
    }

    /// Takes what other threads have for the leader. Whether all is over.
    fn read_inbox(&self, reactor: &mut Reactor) -> bool {
        let mut inbox = self.inbox();
        let returned = std::mem::take(&mut inbox.returned);
        let (adopted, heir, order) = (std::mem::take(&mut inbox.adopted), inbox.heir.take(), inbox.order);
        drop(inbox);
        for connection in adopted {
            reactor.enter(connection);
        }
        for (index, connection, next) in returned {
            reactor.check_in(index, connection, next);
        }
        if let Order::Drain(draining) = order {
            reactor.start_draining(draining, heir);
        }
        order == Order::Over
    }

    /// Closes all connections and sends the threads home.
    fn end(&self, reactor: Box<Reactor>) {
        let mut inbox = self.inbox();
        inbox.order = Order::Over;
        let left = (std::mem::take(&mut inbox.returned), std::mem::take(&mut inbox.adopted), inbox.heir.take());
        drop(inbox);
        drop((left, reactor));
        self.seat.end();
    }

    /// Gives one connection its turn.
    fn give_turn(
        &self,
        py: Python<'_>,
        lead: &mut Option<Box<Reactor>>,
        index: usize,
        mut connection: Box<Connection>,
    ) {
        // A bug here must not take a thread with it, nor a connection's place: a server that drains would wait for it. What the panic
        // says was printed; a reactor that was laid down is taken up as after any handler that is slow.
        let served = catch_unwind(AssertUnwindSafe(|| self.serve(py, lead, &mut connection)));
        match (lead, served.unwrap_or(Served::Until(Next::Close))) {
            (Some(reactor), Served::Answered { has_more }) => reactor.hold_back(index, connection, has_more),
            (Some(reactor), Served::Until(next)) => reactor.check_in(index, connection, next),
            (None, Served::Answered { has_more }) => {
                if !has_more && self.is_draining() {
                    connection.end_with_replies();
                }
                let next = settle(&mut connection, has_more, Instant::now());
                self.give_back(index, connection, next);
            }
            (None, Served::Until(next)) => self.give_back(index, connection, next),
        }
    }

    /// Whether the server is to stop.
    fn is_draining(&self) -> bool {
        matches!(self.inbox().order, Order::Drain(_))
    }

    /// Gives a connection to whoever leads now.
    fn give_back(&self, index: usize, connection: Box<Connection>, next: Next) {
        let mut inbox = self.inbox();
        if inbox.order == Order::Over {
            return;
        }
        inbox.returned.push((index, connection, next));
        drop(inbox);
        self.wake();
    }

    /// Serves what was received.
    fn serve(&self, py: Python<'_>, lead: &mut Option<Box<Reactor>>, connection: &mut Connection) -> Served {
        if connection.is_lingering() {
            return Served::Until(connection.linger());
        }
        if connection.is_ending() {
            return Served::Answered { has_more: false };
        }
        connection.rpc.set_serving(self.is_serving.load(Ordering::Relaxed));
        // The arithmetic of a handshake takes as long as hundreds of requests.
        let received = match connection.take_received() {
            Some(received) => received,
            None if connection.is_handshaking() => py.detach(|| connection.fill()),
            None => connection.fill(),
        };
        if let Err(error) = received {
            log::debug(py, || format!("a connection is closed: {error}"));
            return Served::Until(Next::Close);
        }
        let mut has_more = true;
        for _ in 0..REQUESTS_PER_TURN {
            match connection.next_request() {
                Ok(Some(request)) => {
                    let served = match self.admit(lead.as_deref(), &connection.rpc, &request) {
                        None => self.handle(py, lead, connection, &request),
                        Some(Admission::Run(_ticket)) => self.handle(py, lead, connection, &request),
                        Some(Admission::Wait) => return Served::Until(connection.hold(request)),
                        Some(Admission::Refuse) => {
                            refuse(py, &self.services, &mut connection.rpc, &request, &overloaded())
                        }
                    };
                    if served.is_err() {
                        return Served::Until(Next::Close);
                    }
                    connection.has_served();
                    if connection.rpc.has_no_more() {
                        has_more = false;
                        break;
                    }
                }
                Ok(None) if connection.rpc.credentials().is_some() => self.judge(py, lead, connection),
                Ok(None) => {
                    has_more = false;
                    break;
                }
                Err(error) => {
                    log::debug(py, || format!("a connection is closed: {error}"));
                    break;
                }
            }
            if lead.is_none() {
                break;
            }
        }
        Served::Answered { has_more }
    }

    /// What is to become of the next request, where the number of calls is limited.
    #[inline]
    fn admit(&self, reactor: Option<&Reactor>, rpc: &ServerConnection, request: &Request) -> Option<Admission<'_>> {
        if reactor.is_some_and(Reactor::is_overdrawn) {
            return Some(Admission::Refuse);
        }
        let load = self.load.as_ref()?;
        // To be busy is no illness, so who asks for the health is always told.
        if request.service.is_some_and(|name| rpc.bytes(name) == HEALTH.as_bytes()) {
            return None;
        }
        Some(load.admit(reactor.map_or(0, Reactor::waiting)))
    }

    /// Carries out one request.
    fn handle(
        &self,
        py: Python<'_>,
        lead: &mut Option<Box<Reactor>>,
        connection: &mut Connection,
        request: &Request,
    ) -> Result<(), ReplyError> {
        let deadline = connection.deadline_of(request);
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return refuse(py, &self.services, &mut connection.rpc, request, &too_late());
        }
        match Invocation::read(py, &self.services, &mut connection.rpc, request) {
            Ok(mut invocation) => {
                invocation.deadline = deadline;
                let Outcome { result, call } = self.call(py, lead, connection, request, &invocation);
                if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
                    log::debug(py, || format!("the reply of '{}' is late", invocation.method.info.name));
                }
                let (rpc, stream) = connection.split();
                let peer = || stream.peer();
                let answering = invocation.answering().of(&peer);
                match call {
                    None => answering.answer(py, rpc, request, result),
                    Some(call) => answering.answer_asked(call.bind(py), rpc, request, result),
                }
            }
            Err(exception) => refuse(py, &self.services, &mut connection.rpc, request, &exception),
        }
    }

    /// Calls the handler; meanwhile the reactor is in its seat.
    fn call(
        &self,
        py: Python<'_>,
        lead: &mut Option<Box<Reactor>>,
        connection: &mut Connection,
        request: &Request,
        invocation: &Invocation<'_>,
    ) -> Outcome {
        let Some(mut reactor) = lead.take() else { return invocation.run(py, connection, request) };
        let method = invocation.method;
        if method.is_slow() || self.is_alone {
            // The replies before this one need not wait for it; what cannot be sent now is sent later.
            let _ = connection.flush();
            reactor.settle();
            let start = Instant::now();
            let turn = self.seat.park(reactor, true);
            let outcome = invocation.run(py, connection, request);
            *lead = self.seat.take(turn);
            method.took(start.elapsed());
            return outcome;
        }
        let turn = self.seat.park(reactor, false);
        let outcome = invocation.run(py, connection, request);
        *lead = self.seat.take(turn);
        if lead.is_none() {
            method.was_slow();
        }
        outcome
    }
}

impl Engine {
    /// Judges who the peer is; meanwhile the reactor is in its seat, as while a handler runs.
    #[cold]
    fn judge(&self, py: Python<'_>, lead: &mut Option<Box<Reactor>>, connection: &mut Connection) {
        let turn = lead.take().map(|mut reactor| {
            reactor.settle();
            self.seat.park(reactor, false)
        });
        match &self.services.checks {
            Some(checks) => {
                let peer = connection.peer();
                checks.judge(py, &mut connection.rpc, &mut connection.introduction, peer);
            }
            None => connection.rpc.refuse_peer("nobody is let in"),
        }
        *lead = turn.and_then(|turn| self.seat.take(turn));
    }
}

/// What is answered beyond the number of calls that are carried.
#[cold]
pub(crate) fn overloaded() -> ApplicationException {
    ApplicationException::new(ApplicationExceptionKind::LOADSHEDDING, "the server is overloaded")
}

/// The time that a thread works for an engine. Ends however the thread ends, and with the interpreter held: the thread
/// may be the last to have the engine, and with it the handlers.
struct Employment<'py> {
    py: Python<'py>,
    engine: Arc<Engine>,
}

impl<'py> Employment<'py> {
    fn start(py: Python<'py>, engine: Arc<Engine>) -> Self {
        EMPLOYER.set(Arc::as_ptr(&engine));
        Self { py, engine }
    }
}

impl Drop for Employment<'_> {
    fn drop(&mut self) {
        EMPLOYER.set(std::ptr::null());
        if !self.engine.seat.leave() {
            return;
        }
        let on_end = self.engine.on_end.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Err(error)) = on_end.map(|on_end| on_end.call0(self.py)) {
            error.write_unraisable(self.py, None);
        }
    }
}
