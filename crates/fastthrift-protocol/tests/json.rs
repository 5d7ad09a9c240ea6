//! The JSON protocol: the text of every type as Apache's libraries write it, what else is read, and hostile text.

use std::time::{Duration, Instant};

use fastthrift_protocol::{
    DecodeError, DecodeErrorKind as Kind, FieldHeader, InputProtocol, JsonReader, JsonWriter, Limits, ListHeader,
    MapHeader, MessageHeader, MessageType, OutputProtocol, Scratch, TType,
};

/// A message as Apache's Python library writes it: every type, doubles and containers as keys, escapes.
const MESSAGE: &str = concat!(
    r#"[1,"a:b",1,-7,{"1":{"tf":1},"2":{"i8":-2},"3":{"i16":300},"4":{"i32":-70000},"5":{"i64":1099511627776},"#,
    r#""6":{"dbl":1.5},"7":{"str":"AAE="},"8":{"rec":{"-1":{"tf":0}}},"#,
    r#""9":{"map":["dbl","tf",2,{"0.10000000000000001":1,"1e+17":0}]},"#,
    r#""10":{"map":["rec","lst",2,{{"1":{"i32":0}}:["str",2,"a\"\\\n/","é"],{"1":{"i32":1}}:["str",0]}]},"#,
    r#""11":{"map":["lst","set",1,{["i32",0]:["uid",1,"00000000-0000-0000-0000-000000000005"]}]},"#,
    r#""300":{"rec":{}}}]"#,
);

const HEADER: MessageHeader<'static> = MessageHeader { name: b"a:b", message_type: MessageType::Call, sequence_id: -7 };

const UUID: [u8; 16] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5];

fn write_message(out: &mut impl OutputProtocol) {
    let field = |ttype, id| FieldHeader { ttype, id };
    out.write_message_header(&HEADER);
    let scope = out.begin_struct();
    out.write_bool_field(1, true);
    out.write_i8_field(2, -2);
    out.write_i16_field(3, 300);
    out.write_i32_field(4, -70_000);
    out.write_i64_field(5, 1 << 40);
    out.write_double_field(6, 1.5);
    out.write_binary_field(7, b"\0\x01");
    out.write_field(field(TType::Struct, 8));
    let inner = out.begin_struct();
    out.write_bool_field(-1, false);
    out.end_struct(inner);
    out.write_field(field(TType::Map, 9));
    out.begin_map(TType::Double, TType::Bool, 2);
    out.write_double(0.1);
    out.write_bool(true);
    out.write_double(1e17);
    out.write_bool(false);
    out.write_field(field(TType::Map, 10));
    out.begin_map(TType::Struct, TType::List, 2);
    for number in 0..2 {
        let key = out.begin_struct();
        out.write_i32_field(1, number);
        out.end_struct(key);
        if number == 0 {
            out.begin_list(TType::String, 2);
            out.write_text(b"a\"\\\n/");
            out.write_text("é".as_bytes());
        } else {
            out.begin_list(TType::String, 0);
        }
    }
    out.write_field(field(TType::Map, 11));
    out.begin_map(TType::List, TType::Set, 1);
    out.begin_list(TType::I32, 0);
    out.begin_set(TType::Uuid, 1);
    out.write_uuid(&UUID);
    out.write_field(field(TType::Struct, 300));
    let inner = out.begin_struct();
    out.end_struct(inner);
    out.end_struct(scope);
    out.write_message_end();
}

fn expect_field<'de>(input: &mut impl InputProtocol<'de>, ttype: TType, id: i16) -> Result<(), DecodeError> {
    let header = FieldHeader { ttype, id };
    if !input.accept_field(header) {
        assert_eq!(input.read_field()?, Some(header));
    }
    Ok(())
}

fn expect_stop<'de>(input: &mut impl InputProtocol<'de>) -> Result<(), DecodeError> {
    if !input.accept_stop() {
        assert_eq!(input.read_field()?, None);
    }
    Ok(())
}

