use crate::inbound::Inbound;

/// How much of a large message is received at a time, at least.
const PART: usize = 16 << 10;

/// A large message that is received apart from its [connection](super::ClientConnection), which goes on meanwhile.
///
/// Its memory grows with the bytes that really came, as the connection's own does.
#[derive(Debug)]
pub struct LargeMessage {
    inbound: Inbound,
    /// How much the connection had received when this began.
    began: u64,
}

impl LargeMessage {
    pub(super) fn new(inbound: Inbound) -> Self {
        Self { began: inbound.received(), inbound }
    }

    /// Memory to receive into: of no more than is missing, and never none. Say how many came with [`Self::received`].
    pub fn receive_buffer(&mut self) -> &mut [u8] {
        let missing = self.inbound.missing().max(1);
        let room = self.inbound.spare(missing.min(PART));
        let size = room.len().min(missing);
        &mut room[..size]
    }

    /// Notes that the first `count` bytes of [`Self::receive_buffer`] were filled.
    ///
    /// # Panics
    /// When `count` is more than there was room for.
    pub fn received(&mut self, count: usize) {
        self.inbound.commit(count);
    }

    /// Whether nothing more is to be received into it: it came, or there is no memory for it.
    pub fn is_over(&self) -> bool {
        self.inbound.missing() == 0 || self.inbound.is_exhausted()
    }

    pub(super) fn into_inbound(self) -> (Inbound, u64) {
        (self.inbound, self.began)
    }
}
