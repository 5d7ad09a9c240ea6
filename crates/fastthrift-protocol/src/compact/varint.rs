//! Variable-length integers: seven bits a byte, the lowest first, the upper bit set on all bytes but the last. Signed
//! numbers are folded (zigzag) before, so that small ones of either sign are short.

use crate::cursor::{Cursor, error, unexpected_end};
use crate::{DecodeError, DecodeErrorKind, Sink};

/// The upper bit of each byte.
pub(super) const CONTINUES: u64 = 0x8080_8080_8080_8080;

/// Reads at most 5 bytes.
#[inline]
pub(super) fn read_u32(cursor: &mut Cursor<'_>) -> Result<u32, DecodeError> {
    match *cursor.rest() {
        [first, ..] if first < 0x80 => {
            cursor.advance(1);
            Ok(first.into())
        }
        _ => {
            let [b0, b1, b2, b3, ..] = read_long_u32(cursor)?.to_le_bytes();
            Ok(u32::from_le_bytes([b0, b1, b2, b3]))
        }
    }
}

/// Reads at most 10 bytes.
#[inline]
pub(super) fn read_u64(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    match *cursor.rest() {
        [first, ..] if first < 0x80 => {
            cursor.advance(1);
            Ok(first.into())
        }
        _ => read_long_u64(cursor),
    }
}

/// The upper half of what it returns is 0: a result of 64 bits comes in registers, and one of 32 bits does not.
#[inline(never)]
fn read_long_u32(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    if let Some(value) = read_middle(cursor) {
        return Ok(value.into());
    }
    let (value, len) = parse::<5>(cursor)?;
    if u32::try_from(value).is_err() {
        return Err(invalid(cursor.offset()));
    }
    cursor.advance(len);
    Ok(value)
}

#[inline(never)]
fn read_long_u64(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    if let Some(value) = read_middle(cursor) {
        return Ok(value.into());
    }
    let (value, len) = parse::<10>(cursor)?;
    cursor.advance(len);
    Ok(value)
}

/// Reads a number of two or three bytes, as sizes and offsets mostly are. `None`, and nothing is read, for one that is longer, and near
/// the input's end.
#[inline]
fn read_middle(cursor: &mut Cursor<'_>) -> Option<u32> {
    const BOTH: u32 = 0x80_8000;
    let word = u32::from_le_bytes(*cursor.rest().first_chunk()?);
    let two = word & 0x7f | word >> 1 & 0x3f80;
    match word & BOTH {
        BOTH => None,
        0x8000 => {
            cursor.advance(3);
            Some(two | word >> 2 & 0x1f_c000)
        }
        _ => {
            cursor.advance(2);
            Some(two)
        }
    }
}

/// The number at the cursor and how many bytes it takes, at most `MAX`.
#[inline]
fn parse<const MAX: usize>(cursor: &Cursor<'_>) -> Result<(u64, usize), DecodeError> {
    let Some(&[chunk @ .., ninth, tenth]) = cursor.rest().first_chunk::<10>() else {
        return parse_bytewise::<MAX>(cursor);
    };
    let word = u64::from_le_bytes(chunk);
    let ends = !word & CONTINUES;
    // Keeps the bits up to the first end, or all of them if there is none.
    let low = gather(word & (ends ^ ends.wrapping_sub(1)) & !CONTINUES);
    let (value, len) = match (ninth, tenth) {
        _ if ends != 0 => (low, bytes_up_to_lowest_bit(ends)),
        (0..0x80, _) => (low | u64::from(ninth) << 56, 9),
        (_, 0 | 1) => (low | u64::from(ninth & 0x7f) << 56 | u64::from(tenth) << 63, 10),
        _ => return Err(invalid(cursor.offset())),
    };
    if len <= MAX { Ok((value, len)) } else { Err(invalid(cursor.offset())) }
}

/// The same for the last few bytes of the input.
fn parse_bytewise<const MAX: usize>(cursor: &Cursor<'_>) -> Result<(u64, usize), DecodeError> {
    let mut value = 0u64;
    for (index, &byte) in cursor.rest().iter().take(MAX).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has place for one bit.
        if index == 9 && bits > 1 {
            return Err(invalid(cursor.offset()));
        }
        value |= bits << (7 * index);
        if byte < 0x80 {
            return Ok((value, index + 1));
        }
    }
    if cursor.remaining() < MAX {
        return Err(unexpected_end(1, cursor.offset() + cursor.remaining()));
    }
    Err(invalid(cursor.offset()))
}

