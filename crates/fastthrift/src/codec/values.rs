//! Whole values and messages.

use alloc::vec::Vec;

use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, DecodeErrorKind, InputProtocol, JsonReader,
    JsonWriter, Limits, MessageHeader, OutputProtocol, Protocol, Scratch,
};

use super::{Decode, DecodeOwned, Encode, EncodeError, EncodeErrorKind};

/// Writes a value into a new buffer.
///
/// # Errors
/// Those of [`Encode`]; `SimpleJSON`, for which values are written by a schema alone.
pub fn to_vec<T: Encode + ?Sized>(protocol: Protocol, value: &T) -> Result<Vec<u8>, EncodeError> {
    let mut out = Vec::new();
    encode_into(protocol, value, &mut out)?;
    Ok(out)
}

/// Appends a value to a buffer, which after an error is as it was before.
///
/// # Errors
/// As [`to_vec`].
pub fn encode_into<T: Encode + ?Sized>(protocol: Protocol, value: &T, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let start = out.len();
    let encoded = match protocol {
        Protocol::Binary => value.encode(&mut BinaryWriter::new(out)),
        Protocol::Compact => value.encode(&mut CompactWriter::new(out)),
        Protocol::Json => value.encode(&mut JsonWriter::new(out)),
        Protocol::SimpleJson => Err(EncodeError::new(EncodeErrorKind::Unsupported(protocol))),
    };
    if encoded.is_err() {
        out.truncate(start);
    }
    encoded
}

/// Reads a value from the start of `input` under the default limits; bytes after it are ignored.
///
/// # Errors
/// Those of [`Decode`]; `SimpleJSON`, for which values are read by a schema alone.
pub fn from_slice<T: DecodeOwned>(protocol: Protocol, input: &[u8]) -> Result<T, DecodeError> {
    decode_prefix(protocol, input, Limits::DEFAULT).map(|(value, _)| value)
}

/// Reads a value from the start of `input`, and says how many bytes it took.
///
/// # Errors
/// As [`from_slice`].
pub fn decode_prefix<T: DecodeOwned>(
    protocol: Protocol,
    input: &[u8],
    limits: Limits,
) -> Result<(T, usize), DecodeError> {
    from_slice_borrowed(protocol, input, &Scratch::new(), limits)
}

/// Reads a value that may borrow from `input`, and says how many bytes it took. Text that JSON has escaped is borrowed from `scratch`
/// instead, which no other protocol uses.
///
/// # Errors
/// As [`from_slice`].
pub fn from_slice_borrowed<'de, T: Decode<'de>>(
    protocol: Protocol,
    input: &'de [u8],
    scratch: &'de Scratch,
    limits: Limits,
) -> Result<(T, usize), DecodeError> {
    match protocol {
        Protocol::Binary => decode(BinaryReader::new(input, limits)),
        Protocol::Compact => decode(CompactReader::new(input, limits)),
        Protocol::Json => decode(JsonReader::new(input, scratch, limits)),
        Protocol::SimpleJson => Err(unsupported()),
    }
}

/// Reads a value from the start of `input`, and says how many bytes it took. Values of type [`bytes::Bytes`] and [`super::Text`] share
/// the input's memory instead of copying it, and keep it as long as they live; those of JSON are copied.
///
/// # Errors
/// As [`from_slice`].
#[cfg(feature = "bytes")]
pub fn from_bytes<T: DecodeOwned>(
    protocol: Protocol,
    input: &bytes::Bytes,
    limits: Limits,
) -> Result<(T, usize), DecodeError> {
    match protocol {
        Protocol::Binary => decode(BinaryReader::shared(input, limits)),
        Protocol::Compact => decode(CompactReader::shared(input, limits)),
        Protocol::Json | Protocol::SimpleJson => decode_prefix(protocol, input, limits),
    }
}

/// Reads a value, and says how many bytes it took.
#[inline]
pub(crate) fn decode<'de, T: Decode<'de>>(mut reader: impl InputProtocol<'de>) -> Result<(T, usize), DecodeError> {
    let value = T::decode(&mut reader)?;
    Ok((value, reader.offset()))
}

#[cold]
fn unsupported() -> DecodeError {
    DecodeError::new(DecodeErrorKind::Invalid("SimpleJSON needs a schema".into()), 0)
}

/// Appends a whole message: header, body and what ends it. After an error the buffer is as it was before.
///
/// # Errors
/// As [`to_vec`], and for a name of more than 2^31 - 1 bytes.
pub fn write_message<T: Encode + ?Sized>(
    protocol: Protocol,
    header: &MessageHeader<'_>,
    body: &T,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    super::checked_len(header.name.len())?;
    let start = out.len();
    let written = match protocol {
        Protocol::Binary => message(&mut BinaryWriter::new(out), header, body),
        Protocol::Compact => message(&mut CompactWriter::new(out), header, body),
        Protocol::Json => message(&mut JsonWriter::new(out), header, body),
        Protocol::SimpleJson => Err(EncodeError::new(EncodeErrorKind::Unsupported(protocol))),
    };
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn message<T: Encode + ?Sized>(
    out: &mut impl OutputProtocol,
    header: &MessageHeader<'_>,
    body: &T,
) -> Result<(), EncodeError> {
    out.write_message_header(header);
    body.encode(out)?;
    out.write_message_end();
    Ok(())
}

/// Reads a whole message whose body is of a type that is known before its header is: a test's, a file's, a log's.
///
/// # Errors
/// As [`from_slice`], and for what no message starts with.
pub fn read_message<T: DecodeOwned>(
    protocol: Protocol,
    input: &[u8],
    limits: Limits,
) -> Result<(MessageHeader<'_>, T), DecodeError> {
    let (header, start) = protocol.read_message_header(input, limits)?;
    let body = input.get(start..).unwrap_or_default();
    let (value, _) = decode_prefix(protocol, body, limits).map_err(|error| error.moved(start))?;
    Ok((header, value))
}
