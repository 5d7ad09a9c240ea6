//! IDL that is loaded at run time, and values of it: every kind of type, to every protocol and back, and what is wrong with them.
#![cfg(all(feature = "dynamic", feature = "tokio"))]
#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::collections::BTreeMap;
use std::thread;

use fastthrift::dynamic::{
    Client, Dialect, Error, Exception, Idl, IdlError, Invocation, JsonStyle, MemoryLoader, Requiredness, Served,
    StructKind, StructValue, Type, Value, ValueErrorKind, fields,
};
use fastthrift::{Channel, DecodeErrorKind, Framing, Limits, Protocol, Server};
use proptest::collection::vec;
use proptest::prelude::*;

const PROTOCOLS: [Protocol; 4] = [Protocol::Binary, Protocol::Compact, Protocol::Json, Protocol::SimpleJson];

const IDL: &str = r#"
    /** What a thing looks like. */
    enum Color { RED = 1, GREEN = 2 }
    typedef map<string, list<i16>> Table
    struct Point { 1: i32 x, 2: i32 y = 7 (unit = "mm") }
    union Shape { 1: Point point, 2: double radius }
    exception Refused { 1: string reason, 2: i32 code }
    struct Node { 1: i32 number, 2: optional Node next, 3: optional list<Node> others }
    struct Everything {
        1: bool flag, 2: i8 tiny, 3: i16 short, 4: i32 number, 5: i64 large, 6: double ratio, 7: string text,
        8: binary data, 9: uuid id, 10: Color color, 11: Point point, 12: Shape shape, 13: list<i32> numbers,
        14: set<string> names, 15: map<i32, Point> points, 16: Table table, 17: map<Color, set<i64>> colors,
        18: list<list<bool>> grid, 19: required string must, 20: optional string note = "none",
        21: list<Color> palette = [Color.RED, Color.GREEN], 22: Point corner = {"x": 3}
    }
    const Everything NOTHING = {"must": "here"}
    const i32 LIMIT = 12
    service Things {
        Everything mirror(1: Everything thing)
        i64 sum(1: list<i64> numbers, 2: i64 start = 100)
        void refuse(1: Shape shape) throws (1: Refused refused)
        string either(1: string text, 2: string fallback)
    }
"#;

fn idl() -> Idl {
    IDL.parse().unwrap()
}

fn everything() -> StructValue {
    fields! {
        flag: true,
        tiny: -5,
        short: 1000,
        number: -70_000,
        large: 1_i64 << 40,
        ratio: 0.25,
        text: "Grüße",
        data: b"\x00\xff",
        id: Value::Uuid([7; 16]),
        color: "GREEN",
        point: fields! { x: 1, y: 2 },
        shape: fields! { radius: 2 },
        numbers: (0..100).collect::<Vec<i32>>(),
        names: Value::set(["b", "a"]),
        points: Value::map([(4, fields! { x: 5 })]),
        table: BTreeMap::from([("row", vec![1_i16, 2])]),
        colors: Value::map([("RED", Value::set([1_i64, 2])), ("GREEN", Value::set([3_i64]))]),
        grid: [vec![true, false], vec![]],
        must: "here",
    }
}

