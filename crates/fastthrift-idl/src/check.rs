//! What `fastthrift check` prints, for every front end of it.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use fastthrift_schema::{Arena, Source};

use crate::diagnostics::failure_json;
use crate::load::{NOT_THERE, unreadable};
use crate::{Diagnostic, Failure, Loader, NotFound, Options, Outcome, Severity, compile_all, render_all, render_json};

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Format {
    /// For people: each finding with its source line and the place marked, and a count at the end.
    #[default]
    Text,
    /// For programs: one JSON object a line, as [`render_json`] makes it.
    Json,
}

/// All that is to be said about some files and what they include, each file once.
#[derive(Debug, Default)]
pub struct Check {
    diagnostics: Vec<Diagnostic>,
    sources: Arena<Source>,
    /// The files that could not be read, and why.
    unreadable: Vec<(PathBuf, String)>,
}

impl Check {
    /// Compiles the files. Those that cannot be read do not keep the others from it.
    pub fn new<P: AsRef<Path>>(loader: &dyn Loader, roots: &[P], options: &Options) -> Self {
        let mut check = Self::default();
        let mut readable: Vec<&Path> = Vec::new();
        for root in roots.iter().map(AsRef::as_ref) {
            match readability(loader, root) {
                Ok(()) => readable.push(root),
                Err(reason) => check.unreadable.push((root.to_path_buf(), reason)),
            }
        }
        match compile_all(loader, &readable, options) {
            Ok(Outcome { schema, warnings }) => {
                check.diagnostics = warnings;
                check.sources = schema.sources().clone();
            }
            Err(Failure::Invalid(report)) => {
                check.diagnostics = report.diagnostics;
                check.sources = report.sources;
            }
            // It could be read a moment ago.
            Err(Failure::RootNotFound { path, .. }) => check.unreadable.push((path, NOT_THERE.to_owned())),
            Err(Failure::RootUnreadable { path, error }) => check.unreadable.push((path, unreadable(&error))),
        }
        check
    }

    /// The findings in a format; nothing when there are none.
    pub fn render(&self, format: Format) -> String {
        let name = |path: &Path| path.display().to_string();
        match format {
            Format::Text => {
                let mut out = String::new();
                for (path, why) in &self.unreadable {
                    let _ = writeln!(out, "error: cannot read {}: {why}", name(path));
                }
                out.push_str(&render_all(&self.diagnostics, &self.sources));
                out
            }
            Format::Json => {
                let unreadable = self.unreadable.iter().map(|(path, why)| failure_json(&name(path), why));
                let found = self.diagnostics.iter().map(|diagnostic| render_json(diagnostic, &self.sources));
                unreadable.chain(found).map(|line| line + "\n").collect()
            }
        }
    }

    /// The exit code of the command: 0 without errors, 1 with errors in a file, 2 when a file could not be read.
    pub fn exit_code(&self) -> u8 {
        if !self.unreadable.is_empty() {
            return 2;
        }
        u8::from(self.diagnostics.iter().any(|diagnostic| diagnostic.severity == Severity::Error))
    }
}

fn readability(loader: &dyn Loader, root: &Path) -> Result<(), String> {
    let name = loader.resolve(root, None).map_err(|NotFound { .. }| NOT_THERE.to_owned())?;
    loader.read(&name).map(drop).map_err(|error| unreadable(&error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::MemoryLoader;

    fn check(files: &[(&str, &str)], roots: &[&str]) -> Check {
        let loader = files
            .iter()
            .fold(MemoryLoader::new(), |loader, (name, text)| loader.with_file(*name, text.as_bytes().to_vec()));
        Check::new(&loader, roots, &Options::default())
    }

    #[test]
    fn right_files_have_nothing_to_say() {
        let check = check(&[("a.thrift", "struct A { 1: i32 a }")], &["a.thrift"]);
        assert_eq!((check.render(Format::Text).as_str(), check.render(Format::Json).as_str()), ("", ""));
        assert_eq!(check.exit_code(), 0);
    }

    #[test]
    fn an_included_file_is_reported_once_however_many_files_include_it() {
        let files = [
            ("a.thrift", "include 'c.thrift'\nstruct A { 1: c.C a }"),
            ("b.thrift", "include 'c.thrift'\nstruct B { 1: c.C a }"),
            ("c.thrift", "struct C { 1: Missing a }"),
        ];
        let check = check(&files, &["a.thrift", "b.thrift", "a.thrift"]);
        assert_eq!(check.render(Format::Json).lines().count(), 1);
        assert!(check.render(Format::Text).contains("c.thrift:1:15"), "{}", check.render(Format::Text));
        assert_eq!(check.exit_code(), 1);
    }

    #[test]
    fn a_file_that_is_not_there_does_not_hide_what_is_wrong_with_others() {
        let check = check(&[("a.thrift", "struct A { 1: \"\u{7}\" a }")], &["none.thrift", "a.thrift"]);
        let text = check.render(Format::Text);
        assert!(text.starts_with("error: cannot read none.thrift: no such file\n"), "{text}");
        let json = check.render(Format::Json);
        assert!(json.lines().all(|line| line.starts_with("{\"code\": ") && line.ends_with('}')), "{json}");
        assert!(json.contains("\\u0007"), "{json}");
        assert_eq!(check.exit_code(), 2);
    }

    #[test]
    fn no_file_at_all_can_be_read() {
        let check = check(&[], &["none.thrift"]);
        assert_eq!(check.render(Format::Text), "error: cannot read none.thrift: no such file\n");
        assert_eq!(check.exit_code(), 2);
    }

    #[test]
    fn a_cycle_that_the_first_file_is_not_part_of_is_found() {
        let files = [("a.thrift", "struct A {}"), ("b.thrift", "include 'b.thrift'\nstruct B {}")];
        assert_eq!(check(&files, &["a.thrift", "b.thrift"]).exit_code(), 1);
    }

    #[test]
    fn a_warning_is_no_error() {
        let check = check(&[("a.thrift", "struct A { i32 a }")], &["a.thrift"]);
        assert!(check.render(Format::Text).starts_with("warning[W0701]"));
        assert_eq!(check.exit_code(), 0);
    }
}
