use fastthrift_protocol::json::Scratch;
use fastthrift_protocol::{DecodeError, DecodeErrorKind, InputProtocol, Limits, OutputProtocol};
use fastthrift_schema::{EnumId, StructId};

use crate::simple_json::{JsonStyle, SimpleJsonDecoder, SimpleJsonEncoder};
use crate::{
    Build, Decoder, EncodeError, EncodeErrorKind, Encoder, FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, Visit,
};

/// A Thrift value of any type, as plain Rust data.
#[derive(Debug, Clone)]
pub enum Value {
    /// A `bool`.
    Bool(bool),
    /// An `i8`, `i16` or `i32`.
    I32(i32),
    /// An `i64`.
    I64(i64),
    /// A `double`; two are equal when their bits are.
    Double(f64),
    /// A `string`.
    String(String),
    /// A `binary`.
    Binary(Vec<u8>),
    /// A `uuid`.
    Uuid([u8; 16]),
    /// The number of an enum's value.
    Enum(i32),
    /// A struct, union or exception.
    Struct(StructValue),
    /// A list.
    List(Vec<Value>),
    /// A set, in the order read or to be written.
    Set(Vec<Value>),
    /// A map, in the order read or to be written.
    Map(Vec<(Value, Value)>),
}

/// A struct as plain Rust data.
#[derive(Debug, Clone, PartialEq)]
pub struct StructValue {
    /// The struct.
    pub id: StructId,
    /// The value of each field that is set, by its place in [`fastthrift_schema::Struct::fields`].
    pub fields: Vec<Option<Value>>,
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::I32(a), Self::I32(b)) | (Self::Enum(a), Self::Enum(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::Double(a), Self::Double(b)) => a.to_bits() == b.to_bits(),
            (Self::String(a), Self::String(b)) => a == b,
            (Self::Binary(a), Self::Binary(b)) => a == b,
            (Self::Uuid(a), Self::Uuid(b)) => a == b,
            (Self::Struct(a), Self::Struct(b)) => a == b,
            (Self::List(a), Self::List(b)) | (Self::Set(a), Self::Set(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

/// Reads a struct as a [`Value`].
pub fn decode_value<'de>(
    plans: &Plans,
    id: StructId,
    input: &mut impl InputProtocol<'de>,
) -> Result<Value, DecodeError> {
    let mut build = ValueBuilder { plans };
    Decoder::new(plans, input, &mut build).structure(id)
}

/// Writes a struct that is held as a [`Value`].
pub fn encode_value(
    plans: &Plans,
    id: StructId,
    value: &Value,
    output: &mut impl OutputProtocol,
) -> Result<(), EncodeError> {
    let visit = ValueVisitor(std::marker::PhantomData);
    Encoder::new(plans, output, &visit, Limits::DEFAULT.depth).structure(id, value)
}

/// Reads a struct as a [`Value`] from JSON with field names, of which nothing may follow.
pub fn decode_json_value(plans: &Plans, id: StructId, text: &[u8], limits: Limits) -> Result<Value, DecodeError> {
    let (scratch, mut build) = (Scratch::new(), ValueBuilder { plans });
    let mut decoder = SimpleJsonDecoder::new(plans, text, &scratch, limits, &mut build);
    let value = decoder.structure(id)?;
    decoder.end().map(|()| value)
}

/// Writes a struct that is held as a [`Value`] as JSON with field names.
pub fn encode_json_value(
    plans: &Plans,
    id: StructId,
    value: &Value,
    style: JsonStyle,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let visit = ValueVisitor(std::marker::PhantomData);
    SimpleJsonEncoder::new(plans, out, &visit, style, Limits::DEFAULT.depth).structure(id, value)
}

/// Makes [`Value`]s.
pub struct ValueBuilder<'p> {
    plans: &'p Plans,
}

impl<'p> ValueBuilder<'p> {
    /// A builder for structs of these plans.
    pub fn new(plans: &'p Plans) -> Self {
        Self { plans }
    }
}

impl Build for ValueBuilder<'_> {
    type Value = Value;
    type Struct = StructValue;
    type List = Vec<Value>;
    type Set = Vec<Value>;
    type Map = Vec<(Value, Value)>;

    fn bool(&mut self, value: bool) -> Result<Value, DecodeError> {
        Ok(Value::Bool(value))
    }
    fn i32(&mut self, value: i32) -> Result<Value, DecodeError> {
        Ok(Value::I32(value))
    }
    fn i64(&mut self, value: i64) -> Result<Value, DecodeError> {
        Ok(Value::I64(value))
    }
    fn double(&mut self, value: f64) -> Result<Value, DecodeError> {
        Ok(Value::Double(value))
    }
    fn string(&mut self, value: &[u8], offset: usize) -> Result<Value, DecodeError> {
        match std::str::from_utf8(value) {
            Ok(text) => Ok(Value::String(text.to_owned())),
            Err(error) => Err(DecodeError::new(DecodeErrorKind::InvalidUtf8, offset + error.valid_up_to())),
        }
    }
    fn binary(&mut self, value: &[u8]) -> Result<Value, DecodeError> {
        Ok(Value::Binary(value.to_vec()))
    }
    fn uuid(&mut self, value: [u8; 16]) -> Result<Value, DecodeError> {
        Ok(Value::Uuid(value))
    }
    fn enumeration(&mut self, _: EnumId, number: i32) -> Result<Value, DecodeError> {
        Ok(Value::Enum(number))
    }

    fn begin_struct(&mut self, plan: &StructPlan) -> Result<StructValue, DecodeError> {
        let fields = vec![None; self.plans.schema().structure(plan.id).fields.len()];
        Ok(StructValue { id: plan.id, fields })
    }
    fn set_field(&mut self, structure: &mut StructValue, field: &FieldPlan, value: Value) -> Result<(), DecodeError> {
        structure.fields[field.index] = Some(value);
        Ok(())
    }
    fn has_field(&self, structure: &StructValue, field: &FieldPlan) -> bool {
        structure.fields[field.index].is_some()
    }
    fn end_struct(&mut self, _: &StructPlan, structure: StructValue) -> Result<Value, DecodeError> {
        Ok(Value::Struct(structure))
    }

    fn begin_list(&mut self, _: &SequencePlan, _: usize) -> Result<Vec<Value>, DecodeError> {
        Ok(Vec::new())
    }
    fn push(&mut self, list: &mut Vec<Value>, _: usize, value: Value) -> Result<(), DecodeError> {
        list.push(value);
        Ok(())
    }
    fn end_list(&mut self, _: &SequencePlan, list: Vec<Value>) -> Result<Value, DecodeError> {
        Ok(Value::List(list))
    }
    fn begin_set(&mut self, _: &SequencePlan, _: usize) -> Result<Vec<Value>, DecodeError> {
        Ok(Vec::new())
    }
    fn insert(&mut self, set: &mut Vec<Value>, value: Value) -> Result<(), DecodeError> {
        set.push(value);
        Ok(())
    }
    fn end_set(&mut self, _: &SequencePlan, set: Vec<Value>) -> Result<Value, DecodeError> {
        Ok(Value::Set(set))
    }
    fn begin_map(&mut self, _: &MapPlan, _: usize) -> Result<Self::Map, DecodeError> {
        Ok(Vec::new())
    }
    fn insert_entry(&mut self, map: &mut Self::Map, key: Value, value: Value) -> Result<(), DecodeError> {
        map.push((key, value));
        Ok(())
    }
    fn end_map(&mut self, _: &MapPlan, map: Self::Map) -> Result<Value, DecodeError> {
        Ok(Value::Map(map))
    }
}

