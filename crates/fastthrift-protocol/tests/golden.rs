//! The bytes of every type, written down from the specifications, in both directions.
//!
//! Each case gives bytes in pieces with what they mean; the writer must produce them, and the reader must read them
//! back to the end.

use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, FieldHeader, InputProtocol, JsonReader,
    JsonWriter, Limits, ListHeader, MapHeader, MessageHeader, MessageType, OutputProtocol, Scratch, TType,
};

const UUID: [u8; 16] = [0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];

fn binary(bytes: &[u8]) -> BinaryReader<'_> {
    BinaryReader::new(bytes, Limits::DEFAULT)
}

fn compact(bytes: &[u8]) -> CompactReader<'_> {
    CompactReader::new(bytes, Limits::DEFAULT)
}

fn binary_bytes(write: impl FnOnce(&mut BinaryWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut BinaryWriter::new(&mut out));
    out
}

fn compact_bytes(write: impl FnOnce(&mut CompactWriter<'_>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut CompactWriter::new(&mut out));
    out
}

/// Writes a struct that has a field of every type.
fn write_all_types(out: &mut impl OutputProtocol) {
    let scope = out.begin_struct();
    out.write_bool_field(1, true);
    out.write_i8_field(2, -2);
    out.write_i16_field(3, 300);
    out.write_i32_field(4, -70_000);
    out.write_i64_field(5, 1 << 40);
    out.write_double_field(6, 1.5);
    out.write_binary_field(7, "hé".as_bytes());
    out.write_field(FieldHeader { ttype: TType::Struct, id: 8 });
    let inner = out.begin_struct();
    out.write_bool_field(1, false);
    out.end_struct(inner);
    out.write_field(FieldHeader { ttype: TType::Map, id: 9 });
    out.begin_map(TType::String, TType::I32, 1);
    out.write_binary(b"k");
    out.write_i32(1);
    out.write_field(FieldHeader { ttype: TType::Set, id: 10 });
    out.begin_set(TType::I16, 2);
    out.write_i16(1);
    out.write_i16(-1);
    out.write_field(FieldHeader { ttype: TType::List, id: 11 });
    out.begin_list(TType::Bool, 2);
    out.write_bool(true);
    out.write_bool(false);
    out.write_field(FieldHeader { ttype: TType::Uuid, id: 12 });
    out.write_uuid(&UUID);
    out.write_field(FieldHeader { ttype: TType::Map, id: 13 });
    out.begin_map(TType::I64, TType::Double, 0);
    out.write_i16_field(100, 7);
    out.write_bool_field(-1, true);
    out.end_struct(scope);
}

/// Reads what [`write_all_types`] wrote and says what it found.
fn read_all_types<'de>(input: &mut impl InputProtocol<'de>) -> Result<(), DecodeError> {
    let field = |input: &mut _, ttype, id| {
        let header = InputProtocol::read_field(input);
        header.map(|found| assert_eq!(found, Some(FieldHeader { ttype, id })))
    };
    let scope = input.begin_struct()?;
    field(input, TType::Bool, 1)?;
    assert!(input.read_bool()?);
    field(input, TType::I8, 2)?;
    assert_eq!(input.read_i8()?, -2);
    field(input, TType::I16, 3)?;
    assert_eq!(input.read_i16()?, 300);
    field(input, TType::I32, 4)?;
    assert_eq!(input.read_i32()?, -70_000);
    field(input, TType::I64, 5)?;
    assert_eq!(input.read_i64()?, 1 << 40);
    field(input, TType::Double, 6)?;
    assert_eq!(input.read_double()?.to_bits(), 1.5f64.to_bits());
    field(input, TType::String, 7)?;
    assert_eq!(input.read_string()?, "hé");
    field(input, TType::Struct, 8)?;
    let inner = input.begin_struct()?;
    field(input, TType::Bool, 1)?;
    assert!(!input.read_bool()?);
    assert_eq!(input.read_field()?, None);
    input.end_struct(inner);
    field(input, TType::Map, 9)?;
    assert_eq!(input.begin_map()?, MapHeader { key: TType::String, value: TType::I32, len: 1 });
    assert_eq!(input.read_binary()?, b"k");
    assert_eq!(input.read_i32()?, 1);
    input.end_container();
    field(input, TType::Set, 10)?;
    assert_eq!(input.begin_set()?, ListHeader { element: TType::I16, len: 2 });
    assert_eq!((input.read_i16()?, input.read_i16()?), (1, -1));
    input.end_container();
    field(input, TType::List, 11)?;
    assert_eq!(input.begin_list()?, ListHeader { element: TType::Bool, len: 2 });
    assert_eq!((input.read_bool()?, input.read_bool()?), (true, false));
    input.end_container();
    field(input, TType::Uuid, 12)?;
    assert_eq!(input.read_uuid()?, UUID);
    field(input, TType::Map, 13)?;
    assert_eq!(input.begin_map()?.len, 0);
    input.end_container();
    field(input, TType::I16, 100)?;
    assert_eq!(input.read_i16()?, 7);
    field(input, TType::Bool, -1)?;
    assert!(input.read_bool()?);
    assert!(input.accept_stop());
    input.end_struct(scope);
    assert_eq!(input.remaining(), 0);
    Ok(())
}

