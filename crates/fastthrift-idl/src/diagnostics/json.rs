use std::fmt::{Display, Write};

use fastthrift_schema::{Arena, Source, Span};

use super::{Diagnostic, Label};

/// One diagnostic as a JSON object on one line, without a line break.
///
/// Its members are `code`, `name`, `severity` ("error" or "warning"), `message`, `filename`, `line`, `column`, `end_line`, `end_column`
/// (lines and columns count from 1, columns in code points, and the end is behind the last character), `source_line`, `hint` (text or
/// null), and `related`: other places, objects with `filename`, `line`, `column` and `text`.
pub fn render_json(diagnostic: &Diagnostic, sources: &Arena<Source>) -> String {
    let Place { file, line, column } = Place::of(diagnostic.span, sources);
    let end = sources[diagnostic.span.source].line_column(diagnostic.span.end);
    let related: Vec<String> = diagnostic.labels.iter().map(|label| related(label, sources)).collect();
    object(&[
        ("code", quoted(diagnostic.code.number())),
        ("name", quoted(diagnostic.code.name())),
        ("severity", quoted(&diagnostic.severity.to_string())),
        ("message", quoted(&diagnostic.message)),
        ("filename", quoted(file)),
        ("line", line.to_string()),
        ("column", column.to_string()),
        ("end_line", end.line.to_string()),
        ("end_column", end.column.to_string()),
        ("source_line", quoted(sources[diagnostic.span.source].line(line))),
        ("hint", diagnostic.hint.as_deref().map_or_else(|| "null".to_owned(), quoted)),
        ("related", format!("[{}]", related.join(", "))),
    ])
}

/// That a file could not be read, in the form of [`render_json`]: what is not known of it is null.
pub(crate) fn failure_json(filename: &str, message: &str) -> String {
    let null = || "null".to_owned();
    object(&[
        ("code", null()),
        ("name", null()),
        ("severity", quoted("error")),
        ("message", quoted(message)),
        ("filename", quoted(filename)),
        ("line", null()),
        ("column", null()),
        ("end_line", null()),
        ("end_column", null()),
        ("source_line", null()),
        ("hint", null()),
        ("related", "[]".to_owned()),
    ])
}

/// Where a span starts.
struct Place<'a> {
    file: &'a str,
    line: u32,
    column: u32,
}

impl<'a> Place<'a> {
    fn of(span: Span, sources: &'a Arena<Source>) -> Self {
        let source = &sources[span.source];
        let start = source.line_column(span.start);
        Self { file: &source.name, line: start.line, column: start.column }
    }
}

fn related(label: &Label, sources: &Arena<Source>) -> String {
    let Place { file, line, column } = Place::of(label.span, sources);
    object(&[
        ("filename", quoted(file)),
        ("line", line.to_string()),
        ("column", column.to_string()),
        ("text", quoted(&label.text)),
    ])
}

/// A JSON object of members whose values are JSON already.
fn object(members: &[(&str, impl Display)]) -> String {
    let members: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
    format!("{{{}}}", members.join(", "))
}

/// A JSON string (RFC 8259, section 7).
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            _ if character.is_control() || matches!(character, '\u{2028}' | '\u{2029}') => {
                let _ = write!(out, "\\u{:04x}", u32::from(character));
            }
            _ => out.push(character),
        }
    }
    out.push('"');
    out
}
