//! Calls a server with Apache's Rust crate, and checks every reply.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt::Debug;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::{Duration, Instant, SystemTime};

use conformance_rust::conformance::{
    Choice, Colour, ConformanceSyncClient, Everything, Inner, LaterInner, LaterSyncClient, Refused,
    TConformanceSyncClient, TLaterSyncClient, TooLate, Tree,
};
use conformance_rust::{Arguments, MULTIPLEXED_NAME, Outcome};
use thrift::protocol::{TInputProtocol, TOutputProtocol};
use thrift::{ApplicationErrorKind, OrderedFloat};

type Client = ConformanceSyncClient<Box<dyn TInputProtocol>, Box<dyn TOutputProtocol>>;
type Check = fn(&Arguments) -> Outcome;

/// The checks are those of `common/checks.py`.
const CHECKS: &[(&str, Check)] = &[
    ("void", check_void),
    ("numbers", check_numbers),
    ("doubles", check_doubles),
    ("special-doubles", check_special_doubles),
    ("negative-zero", check_negative_zero),
    ("strings", check_strings),
    ("control-characters", check_control_characters),
    ("nul", check_nul),
    ("binary", check_binary),
    ("enum", check_enum),
    ("containers", check_containers),
    ("flags", check_flags),
    ("lists", check_lists),
    ("struct", check_struct),
    ("union", check_union),
    ("recursion", check_recursion),
    ("defaults", check_defaults),
    ("arguments", check_arguments),
    ("exceptions", check_exceptions),
    ("crash", check_crash),
    ("unknown-function", check_unknown_function),
    ("later-version", check_later_version),
    ("oneway", check_oneway),
    ("many", check_many),
    ("multiplexed", check_multiplexed),
];

fn connect(asked: &Arguments) -> Outcome<Client> {
    let (input, output) = asked.connect(None)?;
    Ok(ConformanceSyncClient::new(input, output))
}

fn connect_later(asked: &Arguments) -> Outcome<LaterSyncClient<Box<dyn TInputProtocol>, Box<dyn TOutputProtocol>>> {
    let (input, output) = asked.connect(None)?;
    Ok(LaterSyncClient::new(input, output))
}

fn equal<T: PartialEq + Debug>(came: &T, expected: &T) -> Outcome {
    if came == expected { Ok(()) } else { Err(format!("came {came:.200?}, expected {expected:.200?}").into()) }
}

/// Sends each of some values there and back.
fn echoes<T: Clone + PartialEq + Debug>(
    mut echo: impl FnMut(T) -> thrift::Result<T>,
    values: impl IntoIterator<Item = T>,
) -> Outcome {
    for value in values {
        equal(&echo(value.clone())?, &value)?;
    }
    Ok(())
}

/// The exception of the IDL that a call ended in.
fn raised<E: Error + Clone + 'static, T: Debug>(outcome: thrift::Result<T>) -> Outcome<E> {
    match outcome {
        Err(thrift::Error::User(error)) if error.is::<E>() => Ok(error.downcast_ref::<E>().expect("it is one").clone()),
        other => Err(format!("came {other:.200?}").into()),
    }
}

/// The kind of the application exception that a call ended in.
fn failed<T: Debug>(outcome: thrift::Result<T>) -> Outcome<ApplicationErrorKind> {
    match outcome {
        Err(thrift::Error::Application(error)) => Ok(error.kind),
        other => Err(format!("came {other:.200?}").into()),
    }
}

fn check_void(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    for _ in 0..3 {
        client.nothing()?;
    }
    Ok(())
}

fn check_numbers(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_bool(value), [true, false])?;
    echoes(|value| client.echo_i8(value), [0, 1, -1, i8::MAX, i8::MIN])?;
    echoes(|value| client.echo_i16(value), [0, 1, -1, i16::MAX, i16::MIN])?;
    echoes(|value| client.echo_i32(value), [0, 1, -1, i32::MAX, i32::MIN])?;
    echoes(|value| client.echo_i64(value), [0, 1, -1, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, i64::MIN])
}

fn echo_bits(client: &mut Client, value: f64) -> Outcome {
    equal(&client.echo_double(OrderedFloat(value))?.to_bits(), &value.to_bits())
}

fn check_doubles(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let values = [0.0, 1.0, -2.5, 0.1, 1.0 / 3.0, 1e300, -1e-300, 5e-324, f64::MAX];
    values.into_iter().try_for_each(|value| echo_bits(&mut client, value))
}