#[rustfmt::skip]
const BINARY_ALL_TYPES: &[&[u8]] = &[
    &[2, 0, 1, 1],                                          // bool 1: true
    &[3, 0, 2, 0xfe],                                       // i8 2: -2
    &[6, 0, 3, 0x01, 0x2c],                                 // i16 3: 300
    &[8, 0, 4, 0xff, 0xfe, 0xee, 0x90],                     // i32 4: -70000
    &[10, 0, 5, 0, 0, 1, 0, 0, 0, 0, 0],                    // i64 5: 2^40
    &[4, 0, 6, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0],               // double 6: 1.5
    &[11, 0, 7, 0, 0, 0, 3, b'h', 0xc3, 0xa9],              // string 7: 3 bytes
    &[12, 0, 8, 2, 0, 1, 0, 0],                             // struct 8: bool 1: false, stop
    &[13, 0, 9, 11, 8, 0, 0, 0, 1, 0, 0, 0, 1, b'k', 0, 0, 0, 1], // map 9: string to i32, 1 entry
    &[14, 0, 10, 6, 0, 0, 0, 2, 0, 1, 0xff, 0xff],          // set 10: i16, 2 elements
    &[15, 0, 11, 2, 0, 0, 0, 2, 1, 0],                      // list 11: bool, 2 elements
    &[16, 0, 12], &UUID,                                    // uuid 12: 16 bytes without a length
    &[13, 0, 13, 10, 4, 0, 0, 0, 0],                        // map 13: i64 to double, empty
    &[6, 0, 100, 0, 7],                                     // i16 100: 7
    &[2, 0xff, 0xff, 1],                                    // bool -1: true
    &[0],                                                   // stop
];

#[rustfmt::skip]
const COMPACT_ALL_TYPES: &[&[u8]] = &[
    &[0x11],                                                // +1, true
    &[0x13, 0xfe],                                          // +1, i8: raw
    &[0x14, 0xd8, 0x04],                                    // +1, i16: zigzag 600
    &[0x15, 0xdf, 0xc5, 0x08],                              // +1, i32: zigzag 139999
    &[0x16, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40],            // +1, i64: zigzag 2^41
    &[0x17, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f],                  // +1, double: little-endian
    &[0x18, 3, b'h', 0xc3, 0xa9],                           // +1, binary: plain length
    &[0x1c, 0x12, 0x00],                                    // +1, struct: +1 from 0, false; stop
    &[0x1b, 0x01, 0x85, 1, b'k', 0x02],                     // +1, map: size, types, key, zigzag 2
    &[0x1a, 0x24, 0x02, 0x01],                              // +1, set: 2 of i16, zigzag 2 and 1
    &[0x19, 0x21, 0x01, 0x02],                              // +1, list: 2 of bool (1), true, false
    &[0x1d], &UUID,                                         // +1, uuid: 16 bytes
    &[0x1b, 0x00],                                          // +1, map: empty, one byte
    &[0x04, 0xc8, 0x01, 0x0e],                              // +87 is no short form: i16, id zigzag 200; zigzag 14
    &[0x01, 0x01],                                          // backwards is no short form: true, id zigzag 1
    &[0x00],                                                // stop
];

