//! The checks of `peers/common/checks.py`, under the same names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::pin::Pin;
use std::time::{Duration, Instant};

use fastthrift::ApplicationExceptionKind;

use super::MULTIPLEXED_NAME;
use super::client::Setting;
use super::engines::{Client, Later};
use super::values::{all_bytes, everything, inner, later_inner, map, tree, with_empty_containers};
use crate::Outcome;
use crate::idl::conformance::{CheckError, CheckNothingError, Choice, Colour, Inner, LaterInner};

/// Makes a check, each over a connection of its own.
type Check = fn(&Setting) -> Pin<Box<dyn Future<Output = Outcome> + '_>>;

macro_rules! checks {
    ($($name:literal $check:ident,)*) => {
        pub(super) const CHECKS: &[(&str, Check)] = &[$(($name, |setting| Box::pin($check(setting))),)*];
    };
}

checks! {
    "void" void,
    "numbers" numbers,
    "doubles" doubles,
    "special-doubles" special_doubles,
    "negative-zero" negative_zero,
    "strings" strings,
    "control-characters" control_characters,
    "nul" nul,
    "binary" binary,
    "enum" enums,
    "containers" containers,
    "flags" flags,
    "lists" lists,
    "struct" structs,
    "union" unions,
    "recursion" recursion,
    "defaults" defaults,
    "arguments" arguments,
    "exceptions" exceptions,
    "crash" crash,
    "unknown-function" unknown_function,
    "later-version" later_version,
    "oneway" oneway,
    "many" many,
    "multiplexed" multiplexed,
}

fn equal<T: PartialEq + Debug>(came: &T, expected: &T) -> Outcome {
    if came == expected { Ok(()) } else { Err(format!("came {came:.200?}, expected {expected:.200?}").into()) }
}

/// Sends each of some values there and back.
macro_rules! echoes {
    ($client:ident.$echo:ident: $($value:expr),* $(,)?) => {
        $({
            let value = $value;
            equal(&$client.$echo(value).await?, &value.into())?;
        })*
    };
}

/// The same for values that are borrowed.
macro_rules! echoes_ref {
    ($client:ident.$echo:ident: $values:expr) => {
        for value in $values {
            equal(&$client.$echo(&value).await?, &value)?;
        }
    };
}

async fn connect(setting: &Setting) -> Outcome<Client> {
    Ok(Client::new(setting.connect().await?))
}

async fn void(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    for _ in 0..3 {
        client.nothing().await?;
    }
    Ok(())
}

async fn numbers(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes!(client.echo_bool: true, false);
    echoes!(client.echo_i8: 0, 1, -1, i8::MAX, i8::MIN);
    echoes!(client.echo_i16: 0, 1, -1, i16::MAX, i16::MIN);
    echoes!(client.echo_i32: 0, 1, -1, i32::MAX, i32::MIN);
    echoes!(client.echo_i64: 0, 1, -1, (1 << 53) + 1, -(1 << 53) - 1, i64::MAX, i64::MIN);
    Ok(())
}

async fn doubles(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    for value in [0.0, 1.0, -2.5, 0.1, 1.0 / 3.0, 1e300, -1e-300, 5e-324, f64::MAX] {
        equal(&client.echo_double(value).await?.to_bits(), &value.to_bits())?;
    }
    Ok(())
}

async fn special_doubles(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    for value in [f64::INFINITY, f64::NEG_INFINITY] {
        equal(&client.echo_double(value).await?.to_bits(), &value.to_bits())?;
    }
    equal(&client.echo_double(f64::NAN).await?.is_nan(), &true)
}

async fn negative_zero(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    equal(&client.echo_double(-0.0).await?.to_bits(), &(-0.0_f64).to_bits())
}

async fn strings(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    let long = "é".repeat(50_000);
    let quoted = "quote \" slash / back \\ \u{8}\u{c}\n\r\t";
    echoes!(client.echo_string: "", "plain", "größe \u{20ac} \u{1f409}", quoted, long.as_str());
    Ok(())
}

async fn control_characters(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes!(client.echo_string: "\u{1}\u{1f}\u{7f}", "\u{2028}\u{feff}");
    Ok(())
}

async fn nul(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes!(client.echo_string: "a\0b");
    Ok(())
}

async fn binary(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    let long = all_bytes()[..250].repeat(800);
    echoes_ref!(client.echo_binary: [vec![], vec![0], vec![0xff, 0xfe], b"abc".to_vec(), all_bytes(), long]);
    Ok(())
}

async fn enums(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes!(client.echo_colour: Colour::RED, Colour::BLUE);
    Ok(())
}

