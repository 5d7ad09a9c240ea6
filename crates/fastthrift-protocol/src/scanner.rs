use alloc::vec::Vec;

use crate::cursor::error;
use crate::json::BracketScan;
use crate::tokens::{MessageStart, Tokens, ValueStart};
use crate::{
    BinaryReader, CompactReader, DecodeError, DecodeErrorKind, Detection, Limits, MessageType, Protocol, TType, detect,
};

/// What a [`MessageScanner`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scan {
    /// The message is the first `len` bytes.
    Complete {
        /// Its length in bytes.
        len: usize,
    },
    /// The message goes on after the bytes that are there.
    NeedMore {
        /// At least so many more bytes belong to it, never 0.
        at_least: usize,
    },
}

/// Finds the end of a message that has no frame around it, while its bytes come in.
///
/// Each call gets all bytes since the message's start again, and goes on where the one before stopped: the work is
/// linear in the bytes however they are split. It does not recurse, and keeps one small frame for each open struct or
/// container. The result is that of reading the header and skipping the body, with the same limits; beyond that, a
/// message that can no longer end within [`Limits::message`] is refused as soon as that is known.
///
/// A message in JSON or `SimpleJSON` is looked through for its last bracket alone: what is wrong between the brackets is left to its reader.
#[derive(Debug, Clone)]
pub struct MessageScanner {
    fixed_protocol: Option<Protocol>,
    limits: Limits,
    protocol: Option<Protocol>,
    step: Step,
    /// Up to here everything is known; past the end of the bytes when a value of known length reaches further.
    position: usize,
    stack: Vec<Frame>,
    /// What is known of a message in JSON or `SimpleJSON`.
    json: BracketScan,
}

/// Which part of the message is next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Start,
    Name,
    /// The type byte that comes after the name of an old Binary message.
    OldType,
    SequenceId,
    Body,
}

/// An open struct or container.
#[derive(Debug, Clone, Copy)]
enum Frame {
    Struct {
        last_field: i16,
    },
    /// So many items are left; `types[left % 2]` is the next one's, so that keys and values alternate.
    Items {
        types: [TType; 2],
        left: usize,
    },
}

impl MessageScanner {
    /// A scanner for messages of this protocol; of Binary, both with a version and without.
    pub fn new(protocol: Protocol, limits: Limits) -> Self {
        Self::with(Some(protocol), limits)
    }

    /// A scanner that finds out from each message's first bytes which protocol it is, see [`detect`].
    pub fn detecting(limits: Limits) -> Self {
        Self::with(None, limits)
    }

    fn with(fixed_protocol: Option<Protocol>, limits: Limits) -> Self {
        Self {
            fixed_protocol,
            limits,
            protocol: fixed_protocol,
            step: Step::Start,
            position: 0,
            stack: Vec::new(),
            json: BracketScan::of_message(),
        }
    }

    /// The protocol of the current message, once it is known.
    pub fn protocol(&self) -> Option<Protocol> {
        self.protocol
    }

    /// Looks for the end of the message in `bytes`, all that came since its start.
    ///
    /// After [`Scan::Complete`] the scanner is at the start of the next message: the caller drops this one's bytes
    /// first. An error is final, since nothing tells where the next message would start.
    pub fn scan(&mut self, bytes: &[u8]) -> Result<Scan, DecodeError> {
        // What is beyond the limit is not looked at, so that the result does not depend on how the bytes were split.
        let bytes = bytes.get(..self.limits.message).unwrap_or(bytes);
        let result = match self.find_protocol(bytes)? {
            None => Ok(()),
            Some(Protocol::Binary) => self.advance::<BinaryReader<'_>>(bytes),
            Some(Protocol::Compact) => self.advance::<CompactReader<'_>>(bytes),
            Some(Protocol::Json | Protocol::SimpleJson) => return self.scan_json(bytes),
        };
        match result {
            Ok(()) if self.step == Step::Body && self.stack.is_empty() => Ok(self.complete()),
            Ok(()) => self.need_more(bytes, 1),
            Err(error) => match *error.kind() {
                DecodeErrorKind::UnexpectedEnd { needed } => self.need_more(bytes, needed),
                _ => Err(error),
            },
        }
    }

    fn scan_json(&mut self, bytes: &[u8]) -> Result<Scan, DecodeError> {
        match self.json.advance(bytes, self.limits)? {
            Some(len) => {
                self.json = BracketScan::of_message();
                self.position = len;
                Ok(self.complete())
            }
            None => self.need_more(bytes, self.json.missing()),
        }
    }

    fn find_protocol(&mut self, bytes: &[u8]) -> Result<Option<Protocol>, DecodeError> {
        if self.protocol.is_none() {
            self.protocol = match detect(bytes) {
                Detection::NeedMore => None,
                Detection::Message(protocol) => Some(protocol),
                Detection::Length => Some(Protocol::Binary),
                Detection::Unknown => {
                    let first = bytes.first().copied().unwrap_or_default();
                    return Err(error(DecodeErrorKind::BadVersion(first.into()), 0));
                }
            };
        }
        Ok(self.protocol)
    }

    fn complete(&mut self) -> Scan {
        let len = self.position;
        (self.position, self.step, self.protocol) = (0, Step::Start, self.fixed_protocol);
        Scan::Complete { len }
    }

    /// The bytes end `missing` bytes or more before the message does.
    fn need_more(&self, bytes: &[u8], missing: usize) -> Result<Scan, DecodeError> {
        let at_least = missing.max(self.position.saturating_sub(bytes.len()).saturating_add(1));
        let size = bytes.len().saturating_add(at_least);
        if size > self.limits.message {
            return Err(self.too_large(size));
        }
        Ok(Scan::NeedMore { at_least })
    }

