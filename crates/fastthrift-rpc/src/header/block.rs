use std::time::Duration;

use fastthrift_protocol::Protocol;

use super::{MAGIC, Transform, Transforms};
use crate::framing::FRAME_HEADER;
use crate::headers::TIMEOUT;
use crate::{HeaderError, Headers, HeadersError};

/// Bytes of the magic, the flags, the sequence id and the count of words.
const FIXED: usize = 10;
/// Bytes of a word.
const WORD: usize = 4;
/// The longest block in words; Apache's C++ library refuses more.
const MAX_WORDS: u16 = (1 << 14) - 1;
/// The infos that are lists of keys and values: of one message, and those that fbthrift's older versions mean to last.
const KEY_VALUES: u32 = 1;
const LASTING_KEY_VALUES: u32 = 2;

/// What stands before a message that goes out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HeaderFrame<'a> {
    pub(crate) flags: u16,
    pub(crate) sequence_id: i32,
    pub(crate) protocol: Protocol,
    pub(crate) transforms: &'a [Transform],
    pub(crate) headers: &'a Headers,
    /// The time to announce.
    pub(crate) timeout: Option<Duration>,
}

/// The front of a frame, whose block is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Front<'a> {
    pub(super) flags: u16,
    pub(super) sequence_id: i32,
    pub(super) block: &'a [u8],
    pub(super) payload: &'a [u8],
}

/// Appends a frame up to where its message starts; appends nothing when there are too many headers.
pub(crate) fn open_frame(buffer: &mut Vec<u8>, frame: &HeaderFrame<'_>) -> Result<(), HeadersError> {
    let start = buffer.len();
    let written = write_front(buffer, frame);
    if written.is_err() {
        buffer.truncate(start);
    }
    written
}

/// Where the message starts in this frame, which [`open_frame`] wrote.
pub(crate) fn payload_start(frame: &[u8]) -> Option<usize> {
    let words = frame.get(FRAME_HEADER + FIXED - 2..)?.first_chunk()?;
    Some(FRAME_HEADER + FIXED + usize::from(u16::from_be_bytes(*words)) * WORD)
}

fn write_front(buffer: &mut Vec<u8>, frame: &HeaderFrame<'_>) -> Result<(), HeadersError> {
    buffer.extend_from_slice(&[0; FRAME_HEADER]);
    buffer.extend_from_slice(&MAGIC);
    buffer.extend_from_slice(&frame.flags.to_be_bytes());
    buffer.extend_from_slice(&frame.sequence_id.to_be_bytes());
    let words = buffer.len();
    buffer.extend_from_slice(&[0; 2]);
    let block = buffer.len();
    write_varint(buffer, protocol_id(frame.protocol));
    write_varint(buffer, length(frame.transforms.len()));
    for transform in frame.transforms {
        write_varint(buffer, transform.id());
    }
    write_headers(buffer, frame.headers, frame.timeout)?;
    let size = (buffer.len() - block).next_multiple_of(WORD);
    buffer.resize(block + size, 0);
    let too_large = HeadersError::TooLarge { size, limit: usize::from(MAX_WORDS) * WORD };
    let count = u16::try_from(size / WORD).ok().filter(|count| *count <= MAX_WORDS).ok_or(too_large)?;
    buffer[words..block].copy_from_slice(&count.to_be_bytes());
    Ok(())
}

fn write_headers(buffer: &mut Vec<u8>, headers: &Headers, timeout: Option<Duration>) -> Result<(), HeadersError> {
    let timeout = timeout.filter(|_| headers.find(TIMEOUT).is_none());
    let count = headers.len() + usize::from(timeout.is_some());
    if count == 0 {
        return Ok(());
    }
    if count > Headers::MAX_LEN {
        return Err(HeadersError::TooMany { count, limit: Headers::MAX_LEN });
    }
    if headers.size() > Headers::MAX_BYTES {
        return Err(HeadersError::TooLarge { size: headers.size(), limit: Headers::MAX_BYTES });
    }
    write_varint(buffer, KEY_VALUES);
    write_varint(buffer, length(count));
    for (name, value) in headers.iter() {
        write_text(buffer, name);
        write_text(buffer, value);
    }
    if let Some(timeout) = timeout {
        write_text(buffer, TIMEOUT);
        // Zero would mean that there is none.
        write_text(buffer, &timeout.as_nanos().div_ceil(1_000_000).max(1).to_string());
    }
    Ok(())
}

fn write_text(buffer: &mut Vec<u8>, text: &str) {
    write_varint(buffer, length(text.len()));
    buffer.extend_from_slice(text.as_bytes());
}

/// A length that was checked to be small, as it is written.
fn length(len: usize) -> u32 {
    u32::try_from(len).expect("invariant: headers and transforms are checked before they are written")
}

