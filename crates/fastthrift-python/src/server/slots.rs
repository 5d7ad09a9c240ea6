//! Where connections are kept, each under the number that the poller knows it by.

use super::connection::{Connection, Readiness};

/// The places of connections.
#[derive(Default)]
pub(super) struct Slots {
    slots: Vec<Slot>,
    free: Vec<usize>,
}

enum Slot {
    Free,
    /// A connection, and whether it is among those that are to have a turn.
    Here(Box<Connection>, bool),
    /// A thread has the connection; this happened to its socket meanwhile.
    Away(Readiness),
}

impl Slots {
    /// How many connections there are.
    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The numbers that are, or were, in use.
    pub(super) fn indices(&self) -> std::ops::Range<usize> {
        0..self.slots.len()
    }

    /// A number for a new connection.
    pub(super) fn reserve(&mut self) -> usize {
        let away = Slot::Away(Readiness::default());
        if let Some(index) = self.free.pop() {
            self.slots[index] = away;
            index
        } else {
            self.slots.push(away);
            self.slots.len() - 1
        }
    }

    /// Gives a number back.
    pub(super) fn free(&mut self, index: usize) {
        self.slots[index] = Slot::Free;
        self.free.push(index);
    }

    /// Puts a connection at its place.
    pub(super) fn put(&mut self, index: usize, connection: Box<Connection>, is_queued: bool) {
        self.slots[index] = Slot::Here(connection, is_queued);
    }

    /// Takes a connection from its place, to give it a turn or to close it.
    pub(super) fn take(&mut self, index: usize) -> Option<Box<Connection>> {
        let slot = self.slots.get_mut(index)?;
        match std::mem::replace(slot, Slot::Away(Readiness::default())) {
            Slot::Here(connection, _) => Some(connection),
            other => {
                *slot = other;
                None
            }
        }
    }

    /// The connection at its place.
    pub(super) fn here(&mut self, index: usize) -> Option<&mut Connection> {
        match self.slots.get_mut(index)? {
            Slot::Here(connection, _) => Some(connection),
            _ => None,
        }
    }

    /// Notes what happened to a connection's socket. Whether the connection is to have a turn that it did not wait for
    /// before.
    pub(super) fn note(&mut self, index: usize, readiness: Readiness) -> bool {
        match self.slots.get_mut(index) {
            Some(Slot::Here(connection, is_queued)) => {
                let is_due = connection.note(readiness) && !*is_queued;
                *is_queued |= is_due;
                is_due
            }
            Some(Slot::Away(noted)) => {
                *noted = noted.and(readiness);
                false
            }
            Some(Slot::Free) | None => false,
        }
    }

    /// What happened to a connection's socket while a thread had the connection.
    pub(super) fn noted(&mut self, index: usize) -> Readiness {
        match self.slots.get_mut(index) {
            Some(Slot::Away(noted)) => std::mem::take(noted),
            _ => Readiness::default(),
        }
    }
}
