//! All connections of a server and what is ready of them. One thread at a time has the reactor.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use mio::{Events, Poll, Token, Waker};

use super::budget::{Budget, Memory};
use super::connection::{Connection, Next, Readiness, Timeouts};
use super::entrances::Entrances;
use super::heir::Heir;
use super::listener::Listener;
use super::slots::Slots;

const WAKER: Token = Token(usize::MAX);
/// How many events are taken from the poller at once.
const EVENTS: usize = 512;
/// How many connections are accepted before those that are there get their turn.
const ACCEPTS: usize = 64;
/// How many connections are received from before the first of their requests is served, and how many replies are sent one
/// after the other: the system's code for either and the server's own are each several times the size of the processor's
/// first cache, so to change between them for each request costs more than the work itself.
const BATCH: usize = 32;
/// For how long replies are held back at most, handlers being what they are, so that they are sent together.
const HELD_BACK: Duration = Duration::from_micros(200);
/// How many bytes a reply that is held back has at most.
const SMALL_REPLY: usize = 16 << 10;
/// How long accepting rests when the system has no room for another connection.
const ACCEPT_REST: Duration = Duration::from_millis(100);

/// What a reactor is made with.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) timeouts: Timeouts,
    pub(crate) max_connections: usize,
    /// The bytes of memory of all connections; `None` for no limit.
    pub(crate) max_memory: Option<usize>,
}

/// The poller, the listening sockets and the connections.
pub(super) struct Reactor {
    poll: Poll,
    events: Events,
    entrances: Entrances,
    /// Connections may wait to be accepted.
    accepts: Accepts,
    slots: Slots,
    /// The connections that are to have a turn, each once.
    ready: VecDeque<usize>,
    /// The connections that keep a request which waits for a thread.
    waiting: VecDeque<usize>,
    /// There where the connections' memory is limited.
    budget: Option<Budget>,
    /// How many are left of this round.
    round: usize,
    /// How many of those were received from and wait to be served.
    batch: usize,
    /// When the batch began.
    batch_since: Instant,
    /// The connections whose replies are to be sent, and whether requests may wait that were received before.
    unsettled: Vec<(usize, Box<Connection>, bool)>,
    /// How many had a turn since the poller was last asked.
    turns: usize,
    settings: Settings,
    now: Instant,
    /// When the connections' deadlines are to be looked at.
    next_sweep: Option<Instant>,
    phase: Phase,
    /// What gets the connections when the server stops.
    heir: Option<Heir>,
}

/// How far a reactor's life has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    /// Only what is in flight ends.
    Draining(Draining),
}

impl Phase {
    /// When a connection that does nothing may be closed because the server stops.
    fn calm_at(self, connection: &Connection) -> Option<Instant> {
        match self {
            Self::Draining(Draining { calm, .. }) if connection.is_quiet() => connection.calm_at(calm),
            _ => None,
        }
    }
}

/// How connections end when the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Draining {
    /// When all that are left are closed.
    pub(super) end: Option<Instant>,
    /// How long a connection must have been quiet to be closed although it had no reply meanwhile: its client may be
    /// about to send a request.
    pub(super) calm: Duration,
}

/// Whether connections may wait to be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Accepts {
    /// None waits, as far as known.
    Idle,
    /// Some may wait.
    Pending,
    /// Some may wait, but there is no room before a connection closes.
    Full,
    /// Some may wait, but the system has no room before this time, perhaps.
    RestUntil(Instant),
}

