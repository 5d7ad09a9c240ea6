//! Bytes to tokens. Every byte is looked at a bounded number of times, and nothing is allocated but the two lists.

mod number;
mod string;

use fastthrift_schema::SourceId;

use crate::diagnostics::{Code, Diagnostic, Sink, quote};
use crate::text::Text;
use crate::token::{Comment, CommentKind, Keyword, TextRange, Token, TokenKind};

/// The tokens of a file, the last being [`TokenKind::EndOfFile`], and its comments.
#[derive(Debug)]
pub(crate) struct Lexed {
    pub(crate) tokens: Vec<Token>,
    pub(crate) comments: Vec<Comment>,
    /// Whether there was anything wrong.
    pub(crate) is_broken: bool,
    /// Whether the rest of the file is missing, in a comment that is never closed.
    pub(crate) is_cut: bool,
}

/// Cuts a text into tokens. Errors go to the sink, and a token that stands for what was meant takes their place.
pub(crate) fn lex(text: &Text, source: SourceId, sink: &mut Sink) -> Lexed {
    let bytes = text.text.as_bytes();
    // Real files have a token for every 7 to 10 bytes; comments make it fewer.
    let tokens = Vec::with_capacity(bytes.len() / 8 + 16);
    let mut lexer = Lexer {
        text,
        bytes,
        position: 0,
        starts_line: true,
        tokens,
        comments: Vec::new(),
        is_broken: false,
        is_cut: false,
        source,
        sink,
    };
    lexer.run();
    Lexed { tokens: lexer.tokens, comments: lexer.comments, is_broken: lexer.is_broken, is_cut: lexer.is_cut }
}

struct Lexer<'a> {
    text: &'a Text,
    bytes: &'a [u8],
    position: usize,
    starts_line: bool,
    tokens: Vec<Token>,
    comments: Vec<Comment>,
    is_broken: bool,
    is_cut: bool,
    source: SourceId,
    sink: &'a mut Sink,
}

