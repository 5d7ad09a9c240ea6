//! The wait for one reply.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::connection::{Connection, Outcome};

/// A call that was begun. Dropped before it is over, it is given up: its reply is dropped when it comes.
#[derive(Debug)]
pub(crate) struct Waiting {
    connection: Arc<Connection>,
    call: u64,
    is_over: bool,
}

impl Waiting {
    pub(crate) fn new(connection: Arc<Connection>, call: u64) -> Self {
        Self { connection, call, is_over: false }
    }
}

impl Future for Waiting {
    type Output = Outcome;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome> {
        let this = &mut *self;
        let mut state = this.connection.lock();
        let waiter = state.waiters.get_mut(&this.call).expect("invariant: a waiter stays until its future takes it");
        if let Some(outcome) = waiter.outcome.take() {
            state.waiters.remove(&this.call);
            this.is_over = true;
            return Poll::Ready(outcome);
        }
        match &mut waiter.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        Poll::Pending
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_over {
            self.connection.abandon(self.call);
        }
    }
}
