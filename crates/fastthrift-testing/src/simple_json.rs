//! What must hold for JSON with field names, whatever the schema, the value and the bytes are. Each check panics when it does not.

use fastthrift_dynamic::simple_json::{BoolStyle, EnumStyle, JsonStyle};
use fastthrift_dynamic::{Plans, Value, decode_json_value, encode_json_value};
use fastthrift_protocol::Limits;
use fastthrift_protocol::json::{DoubleText, write_integer, write_text, write_uuid};
use fastthrift_schema::StructId;

use crate::Tree;
use crate::arbitrary::{Choices, schema, value};

/// Choices for a style, a schema and a value of it: the value comes back from its JSON, and no prefix of that is a value.
pub fn check_json_value(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let style = style(&mut choices);
    let (schema, id) = schema(&mut choices);
    let value = with_one_nan(value(&mut choices, &schema, id));
    let plans = Plans::new(schema);
    let json = encode(&plans, id, &value, style).expect("a value of the schema");
    let shown = || String::from_utf8_lossy(&json);
    assert_eq!(decode_json_value(&plans, id, &json, Limits::DEFAULT), Ok(value), "{}", shown());
    assert!(std::str::from_utf8(&json).is_ok(), "{}", shown());
    assert!(!json.iter().any(|&byte| byte < b' ' && byte != b'\n'), "{}", shown());
    for end in [json.len() - 1, json.len() / 2] {
        let error = decode_json_value(&plans, id, &json[..end], Limits::DEFAULT).expect_err("a prefix");
        assert!(error.offset() <= end, "{error}: {}", shown());
    }
}

/// The number of pairs of bytes that choose a schema, these, and then arbitrary bytes as JSON of a value of it: what can be read is
/// written and read again in each style.
pub fn check_json_decoder(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let schema_len = 2 * usize::from(choices.byte());
    let (schema_choices, json) = choices.rest().split_at(schema_len.min(choices.rest().len()));
    let (schema, id) = schema(&mut Choices::new(schema_choices));
    let plans = Plans::new(schema);
    let value = match decode_json_value(&plans, id, json, Limits::DEFAULT) {
        Ok(value) => value,
        Err(error) => return assert!(error.offset() <= json.len(), "{error}"),
    };
    for style in [JsonStyle::SIMPLE_JSON, JsonStyle { indent: Some(2), ..JsonStyle::READABLE }] {
        // A union can be read of which the member is not known, but not written.
        if let Some(again) = encode(&plans, id, &value, style) {
            let read = decode_json_value(&plans, id, &again, Limits::DEFAULT);
            assert_eq!(read.as_ref(), Ok(&value), "{}", String::from_utf8_lossy(&again));
        }
    }
}

fn style(choices: &mut Choices<'_>) -> JsonStyle {
    JsonStyle {
        enums: choices.one_of(&[EnumStyle::Name, EnumStyle::Number]),
        bools: choices.one_of(&[BoolStyle::Word, BoolStyle::Number]),
        indent: choices.one_of(&[None, Some(0), Some(2)]),
    }
}

fn encode(plans: &Plans, id: StructId, value: &Value, style: JsonStyle) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    encode_json_value(plans, id, value, style, &mut out).ok().map(|()| out)
}

/// The value with each NaN as the one that JSON has.
fn with_one_nan(value: Value) -> Value {
    let all = |values: Vec<Value>| values.into_iter().map(with_one_nan).collect();
    match value {
        Value::Double(number) if number.is_nan() => Value::Double(f64::NAN),
        Value::List(values) => Value::List(all(values)),
        Value::Set(values) => Value::Set(all(values)),
        Value::Map(entries) => {
            Value::Map(entries.into_iter().map(|(key, value)| (with_one_nan(key), with_one_nan(value))).collect())
        }
        Value::Struct(mut structure) => {
            for field in &mut structure.fields {
                *field = field.take().map(with_one_nan);
            }
            Value::Struct(structure)
        }
        other => other,
    }
}

/// Writes a value without a schema: fields are named by their ids.
pub(crate) fn write_tree_as_json(tree: &Tree, out: &mut Vec<u8>) {
    match tree {
        Tree::Bool(value) => write_integer(out, (*value).into()),
        Tree::I8(value) => write_integer(out, (*value).into()),
        Tree::I16(value) => write_integer(out, (*value).into()),
        Tree::I32(value) => write_integer(out, (*value).into()),
        Tree::I64(value) => write_integer(out, *value),
        Tree::Double(bits) => write_text(out, DoubleText::shortest(f64::from_bits(*bits)).as_bytes()),
        Tree::Uuid(value) => write_uuid(out, value),
        Tree::String(value) => write_text(out, value),
        Tree::Struct(fields) => write_all(*b"{}", fields, out, |(id, value), out| {
            write_text(out, id.to_string().as_bytes());
            out.push(b':');
            write_tree_as_json(value, out);
        }),
        Tree::List(_, items) | Tree::Set(_, items) => write_all(*b"[]", items, out, write_tree_as_json),
        Tree::Map(_, _, entries) => write_all(*b"[]", entries, out, |(key, value), out| {
            write_all(*b"[]", &[key, value], out, |part, out| write_tree_as_json(part, out));
        }),
    }
}

fn write_all<T>(brackets: [u8; 2], items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(brackets[0]);
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(brackets[1]);
}
