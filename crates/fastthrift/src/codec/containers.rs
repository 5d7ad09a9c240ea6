//! Lists, sets and maps.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
#[cfg(any(feature = "std", feature = "hashbrown"))]
use core::hash::{BuildHasher, Hash};
use core::ops::{Deref, DerefMut};

use fastthrift_protocol::{DecodeError, DecodeErrorKind, InputProtocol, OutputProtocol, TType};

use super::place::{Place, Placed};
use super::room::room_for;
use super::{Decode, Encode, EncodeError, checked_len};

impl<T: Encode> Encode for [T] {
    const TTYPE: TType = TType::List;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        out.begin_list(T::TTYPE, checked_len(self.len())?);
        T::encode_elements(self, out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        out.write_list_field(id, T::TTYPE, checked_len(self.len())?);
        T::encode_elements(self, out)?;
        out.wrote_field(id);
        Ok(())
    }
}

impl<T: Encode> Encode for Vec<T> {
    const TTYPE: TType = TType::List;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.as_slice().encode(out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        self.as_slice().encode_field(id, out)
    }
}

impl<'de, T: Decode<'de>> Decode<'de> for Vec<T> {
    const TTYPE: TType = TType::List;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let (found, len) = match input.accept_list(T::TTYPE) {
            Some(len) => (T::TTYPE, len),
            None => begin_list::<T, P>(input)?,
        };
        let values = T::decode_elements(input, found, len)?;
        input.end_container();
        Ok(values)
    }
}

/// Enters a list in whichever form it is.
#[inline(never)]
fn begin_list<'de, T: Decode<'de>, P: InputProtocol<'de>>(input: &mut P) -> Result<(TType, usize), DecodeError> {
    let header = input.begin_list()?;
    expect_element::<T, P>(input, header.element, header.len)?;
    Ok((header.element, header.len))
}

/// A set that keeps the order of its elements and whatever comes twice.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VecSet<T>(pub Vec<T>);

impl<T> Default for VecSet<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> Deref for VecSet<T> {
    type Target = Vec<T>;

    fn deref(&self) -> &Vec<T> {
        &self.0
    }
}

impl<T> DerefMut for VecSet<T> {
    fn deref_mut(&mut self) -> &mut Vec<T> {
        &mut self.0
    }
}

impl<T> From<Vec<T>> for VecSet<T> {
    fn from(values: Vec<T>) -> Self {
        Self(values)
    }
}

impl<T> FromIterator<T> for VecSet<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl<T: Encode> Encode for VecSet<T> {
    const TTYPE: TType = TType::Set;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        out.begin_set(T::TTYPE, checked_len(self.len())?);
        T::encode_elements(self, out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        out.write_set_field(id, T::TTYPE, checked_len(self.len())?);
        T::encode_elements(self, out)?;
        out.wrote_field(id);
        Ok(())
    }
}

impl<'de, T: Decode<'de>> Decode<'de> for VecSet<T> {
    const TTYPE: TType = TType::Set;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        let header = input.begin_set()?;
        expect_element::<T, P>(input, header.element, header.len)?;
        let values = T::decode_elements(input, header.element, header.len)?;
        input.end_container();
        Ok(Self(values))
    }
}

impl<K: Encode, V: Encode> Encode for [(K, V)] {
    const TTYPE: TType = TType::Map;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        out.begin_map(K::TTYPE, V::TTYPE, checked_len(self.len())?);
        encode_entries(self.iter().map(|(key, value)| (key, value)), out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        out.write_map_field(id, K::TTYPE, V::TTYPE, checked_len(self.len())?);
        encode_entries(self.iter().map(|(key, value)| (key, value)), out)?;
        out.wrote_field(id);
        Ok(())
    }
}

/// A map as its entries, in their order.
impl<K: Encode, V: Encode> Encode for Vec<(K, V)> {
    const TTYPE: TType = TType::Map;

    #[inline]
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
        self.as_slice().encode(out)
    }

    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        self.as_slice().encode_field(id, out)
    }
}

