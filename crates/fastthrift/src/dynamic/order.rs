//! When values are equal, and an order of them, so that those of sets and maps can be compared.

use std::cmp::Ordering;

use super::{EnumValue, StructValue, Value};

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b)) => a.cmp(b),
            (Self::Double(a), Self::Double(b)) => a.total_cmp(b),
            (Self::String(a), Self::String(b)) => a.cmp(b),
            (Self::Binary(a), Self::Binary(b)) => a.cmp(b),
            (Self::Uuid(a), Self::Uuid(b)) => a.cmp(b),
            (Self::Enum(a), Self::Enum(b)) => a.cmp(b),
            (Self::Struct(a), Self::Struct(b)) => a.cmp(b),
            (Self::List(a), Self::List(b)) => a.cmp(b),
            (Self::Set(a), Self::Set(b)) => sorted(a).cmp(&sorted(b)),
            (Self::Map(a), Self::Map(b)) => sorted(a).cmp(&sorted(b)),
            _ => rank(self).cmp(&rank(other)),
        }
    }
}

fn sorted<T: Ord>(items: &[T]) -> Vec<&T> {
    let mut sorted: Vec<&T> = items.iter().collect();
    sorted.sort_unstable();
    sorted
}

fn rank(value: &Value) -> u8 {
    match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 2,
        Value::Double(_) => 3,
        Value::String(_) => 4,
        Value::Binary(_) => 5,
        Value::Uuid(_) => 6,
        Value::Enum(_) => 7,
        Value::Struct(_) => 8,
        Value::List(_) => 9,
        Value::Set(_) => 10,
        Value::Map(_) => 11,
    }
}

/// By number; of which enum they are does not count.
impl Ord for EnumValue {
    fn cmp(&self, other: &Self) -> Ordering {
        self.number().cmp(&other.number())
    }
}

/// By the names and values of the fields that are set, and by their types' names where both have one.
impl Ord for StructValue {
    fn cmp(&self, other: &Self) -> Ordering {
        let names = match (self.type_name(), other.type_name()) {
            (Some(a), Some(b)) => a.cmp(b),
            _ => Ordering::Equal,
        };
        let fields = |value: &Self| {
            let mut fields: Vec<_> = value.iter().map(|(name, value)| (name.to_owned(), value.clone())).collect();
            fields.sort_unstable();
            fields
        };
        names.then_with(|| fields(self).cmp(&fields(other)))
    }
}

macro_rules! by_order {
    ($($type:ty)*) => {$(
        impl PartialOrd for $type {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl PartialEq for $type {
            fn eq(&self, other: &Self) -> bool {
                self.cmp(other) == Ordering::Equal
            }
        }

        impl Eq for $type {}
    )*};
}

by_order!(Value EnumValue StructValue);
