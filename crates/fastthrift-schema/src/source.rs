use std::sync::Arc;

use crate::Id;

/// Names a file of the schema.
pub type SourceId = Id<Source>;

/// One file as it was read.
#[derive(Debug, Clone)]
pub struct Source {
    /// The name as a user would write it: a path, or the name given with a string.
    pub name: Arc<str>,
    /// The text. Bytes that are not UTF-8 were replaced by U+FFFD.
    pub text: Arc<str>,
    /// The byte offset at which each line starts; the first is 0.
    line_starts: Arc<[u32]>,
}

impl Source {
    /// Takes a file's name and text.
    ///
    /// # Panics
    /// When the text is 4 GiB or longer; the front end refuses such files before.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        let text = text.into();
        assert!(u32::try_from(text.len()).is_ok(), "invariant: a source is shorter than 4 GiB");
        let breaks = text.bytes().zip(1u32..).filter(|&(byte, _)| byte == b'\n').map(|(_, next)| next);
        let line_starts = std::iter::once(0).chain(breaks).collect();
        Self { name: name.into(), text, line_starts }
    }

    /// The place of a byte offset, as editors count.
    pub fn line_column(&self, offset: u32) -> LineColumn {
        let line = self.line_starts.partition_point(|&start| start <= offset) - 1;
        let start = self.line_starts[line] as usize;
        let end = (offset as usize).min(self.text.len()).max(start);
        let before = self.text.get(start..end).unwrap_or_default();
        let number = |n: usize| u32::try_from(n).expect("invariant: a source is shorter than 4 GiB");
        LineColumn { line: number(line + 1), column: number(before.chars().count() + 1) }
    }

    /// The text of a line (counted from 1) without its line break; empty past the end.
    pub fn line(&self, line: u32) -> &str {
        let index = line as usize;
        let Some(&start) = index.checked_sub(1).and_then(|index| self.line_starts.get(index)) else { return "" };
        let end = self.line_starts.get(index).map_or(self.text.len(), |&next| next as usize);
        self.text[start as usize..end].trim_end_matches(['\n', '\r'])
    }
}

/// A place in a text: both numbers count from 1, the column in Unicode code points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LineColumn {
    /// The line.
    pub line: u32,
    /// The column.
    pub column: u32,
}

/// A range of bytes of one source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_lines_and_code_points_from_one() {
        let source = Source::new("a.thrift", "ab\r\nÄöx\n");
        assert_eq!(source.line_column(0), LineColumn { line: 1, column: 1 });
        assert_eq!(source.line_column(8), LineColumn { line: 2, column: 3 });
        assert_eq!(source.line_column(1_000), LineColumn { line: 3, column: 1 });
        assert_eq!((source.line(1), source.line(2), source.line(3), source.line(9)), ("ab", "Äöx", "", ""));
    }
}