fn check_special_doubles(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echo_bits(&mut client, f64::INFINITY)?;
    echo_bits(&mut client, f64::NEG_INFINITY)?;
    equal(&client.echo_double(OrderedFloat(f64::NAN))?.is_nan(), &true)
}

fn check_negative_zero(asked: &Arguments) -> Outcome {
    echo_bits(&mut connect(asked)?, -0.0)
}

fn check_strings(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let values = ["", "plain", "größe \u{20ac} \u{1f409}", "quote \" slash / back \\ \u{8}\u{c}\n\r\t"];
    echoes(|value| client.echo_string(value), values.map(str::to_owned))?;
    echoes(|value| client.echo_string(value), ["é".repeat(50_000)])
}

fn check_control_characters(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_string(value), ["\u{1}\u{1f}\u{7f}", "\u{2028}\u{feff}"].map(str::to_owned))
}

fn check_nul(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_string(value), ["a\0b".to_owned()])
}

fn all_bytes() -> Vec<u8> {
    (0..=255).collect()
}

fn check_binary(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let long = all_bytes()[..250].repeat(800);
    echoes(|value| client.echo_binary(value), [vec![], vec![0], vec![0xff, 0xfe], b"abc".to_vec(), all_bytes(), long])
}

fn check_enum(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_colour(value), [Colour::RED, Colour::BLUE])
}

fn map<const N: usize, V>(entries: [(&str, V); N]) -> BTreeMap<String, V> {
    entries.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn check_containers(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let lists = [vec![], vec![1], vec![-1; 14], vec![7; 15], (-1000..1000).collect()];
    echoes(|value| client.echo_list(value), lists)?;
    let name = |number: i32| format!("name {number}");
    let sets = [BTreeSet::new(), BTreeSet::from([String::new()]), (0..100).map(name).collect()];
    echoes(|value| client.echo_set(value), sets)?;
    let long = (0..100).map(|number| (name(number), -i64::from(number))).collect();
    echoes(|value| client.echo_map(value), [BTreeMap::new(), map([("", 0)]), long])
}

fn check_flags(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_flags(value), [vec![], vec![true], vec![true, false, true], vec![false; 20]])
}

fn check_lists(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let (some, none) = (map([("some", vec![1, 2, 3])]), map([("none", vec![])]));
    let all = map([("none", vec![]), ("some", vec![1]), ("more", vec![2, 3])]);
    echoes(|value| client.echo_lists(value), [some, none, all])
}

fn inner(text: &str, number: i32) -> Inner {
    Inner::new(text.to_owned(), number)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn everything() -> Everything {
    Everything {
        yes: Some(true),
        no: Some(false),
        tiny: Some(i8::MIN),
        small: Some(i16::MIN),
        medium: Some(i32::MAX),
        large: Some(i64::MIN),
        real: Some(OrderedFloat(0.1)),
        text: Some("text \u{1f409}".to_owned()),
        raw: Some(all_bytes()),
        colour: Some(Colour::GREEN),
        inner: Some(inner("größe", -1)),
        choice: Some(Choice::Number(5)),
        numbers: Some(vec![1, -1, i32::MAX]),
        inners: Some(vec![inner("größe", -1), inner("", 0)]),
        marks: Some(BTreeSet::from([1, -1, i32::MAX])),
        names: Some(["a", "größe", ""].map(str::to_owned).into()),
        counts: Some(map([("a", 1), ("", i64::MIN)])),
        places: Some(BTreeMap::from([(-1, inner("größe", -1)), (i32::MAX, inner("x", 9))])),
        lists: Some(map([("one", vec![1]), ("some", vec![1, 2, 3])])),
        rows: Some(vec![texts(&["a", "b"]), vec![], texts(&["c"])]),
        far: Some(true),
        here: Some(-7),
        absent: None,
    }
}

fn with_empty_containers() -> Everything {
    Everything {
        numbers: Some(vec![]),
        inners: Some(vec![]),
        marks: Some(BTreeSet::new()),
        names: Some(BTreeSet::new()),
        counts: Some(BTreeMap::new()),
        places: Some(BTreeMap::new()),
        lists: Some(BTreeMap::new()),
        rows: Some(vec![vec![]]),
        ..everything()
    }
}

fn check_struct(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_everything(value), [everything(), with_empty_containers()])
}

