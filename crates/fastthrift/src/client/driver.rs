//! The task that receives for a connection, and sends what callers did not.

use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind::NotConnected};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use fastthrift_rpc::policy::PoolPolicy;
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Connection;
use crate::CallError;

/// Carries the bytes of one connection until it ends, those aside that callers carry for themselves.
#[expect(clippy::struct_excessive_bools, reason = "they change independently")]
pub(crate) struct Driver {
    connection: Arc<Connection>,
    /// What is being sent, and how much of it was.
    sending: (Vec<u8>, usize),
    is_sending: bool,
    needs_flush: bool,
    /// Whether those who were woken had their turn to call again, so that what they send leaves in one piece.
    has_yielded: bool,
    timer: Option<Pin<Box<Sleep>>>,
    /// After how long without a call the connection is closed, and how old it may become.
    idle_timeout: Option<Duration>,
    max_age: Option<Duration>,
    /// How long the peer may take what is left to be sent when nobody calls any more.
    patience: Duration,
    /// How many calls there had been when the timer went off last, and since when there was none.
    calls_before: u64,
    unused_since: Option<Duration>,
    /// Whether the time is to be looked at earlier than the timer does.
    wants_alarm: bool,
    /// Whether the task ended by itself.
    has_ended: bool,
    wakers: Vec<Waker>,
}

/// Why calls end whose connection's task was dropped.
const ORPHANED: &str = "the runtime ended in which the connection was made";

/// Whether something was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Turn {
    Idle,
    /// Callers were woken, or have something to send.
    Woken,
    /// The connection is over.
    Over,
}

/// What a turn begins with.
struct Begin {
    /// Whether a caller asked for it.
    was_called: bool,
    /// Whether this is who receives.
    is_reader: bool,
    is_over: bool,
}

impl Driver {
    pub(crate) fn new(connection: Arc<Connection>, policy: PoolPolicy, patience: Duration) -> Self {
        Self {
            connection,
            sending: (Vec::new(), 0),
            is_sending: false,
            needs_flush: false,
            has_yielded: false,
            timer: None,
            idle_timeout: policy.idle_timeout,
            max_age: policy.max_age,
            patience,
            calls_before: 0,
            unused_since: None,
            wants_alarm: false,
            has_ended: false,
            wakers: Vec::new(),
        }
    }