fn write_varint(buffer: &mut Vec<u8>, mut number: u32) {
    while number >= 0x80 {
        buffer.push(u8::try_from(number & 0x7f).expect("invariant: seven bits") | 0x80);
        number >>= 7;
    }
    buffer.push(u8::try_from(number).expect("invariant: seven bits"));
}

/// Splits a frame's content into its parts.
pub(super) fn split(frame: &[u8]) -> Result<Front<'_>, HeaderError> {
    let (fixed, rest) = frame.split_first_chunk::<FIXED>().ok_or(HeaderError::CutShort)?;
    let [magic_high, magic_low, flags_high, flags_low, sequence_id @ .., words_high, words_low] = *fixed;
    debug_assert_eq!([magic_high, magic_low], MAGIC, "the magic is checked before");
    let flags = u16::from_be_bytes([flags_high, flags_low]);
    let words = u16::from_be_bytes([words_high, words_low]);
    let size = usize::from(words) * WORD;
    if words > MAX_WORDS {
        return Err(HeadersError::TooLarge { size, limit: usize::from(MAX_WORDS) * WORD }.into());
    }
    let (block, payload) = rest.split_at_checked(size).ok_or(HeaderError::CutShort)?;
    Ok(Front { flags, sequence_id: i32::from_be_bytes(sequence_id), block, payload })
}

/// Reads the protocol that a block starts with, and gives the rest.
pub(super) fn read_protocol(mut block: &[u8]) -> Result<(Protocol, &[u8]), HeaderError> {
    let id = read_varint(&mut block)?;
    Ok((protocol_of(id).ok_or(HeaderError::UnknownProtocol(id))?, block))
}

/// Reads what follows the protocol: the transforms and the headers, which are added.
pub(super) fn read_block(mut block: &[u8], headers: &mut Headers) -> Result<Transforms, HeaderError> {
    let mut transforms = Transforms::default();
    for _ in 0..read_varint(&mut block)? {
        let id = read_varint(&mut block)?;
        transforms.push(Transform::of(id).ok_or(HeaderError::UnknownTransform(id))?)?;
    }
    while !block.is_empty() {
        match read_varint(&mut block)? {
            KEY_VALUES | LASTING_KEY_VALUES => read_headers(&mut block, headers)?,
            // How long an unknown info is cannot be known; zero fills up.
            _ => break,
        }
    }
    Ok(transforms)
}

fn read_headers(block: &mut &[u8], headers: &mut Headers) -> Result<(), HeaderError> {
    let count = usize::try_from(read_varint(block)?).map_err(|_| HeaderError::CutShort)?.saturating_add(headers.len());
    if count > Headers::MAX_LEN {
        return Err(HeadersError::TooMany { count, limit: Headers::MAX_LEN }.into());
    }
    while headers.len() < count {
        let name = read_bytes(block)?;
        headers.push_bytes(name, read_bytes(block)?);
    }
    Ok(())
}

fn read_bytes<'a>(block: &mut &'a [u8]) -> Result<&'a [u8], HeaderError> {
    let len = usize::try_from(read_varint(block)?).map_err(|_| HeaderError::CutShort)?;
    let (bytes, rest) = block.split_at_checked(len).ok_or(HeaderError::CutShort)?;
    *block = rest;
    Ok(bytes)
}

/// Reads an unsigned number of at most 32 bits, the lowest seven first.
fn read_varint(block: &mut &[u8]) -> Result<u32, HeaderError> {
    let mut number = 0_u64;
    for shift in [0, 7, 14, 21, 28] {
        let (byte, rest) = block.split_first().ok_or(HeaderError::CutShort)?;
        *block = rest;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return u32::try_from(number).map_err(|_| HeaderError::BrokenNumber);
        }
    }
    Err(HeaderError::BrokenNumber)
}

fn protocol_id(protocol: Protocol) -> u32 {
    match protocol {
        Protocol::Binary => 0,
        Protocol::Json => 1,
        Protocol::Compact => 2,
        Protocol::SimpleJson => 5,
    }
}