impl Reactor {
    /// Starts to watch the listening sockets.
    pub(super) fn new(listeners: Vec<Listener>, settings: Settings) -> io::Result<(Self, Waker)> {
        let poll = Poll::new()?;
        let entrances = Entrances::new(listeners, poll.registry())?;
        let waker = Waker::new(poll.registry(), WAKER)?;
        let now = Instant::now();
        let reactor = Self {
            poll,
            events: Events::with_capacity(EVENTS),
            entrances,
            accepts: Accepts::Idle,
            slots: Slots::default(),
            ready: VecDeque::new(),
            waiting: VecDeque::new(),
            budget: settings.max_memory.map(Budget::new),
            round: 0,
            batch: 0,
            batch_since: now,
            unsettled: Vec::with_capacity(BATCH),
            turns: 0,
            settings,
            now,
            next_sweep: None,
            phase: Phase::Serving,
            heir: None,
        };
        Ok((reactor, waker))
    }

    /// The connection whose turn it is; `None` at the end of a round, when the poller is to be asked.
    pub(super) fn next_turn(&mut self) -> Option<(usize, Box<Connection>)> {
        loop {
            while self.batch > 0 {
                self.batch -= 1;
                let Some(index) = self.ready.pop_front() else { break };
                if let Some(connection) = self.slots.take(index) {
                    self.turns += 1;
                    return Some((index, connection));
                }
            }
            self.settle();
            if !self.start_batch() {
                break;
            }
        }
        if let Some(budget) = &mut self.budget {
            budget.resume(&mut self.ready);
        }
        None
    }

    /// Receives from the next connections of the round. Whether there are any.
    fn start_batch(&mut self) -> bool {
        self.batch = self.round.min(BATCH).min(self.ready.len());
        self.round -= self.batch;
        self.batch_since = self.now;
        for &index in self.ready.iter().take(self.batch) {
            let Some(connection) = self.slots.here(index) else { continue };
            if let Some(budget) = &mut self.budget {
                connection.allowance = budget.allowance(index);
                connection.receive(self.now);
                let memory = connection.memory();
                budget.count(&mut connection.counted, memory);
            } else {
                connection.receive(self.now);
            }
        }
        self.batch > 0
    }

    /// Takes a connection back that has replies to send, which may wait for those of the others of the batch.
    pub(super) fn hold_back(&mut self, index: usize, connection: Box<Connection>, has_more: bool) {
        let is_small = connection.rpc.outbound().len() <= SMALL_REPLY;
        self.unsettled.push((index, connection, has_more));
        // Its handler may have taken long: the time of the last look would count that as the peer's silence.
        self.now = Instant::now();
        if !is_small || self.now.saturating_duration_since(self.batch_since) > HELD_BACK {
            self.settle();
        }
    }

    /// Sends the replies that were held back.
    pub(super) fn settle(&mut self) {
        let now = self.now;
        let mut unsettled = std::mem::take(&mut self.unsettled);
        for (index, mut connection, has_more) in unsettled.drain(..) {
            if self.phase != Phase::Serving && !has_more {
                connection.end_with_replies();
            }
            let next = settle(&mut connection, has_more, now);
            self.place(index, connection, next);
        }
        self.unsettled = unsettled;
    }

    /// The connection whose request waited longest for a thread, for which there is one now.
    pub(super) fn next_waiting(&mut self) -> Option<(usize, Box<Connection>)> {
        while let Some(index) = self.waiting.pop_front() {
            if let Some(connection) = self.slots.take(index) {
                return Some((index, connection));
            }
        }
        None
    }

    /// Whether calls are to be refused, for their replies would take too much memory.
    pub(super) fn is_overdrawn(&self) -> bool {
        self.budget.as_ref().is_some_and(Budget::is_overdrawn)
    }

