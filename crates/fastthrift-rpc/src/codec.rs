//! The few things of a message that a connection reads and writes itself, for the protocol that the connection speaks.

use fastthrift_protocol::{
    ApplicationException, BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol,
    JsonReader, JsonWriter, Limits, MessageHeader, OutputProtocol, Protocol, Scratch, TType,
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
            Protocol::Binary | Protocol::Compact | Protocol::Json => Self::Strict,
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
    if strict && protocol == Protocol::Binary {
        let mut reader = BinaryReader::new(message, limits).strict();
        return Ok((reader.read_message_header()?, reader.offset()));
    }
    protocol.read_message_header(message, limits)
}

/// Appends a message's header.
pub(crate) fn write_header(protocol: Protocol, form: HeaderForm, header: &MessageHeader<'_>, buffer: &mut Vec<u8>) {
    match (protocol, form) {
        (Protocol::Binary, HeaderForm::Strict) => BinaryWriter::new(buffer).write_message_header(header),
        (Protocol::Binary, HeaderForm::Old) => BinaryWriter::new(buffer).old().write_message_header(header),
        (Protocol::Compact, _) => CompactWriter::new(buffer).write_message_header(header),
        (Protocol::Json, _) => JsonWriter::new(buffer).write_message_header(header),
    }
}

/// How many of the first bytes are the struct that a message's body is.
pub(crate) fn body_len(protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
    match protocol {
        Protocol::Binary => struct_len(BinaryReader::new(bytes, limits)),
        Protocol::Compact => struct_len(CompactReader::new(bytes, limits)),
        Protocol::Json => struct_len(JsonReader::new(bytes, &Scratch::new(), limits)),
    }
}

/// How many of the bytes after a message's header can be its body: without what ends the message. In a frame, other messages may
/// be among them.
pub(crate) fn body_span_len(protocol: Protocol, after_header: &[u8]) -> usize {
    let end: &[u8] = match protocol {
        Protocol::Binary | Protocol::Compact => b"",
        Protocol::Json => b"]",
    };
    after_header.strip_suffix(end).unwrap_or(after_header).len()
}

fn struct_len<'de>(mut reader: impl InputProtocol<'de>) -> Result<usize, DecodeError> {
    reader.skip(TType::Struct)?;
    Ok(reader.offset())
}

/// The application exception that `bytes` start with, and how long it is.
pub(crate) fn read_exception(
    protocol: Protocol,
    bytes: &[u8],
    limits: Limits,
) -> Result<(ApplicationException, usize), DecodeError> {
    match protocol {
        Protocol::Binary => read_exception_with(BinaryReader::new(bytes, limits)),
        Protocol::Compact => read_exception_with(CompactReader::new(bytes, limits)),
        Protocol::Json => read_exception_with(JsonReader::new(bytes, &Scratch::new(), limits)),
    }
}

fn read_exception_with<'de>(mut reader: impl InputProtocol<'de>) -> Result<(ApplicationException, usize), DecodeError> {
    let exception = ApplicationException::read(&mut reader)?;
    Ok((exception, reader.offset()))
}

/// Appends an application exception.
pub(crate) fn write_exception(protocol: Protocol, exception: &ApplicationException, buffer: &mut Vec<u8>) {
    match protocol {
        Protocol::Binary => exception.write(&mut BinaryWriter::new(buffer)),
        Protocol::Compact => exception.write(&mut CompactWriter::new(buffer)),
        Protocol::Json => exception.write(&mut JsonWriter::new(buffer)),
    }
}
