//! A client's connection, as all tasks that call over it share it.

use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use fastthrift_protocol::Protocol;
use fastthrift_rpc::{CallId, CallKind, Headers};
use tokio::runtime::{Handle, Id, RuntimeFlavor};
use tokio::time::Instant;

use super::pool::Pool;
use super::receiving::Receiver;
use super::state::{Shared, State, notify};
use crate::CallError;
use crate::body::{Body, Source};
use crate::sync::{Mutex, MutexGuard};
use crate::transport::{Direct, ReadSide};

/// What is called, and with what.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Outgoing<'a> {
    pub(crate) service: Option<&'a str>,
    pub(crate) function: &'a str,
    pub(crate) kind: CallKind,
    pub(crate) headers: &'a Headers,
    /// When the caller stops waiting.
    pub(crate) deadline: Option<Instant>,
    /// The arguments' struct, encoded.
    pub(crate) body: &'a [u8],
}

/// A reply's body.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) protocol: Protocol,
    pub(crate) body: Body,
    /// What came beside it, where anything did.
    pub(crate) headers: Option<Box<Headers>>,
}

/// A call that was begun.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Number {
    pub(crate) call: u64,
    /// Whether the connection carries nothing else until the call is over.
    pub(crate) is_lent: bool,
}

/// Why a call was not begun.
#[derive(Debug)]
pub(crate) enum NotBegun {
    /// It can be made over another connection.
    Ended,
    /// It can be made when there is room again.
    Full,
    /// It cannot be made.
    Refused(CallError),
}

/// What ends a call: a reply or an error.
pub(crate) type Outcome = Result<Arrived, CallError>;

/// A reply that came.
#[derive(Debug)]
pub(crate) enum Arrived {
    /// It is here.
    Kept(Incoming),
    /// It was read where it lay.
    Read,
}

/// Reads a reply's body, and says how long it was, if it knows.
pub(crate) type ReadReply<'a> = dyn FnMut(Protocol, Source<'_>) -> Option<usize> + 'a;

/// One connection of a client.
#[derive(Debug)]
pub(crate) struct Connection {
    shared: Arc<Shared>,
    /// Locked before the state, where both are.
    pub(super) receiver: Mutex<Receiver>,
    pub(super) direct: Option<Direct>,
    pub(super) pool: Weak<Pool>,
    /// Whether it carries one call at a time.
    is_exclusive: bool,
    /// The runtime of its task, where that one runs only while somebody blocks on it.
    resting: Option<Id>,
    epoch: Instant,
}

impl Connection {
    pub(crate) fn new(pool: &Arc<Pool>, stream: ReadSide, direct: Option<Direct>) -> Arc<Self> {
        let shared = Shared::new(pool.config().clone());
        let receiver = Mutex::new(Receiver::new(stream, &shared));
        let (pool, is_exclusive) = (Arc::downgrade(pool), pool.is_exclusive());
        let (resting, epoch) = (resting_runtime(), Instant::now());
        Arc::new(Self { shared, receiver, direct, pool, is_exclusive, resting, epoch })
    }

    /// Whether there are times when nothing drives it, though its runtime has not ended.
    #[inline]
    pub(super) fn may_rest(&self) -> bool {
        self.resting.is_some()
    }

    /// Whether the caller of this is in a runtime that goes on while the connection's may rest.
    pub(super) fn is_driven_elsewhere(&self) -> bool {
        Handle::try_current().is_ok_and(|here| self.resting.is_some_and(|resting| here.id() != resting))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock()
    }

    /// The time since the connection was made.
    pub(super) fn now(&self) -> Duration {
        self.epoch.elapsed()
    }

    /// When so much time will have passed since the connection was made.
    pub(super) fn at(&self, time: Duration) -> Option<Instant> {
        self.epoch.checked_add(time)
    }

