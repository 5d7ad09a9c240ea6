//! Input made to hurt ends in a typed error, in bounded time and memory.

use std::time::{Duration, Instant};

use fastthrift_protocol::{
    BinaryReader, CompactReader, DecodeErrorKind as Kind, InputProtocol, JsonReader, Limits, MessageScanner, Protocol,
    Scan, Scratch, TType,
};

const HUGE: usize = i32::MAX as usize;

/// What skipping a value of this type from these bytes ends in.
fn binary(ttype: TType, bytes: &[u8]) -> Kind {
    BinaryReader::new(bytes, Limits::DEFAULT).skip(ttype).expect_err("hostile").kind().clone()
}

fn compact(ttype: TType, bytes: &[u8]) -> Kind {
    CompactReader::new(bytes, Limits::DEFAULT).skip(ttype).expect_err("hostile").kind().clone()
}

fn too_many(size: usize) -> Kind {
    Kind::SizeLimit { what: "container", size, limit: Limits::DEFAULT.container }
}

fn is_end(kind: &Kind) -> bool {
    matches!(kind, Kind::UnexpectedEnd { needed: 1.. })
}

#[test]
fn sizes_below_zero_and_above_the_limit_are_named() {
    assert_eq!(binary(TType::String, &[0xff; 4]), Kind::NegativeSize(-1));
    assert_eq!(binary(TType::List, &[8, 0xff, 0xff, 0xff, 0xff]), Kind::NegativeSize(-1));
    assert_eq!(binary(TType::Set, &[8, 0x80, 0, 0, 0]), Kind::NegativeSize(i32::MIN.into()));
    assert_eq!(binary(TType::Map, &[8, 8, 0xff, 0xff, 0xff, 0xff]), Kind::NegativeSize(-1));
    assert_eq!(binary(TType::List, &[12, 0x7f, 0xff, 0xff, 0xff]), too_many(HUGE));
    assert_eq!(binary(TType::Map, &[2, 2, 0x7f, 0xff, 0xff, 0xff]), too_many(HUGE));
    let string = Kind::SizeLimit { what: "string", size: HUGE, limit: Limits::DEFAULT.string };
    assert_eq!(binary(TType::String, &[0x7f, 0xff, 0xff, 0xff]), string);

    assert_eq!(compact(TType::String, &[0xff, 0xff, 0xff, 0xff, 0x0f]), Kind::NegativeSize(-1));
    assert_eq!(compact(TType::List, &[0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]), Kind::NegativeSize(-1));
    assert_eq!(compact(TType::List, &[0xfc, 0xff, 0xff, 0xff, 0xff, 0x07]), too_many(HUGE));
    assert_eq!(compact(TType::Map, &[0xff, 0xff, 0xff, 0xff, 0x07, 0x55]), too_many(HUGE));
    assert_eq!(compact(TType::String, &[0xff, 0xff, 0xff, 0xff, 0x07]), string);
}

#[test]
fn limits_stay_within_31_bits_whatever_the_user_sets() {
    let limits =
        Limits { message: usize::MAX, string: usize::MAX, container: usize::MAX, depth: u32::MAX, memory: usize::MAX };
    assert_eq!(BinaryReader::new(&[0xff; 4], limits).read_binary().unwrap_err().kind(), &Kind::NegativeSize(-1));
    let mut list = BinaryReader::new(&[3, 0x7f, 0xff, 0xff, 0xff, 0, 0], limits);
    assert_eq!(list.begin_list().unwrap_err().kind(), &Kind::UnexpectedEnd { needed: HUGE - 2 });
}

#[test]
fn containers_that_the_rest_cannot_hold_are_refused_before_they_are_returned() {
    // 16 million elements (within the limit) in a few bytes, for each element type.
    for element in [2, 3, 4, 6, 8, 10, 11, 12, 13, 14, 15, 16] {
        let bytes = [element, 0x01, 0, 0, 0, 0, 0, 0, 0];
        assert!(is_end(BinaryReader::new(&bytes, Limits::DEFAULT).begin_list().unwrap_err().kind()));
        assert!(is_end(&binary(TType::Set, &bytes)));
        let bytes = [element, element, 0x01, 0, 0, 0, 0, 0, 0, 0];
        assert!(is_end(BinaryReader::new(&bytes, Limits::DEFAULT).begin_map().unwrap_err().kind()));
    }
    for element in 1..=13 {
        let bytes = [0xf0 | element, 0x80, 0x80, 0x80, 0x08, 0, 0];
        assert!(is_end(CompactReader::new(&bytes, Limits::DEFAULT).begin_set().unwrap_err().kind()));
        let bytes = [0x80, 0x80, 0x80, 0x08, element << 4 | element, 0, 0];
        assert!(is_end(CompactReader::new(&bytes, Limits::DEFAULT).begin_map().unwrap_err().kind()));
    }
    // As many as there is place for are fine: 4 bytes hold two i16, and not three.
    assert!(BinaryReader::new(&[6, 0, 0, 0, 2, 0, 0, 0, 0], Limits::DEFAULT).begin_list().is_ok());
    assert!(is_end(&binary(TType::List, &[6, 0, 0, 0, 3, 0, 0, 0, 0])));
}

