//! Every input that fuzzing of the connections starts from passes the check of its target.

use std::fs;
use std::path::Path;

use fastthrift_testing::connections::{client_connection, server_connection};

#[test]
fn the_connection_corpus_passes() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/connection");
    let entries = fs::read_dir(&folder).expect("the corpus is there");
    let files: Vec<_> = entries.map(|entry| entry.expect("a readable folder").path()).collect();
    assert!(files.len() > 20, "the corpus has only {} files", files.len());
    for file in files {
        let bytes = fs::read(&file).expect("a readable file");
        server_connection(&bytes);
        client_connection(&bytes);
    }
}
