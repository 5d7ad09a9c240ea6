//! Tokens to a syntax tree. An error is reported where it is; reading goes on at the next place that can be told for sure.

mod definition;
mod field;
mod header;
mod recovery;
mod types;
mod value;

use fastthrift_schema::SourceId;

use crate::ast::{Annotation, Doc, File, Identifier, Item, Literal};
use crate::diagnostics::{Code, Diagnostic, Sink, quote};
use crate::lexer::Lexed;
use crate::text::Text;
use crate::token::{CommentKind, Keyword, TextRange, Token, TokenKind};

/// How deep types and values may be nested.
pub(crate) const MAX_NESTING: usize = 128;

/// Says that a node could not be read, which was reported.
#[derive(Debug)]
struct Reported;
type Parsed<T> = Result<T, Reported>;

/// What the parser makes of a file.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) file: File,
    /// Whether there were errors.
    pub(crate) is_broken: bool,
    /// The names in definitions that could not be read.
    pub(crate) lost: Vec<TextRange>,
}

/// Reads a file. Its syntax errors go to the sink.
pub(crate) fn parse(text: &Text, lexed: &Lexed, source: SourceId, sink: &mut Sink) -> Syntax {
    let docs = lexed.comments.iter().enumerate().filter(|(_, comment)| comment.kind == CommentKind::Doc);
    let docs = docs.map(|(index, comment)| (comment.next_token, Doc(index))).collect();
    let mut parser = Parser {
        text,
        tokens: &lexed.tokens,
        position: 0,
        depth: 0,
        docs,
        next_doc: 0,
        is_first_doc_taken: false,
        lost: Vec::new(),
        last_error: None,
        source,
        sink,
    };
    let file = parser.file();
    Syntax { file, is_broken: parser.last_error.is_some(), lost: parser.lost }
}

struct Parser<'a> {
    text: &'a Text,
    tokens: &'a [Token],
    position: usize,
    depth: usize,
    /// Doc comments, each with the index of the token that follows it.
    docs: Vec<(usize, Doc)>,
    next_doc: usize,
    is_first_doc_taken: bool,
    /// The names in what could not be read, so that they may be defined there.
    lost: Vec<TextRange>,
    /// The token at which the last error was reported; a second one there would say nothing new.
    last_error: Option<usize>,
    source: SourceId,
    sink: &'a mut Sink,
}

impl<'a> Parser<'a> {
    fn file(&mut self) -> File {
        let mut items = Vec::new();
        let mut first_definition = None;
        let mut first_header_token = None;
        loop {
            let start = self.position;
            let token = self.token();
            match token.kind {
                TokenKind::EndOfFile => break,
                TokenKind::Semicolon | TokenKind::Comma => self.stray_separator(),
                TokenKind::Keyword(keyword) if starts_item(keyword) => {
                    if is_header(keyword) {
                        first_header_token.get_or_insert(start);
                        self.check_header_position(first_definition);
                    } else {
                        first_definition.get_or_insert(token.range);
                    }
                    if let Ok(item) = self.item(keyword) {
                        items.push(item);
                    } else {
                        self.skip_to_item();
                        self.lose_names(start);
                    }
                }
                _ => {
                    self.not_an_item();
                    self.lose_names(start);
                }
            }
        }
        File { items, doc: self.file_doc(first_header_token) }
    }

    /// The first doc comment, when it stands before the first header, or when nothing has taken it.
    fn file_doc(&self, first_header_token: Option<usize>) -> Option<Doc> {
        let &(next_token, doc) = self.docs.first()?;
        let is_before_headers = first_header_token.is_none_or(|header| next_token <= header);
        (is_before_headers && !self.is_first_doc_taken).then_some(doc)
    }

