//! Many variable-length integers at once: the elements of a list.
//!
//! Where the processor can take bits apart and bring them together in one instruction (BMI2), and look at 32 bytes at once (AVX2), the
//! ends of all numbers in these are found before any of them is read, so that none waits for the one before it.

#![cfg_attr(
    all(target_arch = "x86_64", feature = "std"),
    expect(unsafe_code, reason = "a list of numbers is read in a third of the time, and written in half of it")
)]

use alloc::vec::Vec;

use super::varint::{CONTINUES, LONG, LONGEST, len_of, long, scatter, write_u64};
use crate::bulk::make_room;
use crate::cursor::Cursor;
use crate::{RunError, Sink};

/// How many numbers are written after one check of the room.
const TOGETHER: usize = 64;

/// The room that they are written into: a power of two that none of them starts after, and as much as is stored at once.
const ROOM: usize = (LONGEST * TOGETHER).next_power_of_two() + SPARE;
const SPARE: usize = 16;

/// Up to how many numbers are written one by one, into no more room than they take.
const FEW: usize = 8;

/// Appends numbers, each of which `fold` makes of a value.
pub(super) fn write_all<T: Copy>(out: &mut impl Sink, values: &[T], fold: impl Fn(T) -> u64 + Copy) {
    if values.len() <= FEW {
        return values.iter().for_each(|&value| write_u64(out, fold(value)));
    }
    let mut buffer = [0; ROOM];
    for values in values.chunks(TOGETHER) {
        let len = write_some(values, &mut buffer, fold);
        out.put_slice(buffer.get(..len).unwrap_or_default());
    }
}

#[inline]
fn write_some<T: Copy>(values: &[T], room: &mut [u8; ROOM], fold: impl Fn(T) -> u64 + Copy) -> usize {
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    if std::is_x86_feature_detected!("bmi2") && std::is_x86_feature_detected!("lzcnt") {
        #[target_feature(enable = "bmi2,lzcnt")]
        fn wide<T: Copy>(values: &[T], room: &mut [u8; ROOM], fold: impl Fn(T) -> u64) -> usize {
            write_each(values, room, fold, |value| core::arch::x86_64::_pdep_u64(value, SEVENS))
        }
        // SAFETY: the processor was just found to have it.
        return unsafe { wide(values, room, fold) };
    }
    write_each(values, room, fold, scatter)
}

/// The lower seven bits of each byte.
#[cfg(all(target_arch = "x86_64", feature = "std"))]
const SEVENS: u64 = 0x7f7f_7f7f_7f7f_7f7f;

/// Stores at most [`TOGETHER`] numbers from the start of the room on, without a gap, and says how many bytes they take.
#[inline(always)]
#[expect(clippy::inline_always, reason = "it is compiled for two kinds of processors")]
fn write_each<T: Copy>(
    values: &[T],
    room: &mut [u8; ROOM],
    fold: impl Fn(T) -> u64,
    scatter: impl Fn(u64) -> u64,
) -> usize {
    let mut at = 0;
    for &value in values {
        let value = fold(value);
        // The mask leaves the place as it is, and spares a comparison.
        let start = at & (ROOM - SPARE - 1);
        let place = &mut room[start..start + LONGEST];
        if value < 0x80 {
            let [low, ..] = value.to_le_bytes();
            place[0] = low;
            at += 1;
        } else if value < LONG {
            // What the bits are spread to shows how many bytes they take.
            let word = scatter(value);
            let last = 7 - word.leading_zeros() / 8;
            let continues = CONTINUES & ((1 << (8 * last)) - 1);
            place[..8].copy_from_slice(&(word | continues).to_le_bytes());
            at += usize::try_from(last).unwrap_or(LONGEST) + 1;
        } else {
            place.copy_from_slice(&long(value, &scatter));
            at += len_of(value);
        }
    }
    at
}

