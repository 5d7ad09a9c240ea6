use fastthrift_protocol::Protocol;

use super::block::{Front, read_block, read_protocol, split};
use super::{MAGIC, Transforms};
use crate::framing::FRAME_HEADER;
use crate::inbound::Inbound;
use crate::{HeaderError, Headers};

/// Where restored bytes stand, far behind any that can be received.
const RESTORED: u64 = 1 << 63;

/// What a reply repeats of the frame that its request came in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) flags: u16,
    pub(crate) sequence_id: i32,
    pub(crate) transforms: Transforms,
}

/// The frame that was entered last, of a connection of the Header transport.
#[derive(Debug)]
pub(crate) struct HeaderFrames {
    envelope: Envelope,
    /// Binary until the frame has named another.
    protocol: Protocol,
    headers: Headers,
    /// The frame's content, when that was transformed.
    restored: Inbound,
    /// Whether the content is read from `restored`.
    is_restored: bool,
    /// Where the frame starts in what was received.
    position: u64,
}

impl HeaderFrames {
    pub(crate) fn new() -> Self {
        Self {
            envelope: Envelope::default(),
            protocol: Protocol::Binary,
            headers: Headers::new(),
            restored: Inbound::starting_at(RESTORED),
            is_restored: false,
            position: 0,
        }
    }

    /// Reads the front of the frame that the received bytes start with and whose content has `size` bytes, and leaves its
    /// messages as what is to be read next. Gives their length, and the protocol that they are in.
    ///
    /// After an error, [`Self::envelope`] and [`Self::protocol`] say as much as could be read.
    pub(crate) fn enter(
        &mut self,
        inbound: &mut Inbound,
        size: usize,
        limit: usize,
    ) -> Result<(Protocol, usize), HeaderError> {
        self.position = inbound.position();
        self.envelope = Envelope::default();
        self.protocol = Protocol::Binary;
        self.headers.clear();
        self.is_restored = false;
        let frame = &inbound.unread()[FRAME_HEADER..FRAME_HEADER + size];
        if !frame.starts_with(&MAGIC) {
            return Err(HeaderError::NotHeader);
        }
        let Front { flags, sequence_id, block, payload } = split(frame)?;
        (self.envelope.flags, self.envelope.sequence_id) = (flags, sequence_id);
        let (protocol, rest) = read_protocol(block)?;
        self.protocol = protocol;
        let transforms = read_block(rest, &mut self.headers)?;
        self.envelope.transforms = transforms;
        if transforms.is_empty() {
            let len = payload.len();
            inbound.consume(FRAME_HEADER + size - len);
            return Ok((protocol, len));
        }
        restore(&transforms, payload, &mut self.restored, limit)?;
        self.is_restored = true;
        inbound.consume(FRAME_HEADER + size);
        Ok((protocol, self.restored.len()))
    }

    /// What a reply to the frame repeats.
    pub(crate) fn envelope(&self) -> Envelope {
        self.envelope
    }

    /// The protocol that the frame named.
    pub(crate) fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// What came beside the frame's messages.
    pub(crate) fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The frame's content, if it had to be restored.
    pub(crate) fn restored(&self) -> Option<&Inbound> {
        Some(&self.restored).filter(|_| self.is_restored)
    }

    /// The frame's content, if it had to be restored.
    pub(crate) fn restored_mut(&mut self) -> Option<&mut Inbound> {
        Some(&mut self.restored).filter(|_| self.is_restored)
    }

    /// Where the frame starts in what was received.
    pub(crate) fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes of memory restored bytes take.
    pub(crate) fn capacity(&self) -> usize {
        self.restored.capacity()
    }
}

/// Undoes what was done to a frame's content, the last first.
fn restore(transforms: &Transforms, payload: &[u8], into: &mut Inbound, limit: usize) -> Result<(), HeaderError> {
    let Some((first, others)) = transforms.split_first() else { return Ok(()) };
    let mut between: Option<Inbound> = None;
    for transform in others.iter().rev() {
        let mut next = Inbound::default();
        transform.undo(between.as_ref().map_or(payload, Inbound::unread), &mut next, limit)?;
        between = Some(next);
    }
    first.undo(between.as_ref().map_or(payload, Inbound::unread), into, limit)
}
