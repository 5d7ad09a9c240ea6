//! Runs of numbers, turned to and from the machine's byte order about as fast as memory is copied.

#![expect(unsafe_code, reason = "with AVX2, asked for at run time, a run of numbers takes a quarter of the time")]

use alloc::vec::Vec;
use core::mem::MaybeUninit;
use core::slice;

use crate::Sink;

/// From how many numbers on the wide instructions are worth asking for.
#[cfg(all(target_arch = "x86_64", feature = "std"))]
const RUN: usize = 16;

/// Makes room for so many more values. A vector that has none gets exactly that, which takes half as long as to let it grow.
#[inline]
pub(crate) fn make_room<T>(values: &mut Vec<T>, count: usize) {
    if values.capacity() == 0 {
        *values = Vec::with_capacity(count);
    } else {
        values.reserve(count);
    }
}

macro_rules! run {
    ($load:ident, $extend:ident, $store:ident, $type:ty, $from:ident, $to:ident) => {
        /// Turns bytes into numbers, as many as both have.
        pub(crate) fn $load(bytes: &[u8], into: &mut [$type]) {
            let (len, places) = (into.len(), into.as_mut_ptr().cast());
            // SAFETY: these are the same places, and only numbers are stored there.
            $extend::turn_all(bytes, unsafe { slice::from_raw_parts_mut(places, len) });
        }

        /// Appends so many numbers; bytes are there for all of them.
        pub(crate) fn $extend(bytes: &[u8], into: &mut Vec<$type>, len: usize) {
            assert!(bytes.len() / size_of::<$type>() >= len, "bytes must be there for all numbers");
            make_room(into, len);
            let start = into.len();
            let Some(places) = into.spare_capacity_mut().get_mut(..len) else { return };
            $extend::turn_all(bytes, places);
            // SAFETY: so many places follow, and as there are bytes for all of them, each was stored.
            unsafe { into.set_len(start + len) };
        }

        mod $extend {
            use super::*;

            /// Turns bytes into numbers from the first place on, as many as both have.
            pub(super) fn turn_all(bytes: &[u8], into: &mut [MaybeUninit<$type>]) {
                #[inline(always)]
                fn turn(bytes: &[u8], into: &mut [MaybeUninit<$type>]) {
                    let (chunks, _) = bytes.as_chunks();
                    for (place, chunk) in into.iter_mut().zip(chunks) {
                        place.write(<$type>::$from(*chunk));
                    }
                }
                #[cfg(all(target_arch = "x86_64", feature = "std"))]
                if into.len() >= RUN && std::is_x86_feature_detected!("avx2") {
                    #[target_feature(enable = "avx2")]
                    fn wide(bytes: &[u8], into: &mut [MaybeUninit<$type>]) {
                        turn(bytes, into);
                    }
                    // SAFETY: the processor was just found to have it.
                    return unsafe { wide(bytes, into) };
                }
                turn(bytes, into);
            }
        }

        /// Appends numbers.
        pub(crate) fn $store(values: &[$type], out: &mut impl Sink) {
            #[inline(always)]
            fn turn(values: &[$type], room: &mut [MaybeUninit<u8>]) {
                let (chunks, _) = room.as_chunks_mut();
                for (chunk, value) in chunks.iter_mut().zip(values) {
                    *chunk = value.$to().map(MaybeUninit::new);
                }
            }
            let Some(room) = out.room(size_of_val(values)) else { return };
            #[cfg(all(target_arch = "x86_64", feature = "std"))]
            if values.len() >= RUN && std::is_x86_feature_detected!("avx2") {
                #[target_feature(enable = "avx2")]
                fn wide(values: &[$type], room: &mut [MaybeUninit<u8>]) {
                    turn(values, room);
                }
                // SAFETY: the processor was just found to have it; the room was asked for, and all of it was stored.
                return unsafe {
                    wide(values, room);
                    out.advance(size_of_val(values));
                };
            }
            turn(values, room);
            // SAFETY: the room was asked for, and all of it was stored.
            unsafe { out.advance(size_of_val(values)) };
        }
    };
}

run!(load_i16s, extend_i16s, store_i16s, i16, from_be_bytes, to_be_bytes);
run!(load_i32s, extend_i32s, store_i32s, i32, from_be_bytes, to_be_bytes);
run!(load_i64s, extend_i64s, store_i64s, i64, from_be_bytes, to_be_bytes);
run!(load_doubles, extend_doubles, store_doubles, f64, from_be_bytes, to_be_bytes);
run!(load_little_doubles, extend_little_doubles, store_little_doubles, f64, from_le_bytes, to_le_bytes);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_every_length_are_the_same_as_one_number_after_another() {
        for len in 0..70_i32 {
            let longs: Vec<i64> = (0..len).map(|n| i64::from(n - 3) << 40 | i64::from(n)).collect();
            let mut out = vec![7];
            store_i64s(&longs, &mut out);
            assert_eq!(out[1..], longs.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>());
            let mut back = vec![0; longs.len()];
            load_i64s(&out[1..], &mut back);
            assert_eq!(back, longs);

            let shorts: Vec<i16> = (0..len).map(|n| i16::try_from(n * 300 - 9000).unwrap()).collect();
            let mut out = Vec::new();
            store_i16s(&shorts, &mut out);
            let mut back = vec![0; shorts.len()];
            load_i16s(&out, &mut back);
            assert_eq!((back, out.len()), (shorts.clone(), 2 * shorts.len()));

            let ints: Vec<i32> = (0..len).map(|n| n * 30_000_000 - 9000).collect();
            let mut out = Vec::new();
            store_i32s(&ints, &mut out);
            let mut back = vec![0; ints.len()];
            load_i32s(&out, &mut back);
            assert_eq!((back, out.len()), (ints.clone(), 4 * ints.len()));

            let doubles: Vec<f64> = (0..len).map(|n| f64::from(n) * -1.5).collect();
            let mut out = Vec::new();
            store_doubles(&doubles, &mut out);
            let mut back = vec![0.0; doubles.len()];
            load_doubles(&out, &mut back);
            assert_eq!(out, doubles.iter().flat_map(|n| n.to_be_bytes()).collect::<Vec<_>>());
            assert_eq!(back, doubles);
            extend_doubles(&out, &mut back, doubles.len());
            assert_eq!(back, [&doubles[..], &doubles[..]].concat());
            let mut out = vec![1];
            store_little_doubles(&doubles, &mut out);
            assert_eq!(out[1..], doubles.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>());
            load_little_doubles(&out[1..], &mut back);
            assert_eq!(back[..doubles.len()], doubles);
        }
    }
}
