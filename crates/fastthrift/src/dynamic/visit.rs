//! Gives the walk the parts of values to write, and checks that they are what the IDL says.

use std::borrow::Cow;
use std::slice;

use fastthrift_dynamic::{FieldPlan, MapPlan, SequencePlan, StructPlan, Visit};
use fastthrift_schema::{EnumId, StructKind, nearest};

use super::structure::Fields;
use super::{Idl, StructValue, Value, ValueError, ValueErrorKind};

/// Reads values that live for `'v`, to write them as some IDL says.
pub(super) struct Visitor<'v> {
    pub(super) idl: &'v Idl,
}

/// A struct whose fields are being read.
pub(super) enum Open<'v> {
    /// By the order of the IDL.
    Typed(&'v [Option<Value>]),
    /// The same, found by name.
    Found(Vec<Option<&'v Value>>),
}

impl Open<'_> {
    /// How many fields are set.
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Typed(values) => values.iter().flatten().count(),
            Self::Found(values) => values.iter().flatten().count(),
        }
    }
}

type Entry<'v> = (&'v Value, &'v Value);

impl<'v> Visitor<'v> {
    /// Opens a struct of these fields, of which it may be that they are of another type.
    pub(super) fn open(&self, plan: &StructPlan, value: &'v StructValue) -> Result<Open<'v>, ValueError> {
        match value.fields() {
            Fields::Typed { idl, id, values } if *id == plan.id && idl.is_same(self.idl) => Ok(Open::Typed(values)),
            // What was read by the same IDL that was loaded once more.
            Fields::Typed { .. } if value.type_name() == Some(&plan.name) => {
                let mut found = vec![None; plan.fields.len()];
                for (name, field) in value.iter() {
                    found[place_of(plan, name)?] = Some(field);
                }
                Ok(Open::Found(found))
            }
            Fields::Typed { .. } => Err(wrong(&format!("'{}'", plan.name), &format!("'{}'", name_of(value)))),
            Fields::Loose(fields) => self.open_loose(plan, fields),
        }
    }

    fn open_loose(&self, plan: &StructPlan, fields: &'v [(Cow<'static, str>, Value)]) -> Result<Open<'v>, ValueError> {
        let mut named = vec![false; plan.fields.len()];
        let mut found = vec![None; plan.fields.len()];
        for (name, value) in fields {
            let place = place_of(plan, name)?;
            named[place] = true;
            found[place] = (!value.is_null()).then_some(value);
        }
        if plan.kind == StructKind::Union {
            return Ok(Open::Found(found));
        }
        for (place, slot) in found.iter_mut().enumerate().filter(|(place, _)| !named[*place]) {
            *slot = self.idl.default_of(plan.id, place);
        }
        if plan.kind == StructKind::Arguments {
            let missing = plan.fields.iter().find(|field| !named[field.index] && found[field.index].is_none());
            if let Some(field) = missing {
                return Err(ValueError::new(ValueErrorKind::MissingArgument { argument: (*field.name).into() }));
            }
        }
        Ok(Open::Found(found))
    }
}

/// The place of a field in the order of the IDL.
fn place_of(plan: &StructPlan, name: &str) -> Result<usize, ValueError> {
    match plan.place_of_name(name.as_bytes(), 0) {
        Some(place) => Ok(plan.fields[place].index),
        None => Err(unknown_field(plan, name)),
    }
}

#[cold]
fn unknown_field(plan: &StructPlan, name: &str) -> ValueError {
    let nearest = nearest(name, plan.fields.iter().map(|field| &*field.name).collect());
    let (structure, field, nearest) = ((*plan.name).into(), name.into(), nearest.map(Into::into));
    ValueError::new(ValueErrorKind::UnknownField { structure, field, nearest })
}

fn name_of(value: &StructValue) -> &str {
    value.type_name().unwrap_or("struct")
}

#[cold]
fn wrong(expected: &str, found: &str) -> ValueError {
    ValueError::new(ValueErrorKind::WrongType { expected: expected.into(), found: found.into() })
}

fn not<T>(expected: &str, value: &Value) -> Result<T, ValueError> {
    Err(wrong(expected, &value.kind()))
}

fn integer<T: TryFrom<i64>>(expected: &'static str, value: &Value) -> Result<T, ValueError> {
    let Value::Int(number) = value else { return not(expected, value) };
    T::try_from(*number).map_err(|_| {
        let value = number.to_string().into();
        ValueError::new(ValueErrorKind::OutOfRange { expected, value })
    })
}