    fn too_large(&self, size: usize) -> DecodeError {
        let limit = self.limits.message;
        error(DecodeErrorKind::SizeLimit { what: "message", size, limit }, self.position)
    }

    /// Goes on until the message or the bytes are over.
    fn advance<'de, R: Tokens<'de>>(&mut self, bytes: &'de [u8]) -> Result<(), DecodeError> {
        if self.position > bytes.len() {
            return Ok(());
        }
        let mut reader = R::resume(bytes, self.position, self.limits);
        while self.step != Step::Body {
            let (next, len) = self.header_part(&mut reader)?;
            if next == Step::Body {
                self.push(Frame::Struct { last_field: 0 })?;
            }
            self.step = next;
            if !self.pass(&mut reader, len) {
                return Ok(());
            }
        }
        self.body(&mut reader)
    }

    /// Reads one part of the header: which part is next, and how many bytes are to be passed before it.
    fn header_part<'de, R: Tokens<'de>>(&self, reader: &mut R) -> Result<(Step, usize), DecodeError> {
        let after = |first: bool, next: Step| if first == R::SEQUENCE_ID_FIRST { next } else { Step::Body };
        Ok(match self.step {
            Step::Start => match reader.message_start()? {
                MessageStart::OldName(len) => (Step::OldType, len),
                MessageStart::Versioned(_) if R::SEQUENCE_ID_FIRST => (Step::SequenceId, 0),
                MessageStart::Versioned(_) => (Step::Name, 0),
            },
            Step::Name => (after(false, Step::SequenceId), reader.string_len()?),
            Step::OldType => {
                let number = reader.read_i8()?.cast_unsigned();
                if MessageType::from_number(number).is_none() {
                    return Err(error(DecodeErrorKind::InvalidMessageType(number), reader.offset()));
                }
                (Step::SequenceId, 0)
            }
            Step::SequenceId => {
                reader.sequence_id()?;
                (after(true, Step::Name), 0)
            }
            Step::Body => (Step::Body, 0),
        })
    }

    fn body<'de, R: Tokens<'de>>(&mut self, reader: &mut R) -> Result<(), DecodeError> {
        if let Some(Frame::Struct { last_field }) = self.stack.last() {
            reader.set_last_field(*last_field);
        }
        while let Some(frame) = self.stack.last().copied() {
            let (frame, ttype) = match frame {
                Frame::Items { left: 0, .. } => {
                    self.pop(reader);
                    continue;
                }
                Frame::Items { types, left } => (Frame::Items { types, left: left - 1 }, types[left % 2]),
                Frame::Struct { .. } => {
                    let Some(field) = reader.read_field()? else {
                        self.position = reader.offset();
                        self.pop(reader);
                        continue;
                    };
                    (Frame::Struct { last_field: field.id }, field.ttype)
                }
            };
            let start = reader.value_start(ttype)?;
            if let Some(top) = self.stack.last_mut() {
                *top = frame;
            }
            if !self.enter(reader, start)? {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Goes into a value, or over it. False when it ends after the bytes that are there.
    fn enter<'de, R: Tokens<'de>>(&mut self, reader: &mut R, start: ValueStart) -> Result<bool, DecodeError> {
        self.position = reader.offset();
        match start {
            ValueStart::Bytes(len) => Ok(self.pass(reader, len)),
            ValueStart::Struct => {
                self.push(Frame::Struct { last_field: 0 })?;
                reader.set_last_field(0);
                Ok(true)
            }
            ValueStart::Elements { element, len } => self.enter_items(reader, [element; 2], len, 1),
            ValueStart::Entries { key, value, len } => self.enter_items(reader, [key, value], len, 2),
        }
    }

    /// Goes into a container of `len` times the first `width` of `types`.
    fn enter_items<'de, R: Tokens<'de>>(
        &mut self,
        reader: &mut R,
        types: [TType; 2],
        len: usize,
        width: usize,
    ) -> Result<bool, DecodeError> {
        let item = types.iter().take(width);
        let smallest = item.clone().map(|&ttype| R::smallest_size(ttype)).sum::<usize>().saturating_mul(len);
        let end = self.position.saturating_add(smallest);
        if end > self.limits.message {
            return Err(self.too_large(end));
        }
        self.push(Frame::Items { types, left: len.saturating_mul(width) })?;
        if item.map(|&ttype| R::fixed_size(ttype)).all(|size| size.is_some()) {
            self.pop(reader);
            return Ok(self.pass(reader, smallest));
        }
        Ok(true)
    }

    /// Moves over this many bytes, and says whether they are all there.
    fn pass<'de, R: Tokens<'de>>(&mut self, reader: &mut R, len: usize) -> bool {
        self.position = reader.offset().saturating_add(len);
        reader.pass(len).is_ok()
    }

    fn push(&mut self, frame: Frame) -> Result<(), DecodeError> {
        let limit = self.limits.depth.min(Limits::MAX_DEPTH);
        if u32::try_from(self.stack.len()).is_ok_and(|depth| depth < limit) {
            self.stack.push(frame);
            return Ok(());
        }
        Err(error(DecodeErrorKind::DepthLimit(limit), self.position))
    }

    fn pop<'de, R: Tokens<'de>>(&mut self, reader: &mut R) {
        self.stack.pop();
        if let Some(Frame::Struct { last_field }) = self.stack.last() {
            reader.set_last_field(*last_field);
        }
    }
}
