//! How much memory all connections together may take for what was received and what is to be sent.

use std::collections::VecDeque;

/// What each connection has besides, so that small calls go on while large ones wait: as much as an idle one keeps. What TLS keeps of
/// a handshake or of a record, at most 64 KiB, comes on top.
pub(crate) const FREE: usize = 128 << 10;

/// What memory a connection takes, or all of them: of what was received, and of what is to be sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) inbound: usize,
    pub(crate) outbound: usize,
}

impl Memory {
    pub(crate) fn total(self) -> usize {
        self.inbound.saturating_add(self.outbound)
    }
}

/// The memory of all connections, each one's first [`FREE`] bytes not counted.
///
/// While it is over the limit, no connection receives what would take it beyond those, except for one at a time: it goes
/// on until it has its message, or is cut off as slow, and then the next one does. So each gets its turn.
pub(crate) struct Budget {
    limit: usize,
    held: usize,
    /// How much of that is to be sent.
    unsent: usize,
    /// The connections that wait to receive more, longest first.
    paused: VecDeque<usize>,
    /// The one that may go on although the limit is reached.
    favoured: Option<usize>,
}

impl Budget {
    /// For this many bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, held: 0, unsent: 0, paused: VecDeque::new(), favoured: None }
    }

    /// How many bytes a connection may take.
    pub(crate) fn allowance(&self, index: usize) -> usize {
        if self.held < self.limit || self.favoured == Some(index) { usize::MAX } else { FREE }
    }

    /// Whether so much waits to be sent, which no pause prevents, that calls are to be refused.
    pub(crate) fn is_overdrawn(&self) -> bool {
        self.unsent >= self.limit
    }

    /// Counts a connection anew: `counted` is what it was counted with, `taken` what it takes now.
    pub(crate) fn count(&mut self, counted: &mut Memory, taken: Memory) {
        let outbound = taken.outbound.saturating_sub(FREE);
        let above = Memory { inbound: taken.total().saturating_sub(FREE) - outbound, outbound };
        self.held = self.held.saturating_sub(counted.total()).saturating_add(above.total());
        self.unsent = self.unsent.saturating_sub(counted.outbound).saturating_add(above.outbound);
        *counted = above;
    }

    /// Lets a connection wait until there is room.
    pub(crate) fn pause(&mut self, index: usize) {
        self.end_favour(index);
        self.paused.push_back(index);
    }

    /// Notes that a connection has what it was to receive.
    pub(crate) fn end_favour(&mut self, index: usize) {
        if self.favoured == Some(index) {
            self.favoured = None;
        }
    }

    /// Notes that a connection is closed.
    pub(crate) fn forget(&mut self, index: usize) {
        self.end_favour(index);
        self.paused.retain(|&paused| paused != index);
    }

    /// Those that may go on now.
    pub(crate) fn resume(&mut self, ready: &mut VecDeque<usize>) {
        if self.held < self.limit {
            self.favoured = None;
            ready.extend(self.paused.drain(..));
        } else if self.favoured.is_none() {
            self.favoured = self.paused.pop_front();
            ready.extend(self.favoured);
        }
    }
}
