//! What a connection shares with those outside of its task.

#[cfg(all(test, fastthrift_loom))]
mod model;

use std::sync::PoisonError;
use std::task::Waker;

use fastthrift_rpc::RequestId;

use super::service::Response;
use crate::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use crate::sync::{Mutex, MutexGuard};

/// One connection, seen from outside.
#[derive(Debug, Default)]
pub(super) struct Watch {
    /// Whether there is anything to look at inside.
    has_news: AtomicBool,
    inner: Mutex<News>,
    /// How often bytes moved, and how many requests were served.
    moved: AtomicU64,
    served: AtomicU64,
    duty: AtomicU8,
}

#[derive(Debug, Default)]
struct News {
    waker: Option<Waker>,
    answers: Vec<(RequestId, Response)>,
    order: Order,
}

/// What a connection is told to do.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Order {
    /// To go on.
    #[default]
    Serve,
    /// To serve what came, and to end.
    Drain,
    /// To end now.
    Cut,
}

/// What a peer has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Duty {
    /// Nothing: it waits for this side.
    Wait,
    /// To take what is sent.
    Take,
    /// To send the rest of a message.
    Finish,
    /// To send a request, when it likes.
    Ask,
}

/// What happened on a connection so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Progress {
    pub(super) moved: u64,
    pub(super) served: u64,
}

impl Watch {
    fn lock(&self) -> MutexGuard<'_, News> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says whom to wake.
    pub(super) fn register(&self, waker: &Waker) {
        self.lock().waker = Some(waker.clone());
    }

    /// Hands over the answer to a request whose handler ran on its own.
    pub(super) fn answer(&self, request: RequestId, response: Response) {
        self.tell(|news| news.answers.push((request, response)));
    }

    /// Tells the connection what to do from now on.
    pub(super) fn order(&self, order: Order) {
        self.tell(|news| news.order = news.order.max(order));
    }

    /// Takes the answers, if there is anything new, and says what to do.
    pub(super) fn take(&self, answers: &mut Vec<(RequestId, Response)>) -> Option<Order> {
        if !self.has_news.load(Ordering::Relaxed) {
            return None;
        }
        let mut news = self.lock();
        self.has_news.store(false, Ordering::Relaxed);
        answers.append(&mut news.answers);
        Some(news.order)
    }

    /// Lets the connection look again.
    pub(super) fn wake(&self) {
        self.tell(|_| {});
    }

    fn tell(&self, change: impl FnOnce(&mut News)) {
        let mut news = self.lock();
        change(&mut news);
        self.has_news.store(true, Ordering::Relaxed);
        let waker = news.waker.clone();
        drop(news);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Notes how far the connection is, and what its peer has to do now.
    pub(super) fn note(&self, progress: Progress, duty: Duty) {
        self.moved.store(progress.moved, Ordering::Relaxed);
        self.served.store(progress.served, Ordering::Relaxed);
        let number = match duty {
            Duty::Wait => 0,
            Duty::Take => 1,
            Duty::Finish => 2,
            Duty::Ask => 3,
        };
        self.duty.store(number, Ordering::Relaxed);
    }

    /// How far the connection is, and what its peer has to do.
    pub(super) fn look(&self) -> (Progress, Duty) {
        let duty = match self.duty.load(Ordering::Relaxed) {
            0 => Duty::Wait,
            1 => Duty::Take,
            2 => Duty::Finish,
            _ => Duty::Ask,
        };
        let progress =
            Progress { moved: self.moved.load(Ordering::Relaxed), served: self.served.load(Ordering::Relaxed) };
        (progress, duty)
    }
}
