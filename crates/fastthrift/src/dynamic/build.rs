//! Makes values of what is read, and of what the IDL says.

use fastthrift_dynamic::{Build, FieldPlan, MapPlan, SequencePlan, StructPlan};
use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use fastthrift_schema::{EnumId, Schema, StructId, StructKind, Value as Constant};

use super::{EnumValue, Idl, StructValue, Value};

/// Elements for which room is made at once: more of them grow a container step by step.
const ROOM: usize = 1 << 10;

/// Makes values of the types of some IDL, and counts the memory that they take.
pub(super) struct ValueBuilder<'i> {
    idl: &'i Idl,
    limit: usize,
    left: usize,
}

impl<'i> ValueBuilder<'i> {
    /// A builder whose values may take so many bytes of memory.
    pub(super) fn new(idl: &'i Idl, limit: usize) -> Self {
        Self { idl, limit, left: limit }
    }

    /// The value of a constant. The IDL is right, so its constants are bounded.
    pub(super) fn constant(idl: &Idl, constant: &Constant) -> Value {
        let made = ValueBuilder::new(idl, usize::MAX).made(constant);
        made.expect("invariant: there is no limit to be over")
    }

    #[inline]
    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        match self.left.checked_sub(bytes) {
            Some(left) => self.left = left,
            None => return Err(self.too_much(bytes)),
        }
        Ok(())
    }

    #[cold]
    fn too_much(&self, bytes: usize) -> DecodeError {
        let size = (self.limit - self.left).saturating_add(bytes);
        DecodeError::new(DecodeErrorKind::SizeLimit { what: "message's values", size, limit: self.limit }, 0)
    }

    fn begin(&mut self, id: StructId) -> Result<Box<[Option<Value>]>, DecodeError> {
        let len = self.idl.schema().structure(id).fields.len();
        self.charge(len.saturating_mul(size_of::<Option<Value>>()))?;
        Ok(vec![None; len].into_boxed_slice())
    }

    /// Sets the fields that are not set and have a default value.
    fn set_defaults(&mut self, id: StructId, values: &mut [Option<Value>]) -> Result<(), DecodeError> {
        let structure = self.idl.schema().structure(id);
        if structure.kind == StructKind::Union {
            return Ok(());
        }
        for (field, value) in structure.fields.iter().zip(values) {
            if let (None, Some(default)) = (&value, &field.default) {
                *value = Some(self.made(default)?);
            }
        }
        Ok(())
    }

    fn made(&mut self, constant: &Constant) -> Result<Value, DecodeError> {
        Ok(match constant {
            Constant::Bool(value) => Value::Bool(*value),
            Constant::Int(value) => Value::Int(*value),
            Constant::Double(value) => Value::Double(*value),
            Constant::String(value) => {
                self.charge(value.len())?;
                Value::String(value.to_string())
            }
            Constant::Binary(value) => {
                self.charge(value.len())?;
                Value::Binary(value.to_vec())
            }
            Constant::Uuid(value) => Value::Uuid(*value),
            Constant::Enum { id, index } => {
                let number = self.idl.schema().enumeration(*id).values[*index].value;
                Value::Enum(EnumValue::new(self.idl.clone(), *id, number))
            }
            Constant::List(values) => Value::List(self.all(values)?),
            Constant::Set(values) => Value::Set(self.all(values)?),
            Constant::Map(entries) => {
                self.charge(entries.len().saturating_mul(size_of::<(Value, Value)>()))?;
                let entries = entries.iter().map(|(key, value)| Ok((self.made(key)?, self.made(value)?)));
                Value::Map(entries.collect::<Result<_, DecodeError>>()?)
            }
            Constant::Struct { id, fields } => {
                let mut values = self.begin(*id)?;
                for (place, value) in fields {
                    values[*place] = Some(self.made(value)?);
                }
                self.set_defaults(*id, &mut values)?;
                Value::Struct(StructValue::typed(self.idl.clone(), *id, values))
            }
        })
    }

    fn all(&mut self, constants: &[Constant]) -> Result<Vec<Value>, DecodeError> {
        self.charge(constants.len().saturating_mul(size_of::<Value>()))?;
        constants.iter().map(|constant| self.made(constant)).collect()
    }

    fn room<T>(&mut self, len: usize) -> Result<Vec<T>, DecodeError> {
        self.charge(len.saturating_mul(size_of::<T>()))?;
        Ok(Vec::with_capacity(len.min(ROOM)))
    }
}