    /// Runs until the connection failed, or nobody calls over it any more.
    pub(crate) async fn run(mut self) {
        while poll_fn(|cx| self.poll(cx)).await == Turn::Woken {
            // After all that can run now, without waking another thread for this.
            yield_now().await;
        }
        self.has_ended = true;
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Turn> {
        let Begin { was_called, is_reader, is_over } = self.begin_turn(cx);
        let received = if is_reader { self.receive(cx) } else { Turn::Idle };
        if is_over || received == Turn::Over {
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

    fn begin_turn(&mut self, cx: &mut Context<'_>) -> Begin {
        let mut state = self.connection.lock();
        match &mut state.driver {
            Some(driver) => driver.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        let is_reader = state.reader.is_none();
        if is_reader {
            state.has_arrived = false;
        }
        let was_called = state.is_notified && !state.waiters.is_empty();
        Begin { was_called, is_reader, is_over: state.rpc.is_failed() }
    }

    /// Receives what came, and wakes who waits for it.
    fn receive(&mut self, cx: &mut Context<'_>) -> Turn {
        let received = self.connection.receive(None, &mut self.wakers);
        let woken = self.wakers.len();
        if woken > 1 {
            // They are to call again without waking this task, which goes on after them.
            self.connection.lock().is_notified = true;
        }
        if received.is_returned {
            self.connection.give_back();
        }
        if received.has_room {
            self.connection.tell_of_room();
        }
        self.wake_all();
        if received.is_done {
            return Turn::Over;
        }
        if received.is_part {
            cx.waker().wake_by_ref();
        }
        if received.is_part || woken > 1 { Turn::Woken } else { Turn::Idle }
    }

    fn wake_all(&mut self) {
        for waker in self.wakers.drain(..) {
            waker.wake();
        }
    }

    /// Sends what is outbound, as far as there is room.
    fn send(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            let step = if self.sending.1 < self.sending.0.len() {
                self.send_step(cx)
            } else if self.needs_flush {
                self.connection.poll_flush().map_ok(|()| self.needs_flush = false)
            } else if self.take_outbound() {
                continue;
            } else {
                return self.end_turn();
            };
            match step {
                Poll::Pending => return self.pause(),
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return self.lose(error),
            }
        }
    }

    fn send_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (bytes, sent) = &mut self.sending;
        let count = ready!(self.connection.poll_send(cx, &bytes[*sent..]))?;
        *sent += count;
        self.needs_flush = true;
        Poll::Ready(if count > 0 { Ok(()) } else { Err(io::ErrorKind::WriteZero.into()) })
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
        state.bound_end(self.connection.now(), self.patience);
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
        if std::mem::take(&mut self.is_sending) {
            state.note_sent(&mut self.wakers);
        }
        self.is_sending = state.take_outbound(&mut self.sending);
        state.is_sending = self.is_sending;
        state.is_notified &= self.is_sending;
        let was_full = self.is_sending && std::mem::take(&mut state.is_full);
        drop(state);
        self.wake_all();
        if was_full {
            self.connection.tell_of_room();
        }
        self.is_sending
    }

    fn end_turn(&mut self) -> Turn {
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
        let mut state = self.connection.lock();
        state.feed(Err(error));
        state.dispatch(Duration::ZERO, &mut self.wakers);
        drop(state);
        self.wake_all();
        Turn::Over
    }

    /// Sends what is left as far as that can be done at once.
    fn send_last(&mut self) {
        let state = self.connection.lock();
        let is_lost = state.is_cut || state.rpc.is_failed() || state.send_error.is_some();
        if is_lost || (state.is_sending && !self.is_sending) {
            return;
        }
        drop(state);
        let mut cx = Context::from_waker(Waker::noop());
        loop {
            while self.sending.1 < self.sending.0.len() {
                if !matches!(self.send_step(&mut cx), Poll::Ready(Ok(()))) {
                    return;
                }
            }
            if !self.take_outbound() {
                break;
            }
        }
        if self.needs_flush {
            // What is not sent now is lost with the connection.
            let _ = self.connection.poll_flush();
        }
    }

    /// Looks at the time when it is time.
    fn keep_time(&mut self, cx: &mut Context<'_>) -> Turn {
        loop {
            if let Some(timer) = &mut self.timer {
                if timer.as_mut().poll(cx).is_pending() && !self.wants_alarm {
                    return Turn::Idle;
                }
                if self.ring(cx) == Turn::Over {
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
    fn ring(&mut self, cx: &mut Context<'_>) -> Turn {
        let now = self.connection.now();
        let mut state = self.connection.lock();
        let had_reader = state.reader.is_some();
        state.dispatch(now, &mut self.wakers);
        if had_reader && state.reader.is_none() && state.has_arrived {
            // That caller was told of what came and will not receive it.
            cx.waker().wake_by_ref();
        }
        state.bound_end(now, self.patience);
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
        let is_done = state.is_done();
        state.is_over |= is_done;
        let is_closing = state.is_closing;
        drop(state);
        if let (true, Some(pool)) = (is_closing, self.connection.pool.upgrade()) {
            pool.retire(&self.connection);
        }
        self.wake_all();
        if is_done { Turn::Over } else { Turn::Idle }
    }

    /// When to look at the time next.
    fn next_alarm(&mut self) -> Option<Instant> {
        let mut state = self.connection.lock();
        let now = self.connection.now();
        let deadline = state.next_deadline();
        // Half the time each, so that what is unused is found before it is so for half as long again.
        let idle = self.idle_timeout.map(|timeout| now + timeout / 2);
        let age = self.max_age.filter(|most| *most > now);
        state.alarm = [deadline, idle, age].into_iter().flatten().min();
        state.alarm.and_then(|alarm| self.connection.at(alarm))
    }
}

impl Drop for Driver {
    /// Ends what still waits: also when the runtime ends this task.
    fn drop(&mut self) {
        self.send_last();
        let mut state = self.connection.lock();
        state.is_over = true;
        let cause = if self.has_ended { NotConnected.into() } else { io::Error::new(NotConnected, ORPHANED) };
        state.fail(&CallError::lost(cause, true), &mut self.wakers);
        drop(state);
        self.connection.hang_up();
        if let Some(pool) = self.connection.pool.upgrade() {
            pool.remove(&self.connection);
        }
        self.wake_all();
    }
}
