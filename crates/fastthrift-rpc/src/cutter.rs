use fastthrift_protocol::{DecodeError, Detection, Limits, MessageScanner, Protocol, Scan, detect};

use crate::few::len_of_few;
use crate::framing::{FRAME_HEADER, frame_size};
use crate::header::{Envelope, HeaderFrames};
use crate::inbound::{Inbound, LARGE};
use crate::{ConnectionError, ConnectionErrorKind, Dialect, Framing, HeaderError, Headers, Span};

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
    /// There where the framing is that of the Header transport.
    header: Option<Box<HeaderFrames>>,
    /// The only protocol that frames of the Header transport may name.
    only: Option<Protocol>,
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
    /// The frame of the Header transport that the unread bytes start with is broken.
    Header(HeaderError),
}

impl Cutter {
    /// A cutter of this dialect. Over the Header transport, each frame may name another protocol, unless there is only one.
    pub(crate) fn new(dialect: Dialect, only: Option<Protocol>, limits: Limits) -> Self {
        let scanner = MessageScanner::new(dialect.protocol, limits);
        let header = (dialect.framing == Framing::Header).then(|| Box::new(HeaderFrames::new()));
        Self { dialect, limits, frame_left: 0, needed: 0, scanner, header, only }
    }

    /// The dialect; over the Header transport with the protocol of the frame that was entered last.
    #[inline]
    pub(crate) fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// Where the next message is read from: what was received, or what was restored of it.
    #[inline]
    pub(crate) fn source<'a>(&'a self, inbound: &'a Inbound) -> &'a Inbound {
        self.header.as_deref().and_then(HeaderFrames::restored).unwrap_or(inbound)
    }

    /// The bytes of this span, or `None` when they were consumed.
    #[inline]
    pub(crate) fn bytes<'a>(&'a self, inbound: &'a Inbound, span: Span) -> Option<&'a [u8]> {
        inbound.bytes(span).or_else(|| self.header.as_ref()?.restored()?.bytes(span))
    }

    /// How many of the received bytes the message that was handed out holds.
    pub(crate) fn held(&self, message: HandedOut) -> usize {
        let is_restored = self.header.as_deref().is_some_and(|header| header.restored().is_some());
        if is_restored { 0 } else { message.header + message.available }
    }

    /// Where the next message starts in what was received; of a message that was restored, where its frame does.
    pub(crate) fn position(&self, inbound: &Inbound) -> u64 {
        match self.header.as_deref() {
            Some(header) if header.restored().is_some() => header.position(),
            _ => inbound.position(),
        }
    }

    /// What came beside the messages of the frame that was entered last.
    pub(crate) fn headers(&self) -> &Headers {
        self.header.as_deref().map_or(Headers::none(), HeaderFrames::headers)
    }

    /// What a reply repeats of the frame that was entered last.
    pub(crate) fn envelope(&self) -> Envelope {
        self.header.as_deref().map_or_else(Envelope::default, HeaderFrames::envelope)
    }

    /// The protocol that the frame which was entered last names, even if it is otherwise broken.
    pub(crate) fn named_protocol(&self) -> Protocol {
        self.header.as_deref().map_or(self.dialect.protocol, HeaderFrames::protocol)
    }

    /// How many bytes of memory restored bytes take.
    pub(crate) fn capacity(&self) -> usize {
        self.header.as_deref().map_or(0, HeaderFrames::capacity)
    }

    /// How many bytes have to be unread for the next message, as far as known; 0 between messages.
    pub(crate) fn needed(&self) -> usize {
        self.needed
    }

    /// How many of the unread bytes of [`Self::source`] hold the next message, and perhaps others after it; `None` when more
    /// have to come.
    pub(crate) fn next_message(&mut self, inbound: &mut Inbound) -> Result<Option<usize>, CutError> {
        let len = match self.dialect.framing {
            Framing::Framed | Framing::Header => self.next_in_frame(inbound)?,
            Framing::Unframed => {
                if self.dialect.protocol.is_text() && self.needed == 0 {
                    // Whitespace between messages belongs to none.
                    let spaces = inbound.unread().iter().take_while(|byte| byte.is_ascii_whitespace()).count();
                    inbound.consume(spaces);
                }
                let len = self.next_unframed(inbound.unread())?;
                if len.is_none() && self.needed.saturating_sub(inbound.len()) >= LARGE {
                    inbound.expect(self.needed);
                }
                len
            }
        };
        if len.is_some() {
            self.needed = 0;
        }
        Ok(len)
    }

