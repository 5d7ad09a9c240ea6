//! JSON with field names: what it looks like, what else is read, and what is refused.

use std::time::{Duration, Instant};

use fastthrift_dynamic::simple_json::JsonStyle;
use fastthrift_dynamic::{EncodeErrorKind, Plans, StructValue, Value, decode_json_value, encode_json_value};
use fastthrift_idl::{MemoryLoader, Options};
use fastthrift_protocol::{DecodeError, DecodeErrorKind, Limits};
use fastthrift_schema::{Definition, StructId};
use fastthrift_testing::simple_json::{check_json_decoder, check_json_value};
use proptest::collection::vec;
use proptest::prelude::*;

const IDL: &str = "
enum Color { RED = 1, GREEN = 2, ROUGE = 1 }
struct Point { 1: required i32 x; 2: optional i32 y }
union Shape { 1: Point point; 2: string name }
struct All {
    1: bool flag; 2: i8 tiny; 3: i16 small; 4: i32 medium; 5: i64 large; 6: double real; 7: string text; 8: binary blob;
    9: uuid id; 10: Color color; 11: list<i32> numbers; 12: set<string> names; 13: map<string, i32> ages;
    14: map<Point, Color> points; 15: map<bool, double> flags; 16: map<Color, binary> colors; 17: Shape shape;
    18: map<double, list<bool>> reals; 19: All inner; 20: list<list<i32>> rows; 21: map<i64, i64> longs;
    22: map<binary, uuid> blobs; 23: map<list<i32>, i32> lists;
}";

struct Fixture {
    plans: Plans,
}

impl Fixture {
    fn new() -> Self {
        let loader = MemoryLoader::new().with_file("all.thrift", IDL);
        let outcome = fastthrift_idl::compile(&loader, "all.thrift", &Options::default());
        Self { plans: Plans::new(outcome.expect("valid IDL").schema) }
    }

    fn id(&self, name: &str) -> StructId {
        let definitions = &self.plans.schema().root().definitions;
        match definitions.iter().find(|(defined, _)| **defined == *name) {
            Some((_, Definition::Struct(id))) => *id,
            _ => panic!("{name} is no struct"),
        }
    }

    fn read(&self, name: &str, json: &str) -> Result<Value, DecodeError> {
        decode_json_value(&self.plans, self.id(name), json.as_bytes(), Limits::DEFAULT)
    }

    fn write(&self, value: &Value, style: JsonStyle) -> String {
        let Value::Struct(structure) = value else { panic!("no struct") };
        let mut out = Vec::new();
        encode_json_value(&self.plans, structure.id, value, style, &mut out).expect("a value of the schema");
        String::from_utf8(out).expect("UTF-8")
    }

    /// What is read of this JSON, written again as the protocol has it.
    fn again(&self, json: &str) -> String {
        self.write(&self.read("All", json).unwrap_or_else(|error| panic!("{json}: {error}")), JsonStyle::SIMPLE_JSON)
    }

    fn failure(&self, json: &str) -> String {
        self.read("All", json).expect_err(json).to_string()
    }
}

const GOLDEN: &str = concat!(
    r#"{"flag":1,"tiny":-128,"small":32767,"medium":-5,"large":9223372036854775807,"real":1e-05,"#,
    r#""text":"a\"b\\c\n\u0001 é😀/","blob":"AP8=","id":"00112233-4455-6677-8899-aabbccddeeff","color":2,"#,
    r#""numbers":[1,2],"names":["x"],"ages":{"ann":30},"points":[[{"x":1},2]],"flags":{"1":0.5,"0":2.0},"#,
    r#""colors":{"1":"","7":"AA=="},"shape":{"name":"n"},"reals":{"1.5":[1,0],"nan":[],"-inf":[]},"#,
    r#""inner":{"real":"NaN"},"rows":[[],[1]],"longs":{"-1":1},"blobs":{"/w==":"00000000-0000-0000-0000-000000000000"},"#,
    r#""lists":{}}"#
);

#[test]
fn every_type_is_written_as_it_was_read() {
    assert_eq!(Fixture::new().again(GOLDEN), GOLDEN);
}

#[test]
fn names_words_and_lines_make_it_readable() {
    let fixture = Fixture::new();
    let json =
        r#"{"flag":1,"color":1,"numbers":[1,2],"names":[],"points":[[{"x":1},9]],"flags":{"0":1.0},"colors":{"2":""}}"#;
    let value = fixture.read("All", json).unwrap();
    let readable = r#"{"flag":true,"color":"RED","numbers":[1,2],"names":[],"points":[[{"x":1},9]],"flags":{"false":1.0},"colors":{"GREEN":""}}"#;
    assert_eq!(fixture.write(&value, JsonStyle::READABLE), readable);
    let lines = "{\n  \"numbers\": [\n    1\n  ],\n  \"names\": [],\n  \"points\": [\n    [\n      {\n        \"x\": 1\n      },\n      \"RED\"\n    ]\n  ]\n}";
    let value = fixture.read("All", lines).unwrap();
    assert_eq!(fixture.write(&value, JsonStyle { indent: Some(2), ..JsonStyle::READABLE }), lines);
}

