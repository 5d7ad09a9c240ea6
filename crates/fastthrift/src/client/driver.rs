//! The task that receives for a connection, and sends what callers did not.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Connection;
use super::pool::Pool;
use crate::CallError;
use crate::transport::ReadSide;

/// Bytes to receive at once.
const READ_SIZE: usize = 16 << 10;

/// How many times it is received before others have their turn.
const READS_A_TURN: usize = 8;

/// Carries the bytes of one connection until it ends.
#[expect(clippy::struct_excessive_bools, reason = "they change independently")]
pub(crate) struct Driver {
    connection: Arc<Connection>,
    pool: Weak<Pool>,
    stream: ReadSide,
    received: Vec<u8>,
    /// What is being sent, and how much of it was.
    sending: (Vec<u8>, usize),
    is_sending: bool,
    needs_flush: bool,
    /// Whether those who were woken had their turn to call again, so that what they send leaves in one piece.
    has_yielded: bool,
    timer: Option<Pin<Box<Sleep>>>,
    opened: Instant,
    /// After how long without a call the connection is closed, and how old it may become.
    idle_timeout: Option<Duration>,
    max_age: Option<Duration>,
    /// How many calls there had been when the timer went off last, and since when there was none.
    calls_before: u64,
    unused_since: Option<Duration>,
    /// Whether the time is to be looked at earlier than the timer does.
    wants_alarm: bool,
    wakers: Vec<Waker>,
}

/// Whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Idle,
    /// Callers were woken, or have something to send.
    Woken,
    /// The connection is over.
    Over,
}

impl Driver {
    pub(crate) fn new(connection: Arc<Connection>, pool: &Arc<Pool>, stream: ReadSide) -> Self {
        let policy = pool.policy();
        Self {
            connection,
            pool: Arc::downgrade(pool),
            stream,
            received: vec![0; READ_SIZE],
            sending: (Vec::new(), 0),
            is_sending: false,
            needs_flush: false,
            has_yielded: false,
            timer: None,
            opened: Instant::now(),
            idle_timeout: policy.idle_timeout,
            max_age: policy.max_age,
            calls_before: 0,
            unused_since: None,
            wants_alarm: false,
            wakers: Vec::new(),
        }
    }

    /// Runs until the connection failed, or nobody calls over it any more.
    pub(crate) async fn run(mut self) {
        while poll_fn(|cx| self.poll(cx)).await == Turn::Woken {
            // After all that can run now, without waking another thread for this.
            yield_now().await;
        }
        // What ends the task from here on drops it, which ends the calls.
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let was_called = self.begin_turn(cx);
        let received = self.receive(cx);
        if received == Turn::Over {
            return Poll::Ready(Turn::Over);
        }
        if (was_called || received == Turn::Woken) && !self.has_yielded {
            self.has_yielded = true;
            return Poll::Ready(Turn::Woken);
        }
        self.has_yielded = false;
        if self.send(cx) == Turn::Over || self.keep_time(cx) == Turn::Over {
            return Poll::Ready(Turn::Over);
        }
        Poll::Pending
    }

    /// Whether a caller asked for this turn.
    fn begin_turn(&mut self, cx: &mut Context<'_>) -> bool {
        let mut state = self.connection.lock();
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        state.is_notified && !state.waiters.is_empty()
    }

    fn receive(&mut self, cx: &mut Context<'_>) -> Turn {
        let mut woken = 0;
        for _ in 0..READS_A_TURN {
            // After one that gave less than there was room for, this asks no system, and only lets the task be woken.
            let Poll::Ready(received) = self.stream.poll_receive(cx, &mut self.received) else {
                return if woken > 1 { Turn::Woken } else { Turn::Idle };
            };
            let Some(count) = self.dispatch(received) else { return Turn::Over };
            woken += count;
        }
        cx.waker().wake_by_ref();
        Turn::Woken
    }

    /// Hands out what was received; how many callers it wakes, or `None` when the connection is over.
    fn dispatch(&mut self, received: io::Result<usize>) -> Option<usize> {
        let mut state = self.connection.lock();
        match received {
            Ok(0) => state.rpc.receive_eof(),
            Ok(count) => state.rpc.receive(&self.received[..count]),
            Err(error) => {
                state.send_error = Some(error);
                state.rpc.receive_eof();
            }
        }
        let connection = &self.connection;
        let is_good = state.dispatch(|| connection.now(), &mut self.wakers);
        let woken = self.wakers.len();
        if woken > 1 {
            // They are to call again without waking this task, which goes on after them.
            state.is_notified = true;
        }
        let is_returned = state.is_lent && state.rpc.waiting() == 0 && state.rpc.is_idle();
        if is_returned {
            state.is_lent = false;
            state.owed_by = None;
        }
        let pool = if is_returned { self.pool.upgrade() } else { None };
        // One that nobody calls over any more ends with its last reply.
        state.is_closing |= is_returned && pool.is_none();
        drop(state);
        if let Some(pool) = pool {
            pool.give_back(&self.connection);
        }
        self.wake_all();
        is_good.then_some(woken)
    }

