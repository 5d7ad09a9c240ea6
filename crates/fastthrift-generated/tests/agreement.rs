//! Generated code and a schema at run time agree: on values, on what is left of them when bytes change, and on all that a fuzzer kept.

use std::fs;
use std::path::Path;

use fastthrift::{BinaryWriter, CompactWriter, JsonWriter};
use fastthrift_dynamic::encode_value;
use fastthrift_generated::agreement::Reference;
use fastthrift_testing::arbitrary::{Choices, value};

/// Numbers that look random and are the same on every run (Marsaglia's xorshift).
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or(0) % end
    }
}

/// A value as input of the check: the bytes that choose the protocol and the struct, and those of the value.
fn input(reference: &Reference, protocol: u8, shape: u8, choices: &[u8]) -> Vec<u8> {
    let id = reference.structs()[usize::from(shape)];
    let value = value(&mut Choices::new(choices), reference.schema(), id);
    let mut bytes = vec![protocol, shape];
    let plans = reference.plans();
    match protocol {
        0 => encode_value(plans, id, &value, &mut BinaryWriter::new(&mut bytes)),
        1 => encode_value(plans, id, &value, &mut CompactWriter::new(&mut bytes)),
        _ => encode_value(plans, id, &value, &mut JsonWriter::new(&mut bytes)),
    }
    .unwrap();
    bytes
}

#[test]
fn values_and_what_is_left_of_them_when_bytes_change_are_read_alike() {
    let reference = Reference::default();
    let shapes = u8::try_from(reference.structs().len()).unwrap();
    let mut numbers = Numbers(0x9E37_79B9_7F4A_7C15);
    for round in 0..40 {
        for (protocol, shape) in (0..3).flat_map(|protocol| (0..shapes).map(move |shape| (protocol, shape))) {
            let choices: Vec<u8> = (0..16 + 8 * round).map(|_| numbers.byte()).collect();
            let bytes = input(&reference, protocol, shape, &choices);
            reference.check(&bytes);
            for _ in 0..4 {
                let mut changed = bytes.clone();
                let place = 2 + numbers.below(bytes.len() - 2);
                changed[place] = numbers.byte();
                reference.check(&changed);
            }
        }
    }
}

#[test]
fn the_corpus_passes() {
    let reference = Reference::default();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/generated");
    let entries = fs::read_dir(&folder).expect("the corpus is there");
    let files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    assert!(files.len() > 20, "the corpus has only {} files", files.len());
    for file in files {
        reference.check(&fs::read(&file).expect("a readable file"));
    }
}