/// Reads [`Value`]s that live for `'v`.
pub struct ValueVisitor<'v>(std::marker::PhantomData<&'v Value>);

impl<'v> Visit for ValueVisitor<'v> {
    type Value = &'v Value;
    type Elements = std::slice::Iter<'v, Value>;
    type Struct = &'v StructValue;
    type Entries =
        std::iter::Map<std::slice::Iter<'v, (Value, Value)>, fn(&'v (Value, Value)) -> (&'v Value, &'v Value)>;

    fn bool(&self, value: &'v Value) -> Result<bool, EncodeError> {
        if let Value::Bool(value) = value { Ok(*value) } else { Err(wrong("bool", value)) }
    }
    fn i8(&self, value: &'v Value) -> Result<i8, EncodeError> {
        self.i32(value)?.try_into().map_err(|_| wrong("i8", value))
    }
    fn i16(&self, value: &'v Value) -> Result<i16, EncodeError> {
        self.i32(value)?.try_into().map_err(|_| wrong("i16", value))
    }
    fn i32(&self, value: &'v Value) -> Result<i32, EncodeError> {
        if let Value::I32(value) = value { Ok(*value) } else { Err(wrong("i32", value)) }
    }
    fn i64(&self, value: &'v Value) -> Result<i64, EncodeError> {
        if let Value::I64(value) = value { Ok(*value) } else { Err(wrong("i64", value)) }
    }
    fn double(&self, value: &'v Value) -> Result<f64, EncodeError> {
        if let Value::Double(value) = value { Ok(*value) } else { Err(wrong("double", value)) }
    }
    fn string(&self, value: &'v Value) -> Result<&[u8], EncodeError> {
        if let Value::String(value) = value { Ok(value.as_bytes()) } else { Err(wrong("string", value)) }
    }
    fn binary(&self, value: &'v Value) -> Result<&[u8], EncodeError> {
        if let Value::Binary(value) = value { Ok(value) } else { Err(wrong("binary", value)) }
    }
    fn uuid(&self, value: &'v Value) -> Result<[u8; 16], EncodeError> {
        if let Value::Uuid(value) = value { Ok(*value) } else { Err(wrong("uuid", value)) }
    }
    fn enumeration(&self, _: EnumId, value: &'v Value) -> Result<i32, EncodeError> {
        if let Value::Enum(value) = value { Ok(*value) } else { Err(wrong("enum", value)) }
    }

    fn structure(&self, plan: &StructPlan, value: &'v Value) -> Result<&'v StructValue, EncodeError> {
        match value {
            Value::Struct(structure) if structure.id == plan.id => Ok(structure),
            _ => Err(wrong(&plan.name, value)),
        }
    }
    fn field(&self, structure: &&'v StructValue, field: &FieldPlan) -> Result<Option<&'v Value>, EncodeError> {
        Ok(structure.fields.get(field.index).and_then(Option::as_ref))
    }
    fn list(&self, _: &SequencePlan, value: &'v Value) -> Result<(usize, Self::Elements), EncodeError> {
        if let Value::List(list) = value { Ok((list.len(), list.iter())) } else { Err(wrong("list", value)) }
    }
    fn set(&self, _: &SequencePlan, value: &'v Value) -> Result<(usize, Self::Elements), EncodeError> {
        if let Value::Set(set) = value { Ok((set.len(), set.iter())) } else { Err(wrong("set", value)) }
    }
    fn map(&self, _: &MapPlan, value: &'v Value) -> Result<(usize, Self::Entries), EncodeError> {
        let Value::Map(map) = value else { return Err(wrong("map", value)) };
        let pair: fn(&'v (Value, Value)) -> (&'v Value, &'v Value) = |(key, value)| (key, value);
        Ok((map.len(), map.iter().map(pair)))
    }
}

#[cold]
fn wrong(expected: &str, found: &Value) -> EncodeError {
    let found = match found {
        Value::Bool(_) => "bool".to_owned(),
        Value::I32(number) => format!("i32 {number}"),
        Value::I64(number) => format!("i64 {number}"),
        Value::Double(_) => "double".to_owned(),
        Value::String(_) => "string".to_owned(),
        Value::Binary(_) => "binary".to_owned(),
        Value::Uuid(_) => "uuid".to_owned(),
        Value::Enum(number) => format!("enum value {number}"),
        Value::Struct(structure) => format!("struct {:?}", structure.id),
        Value::List(_) => "list".to_owned(),
        Value::Set(_) => "set".to_owned(),
        Value::Map(_) => "map".to_owned(),
    };
    EncodeError::new(EncodeErrorKind::WrongType { expected: expected.into(), found: found.into() })
}
