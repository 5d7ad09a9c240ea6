//! What must hold for values of a schema, whatever the schema, the value and the bytes are. Each check panics when it
//! does not.

use fastthrift_dynamic::simple_json::JsonStyle;
use fastthrift_dynamic::{Plans, StructValue, Value, decode_json_value, decode_value, encode_json_value, encode_value};
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, JsonReader, JsonWriter, Limits, Protocol,
    Scratch,
};
use fastthrift_schema::StructId;

use crate::arbitrary::{Choices, schema, value};

/// Choices for a schema and a value of it: the value comes back in every protocol, and no prefix of its bytes is a
/// value.
pub fn check_value(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let (schema, id) = schema(&mut choices);
    let value = value(&mut choices, &schema, id);
    let plans = Plans::new(schema);
    for &protocol in Protocol::ALL {
        let value = expressible(protocol, &value);
        let bytes = encode(protocol, &plans, id, &value).expect("a value of the schema");
        assert_eq!(decode(protocol, &plans, id, &bytes), Ok(value), "{protocol}: {}", bytes.escape_ascii());
        let cut_off = bytes.split_last().map_or(&[][..], |(_, rest)| rest);
        assert!(decode(protocol, &plans, id, cut_off).is_err(), "{protocol}: {cut_off:x?}");
    }
}

/// The same value with what this protocol cannot express replaced: neither kind of JSON tells one NaN from another.
fn expressible(protocol: Protocol, value: &Value) -> Value {
    let same = |value: &Value| expressible(protocol, value);
    match (protocol, value) {
        (Protocol::Binary | Protocol::Compact, value) => value.clone(),
        (Protocol::Json | Protocol::SimpleJson, Value::Double(double)) if double.is_nan() => Value::Double(f64::NAN),
        (Protocol::Json | Protocol::SimpleJson, Value::List(items)) => Value::List(items.iter().map(same).collect()),
        (Protocol::Json | Protocol::SimpleJson, Value::Set(items)) => Value::Set(items.iter().map(same).collect()),
        (Protocol::Json | Protocol::SimpleJson, Value::Map(entries)) => {
            Value::Map(entries.iter().map(|(key, value)| (same(key), same(value))).collect())
        }
        (Protocol::Json | Protocol::SimpleJson, Value::Struct(StructValue { id, fields })) => {
            let fields = fields.iter().map(|field| field.as_ref().map(same)).collect();
            Value::Struct(StructValue { id: *id, fields })
        }
        (Protocol::Json | Protocol::SimpleJson, other) => other.clone(),
    }
}

/// A typed protocol, the number of pairs of bytes that choose a schema, these, and then arbitrary bytes as a value of it:
/// what can be read and written again comes back the same.
pub fn check_decoder(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let protocol = choices.one_of(Protocol::TYPED);
    let schema_len = 2 * usize::from(choices.byte());
    let (schema_choices, bytes) = choices.rest().split_at(schema_len.min(choices.rest().len()));
    let (schema, id) = schema(&mut Choices::new(schema_choices));
    let plans = Plans::new(schema);
    // A union without a member can be read, since the member may be one that is not known, but not written.
    if let Ok(value) = decode(protocol, &plans, id, bytes)
        && let Some(again) = encode(protocol, &plans, id, &value)
    {
        assert_eq!(decode(protocol, &plans, id, &again), Ok(value), "{protocol}: {again:x?}");
    }
}

fn encode(protocol: Protocol, plans: &Plans, id: StructId, value: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => encode_value(plans, id, value, &mut BinaryWriter::new(&mut out)),
        Protocol::Compact => encode_value(plans, id, value, &mut CompactWriter::new(&mut out)),
        Protocol::Json => encode_value(plans, id, value, &mut JsonWriter::new(&mut out)),
        Protocol::SimpleJson => encode_json_value(plans, id, value, JsonStyle::SIMPLE_JSON, &mut out),
    }
    .ok()?;
    Some(out)
}

fn decode(protocol: Protocol, plans: &Plans, id: StructId, bytes: &[u8]) -> Result<Value, DecodeError> {
    match protocol {
        Protocol::Binary => decode_value(plans, id, &mut BinaryReader::new(bytes, Limits::DEFAULT)),
        Protocol::Compact => decode_value(plans, id, &mut CompactReader::new(bytes, Limits::DEFAULT)),
        Protocol::Json => decode_value(plans, id, &mut JsonReader::new(bytes, &Scratch::new(), Limits::DEFAULT)),
        Protocol::SimpleJson => decode_json_value(plans, id, bytes, Limits::DEFAULT),
    }
}
