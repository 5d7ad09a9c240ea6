//! How much memory all connections together may take for what was received and what is to be sent.

#[cfg(all(test, fastthrift_loom))]
mod model;

use crate::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// What each connection has besides, so that small calls go on while large ones wait: as much as an idle one keeps.
const FREE: usize = 128 << 10;

/// The memory of all connections, each one's first [`FREE`] bytes not counted.
///
/// While it is over the limit, no connection receives what would take it beyond those, except for one at a time: it goes on
/// until it has its message, or is cut off as slow.
#[derive(Debug)]
pub(super) struct Budget {
    limit: usize,
    held: AtomicUsize,
    /// The connection that may go on although the limit is reached; 0 is none.
    favoured: AtomicU64,
}

/// One connection's part of a budget.
#[derive(Debug)]
pub(super) struct Part {
    /// The connection's number, from 1 on.
    number: u64,
    counted: usize,
}

impl Budget {
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, held: AtomicUsize::new(0), favoured: AtomicU64::new(0) }
    }

    /// Counts a connection anew, which takes so much now; whether it may receive more.
    pub(super) fn allows(&self, part: &mut Part, taken: usize) -> bool {
        self.count(part, taken);
        if part.counted == 0 {
            let _ = self.favoured.compare_exchange(part.number, 0, Ordering::Relaxed, Ordering::Relaxed);
            return true;
        }
        self.held.load(Ordering::Relaxed) < self.limit || self.favours(part)
    }

    fn count(&self, part: &mut Part, taken: usize) {
        let above = taken.saturating_sub(FREE);
        if above > part.counted {
            self.held.fetch_add(above - part.counted, Ordering::Relaxed);
        } else if above < part.counted {
            self.held.fetch_sub(part.counted - above, Ordering::Relaxed);
        }
        part.counted = above;
    }

    fn favours(&self, part: &Part) -> bool {
        let favoured = self.favoured.compare_exchange(0, part.number, Ordering::Relaxed, Ordering::Relaxed);
        favoured.is_ok() || favoured == Err(part.number)
    }

    /// Forgets a connection that ends.
    pub(super) fn forget(&self, part: &mut Part) {
        self.allows(part, 0);
    }
}

impl Part {
    /// That of the connection with this number, counted from 0.
    pub(super) fn new(number: u64) -> Self {
        Self { number: number.wrapping_add(1), counted: 0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn over_the_limit_one_connection_at_a_time_goes_on() {
        let budget = Budget::new(1000);
        let [mut first, mut second] = [0, 1].map(Part::new);
        assert!(budget.allows(&mut first, FREE + 900) && budget.allows(&mut second, FREE + 50));
        assert!(budget.allows(&mut first, FREE + 2000));
        assert!(!budget.allows(&mut second, FREE + 60));
        assert!(budget.allows(&mut second, FREE));
        assert!(!budget.allows(&mut second, FREE + 1));
        budget.forget(&mut first);
        assert!(budget.allows(&mut second, FREE + 5000));
        budget.forget(&mut second);
        assert_eq!(budget.held.load(Ordering::Relaxed), 0);
    }
}