    fn item(&mut self, keyword: Keyword) -> Parsed<Item> {
        match keyword {
            Keyword::Include => self.include().map(Item::Include),
            Keyword::CppInclude => self.cpp_include().map(Item::CppInclude),
            Keyword::Namespace => self.namespace().map(Item::Namespace),
            Keyword::Const => self.constant().map(Item::Const),
            Keyword::Typedef => self.typedef().map(Item::Typedef),
            Keyword::Enum => self.enumeration().map(Item::Enum),
            Keyword::Service => self.service().map(Item::Service),
            _ => self.structure(keyword).map(Item::Struct),
        }
    }

    fn token(&self) -> Token {
        self.tokens[self.position]
    }

    fn kind(&self) -> TokenKind {
        self.token().kind
    }

    fn kind_ahead(&self, ahead: usize) -> TokenKind {
        self.tokens.get(self.position + ahead).map_or(TokenKind::EndOfFile, |token| token.kind)
    }

    /// Moves to the next token, never past the end of the file, and returns the one that it leaves.
    fn bump(&mut self) -> Token {
        let token = self.token();
        if token.kind != TokenKind::EndOfFile {
            self.position += 1;
        }
        token
    }

    fn eat(&mut self, kind: TokenKind) -> Option<TextRange> {
        (self.kind() == kind).then(|| self.bump().range)
    }

    fn eat_keyword(&mut self, keyword: Keyword) -> Option<TextRange> {
        self.eat(TokenKind::Keyword(keyword))
    }

    fn eat_separator(&mut self) {
        if matches!(self.kind(), TokenKind::Comma | TokenKind::Semicolon) {
            self.bump();
        }
    }

    fn expect(&mut self, kind: TokenKind, symbol: &str) -> Parsed<TextRange> {
        match self.eat(kind) {
            Some(range) => Ok(range),
            None => Err(self.unexpected(Code::ExpectedToken, &format!("`{symbol}`"))),
        }
    }

    /// The range from `start` to the end of the token read last.
    fn since(&self, start: TextRange) -> TextRange {
        TextRange { start: start.start, end: self.last_end().max(start.end) }
    }

    fn last_end(&self) -> u32 {
        self.position.checked_sub(1).map_or(0, |last| self.tokens[last].range.end)
    }

