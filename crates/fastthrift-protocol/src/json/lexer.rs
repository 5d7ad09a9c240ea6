use super::string::{RawString, raw_string, unescaped, unescaped_len};
use super::{Scratch, base64, number, uuid};
use crate::cursor::{Cursor, error, unexpected_end};
use crate::{DecodeError, DecodeErrorKind, Limits};

/// Reads the parts of JSON text one after another. Whitespace is accepted before each.
///
/// It knows the limits on strings and on depth; what belongs where is its user's to know.
#[derive(Debug, Clone)]
pub struct Lexer<'de> {
    pub(super) cursor: Cursor<'de>,
    scratch: &'de Scratch,
    string_limit: usize,
}

impl<'de> Lexer<'de> {
    /// At the start of `input`; what has to be unescaped or decoded goes into `scratch`.
    #[inline]
    pub fn new(input: &'de [u8], scratch: &'de Scratch, limits: Limits) -> Self {
        Self { cursor: Cursor::new(input, limits), scratch, string_limit: limits.string }
    }

    /// How many bytes were read so far.
    #[inline]
    pub fn offset(&self) -> usize {
        self.cursor.offset()
    }

    /// How many bytes are left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.cursor.remaining()
    }

    /// Counts one level of nesting, or refuses it when it is too deep.
    #[inline]
    pub fn enter(&mut self) -> Result<(), DecodeError> {
        self.cursor.enter()
    }

    /// Counts one level less.
    #[inline]
    pub fn leave(&mut self) {
        self.cursor.leave();
    }

    /// Passes whitespace and says which byte is next, without taking it; `None` at the end.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        match self.cursor.rest().first() {
            Some(&byte) if byte > b' ' => Some(byte),
            _ => self.peek_after_whitespace(),
        }
    }

    #[cold]
    fn peek_after_whitespace(&mut self) -> Option<u8> {
        let is_space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let spaces = self.cursor.rest().iter().take_while(is_space).count();
        self.cursor.advance(spaces);
        self.cursor.rest().first().copied()
    }

    /// Takes this byte, which is no whitespace, if it is next.
    #[inline]
    pub fn accept(&mut self, byte: u8) -> bool {
        let accepted = self.peek() == Some(byte);
        if accepted {
            self.cursor.advance(1);
        }
        accepted
    }

    /// Takes this word, such as `null`, if it is next.
    #[inline]
    pub fn accept_word(&mut self, word: &[u8]) -> bool {
        let accepted = self.peek() == word.first().copied() && self.cursor.rest().starts_with(word);
        if accepted {
            self.cursor.advance(word.len());
        }
        accepted
    }

    /// Takes this byte; `expected` names it in the error.
    #[inline]
    pub fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), DecodeError> {
        if self.accept(byte) { Ok(()) } else { Err(self.unexpected(expected)) }
    }

    /// An error at the next byte that is no whitespace, which is not what was expected, or is missing.
    #[cold]
    #[inline(never)]
    pub fn unexpected(&mut self, expected: &'static str) -> DecodeError {
        match self.peek() {
            Some(found) => error(DecodeErrorKind::Json { expected, found }, self.offset()),
            None => unexpected_end(1, self.offset()),
        }
    }

    /// Reads a string; its UTF-8 is not checked.
    #[inline]
    pub fn text(&mut self) -> Result<&'de [u8], DecodeError> {
        let (raw, offset) = self.raw_string()?;
        self.text_of(raw, offset)
    }

    /// Reads the name of a field: a string of any length, since the limit is for values. Its UTF-8 is not checked.
    #[inline]
    pub fn name(&mut self) -> Result<&'de [u8], DecodeError> {
        let (raw, offset) = self.raw_string()?;
        unescaped(raw, offset, self.scratch)
    }

    fn skip_name(&mut self) -> Result<(), DecodeError> {
        let (raw, offset) = self.raw_string()?;
        unescaped_len(raw, offset).map(drop)
    }

    /// The text of a raw string; `offset` is where that starts.
    #[inline]
    pub(super) fn text_of(&self, raw: RawString<'de>, offset: usize) -> Result<&'de [u8], DecodeError> {
        let text = unescaped(raw, offset, self.scratch)?;
        self.check_size(text.len(), offset)?;
        Ok(text)
    }

    /// Reads over a string with the same checks.
    pub fn skip_text(&mut self) -> Result<(), DecodeError> {
        let (raw, offset) = self.raw_string()?;
        self.check_size(unescaped_len(raw, offset)?, offset)
    }

    /// Reads a string that holds base64, padded or not.
    pub fn base64(&mut self) -> Result<&'de [u8], DecodeError> {
        let (raw, offset) = self.raw_string()?;
        let text = unescaped(raw, offset, self.scratch)?;
        base64::decode(text, self.string_limit, offset, self.scratch)
    }

    /// Reads a string that holds a UUID.
    pub fn uuid(&mut self) -> Result<[u8; 16], DecodeError> {
        let (raw, offset) = self.raw_string()?;
        let text = unescaped(raw, offset, self.scratch)?;
        uuid::parse(text).ok_or_else(|| error(DecodeErrorKind::Invalid("string is no UUID".into()), offset))
    }

    /// Reads an integer, in quotes or not.
    #[inline]
    pub fn integer(&mut self) -> Result<i64, DecodeError> {
        let quoted = self.accept(b'"');
        if !quoted {
            self.peek();
        }
        self.integer_after_quote(quoted)
    }

    /// Reads an integer in quotes, as a key of an object is.
    #[inline]
    pub fn quoted_integer(&mut self) -> Result<i64, DecodeError> {
        self.expect(b'"', "an integer in quotes")?;
        self.integer_after_quote(true)
    }

    #[inline]
    fn integer_after_quote(&mut self, quoted: bool) -> Result<i64, DecodeError> {
        let Some((value, len)) = number::integer(self.cursor.rest()) else {
            return Err(self.no_number("an integer of at most 64 bits"));
        };
        self.cursor.advance(len);
        if quoted {
            self.closing_quote()?;
        }
        Ok(value)
    }

    /// The error where no number could be read: the end of the input, where more could make one of what is there.
    #[cold]
    #[inline(never)]
    fn no_number(&mut self, expected: &'static str) -> DecodeError {
        let rest = self.cursor.rest();
        if number::is_cut_off(rest) { unexpected_end(1, self.offset() + rest.len()) } else { self.unexpected(expected) }
    }

    /// Takes the quote that ends a number; no whitespace may stand before it.
    #[inline]
    fn closing_quote(&mut self) -> Result<(), DecodeError> {
        match self.cursor.rest().first() {
            Some(b'"') => {
                self.cursor.advance(1);
                Ok(())
            }
            _ => Err(self.unexpected("a quote after the number")),
        }
    }

    /// Reads a double, in quotes or not: also `NaN`, `Infinity`, `-Infinity`, and Python's `nan`, `inf`, `-inf`.
    pub fn double(&mut self) -> Result<f64, DecodeError> {
        let quoted = self.accept(b'"');
        if !quoted {
            self.peek();
        }
        let rest = self.cursor.rest();
        let len = number::run_len(rest);
        let Some(value) = number::double(&rest[..len]) else { return Err(self.no_number("a double")) };
        self.cursor.advance(len);
        if quoted {
            self.closing_quote()?;
        }
        Ok(value)
    }

    /// Reads over any JSON value. Nested deeper than the limit it is refused; recurses no deeper than that.
    pub fn skip_value(&mut self) -> Result<(), DecodeError> {
        match self.peek() {
            Some(b'"') => self.skip_text(),
            Some(b'{') => self.skip_items(b'}', "',' or '}'", true),
            Some(b'[') => self.skip_items(b']', "',' or ']'", false),
            Some(b't') => self.skip_word(b"true"),
            Some(b'f') => self.skip_word(b"false"),
            Some(b'n') if self.cursor.rest().starts_with(b"null") => self.skip_word(b"null"),
            _ => self.double().map(drop),
        }
    }

    fn skip_word(&mut self, word: &[u8]) -> Result<(), DecodeError> {
        if self.accept_word(word) { Ok(()) } else { Err(self.unexpected("a JSON value")) }
    }

    fn skip_items(&mut self, close: u8, expected: &'static str, has_keys: bool) -> Result<(), DecodeError> {
        self.cursor.advance(1);
        self.enter()?;
        if !self.accept(close) {
            loop {
                if has_keys {
                    self.skip_name()?;
                    self.expect(b':', "':'")?;
                }
                self.skip_value()?;
                if !self.accept(b',') {
                    break;
                }
            }
            self.expect(close, expected)?;
        }
        self.leave();
        Ok(())
    }

    /// Reads a string as it stands between its quotes, and says where that is.
    #[inline]
    pub(super) fn raw_string(&mut self) -> Result<(RawString<'de>, usize), DecodeError> {
        self.expect(b'"', "a string")?;
        let offset = self.offset();
        let raw = raw_string(self.cursor.rest(), offset)?;
        self.cursor.advance(raw.bytes.len() + 1);
        Ok((raw, offset))
    }

    #[inline]
    fn check_size(&self, size: usize, offset: usize) -> Result<(), DecodeError> {
        let limit = self.string_limit;
        if size > limit {
            return Err(error(DecodeErrorKind::SizeLimit { what: "string", size, limit }, offset));
        }
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::redundant_closure_for_method_calls, reason = "a method of `Lexer` is bound to one lifetime")]
mod tests {
    use super::*;

