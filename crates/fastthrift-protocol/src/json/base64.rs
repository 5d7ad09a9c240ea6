use base64::Engine as _;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::Scratch;
use crate::cursor::error;
use crate::{DecodeError, DecodeErrorKind};

/// Writes padding, as Python does; reads with and without it, since C++ writes none, and does not look at the bits after the
/// last byte.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes that this base64 stands for, at most `limit` of them; `offset` is where the text starts.
pub(super) fn decode<'de>(
    text: &[u8],
    limit: usize,
    offset: usize,
    scratch: &'de Scratch,
) -> Result<&'de [u8], DecodeError> {
    // Exact but for padding, which is at most two bytes.
    let size = text.len() / 4 * 3 + text.len() % 4;
    if size.saturating_sub(3) > limit {
        return Err(error(DecodeErrorKind::SizeLimit { what: "string", size, limit }, offset));
    }
    let bytes = scratch.bytes(size, offset)?;
    match ENGINE.decode_slice(text, bytes) {
        Ok(size) if size > limit => Err(error(DecodeErrorKind::SizeLimit { what: "string", size, limit }, offset)),
        Ok(size) => Ok(&bytes[..size]),
        Err(_) => Err(error(DecodeErrorKind::Invalid("string is not valid base64".into()), offset)),
    }
}

/// Writes base64 with padding into `into`, which must be as long as [`encoded_len`] says.
pub(super) fn encode(bytes: &[u8], into: &mut [u8]) {
    ENGINE.encode_slice(bytes, into).expect("invariant: the room is as long as the text");
}

/// How long the base64 of so many bytes is, with padding.
pub(super) fn encoded_len(len: usize) -> usize {
    len.div_ceil(3) * 4
}
