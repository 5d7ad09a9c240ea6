//! Text between quotes: finding its end, and its escapes (RFC 8259, section 7).

use super::Scratch;
use crate::cursor::{error, unexpected_end};
use crate::{DecodeError, DecodeErrorKind};

/// A string's bytes as they stand between the quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct RawString<'de> {
    pub(super) bytes: &'de [u8],
    pub(super) has_escapes: bool,
}

/// Finds the end of the string of which the bytes after the opening quote are `rest`; `offset` is where these start.
#[inline]
pub(super) fn raw_string(rest: &[u8], offset: usize) -> Result<RawString<'_>, DecodeError> {
    match find_special(rest) {
        Some(len) if rest[len] == b'"' => Ok(RawString { bytes: &rest[..len], has_escapes: false }),
        Some(len) => raw_escaped(rest, len, offset),
        None => Err(unexpected_end(1, offset + rest.len())),
    }
}

/// Goes on at the first backslash, at `place`.
#[inline(never)]
fn raw_escaped(rest: &[u8], mut place: usize, offset: usize) -> Result<RawString<'_>, DecodeError> {
    loop {
        // Past the backslash and what it escapes, which is neither the end nor another escape's start.
        let after = rest.get(place + 2..).unwrap_or_default();
        match find_special(after) {
            Some(len) if after[len] == b'"' => {
                return Ok(RawString { bytes: &rest[..place + 2 + len], has_escapes: true });
            }
            Some(len) => place += 2 + len,
            None => return Err(unexpected_end(1, offset + rest.len())),
        }
    }
}

/// Where the first quote or backslash is.
#[inline]
pub(super) fn find_special(bytes: &[u8]) -> Option<usize> {
    /// Bytes that are looked at together where text is long.
    const WIDE: usize = 32;
    let is_special = |byte: u8| byte == b'"' || byte == b'\\';
    let mut place = 0;
    while let Some(word) = bytes.get(place..).and_then(<[u8]>::first_chunk) {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ repeat(b'"')) | zero_bytes(word ^ repeat(b'\\'));
        if found != 0 {
            return Some(place + lowest_byte(found));
        }
        place += 8;
        while let Some(wide) = bytes.get(place..).and_then(<[u8]>::first_chunk::<WIDE>)
            && !wide.iter().fold(false, |any, &byte| any | is_special(byte))
        {
            place += WIDE;
        }
    }
    let rest = bytes.get(place..).unwrap_or_default();
    rest.iter().position(|&byte| is_special(byte)).map(|at| place + at)
}

#[inline]
pub(super) const fn repeat(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// Has the upper bit of each byte set that is 0; the lowest of them is exact, those above it may be wrong.
#[inline]
pub(super) const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(repeat(1)) & !word & repeat(0x80)
}

/// Which byte the lowest bit is in.
#[inline]
pub(super) const fn lowest_byte(bits: u64) -> usize {
    (bits.trailing_zeros() / 8) as usize
}

/// The text of a raw string; `offset` is where its bytes start.
#[inline]
pub(super) fn unescaped<'de>(
    raw: RawString<'de>,
    offset: usize,
    scratch: &'de Scratch,
) -> Result<&'de [u8], DecodeError> {
    if raw.has_escapes { unescape(raw.bytes, offset, scratch) } else { Ok(raw.bytes) }
}

#[inline(never)]
fn unescape<'de>(raw: &[u8], offset: usize, scratch: &'de Scratch) -> Result<&'de [u8], DecodeError> {
    let text = scratch.bytes(raw.len(), offset)?;
    let mut len = 0;
    let mut escapes = Escapes { raw, place: 0, offset };
    while let Some(plain) = escapes.plain_run() {
        text[len..len + plain.len()].copy_from_slice(plain);
        len += plain.len();
        if let Some(character) = escapes.next_escape()? {
            // An escape is never shorter than its character's UTF-8, so there is room.
            len += character.encode_utf8(&mut text[len..]).len();
        }
    }
    Ok(&text[..len])
}

/// Checks what stands in a raw string without unescaping it, and says how long its text is.
pub(super) fn unescaped_len(raw: RawString<'_>, offset: usize) -> Result<usize, DecodeError> {
    if !raw.has_escapes {
        return Ok(raw.bytes.len());
    }
    let mut len = 0;
    let mut escapes = Escapes { raw: raw.bytes, place: 0, offset };
    while let Some(plain) = escapes.plain_run() {
        len += plain.len() + escapes.next_escape()?.map_or(0, char::len_utf8);
    }
    Ok(len)
}

/// Goes through a raw string: runs of bytes that stand for themselves, and an escape after each but the last.
struct Escapes<'a> {
    raw: &'a [u8],
    place: usize,
    offset: usize,
}