impl Lexer<'_> {
    fn run(&mut self) {
        while let Some(byte) = self.peek(0) {
            match byte {
                b' ' | b'\t' | b'\r' => self.position += 1,
                b'\n' => {
                    self.position += 1;
                    self.starts_line = true;
                }
                b'a'..=b'z' | b'A'..=b'Z' | b'_' => self.identifier(),
                b'0'..=b'9' | b'+' | b'-' => self.number(),
                b'.' if self.peek(1).is_some_and(|next| next.is_ascii_digit()) => self.number(),
                b'"' | b'\'' => self.string(byte),
                b'#' => self.line_comment(),
                b'/' if self.peek(1) == Some(b'/') => self.line_comment(),
                b'/' if self.peek(1) == Some(b'*') => self.block_comment(),
                _ => match symbol(byte) {
                    Some(kind) => self.push(kind, self.position, self.position + 1),
                    None => self.unknown(),
                },
            }
        }
        self.push(TokenKind::EndOfFile, self.bytes.len(), self.bytes.len());
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.bytes.get(self.position + ahead).copied()
    }

    /// Moves past the bytes from here on that `belongs` accepts.
    fn skip_while(&mut self, belongs: impl Fn(u8) -> bool) {
        let rest = &self.bytes[self.position..];
        self.position += rest.iter().position(|&byte| !belongs(byte)).unwrap_or(rest.len());
    }

    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        self.tokens.push(Token { kind, starts_line: self.starts_line, range: range(start, end) });
        self.starts_line = false;
        self.position = end;
    }

    fn report(&mut self, code: Code, start: usize, end: usize, message: impl Into<String>) {
        self.is_broken = true;
        self.sink.push(Diagnostic::new(code, range(start, end).in_source(self.source), message));
    }

    fn slice(&self, start: usize, end: usize) -> &str {
        self.text.text.get(start..end).unwrap_or_default()
    }

    fn identifier(&mut self) {
        let start = self.position;
        let mut has_dot = false;
        loop {
            self.skip_while(is_word);
            if self.peek(0) != Some(b'.') || !self.peek(1).is_some_and(is_word) {
                break;
            }
            has_dot = true;
            self.position += 1;
        }
        if self.peek(0) == Some(b'.') {
            self.skip_while(|byte| byte == b'.' || is_word(byte));
            let message = format!("the identifier {} has a dot too many", quote(self.slice(start, self.position)));
            self.report(Code::BadIdentifier, start, self.position, message);
        }
        let keyword = if has_dot { None } else { Keyword::find(self.slice(start, self.position)) };
        self.push(keyword.map_or(TokenKind::Identifier, TokenKind::Keyword), start, self.position);
    }

    fn line_comment(&mut self) {
        let start = self.position;
        self.skip_while(|byte| byte != b'\n');
        let mut end = self.position;
        if self.bytes[start..end].last() == Some(&b'\r') {
            end -= 1;
        }
        self.push_comment(CommentKind::Line, start, end);
    }

    fn block_comment(&mut self) {
        let start = self.position;
        let body = start + 2;
        let Some(length) = find_comment_end(&self.bytes[body..]) else {
            self.report(Code::UnterminatedComment, start, body, "this comment is never closed with `*/`");
            self.position = self.bytes.len();
            self.is_cut = true;
            return;
        };
        let inside = &self.bytes[body..body + length];
        self.starts_line |= inside.contains(&b'\n');
        let is_doc = inside.first() == Some(&b'*') && inside.iter().any(|&byte| byte != b'*');
        self.position = body + length + 2;
        self.push_comment(if is_doc { CommentKind::Doc } else { CommentKind::Block }, start, self.position);
    }

    fn push_comment(&mut self, kind: CommentKind, start: usize, end: usize) {
        self.comments.push(Comment { kind, range: range(start, end), next_token: self.tokens.len() });
    }

    /// One token and one error for a run of characters that start no token.
    fn unknown(&mut self) {
        let start = self.position;
        self.position += 1;
        while self.peek(0).is_some_and(starts_nothing)
            || (self.peek(0) == Some(b'.') && !self.digit_at(1, u8::is_ascii_digit))
        {
            self.position += 1;
        }
        if !self.text.is_utf8(range(start, self.position)) {
            let message = "the file is not UTF-8: these bytes are no characters";
            self.report(Code::InvalidUtf8, start, self.position, message);
            self.push(TokenKind::Unknown, start, self.position);
            return;
        }
        let characters = self.slice(start, self.position);
        let shown: String = characters.chars().take(8).flat_map(char::escape_debug).collect();
        let message = match characters.chars().count() {
            1 => format!("the character `{shown}` has no meaning here"),
            _ => format!("the characters `{shown}` have no meaning here"),
        };
        self.report(Code::IllegalCharacter, start, self.position, message);
        self.push(TokenKind::Unknown, start, self.position);
    }
}

/// A range inside the text, whose length was checked to fit.
fn range(start: usize, end: usize) -> TextRange {
    let offset = |at: usize| u32::try_from(at).expect("invariant: a text is shorter than 4 GiB");
    TextRange { start: offset(start), end: offset(end) }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Bytes that no token, blank or comment begins with. `/` and `.` are such only where they stand alone.
fn starts_nothing(byte: u8) -> bool {
    let is_mark = matches!(byte, b'+' | b'-' | b'"' | b'\'' | b'#' | b'/' | b'.');
    !(is_word(byte) || is_mark || matches!(byte, b' ' | b'\t' | b'\r' | b'\n') || symbol(byte).is_some())
}

fn find_comment_end(bytes: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let star = from + bytes[from..].iter().position(|&byte| byte == b'*')?;
        if bytes.get(star + 1) == Some(&b'/') {
            return Some(star);
        }
        from = star + 1;
    }
}

fn symbol(byte: u8) -> Option<TokenKind> {
    Some(match byte {
        b':' => TokenKind::Colon,
        b';' => TokenKind::Semicolon,
        b',' => TokenKind::Comma,
        b'{' => TokenKind::LeftBrace,
        b'}' => TokenKind::RightBrace,
        b'(' => TokenKind::LeftParenthesis,
        b')' => TokenKind::RightParenthesis,
        b'[' => TokenKind::LeftBracket,
        b']' => TokenKind::RightBracket,
        b'<' => TokenKind::Less,
        b'>' => TokenKind::Greater,
        b'=' => TokenKind::Equals,
        b'*' => TokenKind::Star,
        b'&' => TokenKind::Ampersand,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
