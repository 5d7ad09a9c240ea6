//! Doc comments of Thrift as rustdoc.

use crate::Writer;

/// Writes a doc comment; nothing for none.
pub(super) fn write_doc(writer: &mut Writer, doc: Option<&str>) {
    for line in doc.map(markdown).unwrap_or_default() {
        writer.line(if line.is_empty() { "///".to_owned() } else { format!("/// {line}") });
    }
}

/// Lines of Markdown that show the text, without anything that rustdoc or clippy warns of.
///
/// Lists and fenced blocks stay what they are. A block that is indented by four columns after an empty line is fenced, since rustdoc would
/// take it for a program. Brackets, angle brackets and addresses outside of code are written so that they stand for themselves.
pub(super) fn markdown(text: &str) -> Vec<String> {
    let mut page = Page::default();
    for line in text.lines() {
        page.line(line.trim_end());
    }
    page.finish()
}

/// What surrounds a line.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Block {
    #[default]
    Text,
    /// Inside an item whose text begins at this column.
    Item(usize),
    /// Between ``` and ```.
    Fence,
    /// An indented block, fenced by us.
    Indented,
}

#[derive(Debug, Default)]
struct Page {
    lines: Vec<String>,
    block: Block,
}

impl Page {
    fn line(&mut self, line: &str) {
        let text = line.trim_start();
        let indent = columns(&line[..line.len() - text.len()]);
        match self.block {
            Block::Fence => self.fenced(line, text),
            Block::Indented if text.is_empty() || indent >= 4 => self.push(line.replace('\t', "    ")),
            Block::Indented => {
                self.close_indented();
                self.outside(text, indent);
            }
            Block::Text | Block::Item(_) => self.outside(text, indent),
        }
    }

    fn fenced(&mut self, line: &str, text: &str) {
        if text.starts_with("```") {
            self.block = Block::Text;
            self.push("```".to_owned());
        } else {
            self.push(line.replace('\t', "    "));
        }
    }

    fn outside(&mut self, text: &str, indent: usize) {
        if text.is_empty() {
            if self.lines.last().is_some_and(|last| !last.is_empty()) {
                self.push(String::new());
            }
        } else if text.starts_with("```") {
            self.block = Block::Fence;
            self.push("```text".to_owned());
        } else if indent >= 4 && self.block == Block::Text && self.is_after_blank() {
            self.block = Block::Indented;
            self.push("```text".to_owned());
            self.push(format!("{}{text}", " ".repeat(indent)));
        } else if let Some((marker, rest)) = list_item(text) {
            self.item(marker, rest);
        } else {
            self.text(text);
        }
    }

    /// A list begins after an empty line, so that the text before it does not run on.
    fn item(&mut self, marker: &str, rest: &str) {
        if self.block == Block::Text && !self.is_after_blank() && !self.lines.is_empty() {
            self.push(String::new());
        }
        self.block = Block::Item(marker.len() + 1);
        self.push(format!("{marker} {}", inline(rest)));
    }

    fn text(&mut self, text: &str) {
        if let (Block::Item(_), true) = (self.block, self.is_after_blank()) {
            self.block = Block::Text;
        }
        let indent = if let Block::Item(column) = self.block { column } else { 0 };
        self.push(format!("{}{}", " ".repeat(indent), block_start(&inline(text))));
    }

    fn is_after_blank(&self) -> bool {
        self.lines.last().is_some_and(String::is_empty)
    }

    fn push(&mut self, line: String) {
        if !(line.is_empty() && self.lines.is_empty()) {
            self.lines.push(line);
        }
    }

    fn close_indented(&mut self) {
        let blanks = self.lines.iter().rev().take_while(|line| line.is_empty()).count();
        self.lines.truncate(self.lines.len() - blanks);
        self.lines.push("```".to_owned());
        self.lines.extend((0..blanks.min(1)).map(|_| String::new()));
        self.block = Block::Text;
    }

    fn finish(mut self) -> Vec<String> {
        match self.block {
            Block::Indented => self.close_indented(),
            Block::Fence => self.lines.push("```".to_owned()),
            Block::Text | Block::Item(_) => {}
        }
        while self.lines.last().is_some_and(String::is_empty) {
            self.lines.pop();
        }
        self.lines
    }
}