impl<'a> Escapes<'a> {
    /// The bytes up to the next escape or the end; `None` at the end.
    fn plain_run(&mut self) -> Option<&'a [u8]> {
        let rest = self.raw.get(self.place..).filter(|rest| !rest.is_empty())?;
        let len = find_special(rest).unwrap_or(rest.len());
        self.place += len;
        Some(&rest[..len])
    }

    /// The character of the escape that is next; `None` at the end.
    fn next_escape(&mut self) -> Result<Option<char>, DecodeError> {
        if self.place == self.raw.len() {
            return Ok(None);
        }
        let letter = self.byte(1, "an escape")?;
        let character = match letter {
            b'"' | b'\\' | b'/' => char::from(letter),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.code_point().map(Some),
            _ => return Err(self.unexpected(1, "an escape that JSON has")),
        };
        self.place += 2;
        Ok(Some(character))
    }

    /// A character that is written as one code unit of UTF-16, or as two that belong together.
    fn code_point(&mut self) -> Result<char, DecodeError> {
        let first = self.code_unit()?;
        let number = match first {
            0xd800..0xdc00 => {
                let expected = "the second half of a surrogate pair";
                if self.raw.get(self.place..self.place + 2) != Some(b"\\u") {
                    return Err(self.unexpected(0, expected));
                }
                let second = self.code_unit()?;
                if !(0xdc00..0xe000).contains(&second) {
                    self.place -= 6;
                    return Err(self.unexpected(2, expected));
                }
                0x1_0000 + ((first - 0xd800) << 10 | (second - 0xdc00))
            }
            number => number,
        };
        // What is left is the second half of a pair without a first one.
        char::from_u32(number).ok_or_else(|| {
            self.place -= 6;
            self.unexpected(2, "the first half of a surrogate pair before the second")
        })
    }

    /// The number in `\uXXXX`.
    fn code_unit(&mut self) -> Result<u32, DecodeError> {
        let mut unit = 0;
        for place in 2..6 {
            let expected = "a hexadecimal digit";
            let digit = char::from(self.byte(place, expected)?).to_digit(16);
            unit = unit << 4 | digit.ok_or_else(|| self.unexpected(place, expected))?;
        }
        self.place += 6;
        Ok(unit)
    }

    fn byte(&self, ahead: usize, expected: &'static str) -> Result<u8, DecodeError> {
        self.raw.get(self.place + ahead).copied().ok_or_else(|| self.unexpected(ahead, expected))
    }

    /// The string's end counts as its closing quote.
    fn unexpected(&self, ahead: usize, expected: &'static str) -> DecodeError {
        let place = (self.place + ahead).min(self.raw.len());
        let found = self.raw.get(place).copied().unwrap_or(b'"');
        error(DecodeErrorKind::Json { expected, found }, self.offset + place)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &[u8]) -> Result<Vec<u8>, DecodeError> {
        let scratch = Scratch::new();
        let raw = raw_string(text, 0)?;
        let read = unescaped(raw, 0, &scratch);
        match (&read, unescaped_len(raw, 0)) {
            (Ok(text), Ok(len)) => assert_eq!(text.len(), len),
            (Err(error), Err(again)) => assert_eq!(*error, again),
            different => panic!("{different:?}"),
        }
        read.map(<[u8]>::to_vec)
    }

    #[test]
    fn the_end_of_a_string_is_found_at_every_length() {
        for len in 0..150 {
            let mut text = vec![b'x'; len];
            text.extend_from_slice(b"\" and \\more\"");
            assert_eq!(read(&text).unwrap(), vec![b'x'; len]);
            for place in 0..len {
                text[place] = b'\\';
                if place + 1 < len {
                    text[place + 1] = b'n';
                    assert_eq!(read(&text).unwrap().len(), len - 1, "{place} of {len}");
                    text[place + 1] = b'x';
                }
                text[place] = b'x';
            }
            let cut = read(&text[..len]).unwrap_err();
            assert_eq!((cut.kind(), cut.offset()), (&DecodeErrorKind::UnexpectedEnd { needed: 1 }, len));
        }
    }

    #[test]
    fn every_escape_is_read() {
        let text = br#"\"\\\/\b\f\n\r\t \u0041\u00e9\u20AC\ud83d\ude00 \u0000|""#;
        assert_eq!(read(text).unwrap(), "\"\\/\u{8}\u{c}\n\r\t A\u{e9}\u{20ac}\u{1f600} \0|".as_bytes());
        assert_eq!(read(b"raw \x01\n\x7f\xff\"").unwrap(), b"raw \x01\n\x7f\xff");
    }

    #[test]
    fn broken_escapes_are_refused_where_they_stand() {
        let cases: &[(&[u8], usize, u8)] = &[
            (b"ab\\x\"", 3, b'x'),
            (b"\\u00g0\"", 4, b'g'),
            (b"\\u00\"", 4, b'"'),
            (b"a\\ud83d\"", 7, b'"'),
            (b"\\ud83dxx\"", 6, b'x'),
            (b"\\ud83d\\n\"", 6, b'\\'),
            (b"\\ud83d\\ud83d\"", 8, b'd'),
            (b"\\ude00 \"", 2, b'd'),
        ];
        for (text, offset, found) in cases {
            let error = read(text).unwrap_err();
            assert_eq!(error.offset(), *offset, "{error}");
            assert!(matches!(error.kind(), DecodeErrorKind::Json { found: byte, .. } if byte == found), "{error}");
        }
    }
}
