/// The type of a value on the wire, numbered as in the Binary protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum TType {
    /// Ends a struct; also the element type of empty containers that name none.
    Stop = 0,
    /// `bool`
    Bool = 2,
    /// `i8`
    I8 = 3,
    /// `double`
    Double = 4,
    /// `i16`
    I16 = 6,
    /// `i32`, enums
    I32 = 8,
    /// `i64`
    I64 = 10,
    /// `string` and `binary`
    String = 11,
    /// Structs, unions and exceptions
    Struct = 12,
    /// `map`
    Map = 13,
    /// `set`
    Set = 14,
    /// `list`
    List = 15,
    /// `uuid`
    Uuid = 16,
}

impl TType {
    /// The type with this number in the Binary protocol; `None` for a number that stands for no type, and for `Stop`.
    #[inline]
    pub const fn from_binary(number: u8) -> Option<Self> {
        Some(match number {
            2 => Self::Bool,
            3 => Self::I8,
            4 => Self::Double,
            6 => Self::I16,
            8 => Self::I32,
            10 => Self::I64,
            11 => Self::String,
            12 => Self::Struct,
            13 => Self::Map,
            14 => Self::Set,
            15 => Self::List,
            16 => Self::Uuid,
            _ => return None,
        })
    }

    /// The number of this type in the Binary protocol.
    #[inline]
    pub const fn to_binary(self) -> u8 {
        self as u8
    }
}

/// What stands before a field's value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldHeader {
    /// The type of the value.
    pub ttype: TType,
    /// The field's number.
    pub id: i16,
}

/// What stands before the elements of a list or set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ListHeader {
    /// The type of the elements; `Stop` only when `len` is 0.
    pub element: TType,
    /// How many elements follow: never more than the bytes that remain could hold.
    pub len: usize,
}

/// What stands before the entries of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MapHeader {
    /// The type of the keys; `Stop` only when `len` is 0.
    pub key: TType,
    /// The type of the values; `Stop` only when `len` is 0.
    pub value: TType,
    /// How many entries follow: never more than the bytes that remain could hold.
    pub len: usize,
}

/// What a protocol keeps of the surrounding struct while an inner one is read or written (Compact: the last field id).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[must_use = "hand it back to end_struct"]
pub struct StructScope(pub(crate) i16);