/// Reads what [`write_message`] wrote.
fn read_message<'de>(input: &mut impl InputProtocol<'de>) -> Result<(), DecodeError> {
    assert_eq!(input.read_message_header()?, HEADER);
    let scope = input.begin_struct()?;
    expect_field(input, TType::Bool, 1)?;
    assert!(input.read_bool()?);
    expect_field(input, TType::I8, 2)?;
    assert_eq!(input.read_i8()?, -2);
    expect_field(input, TType::I16, 3)?;
    assert_eq!(input.read_i16()?, 300);
    expect_field(input, TType::I32, 4)?;
    assert_eq!(input.read_i32()?, -70_000);
    expect_field(input, TType::I64, 5)?;
    assert_eq!(input.read_i64()?, 1 << 40);
    expect_field(input, TType::Double, 6)?;
    assert_eq!(input.read_double()?.to_bits(), 1.5f64.to_bits());
    expect_field(input, TType::String, 7)?;
    assert_eq!(input.read_binary()?, b"\0\x01");
    expect_field(input, TType::Struct, 8)?;
    let inner = input.begin_struct()?;
    expect_field(input, TType::Bool, -1)?;
    assert!(!input.read_bool()?);
    assert_eq!(input.read_field()?, None);
    input.end_struct(inner);
    expect_field(input, TType::Map, 9)?;
    assert_eq!(input.begin_map()?, MapHeader { key: TType::Double, value: TType::Bool, len: 2 });
    assert_eq!((input.read_double()?.to_bits(), input.read_bool()?), (0.1f64.to_bits(), true));
    assert_eq!((input.read_double()?.to_bits(), input.read_bool()?), (1e17f64.to_bits(), false));
    input.end_container();
    expect_field(input, TType::Map, 10)?;
    assert_eq!(input.begin_map()?, MapHeader { key: TType::Struct, value: TType::List, len: 2 });
    for number in 0..2 {
        let key = input.begin_struct()?;
        expect_field(input, TType::I32, 1)?;
        assert_eq!(input.read_i32()?, number);
        assert_eq!(input.read_field()?, None);
        input.end_struct(key);
        let list = input.begin_list()?;
        if number == 0 {
            assert_eq!(list, ListHeader { element: TType::String, len: 2 });
            assert_eq!((input.read_string()?, input.read_string()?), ("a\"\\\n/", "é"));
        }
        input.end_container();
    }
    input.end_container();
    expect_field(input, TType::Map, 11)?;
    input.begin_map()?;
    assert_eq!(input.begin_list()?, ListHeader { element: TType::I32, len: 0 });
    input.end_container();
    assert_eq!(input.begin_set()?, ListHeader { element: TType::Uuid, len: 1 });
    assert_eq!(input.read_uuid()?, UUID);
    input.end_container();
    input.end_container();
    expect_field(input, TType::Struct, 300)?;
    let inner = input.begin_struct()?;
    expect_stop(input)?;
    input.end_struct(inner);
    expect_stop(input)?;
    input.end_struct(scope);
    input.read_message_end()
}

