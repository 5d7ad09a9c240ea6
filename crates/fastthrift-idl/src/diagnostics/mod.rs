//! Diagnostics as data, and as text.

mod code;
mod json;
mod render;
mod sink;

use std::fmt;

use fastthrift_schema::{Arena, LineColumn, Source, Span};

pub use code::Code;
pub(crate) use json::failure_json;
pub use json::render_json;
pub use render::{render, render_all, render_errors};
pub(crate) use sink::Sink;

/// How grave a diagnostic is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// There is no schema.
    Error,
    /// There is a schema; somebody should look at this.
    Warning,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
        })
    }
}

/// One finding about the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What it is about.
    pub code: Code,
    /// How grave it is.
    pub severity: Severity,
    /// One sentence without a full stop: what was expected, and what came.
    pub message: String,
    /// Where.
    pub span: Span,
    /// Other places that have to do with it.
    pub labels: Vec<Label>,
    /// What would help.
    pub hint: Option<String>,
}

/// A place that has to do with a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// In which way.
    pub text: String,
}

impl Diagnostic {
    pub(crate) fn new(code: Code, span: Span, message: impl Into<String>) -> Self {
        let severity = code.severity(crate::Dialect::Extended);
        Self { code, severity, message: message.into(), span, labels: Vec::new(), hint: None }
    }

    pub(crate) fn label(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// The name of the file, and the line and column in it.
    pub fn place<'a>(&self, sources: &'a Arena<Source>) -> (&'a str, LineColumn) {
        let source = &sources[self.span.source];
        (&source.name, source.line_column(self.span.start))
    }
}

/// How many characters of a name or token a message repeats at most.
const QUOTED_CHARACTERS: usize = 60;

/// A name or token in backticks, cut when it is long.
pub(crate) fn quote(text: &str) -> String {
    match text.char_indices().nth(QUOTED_CHARACTERS) {
        Some((end, _)) => format!("`{}...`", &text[..end]),
        None => format!("`{text}`"),
    }
}
