use std::sync::Arc;

use crate::token::TextRange;

/// The text of a file as the parser sees it: UTF-8, without a byte order mark.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    pub(crate) text: Arc<str>,
    /// Where bytes that were not UTF-8 stood, in order.
    replaced: Vec<Replaced>,
}

#[derive(Debug, Clone)]
struct Replaced {
    /// Where the U+FFFD that stands for them begins.
    at: u32,
    bytes: Box<[u8]>,
}

const REPLACEMENT: &str = "\u{FFFD}";

impl Text {
    /// Decodes a file. Bytes that are not UTF-8 become U+FFFD and are remembered. `None` when the text has 4 GiB or more.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        let (text, replaced) = match std::str::from_utf8(bytes) {
            Ok(text) => (Arc::from(text), Vec::new()),
            Err(_) => decode_lossily(bytes)?,
        };
        u32::try_from(text.len()).ok().filter(|&len| len < u32::MAX)?;
        Some(Self { text, replaced })
    }

    /// The text of a file that is not read.
    pub(crate) fn empty() -> Self {
        Self { text: Arc::from(""), replaced: Vec::new() }
    }

    /// Whether all of the range was UTF-8 in the file.
    pub(crate) fn is_utf8(&self, range: TextRange) -> bool {
        self.replaced_in(range).is_empty()
    }

    /// The value of a string literal, quotes and escapes resolved, as the bytes of the file.
    pub(crate) fn literal_bytes(&self, range: TextRange) -> Vec<u8> {
        let inner = TextRange { start: range.start + 1, end: range.end.saturating_sub(1).max(range.start + 1) };
        let mut bytes = Vec::with_capacity(inner.of(&self.text).len());
        let mut from = inner.start;
        for replaced in self.replaced_in(inner) {
            unescape(TextRange { start: from, end: replaced.at }.of(&self.text), &mut bytes);
            bytes.extend_from_slice(&replaced.bytes);
            from = replaced.at + 3;
        }
        unescape(TextRange { start: from, end: inner.end }.of(&self.text), &mut bytes);
        bytes
    }

    fn replaced_in(&self, range: TextRange) -> &[Replaced] {
        let first = self.replaced.partition_point(|replaced| replaced.at < range.start);
        let end = self.replaced.partition_point(|replaced| replaced.at < range.end);
        &self.replaced[first..end.max(first)]
    }
}

fn decode_lossily(bytes: &[u8]) -> Option<(Arc<str>, Vec<Replaced>)> {
    let mut text = String::with_capacity(bytes.len());
    let mut replaced = Vec::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        if !chunk.invalid().is_empty() {
            replaced.push(Replaced { at: u32::try_from(text.len()).ok()?, bytes: chunk.invalid().into() });
            text.push_str(REPLACEMENT);
        }
    }
    Some((text.into(), replaced))
}

fn unescape(text: &str, into: &mut Vec<u8>) {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => into.extend(bytes.next().map(unescaped)),
            _ => into.push(byte),
        }
    }
}

/// What a backslash and this byte stand for. Other escapes were reported by the lexer.
fn unescaped(byte: u8) -> u8 {
    match byte {
        b'r' => b'\r',
        b'n' => b'\n',
        b't' => b'\t',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn literal(bytes: &[u8]) -> Vec<u8> {
        let text = Text::decode(bytes).unwrap();
        text.literal_bytes(TextRange { start: 0, end: u32::try_from(text.text.len()).unwrap() })
    }

    #[test]
    fn escapes_and_quotes_of_a_literal_are_resolved() {
        assert_eq!(literal(br#""a\n\t\r\\\"\'b""#), b"a\n\t\r\\\"'b");
        assert_eq!(literal(b"''"), b"");
    }

    #[test]
    fn bytes_that_are_not_utf8_come_back_as_they_were() {
        assert_eq!(literal(b"\"a\xFF\xFEb\\n\xC3\""), b"a\xFF\xFEb\n\xC3");
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(&*Text::decode(b"\xEF\xBB\xBFab").unwrap().text, "ab");
    }
}