async fn containers(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes_ref!(client.echo_list: [vec![], vec![1], vec![-1; 14], vec![7; 15], (-1000..1000).collect()]);
    let name = |number: i32| format!("name {number}");
    let sets = [BTreeSet::new(), BTreeSet::from([String::new()]), (0..100).map(name).collect()];
    echoes_ref!(client.echo_set: sets);
    let long = (0..100).map(|number| (name(number), -i64::from(number))).collect();
    echoes_ref!(client.echo_map: [BTreeMap::new(), map([("", 0)]), long]);
    Ok(())
}

async fn flags(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes_ref!(client.echo_flags: [vec![], vec![true], vec![true, false, true], vec![false; 20]]);
    Ok(())
}

async fn lists(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    let (some, none) = (map([("some", vec![1, 2, 3])]), map([("none", vec![])]));
    let all = map([("none", vec![]), ("some", vec![1]), ("more", vec![2, 3])]);
    echoes_ref!(client.echo_lists: [some, none, all]);
    Ok(())
}

async fn structs(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes_ref!(client.echo_everything: [everything(), with_empty_containers()]);
    Ok(())
}

async fn unions(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    let choices = [
        Choice::Text("chosen".to_owned()),
        Choice::Number(-(1 << 40)),
        Choice::Inner(inner("in", 1)),
        Choice::Numbers(vec![1, 2]),
    ];
    echoes_ref!(client.echo_choice: choices);
    Ok(())
}

async fn recursion(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    echoes_ref!(client.echo_tree: [tree()]);
    Ok(())
}

async fn defaults(setting: &Setting) -> Outcome {
    let came = connect(setting).await?.defaults().await?;
    equal(&(came.number, came.text.as_str(), came.flag), &(42, "preset", true))?;
    equal(&(came.numbers, came.nothing), &(vec![1, 2, 3], None))
}

async fn arguments(setting: &Setting) -> Outcome {
    equal(&connect(setting).await?.several(2, 3, 4).await?, &-10)
}

async fn exceptions(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    equal(&client.check(7).await?, &7)?;
    match client.check(-5).await {
        Err(CheckError::Refused(refused)) => equal(&(refused.reason.as_str(), refused.code), &("below zero", -5))?,
        other => return unexpected(&other),
    }
    match client.check(101).await {
        Err(CheckError::TooLate(late)) => equal(&late.since, &101)?,
        other => return unexpected(&other),
    }
    match client.check_nothing(-1).await {
        Err(CheckNothingError::Refused(refused)) => equal(&refused.code, &-1)?,
        other => return unexpected(&other),
    }
    Ok(client.check_nothing(0).await?)
}

async fn crash(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    match client.crash().await {
        Err(error) if error.application_exception().is_some() => equal(&client.echo_i32(1).await?, &1),
        other => unexpected(&other),
    }
}

async fn unknown_function(setting: &Setting) -> Outcome {
    let client = Later::new(setting.connect().await?);
    for _ in 0..2 {
        match client.not_yet().await {
            Err(error) => {
                let kind = error.application_exception().map(|exception| exception.kind);
                equal(&kind, &Some(ApplicationExceptionKind::UNKNOWN_METHOD))?;
            }
            other => return unexpected(&other),
        }
    }
    Ok(())
}

async fn later_version(setting: &Setting) -> Outcome {
    let client = Later::new(setting.connect().await?);
    let later = later_inner();
    let more = BTreeMap::from([(1, later.clone()), (2, later.clone())]);
    let Inner { text, number } = inner("known", -9);
    equal(&client.echo_inner(&later, &more).await?, &LaterInner { text, number, ..LaterInner::default() })
}

async fn oneway(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    let text = format!("note {} at {:?}", std::process::id(), std::time::SystemTime::now());
    client.note(&text).await?;
    equal(&client.echo_i32(5).await?, &5)?;
    let until = Instant::now() + Duration::from_secs(5);
    while !client.was_noted(&text).await? {
        if Instant::now() > until {
            return Err("the server never got the note".into());
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

async fn many(setting: &Setting) -> Outcome {
    let client = connect(setting).await?;
    for number in 0..200 {
        equal(&client.echo_i32(number).await?, &number)?;
    }
    Ok(())
}

async fn multiplexed(setting: &Setting) -> Outcome {
    let client = Client::new(setting.connect().await?.with_service(MULTIPLEXED_NAME));
    equal(&client.echo_i32(-3).await?, &-3)?;
    match client.check(-5).await {
        Err(CheckError::Refused(refused)) => equal(&refused.code, &-5),
        other => unexpected(&other),
    }
}

fn unexpected<T: Debug>(came: &T) -> Outcome {
    Err(format!("came {came:.200?}").into())
}
