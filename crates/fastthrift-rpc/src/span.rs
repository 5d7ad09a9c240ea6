/// A run of received bytes that a connection holds, as positions in the stream: it can be stored, sent and compared,
/// and it stays right when the buffer moves.
///
/// Hand it back to the connection that made it to see the bytes. They stay until the connection says that it lets go of
/// them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    position: u64,
    len: usize,
}

impl Span {
    pub(crate) const fn new(position: u64, len: usize) -> Self {
        Self { position, len }
    }

    /// Where the bytes start, counted from the first byte that the connection received. Bytes that came compressed have
    /// places of their own, behind all that can be received.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes there are.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

/// A number of bytes as a distance in a stream.
pub(crate) fn distance(len: usize) -> u64 {
    u64::try_from(len).expect("invariant: no supported machine has more than 64 address bits")
}
