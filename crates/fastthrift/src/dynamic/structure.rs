use std::borrow::Cow;
use std::collections::HashSet;

use fastthrift_schema::{EnumId, StructId};

use super::error::UnknownName;
use super::{Enum, Idl, Struct, Value};

/// A struct, union or exception, or the arguments of a function: values by name.
///
/// One that was read, or made by [`Struct::value`], is of a type of the IDL and knows it. One made by hand is only names and
/// values; the place where it is written says of which type it is, and fields that it does not name have the default values of the
/// IDL there.
#[derive(Clone)]
pub struct StructValue(Fields);

#[derive(Clone)]
pub(super) enum Fields {
    /// Of a type: the values by the order of the fields in the IDL.
    Typed { idl: Idl, id: StructId, values: Box<[Option<Value>]> },
    /// Of a type that is not known yet. No name is there twice.
    Loose(Vec<(Cow<'static, str>, Value)>),
}

/// A value of an enum that was read. Its number may be one that the IDL does not name.
#[derive(Clone)]
pub struct EnumValue {
    idl: Idl,
    id: EnumId,
    number: i32,
}

/// Makes a [`StructValue`] of names and values: `fields! { x: 1, label: "here" }`. A name that is a word of Rust is written as a
/// raw identifier, `r#type: 1`.
#[macro_export]
#[doc(hidden)]
macro_rules! __fields {
    ($($name:ident: $value:expr),* $(,)?) => {
        $crate::dynamic::StructValue::from_iter([
            $((
                $crate::dynamic::StructValue::name_of(stringify!($name)),
                $crate::dynamic::Value::from($value),
            )),*
        ] as [(&'static str, $crate::dynamic::Value); _])
    };
}

impl StructValue {
    /// A struct without any field set, of a type that the place where it is written says.
    pub fn new() -> Self {
        Self(Fields::Loose(Vec::new()))
    }

    pub(super) fn typed(idl: Idl, id: StructId, values: Box<[Option<Value>]>) -> Self {
        Self(Fields::Typed { idl, id, values })
    }

    pub(super) fn fields(&self) -> &Fields {
        &self.0
    }

    /// What a raw identifier names.
    #[doc(hidden)]
    pub fn name_of(written: &'static str) -> &'static str {
        written.strip_prefix("r#").unwrap_or(written)
    }

    /// The type, of a struct that was read.
    pub fn ty(&self) -> Option<Struct> {
        match &self.0 {
            Fields::Typed { idl, id, .. } => Some(Struct::new(idl.clone(), *id)),
            Fields::Loose(_) => None,
        }
    }

    /// The name of the type, of a struct that was read.
    pub fn type_name(&self) -> Option<&str> {
        match &self.0 {
            Fields::Typed { idl, id, .. } => Some(&idl.schema().structure(*id).name),
            Fields::Loose(_) => None,
        }
    }

    /// The value of a field, if it is set.
    pub fn get(&self, name: &str) -> Option<&Value> {
        match &self.0 {
            Fields::Typed { idl, id, values } => values[place_of(idl, *id, name)?].as_ref(),
            Fields::Loose(fields) => {
                fields.iter().find(|(known, value)| known == name && !value.is_null()).map(|(_, value)| value)
            }
        }
    }

    /// Sets a field; [`Value::Null`] unsets it. What the value is, is checked when it is written.
    ///
    /// # Errors
    /// The struct is of a type that has no such field.
    pub fn set(&mut self, name: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Result<(), UnknownName> {
        let (name, value) = (name.into(), value.into());
        match &mut self.0 {
            Fields::Typed { idl, id, values } => match place_of(idl, *id, &name) {
                Some(place) => values[place] = Some(value).filter(|value| !value.is_null()),
                None => return Err(Struct::new(idl.clone(), *id).unknown_field(&name)),
            },
            Fields::Loose(fields) => match fields.iter_mut().find(|(known, _)| *known == name) {
                Some((_, slot)) => *slot = value,
                None => fields.push((name, value)),
            },
        }
        Ok(())
    }

    /// Takes the value of a field out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        match &mut self.0 {
            Fields::Typed { idl, id, values } => values[place_of(idl, *id, name)?].take(),
            Fields::Loose(fields) => {
                let place = fields.iter().position(|(known, _)| known == name)?;
                Some(fields.swap_remove(place).1).filter(|value| !value.is_null())
            }
        }
    }

    /// Names and values of the fields that are set: of a union, its member.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let (names, typed, loose) = match &self.0 {
            Fields::Typed { idl, id, values } => (idl.schema().structure(*id).fields.as_slice(), &**values, &[][..]),
            Fields::Loose(fields) => (&[][..], &[][..], fields.as_slice()),
        };
        let typed = names.iter().zip(typed).filter_map(|(field, value)| Some((&*field.name, value.as_ref()?)));
        let loose = loose.iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (&**name, value));
        typed.chain(loose)
    }

    /// Takes the value at this place of the fields of its type.
    pub(super) fn take_at(&mut self, place: usize) -> Option<Value> {
        match &mut self.0 {
            Fields::Typed { values, .. } => values.get_mut(place).and_then(Option::take),
            Fields::Loose(_) => None,
        }
    }
}

fn place_of(idl: &Idl, id: StructId, name: &str) -> Option<usize> {
    let plan = idl.plans().structure(id);
    plan.place_of_name(name.as_bytes(), 0).map(|place| plan.fields[place].index)
}

/// Whether a name comes twice, or there are more names than it is worth to compare.
fn has_doubles(fields: &[(Cow<'static, str>, Value)]) -> bool {
    fields.len() > 16 || (1..fields.len()).any(|end| fields[..end].iter().any(|(name, _)| *name == fields[end].0))
}

impl Default for StructValue {
    fn default() -> Self {
        Self::new()
    }
}

/// A struct of a type that the place where it is written says. Of a name that comes twice, the last value counts.
impl<N: Into<Cow<'static, str>>, V: Into<Value>> FromIterator<(N, V)> for StructValue {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(fields: I) -> Self {
        let mut fields: Vec<_> = fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
        if has_doubles(&fields) {
            let mut seen = HashSet::new();
            fields.reverse();
            fields.retain(|(name, _)| seen.insert(name.clone()));
            fields.reverse();
        }
        Self(Fields::Loose(fields))
    }
}

impl<N: Into<Cow<'static, str>>, V: Into<Value>, const COUNT: usize> From<[(N, V); COUNT]> for StructValue {
    fn from(fields: [(N, V); COUNT]) -> Self {
        fields.into_iter().collect()
    }
}

/// No fields: the arguments of a function that has none.
impl From<()> for StructValue {
    fn from((): ()) -> Self {
        Self::new()
    }
}

impl EnumValue {
    pub(super) fn new(idl: Idl, id: EnumId, number: i32) -> Self {
        Self { idl, id, number }
    }

    /// The number.
    pub fn number(&self) -> i32 {
        self.number
    }

    /// The name, where the IDL gives the number one.
    pub fn name(&self) -> Option<&str> {
        self.idl.plans().enumeration(self.id).name_of(self.number)
    }

    /// The enum.
    pub fn ty(&self) -> Enum {
        Enum::new(self.idl.clone(), self.id)
    }

    /// The name of the enum.
    pub fn type_name(&self) -> &str {
        &self.idl.schema().enumeration(self.id).name
    }
}