    fn with<T>(text: &str, read: impl FnOnce(&mut Lexer<'_>) -> Result<T, DecodeError>) -> Result<T, DecodeError> {
        let (scratch, limits) = (Scratch::new(), Limits { string: 20, depth: 8, ..Limits::DEFAULT });
        let mut lexer = Lexer::new(text.as_bytes(), &scratch, limits);
        let value = read(&mut lexer)?;
        assert_eq!(lexer.remaining(), 0, "{text}");
        Ok(value)
    }

    fn failure(text: &str, read: impl FnOnce(&mut Lexer<'_>) -> Result<(), DecodeError>) -> (DecodeErrorKind, usize) {
        let error = with(text, read).unwrap_err();
        (error.kind().clone(), error.offset())
    }

    #[test]
    fn whitespace_is_passed_before_each_part() {
        assert_eq!(with(" \t\r\n12", |lexer| lexer.integer()), Ok(12));
        assert_eq!(with("\n\"-7\"", |lexer| lexer.integer()), Ok(-7));
        assert_eq!(with(" \"1.5\"", |lexer| lexer.double()), Ok(1.5));
        assert_eq!(with(" -inf", |lexer| lexer.double()), Ok(f64::NEG_INFINITY));
        assert_eq!(with(" [", |lexer| lexer.expect(b'[', "a list")), Ok(()));
        assert_eq!(with(" \"a\\n\"", |lexer| lexer.text().map(<[u8]>::to_vec)), Ok(b"a\n".to_vec()));
    }

    #[test]
    fn base64_is_read_with_and_without_padding() {
        for (text, bytes) in
            [("", &b""[..]), ("AA==", b"\0"), ("AA", b"\0"), ("AAE=", b"\0\x01"), ("\\/+8", b"\xff\xef")]
        {
            assert_eq!(with(&format!("\"{text}\""), |lexer| lexer.base64().map(<[u8]>::to_vec)), Ok(bytes.to_vec()));
        }
        for text in ["A", "AA=A", "A A=", "====", "AA-_", "AAAAA"] {
            let (kind, _) = failure(&format!("\"{text}\""), |lexer| lexer.base64().map(drop));
            assert_eq!(kind, DecodeErrorKind::Invalid("string is not valid base64".into()), "{text}");
        }
    }

    #[test]
    fn strings_are_no_longer_than_their_limit() {
        let text = "x".repeat(20);
        assert_eq!(with(&format!("\"{text}\""), |lexer| lexer.text().map(<[u8]>::len)), Ok(20));
        assert_eq!(with(&format!("\"{}\"", "\\u0041".repeat(20)), |lexer| lexer.text().map(<[u8]>::len)), Ok(20));
        assert_eq!(
            with(&format!("\"{}\"", "AAAA".repeat(6) + "AAA="), |lexer| lexer.base64().map(<[u8]>::len)),
            Ok(20)
        );
        let over = DecodeErrorKind::SizeLimit { what: "string", size: 21, limit: 20 };
        assert_eq!(failure(&format!("\"{text}x\""), |lexer| lexer.text().map(drop)), (over.clone(), 1));
        assert_eq!(failure(&format!("\"{text}\\n\""), |lexer| lexer.skip_text()), (over.clone(), 1));
        assert_eq!(failure(&format!("\"{}\"", "AAAA".repeat(7)), |lexer| lexer.base64().map(drop)), (over, 1));
    }

    #[test]
    fn errors_say_what_was_expected_and_what_came() {
        let kind = |expected, found| DecodeErrorKind::Json { expected, found };
        assert_eq!(failure(" x", |lexer| lexer.expect(b'[', "'['")), (kind("'['", b'x'), 1));
        assert_eq!(failure("", |lexer| lexer.text().map(drop)), (DecodeErrorKind::UnexpectedEnd { needed: 1 }, 0));
        assert_eq!(failure("\"1 \"", |lexer| lexer.integer().map(drop)).0, kind("a quote after the number", b'"'));
        assert_eq!(failure("1e999", |lexer| lexer.double().map(drop)).0, kind("a double", b'1'));
        let uuid = failure("\"x\"", |lexer| lexer.uuid().map(drop));
        assert_eq!(uuid, (DecodeErrorKind::Invalid("string is no UUID".into()), 1));
    }

    #[test]
    fn any_value_is_skipped_up_to_the_depth_limit() {
        let values =
            ["1", "-1.5e3", "\"a\\\"b\"", "true", "false", "null", "nan", "[]", "{}", " [ 1 , {\"a\" : [ ] } ] "];
        for text in values {
            assert_eq!(with(text.trim_end(), |lexer| lexer.skip_value()), Ok(()), "{text}");
        }
        for text in ["", "[", "[1", "[1,]", "{1:2}", "{\"a\"}", "{\"a\":}", "tru", "nulll", "[1}", "]"] {
            let scratch = Scratch::new();
            let mut lexer = Lexer::new(text.as_bytes(), &scratch, Limits::DEFAULT);
            assert!(lexer.skip_value().is_err() || lexer.remaining() > 0, "{text}");
        }
        assert_eq!(with(&format!("{}{}", "[".repeat(8), "]".repeat(8)), |lexer| lexer.skip_value()), Ok(()));
        assert_eq!(failure(&"[".repeat(9), |lexer| lexer.skip_value()).0, DecodeErrorKind::DepthLimit(8));
    }
}
