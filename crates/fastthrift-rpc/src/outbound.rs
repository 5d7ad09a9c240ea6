use crate::inbound::RETAINED;
use crate::span::distance;

/// The bytes that wait to be sent.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    bytes: Vec<u8>,
    /// How many of `bytes` were sent.
    sent: usize,
    /// The place in the stream of `bytes[0]`.
    position: u64,
}

impl Outbound {
    /// The bytes that wait to be sent.
    #[inline]
    pub(crate) fn pending(&self) -> &[u8] {
        &self.bytes[self.sent..]
    }

    /// The buffer that messages are appended to.
    #[inline]
    pub(crate) fn buffer(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// How many bytes of memory the buffer holds.
    pub(crate) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }

    /// How long the buffer is: where the next message starts in it.
    #[inline]
    pub(crate) fn end(&self) -> usize {
        self.bytes.len()
    }

    /// Takes back what was appended from `start` on. Fails when bytes before it are gone, which were other messages'.
    pub(crate) fn truncate(&mut self, start: usize) -> Result<(), ()> {
        let lost = self.bytes.len() < start;
        self.bytes.truncate(start);
        if lost {
            self.sent = self.sent.min(self.bytes.len());
            return Err(());
        }
        Ok(())
    }

    /// How many bytes were ever sent.
    #[inline]
    pub(crate) fn sent(&self) -> u64 {
        self.position + distance(self.sent)
    }

    /// The place in the stream of the byte at this index of the buffer.
    #[inline]
    pub(crate) fn position_of(&self, index: usize) -> u64 {
        self.position + distance(index)
    }

    /// Counts the first `count` pending bytes as sent.
    #[inline]
    pub(crate) fn advance(&mut self, count: usize) {
        assert!(count <= self.pending().len(), "more bytes were sent than were pending");
        self.sent += count;
        if self.sent == self.bytes.len() {
            self.clear();
        } else if self.sent >= RETAINED && self.sent >= self.bytes.len() / 2 {
            self.position += distance(self.sent);
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }

    /// Exchanges the pending bytes for an empty buffer, and counts them as sent.
    pub(crate) fn take(&mut self, into: &mut Vec<u8>) {
        into.clear();
        self.position += distance(self.bytes.len());
        if self.sent == 0 {
            std::mem::swap(&mut self.bytes, into);
        } else {
            into.extend_from_slice(&self.bytes[self.sent..]);
            self.bytes.clear();
            self.sent = 0;
        }
    }

    /// Drops what is pending.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.position += distance(self.bytes.len());
        self.sent = 0;
        self.bytes.clear();
        if self.bytes.capacity() > RETAINED {
            self.bytes = Vec::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_leave_in_order_in_steps_of_any_size() {
        let mut outbound = Outbound::default();
        let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
        outbound.buffer().extend_from_slice(&bytes);
        let mut sent = Vec::new();
        while !outbound.pending().is_empty() {
            let step = outbound.pending().len().min(1777);
            sent.extend_from_slice(&outbound.pending()[..step]);
            outbound.advance(step);
            assert_eq!(outbound.sent(), u64::try_from(sent.len()).unwrap());
        }
        assert_eq!(sent, bytes);
        assert_eq!(outbound.end(), 0);
    }

    #[test]
    fn bytes_that_are_taken_out_count_as_sent_and_leave_an_empty_buffer() {
        let (mut outbound, mut taken) = (Outbound::default(), b"old".to_vec());
        outbound.buffer().extend_from_slice(b"abcdef");
        outbound.take(&mut taken);
        assert_eq!((&taken[..], outbound.sent(), outbound.pending()), (&b"abcdef"[..], 6, &b""[..]));
        outbound.buffer().extend_from_slice(b"ghi");
        outbound.advance(1);
        outbound.take(&mut taken);
        assert_eq!((&taken[..], outbound.sent(), outbound.end()), (&b"hi"[..], 9, 0));
        assert_eq!(outbound.position_of(0), 9);
    }
}
