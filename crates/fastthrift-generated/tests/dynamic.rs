//! What generated types write of the real IDL is what is written of it without generated code; and its services are called and
//! served so.

mod handler;

use std::collections::BTreeMap;
use std::env;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use fastthrift::dynamic::{
    Client, Error, Exception, Function, Idl, Invocation, Requiredness, Served, Service, Struct, StructKind,
    StructValue, Type, Value, fields,
};
use fastthrift::{Channel, Framing, Limits, Protocol, Server};
use fastthrift_generated::cases::calls::{self, CalculatorClient, CalculatorServer, CheckError};
use fastthrift_generated::{ROUND_TRIPS, RoundTrip};
use handler::Handler;

/// Numbers by chance, the same ones in each run.
struct Chance(u64);

impl Chance {
    fn new(seed: usize) -> Self {
        Self((seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn number(&mut self) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.cast_signed()
    }

    fn below(&mut self, limit: i64) -> i64 {
        self.number().rem_euclid(limit)
    }

    /// A value of this type, in which structs nest so deep and hold only what they must further inside.
    fn value(&mut self, ty: &Type, depth: u32) -> Value {
        match ty {
            Type::Bool => (self.below(2) > 0).into(),
            Type::I8 => (self.below(256) - 128).into(),
            Type::I16 => (self.below(1 << 16) - (1 << 15)).into(),
            Type::I32 => (self.below(1 << 32) - (1 << 31)).into(),
            Type::I64 => self.number().into(),
            Type::Double => f64::from_bits(self.number().cast_unsigned()).into(),
            Type::String => "äx".repeat(self.below(5) as usize).into(),
            Type::Binary => self.number().to_le_bytes()[..self.below(9) as usize].into(),
            Type::Uuid => Value::Uuid([7; 16]),
            Type::Enum(ty) => {
                let numbers: Vec<i32> = ty.values().map(|(_, number)| number).chain([77]).collect();
                ty.number(numbers[self.below(numbers.len() as i64) as usize]).into()
            }
            Type::Struct(ty) => self.fields(ty, depth).into(),
            Type::List(element) => Value::List(self.elements(element, depth)),
            Type::Set(element) => Value::Set(self.elements(element, depth)),
            Type::Map(key, value) => {
                let (keys, values) = (self.elements(key, depth), self.elements(value, depth));
                Value::map(keys.into_iter().zip(values))
            }
            other => panic!("a new type: {other}"),
        }
    }

    fn elements(&mut self, ty: &Type, depth: u32) -> Vec<Value> {
        let len = if depth == 0 { 0 } else { self.below(3) };
        (0..len).map(|_| self.value(ty, depth - 1)).collect()
    }

    fn fields(&mut self, ty: &Struct, depth: u32) -> StructValue {
        let fields: Vec<_> = ty.fields().collect();
        if ty.kind() == StructKind::Union {
            let place = if depth == 0 { 0 } else { self.below(fields.len() as i64) as usize };
            let value = self.value(&fields[place].ty(), depth.saturating_sub(1));
            return [(fields[place].name().to_owned(), value)].into();
        }
        let values = fields.iter().filter_map(|field| {
            let is_set = field.requiredness() == Requiredness::Required || (depth > 0 && self.below(4) > 0);
            // What is left out has its default value where it is written, and is left out there if it has none.
            let value = match field.default_value() {
                _ if is_set => self.value(&field.ty(), depth.saturating_sub(1)),
                Some(_) => return None,
                None => Value::Null,
            };
            Some((field.name().to_owned(), value))
        });
        values.collect()
    }
}

/// The IDL of a file in the folder of real IDL; the build script looks for it in the same places.
fn load(file: &str) -> Idl {
    let beside = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared");
    let shared = env::var_os("FASTTHRIFT_SHARED").map_or_else(beside, PathBuf::from);
    Idl::load(shared.join("idl").join(file)).expect("real IDL is right")
}

/// The files of real IDL, with the names of their structs.
fn files() -> BTreeMap<&'static str, Vec<(&'static str, RoundTrip)>> {
    let mut files: BTreeMap<&str, Vec<(&str, RoundTrip)>> = BTreeMap::new();
    for (file, name, trip) in ROUND_TRIPS {
        files.entry(*file).or_default().push((*name, *trip));
    }
    files
}

#[test]
fn every_struct_of_the_real_idl_is_written_alike_with_and_without_generated_code() {
    for (file, structs) in files() {
        let idl = load(file);
        for (seed, (name, trip)) in structs.into_iter().enumerate() {
            let ty = idl.structure(name).expect("the table names what is there");
            if ty.kind() == StructKind::Union && ty.fields().next().is_none() {
                continue;
            }
            for protocol in [Protocol::Binary, Protocol::Compact] {
                for depth in [0, 2, 3] {
                    let read = |bytes: &[u8]| ty.from_slice(protocol, bytes, Limits::DEFAULT).expect("it was written");
                    let value = Chance::new(seed).fields(&ty, depth);
                    let here = ty.to_vec(protocol, &value).unwrap_or_else(|error| panic!("{file} {name}: {error}"));
                    // Generated code also writes fields of no requiredness that nobody set, so what it wrote is compared.
                    let there = trip(protocol, &here).expect("it was written");
                    let again = ty.to_vec(protocol, &read(&there)).expect("it was read");
                    assert!(again == there, "{protocol} {file} {name}: {}", Value::from(read(&there)));
                }
            }
        }
    }
}

/// What arrived, and what is answered.
type Answers = Arc<Mutex<(Vec<StructValue>, Option<Result<Value, Exception>>)>>;

/// What to call a function with and answer by: by chance, a value or each exception in turn.
fn answer(function: &Function, seed: usize) -> Result<Value, Exception> {
    let exceptions: Vec<_> = function.exceptions().map(|(_, ty)| ty).collect();
    match exceptions.get(seed % 5) {
        Some(ty) => {
            let value = ty.value(Chance::new(seed).fields(ty, 2)).expect("a value of the type");
            Err(Exception::new(ty.name(), value))
        }
        None => Ok(function.returns().map_or(Value::Null, |ty| Chance::new(seed).value(&ty, 2))),
    }
}

async fn call_all(service: Service) {
    let answers = Answers::default();
    let shared = Arc::clone(&answers);
    let handler = move |invocation: Invocation| {
        let mut answers = shared.lock().expect("no test panicked");
        let answer = if invocation.function().is_oneway() {
            // It may be served when others are already called.
            Ok(Value::Null)
        } else {
            answers.0.push(invocation.into_arguments());
            answers.1.take().unwrap_or(Ok(Value::Null))
        };
        async { answer.map_err(Error::from) }
    };
    let server =
        Server::builder(Served::new(service.clone(), handler)).bind("tcp://127.0.0.1:0").await.expect("a port");
    let (url, server) = (server.url(), tokio::spawn(server.serve()));
    for (protocol, framing) in
        [(Protocol::Binary, Framing::Framed), (Protocol::Compact, Framing::Header), (Protocol::Json, Framing::Framed)]
    {
        let channel = Channel::builder(&url).protocol(protocol).framing(framing).connect().await.expect("a server");
        let client = Client::new(channel, service.clone());
        for (seed, function) in service.functions().enumerate() {
            let arguments = Chance::new(seed).fields(&function.arguments(), 2);
            let expected = answer(function, seed);
            answers.lock().expect("no test panicked").1 = Some(expected.clone());
            let outcome = client.call_function(function, &arguments).await;
            if !function.is_oneway() {
                match (outcome, expected) {
                    (Ok(value), Ok(expected)) => assert_eq!(typed(function, value), typed(function, expected)),
                    (Err(Error::Exception(exception)), Err(expected)) => assert_eq!(exception, expected),
                    (outcome, _) => panic!("{} {function}: {outcome:?}", service.name()),
                }
                let arrived = answers.lock().expect("no test panicked").0.pop().expect("it was called");
                let sent = function.arguments().value(arguments).expect("it was sent");
                assert_eq!(arrived, sent, "{} {function}", service.name());
            }
        }
    }
    server.abort();
}

/// As a reader sees it, so that values can be compared.
fn typed(function: &Function, value: Value) -> String {
    let style = fastthrift::dynamic::JsonStyle::READABLE;
    // Values that no JSON tells apart come as they are.
    function.result_to_json(&value, style).unwrap_or_else(|error| panic!("{function}: {error}"))
}

#[tokio::test]
async fn every_service_of_the_real_idl_is_called_and_served_without_generated_code() {
    for file in files().into_keys() {
        for service in load(file).services() {
            call_all(service).await;
        }
    }
}

fn cases() -> Service {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fastthrift-codegen/tests/rust/services.thrift");
    Idl::load(file).expect("it is right").service("Calculator").expect("it is there")
}

#[tokio::test]
async fn arguments_of_every_kind_reach_a_generated_server() {
    let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, server) = (server.url(), tokio::spawn(server.serve()));
    let client = Client::new(Channel::connect(&url).await.unwrap(), cases());
    // The second has a default value.
    assert_eq!(client.call("add", fields! { a: 2 }).await.unwrap(), Value::Int(7));
    let arguments = fields! {
        points: [fields! { x: 1, y: 2 }],
        named: Value::map([("a", fields! { x: 3, y: 4 })]),
        ids: Value::set([1, 2]),
        data: b"123",
        ticket: 9,
        id: Value::Uuid([4; 16]),
    };
    let points = client.call("points", arguments).await.unwrap();
    assert_eq!(points.to_string(), "[Point {x: 1, y: 2}, Point {x: 3, y: 4}, Point {x: 9, y: 9}]");
    let number = fields! { request: 1, handler: 2, service: 3, arguments: 4, call: 5, self: 6 };
    assert_eq!(client.call("self", number).await.unwrap(), fields! { whole: 123_456 }.into());
    client.call("log", fields! { line: "a line", level: "HIGH" }).await.unwrap();
    let check = |x: i32| fields! { point: fields! { x: x, y: 0 }, number: fields! { real: 0.5 }, strict: false };
    let error = client.call("check", check(2)).await.unwrap_err();
    let third = error.exception().expect("it is declared");
    assert_eq!((third.name(), third.declared_as()), ("Overflow", Some("third")));
    assert!(client.call("check", check(3)).await.unwrap().is_null());
    server.abort();
}

#[tokio::test]
async fn a_gateway_keeps_apart_exceptions_of_one_type_that_are_declared_twice() {
    let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, server) = (server.url(), tokio::spawn(server.serve()));
    let behind = Client::new(Channel::connect(&url).await.unwrap(), cases());
    let relay = move |invocation: Invocation| {
        let behind = behind.clone();
        async move { behind.call(invocation.name(), invocation.arguments().clone()).await }
    };
    let gateway = Server::builder(Served::new(cases(), relay)).bind("tcp://127.0.0.1:0").await.unwrap();
    let (url, gateway) = (gateway.url(), tokio::spawn(gateway.serve()));
    let client = CalculatorClient::new(Channel::connect(&url).await.unwrap());
    let check = async |x: i32| client.check(&calls::Point { x, y: 0 }, &calls::Number::Real(0.5), false).await;
    assert!(matches!(check(0).await, Err(CheckError::Overflow(_))));
    assert!(check(1).await.is_ok());
    assert!(matches!(check(2).await, Err(CheckError::Third(_))));
    assert_eq!(client.add(2, 3).await.unwrap(), 5);
    server.abort();
    gateway.abort();
}