#[test]
fn numbers_that_stand_for_no_type_are_refused_unless_nothing_has_that_type() {
    for number in [0, 1, 5, 7, 9, 17, 0x63, 0xff] {
        assert_eq!(binary(TType::List, &[number, 0, 0, 0, 1, 0]), Kind::InvalidType(number));
        assert_eq!(binary(TType::Map, &[number, 8, 0, 0, 0, 1, 0]), Kind::InvalidType(number));
        assert_eq!(binary(TType::Map, &[8, number, 0, 0, 0, 1, 0]), Kind::InvalidType(number));
        assert_eq!(BinaryReader::new(&[number, 0, 0, 0, 0], Limits::DEFAULT).skip(TType::List), Ok(()));
        if number != 0 {
            assert_eq!(binary(TType::Struct, &[number, 0, 1, 0, 0]), Kind::InvalidType(number));
        }
    }
    for number in [0, 14, 15] {
        assert_eq!(compact(TType::List, &[0x10 | number, 0]), Kind::InvalidType(number));
        assert_eq!(compact(TType::Map, &[1, number << 4 | 5, 0, 0]), Kind::InvalidType(number));
        assert_eq!(compact(TType::Map, &[1, 0x50 | number, 0, 0]), Kind::InvalidType(number));
        assert_eq!(CompactReader::new(&[number], Limits::DEFAULT).skip(TType::List), Ok(()));
        if number != 0 {
            assert_eq!(compact(TType::Struct, &[0x10 | number, 0, 0]), Kind::InvalidType(number));
        }
    }
    assert_eq!(binary(TType::Stop, &[0; 8]), Kind::InvalidType(0));
    assert_eq!(compact(TType::Stop, &[0; 8]), Kind::InvalidType(0));
}

#[test]
fn a_hundred_thousand_levels_end_at_the_limit() {
    // A struct in field 1 of a struct; a list of one list; a map of a map.
    let cases: [(TType, &[u8], Protocol); 10] = [
        (TType::Struct, &[12, 0, 1], Protocol::Binary),
        (TType::List, &[15, 0, 0, 0, 1], Protocol::Binary),
        (TType::Map, &[13, 3, 0, 0, 0, 1], Protocol::Binary),
        (TType::Struct, &[0x1c], Protocol::Compact),
        (TType::List, &[0x19], Protocol::Compact),
        (TType::Map, &[1, 0xb3], Protocol::Compact),
        (TType::Struct, b"{\"1\":{\"rec\":", Protocol::Json),
        (TType::List, b"[\"lst\",1,", Protocol::Json),
        (TType::Map, b"[\"map\",\"i8\",1,{", Protocol::Json),
        (TType::Struct, b"{\"a\":[", Protocol::SimpleJson),
    ];
    for (ttype, level, protocol) in cases {
        let bytes = level.repeat(100_000);
        for (depth, counted) in [(64, 64), (0, 0), (u32::MAX, Limits::MAX_DEPTH)] {
            let limits = Limits { depth, ..Limits::DEFAULT };
            let error = match protocol {
                Protocol::Binary => BinaryReader::new(&bytes, limits).skip(ttype),
                Protocol::Compact => CompactReader::new(&bytes, limits).skip(ttype),
                Protocol::Json => JsonReader::new(&bytes, &Scratch::new(), limits).skip(ttype),
                Protocol::SimpleJson => protocol.struct_len(&bytes, limits).map(drop),
            };
            assert_eq!(error.unwrap_err().kind(), &Kind::DepthLimit(counted), "{protocol} {ttype:?}");
        }
        let (start, list, map) = match protocol {
            Protocol::Binary => (&[0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..], &[15, 0, 1][..], &[13, 0, 1][..]),
            Protocol::Compact => (&[0x82, 0x21, 0, 0][..], &[0x19][..], &[0x1b][..]),
            Protocol::Json => (&b"[1,\"\",1,0,"[..], &b"{\"1\":{\"lst\":"[..], &b"{\"1\":{\"map\":"[..]),
            Protocol::SimpleJson => (&b"[\"\",1,0,"[..], &b""[..], &b""[..]),
        };
        let field = [(TType::List, list), (TType::Map, map)].into_iter().find(|(of, _)| *of == ttype);
        let message = [start, field.map_or(&[][..], |(_, field)| field), &bytes].concat();
        let error = MessageScanner::new(protocol, Limits::DEFAULT).scan(&message).unwrap_err();
        assert_eq!(error.kind(), &Kind::DepthLimit(64));
    }
}

#[test]
fn depth_is_given_back_when_a_value_ends() {
    // One struct with 1000 empty structs beside each other, under a limit of 2.
    let bytes = [[12, 0, 1, 0].repeat(1000), vec![0]].concat();
    let limits = Limits { depth: 2, ..Limits::DEFAULT };
    assert_eq!(BinaryReader::new(&bytes, limits).skip(TType::Struct), Ok(()));
    let bytes = [[0x1c, 0].repeat(1000), vec![0]].concat();
    assert_eq!(CompactReader::new(&bytes, limits).skip(TType::Struct), Ok(()));
    let limits = Limits { depth: 1, ..Limits::DEFAULT };
    let error = CompactReader::new(&bytes, limits).skip(TType::Struct).unwrap_err();
    assert_eq!(error.kind(), &Kind::DepthLimit(1));
}

