//! Those who wait for replies.

use std::task::Waker;

use rustc_hash::FxHashMap;

use super::connection::Outcome;

/// Somebody who waits for a reply, or will.
#[derive(Debug, Default)]
pub(super) struct Waiter {
    pub(super) waker: Option<Waker>,
    pub(super) outcome: Option<Outcome>,
}

/// Those who wait for replies over one connection, by the numbers of their calls.
#[derive(Debug, Default)]
pub(super) struct Waiters {
    /// One of them: often there is no other.
    first: Option<(u64, Waiter)>,
    /// This side alone chooses the numbers, so that their hasher need not stand up to a peer.
    others: FxHashMap<u64, Waiter>,
}

impl Waiters {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.is_empty()
    }

    /// Adds one of a call that is not among them.
    #[inline]
    pub(super) fn add(&mut self, call: u64) {
        if self.first.is_none() {
            self.first = Some((call, Waiter::default()));
        } else {
            self.others.insert(call, Waiter::default());
        }
    }

    #[inline]
    pub(super) fn find(&mut self, call: u64) -> Option<&mut Waiter> {
        match &mut self.first {
            Some((first, waiter)) if *first == call => Some(waiter),
            _ if self.others.is_empty() => None,
            _ => self.others.get_mut(&call),
        }
    }

    #[inline]
    pub(super) fn remove(&mut self, call: u64) -> Option<Waiter> {
        match self.first.take_if(|(first, _)| *first == call) {
            Some((_, waiter)) => Some(waiter),
            None if self.others.is_empty() => None,
            None => self.others.remove(&call),
        }
    }

    pub(super) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Waiter> {
        self.first.iter_mut().map(|(_, waiter)| waiter).chain(self.others.values_mut())
    }
}