    /// How many requests wait for a thread.
    pub(super) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Whether connections wait for a turn.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.accepts == Accepts::Pending
    }

    /// Whether so much was done since the last look that more is likely to be ready.
    pub(super) fn was_busy(&self) -> bool {
        self.turns > 1
    }

    /// How long to wait at most for something to be ready; `None` for as long as it takes.
    pub(super) fn patience(&self) -> Option<Duration> {
        let rest = match self.accepts {
            Accepts::RestUntil(until) => Some(until),
            _ => None,
        };
        let end = match self.phase {
            Phase::Draining(draining) => draining.end,
            Phase::Serving => None,
        };
        let earliest = [self.next_sweep, end, rest].into_iter().flatten().min()?;
        Some(earliest.saturating_duration_since(Instant::now()))
    }

    /// Waits until something is ready, at most this long, and starts a round. Whether the waker was used.
    pub(super) fn poll(&mut self, patience: Option<Duration>) -> bool {
        self.turns = 0;
        if self.poll.poll(&mut self.events, patience).is_err() {
            // A signal came; there is no other reason that would go away. Nothing is lost: what is ready is told again.
            self.events.clear();
        }
        self.now = Instant::now();
        let mut was_woken = false;
        for event in &self.events {
            match event.token() {
                WAKER => was_woken = true,
                token if self.entrances.has(token) => self.accepts = Accepts::Pending,
                Token(index) => {
                    if self.slots.note(index, Readiness::of(event)) {
                        self.ready.push_back(index);
                    }
                }
            }
        }
        self.accept();
        self.sweep();
        self.round = self.ready.len();
        was_woken
    }

    /// Takes a connection back after its turn.
    pub(super) fn check_in(&mut self, index: usize, connection: Box<Connection>, next: Next) {
        // Its handler may have taken long: the time of the last look would count that as the peer's silence.
        self.now = Instant::now();
        self.place(index, connection, next);
    }

    /// Puts a connection where it waits for what comes next, or closes it.
    fn place(&mut self, index: usize, mut connection: Box<Connection>, mut next: Next) {
        let is_ready = connection.note(self.slots.noted(index));
        if next == Next::Wait && is_ready {
            next = Next::Again;
        }
        if let Phase::Draining(Draining { calm, .. }) = self.phase
            && next == Next::Wait
            && connection.is_quiet()
            && (self.gives_away(&connection) || connection.may_end(self.now, calm))
        {
            next = Next::Close;
        }
        if next != Next::Close && connection.watch(self.poll.registry(), Token(index)).is_err() {
            next = Next::Close;
        }
        if next == Next::Close {
            return self.close(index, &mut connection);
        }
        let has_message = connection.has_message();
        let deadline = connection.deadline(self.now, &self.settings.timeouts);
        if let Some(deadline) = deadline.into_iter().chain(self.phase.calm_at(&connection)).min() {
            self.next_sweep = Some(self.next_sweep.map_or(deadline, |sweep| sweep.min(deadline)));
        }
        if let Some(budget) = &mut self.budget {
            let memory = connection.memory();
            budget.count(&mut connection.counted, memory);
            if has_message {
                budget.end_favour(index);
            }
            if next == Next::Pause {
                budget.pause(index);
            }
        }
        // One that holds a request or is paused is queued, too, but not for a turn.
        self.slots.put(index, connection, next != Next::Wait);
        match next {
            Next::Again => self.ready.push_back(index),
            Next::Hold => self.waiting.push_back(index),
            Next::Wait | Next::Pause | Next::Close => {}
        }
    }

    /// Stops accepting, and closes each connection as soon as nothing of it is in flight; all of them at the deadline.
    /// Those that can be given away go to the `heir`, where there is one.
    pub(super) fn start_draining(&mut self, draining: Draining, heir: Option<Heir>) {
        if self.phase != Phase::Serving {
            return;
        }
        self.phase = Phase::Draining(draining);
        self.heir = heir;
        // Who connected before the end may have sent a request.
        self.accepts = Accepts::Pending;
        while self.accepts == Accepts::Pending {
            self.accept();
        }
        self.entrances.close(self.poll.registry());
        self.accepts = Accepts::Idle;
        for index in self.slots.indices() {
            if self.slots.note(index, Readiness::LOOK) {
                self.ready.push_back(index);
            }
        }
        self.round = self.ready.len();
    }

    /// Gives a connection to the process that serves from now on. Whether that has it now, and this side is to forget it.
    fn gives_away(&mut self, connection: &Connection) -> bool {
        let Some(heir) = &self.heir else { return false };
        connection.give_to(heir).unwrap_or_else(|_| {
            self.heir = None;
            false
        })
    }

    /// Whether all is over: it drained, or the deadline for that passed.
    pub(super) fn is_done(&self) -> bool {
        match self.phase {
            Phase::Serving => false,
            Phase::Draining(Draining { end, .. }) => self.slots.is_empty() || end.is_some_and(|end| end <= self.now),
        }
    }

    fn close(&mut self, index: usize, connection: &mut Connection) {
        connection.deregister(self.poll.registry());
        self.slots.free(index);
        if let Some(budget) = &mut self.budget {
            budget.count(&mut connection.counted, Memory::default());
            budget.forget(index);
        }
        if matches!(self.accepts, Accepts::Full | Accepts::RestUntil(_)) {
            self.accepts = Accepts::Pending;
        }
    }

    /// Accepts connections that wait, as many as one look allows.
    fn accept(&mut self) {
        if let Accepts::RestUntil(until) = self.accepts
            && until <= self.now
        {
            self.accepts = Accepts::Pending;
        }
        if self.entrances.is_closed() {
            return self.accepts = Accepts::Idle;
        }
        let mut left = ACCEPTS;
        while self.accepts == Accepts::Pending && left > 0 {
            left -= 1;
            if self.slots.len() >= self.settings.max_connections {
                self.accepts = Accepts::Full;
                break;
            }
            match self.entrances.accept() {
                Ok((stream, place, config)) => self.enter(Connection::new(stream, place, config, self.now)),
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.accepts = Accepts::Idle,
                    // The peer was gone before it was accepted.
                    io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted => {}
                    _ => self.accepts = Accepts::RestUntil(self.now + ACCEPT_REST),
                },
            }
        }
    }

    /// Takes a connection in.
    pub(super) fn enter(&mut self, connection: Connection) {
        let index = self.slots.reserve();
        let mut connection = Box::new(connection);
        if connection.register(self.poll.registry(), Token(index)).is_err() {
            return self.slots.free(index);
        }
        if let Some(deadline) = connection.deadline(self.now, &self.settings.timeouts) {
            self.next_sweep = Some(self.next_sweep.map_or(deadline, |sweep| sweep.min(deadline)));
        }
        self.slots.put(index, connection, false);
        if self.phase != Phase::Serving && self.slots.note(index, Readiness::LOOK) {
            self.ready.push_back(index);
        }
    }

    /// Closes the connections whose peers took too long.
    fn sweep(&mut self) {
        if self.next_sweep.is_none_or(|sweep| self.now < sweep) {
            return;
        }
        let mut earliest: Option<Instant> = None;
        for index in self.slots.indices() {
            let Some(connection) = self.slots.here(index) else { continue };
            let deadline = connection.deadline(self.now, &self.settings.timeouts);
            let calm_at = self.phase.calm_at(connection);
            if deadline.is_some_and(|deadline| deadline <= self.now) {
                if let Some(mut connection) = self.slots.take(index) {
                    self.close(index, &mut connection);
                }
                continue;
            }
            if calm_at.is_some_and(|calm_at| calm_at <= self.now) {
                // A last turn: what came meanwhile is served.
                self.ready.extend(self.slots.note(index, Readiness::LOOK).then_some(index));
            } else if let Some(next) = deadline.into_iter().chain(calm_at).min() {
                earliest = Some(earliest.map_or(next, |earliest| earliest.min(next)));
            }
        }
        let grain = self.now + self.settings.timeouts.grain();
        self.next_sweep = earliest.map(|earliest| earliest.max(grain));
    }
}

/// Sends a connection's replies and says how to go on. As in a turn, a bug must not take more with it than the connection.
pub(super) fn settle(connection: &mut Connection, has_more: bool, now: Instant) -> Next {
    catch_unwind(AssertUnwindSafe(|| connection.settle(has_more, now))).unwrap_or(Next::Close)
}