/// Reads and appends `len` numbers of at most `longest` bytes, of each of which `unfold` makes a value or says that it is too large.
pub(super) fn extend<T>(
    cursor: &mut Cursor<'_>,
    into: &mut Vec<T>,
    len: usize,
    longest: u32,
    unfold: impl Fn(u64) -> Option<T> + Copy,
    narrow: impl Fn(&mut Cursor<'_>) -> Result<T, crate::DecodeError>,
) -> Result<(), RunError> {
    make_room(into, len);
    let start = into.len();
    let whole = start + len;
    #[cfg(all(target_arch = "x86_64", feature = "std"))]
    if len >= 32 && std::is_x86_feature_detected!("avx2") && std::is_x86_feature_detected!("bmi2") {
        // SAFETY: the processor was just found to have it.
        let (count, read) = unsafe { x86::turn(cursor.rest(), &mut into.spare_capacity_mut()[..len], longest, unfold) };
        // SAFETY: so many of the places were stored.
        unsafe { into.set_len(start + count) };
        cursor.advance(read);
    }
    #[cfg(not(all(target_arch = "x86_64", feature = "std")))]
    let _ = (longest, unfold);
    while into.len() < whole {
        match narrow(cursor) {
            Ok(value) => into.push(value),
            Err(error) => return Err(RunError { index: into.len() - start, error }),
        }
    }
    Ok(())
}

#[cfg(all(target_arch = "x86_64", feature = "std"))]
mod x86 {
    use core::arch::x86_64::{_bzhi_u64, _mm256_loadu_si256, _mm256_movemask_epi8, _pext_u64};

    use core::mem::MaybeUninit;

    use super::SEVENS;

    /// The bytes whose ends are looked for at once.
    const BLOCK: usize = 32;

    /// Reads numbers into the places until these are full, fewer than 40 bytes are left, or one is longer than `longest` or 8 bytes or
    /// too large. Says how many places were filled and how many bytes the numbers took.
    #[target_feature(enable = "avx2,bmi1,bmi2")]
    pub(super) fn turn<T>(
        bytes: &[u8],
        places: &mut [MaybeUninit<T>],
        longest: u32,
        unfold: impl Fn(u64) -> Option<T>,
    ) -> (usize, usize) {
        let most_bits = 8 * longest.min(8);
        let (mut count, mut start) = (0, 0);
        while let Some(block) = bytes.get(start..).and_then(<[u8]>::first_chunk::<{ BLOCK + 8 }>) {
            // SAFETY: the block is longer than what is loaded.
            let loaded = unsafe { _mm256_loadu_si256(block.as_ptr().cast()) };
            let mut ends = !_mm256_movemask_epi8(loaded).cast_unsigned();
            let mut first = 0;
            while ends != 0 {
                let after = ends.trailing_zeros() + 1;
                let bits = 8 * (after - first);
                let at = usize::try_from(first).unwrap_or(BLOCK);
                let word = block.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |word| u64::from_le_bytes(*word));
                let value = unfold(_pext_u64(_bzhi_u64(word, bits), SEVENS));
                let (true, Some(place), Some(value)) = (bits <= most_bits, places.get_mut(count), value) else {
                    return (count, start + at);
                };
                place.write(value);
                count += 1;
                first = after;
                ends &= ends - 1;
            }
            if first == 0 {
                break;
            }
            start += usize::try_from(first).unwrap_or(BLOCK);
        }
        (count, start)
    }
}

#[cfg(test)]
mod tests {
    use super::super::varint::{read_u32, read_u64, write_u64};
    use super::*;
    use crate::Limits;

    #[test]
    fn numbers_of_all_lengths_are_written_and_read_as_one_after_another() {
        let edges: Vec<u64> =
            (0..64).flat_map(|bit| [(1u64 << bit) - 1, 1 << bit, 3 << bit >> 1]).chain([u64::MAX]).collect();
        let small: Vec<u64> = (0..100).map(|number| number % 130).collect();
        for values in [&edges[..], &small, &[&edges[..], &small].concat(), &[]] {
            for len in (0..values.len().min(80)).chain([values.len()]) {
                let values = &values[..len];
                let (mut all, mut each) = (vec![7], vec![7]);
                write_all(&mut all, values, |value| value);
                for &value in values {
                    write_u64(&mut each, value);
                }
                assert_eq!(all, each);
                let mut cursor = Cursor::new(&all[1..], Limits::DEFAULT);
                let mut back = vec![1];
                extend(&mut cursor, &mut back, len, 10, Some, read_u64).unwrap();
                assert_eq!((&back[1..], cursor.remaining()), (values, 0));
                for end in 0..all.len() - 1 {
                    let mut cursor = Cursor::new(&all[1..=end], Limits::DEFAULT);
                    extend(&mut cursor, &mut Vec::new(), len, 10, Some, read_u64).unwrap_err();
                }
            }
        }
    }

    #[test]
    fn numbers_that_are_too_long_or_too_large_are_refused_with_their_place() {
        let mut bytes = vec![1; 50];
        bytes[40] = 0xff;
        bytes.extend([0xff; 60]);
        let mut cursor = Cursor::new(&bytes, Limits::DEFAULT);
        let failed = extend(&mut cursor, &mut Vec::new(), 100, 10, Some, read_u64).unwrap_err();
        assert_eq!(failed.index, 49);
        let mut cursor = Cursor::new(&bytes, Limits::DEFAULT);
        let small = |value| u8::try_from(value).ok().filter(|&value| value < 0x80);
        let narrow = |cursor: &mut Cursor<'_>| {
            let value = read_u64(cursor)?;
            small(value).ok_or_else(|| crate::cursor::invalid_type(0, cursor.offset()))
        };
        let failed = extend(&mut cursor, &mut Vec::new(), 60, 10, small, narrow).unwrap_err();
        assert_eq!(failed.index, 40);
        let mut long = vec![1; 40];
        long.extend([0x81, 0x80, 0x80, 0x80, 0x80, 0]);
        long.extend([1; 60]);
        let mut cursor = Cursor::new(&long, Limits::DEFAULT);
        let failed = extend(&mut cursor, &mut Vec::new(), 60, 5, Some, |cursor| read_u32(cursor).map(u64::from));
        assert_eq!(failed.unwrap_err().index, 40);
    }
}
