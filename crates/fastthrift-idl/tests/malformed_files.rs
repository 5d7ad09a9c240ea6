//! Compiles a folder of malformed files and compares what is said about them with a table.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Diagnostic, Dialect, Failure, Options, Severity, compile};
use fastthrift_schema::{Arena, Source};

/// Cases that are errors for Apache's compiler alone: the extended dialect takes them with a warning at the same place.
const PORTABILITY: [&str; 6] = [
    "fld_id_negative",
    "syn_const_annotation",
    "syn_header_semicolon",
    "syn_include_after_definition",
    "syn_namespace_after_definition",
    "typ_default_forward_struct",
];

#[test]
fn every_malformed_file_gives_what_the_table_says() {
    let Some(folder) = common::shared("idl-bad") else { return };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/idl-cases/malformed.tsv");
    let mut table = "case\textended\tapache\n".to_owned();
    for case in cases(&folder) {
        let name = name(&case);
        let [extended, apache] = [Dialect::Extended, Dialect::Apache].map(|dialect| places(&run(&case, dialect)));
        writeln!(table, "{name}\t{extended}\t{apache}").unwrap();
    }
    if std::env::var_os("UPDATE_IDL_CASES").is_some() {
        fs::write(&path, &table).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (expected, found) in expected.lines().zip(table.lines()) {
        assert_eq!(expected, found);
    }
    assert_eq!(expected.lines().count(), table.lines().count());
}

#[test]
fn every_malformed_file_is_as_grave_as_its_first_line_says() {
    let Some(folder) = common::shared("idl-bad") else { return };
    for case in cases(&folder) {
        let name = name(&case);
        let text = String::from_utf8_lossy(&fs::read(&case).unwrap()).into_owned();
        let Some(expected) = text.lines().next().and_then(|line| line.strip_prefix("// EXPECT: ")) else { continue };
        let expected = expected.split(' ').next().unwrap();
        let extended = gravest(&run(&case, Dialect::Extended));
        let apache = gravest(&run(&case, Dialect::Apache));
        let is_portability = PORTABILITY.contains(&name.as_str());
        match expected {
            _ if is_portability => {
                assert_eq!((extended, apache), (Some(Severity::Warning), Some(Severity::Error)), "{name}");
            }
            "error" => assert_eq!((extended, apache), (Some(Severity::Error), Some(Severity::Error)), "{name}"),
            "warning" | "error/warning" | "warning/error" | "warning/rename" => {
                assert_eq!((extended, apache), (Some(Severity::Warning), Some(Severity::Warning)), "{name}");
            }
            "ok" | "ok-but-tricky" | "ok/limit" => assert_eq!((extended, apache), (None, None), "{name}"),
            other => panic!("{name}: unknown expectation {other}"),
        }
    }
}

type Found = (Vec<Diagnostic>, Arena<Source>);

fn run(path: &Path, dialect: Dialect) -> Found {
    let mut options = Options::default();
    options.dialect = dialect;
    match compile(&FileLoader::default(), path, &options) {
        Ok(outcome) => (outcome.warnings, outcome.schema.sources().clone()),
        Err(Failure::Invalid(report)) => (report.diagnostics, report.sources),
        Err(failure) => panic!("{failure}"),
    }
}

/// `error E0501 2:15, warning W0302 3:1`
fn places((diagnostics, sources): &Found) -> String {
    let place = |diagnostic: &Diagnostic| {
        let (_, place) = diagnostic.place(sources);
        format!("{} {} {}:{}", diagnostic.severity, diagnostic.code, place.line, place.column)
    };
    diagnostics.iter().map(place).collect::<Vec<_>>().join(", ")
}

fn gravest((diagnostics, _): &Found) -> Option<Severity> {
    diagnostics.iter().map(|diagnostic| diagnostic.severity).min()
}

fn cases(folder: &Path) -> Vec<PathBuf> {
    let is_case = |path: &PathBuf| path.parent() == Some(folder);
    common::thrift_files(folder).into_iter().filter(is_case).collect()
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}
