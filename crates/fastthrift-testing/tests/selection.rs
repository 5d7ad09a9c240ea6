//! Reading only some fields gives what reading all of them and dropping the others gives.

use std::sync::Arc;

use fastthrift_dynamic::{Decoder, Plans, SelectError, StructPlan, StructValue, Value, ValueBuilder, encode_value};
use fastthrift_idl::{MemoryLoader, Options, compile};
use fastthrift_protocol::{BinaryReader, BinaryWriter, DecodeError, Limits};
use fastthrift_schema::{Definition, StructId};
use fastthrift_testing::arbitrary::{self, Choices};
use proptest::collection::vec;
use proptest::prelude::*;

const IDL: &str = "
    struct Address { 1: string street, 2: required string city, 3: optional Address former }
    struct Person {
        1: required i32 id, 2: string name, 3: Address home, 4: list<list<Address>> visited,
        5: map<string, Address> by_name, 6: set<Address> known, 7: required binary photo
    }";

fn plans() -> (Plans, StructId) {
    let loader = MemoryLoader::new().with_file("people.thrift", IDL);
    let schema = compile(&loader, "people.thrift", &Options::default()).expect("the IDL is valid").schema;
    let person = schema.root().definitions.iter().find_map(|(name, definition)| match definition {
        Definition::Struct(id) if &**name == "Person" => Some(*id),
        _ => None,
    });
    (Plans::new(Arc::clone(&schema)), person.expect("the IDL has the struct"))
}

fn read(plans: &Plans, plan: &StructPlan, bytes: &[u8]) -> Result<Value, DecodeError> {
    let mut input = BinaryReader::new(bytes, Limits::DEFAULT);
    Decoder::new(plans, &mut input, &mut ValueBuilder::new(plans)).planned(plan)
}

fn structure(id: StructId, fields: Vec<Option<Value>>) -> Value {
    Value::Struct(StructValue { id, fields })
}

fn address(plans: &Plans, fields: [Option<&str>; 2]) -> Value {
    let Some(id) = plans.schema().structs().ids().find(|id| &*plans.schema().structure(*id).name == "Address") else {
        panic!("the IDL has the struct")
    };
    let [street, city] = fields.map(|text| text.map(|text| Value::String(text.into())));
    structure(id, vec![street, city, None])
}

/// A person whose addresses have a street as `fields` says.
fn person(plans: &Plans, id: StructId, fields: [Option<&str>; 2], rest: [Option<Value>; 3]) -> Value {
    let [number, name, photo] = rest;
    let one = || address(plans, fields);
    let visited = Value::List(vec![Value::List(vec![one(), one()]), Value::List(vec![])]);
    let by_name = Value::Map(vec![(Value::String("a".into()), one())]);
    let known = Value::Set(vec![one()]);
    structure(id, vec![number, name, Some(one()), Some(visited), Some(by_name), Some(known), photo])
}

fn written(plans: &Plans, id: StructId) -> Vec<u8> {
    let rest = [Some(Value::I32(7)), Some(Value::String("Ann".into())), Some(Value::Binary(vec![0; 100]))];
    let mut out = Vec::new();
    let value = person(plans, id, [Some("Elm Street"), Some("Springwood")], rest);
    encode_value(plans, id, &value, &mut BinaryWriter::new(&mut out)).expect("a value of the schema");
    out
}

#[test]
fn paths_go_through_structs_and_containers() {
    let (plans, id) = plans();
    let paths = ["home.street", "visited.street", "by_name.street", "known.street", "name"];
    let plan = plans.select(id, paths).unwrap();
    let name = Some(Value::String("Ann".into()));
    let expected = person(&plans, id, [Some("Elm Street"), None], [None, name, None]);
    assert_eq!(read(&plans, &plan, &written(&plans, id)), Ok(expected));
}

#[test]
fn a_field_that_is_asked_for_whole_is_whole_whatever_else_is_asked_of_it() {
    let (plans, id) = plans();
    let bytes = written(&plans, id);
    let whole = read(&plans, &plans.select(id, ["home"]).unwrap(), &bytes);
    for paths in [["home", "home.city"], ["home.city", "home"]] {
        assert_eq!(read(&plans, &plans.select(id, paths).unwrap(), &bytes), whole);
    }
}

#[test]
fn required_fields_are_missed_only_where_they_were_asked_for() {
    let (plans, id) = plans();
    let empty = structure(id, vec![None; 7]);
    assert_eq!(read(&plans, &plans.select(id, ["name"]).unwrap(), b"\0"), Ok(empty.clone()));
    assert_eq!(read(&plans, &plans.select(id, []).unwrap(), b"\0"), Ok(empty));
    let error = read(&plans, &plans.select(id, ["photo"]).unwrap(), b"\0").unwrap_err();
    assert_eq!(error.to_string(), "required field 'photo' is missing (at byte 1)");
}

#[test]
fn paths_that_lead_nowhere_are_refused_with_what_was_meant() {
    let (plans, id) = plans();
    let error = |path: &str| plans.select(id, ["name", path]).unwrap_err().to_string();
    assert_eq!(error("nmae"), "field 'nmae': 'Person' has no field 'nmae'");
    assert_eq!(error("photos"), "field 'photos': 'Person' has no field 'photos', did you mean 'photo'?");
    assert_eq!(error("home.citi"), "field 'home.citi': 'Address' has no field 'citi', did you mean 'city'?");
    assert_eq!(error(""), "field '': 'Person' has no field ''");
    assert_eq!(error("home."), "field 'home.': 'Address' has no field ''");
    let none = "field 'name.first': 'name' of 'Person' holds no struct whose fields could be chosen";
    assert_eq!(error("name.first"), none);
}

#[test]
fn a_path_is_as_long_as_a_message_can_be_deep() {
    let (plans, id) = plans();
    let path = |len: usize| format!("home{}", ".former".repeat(len));
    assert!(plans.select(id, [&*path(511)]).is_ok());
    assert_eq!(plans.select(id, [&*path(512)]).unwrap_err(), SelectError::TooDeep);
    assert_eq!(plans.select(id, [&*path(100_000)]).unwrap_err(), SelectError::TooDeep);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn fields_that_are_not_selected_are_as_if_they_had_not_come(bytes in vec(any::<u8>(), 0..1500), wanted: u64) {
        let mut choices = Choices::new(&bytes);
        let (schema, id) = arbitrary::schema(&mut choices);
        let value = arbitrary::value(&mut choices, &schema, id);
        let plans = Plans::new(schema);
        let mut bytes = Vec::new();
        encode_value(&plans, id, &value, &mut BinaryWriter::new(&mut bytes)).expect("a value of the schema");
        let Value::Struct(mut expected) = value else { panic!("the value is a struct") };
        let is_wanted = |place: &usize| wanted >> (place % 64) & 1 == 1;
        for place in (0..expected.fields.len()).filter(|place| !is_wanted(place)) {
            expected.fields[place] = None;
        }
        let fields = &plans.schema().structure(id).fields;
        let names = (0..fields.len()).filter(is_wanted).map(|place| &*fields[place].name);
        let plan = plans.select(id, names).unwrap();
        prop_assert_eq!(read(&plans, &plan, &bytes), Ok(Value::Struct(expected)));
    }
}
