//! The few things of a message that a connection reads and writes itself, for the protocol that the connection speaks.

use fastthrift_protocol::{
    ApplicationException, BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol, Limits,
    MessageHeader, OutputProtocol, Protocol, TType,
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
            Protocol::Binary | Protocol::Compact => Self::Strict,
        }
    }
}

/// Where the name stands in a message whose header and name have these lengths: after it come the sequence id, in
/// Binary, and before that the type, in old messages.
pub(crate) fn name_start(protocol: Protocol, form: HeaderForm, header: usize, name: usize) -> usize {
    let after = match (protocol, form) {
        (Protocol::Binary, HeaderForm::Old) => 5,
        (Protocol::Binary, HeaderForm::Strict) => 4,
        _ => 0,
    };
    header - name - after
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
    }
}

/// How many of the first bytes are the struct that a message's body is.
pub(crate) fn body_len(protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
    match protocol {
        Protocol::Binary => struct_len(BinaryReader::new(bytes, limits)),
        Protocol::Compact => struct_len(CompactReader::new(bytes, limits)),
    }
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
    }
}
