use std::fmt::Write;

use fastthrift_schema::{Arena, Source, Span};

use super::{Diagnostic, Severity};
use crate::token::index;

/// How many characters of a source line are shown at most.
const LINE_WIDTH: usize = 120;
/// How many characters are shown before the marked place of a line that is cut.
const CUT_BEFORE: usize = 40;

/// One diagnostic as text: message, place, the source line with the place marked, and the hint. Ends with a line break.
pub fn render(diagnostic: &Diagnostic, sources: &Arena<Source>) -> String {
    let mut out = format!("{}[{}]: {}\n", diagnostic.severity, diagnostic.code, printable(&diagnostic.message));
    let spans = std::iter::once(diagnostic.span).chain(diagnostic.labels.iter().map(|label| label.span));
    let last_line = spans.map(|span| sources[span.source].line_column(span.start).line).max().unwrap_or(1);
    let gutter = " ".repeat(last_line.to_string().len());
    snippet(&mut out, sources, diagnostic.span, "-->", '^', "", &gutter);
    for label in &diagnostic.labels {
        snippet(&mut out, sources, label.span, ":::", '-', &label.text, &gutter);
    }
    if let Some(hint) = &diagnostic.hint {
        let _ = writeln!(out, "{gutter} = help: {}", printable(hint));
    }
    out
}

/// Diagnostics as text, each followed by an empty line, and a line that counts them.
pub fn render_all(diagnostics: &[Diagnostic], sources: &Arena<Source>) -> String {
    render_some(diagnostics, sources, |_| true)
}

/// The errors among diagnostics as text, and a line that counts errors and warnings.
pub fn render_errors(diagnostics: &[Diagnostic], sources: &Arena<Source>) -> String {
    render_some(diagnostics, sources, |diagnostic| diagnostic.severity == Severity::Error)
}

fn render_some(diagnostics: &[Diagnostic], sources: &Arena<Source>, is_shown: impl Fn(&Diagnostic) -> bool) -> String {
    let mut out = String::new();
    for diagnostic in diagnostics.iter().filter(|diagnostic| is_shown(diagnostic)) {
        out.push_str(&render(diagnostic, sources));
        out.push('\n');
    }
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity == severity).count();
    let counted = |count, what| match count {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{count} {what}s")),
    };
    let errors = counted(count(Severity::Error), "error");
    let warnings = counted(count(Severity::Warning), "warning");
    let counts: Vec<String> = errors.into_iter().chain(warnings).collect();
    if !counts.is_empty() {
        let _ = writeln!(out, "{}", counts.join(", "));
    }
    out
}

fn snippet(out: &mut String, sources: &Arena<Source>, span: Span, arrow: &str, mark: char, label: &str, gutter: &str) {
    let source = &sources[span.source];
    let place = source.line_column(span.start);
    let _ = writeln!(out, "{gutter}{arrow} {}:{}:{}", printable(&source.name), place.line, place.column);
    let line = source.line(place.line);
    let before = index(place.column - 1);
    let marked = source.text.get(index(span.start)..index(span.end)).unwrap_or_default();
    let marked = marked.split(['\n', '\r']).next().unwrap_or_default().chars().count();
    let view = View::new(line, before, marked);
    let number = place.line.to_string();
    let pad = " ".repeat(gutter.len() - number.len());
    let _ = writeln!(out, "{gutter} |");
    let _ = writeln!(out, "{pad}{number} | {}", view.text);
    let marks = mark.to_string().repeat(view.marked.max(1));
    let _ = writeln!(out, "{gutter} | {}", format!("{}{marks} {label}", " ".repeat(view.before)).trim_end());
}

/// The part of a line that is shown: tabs are four blanks, and a long line is cut on both sides of the marked place.
struct View {
    text: String,
    before: usize,
    marked: usize,
}

impl View {
    fn new(line: &str, before: usize, marked: usize) -> Self {
        let is_cut = line.chars().nth(LINE_WIDTH).is_some();
        let skipped = if is_cut { before.saturating_sub(CUT_BEFORE) } else { 0 };
        let mut view = Self { text: String::new(), before: 0, marked: 0 };
        if skipped > 0 {
            view.text.push_str("...");
            view.before = 3;
        }
        let mut characters = line.chars().skip(skipped);
        for (shown, character) in characters.by_ref().take(LINE_WIDTH).enumerate() {
            let at = skipped + shown;
            let width = if character == '\t' { 4 } else { 1 };
            if at < before {
                view.before += width;
            } else if at < before + marked {
                view.marked += width;
            }
            push_printable(&mut view.text, character);
        }
        if characters.next().is_some() {
            view.text.push_str("...");
        }
        view.text.truncate(view.text.trim_end().len());
        view
    }
}

/// Text without characters that would steer a terminal.
fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        push_printable(&mut out, character);
    }
    out
}

fn push_printable(out: &mut String, character: char) {
    match character {
        '\t' => out.push_str("    "),
        _ if character.is_control() || is_bidirectional(character) => out.push('\u{FFFD}'),
        _ => out.push(character),
    }
}

/// Characters that reorder the text around them, and so could show another text than there is.
fn is_bidirectional(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}' | '\u{200E}' | '\u{200F}')
}
