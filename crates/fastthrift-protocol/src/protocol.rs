use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol, JsonReader, JsonWriter,
    Limits, MessageHeader, OutputProtocol, Scratch, TType, json,
};

/// A way to put values into bytes. Every user matches all of them, so that a new one is forgotten nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// [`BinaryReader`], [`BinaryWriter`]
    Binary,
    /// [`CompactReader`], [`CompactWriter`]
    Compact,
    /// [`JsonReader`], [`JsonWriter`]
    Json,
    /// JSON with the names of fields and without types. It is read and written by a schema, so there is no [`InputProtocol`] and no
    /// [`OutputProtocol`] for it; what stands around the values of a message needs none, and is here.
    SimpleJson,
}

impl Protocol {
    /// All of them.
    pub const ALL: &[Self] = &[Self::Binary, Self::Compact, Self::Json, Self::SimpleJson];

    /// Those whose bytes tell the types of values, so that an [`InputProtocol`] reads them without a schema.
    pub const TYPED: &[Self] = &[Self::Binary, Self::Compact, Self::Json];

    /// The name by which users choose it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binary => "binary",
            Self::Compact => "compact",
            Self::Json => "json",
            Self::SimpleJson => "simplejson",
        }
    }

    /// Whether values are written as text, between which white space may stand.
    pub const fn is_text(self) -> bool {
        match self {
            Self::Binary | Self::Compact => false,
            Self::Json | Self::SimpleJson => true,
        }
    }

    /// Reads a message's header at the start of `input`, and says where the body starts. The name is a part of the input.
    ///
    /// In JSON and `SimpleJSON`, a name with escapes is refused for that reason; [`JsonReader`] reads it.
    pub fn read_message_header(self, input: &[u8], limits: Limits) -> Result<(MessageHeader<'_>, usize), DecodeError> {
        fn read<'de>(mut reader: impl InputProtocol<'de>) -> Result<(MessageHeader<'de>, usize), DecodeError> {
            let header = reader.read_message_header()?;
            Ok((header, reader.offset()))
        }
        match self {
            Self::Binary => read(BinaryReader::new(input, limits)),
            Self::Compact => read(CompactReader::new(input, limits)),
            Self::Json => json::read_plain_header(json::Form::Json, input, limits),
            Self::SimpleJson => json::read_plain_header(json::Form::Simple, input, limits),
        }
    }

    /// Appends a message's header; Binary with a version.
    pub fn write_message_header(self, out: &mut Vec<u8>, header: &MessageHeader<'_>) {
        match self {
            Self::Binary => BinaryWriter::new(out).write_message_header(header),
            Self::Compact => CompactWriter::new(out).write_message_header(header),
            Self::Json => JsonWriter::new(out).write_message_header(header),
            Self::SimpleJson => json::write_header(json::Form::Simple, out, header),
        }
    }

    /// Appends what ends a message after its body: nothing in most protocols.
    pub fn write_message_end(self, out: &mut Vec<u8>) {
        match self {
            Self::Binary => BinaryWriter::new(out).write_message_end(),
            Self::Compact => CompactWriter::new(out).write_message_end(),
            Self::Json => JsonWriter::new(out).write_message_end(),
            Self::SimpleJson => out.push(b']'),
        }
    }

    /// How many of the first bytes are a struct, such as a message's body. In `SimpleJSON` it is looked through for its last bracket
    /// alone: what is wrong between the brackets is left to whoever reads it by a schema.
    pub fn struct_len(self, bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
        fn len<'de>(mut reader: impl InputProtocol<'de>) -> Result<usize, DecodeError> {
            reader.skip(TType::Struct)?;
            Ok(reader.offset())
        }
        match self {
            Self::Binary => len(BinaryReader::new(bytes, limits)),
            Self::Compact => len(CompactReader::new(bytes, limits)),
            Self::Json => len(JsonReader::new(bytes, &Scratch::new(), limits)),
            Self::SimpleJson => json::object_len(bytes, limits),
        }
    }

    /// How many of these bytes, which follow a message's body, still belong to the message: in JSON and `SimpleJSON` its last bracket,
    /// and the whitespace around that.
    pub fn message_end_len(self, after_body: &[u8]) -> usize {
        let spaces = |bytes: &[u8]| bytes.iter().take_while(|byte| is_space(**byte)).count();
        match self {
            Self::Binary | Self::Compact => 0,
            Self::Json | Self::SimpleJson => {
                let before = spaces(after_body);
                match after_body.get(before..).unwrap_or_default() {
                    [b']', rest @ ..] => before + 1 + spaces(rest),
                    _ => before,
                }
            }
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

impl core::error::Error for UnknownProtocol {}

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
    /// There are too few bytes: two are enough, but for whitespace after a bracket, of which up to 16 bytes are looked at.
    NeedMore,
    /// A message: `80 01` for Binary with a version; `82` and a version of 1 for Compact; `[` and `1` for JSON; `[` and `"` for
    /// `SimpleJSON`.
    Message(Protocol),
    /// A first byte below `80`: the length of a frame, or of the name with which an old Binary message begins.
    Length,
    /// No message begins so.
    Unknown,
}

/// Tells by its first bytes how a message is encoded; other bytes may be a frame around one.
pub const fn detect(first: &[u8]) -> Detection {
    match first {
        [] | [0x80 | 0x82 | b'['] => Detection::NeedMore,
        [0x80, 0x01, ..] => Detection::Message(Protocol::Binary),
        [0x82, version, ..] if *version & 0x1f == 1 => Detection::Message(Protocol::Compact),
        [b'[', after @ ..] => detect_json(after),
        [0..0x80, ..] => Detection::Length,
        _ => Detection::Unknown,
    }
}

/// Tells what the bytes after the bracket that messages of both kinds of JSON start with are: whitespace, then the version or, where
/// there is none, the name.
const fn detect_json(mut after: &[u8]) -> Detection {
    let mut spaces = 0;
    while let [byte, rest @ ..] = after {
        match *byte {
            b'1' => return Detection::Message(Protocol::Json),
            b'"' => return Detection::Message(Protocol::SimpleJson),
            other if is_space(other) && spaces < 16 => {}
            _ => return Detection::Length,
        }
        after = rest;
        spaces += 1;
    }
    Detection::NeedMore
}

const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
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
        assert_eq!(error.to_string(), "unknown protocol \"Binary\", expected one of binary, compact, json, simplejson");
    }

    #[test]
    fn the_end_of_a_message_is_its_last_bracket_in_json() {
        let mut out = Vec::new();
        for protocol in Protocol::ALL {
            let start = out.len();
            protocol.write_message_end(&mut out);
            assert_eq!(protocol.message_end_len(&out[start..]), out.len() - start);
        }
        assert_eq!(out, b"]]");
        assert_eq!(Protocol::Json.message_end_len(b" ] \n[1"), 4);
        assert_eq!(Protocol::Json.message_end_len(b"\0]"), 0);
        assert_eq!(Protocol::Compact.message_end_len(b"]"), 0);
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
        assert_eq!(detect(b"[ \n"), Detection::NeedMore);
        assert_eq!(detect(b"[ \n1"), Detection::Message(Protocol::Json));
        assert_eq!(detect(b"[ \""), Detection::Message(Protocol::SimpleJson));
        assert_eq!(detect(b"[2"), Detection::Length);
        assert_eq!(detect(b"{\"ping\""), Detection::Length);
        assert_eq!(detect(b"[                  1"), Detection::Length);
        assert_eq!(detect(&[0, 0, 0, 4]), Detection::Length);
        assert_eq!(detect(b"GET / HTTP/1.1"), Detection::Length);
        assert_eq!(detect(&[0x80, 0x02]), Detection::Unknown);
        assert_eq!(detect(&[0x82, 0x02]), Detection::Unknown);
        assert_eq!(detect(&[0xff]), Detection::Unknown);
    }
}
