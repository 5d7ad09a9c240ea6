use fastthrift_dynamic::{StructValue, Value};
use fastthrift_schema::{EnumId, Requiredness, Schema, StructId, StructKind, TypeId, TypeKind};

use super::Choices;

/// How deep structs nest in a value before their fields that need not be there are left out.
const STRUCT_DEPTH: u32 = 5;

/// A value of this struct: required fields set, of others some, of a union's one.
///
/// # Panics
/// When the schema is not one of [`super::schema`]: it has a union without fields.
pub fn value(choices: &mut Choices<'_>, schema: &Schema, id: StructId) -> Value {
    structure(choices, schema, id, STRUCT_DEPTH)
}

fn structure(choices: &mut Choices<'_>, schema: &Schema, id: StructId, depth: u32) -> Value {
    let structure = schema.structure(id);
    let mut fields = vec![None; structure.fields.len()];
    if structure.kind == StructKind::Union {
        let place = choices.below(structure.fields.len());
        let chosen = value_within(choices, schema, structure.fields[place].ty, depth);
        let place = if chosen.is_some() { place } else { 0 };
        fields[place] = chosen.or_else(|| value_within(choices, schema, structure.fields[0].ty, depth));
    } else {
        for (place, field) in structure.fields.iter().enumerate() {
            if field.requiredness == Requiredness::Required || choices.below(4) > 0 {
                fields[place] = value_within(choices, schema, field.ty, depth);
            }
        }
    }
    Value::Struct(StructValue { id, fields })
}

/// A value of this type, or `None` when it is a struct that would nest too deep.
fn value_within(choices: &mut Choices<'_>, schema: &Schema, ty: TypeId, depth: u32) -> Option<Value> {
    Some(match schema.resolve(ty) {
        TypeKind::Bool => Value::Bool(choices.flag()),
        TypeKind::I8 => Value::I32(choices.byte().cast_signed().into()),
        TypeKind::I16 => Value::I32(i16::from_le_bytes(choices.bytes()).into()),
        TypeKind::I32 => Value::I32(i32::from_le_bytes(choices.bytes())),
        TypeKind::I64 => Value::I64(choices.number()),
        TypeKind::Double => Value::Double(choices.double()),
        TypeKind::String => Value::String(choices.text()),
        TypeKind::Binary => Value::Binary(choices.binary()),
        TypeKind::Uuid => Value::Uuid(choices.bytes()),
        TypeKind::Enum(id) => Value::Enum(enum_number(choices, schema, id)),
        TypeKind::Struct(_) if depth == 0 => return None,
        TypeKind::Struct(id) => structure(choices, schema, id, depth - 1),
        TypeKind::List(element) => Value::List(items(choices, schema, element, depth)),
        TypeKind::Set(element) => Value::Set(items(choices, schema, element, depth)),
        TypeKind::Map(key, value) => Value::Map(entries(choices, schema, key, value, depth)),
        TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
    })
}

/// Mostly a number that the enum knows, sometimes another.
fn enum_number(choices: &mut Choices<'_>, schema: &Schema, id: EnumId) -> i32 {
    let values = &schema.enumeration(id).values;
    match choices.below(8) {
        7 => i32::from_le_bytes(choices.bytes()),
        _ => values[choices.below(values.len())].value,
    }
}

fn items(choices: &mut Choices<'_>, schema: &Schema, element: TypeId, depth: u32) -> Vec<Value> {
    (0..len(choices)).map_while(|_| value_within(choices, schema, element, depth)).collect()
}

fn entries(choices: &mut Choices<'_>, schema: &Schema, key: TypeId, value: TypeId, depth: u32) -> Vec<(Value, Value)> {
    let len = len(choices);
    let entry = |_| Some((value_within(choices, schema, key, depth)?, value_within(choices, schema, value, depth)?));
    (0..len).map_while(entry).collect()
}

fn len(choices: &mut Choices<'_>) -> usize {
    match choices.byte() {
        _ if choices.is_empty() => 0,
        252.. => 14 + choices.below(4),
        short => usize::from(short) % 4,
    }
}