impl<'de, K: Decode<'de>, V: Decode<'de>> Decode<'de> for Vec<(K, V)> {
    const TTYPE: TType = TType::Map;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        decode_entries(input, Vec::with_capacity, |map, key, value| map.push((key, value)))
    }
}

macro_rules! set {
    ($type:ty, [$($bounds:tt)*], $element:ty, |$room:ident| $new:expr) => {
        impl<$($bounds)*> Encode for $type
        where
            $element: Encode,
        {
            const TTYPE: TType = TType::Set;

            #[inline]
            fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                out.begin_set(<$element as Encode>::TTYPE, checked_len(self.len())?);
                encode_set(self.iter(), out)
            }

            #[inline]
            fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
                out.write_set_field(id, <$element as Encode>::TTYPE, checked_len(self.len())?);
                encode_set(self.iter(), out)?;
                out.wrote_field(id);
                Ok(())
            }
        }

        impl<'de, $($bounds)*> Decode<'de> for $type
        where
            $element: Decode<'de>,
        {
            const TTYPE: TType = TType::Set;

            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                decode_set(input, |$room| $new, |set, value| {
                    set.insert(value);
                })
            }
        }
    };
}

set!(BTreeSet<T>, [T: Ord], T, |_room| BTreeSet::new());
#[cfg(feature = "std")]
set!(std::collections::HashSet<T, S>, [T: Eq + Hash, S: BuildHasher + Default], T,
    |room| Self::with_capacity_and_hasher(room, S::default()));
#[cfg(feature = "hashbrown")]
set!(hashbrown::HashSet<T, S>, [T: Eq + Hash, S: BuildHasher + Default], T,
    |room| Self::with_capacity_and_hasher(room, S::default()));

macro_rules! encoded_map {
    ($type:ty, [$($bounds:tt)*]) => {
        impl<V: Encode, $($bounds)*> Encode for $type
        where
            K: Encode,
        {
            const TTYPE: TType = TType::Map;

            #[inline]
            fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
                out.begin_map(K::TTYPE, V::TTYPE, checked_len(self.len())?);
                encode_entries(self.iter(), out)
            }

            #[inline]
            fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
                out.write_map_field(id, K::TTYPE, V::TTYPE, checked_len(self.len())?);
                encode_entries(self.iter(), out)?;
                out.wrote_field(id);
                Ok(())
            }
        }
    };
}

#[cfg(any(feature = "std", feature = "hashbrown"))]
macro_rules! map {
    ($type:ty, [$($bounds:tt)*], |$room:ident| $new:expr) => {
        encoded_map!($type, [$($bounds)*]);

        impl<'de, V: Decode<'de>, $($bounds)*> Decode<'de> for $type
        where
            K: Decode<'de>,
        {
            const TTYPE: TType = TType::Map;

            fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
                decode_entries(input, |$room| $new, |map, key, value| {
                    map.insert(key, value);
                })
            }
        }
    };
}

/// From how many entries on a tree is built of all of them at once, which is fastest when they come in order, as another tree writes
/// them.
const MANY: usize = 12;

encoded_map!(BTreeMap<K, V>, [K]);

impl<'de, K: Decode<'de> + Ord, V: Decode<'de>> Decode<'de> for BTreeMap<K, V> {
    const TTYPE: TType = TType::Map;

    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
        /// Many entries wait for all of them.
        enum Growing<K, V> {
            Tree(BTreeMap<K, V>),
            Entries(Vec<(K, V)>),
        }
        let new =
            |room| if room < MANY { Growing::Tree(Self::new()) } else { Growing::Entries(Vec::with_capacity(room)) };
        let grown = decode_entries(input, new, |growing, key, value| match growing {
            Growing::Tree(tree) => {
                tree.insert(key, value);
            }
            Growing::Entries(entries) => entries.push((key, value)),
        })?;
        Ok(match grown {
            Growing::Tree(tree) => tree,
            Growing::Entries(entries) => entries.into_iter().collect(),
        })
    }
}