#[test]
fn values_of_every_type_come_back_in_every_protocol() {
    let everything_type = idl().structure("Everything").unwrap();
    let value = everything_type.value(everything()).unwrap();
    for protocol in PROTOCOLS {
        let bytes = everything_type.to_vec(protocol, &value).unwrap();
        assert_eq!(everything_type.from_slice(protocol, &bytes, Limits::DEFAULT).unwrap(), value, "{protocol}");
        // What was made by hand is written the same, its defaults included.
        assert_eq!(everything_type.to_vec(protocol, &everything()).unwrap(), bytes, "{protocol}");
    }
    let json = everything_type.to_json(&value, JsonStyle::READABLE).unwrap();
    assert!(json.contains(r#""color":"GREEN""#) && json.contains(r#""palette":["RED","GREEN"]"#), "{json}");
    assert_eq!(everything_type.from_json(&json, Limits::DEFAULT).unwrap(), value);
    assert!(everything_type.from_json(&(json + "x"), Limits::DEFAULT).is_err());
}

#[test]
fn what_was_read_knows_its_types() {
    let value = Value::from(idl().structure("Everything").unwrap().value(everything()).unwrap());
    assert_eq!((value["flag"].as_bool(), value["ratio"].as_f64()), (Some(true), Some(0.25)));
    assert_eq!((value["color"].as_i64(), value["color"].as_str()), (Some(2), Some("GREEN")));
    assert_eq!(value["color"].as_enum().unwrap().ty().doc(), Some("What a thing looks like."));
    assert_eq!(value["points"].as_map().unwrap()[0].1.to_string(), "Point {x: 5, y: 7}");
    assert_eq!(value["shape"].as_struct().unwrap().iter().map(|(name, _)| name).collect::<Vec<_>>(), ["radius"]);
    assert_eq!(value["table"]["row"][1].as_i64(), Some(2));
    assert_eq!((value["data"].as_bytes(), value["id"].as_uuid()), (Some(&b"\x00\xff"[..]), Some([7; 16])));
    assert_eq!(value["names"], Value::set(["a", "b"]));
    assert_eq!((value["note"].as_str(), value["corner"].to_string()), (Some("none"), "Point {x: 3, y: 7}".to_owned()));
    assert_eq!(value["palette"].to_string(), "[RED, GREEN]");
    assert_eq!(value["id"].to_string(), "07070707-0707-0707-0707-070707070707");
}

#[test]
fn numbers_that_an_enum_does_not_name_are_kept() {
    let idl: Idl = "enum Color { RED = 1 } struct Car { 1: Color color }".parse().unwrap();
    let car = idl.structure("Car").unwrap();
    for protocol in PROTOCOLS {
        let bytes = car.to_vec(protocol, &fields! { color: 77 }).unwrap();
        let back = car.from_slice(protocol, &bytes, Limits::DEFAULT).unwrap();
        let color = back.get("color").unwrap().as_enum().unwrap();
        assert_eq!((color.number(), color.name(), color.to_string().as_str()), (77, None, "77"));
    }
    assert_eq!(idl.enumeration("Color").unwrap().value("RED").unwrap().number(), 1);
}

#[test]
fn an_error_names_the_way_to_the_value_and_what_is_wrong_with_it() {
    let everything_type = idl().structure("Everything").unwrap();
    let text = |name: &'static str, value: Value| {
        let mut changed = everything();
        changed.set(name, value).unwrap();
        everything_type.value(changed).unwrap_err().to_string()
    };
    assert_eq!(text("tiny", 128.into()), "tiny: 128 is outside the range of i8");
    assert_eq!(text("numbers", [1.into(), Value::from("x")].into()), "numbers[1]: expected i32, got text \"x\"");
    assert_eq!(text("point", fields! { z: 1 }.into()), "point: 'Point' has no field 'z'");
    assert_eq!(text("color", "GREN".into()), "color: 'Color' has no value 'GREN', did you mean 'GREEN'?");
    assert_eq!(text("shape", fields! {}.into()), "shape: union 'Shape' holds no member, expected one");
    let both = fields! { point: fields! {}, radius: 1 };
    assert_eq!(text("shape", both.into()), "shape: union 'Shape' holds 2 members, expected one");
    assert_eq!(text("must", Value::Null), "required field 'must' of 'Everything' is not set");
    assert_eq!(text("grid", [[Value::Null]].into()), "grid[0][0]: expected bool, got nothing");
    let other = everything_type.value(everything()).unwrap();
    assert_eq!(text("point", other.into()), "point: expected 'Point', got 'Everything'");
    let error = idl().structure("Shape").unwrap().value(()).unwrap_err();
    assert!(matches!(error.kind(), ValueErrorKind::UnionMembers { count: 0, .. }));
}

#[test]
fn fields_are_set_taken_and_left_out() {
    let point = idl().structure("Point").unwrap();
    let mut value = point.value(fields! { x: 1 }).unwrap();
    value.set("x", 2).unwrap();
    assert_eq!(value.set("z", 2).unwrap_err().to_string(), "'Point' has no field 'z'");
    assert_eq!(value.take("y"), Some(Value::Int(7)));
    // Left out, not given its default again.
    assert_eq!(point.to_json(&value, JsonStyle::READABLE).unwrap(), r#"{"x":2}"#);
    assert_eq!(point.to_json(&fields! { x: 1, y: Value::Null }, JsonStyle::READABLE).unwrap(), r#"{"x":1}"#);
    let doubled: StructValue = [("x", 1), ("y", 2), ("x", 3)].into();
    assert_eq!(doubled, fields! { y: 2, x: 3 });
    assert_eq!(doubled, point.value(fields! { x: 3, y: 2 }).unwrap());
    // Read by the same IDL that was loaded once more.
    let again = Idl::builder().parse(IDL).unwrap().structure("Point").unwrap();
    assert_eq!(again.to_json(&value, JsonStyle::READABLE).unwrap(), r#"{"x":2}"#);
}

#[test]
fn the_idl_tells_what_it_says() {
    let idl = idl();
    let things = idl.service("Things").unwrap();
    let names: Vec<_> = things.functions().map(|function| function.name().to_owned()).collect();
    assert_eq!(names, ["mirror", "sum", "refuse", "either"]);
    let refuse = things.function("refuse").unwrap();
    assert_eq!(refuse.to_string(), "void refuse(1: Shape shape) throws (1: Refused refused)");
    assert_eq!(refuse.exceptions().map(|(_, ty)| ty.name().to_owned()).collect::<Vec<_>>(), ["Refused"]);
    let sum = things.function("sum").unwrap();
    assert!(matches!(sum.returns(), Some(Type::I64)));
    let start = sum.arguments().field("start").unwrap();
    assert_eq!((start.id(), start.default_value()), (2, Some(Value::Int(100))));
    let everything = idl.structure("Everything").unwrap();
    assert_eq!(everything.field("table").unwrap().ty().to_string(), "map<string, list<i16>>");
    assert_eq!(everything.field("must").unwrap().requiredness(), Requiredness::Required);
    assert_eq!(idl.structure("Shape").unwrap().kind(), StructKind::Union);
    assert_eq!(idl.structure("Point").unwrap().field("y").unwrap().annotation("unit"), Some("mm"));
    assert_eq!(idl.constant("LIMIT").unwrap(), Value::Int(12));
    assert_eq!(idl.constant("NOTHING").unwrap()["corner"]["y"].as_i64(), Some(7));
    assert_eq!(idl.structure("Pont").unwrap_err().to_string(), "'text' has no struct 'Pont', did you mean 'Point'?");
    assert_eq!((idl.structs().count(), idl.enums().count(), idl.constants().count()), (5, 1, 2));
}

#[test]
fn files_include_others_from_wherever_they_come() {
    let files = [
        ("main.thrift", "include 'shared.thrift'\nservice Main extends shared.Base { shared.Point get() }"),
        ("lib/shared.thrift", "struct Point { 1: i32 x }\nservice Base { void ping() }"),
    ];
    let loader = MemoryLoader::from_iter(files).with_include_dir("lib");
    let idl = Idl::builder().load_from(&loader, &["main.thrift"]).unwrap();
    let main = idl.service("Main").unwrap();
    assert_eq!(main.functions().map(|it| it.name().to_owned()).collect::<Vec<_>>(), ["get", "ping"]);
    assert_eq!(main.extends().unwrap().name(), "Base");
    assert!(idl.structure("Point").is_err());
    assert_eq!(idl.structure("shared.Point").unwrap().name(), "Point");

    let folder = std::env::temp_dir().join(format!("fastthrift-dynamic-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("lib")).unwrap();
    for (name, text) in files {
        std::fs::write(folder.join(name), text).unwrap();
    }
    let path = folder.join("main.thrift");
    let missing = Idl::load(&path).unwrap_err();
    let found = Idl::builder().include_dir(folder.join("lib")).load(&path);
    let none = Idl::load(folder.join("none.thrift")).unwrap_err();
    std::fs::remove_dir_all(&folder).unwrap();
    assert!(missing.to_string().contains("cannot find the included file `shared.thrift`"), "{missing}");
    assert!(found.unwrap().service("Main").is_ok());
    assert!(matches!(none, IdlError::RootNotFound { .. }));
}

#[test]
fn what_is_wrong_with_idl_is_told_all_at_once() {
    let Err(IdlError::Invalid(report)) = Idl::builder().parse("struct A { 1: B b }\nstruct A { 1: i32 x, 1: i32 y }")
    else {
        panic!("it is wrong")
    };
    assert_eq!(report.errors().count(), 3, "{}", report.render());
    let places: Vec<_> = report.errors().map(|error| error.place(&report.sources).1.line).collect();
    assert_eq!(places, [1, 2, 2]);
    let loose = "struct A { i32 a }";
    assert_eq!(Idl::builder().parse(loose).unwrap().warnings().len(), 1);
    assert!(Idl::builder().dialect(Dialect::Apache).parse("namespace py a;\nstruct A {}").is_err());
}

#[tokio::test]
async fn everything_is_called_by_name_in_every_protocol() {
    async fn handle(invocation: Invocation) -> Result<Value, Error> {
        match invocation.name() {
            "mirror" => Ok(invocation.argument("thing").clone()),
            "sum" => {
                let numbers = invocation.argument("numbers").as_list().unwrap().iter();
                let sum: i64 = numbers.map(|number| number.as_i64().unwrap()).sum();
                Ok((sum + invocation.argument("start").as_i64().unwrap()).into())
            }
            "either" => Ok(invocation.arguments().get("text").unwrap_or(invocation.argument("fallback")).clone()),
            _ => Err(Exception::new("refused", fields! { reason: "no", code: 3 }).into()),
        }
    }
    let things = idl().service("Things").unwrap();
    let server = Server::builder(Served::new(things.clone(), handle)).bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, server) = (server.url(), tokio::spawn(server.serve()));
    for protocol in PROTOCOLS {
        let framing = if protocol == Protocol::Compact { Framing::Header } else { Framing::Framed };
        let channel = Channel::builder(&url).protocol(protocol).framing(framing).connect().await.unwrap();
        let client = Client::new(channel, things.clone());
        let expected = idl().structure("Everything").unwrap().value(everything()).unwrap();
        let mirrored = client.call("mirror", fields! { thing: everything() }).await.unwrap();
        assert_eq!(mirrored, expected.into(), "{protocol}");
        assert_eq!(client.call("sum", fields! { numbers: [1, 2] }).await.unwrap(), Value::Int(103));
        assert_eq!(client.call("either", fields! { text: Value::Null, fallback: "b" }).await.unwrap(), "b".into());
        assert_eq!(client.call("either", fields! { text: "a", fallback: Value::Null }).await.unwrap(), "a".into());
        let error = client.call("refuse", fields! { shape: fields! { radius: 1.5 } }).await.unwrap_err();
        assert_eq!(error.exception().unwrap(), &Exception::new("Refused", fields! { reason: "no", code: 3 }));
        let function = things.function("sum").unwrap();
        let arguments = function.arguments_from_json(r#"{"numbers": [4, "5"]}"#, Limits::DEFAULT).unwrap();
        let sum = client.call_function(function, &arguments).await.unwrap();
        assert_eq!(function.result_to_json(&sum, JsonStyle::READABLE).unwrap(), "109");
    }
    server.abort();
}

/// A chain of so many nodes.
fn chain(len: i32) -> Value {
    (1..len).fold(fields! { number: 0 }.into(), |next, number| fields! { number: number, next: next }.into())
}

#[test]
fn values_nest_as_deep_as_limits_allow_and_no_deeper() {
    let checked = thread::spawn(|| {
        let node = idl().structure("Node").unwrap();
        let limits = Limits { depth: Limits::MAX_DEPTH, ..Limits::DEFAULT };
        let deepest = i32::try_from(Limits::MAX_DEPTH).unwrap();
        for protocol in PROTOCOLS {
            let value = chain(deepest);
            let bytes = node.to_vec(protocol, value.as_struct().unwrap()).unwrap();
            let back = node.from_slice(protocol, &bytes, limits).unwrap();
            assert_eq!(Value::from(back).to_string().matches("Node").count(), 512);
            let error = node.from_slice(protocol, &bytes, Limits::DEFAULT).unwrap_err();
            assert!(matches!(error.kind(), DecodeErrorKind::DepthLimit(_)), "{error}");
            let error = node.to_vec(protocol, chain(deepest + 1).as_struct().unwrap()).unwrap_err();
            assert!(matches!(error.kind(), ValueErrorKind::DepthLimit(_)), "{error}");
        }
    });
    checked.join().unwrap();
}

#[test]
fn the_memory_of_a_message_is_bounded_also_where_each_byte_stands_for_much() {
    let idl: Idl = "struct Wide { 1: list<i64> all = [1, 2, 3, 4, 5, 6, 7, 8] } struct Many { 1: list<Wide> wide }"
        .parse()
        .unwrap();
    let many = idl.structure("Many").unwrap();
    let empty: Vec<Value> = vec![fields! { all: Value::Null }.into(); 10_000];
    let limits = Limits { memory: 1 << 20, ..Limits::DEFAULT };
    for protocol in PROTOCOLS {
        let bytes = many.to_vec(protocol, &fields! { wide: empty.clone() }).unwrap();
        let error = many.from_slice(protocol, &bytes, limits).unwrap_err();
        assert!(matches!(error.kind(), DecodeErrorKind::SizeLimit { .. }), "{error}");
        assert!(many.from_slice(protocol, &bytes, Limits::DEFAULT).is_ok());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..200), cut in any::<prop::sample::Index>()) {
        let everything_type = idl().structure("Everything").unwrap();
        for protocol in PROTOCOLS {
            let mut spoilt = everything_type.to_vec(protocol, &everything()).unwrap();
            let at = cut.index(spoilt.len());
            spoilt.splice(at..(at + bytes.len() % 5).min(spoilt.len()), bytes.iter().copied());
            for bytes in [&bytes, &spoilt] {
                if let Ok(value) = everything_type.from_slice(protocol, bytes, Limits::DEFAULT)
                    && let Ok(again) = everything_type.to_vec(protocol, &value)
                {
                    prop_assert_eq!(everything_type.from_slice(protocol, &again, Limits::DEFAULT).unwrap(), value);
                }
            }
        }
    }
}