#[test]
fn variable_length_integers_end_somewhere() {
    let endless = [0xff; 100];
    for ttype in [TType::I16, TType::I32, TType::I64, TType::String, TType::Map] {
        assert_eq!(compact(ttype, &endless), Kind::InvalidVarint, "{ttype:?}");
    }
    assert_eq!(compact(TType::List, &endless), Kind::InvalidVarint);
    // Zigzag 65536 and 65537 are 32768 and -32769.
    assert_eq!(compact(TType::I16, &[0x80, 0x80, 0x04]), Kind::OutOfRange(32_768));
    assert_eq!(compact(TType::I16, &[0x81, 0x80, 0x04]), Kind::OutOfRange(-32_769));
    assert_eq!(CompactReader::new(&[0xff, 0xff, 0x03], Limits::DEFAULT).read_i16(), Ok(i16::MIN));
}

#[test]
fn message_starts_that_are_none_are_refused() {
    let header = |bytes: &[u8], protocol: Protocol| {
        protocol.read_message_header(bytes, Limits::DEFAULT).unwrap_err().kind().clone()
    };
    assert_eq!(header(&[0x80, 0x02, 0, 1], Protocol::Binary), Kind::BadVersion(0x8002_0001));
    assert_eq!(header(&[0x80, 0x01, 0, 0], Protocol::Binary), Kind::InvalidMessageType(0));
    assert_eq!(header(&[0x80, 0x01, 0, 5], Protocol::Binary), Kind::InvalidMessageType(5));
    assert_eq!(header(&[0, 0, 0, 1, b'x', 9, 0, 0, 0, 0], Protocol::Binary), Kind::InvalidMessageType(9));
    assert!(matches!(header(b"GET / HTTP/1.1", Protocol::Binary), Kind::SizeLimit { what: "string", .. }));
    assert_eq!(header(&[0x80, 0x01, 0, 1, 0xff, 0xff, 0xff, 0xff], Protocol::Binary), Kind::NegativeSize(-1));
    assert_eq!(header(&[0x81, 0x21], Protocol::Compact), Kind::BadVersion(0x8121));
    assert_eq!(header(&[0x82, 0x22], Protocol::Compact), Kind::BadVersion(0x8222));
    assert_eq!(header(&[0x82, 0x01], Protocol::Compact), Kind::InvalidMessageType(0));
    assert_eq!(header(&[0x82, 0xa1], Protocol::Compact), Kind::InvalidMessageType(5));
    let error = BinaryReader::new(&[0, 0, 0, 1, b'x'], Limits::DEFAULT).strict().read_message_header().unwrap_err();
    assert_eq!(error.kind(), &Kind::BadVersion(1));
    assert_eq!(error.to_string(), "no message starts with 0x00000001 (at byte 0)");
}

#[test]
fn text_that_is_not_utf8_says_where() {
    let error = BinaryReader::new(&[0, 0, 0, 3, b'a', 0xff, b'b'], Limits::DEFAULT).read_string().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (&Kind::InvalidUtf8, 5));
    let error = CompactReader::new(&[3, 0xed, 0xa0, 0x80], Limits::DEFAULT).read_string().unwrap_err();
    assert_eq!((error.kind(), error.offset()), (&Kind::InvalidUtf8, 1));
    assert_eq!(BinaryReader::new(&[0, 0, 0, 1, 0xff], Limits::DEFAULT).read_binary(), Ok(&[0xff][..]));
}

#[test]
fn the_most_values_that_fit_in_the_bytes_are_read_over_in_moments() {
    let started = Instant::now();
    // Half a million empty structs, lists, maps and strings, each as small as they come.
    let bomb = |header: &[u8], item: &[u8]| [header, &item.repeat(500_000)].concat();
    for (header, item) in [
        (&[12, 0, 0x07, 0xa1, 0x20][..], &[0][..]),
        (&[15, 0, 0x07, 0xa1, 0x20], &[0, 0, 0, 0, 0]),
        (&[13, 0, 0x07, 0xa1, 0x20], &[0, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(BinaryReader::new(&bomb(header, item), Limits::DEFAULT).skip(TType::List), Ok(()));
    }
    for element in [8, 9, 11, 12] {
        let bytes = bomb(&[0xf0 | element, 0xa0, 0xc2, 0x1e], &[0]);
        assert_eq!(CompactReader::new(&bytes, Limits::DEFAULT).skip(TType::List), Ok(()));
        let message = [&[0x82, 0x21, 0, 0, 0x19][..], &bytes, &[0]].concat();
        let scan = MessageScanner::detecting(Limits::DEFAULT).scan(&message);
        assert_eq!(scan, Ok(Scan::Complete { len: message.len() }));
    }
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}