#[test]
fn binary_writes_and_reads_every_type_as_specified() {
    let golden = BINARY_ALL_TYPES.concat();
    assert_eq!(binary_bytes(|out| write_all_types(out)), golden);
    read_all_types(&mut binary(&golden)).unwrap();
    let mut reader = binary(&golden);
    reader.skip(TType::Struct).unwrap();
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn compact_writes_and_reads_every_type_as_specified() {
    let golden = COMPACT_ALL_TYPES.concat();
    assert_eq!(compact_bytes(|out| write_all_types(out)), golden);
    read_all_types(&mut compact(&golden)).unwrap();
    let mut reader = compact(&golden);
    reader.skip(TType::Struct).unwrap();
    assert_eq!(reader.remaining(), 0);
}

#[test]
fn binary_messages_start_with_a_version_or_with_their_name() {
    let header = MessageHeader { name: b"ping", message_type: MessageType::Call, sequence_id: -2 };
    let strict = [0x80, 0x01, 0, 1, 0, 0, 0, 4, b'p', b'i', b'n', b'g', 0xff, 0xff, 0xff, 0xfe];
    let old = [0, 0, 0, 4, b'p', b'i', b'n', b'g', 1, 0xff, 0xff, 0xff, 0xfe];
    assert_eq!(binary_bytes(|out| out.write_message_header(&header)), strict);
    let mut out = Vec::new();
    BinaryWriter::new(&mut out).old().write_message_header(&header);
    assert_eq!(out, old);
    assert_eq!(binary(&strict).read_message_header(), Ok(header));
    assert_eq!(binary(&old).read_message_header(), Ok(header));
    assert_eq!(binary(&strict).strict().read_message_header(), Ok(header));
    assert!(binary(&old).strict().read_message_header().is_err());
}

#[test]
fn binary_ignores_the_third_byte_of_the_version() {
    let bytes = [0x80, 0x01, 0x7f, 2, 0, 0, 0, 0, 0, 0, 0, 9];
    let header = MessageHeader { name: b"", message_type: MessageType::Reply, sequence_id: 9 };
    assert_eq!(binary(&bytes).read_message_header(), Ok(header));
}

#[test]
fn compact_messages_carry_a_plain_sequence_id() {
    let header = MessageHeader { name: b"ping", message_type: MessageType::Oneway, sequence_id: 300 };
    // Protocol id; type 4 and version 1; 300 unfolded; name.
    let bytes = [0x82, 0x81, 0xac, 0x02, 4, b'p', b'i', b'n', b'g'];
    assert_eq!(compact_bytes(|out| out.write_message_header(&header)), bytes);
    assert_eq!(compact(&bytes).read_message_header(), Ok(header));

    let negative = MessageHeader { name: b"", message_type: MessageType::Exception, sequence_id: -1 };
    let bytes = [0x82, 0x61, 0xff, 0xff, 0xff, 0xff, 0x0f, 0];
    assert_eq!(compact_bytes(|out| out.write_message_header(&negative)), bytes);
    assert_eq!(compact(&bytes).read_message_header(), Ok(negative));
}

#[test]
fn compact_containers_of_fifteen_have_the_long_form() {
    let bytes = compact_bytes(|out| out.begin_list(TType::I8, 15));
    assert_eq!(bytes, [0xf3, 15]);
    assert_eq!(compact_bytes(|out| out.begin_list(TType::I8, 14)), [0xe3]);
    let whole = [bytes, vec![0; 15]].concat();
    assert_eq!(compact(&whole).begin_list(), Ok(ListHeader { element: TType::I8, len: 15 }));
}

#[test]
fn compact_reads_both_numbers_of_bool_elements_and_zero_as_false() {
    for element in [1, 2] {
        let bytes = [0x30 | element, 1, 2, 0];
        let mut reader = compact(&bytes);
        assert_eq!(reader.begin_list(), Ok(ListHeader { element: TType::Bool, len: 3 }));
        assert_eq!([(); 3].map(|()| reader.read_bool()), [Ok(true), Ok(false), Ok(false)]);
    }
}

#[test]
fn binary_reads_any_other_byte_than_zero_as_true() {
    assert_eq!(binary(&[7]).read_bool(), Ok(true));
    assert_eq!(binary(&[0]).read_bool(), Ok(false));
}

#[test]
fn empty_containers_may_name_no_type() {
    // A list field of type 0 and length 0, as fastparquet writes it.
    let bytes = [0x19, 0x00, 0x00];
    let mut reader = compact(&bytes);
    let scope = reader.begin_struct().unwrap();
    assert_eq!(reader.read_field(), Ok(Some(FieldHeader { ttype: TType::List, id: 1 })));
    assert_eq!(reader.begin_list(), Ok(ListHeader { element: TType::Stop, len: 0 }));
    reader.end_container();
    assert_eq!(reader.read_field(), Ok(None));
    reader.end_struct(scope);
    assert_eq!(compact(&bytes).skip(TType::Struct), Ok(()));
    assert_eq!(binary(&[0x63, 0, 0, 0, 0]).begin_list(), Ok(ListHeader { element: TType::Stop, len: 0 }));
    let map = MapHeader { key: TType::Stop, value: TType::Stop, len: 0 };
    assert_eq!(binary(&[0, 1, 0, 0, 0, 0]).begin_map(), Ok(map));
}

#[test]
fn compact_field_ids_may_go_anywhere_but_past_their_range() {
    let ids = [0, 1, 16, 15, -1, i16::MIN, i16::MAX, i16::MAX - 15, i16::MAX, 0];
    let bytes = compact_bytes(|out| {
        let scope = out.begin_struct();
        for id in ids {
            out.write_i8_field(id, 1);
        }
        out.end_struct(scope);
    });
    let mut reader = compact(&bytes);
    let scope = reader.begin_struct().unwrap();
    for id in ids {
        assert_eq!(reader.read_field(), Ok(Some(FieldHeader { ttype: TType::I8, id })));
        reader.skip(TType::I8).unwrap();
    }
    assert_eq!(reader.read_field(), Ok(None));
    reader.end_struct(scope);

    // Field 32767 in full, then a difference of 1.
    let bytes = [0x03, 0xfe, 0xff, 0x03, 0, 0x13, 0];
    let mut reader = compact(&bytes);
    assert_eq!(reader.read_field(), Ok(Some(FieldHeader { ttype: TType::I8, id: i16::MAX })));
    reader.skip(TType::I8).unwrap();
    assert!(reader.read_field().is_err());
}

#[test]
fn expected_fields_are_accepted_and_others_left_alone() {
    fn check<'de>(mut input: impl InputProtocol<'de>) {
        let scope = input.begin_struct().unwrap();
        assert!(!input.accept_field(FieldHeader { ttype: TType::I8, id: 1 }));
        assert!(!input.accept_field(FieldHeader { ttype: TType::Bool, id: 2 }));
        assert!(!input.accept_stop());
        assert!(input.accept_field(FieldHeader { ttype: TType::Bool, id: 1 }));
        assert!(input.read_bool().unwrap());
        assert!(input.accept_field(FieldHeader { ttype: TType::Bool, id: 2 }));
        assert!(!input.read_bool().unwrap());
        assert!(input.accept_field(FieldHeader { ttype: TType::I32, id: 17 }));
        assert_eq!(input.read_i32(), Ok(5));
        assert!(!input.accept_field(FieldHeader { ttype: TType::I32, id: 18 }));
        assert!(input.accept_stop());
        assert!(!input.accept_stop());
        input.end_struct(scope);
    }
    fn check_peeked<'de>(mut input: impl InputProtocol<'de>) {
        let scope = input.begin_struct().unwrap();
        let peeked = input.peek_field(0);
        for (ttype, id) in [(TType::Bool, -1), (TType::Bool, 0), (TType::I8, 1), (TType::Bool, 2), (TType::I32, 17)] {
            assert!(!input.accept_peeked(peeked, FieldHeader { ttype, id }));
        }
        assert!(input.accept_peeked(peeked, FieldHeader { ttype: TType::Bool, id: 1 }));
        assert!(input.read_bool().unwrap());
        let peeked = input.peek_field(1);
        assert!(!input.accept_peeked(peeked, FieldHeader { ttype: TType::I32, id: 17 }));
        assert!(input.accept_peeked(peeked, FieldHeader { ttype: TType::Bool, id: 2 }));
        assert!(!input.read_bool().unwrap());
        let peeked = input.peek_field(2);
        assert!(!input.accept_peeked(peeked, FieldHeader { ttype: TType::I64, id: 17 }));
        assert!(input.accept_peeked(peeked, FieldHeader { ttype: TType::I32, id: 17 }));
        assert_eq!(input.read_i32(), Ok(5));
        let peeked = input.peek_field(17);
        for (ttype, id) in [(TType::I32, 17), (TType::I32, 18), (TType::Bool, 32)] {
            assert!(!input.accept_peeked(peeked, FieldHeader { ttype, id }));
        }
        assert!(input.accept_stop());
        let peeked = input.peek_field(17);
        assert!(!input.accept_peeked(peeked, FieldHeader { ttype: TType::Bool, id: 18 }));
        input.end_struct(scope);
    }
    fn write(out: &mut impl OutputProtocol) {
        let scope = out.begin_struct();
        out.write_bool_field(1, true);
        out.write_bool_field(2, false);
        out.write_i32_field(17, 5);
        out.end_struct(scope);
    }
    check(binary(&binary_bytes(|out| write(out))));
    check(compact(&compact_bytes(|out| write(out))));
    let mut json = Vec::new();
    write(&mut JsonWriter::new(&mut json));
    check(JsonReader::new(&json, &Scratch::new(), Limits::DEFAULT));
    check_peeked(binary(&binary_bytes(|out| write(out))));
    check_peeked(compact(&compact_bytes(|out| write(out))));
    check_peeked(JsonReader::new(&json, &Scratch::new(), Limits::DEFAULT));
}
