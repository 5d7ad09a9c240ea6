use std::ops::Index;

use super::{EnumValue, StructValue};

/// A value of any type.
///
/// To write, a value need not be of the very type that the IDL says: a number is taken for each integer type that it is in the
/// range of, a text for a value of an enum by its name, and a struct is no more than names and values ([`super::fields!`]). What was
/// read is of the type that the IDL says, and knows it.
///
/// ```
/// use fastthrift::dynamic::{Value, fields};
///
/// let point = Value::from(fields! { x: 3, label: "here", tags: ["a", "b"] });
/// assert_eq!(point["x"].as_i64(), Some(3));
/// assert_eq!(point["tags"][1].as_str(), Some("b"));
/// assert!(point["missing"].is_null());
/// assert_eq!(point.to_string(), r#"{x: 3, label: "here", tags: ["a", "b"]}"#);
/// ```
///
/// Two values are equal when they say the same: the fields of structs, the elements of sets and the entries of maps may be in any
/// order, and doubles are equal when their bits are.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: as a field or an argument it is left out, even where there is a default value. It is never an element, and never
    /// read.
    #[default]
    Null,
    /// A `bool`.
    Bool(bool),
    /// An `i8`, `i16`, `i32` or `i64`.
    Int(i64),
    /// A `double`.
    Double(f64),
    /// A `string`.
    String(String),
    /// A `binary`.
    Binary(Vec<u8>),
    /// A `uuid`.
    Uuid([u8; 16]),
    /// A value of an enum.
    Enum(EnumValue),
    /// A struct, union or exception.
    Struct(StructValue),
    /// A list.
    List(Vec<Value>),
    /// A set, in the order of the wire.
    Set(Vec<Value>),
    /// A map, in the order of the wire.
    Map(Vec<(Value, Value)>),
}

static NULL: Value = Value::Null;

impl Value {
    /// A set of these elements.
    pub fn set<V: Into<Self>>(elements: impl IntoIterator<Item = V>) -> Self {
        Self::Set(elements.into_iter().map(Into::into).collect())
    }

    /// A map of these entries.
    pub fn map<K: Into<Self>, V: Into<Self>>(entries: impl IntoIterator<Item = (K, V)>) -> Self {
        Self::Map(entries.into_iter().map(|(key, value)| (key.into(), value.into())).collect())
    }

    /// The value of a struct's field, or of a map's key that is this text; `None` where it is not set.
    pub fn get(&self, name: &str) -> Option<&Self> {
        match self {
            Self::Struct(structure) => structure.get(name),
            Self::Map(entries) => {
                let found = entries.iter().rev().find(|(key, _)| key.as_str() == Some(name));
                found.map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// Whether it is [`Value::Null`].
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The value of a `bool`.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The value of an integer, or the number of an enum's value.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            Self::Enum(value) => Some(value.number().into()),
            _ => None,
        }
    }

    /// The value of a `double`.
    pub fn as_f64(&self) -> Option<f64> {
        if let Self::Double(value) = self { Some(*value) } else { None }
    }

    /// A text, or the name of an enum's value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(value) => Some(value),
            Self::Enum(value) => value.name(),
            _ => None,
        }
    }

    /// The bytes of a `binary` or of a text.
    pub fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Binary(value) => Some(value),
            Self::String(value) => Some(value.as_bytes()),
            _ => None,
        }
    }

    /// The value of a `uuid`.
    pub fn as_uuid(&self) -> Option<[u8; 16]> {
        if let Self::Uuid(value) = self { Some(*value) } else { None }
    }

    /// A value of an enum that was read.
    pub fn as_enum(&self) -> Option<&EnumValue> {
        if let Self::Enum(value) = self { Some(value) } else { None }
    }

    /// A struct.
    pub fn as_struct(&self) -> Option<&StructValue> {
        if let Self::Struct(value) = self { Some(value) } else { None }
    }

    /// A struct, to change it.
    pub fn as_struct_mut(&mut self) -> Option<&mut StructValue> {
        if let Self::Struct(value) = self { Some(value) } else { None }
    }

    /// The elements of a list or set.
    pub fn as_list(&self) -> Option<&[Self]> {
        if let Self::List(values) | Self::Set(values) = self { Some(values) } else { None }
    }

    /// The entries of a map.
    pub fn as_map(&self) -> Option<&[(Self, Self)]> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// A few words for an error.
    pub(super) fn kind(&self) -> String {
        match self {
            Self::Null => "nothing".to_owned(),
            Self::Bool(value) => format!("bool {value}"),
            Self::Int(value) => format!("integer {value}"),
            Self::Double(value) => format!("double {value:?}"),
            Self::String(value) if value.len() <= 40 => format!("text {value:?}"),
            Self::String(value) => format!("text of {} bytes", value.len()),
            Self::Binary(value) => format!("binary of {} bytes", value.len()),
            Self::Uuid(_) => "uuid".to_owned(),
            Self::Enum(value) => format!("{} {value}", value.type_name()),
            Self::Struct(value) => value.type_name().map_or_else(|| "struct".to_owned(), |name| format!("'{name}'")),
            Self::List(values) => format!("list of {}", values.len()),
            Self::Set(values) => format!("set of {}", values.len()),
            Self::Map(entries) => format!("map of {}", entries.len()),
        }
    }
}

/// The value of a struct's field or of a map's key; [`Value::Null`] where there is none.
impl Index<&str> for Value {
    type Output = Self;

    fn index(&self, name: &str) -> &Self {
        self.get(name).unwrap_or(&NULL)
    }
}

/// An element of a list or set; [`Value::Null`] where there is none.
impl Index<usize> for Value {
    type Output = Self;

    fn index(&self, place: usize) -> &Self {
        self.as_list().and_then(|values| values.get(place)).unwrap_or(&NULL)
    }
}