    /// Makes a call ready to be sent, and sends it at once where no other waits. A oneway has no waiter.
    pub(crate) fn begin(&self, call: &Outgoing<'_>) -> Result<Number, NotBegun> {
        let mut state = self.lock();
        let is_alone = state.waiters.is_empty();
        let number = state.write(call, self.epoch)?;
        let is_answered = call.kind == CallKind::Call;
        if is_answered {
            state.waiters.add(number);
        }
        let is_lent = self.is_exclusive && (is_answered || state.rpc.owes_response());
        state.is_lent = is_lent;
        if is_lent && !is_answered {
            state.owed_by = call.deadline.map(|deadline| deadline.saturating_duration_since(self.epoch));
        }
        let needs_alarm = state.needs_alarm();
        match &self.direct {
            Some(direct) if is_alone && !needs_alarm && state.is_at_rest() => {
                state.reader = is_answered.then_some(number);
                self.send_directly(state, direct);
            }
            _ if needs_alarm || !state.is_sending => notify(state),
            // Who sends tells the task of what is left.
            _ => {}
        }
        Ok(Number { call: number, is_lent })
    }

    /// Sends what is outbound without the driver, which is told of what is left.
    fn send_directly(&self, mut state: MutexGuard<'_, State>, direct: &Direct) {
        let mut sending = std::mem::take(&mut state.unsent);
        state.take_outbound(&mut sending);
        state.is_sending = true;
        drop(state);
        let sent = direct.try_send(&sending.0);
        let mut state = self.lock();
        state.is_sending = false;
        let mut wakers = Vec::new();
        match sent {
            Ok(sent) => sending.1 = sent.unwrap_or(0),
            Err(error) => {
                state.send_error = Some(error);
                sending.1 = sending.0.len();
            }
        }
        if sending.1 == sending.0.len() {
            state.note_sent(&mut wakers);
        }
        state.unsent = sending;
        if state.owes_bytes() || state.send_error.is_some() || state.is_closing {
            notify(state);
        } else {
            drop(state);
        }
        wakers.into_iter().for_each(Waker::wake);
    }

    /// How many calls were begun: what [`Self::poll_sent`] is asked for.
    pub(super) fn begun(&self) -> u64 {
        self.lock().begun
    }

    /// Waits until so many calls are handed to the system.
    pub(super) fn poll_sent(&self, count: u64, cx: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        self.lock().poll_sent(count, cx)
    }

    /// Whether nothing but the response to a oneway keeps it from carrying a call.
    pub(super) fn owes_only_oneway(&self) -> bool {
        let state = self.lock();
        let is_owing = state.is_lent && state.rpc.owes_response() && state.rpc.waiting() == 0;
        is_owing && !state.is_cut && !state.is_over
    }

    /// Gives up a call whose future is gone.
    pub(super) fn abandon(&self, call: u64) {
        let mut state = self.lock();
        let Some(waiter) = state.waiters.remove(call) else { return };
        if waiter.outcome.is_some() {
            return;
        }
        state.rpc.cancel(CallId::from_number(call));
        if self.is_exclusive {
            state.cut();
        }
        // The driver looks whether too many calls are owed, or nobody waits any more.
        notify(state);
    }

    /// Lets others call over a connection whose only call is over. Where there are none, it ends.
    pub(super) fn give_back(self: &Arc<Self>) {
        match self.pool.upgrade() {
            Some(pool) => pool.give_back(self),
            None => self.close(),
        }
    }

    /// Lets those look again who wait to begin a call.
    #[cold]
    pub(super) fn tell_of_room(&self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.wake_all();
        }
    }

    /// Lets the connection end, once what is outbound was sent and no call waits.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closing = true;
        notify(state);
    }
}

/// The runtime that this is in, if it runs only while somebody blocks on it.
fn resting_runtime() -> Option<Id> {
    let here = Handle::try_current().ok()?;
    (here.runtime_flavor() != RuntimeFlavor::MultiThread).then(|| here.id())
}

impl NotBegun {
    #[cold]
    pub(super) fn of(error: fastthrift_rpc::CallError) -> Self {
        use fastthrift_rpc::CallError as Refusal;
        match error {
            Refusal::Connection(_) => Self::Ended,
            Refusal::TooManyInFlight { .. } | Refusal::ResponseOwed => Self::Full,
            other => Self::Refused(CallError::refused(other)),
        }
    }
}
