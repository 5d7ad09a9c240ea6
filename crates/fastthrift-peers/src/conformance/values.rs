//! The values that go there and back.

use std::collections::{BTreeMap, BTreeSet};

use crate::idl::conformance::{Choice, Colour, Everything, Inner, LaterInner, Tree};

pub(super) fn inner(text: &str, number: i32) -> Inner {
    Inner { text: text.to_owned(), number }
}

pub(super) fn everything() -> Everything {
    Everything {
        yes: true,
        no: false,
        tiny: i8::MIN,
        small: i16::MIN,
        medium: i32::MAX,
        large: i64::MIN,
        real: 0.1,
        text: "text \u{1f409}".to_owned(),
        raw: all_bytes(),
        colour: Colour::GREEN,
        inner: inner("größe", -1),
        choice: Some(Choice::Number(5)),
        numbers: vec![1, -1, i32::MAX],
        inners: vec![inner("größe", -1), inner("", 0)],
        marks: BTreeSet::from([1, -1, i32::MAX]),
        names: ["a", "größe", ""].map(str::to_owned).into(),
        counts: map([("a", 1), ("", i64::MIN)]),
        places: BTreeMap::from([(-1, inner("größe", -1)), (i32::MAX, inner("x", 9))]),
        lists: map([("one", vec![1]), ("some", vec![1, 2, 3])]),
        rows: vec![texts(&["a", "b"]), Vec::new(), texts(&["c"])],
        far: true,
        here: Some(-7),
        absent: None,
    }
}

pub(super) fn with_empty_containers() -> Everything {
    Everything {
        numbers: Vec::new(),
        inners: Vec::new(),
        marks: BTreeSet::new(),
        names: BTreeSet::new(),
        counts: BTreeMap::new(),
        places: BTreeMap::new(),
        lists: BTreeMap::new(),
        rows: vec![Vec::new()],
        ..everything()
    }
}

pub(super) fn later_inner() -> LaterInner {
    let place = inner("inner", 3);
    LaterInner {
        text: "known".to_owned(),
        number: -9,
        flag: true,
        places: map([("place", vec![place.clone(), place.clone()]), ("none", Vec::new())]),
        reals: vec![0.5, -1e300].into(),
        raw: all_bytes(),
        choice: Some(Choice::Inner(place)),
        flags: vec![true, false, true],
        tiny: i8::MIN,
        large: i64::MIN,
    }
}

/// A tree that is 25 deep.
pub(super) fn tree() -> Tree {
    let leaf = |value| Tree { value, children: Vec::new() };
    (1..25).fold(leaf(0), |tree, value| Tree { value, children: vec![tree, leaf(-value)] })
}

pub(super) fn all_bytes() -> Vec<u8> {
    (0..=255).collect()
}

pub(super) fn map<const N: usize, V>(entries: [(&str, V); N]) -> BTreeMap<String, V> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}
