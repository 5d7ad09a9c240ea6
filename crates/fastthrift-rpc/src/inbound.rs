use std::collections::TryReserveError;

use crate::Span;
use crate::span::distance;

/// How much memory an empty buffer keeps for the next message; a larger one is given back.
pub(crate) const RETAINED: usize = 64 << 10;

/// From how many bytes on memory is handed over instead of being copied.
pub(crate) const LARGE: usize = 64 << 10;

/// The least that a growing buffer offers to read into.
const LEAST_SPARE: usize = 4 << 10;

/// How much of a large buffer is initialised at once, so that what is never received into takes no pages.
const STEP: usize = 256 << 10;

/// The bytes that were received and not consumed.
///
/// Memory grows with the bytes that really came: the buffer at most doubles, however much a peer announces.
#[derive(Debug, Default)]
pub(crate) struct Inbound {
    /// Initialised memory; the bytes are at `start..end`. Its capacity is the buffer's size.
    storage: Vec<u8>,
    start: usize,
    end: usize,
    /// The place in the stream of the byte at `start`.
    position: u64,
    /// The place where the message ends that is being received, as far as known: memory for more is not asked for before.
    expected: u64,
    /// There was no memory for what came; from then on bytes are dropped, and the connection is to fail.
    is_exhausted: bool,
    /// What is received into then.
    scrap: [u8; 16],
}

impl Inbound {
    /// An empty buffer whose first byte will be at this place.
    pub(crate) fn starting_at(position: u64) -> Self {
        Self { position, ..Self::default() }
    }

    /// The bytes that were not consumed.
    #[inline]
    pub(crate) fn unread(&self) -> &[u8] {
        &self.storage[self.start..self.end]
    }

