//! Reads lines of `protocol file struct hex` and writes for each what generated code makes of these bytes: the same, as hex, or `error`
//! and why. `tests/python/test_generated_rust.py` writes them.

use std::collections::HashMap;
use std::io::{self, BufRead, Write};

use fastthrift::Protocol;
use fastthrift_generated::{ROUND_TRIPS, RoundTrip};

fn main() -> io::Result<()> {
    let table: HashMap<(&str, &str), RoundTrip> =
        ROUND_TRIPS.iter().map(|(file, name, trip)| ((*file, *name), *trip)).collect();
    let mut out = io::stdout().lock();
    for line in io::stdin().lock().lines() {
        match answer(&table, &line?) {
            Ok(bytes) => writeln!(out, "{}", hex(&bytes))?,
            Err(error) => writeln!(out, "error {error}")?,
        }
    }
    out.flush()
}

fn answer(table: &HashMap<(&str, &str), RoundTrip>, line: &str) -> Result<Vec<u8>, String> {
    let parts: Vec<&str> = line.split('\t').collect();
    let [protocol, file, name, bytes] = parts.as_slice() else { return Err(format!("not four parts: {line}")) };
    let protocol = if *protocol == "binary" { Protocol::Binary } else { Protocol::Compact };
    let trip = table.get(&(*file, *name)).ok_or_else(|| format!("there is no {name} of {file}"))?;
    trip(protocol, &unhex(bytes)?)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Result<Vec<u8>, String> {
    let byte = |at: usize| text.get(at..at + 2).and_then(|pair| u8::from_str_radix(pair, 16).ok());
    (0..text.len()).step_by(2).map(|at| byte(at).ok_or_else(|| "no hex".to_owned())).collect()
}
