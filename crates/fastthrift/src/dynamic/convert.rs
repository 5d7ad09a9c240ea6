//! Rust's values as [`Value`]s.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::{EnumValue, StructValue, Value};

macro_rules! from {
    ($($type:ty: $value:ident => $made:expr;)*) => {$(
        impl From<$type> for Value {
            fn from($value: $type) -> Self {
                $made
            }
        }
    )*};
}

from! {
    bool: value => Self::Bool(value);
    i8: value => Self::Int(value.into());
    i16: value => Self::Int(value.into());
    i32: value => Self::Int(value.into());
    i64: value => Self::Int(value);
    u16: value => Self::Int(value.into());
    u32: value => Self::Int(value.into());
    f32: value => Self::Double(value.into());
    f64: value => Self::Double(value);
    &str: value => Self::String(value.to_owned());
    &String: value => Self::String(value.clone());
    Cow<'_, str>: value => Self::String(value.into_owned());
    String: value => Self::String(value);
    &[u8]: value => Self::Binary(value.to_vec());
    Vec<u8>: value => Self::Binary(value);
    EnumValue: value => Self::Enum(value);
    StructValue: value => Self::Struct(value);
    (): _value => Self::Null;
}

#[cfg(feature = "bytes")]
from! {
    bytes::Bytes: value => Self::Binary(value.into());
}

#[cfg(feature = "uuid")]
from! {
    uuid::Uuid: value => Self::Uuid(value.into_bytes());
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(value: &[u8; N]) -> Self {
        Self::Binary(value.to_vec())
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>, const N: usize> From<[T; N]> for Value {
    fn from(values: [T; N]) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Self>> From<BTreeSet<T>> for Value {
    fn from(values: BTreeSet<T>) -> Self {
        Self::set(values)
    }
}

impl<T: Into<Self>, S> From<HashSet<T, S>> for Value {
    fn from(values: HashSet<T, S>) -> Self {
        Self::set(values)
    }
}

impl<K: Into<Self>, V: Into<Self>> From<BTreeMap<K, V>> for Value {
    fn from(entries: BTreeMap<K, V>) -> Self {
        Self::map(entries)
    }
}

impl<K: Into<Self>, V: Into<Self>, S> From<HashMap<K, V, S>> for Value {
    fn from(entries: HashMap<K, V, S>) -> Self {
        Self::map(entries)
    }
}
