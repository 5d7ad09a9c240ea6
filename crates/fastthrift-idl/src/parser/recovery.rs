use super::{Parser, starts_item};
use crate::diagnostics::Code;
use crate::token::{Keyword, TokenKind};

/// Where a list of fields, values or functions went on after an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Recovered {
    /// At an element, at the closing bracket, or at the end of the file.
    InList,
    /// The list seems never to be closed.
    Outside,
}

impl Parser<'_> {
    /// Whether a header or definition starts here, told by its keyword at the start of a line and by what follows.
    pub(super) fn is_at_item(&self) -> bool {
        self.token().starts_line && self.is_item_keyword()
    }

    fn is_item_keyword(&self) -> bool {
        let TokenKind::Keyword(keyword) = self.kind() else { return false };
        let next = self.kind_ahead(1);
        starts_item(keyword)
            && match keyword {
                Keyword::Include | Keyword::CppInclude => matches!(next, TokenKind::String | TokenKind::Identifier),
                Keyword::Namespace => matches!(next, TokenKind::Identifier | TokenKind::Star | TokenKind::String),
                Keyword::Const | Keyword::Typedef => matches!(next, TokenKind::Identifier | TokenKind::Keyword(_)),
                _ => matches!(next, TokenKind::Identifier),
            }
    }

    /// Leaves a definition that could not be read: moves to the next one, or past the end of the broken one's body.
    pub(super) fn skip_to_item(&mut self) {
        let mut depth = 0usize;
        while self.kind() != TokenKind::EndOfFile && !self.is_at_item() && !(depth == 0 && self.is_at_removed_word()) {
            match self.bump().kind {
                TokenKind::LeftBrace => depth += 1,
                TokenKind::RightBrace if depth <= 1 => return self.skip_after_body(),
                TokenKind::RightBrace => depth -= 1,
                _ => {}
            }
        }
    }

    /// Notes the names that were passed over since token `start`.
    pub(super) fn lose_names(&mut self, start: usize) {
        let passed = &self.tokens[start..self.position];
        let names = passed.iter().filter(|token| token.kind == TokenKind::Identifier);
        self.lost.extend(names.map(|token| token.range));
    }

    /// What may follow the `}` of a broken definition: annotations and a separator.
    fn skip_after_body(&mut self) {
        if self.kind() == TokenKind::LeftParenthesis {
            while !matches!(self.kind(), TokenKind::EndOfFile | TokenKind::RightParenthesis) && !self.is_at_item() {
                self.bump();
            }
            self.eat(TokenKind::RightParenthesis);
        }
        self.eat_separator();
    }

    /// Leaves an element that could not be read and that began at token `start`. Always moves on.
    pub(super) fn skip_element(&mut self, start: usize, close: TokenKind) -> Recovered {
        let mut depth = 0usize;
        if self.position == start && self.kind() != close && !self.is_at_item() {
            if opens(self.kind()) {
                depth = 1;
            }
            self.bump();
        }
        loop {
            let kind = self.kind();
            if kind == TokenKind::EndOfFile || self.is_at_item() {
                return Recovered::InList;
            }
            if depth == 0 {
                match kind {
                    _ if kind == close => return Recovered::InList,
                    // An argument list ends with the body that it stands in.
                    TokenKind::RightBrace => return Recovered::Outside,
                    TokenKind::Comma | TokenKind::Semicolon => {
                        self.bump();
                        return Recovered::InList;
                    }
                    TokenKind::Integer if self.token().starts_line && self.kind_ahead(1) == TokenKind::Colon => {
                        return Recovered::InList;
                    }
                    _ => {}
                }
            }
            if opens(kind) {
                depth += 1;
            } else if closes(kind) {
                depth = depth.saturating_sub(1);
            }
            self.bump();
        }
    }

    /// Reports a token that starts no item, and moves on.
    pub(super) fn not_an_item(&mut self) {
        let token = self.token();
        if self.report_removed_word() {
            self.bump();
            return self.skip_to_item();
        }
        self.unexpected(Code::UnexpectedToken, "a definition such as `struct` or `const`");
        self.bump();
        if !matches!(token.kind, TokenKind::RightBrace | TokenKind::RightParenthesis) || !self.is_item_keyword() {
            self.skip_to_item();
        }
    }
}

fn opens(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::LeftBrace | TokenKind::LeftParenthesis | TokenKind::LeftBracket)
}

fn closes(kind: TokenKind) -> bool {
    matches!(kind, TokenKind::RightBrace | TokenKind::RightParenthesis | TokenKind::RightBracket)
}
