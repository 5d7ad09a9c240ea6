//! Every input that the fuzzers kept still passes the check of its target.

use std::fs;
use std::path::Path;

use fastthrift_protocol::Protocol;
use fastthrift_testing::codec::{check_reader, check_scanner};
use fastthrift_testing::simple_json::check_json_decoder;
use fastthrift_testing::values::check_decoder;

/// Runs the check on each file of a target's corpus, in the order of their names.
fn replay(target: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    files.sort();
    assert!(files.len() > 10, "{target} has a corpus of only {} files", files.len());
    for file in files {
        check(&fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display())));
    }
}

#[test]
fn the_binary_corpus_passes() {
    replay("binary", |bytes| check_reader(Protocol::Binary, bytes));
}

#[test]
fn the_compact_corpus_passes() {
    replay("compact", |bytes| check_reader(Protocol::Compact, bytes));
}

#[test]
fn the_json_corpus_passes() {
    replay("json", |bytes| check_reader(Protocol::Json, bytes));
}

#[test]
fn the_scanner_corpus_passes() {
    replay("scanner", check_scanner);
}

#[test]
fn the_dynamic_corpus_passes() {
    replay("dynamic", check_decoder);
}

#[test]
fn the_simple_json_corpus_passes() {
    replay("simple_json", check_json_decoder);
}