    fn wake_all(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    /// Sends what is outbound, as far as there is room.
    fn send(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            if self.sending.1 == self.sending.0.len() && !self.take_outbound() {
                return self.end_turn(cx);
            }
            let (bytes, sent) = &mut self.sending;
            let step = self.stream.poll_send(self.connection.direct.as_ref(), cx, &bytes[*sent..]);
            match step {
                Poll::Pending => return self.pause(),
                Poll::Ready(Ok(count)) if count > 0 => {
                    *sent += count;
                    self.needs_flush = true;
                }
                Poll::Ready(Ok(_)) => return self.lose(io::ErrorKind::WriteZero.into()),
                Poll::Ready(Err(error)) => return self.lose(error),
            }
        }
    }

    /// Waits until there is room to send. What is said meanwhile goes out after that.
    #[cold]
    fn pause(&mut self) -> Turn {
        let mut state = self.connection.lock();
        if state.is_cut {
            state.is_over = true;
            return Turn::Over;
        }
        state.is_notified = false;
        self.wants_alarm = state.needs_alarm();
        Turn::Idle
    }

    /// Takes what is outbound out of the connection; false when there is nothing, or another sends.
    fn take_outbound(&mut self) -> bool {
        let mut state = self.connection.lock();
        if state.is_sending && !self.is_sending {
            // That caller tells of what it leaves.
            state.is_notified = false;
            return false;
        }
        if state.unsent.1 < state.unsent.0.len() {
            self.sending = std::mem::take(&mut state.unsent);
        } else if state.rpc.outbound().is_empty() {
            state.is_sending = false;
            self.is_sending = false;
            state.is_notified = false;
            return false;
        } else {
            self.sending.1 = 0;
            state.rpc.take_outbound(&mut self.sending.0);
        }
        state.is_sending = true;
        self.is_sending = true;
        let was_full = std::mem::take(&mut state.is_full);
        drop(state);
        if was_full && let Some(pool) = self.pool.upgrade() {
            pool.wake_all();
        }
        true
    }

    fn end_turn(&mut self, cx: &mut Context<'_>) -> Turn {
        if self.needs_flush {
            match self.stream.poll_flush(cx) {
                Poll::Pending => return self.pause(),
                Poll::Ready(Ok(())) => self.needs_flush = false,
                Poll::Ready(Err(error)) => return self.lose(error),
            }
        }
        let mut state = self.connection.lock();
        if let Some(error) = state.send_error.take() {
            drop(state);
            return self.lose(error);
        }
        self.wants_alarm = state.needs_alarm();
        if !state.is_done() {
            return Turn::Idle;
        }
        state.is_over = true;
        Turn::Over
    }

    /// Ends the connection, which can send nothing more. What the peer sent before is still looked at.
    fn lose(&mut self, error: io::Error) -> Turn {
        let _ = self.dispatch(Err(error));
        Turn::Over
    }

    /// Looks at the time when it is time.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            if let Some(timer) = &mut self.timer {
                if timer.as_mut().poll(cx).is_pending() && !self.wants_alarm {
                    return Turn::Idle;
                }
                if self.ring() == Turn::Over {
                    return Turn::Over;
                }
            } else if self.idle_timeout.is_none() && self.max_age.is_none() && !self.wants_alarm {
                return Turn::Idle;
            }
            self.wants_alarm = false;
            let Some(next) = self.next_alarm() else {
                self.timer = None;
                return Turn::Idle;
            };
            match &mut self.timer {
                Some(timer) => timer.as_mut().reset(next),
                none => *none = Some(Box::pin(sleep_until(next))),
            }
        }
    }

    /// Does what is to be done at this time.
    fn ring(&mut self) -> Turn {
        let now = self.connection.now();
        let mut state = self.connection.lock();
        let is_good = state.dispatch(|| now, &mut self.wakers);
        if state.owed_by.is_some_and(|owed| now >= owed) {
            state.cut();
        }
        let is_old = self.max_age.is_some_and(|most| now >= most);
        if state.begun != self.calls_before || !state.waiters.is_empty() {
            self.calls_before = state.begun;
            self.unused_since = None;
        }
        let since = *self.unused_since.get_or_insert(now);
        let is_unused = self.idle_timeout.is_some_and(|timeout| now.saturating_sub(since) >= timeout);
        if is_old || is_unused {
            state.is_closing = true;
        }
        let is_done = !is_good || state.is_done();
        state.is_over |= is_done;
        let is_closing = state.is_closing;
        drop(state);
        if let (true, Some(pool)) = (is_closing, self.pool.upgrade()) {
            pool.retire(&self.connection);
        }
        self.wake_all();
        if is_done { Turn::Over } else { Turn::Idle }
    }

    /// When to look at the time next.
    fn next_alarm(&mut self) -> Option<Instant> {
        let mut state = self.connection.lock();
        let (opened, now) = (self.opened, self.connection.now());
        let deadline = state.next_deadline();
        // Half the time each, so that what is unused is found before it is so for half as long again.
        let idle = self.idle_timeout.map(|timeout| now + timeout / 2);
        let age = self.max_age.filter(|most| *most > now);
        state.alarm = [deadline, idle, age].into_iter().flatten().min();
        state.alarm.and_then(|alarm| opened.checked_add(alarm))
    }
}

impl Drop for Driver {
    /// Ends what still waits: also when the runtime ends this task.
    fn drop(&mut self) {
        let mut state = self.connection.lock();
        state.is_over = true;
        let cause = CallError::lost(io::Error::from(io::ErrorKind::NotConnected), true);
        state.fail(&cause, &mut self.wakers);
        drop(state);
        if let Some(pool) = self.pool.upgrade() {
            pool.remove(&self.connection);
        }
        self.wake_all();
    }
}
