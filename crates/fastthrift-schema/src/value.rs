use crate::{EnumId, StructId};

/// A constant or default value, checked against its declared type.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A `bool`.
    Bool(bool),
    /// An `i8`, `i16`, `i32` or `i64`, within the range of its type.
    Int(i64),
    /// A `double`.
    Double(f64),
    /// A `string`.
    String(Box<str>),
    /// A `binary`.
    Binary(Box<[u8]>),
    /// A `uuid`.
    Uuid([u8; 16]),
    /// A value of an enum, by its place in [`crate::Enum::values`].
    Enum {
        /// The enum.
        id: EnumId,
        /// The place of the value.
        index: usize,
    },
    /// A `list`.
    List(Vec<Value>),
    /// A `set`, in the order written, without duplicates.
    Set(Vec<Value>),
    /// A `map`, in the order written, without duplicate keys.
    Map(Vec<(Value, Value)>),
    /// A struct: the fields that were given, by their place in [`crate::Struct::fields`]. A union has exactly one or none.
    Struct {
        /// The struct.
        id: StructId,
        /// Place of the field, and value.
        fields: Vec<(usize, Value)>,
    },
}
