//! Fields of fixed size that follow each other: in Binary all of them are one comparison and one look at the room that is left.

use core::mem::MaybeUninit;

use crate::compact::varint::{LONG, fold_i32, fold_i64, len_of, long, scatter, short, two_bytes};
use crate::compact::{FALSE, TRUE, type_number};
use crate::{OutputProtocol, TType};

/// A type whose values take the same number of bytes always in Binary.
pub trait Fixed: Copy + sealed::Sealed {
    /// The type on the wire.
    const TTYPE: TType;
    /// How many bytes a value takes in Binary.
    const SIZE: usize;

    /// Reads the value at this place.
    #[doc(hidden)]
    fn load(bytes: &[u8], at: usize) -> Self;
    /// Stores the value at this place.
    #[doc(hidden)]
    fn store(self, room: &mut [MaybeUninit<u8>], at: usize);
    /// The number of the value's type in a header of Compact.
    #[doc(hidden)]
    fn compact_type(self) -> u8;
    /// Stores the value as Compact has it at this place of a run's room, and says where the next field goes.
    #[doc(hidden)]
    fn store_compact<const N: usize>(self, room: &mut [MaybeUninit<u8>; N], at: usize) -> usize;
    /// Writes a whole field, header and value.
    #[doc(hidden)]
    fn write_field(self, id: i16, out: &mut impl OutputProtocol);
}

/// The values of fields of fixed size, which have the ids that are given beside: a tuple of 2 to 12 of them.
///
/// Read with [`crate::InputProtocol::accept_run`] and written with [`OutputProtocol::write_run`].
pub trait Run: Copy + sealed::Sealed {
    /// An array of as many ids.
    type Ids: Copy;
    /// How many bytes all of them take in Binary, each with its header of three bytes.
    const SIZE: usize;

    /// The values, if these bytes, at least [`Self::SIZE`], start with exactly these fields.
    #[doc(hidden)]
    fn load(bytes: &[u8], ids: Self::Ids) -> Option<Self>;
    /// Stores all fields at the start of this room, which is at least [`Self::SIZE`] long, and leaves no byte of it out.
    #[doc(hidden)]
    fn store(self, ids: Self::Ids, room: &mut [MaybeUninit<u8>]);
    /// The most bytes that [`Self::store_compact`] stores.
    const MOST_COMPACT: usize;
    /// Stores all fields as Compact has them at the start of this room, which is at least [`Self::MOST_COMPACT`] long, and says how many
    /// bytes they take, of which none is left out. `last` is the id of the field before.
    #[doc(hidden)]
    fn store_compact(self, ids: Self::Ids, last: i16, room: &mut [MaybeUninit<u8>]) -> usize;
    /// The id of the last field.
    #[doc(hidden)]
    fn last(ids: Self::Ids) -> i16;
    /// Writes one field after another.
    #[doc(hidden)]
    fn write_each(self, ids: Self::Ids, out: &mut impl OutputProtocol);
}

mod sealed {
    pub trait Sealed {}
}

/// How many bytes stand before a field's value in Binary.
const HEADER: usize = 3;

/// The difference of a field's header from the expected one: zero bits where they are the same. Each value takes a byte at least, so
/// four bytes can be looked at.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a run is one comparison only when all of it is in one place")]
fn header_difference(bytes: &[u8], at: usize, ttype: TType, id: i16) -> u32 {
    let [high, low] = id.to_be_bytes();
    let expected = u32::from_be_bytes([ttype.to_binary(), high, low, 0]);
    let found = bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(!expected, |word| u32::from_be_bytes(*word));
    (found ^ expected) >> 8
}

#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn store_bytes<const N: usize>(bytes: [u8; N], room: &mut [MaybeUninit<u8>], at: usize) {
    room[at..at + N].write_copy_of_slice(&bytes);
}

/// The room that a field of Compact is stored in: a header of at most 4 bytes and a value of at most 10.
const COMPACT: usize = 16;

/// The room that so many fields of Compact are stored in: a power of two that none of them starts after, and as much as is stored at once.
const fn compact_room(fields: usize) -> usize {
    (COMPACT * fields).next_power_of_two() + COMPACT
}

/// Stores bytes at this place of a run's room, `N` of [`compact_room`].
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn store_within<const M: usize, const N: usize>(bytes: [u8; M], room: &mut [MaybeUninit<u8>; N], at: usize) {
    // No place is after the power of two. The mask leaves it as it is, and spares a comparison.
    store_bytes(bytes, room, at & (N - COMPACT - 1));
}