fn protocol_of(id: u32) -> Option<Protocol> {
    Protocol::ALL.iter().copied().find(|protocol| protocol_id(*protocol) == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame<'a>(headers: &'a Headers, transforms: &'a [Transform]) -> HeaderFrame<'a> {
        HeaderFrame { flags: 3, sequence_id: -2, protocol: Protocol::Compact, transforms, headers, timeout: None }
    }

    fn written(frame: &HeaderFrame<'_>) -> Vec<u8> {
        let mut buffer = Vec::new();
        open_frame(&mut buffer, frame).unwrap();
        buffer
    }

    /// The headers of a block that names Binary and no transform before this.
    fn infos(bytes: &[u8]) -> Result<Vec<(String, String)>, HeaderError> {
        let mut headers = Headers::new();
        read_block(&[b"\0", bytes].concat(), &mut headers)?;
        Ok(headers.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }

    #[test]
    fn a_frame_is_as_the_specification_draws_it() {
        let bytes = written(&frame(Headers::none(), &[]));
        assert_eq!(bytes, b"\0\0\0\0\x0f\xff\0\x03\xff\xff\xff\xfe\0\x01\x02\0\0\0");
        let headers = [("key", "value")].into_iter().collect();
        let bytes = written(&frame(&headers, &[Transform::Zlib]));
        assert_eq!(&bytes[12..], b"\0\x04\x02\x01\x01\x01\x01\x03key\x05value\0");
        assert_eq!(payload_start(&bytes), Some(bytes.len()));
    }

    #[test]
    fn what_is_written_is_read() {
        let headers = [("a", "1"), ("long", &"x".repeat(300)), ("ü", "")].into_iter().collect();
        let transforms = [Transform::Zstd, Transform::Zlib];
        let bytes =
            written(&HeaderFrame { timeout: Some(Duration::from_micros(1500)), ..frame(&headers, &transforms) });
        let front = split(&bytes[4..]).unwrap();
        assert_eq!((front.flags, front.sequence_id, front.payload), (3, -2, &b""[..]));
        let (protocol, rest) = read_protocol(front.block).unwrap();
        let mut read = Headers::new();
        assert_eq!(&read_block(rest, &mut read).unwrap()[..], &transforms[..]);
        assert_eq!((protocol, read.find("client_timeout")), (Protocol::Compact, Some("2")));
        assert!(read.remove("client_timeout"));
        assert_eq!(read, headers);
    }

    #[test]
    fn infos_end_with_the_block_or_at_one_that_is_unknown_or_fills_up() {
        let one = [("k".to_owned(), "v".to_owned())];
        assert_eq!(infos(b"").as_deref(), Ok(&[][..]));
        for fill in [&b""[..], b"\0", b"\0\0\0\0", b"\x07\xff\xff\xff\xff\xff"] {
            assert_eq!(infos(&[b"\x01\x01\x01k\x01v", fill].concat()).as_deref(), Ok(&one[..]));
        }
        assert_eq!(infos(b"\x02\x01\x01k\x01v\x01\x01\x01a\x01b").map(|found| found.len()), Ok(2));
    }

    #[test]
    fn infos_that_are_cut_short_or_too_many_are_refused() {
        for short in [&b"\x01"[..], b"\x01\x01", b"\x01\x01\x03k", b"\x01\x01\x01k", b"\x01\x02\x01k\x01v", b"\x81"] {
            assert_eq!(infos(short), Err(HeaderError::CutShort), "{short:?}");
        }
        assert_eq!(infos(b"\xff\xff\xff\xff\x7f"), Err(HeaderError::BrokenNumber));
        assert_eq!(infos(b"\xff\xff\xff\xff\xff\x01"), Err(HeaderError::BrokenNumber));
        let too_many = HeadersError::TooMany { count: 257, limit: 256 };
        assert_eq!(infos(b"\x01\x81\x02"), Err(too_many.into()));
        let full = [&b"\x01\x80\x02"[..], &b"\0\0".repeat(256)].concat();
        assert_eq!(infos(&full).map(|found| found.len()), Ok(256));
        assert_eq!(infos(&[&full[..], b"\x01\x01"].concat()), Err(too_many.into()));
    }

    #[test]
    fn unknown_protocols_and_transforms_are_named() {
        assert_eq!(read_protocol(b"\x03\0"), Err(HeaderError::UnknownProtocol(3)));
        assert_eq!(read_block(b"\x01\x03", &mut Headers::new()), Err(HeaderError::UnknownTransform(3)));
        assert_eq!(read_block(&[9, 1, 1, 1, 1, 1, 1], &mut Headers::new()), Err(HeaderError::TooManyTransforms));
    }

    #[test]
    fn a_block_longer_than_its_frame_or_the_limit_is_refused() {
        assert_eq!(split(b"\x0f\xff\0\0\0\0\0\0\0\x01abc"), Err(HeaderError::CutShort));
        assert_eq!(split(b"\x0f\xff\0\0\0\0"), Err(HeaderError::CutShort));
        let too_large = HeadersError::TooLarge { size: 65_536, limit: 65_532 };
        assert_eq!(split(b"\x0f\xff\0\0\0\0\0\0\x40\0"), Err(too_large.into()));
    }

    #[test]
    fn more_headers_than_may_travel_are_not_written() {
        let many: Headers = std::iter::repeat_n(("n", "v"), 257).collect();
        let large: Headers = [("n", &"v".repeat(65_530)[..])].into_iter().collect();
        for (headers, error) in [
            (many, HeadersError::TooMany { count: 257, limit: 256 }),
            (large, HeadersError::TooLarge { size: 65_540, limit: 65_532 }),
        ] {
            let mut buffer = b"before".to_vec();
            assert_eq!(open_frame(&mut buffer, &frame(&headers, &[])), Err(error));
            assert_eq!(buffer, b"before");
        }
    }
}
