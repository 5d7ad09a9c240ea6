//! Values as text for people.

use std::fmt::{self, Debug, Display, Formatter};

use super::{EnumValue, StructValue, Value};

impl Display for Value {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => Display::fmt(value, f),
            Self::Int(value) => Display::fmt(value, f),
            Self::Double(value) => Debug::fmt(value, f),
            Self::String(value) => Debug::fmt(value, f),
            Self::Binary(value) => write!(f, "b\"{}\"", value.escape_ascii()),
            Self::Uuid(value) => show_uuid(value, f),
            Self::Enum(value) => Display::fmt(value, f),
            Self::Struct(value) => Display::fmt(value, f),
            Self::List(values) => show_items('[', ']', values, f, Display::fmt),
            Self::Set(values) => show_items('{', '}', values, f, Display::fmt),
            Self::Map(entries) => show_items('{', '}', entries, f, |(key, value), f| write!(f, "{key}: {value}")),
        }
    }
}

/// Shows the name, or the number where it has none.
impl Display for EnumValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => Display::fmt(&self.number(), f),
        }
    }
}

impl Debug for EnumValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}({self})", self.type_name())
    }
}

/// Shows the fields that are set, behind the name of the type.
impl Display for StructValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        if let Some(name) = self.type_name() {
            write!(f, "{name} ")?;
        }
        show_items('{', '}', self.iter(), f, |(name, value), f| write!(f, "{name}: {value}"))
    }
}

impl Debug for StructValue {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct(self.type_name().unwrap_or_default());
        for (name, value) in self.iter() {
            shown.field(name, value);
        }
        shown.finish()
    }
}

fn show_items<T>(
    open: char,
    close: char,
    items: impl IntoIterator<Item = T>,
    f: &mut Formatter<'_>,
    show: impl Fn(T, &mut Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    write!(f, "{open}")?;
    for (place, item) in items.into_iter().enumerate() {
        if place > 0 {
            f.write_str(", ")?;
        }
        show(item, f)?;
    }
    write!(f, "{close}")
}

fn show_uuid(value: &[u8; 16], f: &mut Formatter<'_>) -> fmt::Result {
    for (place, byte) in value.iter().enumerate() {
        if matches!(place, 4 | 6 | 8 | 10) {
            f.write_str("-")?;
        }
        write!(f, "{byte:02x}")?;
    }
    Ok(())
}