    /// What is in the frame that makes up all that was received and not consumed, for connections of frames without more; `None` for
    /// anything else that may be there, right or wrong.
    #[inline]
    pub(crate) fn only_frame<'i>(&self, inbound: &'i Inbound) -> Option<&'i [u8]> {
        let (length, content) = inbound.unread().split_first_chunk()?;
        let is_whole = usize::try_from(u32::from_be_bytes(*length)) == Ok(content.len());
        let is_good = self.frame_left == 0 && content.len() <= self.limits.message && !inbound.is_exhausted();
        (is_whole && is_good).then_some(content)
    }

    /// Enters the [only frame](Self::only_frame).
    #[inline]
    pub(crate) fn enter_only_frame(&mut self, inbound: &mut Inbound) {
        inbound.consume(FRAME_HEADER);
        self.frame_left = inbound.len();
        self.needed = 0;
    }

    /// Lets go of the message that the unread bytes of [`Self::source`] start with.
    #[inline]
    pub(crate) fn release(&mut self, inbound: &mut Inbound, message: HandedOut) {
        let HandedOut { header, available, read } = message;
        let len = match (self.dialect.framing, read) {
            (Framing::Unframed, _) => header + available,
            (Framing::Framed | Framing::Header, read) => {
                let body = &self.source(inbound).unread()[header..header + available];
                let read = read.map_or_else(|| self.measure(body), |read| read.min(available));
                header + read + self.dialect.protocol.message_end_len(&body[read..])
            }
        };
        self.consume(inbound, len);
        self.frame_left = self.frame_left.saturating_sub(len);
    }

    /// Takes the memory of the message that the unread bytes of [`Self::source`] start with, cut behind its body of `body` bytes, and says
    /// where that starts there, and lets go of the message; `None`, and nothing happens, where a copy of the body is the better way.
    pub(crate) fn take(&mut self, inbound: &mut Inbound, message: HandedOut, body: usize) -> Option<(Vec<u8>, usize)> {
        let HandedOut { header, available, .. } = message;
        let len = header + available;
        if self.dialect.framing != Framing::Unframed {
            // Other messages may follow in the frame.
            let bytes = &self.source(inbound).unread()[header..len];
            let read = len_of_few(self.dialect.protocol, bytes, self.limits);
            if len != self.frame_left || read != Some(available) {
                return None;
            }
        }
        let source = self.header.as_deref_mut().and_then(HeaderFrames::restored_mut).unwrap_or(inbound);
        let (mut memory, start) = source.take(len)?;
        self.frame_left = 0;
        memory.truncate(start + header + body);
        Some((memory, start + header))
    }

    #[inline]
    fn consume(&mut self, inbound: &mut Inbound, count: usize) {
        self.header.as_deref_mut().and_then(HeaderFrames::restored_mut).unwrap_or(inbound).consume(count);
    }

    /// How much of a frame its first body takes. A broken one hides where the next message would start, so it takes
    /// all.
    fn measure(&self, body: &[u8]) -> usize {
        self.dialect.protocol.struct_len(body, self.limits).unwrap_or(body.len())
    }

    fn next_in_frame(&mut self, inbound: &mut Inbound) -> Result<Option<usize>, CutError> {
        if self.frame_left > 0 {
            if starts_message(self.dialect.protocol, &self.source(inbound).unread()[..self.frame_left]) {
                return Ok(Some(self.frame_left));
            }
            self.consume(inbound, self.frame_left);
            self.frame_left = 0;
        }
        let Some(length) = inbound.unread().first_chunk::<FRAME_HEADER>() else {
            self.needed = if inbound.len() == 0 { 0 } else { FRAME_HEADER };
            return Ok(None);
        };
        let size = frame_size(*length, self.limits.message).map_err(CutError::Frame)?;
        self.needed = FRAME_HEADER.saturating_add(size);
        if inbound.len() < self.needed {
            inbound.expect(self.needed);
            return Ok(None);
        }
        if self.header.is_some() {
            return self.enter(inbound, size).map(Some);
        }
        inbound.consume(FRAME_HEADER);
        self.frame_left = size;
        Ok(Some(size))
    }

    /// Enters a frame of the Header transport.
    fn enter(&mut self, inbound: &mut Inbound, size: usize) -> Result<usize, CutError> {
        let header = self.header.as_deref_mut().expect("invariant: only the Header transport has such frames");
        let entered = header.enter(inbound, size, self.limits.message);
        let (protocol, len) = entered.map_err(|error| match error {
            HeaderError::NotHeader => self.not_header(&inbound.unread()[FRAME_HEADER..FRAME_HEADER + size]),
            error => CutError::Header(error),
        })?;
        let found = Dialect { protocol, ..self.dialect };
        if self.only.is_some_and(|only| only != protocol) {
            return Err(CutError::Frame(ConnectionErrorKind::OtherDialect { expected: self.dialect, found }));
        }
        self.dialect = found;
        self.frame_left = len;
        Ok(len)
    }

    /// What a frame with this content is, which is not of the Header transport.
    fn not_header(&self, content: &[u8]) -> CutError {
        match detect(content) {
            Detection::Message(protocol) => {
                let found = Dialect { protocol, framing: Framing::Framed };
                CutError::Frame(ConnectionErrorKind::OtherDialect { expected: self.dialect, found })
            }
            _ => CutError::Header(HeaderError::NotHeader),
        }
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
            Self::Header(error) => ConnectionErrorKind::Header(error),
        })
    }
}