#[cfg(feature = "std")]
map!(std::collections::HashMap<K, V, S>, [K: Eq + Hash, S: BuildHasher + Default],
    |room| Self::with_capacity_and_hasher(room, S::default()));
#[cfg(feature = "hashbrown")]
map!(hashbrown::HashMap<K, V, S>, [K: Eq + Hash, S: BuildHasher + Default],
    |room| Self::with_capacity_and_hasher(room, S::default()));

fn encode_set<'a, T: Encode + 'a, P: OutputProtocol>(
    values: impl Iterator<Item = &'a T>,
    out: &mut P,
) -> Result<(), EncodeError> {
    for (index, value) in values.enumerate() {
        if let Err(error) = value.encode(out) {
            return Err(error.within_place(Place::Index(index)));
        }
        if out.has_lost() {
            break;
        }
    }
    Ok(())
}

#[inline]
fn encode_entries<'a, K: Encode + 'a, V: Encode + 'a, P: OutputProtocol>(
    entries: impl Iterator<Item = (&'a K, &'a V)>,
    out: &mut P,
) -> Result<(), EncodeError> {
    for (index, (key, value)) in entries.enumerate() {
        if let Err(error) = key.encode(out) {
            return Err(error.within_place(Place::Key(index)));
        }
        if let Err(error) = value.encode(out) {
            return Err(error.within_place(Place::Value(index)));
        }
        if out.has_lost() {
            break;
        }
    }
    Ok(())
}

/// What an entry of a hash map or tree takes beside its key and value, about.
type Overhead = u64;

#[inline]
fn decode_set<'de, T: Decode<'de>, C, P: InputProtocol<'de>>(
    input: &mut P,
    new: impl FnOnce(usize) -> C,
    mut insert: impl FnMut(&mut C, T),
) -> Result<C, DecodeError> {
    let header = input.begin_set()?;
    expect_element::<T, P>(input, header.element, header.len)?;
    let mut set = new(room_for::<(T, Overhead), P>(input, header.len)?);
    for index in 0..header.len {
        match element::<T, P>(input, header.element) {
            Ok(value) => insert(&mut set, value),
            Err(error) => return Err(error.within_place(Place::Index(index))),
        }
    }
    input.end_container();
    Ok(set)
}

#[inline]
fn decode_entries<'de, K: Decode<'de>, V: Decode<'de>, C, P: InputProtocol<'de>>(
    input: &mut P,
    new: impl FnOnce(usize) -> C,
    mut insert: impl FnMut(&mut C, K, V),
) -> Result<C, DecodeError> {
    let header = input.begin_map()?;
    expect_element::<K, P>(input, header.key, header.len)?;
    expect_element::<V, P>(input, header.value, header.len)?;
    let mut map = new(room_for::<(K, V, Overhead), P>(input, header.len)?);
    for index in 0..header.len {
        let key = match element::<K, P>(input, header.key) {
            Ok(key) => key,
            Err(error) => return Err(error.within_place(Place::Key(index))),
        };
        match element::<V, P>(input, header.value) {
            Ok(value) => insert(&mut map, key, value),
            Err(error) => return Err(error.within_place(Place::Value(index))),
        }
    }
    input.end_container();
    Ok(map)
}

#[inline]
fn element<'de, T: Decode<'de>, P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<T, DecodeError> {
    if found == T::TTYPE { T::decode(input) } else { T::decode_found(input, found) }
}

/// Refuses elements of a type that cannot be read as the expected one without loss. Any will do where there are no elements.
#[inline]
fn expect_element<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    input: &P,
    found: TType,
    len: usize,
) -> Result<(), DecodeError> {
    if found == T::TTYPE || len == 0 || T::reads_as(found) {
        return Ok(());
    }
    Err(wrong_element(T::TTYPE, found, input.offset()))
}

#[cold]
#[inline(never)]
fn wrong_element(expected: TType, found: TType, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::ElementType { expected, found }, offset)
}
