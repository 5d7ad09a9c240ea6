//! Thrift IDL text to a resolved schema, with diagnostics.
//!
//! [`compile`] takes a root file and a [`Loader`] and gives a [`Schema`] or all the errors of the run. [`parse`] stops at the syntax tree
//! and keeps comments and tokens, for tools that work on the text. Diagnostics are data; [`render`] makes text of them.
//!
//! The grammar is Apache Thrift 0.25's and a superset of it; [`Dialect`] says what becomes of the difference. The compiler does no IO:
//! files come from the loader, of which this crate has one for files in memory, and with the feature `fs` one for files on disk.

pub mod ast;
pub mod doc_comment;
pub mod token;

mod check;
mod diagnostics;
mod lexer;
mod load;
mod loader;
mod parser;
mod resolve;
mod text;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastthrift_schema::{Arena, Schema, Source, SourceId};

pub use check::{Check, Format};
pub use diagnostics::{Code, Diagnostic, Label, Severity, render, render_all, render_errors, render_json};
#[cfg(feature = "fs")]
pub use loader::fs;
pub use loader::{FileName, Loader, MemoryLoader, NotFound};

/// What becomes of text that Apache Thrift 0.25 refuses although its meaning is clear, such as `;` after a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Dialect {
    /// It is accepted, with a warning.
    #[default]
    Extended,
    /// It is an error.
    Apache,
}

/// How to compile.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// What to accept. Default: [`Dialect::Extended`].
    pub dialect: Dialect,
    /// Whether an included file that is not found is a warning instead of an error. Default: no.
    pub allow_missing_includes: bool,
    /// Whether a name that only a missing included file could define is an error, even where that file may be missing: who generates code
    /// needs to know what names mean. Default: no.
    pub needs_every_name: bool,
    /// How many errors are kept; the others are counted. Default: 100.
    pub max_errors: usize,
    /// The size in bytes above which a file is refused. Default: 64 MiB.
    pub max_file_size: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            dialect: Dialect::default(),
            allow_missing_includes: false,
            needs_every_name: false,
            max_errors: 100,
            max_file_size: 64 << 20,
        }
    }
}

/// What a run without errors gives.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The meaning of the root file and all that it includes. It has the sources, too.
    pub schema: Arc<Schema>,
    /// What somebody should look at, by file, line and column.
    pub warnings: Vec<Diagnostic>,
}

/// Why there is no schema.
#[derive(Debug)]
pub enum Failure {
    /// The root file does not exist.
    RootNotFound {
        /// The path as it was given.
        path: PathBuf,
        /// The places that were looked at.
        searched: Vec<String>,
    },
    /// The root file exists and cannot be read.
    RootUnreadable {
        /// The path as it was given.
        path: PathBuf,
        /// What the loader said.
        error: io::Error,
    },
    /// The text is not right.
    Invalid(Report),
}

/// Diagnostics with the sources that they point to.
#[derive(Debug, Clone)]
pub struct Report {
    /// Errors and warnings, by file, line and column; the root file is the first. At least one is an error.
    pub diagnostics: Vec<Diagnostic>,
    /// The files that were read.
    pub sources: Arena<Source>,
}

impl Report {
    /// The errors alone.
    pub fn errors(&self) -> impl Iterator<Item = &Diagnostic> {
        self.diagnostics.iter().filter(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// All of it as text.
    pub fn render(&self) -> String {
        render_all(&self.diagnostics, &self.sources)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootNotFound { path, .. } => write!(f, "cannot read {}: {}", path.display(), load::NOT_THERE),
            Self::RootUnreadable { path, error } => {
                write!(f, "cannot read {}: {}", path.display(), load::unreadable(error))
            }
            Self::Invalid(report) => f.write_str(&report.render()),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::RootUnreadable { error, .. } => Some(error),
            _ => None,
        }
    }
}

/// Compiles a root file and everything that it includes.
///
/// # Errors
/// All errors of the run at once, up to the limit that the options set. Time and memory are linear in the size of the files, whatever is
/// in them.
pub fn compile(loader: &dyn Loader, root: impl AsRef<Path>, options: &Options) -> Result<Outcome, Failure> {
    compile_all(loader, &[root], options)
}

/// Compiles several root files and everything that they include, each file once, into one schema whose first programs are the roots.
/// Without any root it is empty.
///
/// # Errors
/// As [`compile`]; a root that cannot be read ends the run.
pub fn compile_all<P: AsRef<Path>>(loader: &dyn Loader, roots: &[P], options: &Options) -> Result<Outcome, Failure> {
    let mut sink = diagnostics::Sink::new(options.dialect, options.max_errors);
    let files = load::load(loader, roots, options, &mut sink)?;
    resolve::resolve(files, options, sink)
}

/// A file's syntax, with all that a tool needs to give the text back.
#[derive(Debug, Clone)]
pub struct Parsed {
    /// The file's name and text.
    pub source: Source,
    /// The tree.
    pub file: ast::File,
    /// Every token; the last is the end of the file.
    pub tokens: Vec<token::Token>,
    /// Every comment.
    pub comments: Vec<token::Comment>,
    /// What is wrong with the syntax, by line and column. Spans have the source id 0.
    pub diagnostics: Vec<Diagnostic>,
}

/// Parses one file without following its includes or looking at the meaning of names. Always gives a tree, of what could be read.
pub fn parse(name: &str, bytes: &[u8], options: &Options) -> Parsed {
    let mut sink = diagnostics::Sink::new(options.dialect, options.max_errors);
    let id = SourceId::new(0);
    let text = text::Text::decode(bytes).filter(|text| text.text.len() <= options.max_file_size);
    if text.is_none() {
        let span = token::TextRange { start: 0, end: 0 }.in_source(id);
        sink.push(Diagnostic::new(Code::FileTooLarge, span, format!("the limit is {} bytes", options.max_file_size)));
    }
    let text = text.unwrap_or_else(text::Text::empty);
    let lexed = lexer::lex(&text, id, &mut sink);
    let file = parser::parse(&text, &lexed, id, &mut sink).file;
    let source = Source::new(name, text.text.clone());
    Parsed { source, file, tokens: lexed.tokens, comments: lexed.comments, diagnostics: sink.into_diagnostics() }
}

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