#[cold]
fn invalid(offset: usize) -> DecodeError {
    error(DecodeErrorKind::InvalidVarint, offset)
}

#[inline]
fn bytes_up_to_lowest_bit(word: u64) -> usize {
    // A trailing count is below 64, which every usize holds.
    usize::try_from(word.trailing_zeros() / 8 + 1).unwrap_or(8)
}

/// Brings the lower seven bits of each byte together, the lowest byte first.
#[inline]
pub(super) const fn gather(word: u64) -> u64 {
    let word = (word & 0x007f_007f_007f_007f) | ((word & 0x7f00_7f00_7f00_7f00) >> 1);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x3fff_0000_3fff_0000) >> 2);
    (word & 0x0000_0000_0fff_ffff) | ((word & 0x0fff_ffff_0000_0000) >> 4)
}

/// Takes a number below 2^56 apart into seven bits a byte: the inverse of [`gather`].
#[inline]
pub(crate) const fn scatter(value: u64) -> u64 {
    let word = (value & 0x0000_0000_0fff_ffff) | ((value & 0x00ff_ffff_f000_0000) << 4);
    let word = (word & 0x0000_3fff_0000_3fff) | ((word & 0x0fff_c000_0fff_c000) << 2);
    (word & 0x007f_007f_007f_007f) | ((word & 0x3f80_3f80_3f80_3f80) << 1)
}

/// Appends at most 5 bytes.
#[inline]
pub(super) fn write_u32(out: &mut impl Sink, value: u32) {
    write_u64(out, value.into());
}

/// Appends at most 10 bytes.
#[inline]
pub(super) fn write_u64(out: &mut impl Sink, value: u64) {
    if value < 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.put([low]);
    } else if value < 0x4000 {
        out.put(two_bytes(value));
    } else {
        write_long(out, value);
    }
}

/// Appends a byte, then a number.
#[inline]
pub(super) fn write_after(out: &mut impl Sink, head: u8, value: u64) {
    if value < 0x80 {
        let [low, ..] = value.to_le_bytes();
        out.put([head, low]);
    } else if value < 0x4000 {
        let [first, second] = two_bytes(value);
        out.put_first([head, first, second, 0], 3);
    } else {
        write_long_after(out, head, value);
    }
}

/// From which number on eight bytes are not enough.
pub(crate) const LONG: u64 = 1 << 56;

#[inline(never)]
fn write_long(out: &mut impl Sink, value: u64) {
    if value < LONG {
        out.put_first(short(value, scatter).to_le_bytes(), len_of(value));
    } else {
        out.put_first(long(value, scatter), len_of(value));
    }
}

#[inline(never)]
fn write_long_after(out: &mut impl Sink, head: u8, value: u64) {
    if value < LONG {
        let [b0, b1, b2, b3, b4, b5, b6, b7] = short(value, scatter).to_le_bytes();
        out.put_first([head, b0, b1, b2, b3, b4, b5, b6, b7], 1 + len_of(value));
    } else {
        out.put([head]);
        write_long(out, value);
    }
}

/// The bytes of a number from 0x80 to 0x3fff.
#[inline]
pub(crate) fn two_bytes(value: u64) -> [u8; 2] {
    let [low, next, ..] = value.to_le_bytes();
    [low | 0x80, next << 1 | low >> 7]
}

/// The most bytes that a number takes.
pub(crate) const LONGEST: usize = 10;

/// The bytes of a number below [`LONG`], the first one lowest.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what is passed is an instruction")]
pub(crate) fn short(value: u64, scatter: impl Fn(u64) -> u64) -> u64 {
    let before_last = (1 << (8 * (len_of(value) - 1))) - 1;
    scatter(value) | CONTINUES & before_last
}

/// The bytes of a number, and what does not count after them; `scatter` takes apart as the function of that name.
#[inline(always)]
#[expect(clippy::inline_always, reason = "what is passed is an instruction")]
pub(crate) fn long(value: u64, scatter: impl Fn(u64) -> u64) -> [u8; LONGEST] {
    let [.., high] = value.to_le_bytes();
    let [b0, b1, b2, b3, b4, b5, b6, b7] =
        if high == 0 { short(value, scatter) } else { scatter(value & (LONG - 1)) | CONTINUES }.to_le_bytes();
    // Of a number from 2^56 on, the ninth byte holds seven bits, and says with its upper one whether the tenth has the
    // last.
    [b0, b1, b2, b3, b4, b5, b6, b7, high, high >> 7]
}

