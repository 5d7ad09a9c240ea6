//! Real text with random damage: it never panics, and the time stays in proportion to the size.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use fastthrift_idl::{Dialect, Failure, MemoryLoader, Options, compile, render_all};

/// A text with every construct of the language.
const SEED: &str = r#"/** Program. */
namespace py a.b (uri = "x")
include "other.thrift"
cpp_include "<vector>"
/** A number. */
const i32 LIMIT = 0x1F
const map<string, list<double>> TABLE = {"a": [1, -2.5e3, .5], "b": []}
const uuid ID = "01234567-89ab-cdef-0123-456789abcdef"
typedef map<i32, set<other.Thing>> (cpp.type = "m") Table
enum Color { RED = 1, GREEN; BLUE = 0x10 (old) }
struct Point { 1: required i32 x = LIMIT; 2: optional Color c = Color.RED, Point & next } (final)
union Either { 1: i64 left = -9, 2: binary right }
exception Oops { 1: string message, 2: list cpp_type "l" <byte> code xsd_optional }
service Base { void ping(), oneway void log(1: string line) }
service Main extends Base { # comment
  Point move(1: Point p = {"x": 5, "c": 16}, 2: other.Thing t) throws (1: Oops o) (deprecated) // end
  set<Table> all(i32 a, i32 b);
}
"#;

const OTHER: &str = "struct Thing { 1: i32 a }";

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

#[test]
fn damaged_text_gives_a_schema_or_diagnostics() {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut failures = 0;
    for round in 0..1_500 {
        let main = mutated(SEED.as_bytes(), &mut random);
        let other = if round % 4 == 0 { mutated(OTHER.as_bytes(), &mut random) } else { OTHER.into() };
        failures += usize::from(!run(&main, &other));
    }
    assert!((300..1_500).contains(&failures), "{failures}");
}

#[test]
fn every_prefix_gives_a_schema_or_diagnostics() {
    assert!(run(SEED.as_bytes(), OTHER.as_bytes()));
    for end in 0..SEED.len() {
        run(&SEED.as_bytes()[..end], OTHER.as_bytes());
    }
}

#[test]
fn time_is_in_proportion_to_the_size() {
    let mut random = Random(7);
    for part in
        [mutated(SEED.as_bytes(), &mut random), b"struct A { 1: B b = {1: [C]} }\n".to_vec(), b"@ \" /* */ 1A".to_vec()]
    {
        let time = |count: usize| {
            let text = part.repeat(count);
            (0..3).map(|_| elapsed(&text)).min().unwrap()
        };
        let (small, large) = (time(20), time(320));
        assert!(large < small * 80 + Duration::from_millis(50), "16 times the text took {small:?} and then {large:?}");
    }
}

fn elapsed(text: &[u8]) -> Duration {
    let start = Instant::now();
    run(text, OTHER.as_bytes());
    start.elapsed()
}

/// Compiles in both dialects and renders what is said; whether the extended dialect took it.
fn run(main: &[u8], other: &[u8]) -> bool {
    let loader = MemoryLoader::from_iter([("main.thrift", main), ("other.thrift", other)]);
    let mut options = Options::default();
    options.dialect = Dialect::Apache;
    let _ = compile(&loader, "main.thrift", &options);
    match compile(&loader, "main.thrift", &Options::default()) {
        Ok(outcome) => {
            render_all(&outcome.warnings, outcome.schema.sources());
            true
        }
        Err(Failure::Invalid(report)) => {
            assert!(report.errors().count() >= 1);
            assert!(!report.render().is_empty());
            false
        }
        Err(failure) => panic!("{failure}"),
    }
}

fn mutated(text: &[u8], random: &mut Random) -> Vec<u8> {
    let mut text = text.to_vec();
    for _ in 0..=random.below(4) {
        let at = random.below(text.len());
        let end = (at + random.below(24)).min(text.len());
        match random.below(6) {
            0 => text.truncate(at),
            1 => text[at] ^= 1 << random.below(8),
            2 => drop(text.drain(at..end)),
            3 => text.insert(at, b"{}[]()<>:;,=*&\"'/#@.-+0x1eE_\n\\\xFF"[random.below(31)]),
            4 => {
                let part = text[at..end].to_vec();
                let to = random.below(text.len());
                text.splice(to..to, part);
            }
            _ => text.swap(at, end.saturating_sub(1).max(at)),
        }
        if text.is_empty() {
            return text;
        }
    }
    text
}
