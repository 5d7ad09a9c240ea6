//! Text, which is mostly short and mostly ASCII.

#![expect(
    unsafe_code,
    reason = "reading a short string takes less than half of the time when its check is not a call, see codec_speed"
)]

use crate::cursor::error;
use crate::{DecodeError, DecodeErrorKind};

/// The longest text that is looked at where it is read before the general check, and the longest that is looked at here, such as a
/// UUID's 36 characters: the general check goes byte by byte up to where words are aligned.
const SHORT: usize = 32;
const MEDIUM: usize = 128;

/// These bytes, which end at the offset `end`, as text.
#[inline]
pub(crate) fn text(bytes: &[u8], end: usize) -> Result<&str, DecodeError> {
    if is_short_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { core::str::from_utf8_unchecked(bytes) });
    }
    any_text(bytes, end)
}

#[inline(never)]
fn any_text(bytes: &[u8], end: usize) -> Result<&str, DecodeError> {
    if is_medium_ascii(bytes) {
        // SAFETY: ASCII is UTF-8.
        return Ok(unsafe { core::str::from_utf8_unchecked(bytes) });
    }
    core::str::from_utf8(bytes).map_err(|invalid| {
        let offset = end - bytes.len() + invalid.valid_up_to();
        error(DecodeErrorKind::InvalidUtf8, offset)
    })
}

/// The upper bit of each byte of a word.
const UPPER: u64 = 0x8080_8080_8080_8080;

/// Whether these are at most [`SHORT`] bytes, none of which has its upper bit set. The words that are looked at
/// overlap.
#[inline]
fn is_short_ascii(bytes: &[u8]) -> bool {
    let word =
        |at: usize| bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(UPPER, |word| u64::from_ne_bytes(*word));
    let len = bytes.len();
    let bits = match len {
        0..8 => u64::from(bytes.iter().fold(0, |bits, &byte| bits | byte)),
        8..=16 => word(0) | word(len - 8),
        17..=SHORT => word(0) | word(8) | word(len - 16) | word(len - 8),
        _ => UPPER,
    };
    bits & UPPER == 0
}

/// Whether these are more than a word and at most [`MEDIUM`] bytes, none of which has its upper bit set. The last word that is looked
/// at overlaps the one before.
fn is_medium_ascii(bytes: &[u8]) -> bool {
    let Some(last) = bytes.last_chunk().filter(|_| bytes.len() <= MEDIUM) else { return false };
    let (words, _) = bytes.as_chunks();
    words.iter().fold(u64::from_ne_bytes(*last), |bits, word| bits | u64::from_ne_bytes(*word)) & UPPER == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_checked_at_every_length_and_place() {
        for len in 0..2 * MEDIUM {
            let mut bytes = vec![b'x'; len];
            assert_eq!(text(&bytes, len).map(str::len), Ok(len));
            for place in 0..len {
                bytes[place] = 0xff;
                assert_eq!(text(&bytes, 100 + len).unwrap_err().offset(), 100 + place, "{len}");
                bytes[place] = b'x';
            }
        }
        assert_eq!(text("größer".as_bytes(), 0), Ok("größer"));
    }
}
