//! Values to bytes and back, in every protocol.

use fastthrift_dynamic::simple_json::{JsonStyle, SimpleJsonDecoder, SimpleJsonEncoder};
use fastthrift_dynamic::{Decoder, Encoder, StructPlan, TypePlan, Visit};
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, InputProtocol, JsonReader, JsonWriter,
    Limits, OutputProtocol, Protocol, Scratch,
};
use fastthrift_schema::{StructId, StructKind};

use super::build::ValueBuilder;
use super::visit::{Open, Visitor};
use super::{Idl, StructValue, Value, ValueError, ValueErrorKind};

/// Appends a struct. After an error the buffer is as it was before.
pub(super) fn write(
    idl: &Idl,
    id: StructId,
    protocol: Protocol,
    value: &StructValue,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let start = out.len();
    let written = Fields::open(idl, id, value).and_then(|fields| fields.write(protocol, out));
    if written.is_err() {
        out.truncate(start);
    }
    written
}

/// Appends a result of which one field is set, that at this place of the IDL's order, or none.
pub(super) fn write_result(
    idl: &Idl,
    id: StructId,
    protocol: Protocol,
    field: Option<(usize, &Value)>,
    out: &mut Vec<u8>,
) -> Result<(), ValueError> {
    let plan = idl.plans().structure(id);
    let mut values = vec![None; plan.fields.len()];
    if let Some((place, value)) = field {
        values[place] = Some(value);
    }
    Fields { plan, visitor: Visitor { idl }, open: Open::Found(values) }.write(protocol, out)
}

/// A struct that is opened.
struct Fields<'v> {
    plan: &'v StructPlan,
    visitor: Visitor<'v>,
    open: Open<'v>,
}

impl<'v> Fields<'v> {
    fn open(idl: &'v Idl, id: StructId, value: &'v StructValue) -> Result<Self, ValueError> {
        let (plan, visitor) = (idl.plans().structure(id), Visitor { idl });
        let open = visitor.open(plan, value)?;
        if plan.kind == StructKind::Union {
            let count = open.len();
            if count != 1 {
                let union = (*plan.name).into();
                return Err(ValueError::new(ValueErrorKind::UnionMembers { union, count }));
            }
        }
        Ok(Self { plan, visitor, open })
    }

    fn write(&self, protocol: Protocol, out: &mut Vec<u8>) -> Result<(), ValueError> {
        match protocol {
            Protocol::Binary => self.write_typed(&mut BinaryWriter::new(out)),
            Protocol::Compact => self.write_typed(&mut CompactWriter::new(out)),
            Protocol::Json => self.write_typed(&mut JsonWriter::new(out)),
            Protocol::SimpleJson => self.write_named(JsonStyle::SIMPLE_JSON, out),
        }
    }

    fn write_typed(&self, out: &mut impl OutputProtocol) -> Result<(), ValueError> {
        let mut encoder = Encoder::new(self.visitor.idl.plans(), out, &self.visitor, Limits::MAX_DEPTH);
        encoder.fields(self.plan, |field| self.visitor.field(&self.open, field))
    }

    fn write_named(&self, style: JsonStyle, out: &mut Vec<u8>) -> Result<(), ValueError> {
        let mut encoder =
            SimpleJsonEncoder::new(self.visitor.idl.plans(), out, &self.visitor, style, Limits::MAX_DEPTH);
        encoder.fields(self.plan, |field| self.visitor.field(&self.open, field)).map(drop)
    }
}

/// Reads a struct from the start of the input.
pub(super) fn read(
    idl: &Idl,
    id: StructId,
    protocol: Protocol,
    input: &[u8],
    limits: Limits,
) -> Result<StructValue, DecodeError> {
    match protocol {
        Protocol::Binary => read_struct(idl, id, BinaryReader::new(input, limits), limits),
        Protocol::Compact => read_struct(idl, id, CompactReader::new(input, limits), limits),
        Protocol::Json => read_struct(idl, id, JsonReader::new(input, &Scratch::new(), limits), limits),
        Protocol::SimpleJson => read_json(idl, id, input, limits, false),
    }
}

fn read_struct<'de>(
    idl: &Idl,
    id: StructId,
    mut input: impl InputProtocol<'de>,
    limits: Limits,
) -> Result<StructValue, DecodeError> {
    let mut builder = ValueBuilder::new(idl, limits.memory);
    Decoder::new(idl.plans(), &mut input, &mut builder).structure(id).map(structure)
}

fn read_json(idl: &Idl, id: StructId, text: &[u8], limits: Limits, is_all: bool) -> Result<StructValue, DecodeError> {
    let (scratch, mut builder) = (Scratch::new(), ValueBuilder::new(idl, limits.memory));
    let mut decoder = SimpleJsonDecoder::new(idl.plans(), text, &scratch, limits, &mut builder);
    let value = decoder.structure(id)?;
    if is_all {
        decoder.end()?;
    }
    Ok(structure(value))
}

fn structure(value: Value) -> StructValue {
    match value {
        Value::Struct(value) => value,
        _ => unreachable!("invariant: a struct's plan makes a struct"),
    }
}

/// Reads JSON text with names.
pub(super) fn from_json(idl: &Idl, id: StructId, text: &str, limits: Limits) -> Result<StructValue, DecodeError> {
    read_json(idl, id, text.as_bytes(), limits, true)
}

/// Writes JSON text with names.
pub(super) fn to_json(idl: &Idl, id: StructId, value: &StructValue, style: JsonStyle) -> Result<String, ValueError> {
    let mut out = Vec::new();
    Fields::open(idl, id, value)?.write_named(style, &mut out)?;
    Ok(text(out))
}

/// Writes a value of any type as JSON text with names.
pub(super) fn value_to_json(idl: &Idl, ty: &TypePlan, value: &Value, style: JsonStyle) -> Result<String, ValueError> {
    let (mut out, visitor) = (Vec::new(), Visitor { idl });
    SimpleJsonEncoder::new(idl.plans(), &mut out, &visitor, style, Limits::MAX_DEPTH).value(ty, value)?;
    Ok(text(out))
}

fn text(json: Vec<u8>) -> String {
    String::from_utf8(json).expect("invariant: what is written as JSON is UTF-8")
}
