use fastthrift_protocol::DecodeError;
use fastthrift_schema::EnumId;

use crate::{FieldPlan, MapPlan, Numbers, NumbersMut, SequencePlan, StructPlan};

/// Makes values from what a [`crate::Decoder`] reads.
///
/// Errors are for what the walk cannot know (text that is not UTF-8, a value that cannot be a key, memory); the walk adds the path.
/// A value under construction is dropped when the walk fails.
pub trait Build {
    /// A finished value.
    type Value;
    /// A struct under construction.
    type Struct;
    /// A list under construction.
    type List;
    /// A set under construction.
    type Set;
    /// A map under construction.
    type Map;

    /// Makes a `bool`.
    fn bool(&mut self, value: bool) -> Result<Self::Value, DecodeError>;
    /// Makes an `i8`, `i16` or `i32`.
    fn i32(&mut self, value: i32) -> Result<Self::Value, DecodeError>;
    /// Makes an `i64`.
    fn i64(&mut self, value: i64) -> Result<Self::Value, DecodeError>;
    /// Makes a `double`.
    fn double(&mut self, value: f64) -> Result<Self::Value, DecodeError>;
    /// Makes a `string` from bytes that are not checked yet; `offset` is where they start.
    fn string(&mut self, value: &[u8], offset: usize) -> Result<Self::Value, DecodeError>;
    /// Makes a `string` that is a key of a map: often the same few again and again. As [`Build::string`] otherwise.
    fn key_string(&mut self, value: &[u8], offset: usize) -> Result<Self::Value, DecodeError> {
        self.string(value, offset)
    }
    /// Makes a `binary`.
    fn binary(&mut self, value: &[u8]) -> Result<Self::Value, DecodeError>;
    /// Makes a `uuid`.
    fn uuid(&mut self, value: [u8; 16]) -> Result<Self::Value, DecodeError>;
    /// Makes a value of an enum; the number may be one that the schema does not name.
    fn enumeration(&mut self, id: EnumId, number: i32) -> Result<Self::Value, DecodeError>;

    /// Starts a struct.
    fn begin_struct(&mut self, plan: &StructPlan) -> Result<Self::Struct, DecodeError>;
    /// Sets a field; a second value for the same field replaces the first.
    fn set_field(
        &mut self,
        structure: &mut Self::Struct,
        field: &FieldPlan,
        value: Self::Value,
    ) -> Result<(), DecodeError>;
    /// Whether a field was set.
    fn has_field(&self, structure: &Self::Struct, field: &FieldPlan) -> bool;
    /// Finishes a struct: fields that were not set get their defaults.
    fn end_struct(&mut self, plan: &StructPlan, structure: Self::Struct) -> Result<Self::Value, DecodeError>;

    /// Starts a list of exactly `len` elements.
    fn begin_list(&mut self, plan: &SequencePlan, len: usize) -> Result<Self::List, DecodeError>;
    /// Adds the element at `index`; indices count up from 0.
    fn push(&mut self, list: &mut Self::List, index: usize, value: Self::Value) -> Result<(), DecodeError>;
    /// Adds a run of numbers, the first of them at `start`. Only for lists of a type that [`crate::is_number`].
    fn push_numbers(&mut self, list: &mut Self::List, start: usize, numbers: Numbers<'_>) -> Result<(), DecodeError> {
        macro_rules! push_each {
            ($numbers:expr, $make:ident) => {
                $numbers.iter().enumerate().try_for_each(|(index, &number)| {
                    let value = self.$make(number.into())?;
                    self.push(list, start + index, value)
                })
            };
        }
        match numbers {
            Numbers::Bool(numbers) => push_each!(numbers, bool),
            Numbers::I8(numbers) => push_each!(numbers, i32),
            Numbers::I16(numbers) => push_each!(numbers, i32),
            Numbers::I32(numbers) => push_each!(numbers, i32),
            Numbers::I64(numbers) => push_each!(numbers, i64),
            Numbers::Double(numbers) => push_each!(numbers, double),
        }
    }
    /// The places of all elements of a list of numbers, where it keeps them side by side: then they are read right into it, and
    /// nothing is pushed.
    fn places<'l>(&mut self, _list: &'l mut Self::List) -> Option<NumbersMut<'l>> {
        None
    }
    /// Finishes a list.
    fn end_list(&mut self, plan: &SequencePlan, list: Self::List) -> Result<Self::Value, DecodeError>;

    /// Starts a set of `len` elements.
    fn begin_set(&mut self, plan: &SequencePlan, len: usize) -> Result<Self::Set, DecodeError>;
    /// Adds an element.
    fn insert(&mut self, set: &mut Self::Set, value: Self::Value) -> Result<(), DecodeError>;
    /// Finishes a set.
    fn end_set(&mut self, plan: &SequencePlan, set: Self::Set) -> Result<Self::Value, DecodeError>;

    /// Starts a map of `len` entries.
    fn begin_map(&mut self, plan: &MapPlan, len: usize) -> Result<Self::Map, DecodeError>;
    /// Adds an entry.
    fn insert_entry(&mut self, map: &mut Self::Map, key: Self::Value, value: Self::Value) -> Result<(), DecodeError>;
    /// Finishes a map.
    fn end_map(&mut self, plan: &MapPlan, map: Self::Map) -> Result<Self::Value, DecodeError>;
}
