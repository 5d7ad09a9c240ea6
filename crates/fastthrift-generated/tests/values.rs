//! What generated types do beyond coming and going: defaults, what is kept, what is borrowed.

use std::collections::BTreeMap;

use fastthrift::{Protocol, from_slice, to_vec};
use fastthrift_generated::{borrowed, cases, hashed, read};

use cases::constants;
use cases::shapes::types::{Choice, Color, Everything, Key, Lost, Numbers, Refused};

fn everything() -> Everything {
    Everything {
        name: "name".to_owned(),
        note: None,
        data: b"data".to_vec(),
        id: Some([7; 16]),
        numbers: vec![Numbers { must: 1, must_color: Color(77), real: 0.5, ..Numbers::default() }],
        tags: ["b", "a"].map(str::to_owned).into(),
        palette: BTreeMap::from([("warm".to_owned(), vec![Color::RED])]),
        by_weight: vec![(2.5, 1), (0.5, 2)],
        choice: Some(Choice::Again(Box::new(Choice::Number(3)))),
        parent: Some(Box::new(Everything::default())),
        children: Some(vec![Everything::default()]),
        keys: [Key { text: "k".to_owned(), number: None }].into(),
        ..Everything::default()
    }
}

#[test]
fn values_come_back_in_every_protocol() {
    for protocol in [Protocol::Binary, Protocol::Compact, Protocol::Json] {
        let bytes = to_vec(protocol, &everything()).unwrap();
        let back: Everything = from_slice(protocol, &bytes).unwrap();
        // An optional field with a default has it when it did not come.
        assert_eq!(back, Everything { note: Some("none".to_owned()), ..everything() }, "{protocol}");
    }
}

#[test]
fn numbers_of_no_name_are_kept_and_shown() {
    assert_eq!(
        (Color::RED.name(), Color(77).name(), Color::from_name("GREEN")),
        (Some("RED"), None, Some(Color::GREEN))
    );
    assert_eq!(format!("{:?} {:?}", Color::GREEN, Color(77)), "GREEN Color(77)");
}

#[test]
fn a_missing_required_field_is_an_error_and_others_have_their_defaults() {
    let error = from_slice::<Numbers>(Protocol::Binary, &[0]).unwrap_err();
    assert!(error.to_string().contains("must"), "{error}");
    let numbers = Numbers::default();
    assert_eq!((numbers.color, numbers.middle), (Color::GREEN, 0));
    assert!(Everything::default().fresh);
    assert_eq!(Everything::default().sizes, [1, 2, 3]);
}

#[test]
fn constants_have_their_values() {
    assert_eq!((constants::LARGE, constants::LEVEL, constants::COUNT.0), (i64::MIN, constants::Level::HIGH, 3));
    assert_eq!(constants::POINTS[&constants::Level::LOW][1].label.as_deref(), Some("far away from everything else"));
    assert_eq!(*constants::EITHER, constants::Either::Right("hand".to_owned()));
    assert_eq!(constants::ORIGIN.y, 7);
    assert_eq!(constants::ID[..2], [0x00, 0x11]);
}

#[test]
fn exceptions_are_errors_that_show_their_message() {
    let refused: Box<dyn std::error::Error> = Box::new(Refused { message: "no".to_owned(), code: 1 });
    assert_eq!(refused.to_string(), "no");
    assert_eq!(Lost { why: Some("fog".to_owned()) }.to_string(), "fog");
    assert_eq!(Lost { why: None }.to_string(), "Lost { why: None }");
}

#[test]
fn what_is_unknown_is_kept_by_option() {
    use hashed::shapes::types::{Choice, Empty};
    let bytes = to_vec(Protocol::Compact, &everything()).unwrap();
    let empty: Empty = from_slice(Protocol::Compact, &bytes).unwrap();
    assert_eq!(to_vec(Protocol::Compact, &empty).unwrap(), bytes);
    let later = to_vec(Protocol::Binary, &Lost { why: Some("later".to_owned()) }).unwrap();
    let other = later.iter().enumerate().map(|(at, byte)| if at == 2 { 99 } else { *byte }).collect::<Vec<_>>();
    let choice: Choice = from_slice(Protocol::Binary, &other).unwrap();
    assert!(matches!(choice, Choice::Unknown(99, _)), "{choice:?}");
    assert_eq!(to_vec(Protocol::Binary, &choice).unwrap(), other);
}

#[test]
fn text_is_borrowed_by_option() {
    let bytes = to_vec(Protocol::Binary, &everything()).unwrap();
    let value: borrowed::shapes::types::Everything<'_> = read(&bytes).unwrap();
    assert!(bytes.as_ptr_range().contains(&value.name.as_ptr()));
    assert_eq!((value.name, value.data, value.tags.as_slice()), ("name", &b"data"[..], &["a", "b"][..]));
    assert_eq!(to_vec(Protocol::Binary, &value).unwrap().len(), bytes.len() + "none".len() + 7);
}
