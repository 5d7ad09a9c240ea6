//! What types of every shape that generated code has read and write.

mod types;

use std::collections::{BTreeMap, BTreeSet};

use fastthrift::codec::{Limits, Protocol};
use fastthrift::{
    DecodeErrorKind, DecodeOwned, Encode, EncodeErrorKind, MessageHeader, MessageType, Scratch, UnknownFields,
    UnknownValue, decode_prefix, encode_into, from_slice, from_slice_borrowed, read_message, to_vec, write_message,
};
use types::*;

fn small() -> Small {
    Small { count: 7, id: 1_234_567_890_123, ratio: 2.5, active: true, kind: 300, name: "twelve chars".into() }
}

fn book(people: i32) -> Book {
    let person = |number: i32| Person {
        name: format!("Person Number {number}"),
        id: 100_000 + number,
        emails: vec![format!("person{number}@example.com"), format!("p{number}@mail.example.org")],
        phones: vec![
            Phone { number: format!("+31 20 555 {number:04}"), kind: 1 },
            Phone { number: format!("+31 6 5555 {number:04}"), kind: 2 },
        ],
        labels: BTreeMap::from([("city".into(), "Amsterdam".into()), ("team".into(), format!("team {}", number % 7))]),
    };
    Book { people: (0..people).map(person).collect() }
}

fn strict() -> Strict {
    let names = BTreeSet::from(["a".to_owned(), "b".to_owned()]);
    Strict { id: -5, color: Color(99), choice: Choice::Names(names), maybe: None, limit: 0, flag: Some(false) }
}

fn tree() -> Node {
    let leaf = |value| Node { value, ..Node::default() };
    Node { value: 1, next: Some(Box::new(leaf(2))), children: vec![leaf(3), leaf(4)] }
}

fn comes_back<T: Encode + DecodeOwned + PartialEq + std::fmt::Debug>(value: &T) {
    for &protocol in Protocol::TYPED {
        let bytes = to_vec(protocol, value).expect("it fits");
        let (back, len) = decode_prefix::<T>(protocol, &bytes, Limits::DEFAULT).expect("it was written");
        assert_eq!((&back, len), (value, bytes.len()), "{protocol}");
        for end in 0..bytes.len() {
            decode_prefix::<T>(protocol, &bytes[..end], Limits::DEFAULT).expect_err("it is cut off");
        }
    }
}

#[test]
fn values_of_every_shape_come_back_and_are_refused_when_cut_off() {
    comes_back(&small());
    comes_back(&book(3));
    comes_back(&strict());
    comes_back(&tree());
    comes_back(&Empty {});
    comes_back(&Oops { message: "größer".into() });
    comes_back(&Choice::Flag(false));
    comes_back(&Choice::Color(Color::BLUE));
}

#[test]
fn small_has_the_bytes_of_the_specification() {
    let binary = to_vec(Protocol::Binary, &small()).unwrap();
    assert_eq!(binary.len(), 58);
    assert_eq!(binary[..7], [8, 0, 1, 0, 0, 0, 7]);
    assert_eq!(binary[45..], *b"twelve chars\0");
    let compact = to_vec(Protocol::Compact, &small()).unwrap();
    assert_eq!(compact[..3], [0x15, 14, 0x16]);
}

#[test]
fn borrowed_types_point_into_the_input() {
    let (owned, scratch) = (book(2), Scratch::new());
    for &protocol in Protocol::TYPED {
        let bytes = to_vec(protocol, &owned).unwrap();
        let (back, _) = from_slice_borrowed::<BookRef<'_>>(protocol, &bytes, &scratch, Limits::DEFAULT).unwrap();
        let name = back.people[1].name;
        assert_eq!(name, "Person Number 1");
        assert!(bytes.as_ptr_range().contains(&name.as_ptr()));
        assert_eq!(to_vec(protocol, &back).unwrap(), bytes);
    }
}

#[test]
fn fields_are_found_in_any_order_and_form_and_the_last_one_counts() {
    // 6: name, 99: unknown list<bool>, 1: count twice, 2 with the type of another field.
    let bytes = b"\x0b\0\x06\0\0\0\x01x\x0f\0\x63\x02\0\0\0\x01\x01\x08\0\x01\0\0\0\x05\x08\0\x01\0\0\0\x06\x0b\0\x02\0\0\0\0\0";
    let value: Small = from_slice(Protocol::Binary, bytes).unwrap();
    assert_eq!(value, Small { count: 6, name: "x".into(), ..Small::default() });
}