/// A constant without the IDL that it is of: enums as numbers, structs as names and values.
pub(super) fn loose(schema: &Schema, constant: &Constant) -> Value {
    match constant {
        Constant::Bool(value) => Value::Bool(*value),
        Constant::Int(value) => Value::Int(*value),
        Constant::Double(value) => Value::Double(*value),
        Constant::String(value) => Value::String(value.to_string()),
        Constant::Binary(value) => Value::Binary(value.to_vec()),
        Constant::Uuid(value) => Value::Uuid(*value),
        Constant::Enum { id, index } => Value::Int(schema.enumeration(*id).values[*index].value.into()),
        Constant::List(values) => Value::List(values.iter().map(|value| loose(schema, value)).collect()),
        Constant::Set(values) => Value::Set(values.iter().map(|value| loose(schema, value)).collect()),
        Constant::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (loose(schema, key), loose(schema, value))).collect())
        }
        Constant::Struct { id, fields } => {
            let structure = schema.structure(*id);
            let name = |place: usize| structure.fields[place].name.to_string();
            Value::Struct(fields.iter().map(|(place, value)| (name(*place), loose(schema, value))).collect())
        }
    }
}

impl Build for ValueBuilder<'_> {
    type Value = Value;
    type Struct = Box<[Option<Value>]>;
    type List = Vec<Value>;
    type Set = Vec<Value>;
    type Map = Vec<(Value, Value)>;

    #[inline]
    fn bool(&mut self, value: bool) -> Result<Value, DecodeError> {
        Ok(Value::Bool(value))
    }

    #[inline]
    fn i32(&mut self, value: i32) -> Result<Value, DecodeError> {
        Ok(Value::Int(value.into()))
    }

    #[inline]
    fn i64(&mut self, value: i64) -> Result<Value, DecodeError> {
        Ok(Value::Int(value))
    }

    #[inline]
    fn double(&mut self, value: f64) -> Result<Value, DecodeError> {
        Ok(Value::Double(value))
    }

    fn string(&mut self, value: &[u8], offset: usize) -> Result<Value, DecodeError> {
        self.charge(value.len())?;
        match std::str::from_utf8(value) {
            Ok(text) => Ok(Value::String(text.to_owned())),
            Err(error) => Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, offset + error.valid_up_to())),
        }
    }

    fn binary(&mut self, value: &[u8]) -> Result<Value, DecodeError> {
        self.charge(value.len())?;
        Ok(Value::Binary(value.to_vec()))
    }

    fn uuid(&mut self, value: [u8; 16]) -> Result<Value, DecodeError> {
        Ok(Value::Uuid(value))
    }

    fn enumeration(&mut self, id: EnumId, number: i32) -> Result<Value, DecodeError> {
        Ok(Value::Enum(EnumValue::new(self.idl.clone(), id, number)))
    }

    #[inline]
    fn begin_struct(&mut self, plan: &StructPlan) -> Result<Self::Struct, DecodeError> {
        self.begin(plan.id)
    }

    #[inline]
    fn set_field(&mut self, values: &mut Self::Struct, field: &FieldPlan, value: Value) -> Result<(), DecodeError> {
        values[field.index] = Some(value);
        Ok(())
    }

    #[inline]
    fn has_field(&self, values: &Self::Struct, field: &FieldPlan) -> bool {
        values[field.index].is_some()
    }

    #[inline]
    fn end_struct(&mut self, plan: &StructPlan, mut values: Self::Struct) -> Result<Value, DecodeError> {
        self.set_defaults(plan.id, &mut values)?;
        Ok(Value::Struct(StructValue::typed(self.idl.clone(), plan.id, values)))
    }

    fn begin_list(&mut self, _: &SequencePlan, len: usize) -> Result<Vec<Value>, DecodeError> {
        self.room(len)
    }

    #[inline]
    fn push(&mut self, list: &mut Vec<Value>, _: usize, value: Value) -> Result<(), DecodeError> {
        list.push(value);
        Ok(())
    }

    fn end_list(&mut self, _: &SequencePlan, list: Vec<Value>) -> Result<Value, DecodeError> {
        Ok(Value::List(list))
    }

    fn begin_set(&mut self, _: &SequencePlan, len: usize) -> Result<Vec<Value>, DecodeError> {
        self.room(len)
    }

    #[inline]
    fn insert(&mut self, set: &mut Vec<Value>, value: Value) -> Result<(), DecodeError> {
        set.push(value);
        Ok(())
    }

    fn end_set(&mut self, _: &SequencePlan, set: Vec<Value>) -> Result<Value, DecodeError> {
        Ok(Value::Set(set))
    }

    fn begin_map(&mut self, _: &MapPlan, len: usize) -> Result<Self::Map, DecodeError> {
        self.room(len)
    }

    #[inline]
    fn insert_entry(&mut self, map: &mut Self::Map, key: Value, value: Value) -> Result<(), DecodeError> {
        map.push((key, value));
        Ok(())
    }

    fn end_map(&mut self, _: &MapPlan, map: Self::Map) -> Result<Value, DecodeError> {
        Ok(Value::Map(map))
    }
}
