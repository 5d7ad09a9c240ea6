//! The end of a message is found at the same place however its bytes come in.

use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactWriter, DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, JsonWriter,
    Limits, MessageHeader, MessageScanner, MessageType, OutputProtocol, Protocol, Scan, TType,
};

const HUGE: usize = i32::MAX as usize;

const HEADER: MessageHeader<'static> =
    MessageHeader { name: b"service:call", message_type: MessageType::Call, sequence_id: -7 };

/// Writes a message with every shape of value: fixed, variable, nested, empty and full containers.
fn write_message(out: &mut impl OutputProtocol) {
    out.write_message_header(&HEADER);
    let scope = out.begin_struct();
    out.write_bool_field(1, true);
    out.write_double_field(2, 0.5);
    out.write_binary_field(3, &[0x82; 200]);
    out.write_field(FieldHeader { ttype: TType::List, id: 4 });
    out.begin_list(TType::I64, 40);
    (0..40).for_each(|power| out.write_i64(1 << power));
    out.write_field(FieldHeader { ttype: TType::Map, id: 5 });
    out.begin_map(TType::String, TType::List, 2);
    for key in [&b"a"[..], b"bc"] {
        out.write_binary(key);
        out.begin_list(TType::Struct, 2);
        for id in [1, 300] {
            let inner = out.begin_struct();
            out.write_bool_field(id, false);
            out.write_i32_field(id + 1, -1);
            out.end_struct(inner);
        }
    }
    out.write_field(FieldHeader { ttype: TType::Map, id: 6 });
    out.begin_map(TType::I8, TType::Uuid, 1);
    out.write_i8(1);
    out.write_uuid(&[9; 16]);
    out.write_field(FieldHeader { ttype: TType::Set, id: 40 });
    out.begin_set(TType::Bool, 0);
    out.write_i16_field(-5, 5);
    out.write_text_field(-6, b"]\\}\"[{");
    out.end_struct(scope);
    out.write_message_end();
}

/// Strict Binary, old Binary, Compact and both kinds of JSON, with the protocol that each is.
fn messages() -> [(Protocol, Vec<u8>); 5] {
    let (mut strict, mut old, mut compact, mut json) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    write_message(&mut BinaryWriter::new(&mut strict));
    write_message(&mut BinaryWriter::new(&mut old).old());
    write_message(&mut CompactWriter::new(&mut compact));
    write_message(&mut JsonWriter::new(&mut json));
    let simple = b"[\"Svc:call\",1,7,{\"a\":[{}, [[{\"b\":1.5},null]]],\"c\":\"]\\\\}\\\"[{\"}]".to_vec();
    [
        (Protocol::Binary, strict),
        (Protocol::Binary, old),
        (Protocol::Compact, compact),
        (Protocol::Json, json),
        (Protocol::SimpleJson, simple),
    ]
}

/// Both scanners that can find the end of this message.
fn scanners(protocol: Protocol) -> [MessageScanner; 2] {
    [MessageScanner::new(protocol, Limits::DEFAULT), MessageScanner::detecting(Limits::DEFAULT)]
}

#[test]
fn the_end_is_found_at_every_split_and_bytes_after_it_are_not_touched() {
    for (protocol, message) in messages() {
        let followed = [&message[..], &[0xff; 3]].concat();
        for split in 0..message.len() {
            for mut scanner in scanners(protocol) {
                let Ok(Scan::NeedMore { at_least }) = scanner.scan(&message[..split]) else {
                    panic!("{protocol}: no prefix is a message, but {split} bytes were");
                };
                assert!((1..=message.len() - split).contains(&at_least), "{protocol}, {split}: {at_least}");
                assert_eq!(scanner.scan(&followed), Ok(Scan::Complete { len: message.len() }));
            }
        }
    }
}

#[test]
fn the_end_is_found_byte_by_byte_and_message_after_message() {
    let stream = messages().map(|(_, message)| message).concat();
    let mut scanner = MessageScanner::detecting(Limits::DEFAULT);
    let mut start = 0;
    let mut found = Vec::new();
    for end in 1..=stream.len() {
        if let Scan::Complete { len } = scanner.scan(&stream[start..end]).unwrap() {
            assert_eq!(start + len, end);
            found.push(len);
            start = end;
        }
    }
    assert_eq!(found, messages().map(|(_, message)| message.len()));
}

#[test]
fn asking_for_no_more_than_the_scanner_does_ends_at_the_end() {
    for (protocol, message) in messages() {
        for mut scanner in scanners(protocol) {
            let mut end = 0;
            while let Scan::NeedMore { at_least } = scanner.scan(&message[..end]).unwrap() {
                end += at_least;
            }
            assert_eq!(end, message.len());
        }
    }
}

#[test]
fn a_large_value_costs_one_step_however_it_comes() {
    let mut message = Vec::new();
    let mut out = BinaryWriter::new(&mut message);
    out.write_message_header(&HEADER);
    out.write_binary_field(1, &vec![0; 1 << 20]);
    out.write_field(FieldHeader { ttype: TType::List, id: 2 });
    out.begin_list(TType::I32, 1 << 18);
    message.resize(message.len() + (1 << 20), 0);
    message.push(0);
    let mut scanner = MessageScanner::new(Protocol::Binary, Limits::DEFAULT);
    let Ok(Scan::NeedMore { at_least }) = scanner.scan(&message[..100]) else { panic!("100 bytes are not all") };
    assert!(at_least > (1 << 20) - 100);
    // Two million scans of a growing buffer end in moments only if each of them takes up where the last one stopped.
    for end in 101..message.len() {
        assert!(matches!(scanner.scan(&message[..end]), Ok(Scan::NeedMore { .. })));
    }
    assert_eq!(scanner.scan(&message), Ok(Scan::Complete { len: message.len() }));
}