impl<'v> Visit for Visitor<'v> {
    type Value = &'v Value;
    type Elements = slice::Iter<'v, Value>;
    type Entries = std::iter::Map<slice::Iter<'v, (Value, Value)>, fn(&'v (Value, Value)) -> Entry<'v>>;
    type Struct = Open<'v>;

    #[inline]
    fn bool(&self, value: &'v Value) -> Result<bool, ValueError> {
        if let Value::Bool(value) = value { Ok(*value) } else { not("bool", value) }
    }

    #[inline]
    fn i8(&self, value: &'v Value) -> Result<i8, ValueError> {
        integer("i8", value)
    }

    #[inline]
    fn i16(&self, value: &'v Value) -> Result<i16, ValueError> {
        integer("i16", value)
    }

    #[inline]
    fn i32(&self, value: &'v Value) -> Result<i32, ValueError> {
        integer("i32", value)
    }

    #[inline]
    fn i64(&self, value: &'v Value) -> Result<i64, ValueError> {
        if let Value::Int(value) = value { Ok(*value) } else { not("i64", value) }
    }

    #[inline]
    fn double(&self, value: &'v Value) -> Result<f64, ValueError> {
        match value {
            Value::Double(value) => Ok(*value),
            // Those that a double holds exactly, whatever they are.
            Value::Int(number) => i32::try_from(*number).map(f64::from).or_else(|_| not("double", value)),
            _ => not("double", value),
        }
    }

    #[inline]
    fn string(&self, value: &'v Value) -> Result<&[u8], ValueError> {
        if let Value::String(value) = value { Ok(value.as_bytes()) } else { not("string", value) }
    }

    #[inline]
    fn binary(&self, value: &'v Value) -> Result<&[u8], ValueError> {
        if let Value::Binary(value) = value { Ok(value) } else { not("binary", value) }
    }

    fn uuid(&self, value: &'v Value) -> Result<[u8; 16], ValueError> {
        if let Value::Uuid(value) = value { Ok(*value) } else { not("uuid", value) }
    }

    fn enumeration(&self, id: EnumId, value: &'v Value) -> Result<i32, ValueError> {
        let plan = self.idl.plans().enumeration(id);
        match value {
            Value::Int(_) => integer("enum", value),
            Value::Enum(known) if known.type_name() == &*plan.name => Ok(known.number()),
            Value::String(name) => plan.number_of(name.as_bytes()).map_or_else(|| self.unknown_name(id, name), Ok),
            _ => not(&format!("a value of '{}'", plan.name), value),
        }
    }

    fn structure(&self, plan: &StructPlan, value: &'v Value) -> Result<Open<'v>, ValueError> {
        if let Value::Struct(value) = value { self.open(plan, value) } else { not(&format!("'{}'", plan.name), value) }
    }

    #[inline]
    fn field(&self, open: &Open<'v>, field: &FieldPlan) -> Result<Option<&'v Value>, ValueError> {
        Ok(match open {
            Open::Typed(values) => values[field.index].as_ref(),
            Open::Found(values) => values[field.index],
        })
    }

    fn list(&self, _: &SequencePlan, value: &'v Value) -> Result<(usize, Self::Elements), ValueError> {
        match value {
            Value::List(values) | Value::Set(values) => Ok((values.len(), values.iter())),
            _ => not("list", value),
        }
    }

    fn set(&self, _: &SequencePlan, value: &'v Value) -> Result<(usize, Self::Elements), ValueError> {
        match value {
            Value::List(values) | Value::Set(values) => Ok((values.len(), values.iter())),
            _ => not("set", value),
        }
    }

    fn map(&self, _: &MapPlan, value: &'v Value) -> Result<(usize, Self::Entries), ValueError> {
        let Value::Map(entries) = value else { return not("map", value) };
        let pair: fn(&'v (Value, Value)) -> Entry<'v> = |(key, value)| (key, value);
        Ok((entries.len(), entries.iter().map(pair)))
    }
}

impl Visitor<'_> {
    #[cold]
    fn unknown_name(&self, id: EnumId, name: &str) -> Result<i32, ValueError> {
        let values = self.idl.schema().enumeration(id).values.iter().map(|value| &*value.name).collect();
        let nearest = nearest(name, values).map_or_else(String::new, |near| format!(", did you mean '{near}'?"));
        let text =
            format!("'{}' has no value '{}'{nearest}", self.idl.plans().enumeration(id).name, name.escape_debug());
        Err(ValueError::new(ValueErrorKind::Invalid(text.into())))
    }
}
