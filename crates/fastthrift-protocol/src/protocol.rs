use std::fmt;
use std::str::FromStr;

use crate::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol, Limits, MessageHeader,
    OutputProtocol,
};

/// A way to put values into bytes. Every user matches all of them, so that a new one is forgotten nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// [`BinaryReader`], [`BinaryWriter`]
    Binary,
    /// [`CompactReader`], [`CompactWriter`]
    Compact,
}

impl Protocol {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Binary, Self::Compact];

    /// The name by which users choose it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Compact => "compact",
        }
    }

    /// Whether values are written as text, between which white space may stand.
    pub const fn is_text(self) -> bool {
        match self {
            Self::Binary | Self::Compact => false,
        }
    }

    /// Reads a message's header at the start of `input`, and says where the body starts.
    pub fn read_message_header(self, input: &[u8], limits: Limits) -> Result<(MessageHeader<'_>, usize), DecodeError> {
        fn read<'de>(mut reader: impl InputProtocol<'de>) -> Result<(MessageHeader<'de>, usize), DecodeError> {
            let header = reader.read_message_header()?;
            Ok((header, reader.offset()))
        }
        match self {
            Self::Binary => read(BinaryReader::new(input, limits)),
            Self::Compact => read(CompactReader::new(input, limits)),
        }
    }

    /// Appends a message's header; Binary with a version.
    pub fn write_message_header(self, out: &mut Vec<u8>, header: &MessageHeader<'_>) {
        match self {
            Self::Binary => BinaryWriter::new(out).write_message_header(header),
            Self::Compact => CompactWriter::new(out).write_message_header(header),
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that stands for no protocol.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownProtocol(String);

impl fmt::Display for UnknownProtocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown protocol {:?}, expected one of", self.0)?;
        Protocol::ALL.iter().enumerate().try_for_each(|(index, protocol)| {
            let separator = if index == 0 { "" } else { "," };
            write!(f, "{separator} {protocol}")
        })
    }
}

impl std::error::Error for UnknownProtocol {}

impl FromStr for Protocol {
    type Err = UnknownProtocol;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.iter().find(|protocol| protocol.name() == name);
        known.copied().ok_or_else(|| UnknownProtocol(name.to_owned()))
    }
}

/// What the first bytes of something tell about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Detection {
    /// There are too few bytes: two are always enough.
    NeedMore,
    /// A message with a version: `80 01` for Binary; `82` and a version of 1 for Compact.
    Message(Protocol),
    /// A first byte below `80`: the length of a frame, or of the name with which an old Binary message begins.
    Length,
    /// No message begins so.
    Unknown,
}

/// Tells by its first bytes how a message is encoded; other bytes may be a frame around one.
pub const fn detect(first: &[u8]) -> Detection {
    match first {
        [] | [0x80 | 0x82] => Detection::NeedMore,
        [0x80, 0x01, ..] => Detection::Message(Protocol::Binary),
        [0x82, version, ..] if *version & 0x1f == 1 => Detection::Message(Protocol::Compact),
        [0..0x80, ..] => Detection::Length,
        _ => Detection::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MessageType;

    #[test]
    fn names_parse_back_and_others_are_refused_with_the_choice() {
        for protocol in Protocol::ALL {
            assert_eq!(protocol.name().parse(), Ok(*protocol));
        }
        let error = "Binary".parse::<Protocol>().unwrap_err();
        assert_eq!(error.to_string(), "unknown protocol \"Binary\", expected one of binary, compact");
    }

    #[test]
    fn first_bytes_tell_the_protocol() {
        let header = MessageHeader { name: b"ping", message_type: MessageType::Call, sequence_id: 1 };
        for protocol in Protocol::ALL {
            let mut out = Vec::new();
            protocol.write_message_header(&mut out, &header);
            assert_eq!(detect(&out), Detection::Message(*protocol));
            assert_eq!(detect(&out[..1]), Detection::NeedMore);
            assert_eq!(protocol.read_message_header(&out, Limits::DEFAULT), Ok((header, out.len())));
        }
        assert_eq!(detect(&[]), Detection::NeedMore);
        assert_eq!(detect(&[0, 0, 0, 4]), Detection::Length);
        assert_eq!(detect(b"GET / HTTP/1.1"), Detection::Length);
        assert_eq!(detect(&[0x80, 0x02]), Detection::Unknown);
        assert_eq!(detect(&[0x82, 0x02]), Detection::Unknown);
        assert_eq!(detect(&[0xff]), Detection::Unknown);
    }
}
