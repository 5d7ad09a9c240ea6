//! Runs the cases of `tests/idl-cases`; its README says how they are written.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::{fs, io};

use fastthrift_idl::{Code, Dialect, Failure, FileName, Loader, MemoryLoader, NotFound, Options, compile, render_all};

const ROOT: &str = "main.thrift";
const UNREADABLE: &str = "unreadable.thrift";

#[test]
fn every_case_prints_what_it_expects() {
    let mut failures = Vec::new();
    for path in case_files() {
        let text = fs::read_to_string(&path).unwrap();
        let run = run_all(&text);
        if std::env::var_os("UPDATE_IDL_CASES").is_some() {
            fs::write(&path, run).unwrap();
        } else if run != text {
            failures.push(format!("{}:\n{}", path.display(), first_difference(&text, &run)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn every_code_occurs_in_a_case() {
    let texts: Vec<String> = case_files().iter().map(|path| fs::read_to_string(path).unwrap()).collect();
    let missing: Vec<&str> = Code::ALL
        .iter()
        .map(|code| code.number())
        .filter(|number| !texts.iter().any(|text| text.contains(&format!("[{number}]"))))
        .collect();
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn numbers_and_names_of_codes_are_unique_and_found() {
    let numbers: BTreeSet<&str> = Code::ALL.iter().map(|code| code.number()).collect();
    let names: BTreeSet<&str> = Code::ALL.iter().map(|code| code.name()).collect();
    assert_eq!((numbers.len(), names.len()), (Code::ALL.len(), Code::ALL.len()));
    for &code in Code::ALL {
        assert_eq!((Code::find(code.number()), Code::find(code.name())), (Some(code), Some(code)));
        assert!(code.explanation().ends_with('.'), "{code}");
    }
}

fn case_files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/idl-cases");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let is_case =
        |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("README.md");
    let mut files: Vec<PathBuf> = entries.filter(is_case).collect();
    files.sort();
    assert!(files.len() >= 6, "the folder of cases has too few files");
    files
}

/// The text of a file of cases with every `text` block written anew.
fn run_all(text: &str) -> String {
    let mut out = String::new();
    let mut case = Case::default();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        let Some(info) = line.strip_prefix("```") else {
            if line.starts_with("## ") {
                case = Case::default();
            }
            continue;
        };
        let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if info.starts_with("thrift") {
            case.add(info, &block);
            for line in block {
                out.extend([line, "\n"]);
            }
        } else {
            out.push_str(&case.run());
        }
        out.push_str("```\n");
    }
    out
}

#[derive(Default)]
struct Case {
    files: MemoryLoader,
    options: Options,
}

impl Case {
    fn add(&mut self, info: &str, lines: &[&str]) {
        let mut name = ROOT;
        for word in info.split(' ').skip(1) {
            match word.split_once('=') {
                Some(("file", file)) => name = file,
                Some(("dialect", "apache")) => self.options.dialect = Dialect::Apache,
                Some(("max-errors", number)) => self.options.max_errors = number.parse().unwrap(),
                Some(("max-file-size", number)) => self.options.max_file_size = number.parse().unwrap(),
                None if word == "allow-missing-includes" => self.options.allow_missing_includes = true,
                None if word == "needs-every-name" => self.options.needs_every_name = true,
                _ => panic!("unknown option {word}"),
            }
        }
        let mut content = Vec::new();
        for line in lines {
            for part in line.split_inclusive('¿') {
                content.extend(part.trim_end_matches('¿').as_bytes());
                content.extend(part.ends_with('¿').then_some(0xFF));
            }
            content.push(b'\n');
        }
        self.files = std::mem::take(&mut self.files).with_file(name, content);
    }

    fn run(&self) -> String {
        let text = match compile(&CaseLoader(&self.files), ROOT, &self.options) {
            Ok(outcome) => render_all(&outcome.warnings, outcome.schema.sources()),
            Err(Failure::Invalid(report)) => report.render(),
            Err(failure) => panic!("{failure}"),
        };
        if text.is_empty() { "nothing\n".to_owned() } else { text }
    }
}

/// Files in memory, besides one that cannot be read.
struct CaseLoader<'a>(&'a MemoryLoader);

impl Loader for CaseLoader<'_> {
    fn resolve(&self, path: &Path, including: Option<&FileName>) -> Result<FileName, NotFound> {
        if path == Path::new(UNREADABLE) { Ok(FileName::new(UNREADABLE)) } else { self.0.resolve(path, including) }
    }

    fn read(&self, file: &FileName) -> io::Result<Vec<u8>> {
        if &*file.display == UNREADABLE { Err(io::ErrorKind::IsADirectory.into()) } else { self.0.read(file) }
    }
}

fn first_difference(expected: &str, found: &str) -> String {
    let mut heading = "";
    for (expected, found) in expected.lines().zip(found.lines()) {
        if expected.starts_with('#') {
            heading = expected;
        }
        if expected != found {
            return format!("{heading}\n  expected: {expected}\n  found:    {found}");
        }
    }
    format!("{heading}\n  one is longer than the other")
}