/// How many bytes a number takes.
#[inline]
pub(crate) fn len_of(value: u64) -> usize {
    // A seventh, rounded up, of up to 64 bits without a division.
    let bits = 64 - (value | 1).leading_zeros();
    usize::try_from((9 * bits + 64) >> 6).unwrap_or(10)
}

#[inline]
pub(crate) const fn fold_i32(value: i32) -> u32 {
    (value << 1 ^ value >> 31).cast_unsigned()
}

#[inline]
pub(super) const fn unfold_i32(folded: u32) -> i32 {
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

#[inline]
pub(crate) const fn fold_i64(value: i64) -> u64 {
    (value << 1 ^ value >> 63).cast_unsigned()
}

#[inline]
pub(super) const fn unfold_i64(folded: u64) -> i64 {
    (folded >> 1).cast_signed() ^ -(folded & 1).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    fn read(bytes: &[u8]) -> Result<(u64, usize), DecodeErrorKind> {
        let mut cursor = Cursor::new(bytes, Limits::DEFAULT);
        let value = read_u64(&mut cursor).map_err(|error| error.kind().clone())?;
        Ok((value, cursor.offset()))
    }

    #[test]
    fn every_length_reads_back_whatever_follows() {
        let edges = (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, (1 << bit) + 1]).chain([u64::MAX]);
        for value in edges {
            let mut bytes = Vec::new();
            write_u64(&mut bytes, value);
            let len = bytes.len();
            assert_eq!(len, len_of(value));
            let mut after = Vec::new();
            write_after(&mut after, 0xaa, value);
            assert_eq!(after, [&[0xaa], &bytes[..]].concat());
            assert_eq!(read(&bytes), Ok((value, len)));
            for after in [&[0u8; 12], &[0xff; 12]] {
                bytes.truncate(len);
                bytes.extend_from_slice(after);
                assert_eq!(read(&bytes), Ok((value, len)), "{bytes:x?}");
                if let Ok(narrow) = u32::try_from(value) {
                    assert_eq!(read_u32(&mut Cursor::new(&bytes, Limits::DEFAULT)), Ok(narrow));
                }
            }
        }
    }

    #[test]
    fn too_long_and_too_large_numbers_are_refused() {
        let narrow = |bytes: &[u8]| read_u32(&mut Cursor::new(bytes, Limits::DEFAULT)).map_err(|e| e.kind().clone());
        assert_eq!(narrow(&[0xff, 0xff, 0xff, 0xff, 0x0f]), Ok(u32::MAX));
        assert_eq!(narrow(&[0xff, 0xff, 0xff, 0xff, 0x1f]), Err(DecodeErrorKind::InvalidVarint));
        assert_eq!(narrow(&[0x80; 5]), Err(DecodeErrorKind::InvalidVarint));
        assert_eq!(narrow(&[0x80, 0x80, 0x80, 0x80, 0x80, 0, 0, 0]), Err(DecodeErrorKind::InvalidVarint));
        assert_eq!(narrow(&[0x80; 4]), Err(DecodeErrorKind::UnexpectedEnd { needed: 1 }));
        assert_eq!(read(&[0x80; 9]), Err(DecodeErrorKind::UnexpectedEnd { needed: 1 }));
        assert_eq!(read(&[0x80; 10]), Err(DecodeErrorKind::InvalidVarint));
        assert_eq!(
            read(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
            Err(DecodeErrorKind::InvalidVarint)
        );
        assert_eq!(read(&[0xff; 1000]), Err(DecodeErrorKind::InvalidVarint));
        assert_eq!(read(&[]), Err(DecodeErrorKind::UnexpectedEnd { needed: 1 }));
    }

    #[test]
    fn folding_puts_small_numbers_of_either_sign_first() {
        assert_eq!([0, -1, 1, -2, i32::MAX, i32::MIN].map(fold_i32), [0, 1, 2, 3, u32::MAX - 1, u32::MAX]);
        assert_eq!([0, -1, 1, -2, i64::MAX, i64::MIN].map(fold_i64), [0, 1, 2, 3, u64::MAX - 1, u64::MAX]);
        for value in [0, 1, -1, 1000, -1000, i32::MAX, i32::MIN] {
            assert_eq!(unfold_i32(fold_i32(value)), value);
            assert_eq!(unfold_i64(fold_i64(value.into())), value.into());
        }
        assert_eq!(unfold_i64(u64::MAX), i64::MIN);
    }
}
