//! Whatever the value and the bytes: what the walk over schemas writes is read and written alike here, and no bytes do harm.

mod types;

use std::sync::Arc;

use fastthrift::codec::{Limits, Protocol};
use fastthrift::{DecodeOwned, Encode, Scratch, UnknownFields, from_slice, from_slice_borrowed, to_vec};
use fastthrift_dynamic::{Plans, Value, decode_value, encode_value};
use fastthrift_idl::{MemoryLoader, Options, compile};
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, InputProtocol, JsonReader, JsonWriter, OutputProtocol,
};
use fastthrift_schema::{Schema, StructId};
use fastthrift_testing::arbitrary::{Choices, schema, value};
use proptest::collection::vec;
use proptest::prelude::*;
use types::{Book, BookRef, Choice, Keeper, Node, Small, SmallRef, Strict};

/// The types of this folder whose every field is set in an arbitrary value, for which each is required.
const IDL: &str = "
    struct Small {
        1: required i32 count, 2: required i64 id, 3: required double ratio, 4: required bool active,
        5: required i16 kind, 6: required string name
    }
    struct Phone { 1: required string number, 2: required i32 kind }
    struct Person {
        1: required string name, 2: required i32 id, 3: required list<string> emails, 4: optional list<Phone> phones,
        5: required map<string, string> labels
    }
    struct Book { 1: optional list<Person> people }
";

fn written(protocol: Protocol, plans: &Plans, id: StructId, value: &Value) -> Vec<u8> {
    fn write(plans: &Plans, id: StructId, value: &Value, mut out: impl OutputProtocol) {
        encode_value(plans, id, value, &mut out).expect("a value of the schema");
    }
    let mut out = Vec::new();
    match protocol {
        Protocol::Binary => write(plans, id, value, BinaryWriter::new(&mut out)),
        Protocol::Compact => write(plans, id, value, CompactWriter::new(&mut out)),
        _ => write(plans, id, value, JsonWriter::new(&mut out)),
    }
    out
}

fn read(protocol: Protocol, plans: &Plans, id: StructId, bytes: &[u8]) -> Value {
    fn read<'de>(plans: &Plans, id: StructId, mut input: impl InputProtocol<'de>) -> Value {
        decode_value(plans, id, &mut input).expect("it was written")
    }
    match protocol {
        Protocol::Binary => read(plans, id, BinaryReader::new(bytes, Limits::DEFAULT)),
        Protocol::Compact => read(plans, id, CompactReader::new(bytes, Limits::DEFAULT)),
        _ => read(plans, id, JsonReader::new(bytes, &Scratch::new(), Limits::DEFAULT)),
    }
}

fn named(name: &str) -> (Arc<Schema>, StructId) {
    let loader = MemoryLoader::new().with_file("types.thrift", IDL);
    let schema = compile(&loader, "types.thrift", &Options::default()).expect("it is valid").schema;
    let found = schema.structs().ids().find(|&id| &*schema.structure(id).name == name);
    (schema, found.expect("it is defined above"))
}

/// What can be read can be written and read again, the same.
fn check<T: DecodeOwned + Encode>(protocol: Protocol, bytes: &[u8]) {
    let Ok(value) = from_slice::<T>(protocol, bytes) else { return };
    // What nests as deep as a reader allows does so for a writer, and a union that was read has a member.
    let again = to_vec(protocol, &value).expect("a value that was read");
    let back = from_slice::<T>(protocol, &again).expect("it was written");
    assert_eq!(to_vec(protocol, &back).expect("a value that was read"), again);
}

fn check_all(protocol: Protocol, bytes: &[u8]) {
    check::<Small>(protocol, bytes);
    check::<Book>(protocol, bytes);
    check::<Strict>(protocol, bytes);
    check::<Choice>(protocol, bytes);
    check::<Node>(protocol, bytes);
    check::<Keeper>(protocol, bytes);
    check::<UnknownFields>(protocol, bytes);
    let _ = from_slice_borrowed::<BookRef<'_>>(protocol, bytes, &Scratch::new(), Limits::DEFAULT);
}

/// Bytes of a value of one of the types above, by the walk over their schema.
fn bytes_of(name: &str, protocol: Protocol, choices: &[u8]) -> Vec<u8> {
    let (schema, id) = named(name);
    let value = value(&mut Choices::new(choices), &schema, id);
    written(protocol, &Plans::new(schema), id, &value)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn values_of_arbitrary_schemas_are_kept_whole_without_one(bytes in vec(any::<u8>(), 0..1500)) {
        let mut choices = Choices::new(&bytes);
        let (schema, id) = schema(&mut choices);
        let value = value(&mut choices, &schema, id);
        let plans = Plans::new(schema);
        for &protocol in Protocol::TYPED {
            let bytes = written(protocol, &plans, id, &value);
            let unknown: UnknownFields = from_slice(protocol, &bytes).expect("it was written");
            let again = to_vec(protocol, &unknown).expect("it was read");
            prop_assert_eq!(read(protocol, &plans, id, &again), read(protocol, &plans, id, &bytes));
        }
    }

    #[test]
    fn types_read_and_write_what_the_walk_over_their_schema_does(choices in vec(any::<u8>(), 0..800)) {
        for &protocol in Protocol::TYPED {
            let scratch = Scratch::new();
            let bytes = bytes_of("Small", protocol, &choices);
            let (small, len) = from_slice_borrowed::<SmallRef<'_>>(protocol, &bytes, &scratch, Limits::DEFAULT).expect("it is one");
            prop_assert_eq!(len, bytes.len());
            prop_assert_eq!(to_vec(protocol, &small).expect("it was read"), &bytes[..]);
            let (schema, id) = named("Book");
            let plans = Plans::new(schema);
            let bytes = bytes_of("Book", protocol, &choices);
            let (book, _) = from_slice_borrowed::<BookRef<'_>>(protocol, &bytes, &scratch, Limits::DEFAULT).expect("it is one");
            let again = to_vec(protocol, &book).expect("it was read");
            let back = from_slice_borrowed::<BookRef<'_>>(protocol, &again, &scratch, Limits::DEFAULT).expect("it is one");
            prop_assert_eq!(&back.0, &book);
            // Lists that are not set are written as empty ones; else it is the same value.
            if again.len() == bytes.len() {
                prop_assert_eq!(read(protocol, &plans, id, &again), read(protocol, &plans, id, &bytes));
            }
            for end in (0..bytes.len()).step_by(1 + bytes.len() / 64) {
                prop_assert!(from_slice::<Book>(protocol, &bytes[..end]).is_err());
            }
        }
    }

    #[test]
    fn changed_bytes_and_any_others_are_a_value_or_an_error(
        choices in vec(any::<u8>(), 0..400),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        noise in vec(any::<u8>(), 0..200),
    ) {
        for &protocol in Protocol::TYPED {
            check_all(protocol, &noise);
            for name in ["Small", "Book"] {
                let mut bytes = bytes_of(name, protocol, &choices);
                for (place, byte) in &changes {
                    let place = place.index(bytes.len());
                    bytes[place] = *byte;
                }
                check_all(protocol, &bytes);
            }
        }
    }
}
