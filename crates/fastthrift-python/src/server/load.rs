//! How many calls a server carries at once, and what becomes of those beyond.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the calls that run.
///
/// Only the leader admits, so what it was told holds until it acts; other threads only make room.
pub(super) struct Load {
    running: AtomicUsize,
    max_running: usize,
    max_in_flight: usize,
}

/// What is to become of a request.
pub(super) enum Admission<'l> {
    /// Its handler runs now, and counts until this is dropped.
    Run(Ticket<'l>),
    /// It waits for a thread.
    Wait,
    /// It is answered that the server is overloaded.
    Refuse,
}

/// A call that runs.
pub(super) struct Ticket<'l>(&'l Load);

impl Load {
    /// For calls of which at most `max_running` run at once, and at most `max_in_flight` run or wait.
    pub(super) fn new(max_running: usize, max_in_flight: usize) -> Self {
        Self { running: AtomicUsize::new(0), max_running: max_running.min(max_in_flight), max_in_flight }
    }

    /// Whether another handler may run.
    pub(super) fn has_room(&self) -> bool {
        self.running.load(Ordering::Acquire) < self.max_running
    }

    /// Decides about a request, while so many others wait.
    pub(super) fn admit(&self, waiting: usize) -> Admission<'_> {
        let running = self.running.load(Ordering::Acquire);
        if running.saturating_add(waiting) >= self.max_in_flight {
            Admission::Refuse
        } else if running >= self.max_running {
            Admission::Wait
        } else {
            self.running.fetch_add(1, Ordering::AcqRel);
            Admission::Run(Ticket(self))
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
    }
}
