use fastthrift_protocol::{DecodeError, Detection, Limits, MessageScanner, Protocol, Scan, detect};

use crate::framing::{FRAME_HEADER, frame_size};
use crate::inbound::Inbound;
use crate::{ConnectionError, ConnectionErrorKind, Dialect, Framing};

/// Cuts the received bytes into messages.
///
/// A frame may hold several messages; bytes after them that do not start like a message are ignored.
#[derive(Debug)]
pub(crate) struct Cutter {
    dialect: Dialect,
    limits: Limits,
    /// Bytes of the frame that was entered and not left.
    frame_left: usize,
    /// Bytes that the next message needs to be complete, as far as known; 0 between messages.
    needed: usize,
    scanner: MessageScanner,
}

/// A message at the front of the inbound buffer that its receiver may still read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HandedOut {
    /// Bytes of the message's header.
    pub(crate) header: usize,
    /// Bytes after it: the body, and in a frame perhaps more.
    pub(crate) available: usize,
    /// Bytes of the body, when somebody has read it.
    pub(crate) read: Option<usize>,
}

/// Why no message can be cut.
pub(crate) enum CutError {
    /// The frame cannot be, so nothing of it was looked at.
    Frame(ConnectionErrorKind),
    /// The message that the unread bytes start with is broken.
    Message(DecodeError),
}

impl Cutter {
    pub(crate) fn new(dialect: Dialect, limits: Limits) -> Self {
        let scanner = MessageScanner::new(dialect.protocol, limits);
        Self { dialect, limits, frame_left: 0, needed: 0, scanner }
    }

    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// How many bytes have to be unread for the next message, as far as known; 0 between messages.
    pub(crate) fn needed(&self) -> usize {
        self.needed
    }

    /// How many of the unread bytes hold the next message, and perhaps others after it; `None` when more have to come.
    pub(crate) fn next_message(&mut self, inbound: &mut Inbound) -> Result<Option<usize>, CutError> {
        let Dialect { protocol, framing } = self.dialect;
        if protocol.is_text() && framing == Framing::Unframed && self.needed == 0 {
            // Whitespace between messages belongs to none.
            let spaces = inbound.unread().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            inbound.consume(spaces);
        }
        let len = match framing {
            Framing::Framed => self.next_in_frame(inbound)?,
            Framing::Unframed => self.next_unframed(inbound.unread())?,
        };
        if len.is_some() {
            self.needed = 0;
        }
        Ok(len)
    }

    /// Lets go of the message that the unread bytes start with.
    pub(crate) fn release(&mut self, inbound: &mut Inbound, message: HandedOut) {
        let HandedOut { header, available, read } = message;
        let len = match (self.dialect.framing, read) {
            (Framing::Unframed, _) => header + available,
            (Framing::Framed, read) => {
                let body = &inbound.unread()[header..header + available];
                let read = read.map_or_else(|| self.measure(body), |read| read.min(available));
                header + read + self.dialect.protocol.message_end_len(&body[read..])
            }
        };
        inbound.consume(len);
        self.frame_left = self.frame_left.saturating_sub(len);
    }

    /// How much of a frame its first body takes. A broken one hides where the next message would start, so it takes
    /// all.
    fn measure(&self, body: &[u8]) -> usize {
        self.dialect.protocol.struct_len(body, self.limits).unwrap_or(body.len())
    }

    fn next_in_frame(&mut self, inbound: &mut Inbound) -> Result<Option<usize>, CutError> {
        if self.frame_left > 0 {
            if starts_message(self.dialect.protocol, &inbound.unread()[..self.frame_left]) {
                return Ok(Some(self.frame_left));
            }
            inbound.consume(self.frame_left);
            self.frame_left = 0;
        }
        let Some(length) = inbound.unread().first_chunk::<FRAME_HEADER>() else {
            self.needed = if inbound.len() == 0 { 0 } else { FRAME_HEADER };
            return Ok(None);
        };
        let size = frame_size(*length, self.limits.message).map_err(CutError::Frame)?;
        self.needed = FRAME_HEADER.saturating_add(size);
        if inbound.len() < self.needed {
            return Ok(None);
        }
        inbound.consume(FRAME_HEADER);
        self.frame_left = size;
        Ok(Some(size))
    }

    /// Refuses a frame, which would else be taken for an old message with a name as long as the frame, and waited for.
    /// True when too few bytes came to tell.
    fn is_too_short_to_tell(&mut self, unread: &[u8]) -> Result<bool, CutError> {
        if unread.first() != Some(&0) {
            return Ok(false);
        }
        let Some(inside) = unread.get(FRAME_HEADER..FRAME_HEADER + 2) else {
            self.needed = FRAME_HEADER + 2;
            return Ok(true);
        };
        match detect(inside) {
            Detection::Message(protocol) => {
                let found = Dialect { protocol, framing: Framing::Framed };
                Err(CutError::Frame(ConnectionErrorKind::OtherDialect { expected: self.dialect, found }))
            }
            _ => Ok(false),
        }
    }

    fn next_unframed(&mut self, unread: &[u8]) -> Result<Option<usize>, CutError> {
        if unread.is_empty() {
            self.needed = 0;
            return Ok(None);
        }
        if self.is_too_short_to_tell(unread)? {
            return Ok(None);
        }
        match self.scanner.scan(unread).map_err(CutError::Message)? {
            Scan::Complete { len } => Ok(Some(len)),
            Scan::NeedMore { at_least } => {
                self.needed = unread.len().saturating_add(at_least);
                Ok(None)
            }
        }
    }
}

/// Whether what is left of a frame looks like another message. Old Binary messages do not look like anything.
fn starts_message(protocol: Protocol, rest: &[u8]) -> bool {
    detect(rest) == Detection::Message(protocol)
}

impl CutError {
    /// The error of a connection whose peer sent this.
    pub(crate) fn into_connection_error(self) -> ConnectionError {
        ConnectionError::new(match self {
            Self::Frame(kind) => kind,
            Self::Message(error) => ConnectionErrorKind::Message(error),
        })
    }
}