/// Fields of a `Small`, and some that it does not have or that are of another type.
const PARTS: &[&[(i16, UnknownValue)]] = &[
    &[(1, UnknownValue::I32(1))],
    &[(1, UnknownValue::I32(-2))],
    &[(2, UnknownValue::I64(3))],
    &[(4, UnknownValue::Bool(true))],
    &[(5, UnknownValue::I16(4))],
    &[(2, UnknownValue::Bool(true))],
    &[(-1, UnknownValue::I32(5))],
    &[(40, UnknownValue::Bool(false))],
    &[
        (1, UnknownValue::I32(6)),
        (2, UnknownValue::I64(7)),
        (3, UnknownValue::Double(8.5)),
        (4, UnknownValue::Bool(false)),
        (5, UnknownValue::I16(9)),
    ],
];

/// Sets a field that is of the type that it has in a `Small`.
fn set(small: &mut Small, id: i16, value: &UnknownValue) {
    match (id, value) {
        (1, UnknownValue::I32(value)) => small.count = *value,
        (2, UnknownValue::I64(value)) => small.id = *value,
        (3, UnknownValue::Double(value)) => small.ratio = *value,
        (4, UnknownValue::Bool(value)) => small.active = *value,
        (5, UnknownValue::I16(value)) => small.kind = *value,
        _ => {}
    }
}

#[test]
fn three_parts_in_every_order_leave_the_last_value_of_each_field() {
    let count = PARTS.len();
    for number in 0..count.pow(3) {
        let (mut fields, mut expected) = (UnknownFields::new(), Small::default());
        for place in 0..3 {
            for (id, value) in PARTS[number / count.pow(place) % count] {
                fields.push(*id, value.clone());
                set(&mut expected, *id, value);
            }
        }
        for &protocol in Protocol::TYPED {
            let bytes = to_vec(protocol, &fields).unwrap();
            assert_eq!(from_slice::<Small>(protocol, &bytes), Ok(expected.clone()), "{protocol}: {fields:?}");
        }
    }
}

#[test]
fn defaults_stand_for_what_does_not_come_and_required_fields_must() {
    let without = b"\x0a\0\x01\0\0\0\0\0\0\0\x09\x0c\0\x03\x02\0\x02\x01\0\0";
    let value: Strict = from_slice(Protocol::Binary, without).unwrap();
    assert_eq!((value.color, value.limit, value.flag), (Color::RED, 10, None));
    let error = from_slice::<Strict>(Protocol::Binary, b"\0").unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::MissingField("id".into()));
}

#[test]
fn a_union_without_a_member_is_none_where_it_is_optional_and_an_error_elsewhere() {
    let optional = b"\x0a\0\x01\0\0\0\0\0\0\0\x09\x0c\0\x03\x02\0\x02\x01\0\x0c\0\x04\0\0";
    assert_eq!(from_slice::<Strict>(Protocol::Binary, optional).unwrap().maybe, None);
    let error = from_slice::<Choice>(Protocol::Binary, b"\0").unwrap_err();
    assert_eq!(error.to_string(), "union 'Choice' holds no member that is known (at byte 1)");
    let two = from_slice::<Choice>(Protocol::Binary, b"\x02\0\x02\x01\x08\0\x01\0\0\0\x05\0").unwrap_err();
    assert!(two.to_string().starts_with("union 'Choice' holds more than one member"));
    let twice = from_slice::<Choice>(Protocol::Binary, b"\x02\0\x02\x01\x02\0\x02\0\0").unwrap();
    assert_eq!(twice, Choice::Flag(false));
}

#[test]
fn unknown_fields_are_written_again_in_any_protocol() {
    for &from in Protocol::TYPED {
        let strict = to_vec(from, &strict()).unwrap();
        let keeper: Keeper = from_slice(from, &strict).unwrap();
        assert_eq!((keeper.id, keeper.unknown.len()), (-5, 4));
        for &to in Protocol::TYPED {
            let back: Strict = from_slice(to, &to_vec(to, &keeper).unwrap()).unwrap();
            assert_eq!(back, self::strict(), "{from} to {to}");
        }
    }
    comes_back(&Choice::Unknown(9, UnknownValue::I8(3)));
}