fn scan_with(limits: Limits, bytes: &[u8]) -> Result<Scan, DecodeErrorKind> {
    MessageScanner::detecting(limits).scan(bytes).map_err(|error: DecodeError| error.kind().clone())
}

#[test]
fn a_message_that_cannot_end_within_its_limit_is_refused_at_once() {
    let (_, message) = messages()[0].clone();
    let exact = Limits { message: message.len(), ..Limits::DEFAULT };
    assert_eq!(scan_with(exact, &message), Ok(Scan::Complete { len: message.len() }));
    let short = Limits { message: message.len() - 1, ..Limits::DEFAULT };
    for bytes in [&message[..], &message[..message.len() - 1]] {
        assert!(matches!(scan_with(short, bytes), Err(DecodeErrorKind::SizeLimit { what: "message", .. })));
    }

    // A string of a million bytes, and a list of as many structs, announced in a message of at most 1000 bytes.
    let start = [&[0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0][..]; 2];
    let string = [start[0], &[11, 0, 1, 0, 0x0f, 0xff, 0xff]].concat();
    let list = [start[1], &[15, 0, 1, 12, 0, 0x0f, 0xff, 0xff]].concat();
    for bytes in [string, list] {
        let limits = Limits { message: 1000, ..Limits::DEFAULT };
        assert!(matches!(scan_with(limits, &bytes), Err(DecodeErrorKind::SizeLimit { what: "message", .. })));
        assert!(matches!(scan_with(Limits::DEFAULT, &bytes), Ok(Scan::NeedMore { .. })));
    }
}

#[test]
fn the_limits_and_errors_are_those_of_the_reader() {
    let header = [0x80, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0];
    #[rustfmt::skip]
    let bodies: &[(&[u8], DecodeErrorKind)] = &[
        (&[99, 0, 1], DecodeErrorKind::InvalidType(99)),
        (&[15, 0, 1, 1, 0, 0, 0, 1], DecodeErrorKind::InvalidType(1)),
        (&[11, 0, 1, 0xff, 0xff, 0xff, 0xff], DecodeErrorKind::NegativeSize(-1)),
        (&[15, 0, 1, 3, 0x80, 0, 0, 0], DecodeErrorKind::NegativeSize(i32::MIN.into())),
        (&[11, 0, 1, 0x7f, 0xff, 0xff, 0xff],
            DecodeErrorKind::SizeLimit { what: "string", size: HUGE, limit: Limits::DEFAULT.string }),
        (&[13, 0, 1, 3, 3, 0x7f, 0xff, 0xff, 0xff],
            DecodeErrorKind::SizeLimit { what: "container", size: HUGE, limit: Limits::DEFAULT.container }),
    ];
    for (body, expected) in bodies {
        assert_eq!(BinaryReader::new(body, Limits::DEFAULT).skip(TType::Struct).unwrap_err().kind(), expected);
        assert_eq!(scan_with(Limits::DEFAULT, &[&header[..], body].concat()), Err(expected.clone()));
    }
    for bytes in [&[0xff][..], &[0x80, 2], &[0x82, 0x22], b"GET / HTTP/1.1\r\n"] {
        assert!(scan_with(Limits::DEFAULT, bytes).is_err(), "{bytes:x?}");
    }
}

#[test]
fn brackets_in_json_that_do_not_match_are_refused_where_they_stand() {
    let scan = |text: &str| {
        let error = MessageScanner::new(Protocol::Json, Limits::DEFAULT).scan(text.as_bytes()).unwrap_err();
        (error.kind().clone(), error.offset())
    };
    let json = |expected, found| DecodeErrorKind::Json { expected, found };
    assert_eq!(scan(r#"[1,"x",1,0,{]"#), (json("'}' of an object", b']'), 12));
    assert_eq!(scan(r#"[1,"]",1,0,["i8"}"#), (json("']' of an array", b'}'), 16));
    for text in ["x", "{}", "]", "\"", " 1"] {
        assert!(matches!(scan(text).0, DecodeErrorKind::Json { expected: "'[' of a message", .. }), "{text}");
    }
}

#[test]
fn whitespace_before_a_message_in_json_belongs_to_it() {
    let mut scanner = MessageScanner::new(Protocol::Json, Limits::DEFAULT);
    assert_eq!(scanner.scan(b" \n"), Ok(Scan::NeedMore { at_least: 1 }));
    assert_eq!(scanner.scan(b" \n[1,\"\\\"]\",1,0,{}]\n"), Ok(Scan::Complete { len: 18 }));
    assert_eq!(scanner.scan(b"[ 1,"), Ok(Scan::NeedMore { at_least: 1 }));
}

#[test]
fn json_that_comes_byte_by_byte_is_looked_at_once() {
    let mut message = br#"[1,"x",1,0,{"1":{"str":""#.to_vec();
    message.resize(1 << 21, b'x');
    let mut scanner = MessageScanner::new(Protocol::Json, Limits::DEFAULT);
    for end in 1..message.len() {
        assert!(matches!(scanner.scan(&message[..end]), Ok(Scan::NeedMore { .. })));
    }
    message.extend_from_slice(br#""}}]"#);
    assert_eq!(scanner.scan(&message), Ok(Scan::Complete { len: message.len() }));
}
