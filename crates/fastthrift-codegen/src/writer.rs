use std::fmt::Display;

/// Writes indented lines.
#[derive(Debug, Default)]
pub struct Writer {
    text: String,
    depth: usize,
}

/// How wide a line may be before a call's arguments get a line each.
const WIDTH: usize = 120;
/// One step of indentation.
const STEP: &str = "    ";

impl Writer {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty text whose lines are so many steps further in.
    pub fn at(depth: usize) -> Self {
        Self { text: String::new(), depth }
    }

    /// Adds whole lines as they are.
    pub fn raw(&mut self, lines: &str) {
        self.text.push_str(lines);
    }

    /// Writes one line at the indentation of the moment; an empty one has none.
    pub fn line(&mut self, line: impl Display) {
        let start = self.text.len();
        self.text.extend(std::iter::repeat_n(STEP, self.depth));
        let indented = self.text.len();
        self.text.push_str(&line.to_string());
        if self.text.len() == indented {
            self.text.truncate(start);
        }
        self.text.push('\n');
    }

    /// Writes `<start><arguments><end>` on one line, or an argument a line where that is longer than 120 columns.
    pub fn call(&mut self, start: &str, arguments: &[String], end: &str) {
        let line = format!("{start}{}{end}", arguments.join(", "));
        if self.column() + line.chars().count() <= WIDTH || arguments.is_empty() {
            return self.line(line);
        }
        self.call_in_lines(start, arguments, end);
    }

    /// Writes `<start>`, an argument a line, and `<end>`.
    pub fn call_in_lines(&mut self, start: &str, arguments: &[String], end: &str) {
        self.line(start);
        self.indented(|out| {
            for argument in arguments {
                out.line(format_args!("{argument},"));
            }
        });
        self.line(end);
    }

    /// Writes an empty line.
    pub fn blank(&mut self) {
        self.text.push('\n');
    }

    /// Writes what `body` writes one step further in.
    pub fn indented(&mut self, body: impl FnOnce(&mut Self)) {
        self.depth += 1;
        body(self);
        self.depth -= 1;
    }

    /// How many columns the indentation of the moment takes.
    pub fn column(&self) -> usize {
        self.depth * STEP.len()
    }

    /// The text so far.
    pub fn finish(self) -> String {
        self.text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_indented_and_empty_ones_are_not() {
        let mut writer = Writer::new();
        writer.line("a:");
        writer.indented(|writer| {
            writer.line("b");
            writer.line("");
            assert_eq!(writer.column(), 4);
        });
        writer.blank();
        writer.line("c");
        assert_eq!(writer.finish(), "a:\n    b\n\n\nc\n");
    }
}
