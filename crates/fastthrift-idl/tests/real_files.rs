//! Compiles real files that other people wrote.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::path::{Path, PathBuf};

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Dialect, Options, Outcome, compile, parse};

#[test]
fn every_real_file_compiles_with_all_that_it_includes() {
    for path in real_files() {
        let outcome = compile_file(&path, Dialect::Extended);
        let program = outcome.schema.root();
        assert!(!program.definitions.is_empty(), "{} has no definition", path.display());
    }
}

#[test]
fn every_real_file_compiles_in_the_dialect_of_apache() {
    for path in real_files() {
        compile_file(&path, Dialect::Apache);
    }
}

#[test]
fn a_file_that_many_include_is_read_once() {
    let Some(folder) = common::shared("idl") else { return };
    let outcome = compile_file(&folder.join("impala/ImpalaService.thrift"), Dialect::Extended);
    let mut names: Vec<_> = outcome.schema.programs().iter().map(|program| program.name.clone()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count);
    assert!(count >= 25, "{count} programs");
}

#[test]
fn tokens_comments_and_blanks_make_up_the_whole_text() {
    for path in real_files() {
        let bytes = std::fs::read(&path).unwrap();
        let parsed = parse("file", &bytes, &Options::default());
        let tokens = parsed.tokens.iter().map(|token| token.range);
        let mut ranges: Vec<_> = tokens.chain(parsed.comments.iter().map(|comment| comment.range)).collect();
        ranges.sort();
        let mut end = 0;
        for range in ranges {
            let blank = &parsed.source.text[end..usize::try_from(range.start).unwrap()];
            assert!(blank.chars().all(char::is_whitespace), "{}: {blank:?} is lost", path.display());
            end = usize::try_from(range.end).unwrap();
        }
    }
}

fn real_files() -> Vec<PathBuf> {
    common::shared("idl").map(|folder| common::thrift_files(&folder)).unwrap_or_default()
}

fn compile_file(path: &Path, dialect: Dialect) -> Outcome {
    let mut options = Options::default();
    options.dialect = dialect;
    let include_dirs = path.parent().map(Path::to_path_buf);
    match compile(&FileLoader::new(include_dirs), path, &options) {
        Ok(outcome) => outcome,
        Err(failure) => panic!("{}: {failure}", path.display()),
    }
}
