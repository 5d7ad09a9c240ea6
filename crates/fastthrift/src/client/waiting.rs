//! The wait for one reply.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::{Arrived, Connection, Incoming, Outcome, ReadReply};
use crate::CallError;
use crate::body::Body;

/// A call that was begun. Dropped before it is over, it is given up: its reply is dropped when it comes.
#[derive(Debug)]
pub(crate) struct Waiting {
    connection: Arc<Connection>,
    call: u64,
    deadline: Option<Instant>,
    /// Where the connection's task may not, this keeps the time.
    timer: Option<Pin<Box<Sleep>>>,
    is_over: bool,
}

impl Waiting {
    pub(crate) fn new(connection: Arc<Connection>, call: u64, deadline: Option<Instant>) -> Self {
        Self { connection, call, deadline, timer: None, is_over: false }
    }

    fn end(&mut self, outcome: Outcome) -> Poll<Outcome> {
        self.is_over = true;
        Poll::Ready(outcome)
    }
}

impl Waiting {
    /// Waits for the reply. Where this is who receives it, it may be read where it lies, by `read`.
    pub(crate) fn poll_read(&mut self, cx: &mut Context<'_>, read: &mut ReadReply<'_>) -> Poll<Outcome> {
        let mut state = self.connection.lock();
        if state.receives(self.call) {
            state.has_arrived = false;
            drop(state);
            if let Some(outcome) = self.connection.receive_alone(self.call, read) {
                return self.end(outcome);
            }
            state = self.connection.lock();
        }
        if let Some(outcome) = state.take_outcome(self.call) {
            drop(state);
            return self.end(outcome);
        }
        let waiter = state.waiters.find(self.call).expect("invariant: a waiter stays until its future takes it");
        match &mut waiter.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        if state.receives(self.call) {
            // More came meanwhile; others have their turn before.
            drop(state);
            cx.waker().wake_by_ref();
        } else {
            drop(state);
        }
        match self.deadline {
            Some(deadline) if self.connection.may_rest() => self.keep_time(deadline, cx),
            _ => Poll::Pending,
        }
    }

    /// Ends the call at its deadline, whether the connection's task runs or not.
    #[cold]
    fn keep_time(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<Outcome> {
        if self.timer.is_none() && !self.connection.is_driven_elsewhere() {
            return Poll::Pending;
        }
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        ready!(timer.as_mut().poll(cx));
        self.connection.abandon(self.call);
        self.end(Err(CallError::timeout(true)))
    }

    /// Waits for the reply, and keeps its body.
    pub(crate) async fn kept(mut self) -> Result<Incoming, CallError> {
        let mut read = None;
        let arrived = poll_fn(|cx| {
            self.poll_read(cx, &mut |protocol, body| {
                read = Some(Incoming { protocol, body: Body::new(body.bytes().to_vec()), headers: None });
                None
            })
        });
        match arrived.await? {
            Arrived::Kept(incoming) => Ok(incoming),
            Arrived::Read => Ok(read.expect("invariant: what was read was read by this")),
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.abandon(self.call);
        }
    }
}