fn check_union(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let choices = [
        Choice::Text("chosen".to_owned()),
        Choice::Number(-(1 << 40)),
        Choice::Inner(inner("in", 1)),
        Choice::Numbers(vec![1, 2]),
    ];
    echoes(|value| client.echo_choice(value), choices)
}

fn check_recursion(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let leaf = |value: i32| Tree::new(value, vec![]);
    let tree = (1..25).fold(leaf(0), |tree, value| Tree::new(value, vec![Box::new(tree), Box::new(leaf(-value))]));
    echoes(|value| client.echo_tree(value), [tree])
}

fn check_defaults(asked: &Arguments) -> Outcome {
    let came = connect(asked)?.defaults()?;
    equal(&(came.number, came.text.as_deref(), came.flag), &(Some(42), Some("preset"), Some(true)))?;
    equal(&(came.numbers, came.nothing), &(Some(vec![1, 2, 3]), None))
}

fn check_arguments(asked: &Arguments) -> Outcome {
    equal(&connect(asked)?.several(2, 3, 4)?, &-10)
}

fn check_exceptions(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    equal(&client.check(7)?, &7)?;
    equal(&raised::<Refused, _>(client.check(-5))?, &Refused::new("below zero".to_owned(), -5))?;
    equal(&raised::<TooLate, _>(client.check(101))?, &TooLate::new(101))?;
    equal(&raised::<Refused, _>(client.check_nothing(-1))?.code, &Some(-1))?;
    Ok(client.check_nothing(0)?)
}

fn check_crash(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    failed(client.crash())?;
    equal(&client.echo_i32(1)?, &1)
}

fn check_unknown_function(asked: &Arguments) -> Outcome {
    let mut client = connect_later(asked)?;
    for _ in 0..2 {
        equal(&failed(client.not_yet())?, &ApplicationErrorKind::UnknownMethod)?;
    }
    Ok(())
}

fn check_later_version(asked: &Arguments) -> Outcome {
    let place = inner("inner", 3);
    let later = LaterInner {
        text: Some("known".to_owned()),
        number: Some(-9),
        flag: Some(true),
        places: Some(map([("place", vec![place.clone(), place.clone()]), ("none", vec![])])),
        reals: Some(BTreeSet::from([OrderedFloat(0.5), OrderedFloat(-1e300)])),
        raw: Some(all_bytes()),
        choice: Some(Choice::Inner(place)),
        flags: Some(vec![true, false, true]),
        tiny: Some(i8::MIN),
        large: Some(i64::MIN),
    };
    let more = BTreeMap::from([(1, later.clone()), (2, later.clone())]);
    let came = connect_later(asked)?.echo_inner(later, more)?;
    equal(&(came.text.as_deref(), came.number), &(Some("known"), Some(-9)))?;
    // What did not come is zero.
    equal(&(came.flag, came.places, came.large), &(Some(false), Some(BTreeMap::new()), Some(0)))
}

fn check_oneway(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    let text = format!("note {} at {:?}", std::process::id(), SystemTime::now());
    client.note(text.clone())?;
    equal(&client.echo_i32(5)?, &5)?;
    let until = Instant::now() + Duration::from_secs(5);
    while !client.was_noted(text.clone())? {
        if Instant::now() > until {
            return Err("the server never got the note".into());
        }
        sleep(Duration::from_millis(10));
    }
    Ok(())
}

fn check_many(asked: &Arguments) -> Outcome {
    let mut client = connect(asked)?;
    echoes(|value| client.echo_i32(value), 0..200)
}

fn check_multiplexed(asked: &Arguments) -> Outcome {
    let (input, output) = asked.connect(Some(MULTIPLEXED_NAME))?;
    let mut client = ConformanceSyncClient::new(input, output);
    equal(&client.echo_i32(-3)?, &-3)?;
    equal(&raised::<Refused, _>(client.check(-5))?.code, &Some(-5))
}

fn main() -> Outcome<ExitCode> {
    let asked = Arguments::parse()?;
    let only = asked.find("only");
    let mut code = ExitCode::SUCCESS;
    for (name, check) in CHECKS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        match check(&asked) {
            Ok(()) => println!("ok {name}"),
            Err(error) => {
                code = ExitCode::FAILURE;
                println!("FAIL {name}: {:.300}", error.to_string().escape_debug().to_string());
            }
        }
    }
    Ok(code)
}
