use fastthrift_schema::EnumId;

use crate::{EncodeError, FieldPlan, MapPlan, Numbers, NumbersMut, SequencePlan, StructPlan};

/// Gives a [`crate::Encoder`] the parts of a value.
///
/// Errors say that a value is not what the plan expects; the walk adds the path.
pub trait Visit {
    /// A handle on a value that lives at least as long as the visitor.
    type Value: Copy;
    /// The elements of a list or set.
    type Elements: Iterator<Item = Self::Value>;
    /// The entries of a map.
    type Entries: Iterator<Item = (Self::Value, Self::Value)>;
    /// A struct whose fields are being read.
    type Struct;

    /// Reads a `bool`.
    fn bool(&self, value: Self::Value) -> Result<bool, EncodeError>;
    /// Reads an `i8`.
    fn i8(&self, value: Self::Value) -> Result<i8, EncodeError>;
    /// Reads an `i16`.
    fn i16(&self, value: Self::Value) -> Result<i16, EncodeError>;
    /// Reads an `i32`.
    fn i32(&self, value: Self::Value) -> Result<i32, EncodeError>;
    /// Reads an `i64`.
    fn i64(&self, value: Self::Value) -> Result<i64, EncodeError>;
    /// Reads a `double`.
    fn double(&self, value: Self::Value) -> Result<f64, EncodeError>;
    /// Reads the UTF-8 of a `string`.
    fn string(&self, value: Self::Value) -> Result<&[u8], EncodeError>;
    /// Reads a `binary`.
    fn binary(&self, value: Self::Value) -> Result<&[u8], EncodeError>;
    /// Reads a `uuid`.
    fn uuid(&self, value: Self::Value) -> Result<[u8; 16], EncodeError>;
    /// Reads the number of an enum's value.
    fn enumeration(&self, id: EnumId, value: Self::Value) -> Result<i32, EncodeError>;

    /// Opens a struct, after checking that the value is one.
    fn structure(&self, plan: &StructPlan, value: Self::Value) -> Result<Self::Struct, EncodeError>;
    /// Reads a field; `None` when it is not set.
    fn field(&self, structure: &Self::Struct, field: &FieldPlan) -> Result<Option<Self::Value>, EncodeError>;
    /// Reads a list: how many elements, and the elements.
    fn list(&self, plan: &SequencePlan, value: Self::Value) -> Result<(usize, Self::Elements), EncodeError>;
    /// The numbers of a list, where the value keeps them side by side. Only asked for lists of a type that [`crate::is_number`].
    fn numbers(&self, _plan: &SequencePlan, _value: Self::Value) -> Result<Option<Numbers<'_>>, EncodeError> {
        Ok(None)
    }
    /// Fills the places with the next elements, of which there are as many. Fails with the index of the first that does not fit.
    fn fill(&self, elements: &mut Self::Elements, into: NumbersMut<'_>) -> Result<(), (usize, EncodeError)> {
        macro_rules! fill_each {
            ($places:expr, $read:ident) => {
                $places.iter_mut().zip(elements).enumerate().try_for_each(|(index, (place, element))| {
                    *place = self.$read(element).map_err(|error| (index, error))?;
                    Ok(())
                })
            };
        }
        match into {
            NumbersMut::Bool(places) => fill_each!(places, bool),
            NumbersMut::I8(places) => fill_each!(places, i8),
            NumbersMut::I16(places) => fill_each!(places, i16),
            NumbersMut::I32(places) => fill_each!(places, i32),
            NumbersMut::I64(places) => fill_each!(places, i64),
            NumbersMut::Double(places) => fill_each!(places, double),
        }
    }
    /// Reads a set: how many elements, and the elements.
    fn set(&self, plan: &SequencePlan, value: Self::Value) -> Result<(usize, Self::Elements), EncodeError>;
    /// Reads a map: how many entries, and the entries.
    fn map(&self, plan: &MapPlan, value: Self::Value) -> Result<(usize, Self::Entries), EncodeError>;
}