#[test]
fn other_spellings_are_read() {
    let fixture = Fixture::new();
    for (json, written) in [
        (" { \"medium\" : \"7\" , \"flag\" : true } ", r#"{"flag":1,"medium":7}"#),
        (r#"{"flag":false,"real":3,"color":"ROUGE"}"#, r#"{"flag":0,"real":3.0,"color":1}"#),
        (r#"{"flag":"true","color":"-3","real":"2.5e3"}"#, r#"{"flag":1,"real":2500.0,"color":-3}"#),
        (r#"{"real":"-Infinity","text":null,"new":null}"#, r#"{"real":"-Infinity"}"#),
        (r#"{"new":{"a":[1,{"b":"\u00e9"}]},"tiny":1}"#, r#"{"tiny":1}"#),
        (r#"{"tiny":1,"tiny":2,"tiny":null}"#, r#"{"tiny":2}"#),
        (r#"{"\u0074iny":1}"#, r#"{"tiny":1}"#),
        (
            r#"{"ages":[["a",1]],"flags":{"true":1,"0":2},"colors":{"GREEN":""}}"#,
            r#"{"ages":{"a":1},"flags":{"1":1.0,"0":2.0},"colors":{"2":""}}"#,
        ),
        (r#"{"points":[],"lists":[[[1],2]]}"#, r#"{"points":{},"lists":[[[1],2]]}"#),
        (
            r#"{"blob":"AA","id":"00112233445566778899AABBCCDDEEFF"}"#,
            r#"{"blob":"AA==","id":"00112233-4455-6677-8899-aabbccddeeff"}"#,
        ),
        (r#"{"shape":{"point":null,"name":"n"}}"#, r#"{"shape":{"name":"n"}}"#),
    ] {
        assert_eq!(fixture.again(json), written, "{json}");
    }
}

#[test]
fn errors_name_the_place() {
    let fixture = Fixture::new();
    for (json, error) in [
        (r#"{"tiny":128}"#, "tiny: 128 is outside the range of its type (at byte 8)"),
        (r#"{"inner":{"numbers":[1,"x"]}}"#, "inner.numbers[1]: expected an integer of at most 64 bits"),
        (r#"{"ages":{"a":1,"b":null}}"#, "ages[value 1]: expected an integer"),
        (r#"{"ages":{1:1}}"#, "ages[key 0]: expected a key in quotes"),
        (r#"{"points":{"x":1}}"#, "points[key 0]: expected '}', since a map with such keys is an array of pairs"),
        (r#"{"points":[[{"x":1}]]}"#, "points: expected ',' between key and value"),
        (r#"{"points":[[{"y":1},1]]}"#, "points[key 0]: required field 'x' is missing"),
        (r#"{"medium":1.0}"#, "medium: expected an integer"),
        (r#"{"large":99999999999999999999}"#, "large: expected an integer of at most 64 bits"),
        (r#"{"flag":2}"#, "flag: 2 is outside the range"),
        (r#"{"flag":"yes"}"#, "flag: expected true, false, 1 or 0"),
        (r#"{"color":"BLUE"}"#, "color: enum 'Color' has no value 'BLUE' (at byte 10)"),
        (r#"{"shape":{}}"#, "shape: union 'Shape' holds no member, expected one"),
        (r#"{"shape":{"name":"n","point":{"x":1}}}"#, "shape: union 'Shape' holds several members, expected one"),
        (r#"{"text":7}"#, "text: expected a string"),
        (r#"{"blob":"*"}"#, "blob: string is not valid base64"),
        (r#"{"numbers":[1 2]}"#, "numbers: expected ',' or ']'"),
        (r#"{"numbers":[1,]}"#, "numbers[1]: expected an integer"),
        (r#"{"numbers":{}}"#, "numbers: expected '['"),
        (r"{} x", "expected the end of the text"),
        (r"[]", "expected '{'"),
        (r"nullnull", "expected '{'"),
        ("", "the input ends, at least 1 more bytes were expected (at byte 0)"),
    ] {
        let failure = fixture.failure(json);
        assert!(failure.starts_with(error), "{json}: {failure}");
    }
}

#[test]
fn a_union_may_hold_a_member_that_is_not_known() {
    let fixture = Fixture::new();
    let Ok(Value::Struct(StructValue { fields, .. })) = fixture.read("Shape", r#"{"circle":{"r":1}}"#) else {
        panic!("an empty union was expected")
    };
    assert!(fields.iter().all(Option::is_none));
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    let fixture = Fixture::new();
    let id = fixture.id("All");
    let error = decode_json_value(&fixture.plans, id, b"{\"text\":\"ab\xff\"}", Limits::DEFAULT).unwrap_err();
    assert_eq!((error.kind(), error.offset()), (&DecodeErrorKind::InvalidUtf8, 11));
    assert!(fixture.failure(r#"{"text":"\ud800"}"#).starts_with("text: "));
    assert!(fixture.failure(r#"{"text":"\x"}"#).starts_with("text: "));
}

#[test]
fn no_prefix_is_a_value() {
    let fixture = Fixture::new();
    let id = fixture.id("All");
    for end in 0..GOLDEN.len() {
        let error = decode_json_value(&fixture.plans, id, &GOLDEN.as_bytes()[..end], Limits::DEFAULT).unwrap_err();
        assert!(error.offset() <= end, "{error}");
    }
}

#[test]
fn a_changed_byte_is_a_value_or_an_error() {
    let fixture = Fixture::new();
    let id = fixture.id("All");
    for place in 0..GOLDEN.len() {
        for byte in [0, b'"', b'\\', b'{', b']', b',', b':', b'0', b'-', b'n', 0x80, 0xff] {
            let mut json = GOLDEN.as_bytes().to_vec();
            json[place] = byte;
            if let Err(error) = decode_json_value(&fixture.plans, id, &json, Limits::DEFAULT) {
                assert!(error.offset() <= json.len(), "{error}");
            }
        }
    }
}

#[test]
fn nesting_is_bounded_for_what_is_known_and_what_is_not() {
    let fixture = Fixture::new();
    for json in [
        "{\"inner\":".repeat(100_000),
        format!("{{\"new\":{}", "[".repeat(100_000)),
        format!("{{\"new\":{}", "{\"a\":".repeat(100_000)),
        format!("{{\"rows\":{}", "[".repeat(100_000)),
    ] {
        let start = Instant::now();
        let error = fixture.read("All", &json).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1), "{error}");
        let is_known = json.contains("rows");
        assert!(is_known || *error.kind() == DecodeErrorKind::DepthLimit(64), "{error}");
    }
    let deep = |depth: usize| format!("{}{{{}", "{\"inner\":".repeat(depth - 1), "}".repeat(depth));
    let value = fixture.read("All", &deep(64)).unwrap();
    assert_eq!(fixture.write(&value, JsonStyle::SIMPLE_JSON), deep(64));
    assert_eq!(fixture.read("All", &deep(65)).unwrap_err().kind(), &DecodeErrorKind::DepthLimit(64));
}

#[test]
fn a_value_that_is_too_deep_is_not_written() {
    let fixture = Fixture::new();
    let id = fixture.id("All");
    let count = fixture.plans.schema().structure(id).fields.len();
    let mut value = Value::Struct(StructValue { id, fields: vec![None; count] });
    for _ in 0..64 {
        let mut fields = vec![None; count];
        fields[18] = Some(value);
        value = Value::Struct(StructValue { id, fields });
    }
    let error = encode_json_value(&fixture.plans, id, &value, JsonStyle::SIMPLE_JSON, &mut Vec::new()).unwrap_err();
    assert_eq!(error.kind(), &EncodeErrorKind::DepthLimit(64));
}

#[test]
fn containers_and_strings_have_limits() {
    let fixture = Fixture::new();
    let limits = Limits { container: 3, string: 3, ..Limits::DEFAULT };
    let read = |json: &str| decode_json_value(&fixture.plans, fixture.id("All"), json.as_bytes(), limits);
    for json in [
        r#"{"numbers":[1,2,3,4]}"#,
        r#"{"ages":{"a":1,"b":1,"c":1,"d":1}}"#,
        r#"{"lists":[[[],1],[[1],1],[[2],1],[[3],1]]}"#,
    ] {
        // Names of fields are strings too, but the limit on those counts only for what is read as one.
        let limits = Limits { string: 100, ..limits };
        let error = decode_json_value(&fixture.plans, fixture.id("All"), json.as_bytes(), limits).unwrap_err();
        let kind = DecodeErrorKind::SizeLimit { what: "container", size: 4, limit: 3 };
        assert_eq!(error.kind(), &kind, "{json}");
    }
    assert!(matches!(read(r#"{"id":"xxxx"}"#).unwrap_err().kind(), DecodeErrorKind::Invalid(_)));
    assert!(matches!(read(r#"{"abc":"abcd"}"#).unwrap_err().kind(), DecodeErrorKind::SizeLimit { size: 4, .. }));
}

#[test]
fn long_numbers_take_no_long_time() {
    let fixture = Fixture::new();
    let digits = "9".repeat(1 << 16);
    for json in [
        format!("{{\"large\":{digits}}}"),
        format!("{{\"real\":{digits}}}"),
        format!("{{\"real\":0.{digits}}}"),
        format!("{{\"real\":1e{digits}}}"),
        format!("{{\"color\":\"{digits}\"}}"),
        format!("{{\"new\":{digits}}}"),
        format!("{{\"longs\":{{\"{digits}\":1}}}}"),
    ] {
        let start = Instant::now();
        fixture.read("All", &json).unwrap_err();
        assert!(start.elapsed() < Duration::from_secs(1));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn values_of_arbitrary_schemas_come_back(bytes in vec(any::<u8>(), 0..1500)) {
        check_json_value(&bytes);
    }

    #[test]
    fn any_json_is_a_value_of_any_schema_or_an_error(
        schema in vec(any::<u8>(), 120),
        json in "[\\[\\]{},:\"01.e a-f\\\\]{0,40}",
    ) {
        check_json_decoder(&[&[60][..], &schema, json.as_bytes()].concat());
    }
}
