use std::collections::BTreeSet;
use std::time::Duration;

use rustc_hash::FxHashMap;

use crate::CallId;

/// A call whose reply may still come.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) call: CallId,
    /// The name that was sent, `Service:function` when multiplexed.
    pub(super) name: Vec<u8>,
    /// Where the function's own name starts in `name`.
    pub(super) function: usize,
    pub(super) deadline: Option<Duration>,
    /// Where the call starts in the outbound stream.
    pub(super) sent_from: u64,
    /// How many bytes had been received when the call was made.
    pub(super) received_before: u64,
    /// Whether nobody waits any more.
    pub(super) abandoned: bool,
}

impl InFlight {
    /// Whether a reply of this name answers the call: most servers send the bare name, some what they got.
    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        name == &self.name[self.function..] || name == self.name
    }
}

/// The calls whose reply may still come, by sequence id.
#[derive(Debug, Default)]
pub(super) struct InFlightTable {
    /// One of them: on most connections there is no other.
    first: Option<InFlight>,
    /// This side alone chooses the sequence ids, so that its hasher need not stand up to a peer.
    others: FxHashMap<i32, InFlight>,
    /// Those of the others that somebody waits for.
    deadlines: BTreeSet<(Duration, CallId)>,
    abandoned: usize,
}

impl InFlightTable {
    /// How many calls there are, abandoned ones included.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::from(self.first.is_some()) + self.others.len()
    }

    /// How many calls somebody waits for.
    pub(super) fn waiting(&self) -> usize {
        self.len() - self.abandoned
    }

    /// How many calls nobody waits for any more.
    #[inline]
    pub(super) fn abandoned(&self) -> usize {
        self.abandoned
    }

    /// Whether a reply with this sequence id may still come.
    #[inline]
    pub(super) fn contains(&self, sequence_id: i32) -> bool {
        self.find(sequence_id).is_some()
    }

    /// The call with this sequence id.
    #[inline]
    pub(super) fn find(&self, sequence_id: i32) -> Option<&InFlight> {
        match &self.first {
            Some(first) if first.call.sequence_id() == sequence_id => Some(first),
            _ if self.others.is_empty() => None,
            _ => self.others.get(&sequence_id),
        }
    }

    /// The only call, if somebody waits for it.
    #[inline]
    pub(super) fn only(&self) -> Option<&InFlight> {
        self.first.as_ref().filter(|first| self.others.is_empty() && !first.abandoned)
    }

    /// Takes the [only call](Self::only), and gives its name.
    #[inline]
    pub(super) fn remove_only(&mut self) -> Option<Vec<u8>> {
        self.first.take().map(|call| call.name)
    }

    /// Adds a call whose sequence id is not in the table.
    #[inline]
    pub(super) fn insert(&mut self, call: InFlight) {
        if self.first.is_none() {
            self.first = Some(call);
        } else {
            self.insert_other(call);
        }
    }

    fn insert_other(&mut self, call: InFlight) {
        if let Some(deadline) = call.deadline {
            self.deadlines.insert((deadline, call.call));
        }
        let replaced = self.others.insert(call.call.sequence_id(), call);
        debug_assert!(replaced.is_none(), "a sequence id was given to two calls");
    }

    /// Takes the call whose reply came.
    #[inline]
    pub(super) fn remove(&mut self, sequence_id: i32) -> Option<InFlight> {
        let first = self.first.take_if(|first| first.call.sequence_id() == sequence_id);
        let call = first.or_else(|| self.remove_other(sequence_id))?;
        self.abandoned -= usize::from(call.abandoned);
        Some(call)
    }

    fn remove_other(&mut self, sequence_id: i32) -> Option<InFlight> {
        let call = self.others.remove(&sequence_id)?;
        if let Some(deadline) = call.deadline.filter(|_| !call.abandoned) {
            self.deadlines.remove(&(deadline, call.call));
        }
        Some(call)
    }

    /// Notes that nobody waits for this call any more; false if nobody did before.
    pub(super) fn abandon(&mut self, call: CallId) -> bool {
        let first = self.first.as_mut().filter(|first| first.call == call);
        let Some(entry) = first.or_else(|| self.others.get_mut(&call.sequence_id())) else { return false };
        if entry.call != call || entry.abandoned {
            return false;
        }
        entry.abandoned = true;
        self.abandoned += 1;
        if let Some(deadline) = entry.deadline {
            self.deadlines.remove(&(deadline, call));
        }
        true
    }

    /// When the next call times out.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.next_to_expire().map(|(deadline, _)| deadline)
    }

    /// Abandons the first call whose deadline has passed.
    #[inline]
    pub(super) fn expire(&mut self, now: Duration) -> Option<CallId> {
        let (_, call) = self.next_to_expire().filter(|(deadline, _)| *deadline <= now)?;
        self.abandon(call);
        Some(call)
    }

    #[inline]
    fn next_to_expire(&self) -> Option<(Duration, CallId)> {
        let first = self.first.as_ref().filter(|first| !first.abandoned);
        let first = first.and_then(|first| Some((first.deadline?, first.call)));
        first.into_iter().chain(self.deadlines.first().copied()).min()
    }

    /// Empties the table and gives the calls that somebody waited for, the oldest first.
    pub(super) fn drain(&mut self) -> Vec<CallId> {
        let all = self.first.iter().chain(self.others.values());
        let mut calls: Vec<_> = all.filter(|call| !call.abandoned).map(|call| call.call).collect();
        calls.sort_unstable();
        *self = Self::default();
        calls
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(serial: u64, deadline: Option<u64>) -> InFlight {
        InFlight {
            call: CallId::new(serial),
            name: b"Service:ping".to_vec(),
            function: 8,
            deadline: deadline.map(Duration::from_secs),
            sent_from: 0,
            received_before: 0,
            abandoned: false,
        }
    }

    #[test]
    fn deadlines_expire_in_their_order_and_leave_abandoned_calls() {
        let mut table = InFlightTable::default();
        table.insert(call(1, Some(9)));
        table.insert(call(2, Some(3)));
        table.insert(call(3, None));
        assert_eq!(table.next_deadline(), Some(Duration::from_secs(3)));
        assert_eq!(table.expire(Duration::from_secs(2)), None);
        assert_eq!(table.expire(Duration::from_secs(3)), Some(CallId::new(2)));
        assert_eq!(table.expire(Duration::from_secs(3)), None);
        assert_eq!((table.waiting(), table.abandoned()), (2, 1));
        assert!(table.remove(2).is_some_and(|call| call.abandoned));
        assert_eq!(table.drain(), [CallId::new(1), CallId::new(3)]);
    }

    #[test]
    fn a_call_is_abandoned_once_and_only_by_its_own_id() {
        let mut table = InFlightTable::default();
        table.insert(call(5, None));
        assert!(!table.abandon(CallId::new(5 + (1 << 32))));
        assert!(table.abandon(CallId::new(5)));
        assert!(!table.abandon(CallId::new(5)));
        assert_eq!(table.abandoned(), 1);
    }

    #[test]
    fn a_reply_may_carry_the_bare_or_the_whole_name_and_nothing_else() {
        let call = call(1, None);
        assert!(call.is_named(b"ping") && call.is_named(b"Service:ping"));
        assert!(!call.is_named(b"Other:ping") && !call.is_named(b"pin") && !call.is_named(b""));
    }
}