    /// How many bytes were not consumed.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.start
    }

    /// The place in the stream of the first byte that was not consumed.
    #[inline]
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes were ever received.
    #[inline]
    pub(crate) fn received(&self) -> u64 {
        self.position + distance(self.len())
    }

    /// How many bytes of memory the buffer holds.
    pub(crate) fn capacity(&self) -> usize {
        self.storage.capacity()
    }

    /// The bytes of this span, or `None` when they were consumed.
    #[inline]
    pub(crate) fn bytes(&self, span: Span) -> Option<&[u8]> {
        let offset = usize::try_from(span.position().checked_sub(self.position)?).ok()?;
        self.unread().get(offset..offset.checked_add(span.len())?)
    }

    /// Whether bytes were dropped for want of memory.
    #[inline]
    pub(crate) fn is_exhausted(&self) -> bool {
        self.is_exhausted
    }

    /// Appends a copy of these bytes; drops them when there is no memory for them.
    pub(crate) fn append(&mut self, bytes: &[u8]) {
        let room = self.spare(bytes.len());
        if let Some(room) = room.get_mut(..bytes.len()) {
            room.copy_from_slice(bytes);
            self.commit(bytes.len());
        }
    }

    /// Room for at least `least` bytes and never for none, and all that is initialised. Without memory for that, a few
    /// bytes to drop what comes into.
    #[inline]
    pub(crate) fn spare(&mut self, least: usize) -> &mut [u8] {
        let room = least.max(1);
        if self.storage.len() - self.end < room && self.make_room(room).is_err() {
            self.is_exhausted = true;
        }
        if self.is_exhausted { &mut self.scrap } else { &mut self.storage[self.end..] }
    }

    /// Counts the first `count` bytes of [`Self::spare`] as received.
    #[inline]
    pub(crate) fn commit(&mut self, count: usize) {
        let room = if self.is_exhausted { self.scrap.len() } else { self.storage.len() - self.end };
        assert!(count <= room, "more bytes were received than there was room for");
        if !self.is_exhausted {
            self.end += count;
        }
    }

    /// Notes that the message that the unread bytes start with has this many.
    #[inline]
    pub(crate) fn expect(&mut self, len: usize) {
        self.expected = self.position.saturating_add(distance(len));
    }

    /// How many bytes of the [expected](Self::expect) message are still to come.
    #[inline]
    pub(crate) fn missing(&self) -> usize {
        usize::try_from(self.expected.saturating_sub(self.received())).unwrap_or(usize::MAX)
    }

    /// Another buffer that stands for this one and is received into instead, until it takes its place; `None` without memory.
    pub(crate) fn continued(&self) -> Option<Self> {
        let mut other = Self { expected: self.expected, ..Self::starting_at(self.position) };
        other.append(self.unread());
        (!other.is_exhausted).then_some(other)
    }

    /// Lets go of the first `count` unread bytes, and hands over the memory in which they lie, and where there, if about half of it or
    /// more is theirs. What came after them is copied.
    pub(crate) fn take(&mut self, count: usize) -> Option<(Vec<u8>, usize)> {
        if self.is_exhausted || self.storage.capacity().saturating_sub(LARGE) / 2 > count {
            return None;
        }
        let rest = self.unread().get(count..)?;
        let mut next = Self { expected: self.expected, ..Self::starting_at(self.position + distance(count)) };
        next.append(rest);
        if next.is_exhausted {
            return None;
        }
        let Self { mut storage, start, .. } = std::mem::replace(self, next);
        storage.truncate(start + count);
        Some((storage, start))
    }

    /// Lets go of the first `count` unread bytes.
    #[inline]
    pub(crate) fn consume(&mut self, count: usize) {
        assert!(count <= self.len(), "invariant: only unread bytes are consumed");
        self.start += count;
        self.position += distance(count);
        if self.start == self.end {
            self.start = 0;
            self.end = 0;
            if self.storage.capacity() > RETAINED {
                self.storage = Vec::new();
            }
        }
    }

    #[cold]
    fn make_room(&mut self, room: usize) -> Result<(), TryReserveError> {
        if self.storage.capacity() - self.end < room {
            self.move_or_grow(room)?;
        }
        let initialised = self.storage.capacity().min(self.end.saturating_add(room.max(STEP)));
        if self.storage.len() < initialised {
            self.storage.resize(initialised, 0);
        }
        Ok(())
    }

    fn move_or_grow(&mut self, room: usize) -> Result<(), TryReserveError> {
        let len = self.len();
        let doubled = room.max(len).max(LEAST_SPARE);
        let more = match self.missing() {
            0 => doubled,
            missing => doubled.min(missing.max(room)),
        };
        // Moving no more than was consumed since the last move, and doubling, keep the cost of all copies linear.
        if self.start >= len && self.storage.capacity() - len >= room {
            self.storage.copy_within(self.start..self.end, 0);
        } else if self.start == 0 && len > 0 {
            // The allocator may find room behind, or move pages instead of bytes.
            self.storage.truncate(len);
            self.storage.try_reserve_exact(more)?;
        } else {
            let mut grown = Vec::new();
            grown.try_reserve_exact(len.saturating_add(more))?;
            grown.extend_from_slice(self.unread());
            self.storage = grown;
        }
        self.start = 0;
        self.end = len;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_survive_growth_and_moves_and_end_with_consumption() {
        let mut inbound = Inbound::default();
        inbound.append(b"abcdef");
        inbound.consume(2);
        let span = Span::new(3, 2);
        assert_eq!(inbound.bytes(span), Some(&b"de"[..]));
        inbound.append(&vec![0; 100_000]);
        assert_eq!(inbound.bytes(span), Some(&b"de"[..]));
        inbound.consume(2);
        assert_eq!(inbound.bytes(span), None);
        assert_eq!(inbound.bytes(Span::new(inbound.received(), 1)), None);
    }

    #[test]
    fn memory_grows_with_what_came_and_in_few_steps() {
        let mut inbound = Inbound::default();
        let mut capacities = vec![0];
        for received in 1..=4096 {
            inbound.append(&[1; 1000]);
            assert!(inbound.capacity() <= 2 * 1000 * received + LEAST_SPARE);
            if capacities.last() != Some(&inbound.capacity()) {
                capacities.push(inbound.capacity());
            }
        }
        assert!(capacities.len() < 16, "{capacities:?}");
    }

    #[test]
    fn no_more_memory_is_taken_than_the_expected_message_needs() {
        let mut inbound = Inbound::default();
        inbound.append(&[1; 1000]);
        inbound.consume(100);
        inbound.expect(300_000);
        while inbound.missing() > 0 {
            let count = inbound.spare(1).len().min(inbound.missing()).min(7001);
            inbound.commit(count);
            assert!(inbound.capacity() <= 2 * inbound.len() + LEAST_SPARE, "{}", inbound.capacity());
        }
        assert_eq!((inbound.len(), inbound.capacity()), (300_000, 300_000));
    }

    #[test]
    fn memory_is_taken_with_what_lies_in_it_and_what_came_after_stays() {
        let mut inbound = Inbound::default();
        let message = vec![1; 200_000];
        inbound.append(&[&[0; 100][..], &message, &[2; 300]].concat());
        inbound.consume(100);
        let (place, position) = (inbound.unread().as_ptr(), inbound.position() + 200_000);
        let (memory, start) = inbound.take(200_000).unwrap();
        assert!(memory[start..] == message && std::ptr::eq(memory[start..].as_ptr(), place));
        assert_eq!((inbound.unread(), inbound.position()), (&[2; 300][..], position));
        assert_eq!(inbound.bytes(Span::new(position, 1)), Some(&[2][..]));
        assert_eq!(inbound.bytes(Span::new(position - 1, 1)), None);
        inbound.append(&vec![3; 200_000]);
        assert_eq!(inbound.take(300), None);
        assert_eq!(inbound.len(), 200_300);
    }

    #[test]
    fn appending_one_byte_at_a_time_keeps_all_of_them() {
        let mut inbound = Inbound::default();
        let bytes: Vec<u8> = (0..=255).cycle().take(20_000).collect();
        for (index, byte) in bytes.iter().enumerate() {
            inbound.append(&[*byte]);
            if index % 3 == 0 {
                let front = usize::try_from(inbound.position()).unwrap();
                assert_eq!(inbound.unread()[0], bytes[front]);
                inbound.consume(1);
            }
        }
        let front = usize::try_from(inbound.position()).unwrap();
        assert_eq!(inbound.unread(), &bytes[front..]);
    }

    #[test]
    fn an_emptied_buffer_gives_large_memory_back() {
        let mut inbound = Inbound::default();
        inbound.append(&vec![0; RETAINED + 1]);
        inbound.consume(RETAINED + 1);
        assert_eq!(inbound.capacity(), 0);
    }
    #[test]
    fn without_memory_bytes_are_dropped_and_those_before_are_kept() {
        let mut inbound = Inbound::default();
        inbound.append(b"abc");
        let scrap = inbound.spare(usize::MAX).len();
        assert!((1..LEAST_SPARE).contains(&scrap) && inbound.is_exhausted());
        inbound.commit(scrap);
        inbound.append(&[1; 100]);
        inbound.append(b"d");
        assert_eq!((inbound.unread(), inbound.received()), (&b"abc"[..], 3));
    }

    #[test]
    fn a_large_buffer_is_initialised_step_by_step() {
        let mut inbound = Inbound::default();
        inbound.append(&vec![7; 8 * STEP]);
        assert_eq!(inbound.spare(1).len(), STEP);
        inbound.commit(STEP);
        assert_eq!(inbound.unread()[8 * STEP..], vec![0; STEP]);
        assert!(inbound.unread()[..8 * STEP].iter().all(|byte| *byte == 7));
    }
}