/// Stores a number of Compact at this place, and says where the next one goes.
#[inline(always)]
#[expect(clippy::inline_always, reason = "as above")]
fn store_number<const N: usize>(value: u64, room: &mut [MaybeUninit<u8>; N], at: usize) -> usize {
    if value < 0x80 {
        let [low, ..] = value.to_le_bytes();
        store_within([low], room, at);
        at + 1
    } else if value < 0x4000 {
        store_within(two_bytes(value), room, at);
        at + 2
    } else if value < LONG {
        store_within(short(value, scatter).to_le_bytes(), room, at);
        at + len_of(value)
    } else {
        store_within(long(value, scatter), room, at);
        at + len_of(value)
    }
}

/// Stores a field of Compact at this place, and says where the next one goes.
#[inline(always)]
#[expect(clippy::inline_always, reason = "differences of ids are known where this is put")]
fn store_compact<const N: usize>(
    value: impl Fixed,
    id: i16,
    last: i16,
    room: &mut [MaybeUninit<u8>; N],
    at: usize,
) -> usize {
    let ttype = value.compact_type();
    let at = if let Ok(difference @ 1..=15) = u8::try_from(i32::from(id) - i32::from(last)) {
        store_within([difference << 4 | ttype], room, at);
        at + 1
    } else {
        store_within([ttype], room, at);
        store_number(fold_i32(id.into()).into(), room, at + 1)
    };
    value.store_compact(room, at)
}

macro_rules! fixed {
    ($type:ty, $ttype:ident, $size:literal, $write:ident, |$array:ident| $from:expr, |$value:ident| $to:expr, $number:expr, |$room:ident, $at:ident| $compact:expr) => {
        impl sealed::Sealed for $type {}

        impl Fixed for $type {
            const TTYPE: TType = TType::$ttype;
            const SIZE: usize = $size;

            #[inline(always)]
            fn load(bytes: &[u8], at: usize) -> Self {
                // A run is looked at as a whole before, so there are as many bytes.
                let $array: [u8; $size] = bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or([0; $size]);
                $from
            }

            #[inline(always)]
            fn store(self, room: &mut [MaybeUninit<u8>], at: usize) {
                let $value = self;
                store_bytes($to, room, at);
            }

            #[inline(always)]
            fn compact_type(self) -> u8 {
                let $value = self;
                let _ = $value;
                $number
            }

            #[inline(always)]
            fn store_compact<const N: usize>(self, $room: &mut [MaybeUninit<u8>; N], $at: usize) -> usize {
                let $value = self;
                let _ = ($value, &*$room);
                $compact
            }

            #[inline(always)]
            fn write_field(self, id: i16, out: &mut impl OutputProtocol) {
                out.$write(id, self);
            }
        }
    };
}

fixed!(
    bool,
    Bool,
    1,
    write_bool_field,
    |array| array != [0],
    |value| [u8::from(value)],
    if value { TRUE } else { FALSE },
    |room, at| at
);
fixed!(
    i8,
    I8,
    1,
    write_i8_field,
    |array| i8::from_be_bytes(array),
    |value| value.to_be_bytes(),
    type_number(TType::I8),
    |room, at| {
        store_within(value.to_le_bytes(), room, at);
        at + 1
    }
);
fixed!(
    i16,
    I16,
    2,
    write_i16_field,
    |array| i16::from_be_bytes(array),
    |value| value.to_be_bytes(),
    type_number(TType::I16),
    |room, at| store_number(fold_i32(value.into()).into(), room, at)
);
fixed!(
    i32,
    I32,
    4,
    write_i32_field,
    |array| i32::from_be_bytes(array),
    |value| value.to_be_bytes(),
    type_number(TType::I32),
    |room, at| store_number(fold_i32(value).into(), room, at)
);
fixed!(
    i64,
    I64,
    8,
    write_i64_field,
    |array| i64::from_be_bytes(array),
    |value| value.to_be_bytes(),
    type_number(TType::I64),
    |room, at| store_number(fold_i64(value), room, at)
);
fixed!(
    f64,
    Double,
    8,
    write_double_field,
    |array| f64::from_be_bytes(array),
    |value| value.to_be_bytes(),
    type_number(TType::Double),
    |room, at| {
        store_within(value.to_le_bytes(), room, at);
        at + 8
    }
);