fn columns(space: &str) -> usize {
    space.chars().map(|c| if c == '\t' { 4 } else { 1 }).sum()
}

/// The marker of a list item and its text.
fn list_item(text: &str) -> Option<(&str, &str)> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let marker = match text.as_bytes().get(digits) {
        Some(b'.' | b')') if (1..=9).contains(&digits) => digits + 1,
        Some(b'-' | b'*' | b'+') if digits == 0 => 1,
        _ => return None,
    };
    let rest = text.get(marker..)?.strip_prefix(' ')?.trim_start();
    // An item without text, or one whose text is a list again, is no list that anybody meant.
    (!rest.is_empty() && list_item(rest).is_none()).then_some((&text[..marker], rest))
}

/// The line with an escape before what would make it a heading, a rule or a list.
fn block_start(text: &str) -> String {
    let is_rule = text.chars().all(|c| matches!(c, '-' | '=' | '_' | ' ' | '#' | '~'));
    if is_rule || text.starts_with(['|', '+', '=', '~']) || text == "-" || text.starts_with("- ") {
        return format!("\\{text}");
    }
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    match text[digits..].strip_prefix(['.', ')']) {
        Some(rest) if digits > 0 && (rest.is_empty() || rest.starts_with(' ')) => {
            format!("{}\\{}", &text[..digits], &text[digits..])
        }
        _ => text.to_owned(),
    }
}

/// The line with what is no code made to stand for itself.
fn inline(text: &str) -> String {
    // An odd number of backticks opens code that nothing closes: then none of them is code.
    let is_balanced = text.matches('`').count().is_multiple_of(2);
    let mut out = String::with_capacity(text.len() + 8);
    for (place, part) in text.split('`').enumerate() {
        if place > 0 {
            out.push_str(if is_balanced { "`" } else { "\\`" });
        }
        if is_balanced && place % 2 == 1 {
            out.push_str(part);
        } else {
            plain(part, &mut out);
        }
    }
    out
}

fn plain(mut text: &str, out: &mut String) {
    while let Some(start) = ["http://", "https://"].iter().filter_map(|scheme| text.find(scheme)).min() {
        escape(&text[..start], out);
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || "<>\"'`|()[]{}".contains(c)).unwrap_or(rest.len());
        let address = rest[..end].trim_end_matches(['.', ',', ';', ':', '!', '?']);
        if address.ends_with("//") {
            escape(address, out);
        } else {
            out.extend(["<", address, ">"]);
        }
        text = &rest[address.len()..];
    }
    escape(text, out);
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        if matches!(c, '[' | ']' | '<' | '>' | '*' | '\\') {
            out.push('\\');
        }
        match c {
            '\t' => out.push(' '),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stands_for_itself() {
        assert_eq!(markdown("a [b] <c> `Vec<T>` *d*"), ["a \\[b\\] \\<c\\> `Vec<T>` \\*d\\*"]);
        assert_eq!(markdown("see (http://a.b/c_d)."), ["see (<http://a.b/c_d>)."]);
        assert_eq!(markdown("an odd ` tick <x>"), ["an odd \\` tick \\<x\\>"]);
    }

    #[test]
    fn lists_keep_their_items_together() {
        assert_eq!(markdown("one of:\n - a\n   b\n- c\nd\n\ne"), ["one of:", "", "- a", "  b", "- c", "  d", "", "e"]);
        assert_eq!(markdown("1) a\nb"), ["1) a", "   b"]);
    }

    #[test]
    fn indented_blocks_are_no_programs() {
        assert_eq!(
            markdown("a\n\n      fn x\n\n    y\nb"),
            ["a", "", "```text", "      fn x", "", "    y", "```", "b"]
        );
        assert_eq!(markdown("```\nx"), ["```text", "x", "```"]);
    }

    #[test]
    fn rules_and_quotations_are_text() {
        assert_eq!(markdown("a\n---\n> b\n# c"), ["a", "\\---", "\\> b", "# c"]);
    }
}
