//! What must hold for values of a schema, whatever the schema, the value and the bytes are. Each check panics when it
//! does not.

use fastthrift_dynamic::{Plans, Value, decode_value, encode_value};
use fastthrift_protocol::{BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, Limits, Protocol};
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
        let bytes = encode(protocol, &plans, id, &value).expect("a value of the schema");
        assert_eq!(decode(protocol, &plans, id, &bytes), Ok(value.clone()), "{protocol}: {bytes:x?}");
        let cut_off = bytes.split_last().map_or(&[][..], |(_, rest)| rest);
        assert!(decode(protocol, &plans, id, cut_off).is_err(), "{protocol}: {cut_off:x?}");
    }
}

/// A protocol, the number of pairs of bytes that choose a schema, these, and then arbitrary bytes as a value of it:
/// what can be read and written again comes back the same.
pub fn check_decoder(bytes: &[u8]) {
    let mut choices = Choices::new(bytes);
    let protocol = choices.one_of(Protocol::ALL);
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
    }
    .ok()?;
    Some(out)
}

fn decode(protocol: Protocol, plans: &Plans, id: StructId, bytes: &[u8]) -> Result<Value, DecodeError> {
    match protocol {
        Protocol::Binary => decode_value(plans, id, &mut BinaryReader::new(bytes, Limits::DEFAULT)),
        Protocol::Compact => decode_value(plans, id, &mut CompactReader::new(bytes, Limits::DEFAULT)),
    }
}