#[test]
fn errors_say_where() {
    let mut bytes = to_vec(Protocol::Binary, &book(2)).unwrap();
    let place = bytes.windows(2).rposition(|pair| pair == b"p1").unwrap();
    bytes[place] = 0xff;
    let error = from_slice::<Book>(Protocol::Binary, &bytes).unwrap_err();
    assert_eq!(error.to_string(), format!("people[1].emails[1]: string is not valid UTF-8 (at byte {place})"));
}

#[test]
fn values_nested_too_deep_are_refused_and_leave_nothing() {
    let mut node = Node::default();
    for _ in 0..600 {
        node = Node { next: Some(Box::new(node)), ..Node::default() };
    }
    for &protocol in Protocol::TYPED {
        let mut out = b"before".to_vec();
        let error = encode_into(protocol, &node, &mut out).unwrap_err();
        assert_eq!((error.kind(), &out[..]), (&EncodeErrorKind::DepthLimit, &b"before"[..]));
    }
    let deep = [&b"\x0c\0\x02".repeat(100)[..], &[0; 101]].concat();
    let error = from_slice::<Node>(Protocol::Binary, &deep).unwrap_err();
    assert_eq!(error.kind(), &DecodeErrorKind::DepthLimit(64));
}

#[test]
fn an_announced_size_takes_no_memory_before_its_values_come() {
    let announced = b"\x0f\0\x01\x0c\x7f\xff\xff\xff\0";
    from_slice::<Book>(Protocol::Binary, announced).unwrap_err();
    let negative = b"\x0f\0\x01\x0c\xff\xff\xff\xff\0";
    from_slice::<Book>(Protocol::Binary, negative).unwrap_err();
    // A million structs of a byte each are more memory than is allowed here.
    let mut many = b"\x0f\0\x01\x0c\0\x0f\x42\x40".to_vec();
    many.resize(many.len() + 1_000_001, 0);
    let limits = Limits { memory: 10 << 20, ..Limits::DEFAULT };
    let error = decode_prefix::<Book>(Protocol::Binary, &many, limits).unwrap_err();
    assert!(matches!(error.kind(), DecodeErrorKind::SizeLimit { limit: 0x00a0_0000, .. }), "{error}");
    assert_eq!(from_slice::<Book>(Protocol::Binary, &many).unwrap().people.len(), 1_000_000);
}

#[test]
fn narrower_integers_are_read_as_wider_ones_and_nothing_else_is() {
    let i32s = to_vec(Protocol::Binary, &vec![1_i32, -2]).unwrap();
    assert_eq!(from_slice::<Vec<i64>>(Protocol::Binary, &i32s).unwrap(), [1, -2]);
    assert_eq!(from_slice::<Vec<i32>>(Protocol::Binary, &to_vec(Protocol::Binary, &vec![3_i8]).unwrap()).unwrap(), [3]);
    from_slice::<Vec<i16>>(Protocol::Binary, &i32s).unwrap_err();
    from_slice::<Vec<f64>>(Protocol::Binary, &i32s).unwrap_err();
    from_slice::<Vec<Color>>(Protocol::Binary, &to_vec(Protocol::Binary, &vec![3_i8]).unwrap()).unwrap_err();
    let map = to_vec(Protocol::Binary, &vec![(1_i8, 2_i16)]).unwrap();
    assert_eq!(from_slice::<BTreeMap<i32, i64>>(Protocol::Binary, &map).unwrap(), BTreeMap::from([(1, 2)]));
}

#[test]
fn whole_messages_come_back() {
    let header = MessageHeader { name: b"add", message_type: MessageType::Call, sequence_id: -3 };
    for &protocol in Protocol::TYPED {
        let mut out = Vec::new();
        write_message(protocol, &header, &small(), &mut out).unwrap();
        let (back, body) = read_message::<Small>(protocol, &out, Limits::DEFAULT).unwrap();
        assert_eq!((back, body), (header, small()));
    }
    let error = to_vec(Protocol::SimpleJson, &small()).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::Unsupported(Protocol::SimpleJson));
}
