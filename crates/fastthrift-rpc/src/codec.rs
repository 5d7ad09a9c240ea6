//! The few things of a message that a connection reads and writes itself, for the protocol that the connection speaks.

use fastthrift_protocol::{
    BinaryReader, BinaryWriter, DecodeError, InputProtocol, Limits, MessageHeader, OutputProtocol, Protocol,
};

/// How a Binary message starts: with a version (strict), or with the length of its name (old).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderForm {
    Strict,
    Old,
}

impl HeaderForm {
    /// The form of a message that starts with this byte: a version has the highest bit set, a length has not.
    pub(crate) fn of(protocol: Protocol, first: u8) -> Self {
        match protocol {
            Protocol::Binary if first < 0x80 => Self::Old,
            Protocol::Binary | Protocol::Compact | Protocol::Json | Protocol::SimpleJson => Self::Strict,
        }
    }
}

/// Where a name that was read from a message stands in it.
pub(crate) fn name_start(message: &[u8], name: &[u8]) -> usize {
    let start = name.as_ptr().addr() - message.as_ptr().addr();
    debug_assert_eq!(message.get(start..start + name.len()), Some(name), "a header's name is a part of the message");
    start
}

/// Reads a message's header, and says where the body starts. Old messages are refused where it is `strict`.
pub(crate) fn read_header(
    protocol: Protocol,
    strict: bool,
    message: &[u8],
    limits: Limits,
) -> Result<(MessageHeader<'_>, usize), DecodeError> {
    if protocol == Protocol::Binary {
        let reader = BinaryReader::new(message, limits);
        let mut reader = if strict { reader.strict() } else { reader };
        return Ok((reader.read_message_header()?, reader.offset()));
    }
    protocol.read_message_header(message, limits)
}

/// Appends a message's header.
#[inline]
pub(crate) fn write_header(protocol: Protocol, form: HeaderForm, header: &MessageHeader<'_>, buffer: &mut Vec<u8>) {
    match (protocol, form) {
        (Protocol::Binary, HeaderForm::Strict) => BinaryWriter::new(buffer).write_message_header(header),
        (Protocol::Binary, HeaderForm::Old) => BinaryWriter::new(buffer).old().write_message_header(header),
        (Protocol::Compact | Protocol::Json | Protocol::SimpleJson, _) => {
            protocol.write_message_header(buffer, header);
        }
    }
}

/// How many of the bytes after a message's header can be its body: without what ends the message. In a frame, other messages may
/// be among them.
pub(crate) fn body_span_len(protocol: Protocol, after_header: &[u8]) -> usize {
    let end: &[u8] = match protocol {
        Protocol::Binary | Protocol::Compact => b"",
        Protocol::Json | Protocol::SimpleJson => b"]",
    };
    after_header.strip_suffix(end).unwrap_or(after_header).len()
}