/// What `read` makes of this text, which it must read to the end.
fn read<T>(text: &[u8], read: impl FnOnce(&mut JsonReader<'_>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
    let scratch = Scratch::new();
    let mut reader = JsonReader::new(text, &scratch, Limits::DEFAULT);
    let value = read(&mut reader)?;
    assert_eq!(reader.remaining(), 0, "{}", text.escape_ascii());
    Ok(value)
}

fn skip(text: &[u8], ttype: TType, limits: Limits) -> Result<usize, DecodeError> {
    let scratch = Scratch::new();
    let mut reader = JsonReader::new(text, &scratch, limits);
    reader.skip(ttype)?;
    Ok(reader.offset())
}

/// What skipping a value of this type ends in, and where.
fn refused(text: &str, ttype: TType) -> (Kind, usize) {
    let error = skip(text.as_bytes(), ttype, Limits::DEFAULT).expect_err(text);
    (error.kind().clone(), error.offset())
}

/// The body of [`MESSAGE`].
fn body() -> &'static str {
    MESSAGE.strip_prefix(r#"[1,"a:b",1,-7,"#).and_then(|rest| rest.strip_suffix(']')).expect("it starts and ends so")
}

/// The text with whitespace wherever JSON allows it.
fn spaced(text: &str) -> String {
    let mut spaced = String::new();
    let mut in_string = false;
    let mut escaped = false;
    for character in text.chars() {
        let is_quote = character == '"' && !escaped;
        let is_part = !in_string && "[]{}:,".contains(character);
        if is_part || is_quote && !in_string {
            spaced.push_str(" \n");
        }
        spaced.push(character);
        if is_part || is_quote && in_string {
            spaced.push_str("\t\r");
        }
        escaped = in_string && character == '\\' && !escaped;
        in_string ^= is_quote;
    }
    spaced
}

#[test]
fn every_type_is_written_and_read_as_apache_does() {
    let mut out = Vec::new();
    write_message(&mut JsonWriter::new(&mut out));
    assert_eq!(String::from_utf8(out).unwrap(), MESSAGE);
    read(MESSAGE.as_bytes(), |reader| read_message(reader)).unwrap();
    assert_eq!(skip(body().as_bytes(), TType::Struct, Limits::DEFAULT), Ok(body().len()));
}

#[test]
fn whitespace_may_stand_between_any_two_parts() {
    let text = spaced(MESSAGE);
    assert!(text.len() > 2 * MESSAGE.len());
    let scratch = Scratch::new();
    read_message(&mut JsonReader::new(text.as_bytes(), &scratch, Limits::DEFAULT)).unwrap();
    let text = spaced(body());
    assert_eq!(skip(text.as_bytes(), TType::Struct, Limits::DEFAULT), Ok(text.trim_end().len()));
}

#[test]
fn nesting_deeper_than_a_writer_has_places_for_comes_back() {
    let mut out = Vec::new();
    let writer = &mut JsonWriter::new(&mut out);
    let depth = 100;
    let mut scopes = Vec::new();
    for _ in 0..depth {
        scopes.push(writer.begin_struct());
        writer.write_field(FieldHeader { ttype: TType::List, id: 1 });
        writer.begin_list(TType::Struct, 2);
        let first = writer.begin_struct();
        writer.end_struct(first);
    }
    let innermost = writer.begin_struct();
    writer.end_struct(innermost);
    scopes.into_iter().rev().for_each(|scope| writer.end_struct(scope));
    let expected = format!("{}{{}}{}", r#"{"1":{"lst":["rec",2,{},"#.repeat(depth), "]}}".repeat(depth));
    assert_eq!(String::from_utf8(out.clone()).unwrap(), expected);
    let limits = Limits { depth: 201, ..Limits::DEFAULT };
    assert_eq!(skip(&out, TType::Struct, limits), Ok(out.len()));
    let limits = Limits { depth: 200, ..Limits::DEFAULT };
    assert_eq!(skip(&out, TType::Struct, limits).unwrap_err().kind(), &Kind::DepthLimit(200));
}

#[test]
fn doubles_that_json_lacks_are_read_as_cpp_and_python_write_them() {
    for text in ["\"NaN\"", "NaN", "nan", "\"nan\""] {
        assert!(read(text.as_bytes(), |reader| reader.read_double()).unwrap().is_nan(), "{text}");
    }
    for text in ["\"Infinity\"", "Infinity", "inf", "\"inf\""] {
        assert_eq!(read(text.as_bytes(), |reader| reader.read_double()), Ok(f64::INFINITY), "{text}");
        let negative = if let Some(rest) = text.strip_prefix('"') { format!("\"-{rest}") } else { format!("-{text}") };
        assert_eq!(read(negative.as_bytes(), |reader| reader.read_double()), Ok(f64::NEG_INFINITY), "{negative}");
    }
    let mut out = Vec::new();
    let writer = &mut JsonWriter::new(&mut out);
    writer.begin_map(TType::Double, TType::Double, 2);
    for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0] {
        writer.write_double(value);
    }
    assert_eq!(out, br#"["dbl","dbl",2,{"NaN":"Infinity","-Infinity":-0}]"#);
    assert_eq!(skip(&out, TType::Map, Limits::DEFAULT), Ok(out.len()));
}

#[test]
fn numbers_may_stand_in_quotes_and_as_keys_must() {
    assert_eq!(read(b"\"-5\"", |reader| reader.read_i8()), Ok(-5));
    assert_eq!(read(b"\"1.5\"", |reader| reader.read_double()), Ok(1.5));
    assert_eq!(read(b"7", |reader| reader.read_bool()), Ok(true));
    let key = |found, offset| (Kind::Json { expected: "an integer in quotes", found }, offset);
    assert_eq!(refused(r#"["i32","i32",1,{1:2}]"#, TType::Map), key(b'1', 16));
    let key = |found, offset| (Kind::Json { expected: "a double in quotes", found }, offset);
    assert_eq!(refused(r#"["dbl","i32",1,{1:2}]"#, TType::Map), key(b'1', 16));
}

#[test]
fn integers_are_no_larger_than_their_type() {
    let read_i8 = |text: &str| read(text.as_bytes(), |reader| reader.read_i8()).map_err(|error| error.kind().clone());
    assert_eq!((read_i8("127"), read_i8("-128")), (Ok(127), Ok(-128)));
    assert_eq!((read_i8("128"), read_i8("-129")), (Err(Kind::OutOfRange(128)), Err(Kind::OutOfRange(-129))));
    assert_eq!(refused("32768", TType::I16).0, Kind::OutOfRange(32_768));
    assert_eq!(refused("2147483648", TType::I32).0, Kind::OutOfRange(2_147_483_648));
    let too_large = Kind::Json { expected: "an integer of at most 64 bits", found: b'9' };
    assert_eq!(refused("9223372036854775808", TType::I64), (too_large, 0));
    assert_eq!(refused(r#"{"32768":{"tf":1}}"#, TType::Struct).0, Kind::OutOfRange(32_768));
}

#[test]
fn every_prefix_of_a_message_is_refused_as_cut_off() {
    for len in 0..MESSAGE.len() {
        let error = read(&MESSAGE.as_bytes()[..len], read_message_or_prefix).unwrap_err();
        assert!(matches!(error.kind(), Kind::UnexpectedEnd { needed: 1.. }), "{len}: {error}");
    }
}

/// Reads a message without looking at what is in it.
fn read_message_or_prefix(reader: &mut JsonReader<'_>) -> Result<(), DecodeError> {
    reader.read_message_header()?;
    reader.skip(TType::Struct)?;
    reader.read_message_end()
}

#[test]
fn every_change_of_one_byte_ends_in_a_value_or_an_error() {
    let mut text = MESSAGE.as_bytes().to_vec();
    for place in 0..text.len() {
        let original = text[place];
        for byte in *b"\"\\{}[]:,0-9eE.a \0\xff" {
            text[place] = byte;
            let scratch = Scratch::new();
            let _ = read_message_or_prefix(&mut JsonReader::new(&text, &scratch, Limits::DEFAULT));
        }
        text[place] = original;
    }
}

#[test]
fn parts_in_the_wrong_place_are_refused_where_they_stand() {
    let json = |expected, found| Kind::Json { expected, found };
    let cases = [
        ("[", TType::Struct, json("'{' of a struct", b'['), 0),
        (r#"{"1":{"i32":5},}"#, TType::Struct, json("an integer in quotes", b'}'), 15),
        (r#"{"1":{"i32":5}"2":{"tf":1}}"#, TType::Struct, json("',' or '}' after the field", b'"'), 14),
        (r#"{"1":{"i32":5,"i32":6}}"#, TType::Struct, json("'}' after the field's value", b','), 13),
        (r#"{"1":5}"#, TType::Struct, json("'{' of a field", b'5'), 5),
        (r#"{"x":{"tf":1}}"#, TType::Struct, json("an integer of at most 64 bits", b'x'), 2),
        (r#"{"1":{"tf":true}}"#, TType::Struct, json("an integer of at most 64 bits", b't'), 11),
        (r#"{"1":{"i32":1.5}}"#, TType::Struct, json("'}' after the field's value", b'.'), 13),
        (r#"["i32",2,1 2]"#, TType::List, json("',' before the next element", b'2'), 11),
        (r#"["i32",1,1,2]"#, TType::List, json("']' after the last element", b','), 10),
        (r#"["i32",1,1}"#, TType::Set, json("']' after the last element", b'}'), 10),
        (r#"["i32",1,1}]"#, TType::Set, json("']' after the last element", b'}'), 10),
        (r#"["str","i32",1,{"a",1}]"#, TType::Map, json("':' after the key", b','), 19),
        (r#"["str","i32",1,{"a":1,"b":2}]"#, TType::Map, json("'}' after the last entry", b','), 21),
        (r#"["str","i32",0,[]]"#, TType::Map, json("'{' of a map", b'['), 15),
    ];
    for (text, ttype, kind, offset) in cases {
        assert_eq!(refused(text, ttype), (kind, offset), "{text}");
    }
    let no_type = Kind::Invalid("'i33' is no type".into());
    assert_eq!(refused(r#"{"1":{"i33":5}}"#, TType::Struct), (no_type.clone(), 7));
    assert_eq!(refused(r#"["i33",0]"#, TType::List), (no_type, 2));
    assert_eq!(refused("0", TType::Stop), (Kind::InvalidType(0), 0));
}

#[test]
fn a_container_that_does_not_end_is_refused_by_the_next_read() {
    let text = r#"{"1":{"lst":["i32",1,5,6]}}"#;
    let scratch = Scratch::new();
    let mut reader = JsonReader::new(text.as_bytes(), &scratch, Limits::DEFAULT);
    let _scope = reader.begin_struct().unwrap();
    reader.read_field().unwrap();
    reader.begin_list().unwrap();
    assert_eq!(reader.read_i32(), Ok(5));
    reader.end_container();
    assert!(!reader.accept_stop());
    assert!(!reader.accept_field(FieldHeader { ttype: TType::I32, id: 2 }));
    let error = reader.read_field().unwrap_err();
    assert_eq!(error.to_string(), "expected ']' after the last element, got ',' (at byte 22)");
    assert_eq!(reader.read_i32().unwrap_err(), error);
}

#[test]
fn sizes_are_checked_before_anything_is_done_with_them() {
    let end = |text, ttype| assert!(matches!(refused(text, ttype).0, Kind::UnexpectedEnd { needed: 1.. }), "{text}");
    end(r#"["tf",16777216,1]"#, TType::List);
    end(r#"["rec",6,{},{}]"#, TType::List);
    end(r#"["str","map",16777216,{}]"#, TType::Map);
    let size = |text: &str| refused(text, TType::Set).0;
    let limit = Limits::DEFAULT.container;
    for size_text in [16_777_217, 2_147_483_647, 2_147_483_648, usize::MAX >> 1] {
        let over = Kind::SizeLimit { what: "container", size: size_text, limit };
        assert_eq!(size(&format!(r#"["i8",{size_text}]"#)), over);
    }
    assert_eq!(size(r#"["i8",-1]"#), Kind::NegativeSize(-1));
    assert_eq!(size(r#"["i8",-9999999999]"#), Kind::NegativeSize(-9_999_999_999));
    let strings = Limits { string: 3, ..Limits::DEFAULT };
    assert_eq!(skip(b"\"abc\"", TType::String, strings), Ok(5));
    let over = Kind::SizeLimit { what: "string", size: 4, limit: 3 };
    assert_eq!(skip(b"\"abcd\"", TType::String, strings).unwrap_err().kind(), &over);
}

#[test]
fn a_hundred_thousand_levels_end_at_the_limit() {
    let levels = [
        (TType::Struct, r#"{"1":{"rec":"#),
        (TType::List, r#"["lst",1,"#),
        (TType::Map, r#"["map","i8",1,{"#),
        (TType::Map, r#"["i8","map",1,{"1":"#),
    ];
    for (ttype, level) in levels {
        let text = level.repeat(100_000);
        for (depth, counted) in [(64, 64), (0, 0), (u32::MAX, Limits::MAX_DEPTH)] {
            let limits = Limits { depth, ..Limits::DEFAULT };
            assert_eq!(skip(text.as_bytes(), ttype, limits).unwrap_err().kind(), &Kind::DepthLimit(counted), "{level}");
        }
    }
}

#[test]
fn long_numbers_strings_and_whitespace_take_moments() {
    let started = Instant::now();
    let digits = "1".repeat(1 << 20);
    assert!(matches!(refused(&digits, TType::I64).0, Kind::Json { .. }));
    assert!(matches!(refused(&digits, TType::Double).0, Kind::Json { .. }));
    assert!(matches!(refused(&format!("{}x", " ".repeat(1 << 20)), TType::I64), (Kind::Json { .. }, 1_048_576)));
    for text in ["\\\\".repeat(1 << 19), "\\u00e9".repeat(1 << 18), "x".repeat(1 << 20)] {
        assert!(matches!(refused(&format!("\"{text}"), TType::String).0, Kind::UnexpectedEnd { needed: 1 }));
        assert_eq!(skip(format!("\"{text}\"").as_bytes(), TType::String, Limits::DEFAULT), Ok(text.len() + 2));
    }
    for (element, item) in [("rec", ",{}"), ("str", ",\"\""), ("tf", ",1"), ("lst", ",[\"tf\",0]")] {
        let text = format!("[\"{element}\",500000{}]", item.repeat(500_000));
        assert_eq!(skip(text.as_bytes(), TType::List, Limits::DEFAULT), Ok(text.len()));
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn message_starts_that_are_none_are_refused() {
    let header = |text: &str| read(text.as_bytes(), |reader| reader.read_message_header().map(drop)).unwrap_err();
    assert_eq!(header(r#"[2,"x",1,0,"#).kind(), &Kind::BadVersion(2));
    assert_eq!(header(r#"[1,"x",0,0,"#).kind(), &Kind::InvalidMessageType(0));
    assert_eq!(header(r#"[1,"x",5,0,"#).kind(), &Kind::InvalidMessageType(5));
    assert_eq!(header(r#"[1,"x",256,0,"#).kind(), &Kind::OutOfRange(256));
    assert_eq!(header(r#"[1,"x",1,4294967296,"#).kind(), &Kind::OutOfRange(4_294_967_296));
    assert_eq!(header("{}").kind(), &Kind::Json { expected: "'[' of a message", found: b'{' });
    let name = read(b"[1,\"a\xffb\",1,0,", |reader| reader.read_message_header().map(drop)).unwrap_err();
    assert_eq!(name.kind(), &Kind::InvalidUtf8);
}