    fn slice(&self, range: TextRange) -> &'a str {
        range.of(&self.text.text)
    }

    /// The last doc comment right before the current token.
    fn doc(&mut self) -> Option<Doc> {
        while self.docs.get(self.next_doc).is_some_and(|&(token, _)| token < self.position) {
            self.next_doc += 1;
        }
        let mut found = None;
        while let Some(&(token, doc)) = self.docs.get(self.next_doc).filter(|&&(token, _)| token == self.position) {
            debug_assert_eq!(token, self.position);
            self.is_first_doc_taken |= self.next_doc == 0 && self.docs.get(1).is_none_or(|&(next, _)| next != token);
            self.next_doc += 1;
            found = Some(doc);
        }
        found
    }

    /// The name of something declared, where keywords and dots are errors that do not end the reading.
    fn declared_name(&mut self, what: &str) -> Parsed<Identifier> {
        let name = self.identifier(what)?;
        if self.slice(name.range).contains('.') {
            let message = format!("the name of {what} has no dot, but {} does", quote(self.slice(name.range)));
            self.report(Code::DottedDeclaration, name.range, message);
        }
        Ok(name)
    }

    fn identifier(&mut self, what: &str) -> Parsed<Identifier> {
        match self.kind() {
            TokenKind::Identifier => Ok(Identifier { range: self.bump().range }),
            TokenKind::Keyword(keyword) if !self.is_at_item() => {
                let message =
                    format!("`{}` is a keyword of the IDL, so it cannot be the name of {what}", keyword.text());
                self.report(Code::KeywordAsName, self.token().range, message);
                Ok(Identifier { range: self.bump().range })
            }
            // The lexer has said what is wrong with it.
            TokenKind::Integer if self.slice(self.token().range).bytes().any(|byte| byte.is_ascii_alphabetic()) => {
                Ok(Identifier { range: self.bump().range })
            }
            _ => Err(self.unexpected(Code::ExpectedIdentifier, &format!("the name of {what}"))),
        }
    }

    fn literal(&mut self, what: &str) -> Parsed<Literal> {
        match self.eat(TokenKind::String) {
            Some(range) => Ok(Literal { range }),
            None => Err(self.unexpected(Code::ExpectedString, what)),
        }
    }

    /// A string that must be text.
    fn text_literal(&mut self, what: &str) -> Parsed<Literal> {
        let literal = self.literal(what)?;
        if !self.text.is_utf8(literal.range) {
            self.report(Code::InvalidUtf8, literal.range, "this string must be UTF-8");
        }
        Ok(literal)
    }

    /// `(key = "value", key)`, or nothing.
    fn annotations(&mut self) -> Parsed<Vec<Annotation>> {
        let mut annotations = Vec::new();
        if self.eat(TokenKind::LeftParenthesis).is_none() {
            return Ok(annotations);
        }
        while self.eat(TokenKind::RightParenthesis).is_none() {
            let key = self.identifier("an annotation")?;
            let value = match self.eat(TokenKind::Equals) {
                Some(_) => Some(self.text_literal("the value of an annotation, a string")?),
                None => None,
            };
            annotations.push(Annotation { key, value });
            self.eat_separator();
        }
        Ok(annotations)
    }

    /// Annotations where Apache's grammar has none.
    fn unportable_annotations(&mut self, on: &str) -> Parsed<Vec<Annotation>> {
        let start = self.token().range;
        let annotations = self.annotations()?;
        if self.last_end() > start.start {
            let message = format!("annotations on {on} are an extension that Apache's compiler refuses");
            self.report_portability(Code::AnnotationNotAllowed, start, message);
        }
        Ok(annotations)
    }

    fn report(&mut self, code: Code, range: TextRange, message: impl Into<String>) {
        self.push(Diagnostic::new(code, range.in_source(self.source), message));
    }

    fn report_portability(&mut self, code: Code, range: TextRange, message: impl Into<String>) {
        self.sink.push(Diagnostic::new(code, range.in_source(self.source), message));
    }

    /// Reports a syntax error, unless one was reported at this very token.
    fn push(&mut self, diagnostic: Diagnostic) {
        let is_known = self.last_error == Some(self.position) || self.kind() == TokenKind::Unknown;
        self.last_error = Some(self.position);
        if !is_known {
            self.sink.push(diagnostic);
        }
    }

    /// Reports that `wanted` was expected at the current token.
    fn unexpected(&mut self, code: Code, wanted: &str) -> Reported {
        let diagnostic = self.unexpected_diagnostic(code, wanted);
        self.push(diagnostic);
        Reported
    }

    fn unexpected_diagnostic(&self, code: Code, wanted: &str) -> Diagnostic {
        let message = format!("expected {wanted}, found {}", self.describe());
        Diagnostic::new(code, self.here().in_source(self.source), message)
    }

    /// The current token's range; at the end of the file, the place after the last token.
    fn here(&self) -> TextRange {
        match self.kind() {
            TokenKind::EndOfFile => TextRange { start: self.last_end(), end: self.last_end() },
            _ => self.token().range,
        }
    }

    fn describe(&self) -> String {
        let token = self.token();
        match token.kind {
            TokenKind::EndOfFile => "the end of the file".to_owned(),
            TokenKind::String => "a string".to_owned(),
            TokenKind::Keyword(keyword) => format!("the keyword `{}`", keyword.text()),
            TokenKind::Identifier => format!("the name {}", quote(self.slice(token.range))),
            _ => quote(self.slice(token.range)),
        }
    }
}

fn is_header(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::Include | Keyword::CppInclude | Keyword::Namespace)
}

fn starts_item(keyword: Keyword) -> bool {
    let is_definition = matches!(
        keyword,
        Keyword::Const
            | Keyword::Typedef
            | Keyword::Enum
            | Keyword::Struct
            | Keyword::Union
            | Keyword::Exception
            | Keyword::Service
    );
    is_definition || is_header(keyword)
}

#[cfg(test)]
mod tests;
