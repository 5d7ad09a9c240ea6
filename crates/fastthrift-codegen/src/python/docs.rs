//! Docstrings: doc comments between triple quotes, and what Python makes of them.

use crate::Writer;

/// What a docstring of a generated module says: its text without the indentation of the source.
///
/// A docstring that starts with a line break has its first line on the next one. Python strips the same indentation when it compiles,
/// from 3.13 on; then there is none left.
pub fn clean(docstring: &str) -> String {
    let (first, rest) = match docstring.strip_prefix('\n') {
        Some(rest) => (None, rest),
        None => match docstring.split_once('\n') {
            Some((first, rest)) => (Some(first), rest),
            None => (Some(docstring), ""),
        },
    };
    let lines = || rest.split('\n');
    let indentation = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let margin = lines().filter(|line| !line.trim().is_empty()).map(indentation).min().unwrap_or(0);
    let cut = lines().map(|line| line.get(margin.min(indentation(line))..).unwrap_or_default());
    let text: Vec<&str> = first.into_iter().chain(cut).collect();
    text.join("\n").trim_end_matches([' ', '\n']).to_owned()
}

/// Writes a docstring, where a docstring can say this very text: otherwise returns false, and the text has to go elsewhere.
pub(super) fn write(out: &mut Writer, doc: &str) -> bool {
    let Some(lines) = docstring(doc) else { return false };
    for line in lines {
        out.line(line);
    }
    true
}

/// Writes a docstring for people alone: one that nothing reads may differ from the text in blanks.
pub(super) fn write_loosely(out: &mut Writer, doc: &str) {
    let lines: Vec<&str> = doc.lines().map(str::trim_end).collect();
    let plain = lines.join("\n").replace('\t', "    ");
    let printable: String = plain.chars().filter(|c| !c.is_control() || *c == '\n').collect();
    let text = printable.trim();
    if !text.is_empty() && !write(out, text) {
        let joined: Vec<&str> = text.split_whitespace().collect();
        write(out, &joined.join(" "));
    }
}

/// The lines of a docstring's source, without indentation; none when it could not be read back.
fn docstring(doc: &str) -> Option<Vec<String>> {
    if doc.is_empty() || doc.contains(|c: char| c.is_control() && c != '\n') {
        return None;
    }
    let escaped = doc.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    let closing = if escaped.ends_with('"') { " \"\"\"" } else { "\"\"\"" };
    let lines: Vec<&str> = escaped.split('\n').collect();
    let is_blank = |line: &&&str| line.trim().is_empty() && !line.is_empty();
    if lines.iter().any(|line| is_blank(&line)) {
        return None;
    }
    let mut written: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let is_outdented = lines[1..].iter().any(|line| !line.is_empty() && !line.starts_with(' '));
    let last = written.len() - 1;
    if last == 0 && !doc.starts_with(' ') {
        written[0] = format!("\"\"\"{}{closing}", written[0]);
    } else if is_outdented && !doc.starts_with(' ') {
        written[0] = format!("\"\"\"{}", written[0]);
        written.push("\"\"\"".to_owned());
    } else {
        written.insert(0, "\"\"\"".to_owned());
        written.push("\"\"\"".to_owned());
    }
    let source: Vec<String> =
        written.iter().map(|line| if line.is_empty() { String::new() } else { format!("    {line}") }).collect();
    let body = source.join("\n");
    let body = body.strip_prefix("    \"\"\"")?.strip_suffix("\"\"\"")?;
    (clean(&unescaped(body)) == doc).then_some(written)
}

fn unescaped(body: &str) -> String {
    body.replace("\\\"", "\"").replace("\\\\", "\\")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(doc: &str) -> Option<String> {
        let mut out = Writer::new();
        write(&mut out, doc).then(|| out.finish())
    }

    #[test]
    fn one_line_stands_between_its_quotes() {
        assert_eq!(written("Says \\ it.").as_deref(), Some("\"\"\"Says \\\\ it.\"\"\"\n"));
        assert_eq!(written("Says \"it\"").as_deref(), Some("\"\"\"Says \"it\" \"\"\"\n"));
    }

    #[test]
    fn lines_that_are_all_indented_start_below_the_quotes() {
        assert_eq!(written("a\n  b\nc").as_deref(), Some("\"\"\"a\n  b\nc\n\"\"\"\n"));
        assert_eq!(written("a\n  b").as_deref(), Some("\"\"\"\na\n  b\n\"\"\"\n"));
    }

    #[test]
    fn what_a_docstring_cannot_say_is_refused() {
        for doc in ["", "a\tb", "ends \n", "a\n   \nb", "a\rb"] {
            assert_eq!(written(doc), None, "{doc:?}");
        }
    }

    #[test]
    fn indentation_of_the_source_is_no_part_of_the_text() {
        assert_eq!(clean("a\n      b\n    c\n    "), "a\n  b\nc");
        assert_eq!(clean("\n    a\n      b\n    "), "a\n  b");
        assert_eq!(clean(""), "");
    }
}