macro_rules! run {
    ($count:literal: $($name:ident $place:tt)+) => {
        impl<$($name: Fixed),+> sealed::Sealed for ($($name,)+) {}

        impl<$($name: Fixed),+> Run for ($($name,)+) {
            type Ids = [i16; $count];
            const SIZE: usize = $(HEADER + $name::SIZE +)+ 0;
            const MOST_COMPACT: usize = compact_room($count);

            #[inline(always)]
            fn load(bytes: &[u8], ids: Self::Ids) -> Option<Self> {
                let bytes = bytes.get(..Self::SIZE)?;
                // Runs are tried again and again where other fields come between, and most then end here.
                if header_difference(bytes, 0, A::TTYPE, ids[0]) != 0 {
                    return None;
                }
                let mut at = 0;
                let mut difference = 0;
                $(
                    difference |= header_difference(bytes, at, $name::TTYPE, ids[$place]);
                    at += HEADER + $name::SIZE;
                )+
                if at != Self::SIZE || difference != 0 {
                    return None;
                }
                let mut at = 0;
                Some(($({
                    let value = $name::load(bytes, at + HEADER);
                    at += HEADER + $name::SIZE;
                    let _ = at;
                    value
                },)+))
            }

            #[inline(always)]
            fn store(self, ids: Self::Ids, room: &mut [MaybeUninit<u8>]) {
                let room = &mut room[..Self::SIZE];
                let mut at = 0;
                $(
                    let [high, low] = ids[$place].to_be_bytes();
                    // A store of four bytes, of which the value's first takes the last: three are two stores.
                    store_bytes([$name::TTYPE.to_binary(), high, low, 0], room, at);
                    self.$place.store(room, at + HEADER);
                    at += HEADER + $name::SIZE;
                )+
                let _ = at;
            }

            #[inline(always)]
            fn store_compact(self, ids: Self::Ids, last: i16, room: &mut [MaybeUninit<u8>]) -> usize {
                let Some(room) = room.first_chunk_mut::<{ compact_room($count) }>() else { return 0 };
                let (mut at, mut last) = (0, last);
                $(
                    at = store_compact(self.$place, ids[$place], last, room, at);
                    last = ids[$place];
                )+
                let _ = last;
                at
            }

            #[inline(always)]
            fn last(ids: Self::Ids) -> i16 {
                ids[$count - 1]
            }

            #[inline(always)]
            fn write_each(self, ids: Self::Ids, out: &mut impl OutputProtocol) {
                $(self.$place.write_field(ids[$place], out);)+
            }
        }
    };
}

run!(2: A 0 B 1);
run!(3: A 0 B 1 C 2);
run!(4: A 0 B 1 C 2 D 3);
run!(5: A 0 B 1 C 2 D 3 E 4);
run!(6: A 0 B 1 C 2 D 3 E 4 F 5);
run!(7: A 0 B 1 C 2 D 3 E 4 F 5 G 6);
run!(8: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7);
run!(9: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8);
run!(10: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9);
run!(11: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10);
run!(12: A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7 I 8 J 9 K 10 L 11);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BinaryReader, BinaryWriter, CompactReader, CompactWriter, InputProtocol, Limits};

    type All = (i32, i64, f64, bool, i16, i8);
    const VALUES: All = (7, -1 << 40, 2.5, true, -300, 4);
    const IDS: [i16; 6] = [1, 2, 3, 4, 500, -6];

    #[test]
    fn a_run_is_written_as_its_fields_are() {
        let (mut run, mut each) = (vec![9], vec![9]);
        BinaryWriter::new(&mut run).write_run(VALUES, IDS);
        VALUES.write_each(IDS, &mut BinaryWriter::new(&mut each));
        assert_eq!(run, each);
        assert_eq!(run.len(), 1 + All::SIZE);
        let (mut run, mut each) = (Vec::new(), Vec::new());
        CompactWriter::new(&mut run).write_run(VALUES, IDS);
        VALUES.write_each(IDS, &mut CompactWriter::new(&mut each));
        assert_eq!(run, each);
        let extremes = (i64::MIN, i32::MAX, false, i16::MIN);
        let (mut run, mut each) = (Vec::new(), Vec::new());
        CompactWriter::new(&mut run).write_run(extremes, [16, 17, 40, i16::MIN]);
        extremes.write_each([16, 17, 40, i16::MIN], &mut CompactWriter::new(&mut each));
        assert_eq!(run, each);
    }

    #[test]
    fn a_run_is_read_whole_or_not_at_all() {
        let mut bytes = Vec::new();
        BinaryWriter::new(&mut bytes).write_run(VALUES, IDS);
        let mut reader = BinaryReader::new(&bytes, Limits::DEFAULT);
        assert_eq!(reader.accept_run::<All>(IDS), Some(VALUES));
        assert_eq!(reader.remaining(), 0);
        for end in 0..bytes.len() {
            let mut reader = BinaryReader::new(&bytes[..end], Limits::DEFAULT);
            assert_eq!((reader.accept_run::<All>(IDS), reader.offset()), (None, 0));
        }
        for place in [0, 1, 2, 7, 8, 18, 29, 33, 38] {
            let mut other = bytes.clone();
            other[place] ^= 0x40;
            let mut reader = BinaryReader::new(&other, Limits::DEFAULT);
            assert_eq!((reader.accept_run::<All>(IDS), reader.offset()), (None, 0), "{place}");
        }
        assert_eq!(CompactReader::new(&bytes, Limits::DEFAULT).accept_run::<All>(IDS), None);
    }
}
