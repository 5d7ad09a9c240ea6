//! Writes and reads fixed values of the benchmarks' schema, each once, for a counter of instructions to look at.
//!
//! `tools/check_instructions.py` runs it under callgrind, which counts inside [`measured`] alone and writes its counts down at each
//! return from it. This program prints the name of each case in the same order. Building the values, warming up and dropping what was
//! read stay outside.

use std::error::Error;
use std::hint::black_box;
use std::io::Write;
use std::sync::Arc;

use fastthrift_dynamic::simple_json::JsonStyle;
use fastthrift_dynamic::{Plans, StructValue, Value, decode_json_value, decode_value, encode_json_value, encode_value};
use fastthrift_idl::{MemoryLoader, Options, compile};
use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, JsonReader, JsonWriter, Limits, Scratch,
};
use fastthrift_schema::{Schema, StructId};

const IDL: &str = include_str!("../../../benches/idl/bench.thrift");
const CODECS: [Codec; 4] = [Codec::Binary, Codec::Compact, Codec::Json, Codec::SimpleJson];

/// The protocols that are counted, by the names in the kept file.
#[derive(Debug, Clone, Copy)]
enum Codec {
    Binary,
    Compact,
    Json,
    SimpleJson,
}

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() -> Outcome<()> {
    let loader = MemoryLoader::new().with_file("bench.thrift", IDL);
    let schema = compile(&loader, "bench.thrift", &Options::default())?.schema;
    let plans = Plans::new(Arc::clone(&schema));
    let names = Structs(&schema);
    let cases = [
        ("small", small(&names, 7)),
        ("book", book(&names)),
        ("1k map", scores(&names)),
        ("10k double", doubles(&names)),
        ("10k i64", longs(&names)),
    ];
    let mut out = std::io::stdout().lock();
    for (name, value) in &cases {
        for codec in CODECS {
            for direction in run(&plans, codec, value)? {
                writeln!(out, "{name}, {codec:?}, {direction}")?;
            }
        }
    }
    Ok(())
}

/// What the counter looks at: everything that happens in here.
#[inline(never)]
fn measured(run: &mut dyn FnMut()) {
    run();
    // Without it the call above is a jump, and the counter does not see a return from here.
    black_box(());
}

/// Writes and reads a value, each once to warm up and once measured, and returns the names of the two in that order.
fn run(plans: &Plans, codec: Codec, value: &Value) -> Outcome<[&'static str; 2]> {
    let Value::Struct(StructValue { id, .. }) = value else { return Err("a case is a struct".into()) };
    let mut bytes = Vec::new();
    write(plans, codec, *id, value, &mut bytes)?;
    if read(plans, codec, *id, &bytes)? != *value {
        return Err(format!("{codec:?} does not read back what it wrote").into());
    }
    // The room is there already: growing is the allocator's work.
    let mut again = Vec::with_capacity(2 * bytes.len());
    let mut written = Ok(());
    measured(&mut || written = write(plans, codec, *id, black_box(value), &mut again));
    written?;
    let mut found = None;
    measured(&mut || found = Some(read(plans, codec, *id, black_box(&again))));
    if found.ok_or("nothing ran")?? != *value || again != bytes {
        return Err(format!("{codec:?} does not do the same twice").into());
    }
    Ok(["encode", "decode"])
}

fn write(plans: &Plans, codec: Codec, id: StructId, value: &Value, out: &mut Vec<u8>) -> Outcome<()> {
    match codec {
        Codec::Compact => encode_value(plans, id, value, &mut CompactWriter::new(out))?,
        Codec::Json => encode_value(plans, id, value, &mut JsonWriter::new(out))?,
        Codec::SimpleJson => encode_json_value(plans, id, value, JsonStyle::SIMPLE_JSON, out)?,
        Codec::Binary => encode_value(plans, id, value, &mut BinaryWriter::new(out))?,
    }
    Ok(())
}

fn read(plans: &Plans, codec: Codec, id: StructId, bytes: &[u8]) -> Outcome<Value> {
    let limits = Limits::DEFAULT;
    Ok(match codec {
        Codec::Compact => decode_value(plans, id, &mut CompactReader::new(bytes, limits))?,
        Codec::Json => decode_value(plans, id, &mut JsonReader::new(bytes, &Scratch::new(), limits))?,
        Codec::SimpleJson => decode_json_value(plans, id, bytes, limits)?,
        Codec::Binary => decode_value(plans, id, &mut BinaryReader::new(bytes, limits))?,
    })
}

/// The structs of the schema, by name.
struct Structs<'s>(&'s Schema);

impl Structs<'_> {
    fn make(&self, name: &str, fields: impl IntoIterator<Item = Value>) -> Value {
        let id = self.0.structs().ids().find(|&id| &*self.0.structure(id).name == name);
        let id = id.expect("invariant: the schema has the structs of the cases");
        Value::Struct(StructValue { id, fields: fields.into_iter().map(Some).collect() })
    }
}

fn text(value: impl Into<String>) -> Value {
    Value::String(value.into())
}

fn small(structs: &Structs<'_>, count: i32) -> Value {
    let fields = [
        Value::I32(count),
        Value::I64(1_234_567_890_123),
        Value::Double(2.5),
        Value::Bool(true),
        Value::I32(300),
        text("twelve chars"),
    ];
    structs.make("Small", fields)
}

fn book(structs: &Structs<'_>) -> Value {
    structs.make("Book", [Value::List((0..100).map(|number| person(structs, number)).collect())])
}

fn person(structs: &Structs<'_>, number: i32) -> Value {
    let phone = |line: String, kind| structs.make("Phone", [text(line), Value::I32(kind)]);
    let phones = vec![phone(format!("+31 20 555 {number:04}"), 1), phone(format!("+31 6 5555 {number:04}"), 2)];
    let emails = vec![text(format!("person{number}@example.com")), text(format!("p{number}@mail.example.org"))];
    let labels = vec![
        (text("team"), text(format!("team {}", number % 7))),
        (text("city"), text("Amsterdam")),
        (text("role"), text("engineer")),
    ];
    let fields = [
        text(format!("Person Number {number}")),
        Value::I32(100_000 + number),
        Value::List(emails),
        Value::List(phones),
        Value::Map(labels),
    ];
    structs.make("Person", fields)
}

fn scores(structs: &Structs<'_>) -> Value {
    let entries = (0..1_000).map(|number| (text(format!("key number {number}")), Value::I32(number * 3)));
    structs.make("Scores", [Value::Map(entries.collect())])
}

fn doubles(structs: &Structs<'_>) -> Value {
    structs.make("Doubles", [Value::List((0..10_000).map(|number| Value::Double(f64::from(number) * 1.1)).collect())])
}

fn longs(structs: &Structs<'_>) -> Value {
    structs.make("Longs", [Value::List((0..10_000).map(|number| Value::I64(number << 20)).collect())])
}
