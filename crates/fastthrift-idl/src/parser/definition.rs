use super::recovery::Recovered;
use super::{Parsed, Parser, Reported};
use crate::ast::{Const, Enum, EnumValue, Function, Service, Struct, StructKind, Typedef};
use crate::diagnostics::{Code, quote};
use crate::token::{Keyword, TextRange, TokenKind};

impl Parser<'_> {
    pub(super) fn constant(&mut self) -> Parsed<Const> {
        let doc = self.doc();
        let start = self.bump().range;
        let ty = self.field_type()?;
        let name = self.declared_name("a constant")?;
        self.expect(TokenKind::Equals, "=")?;
        let value = self.value()?;
        let annotations = self.unportable_annotations("a constant")?;
        let range = self.since(start);
        self.eat_separator();
        Ok(Const { ty, name, value, annotations, doc, range })
    }

    pub(super) fn typedef(&mut self) -> Parsed<Typedef> {
        let doc = self.doc();
        let start = self.bump().range;
        let ty = self.field_type()?;
        let name = self.declared_name("a typedef")?;
        let annotations = self.annotations()?;
        let range = self.since(start);
        self.eat_separator();
        Ok(Typedef { ty, name, annotations, doc, range })
    }

    pub(super) fn enumeration(&mut self) -> Parsed<Enum> {
        let doc = self.doc();
        let start = self.bump().range;
        let name = self.declared_name("an enum")?;
        let (values, annotations) = self.block(Self::enum_value)?;
        Ok(Enum { name, values, annotations, doc, range: self.since(start) })
    }

    fn enum_value(&mut self) -> Parsed<EnumValue> {
        let doc = self.doc();
        let start = self.here();
        let name = self.declared_name("an enum value")?;
        let number = match self.eat(TokenKind::Equals) {
            Some(_) => Some(self.integer("the number of the enum value")?),
            None => None,
        };
        let annotations = self.annotations()?;
        let range = self.since(start);
        self.eat_separator();
        Ok(EnumValue { name, number, annotations, doc, range })
    }

    pub(super) fn structure(&mut self, keyword: Keyword) -> Parsed<Struct> {
        let doc = self.doc();
        let start = self.bump().range;
        let (kind, what) = match keyword {
            Keyword::Union => (StructKind::Union, "a union"),
            Keyword::Exception => (StructKind::Exception, "an exception"),
            _ => (StructKind::Struct, "a struct"),
        };
        let name = self.declared_name(what)?;
        let xsd_all = if kind == StructKind::Exception { None } else { self.eat_keyword(Keyword::XsdAll) };
        if matches!(self.kind(), TokenKind::Keyword(_)) && !self.is_at_item() {
            let diagnostic = self.unexpected_diagnostic(Code::UnexpectedToken, "`{`");
            let is_extends = self.kind() == TokenKind::Keyword(Keyword::Extends);
            self.push(if is_extends { diagnostic.hint("only services extend one another") } else { diagnostic });
            return Err(Reported);
        }
        let (fields, annotations) = self.block(Self::field)?;
        Ok(Struct { kind, name, xsd_all, fields, annotations, doc, range: self.since(start) })
    }

    pub(super) fn service(&mut self) -> Parsed<Service> {
        let doc = self.doc();
        let start = self.bump().range;
        let name = self.declared_name("a service")?;
        let extends = match self.eat_keyword(Keyword::Extends) {
            Some(_) => Some(self.identifier("the service to extend")?),
            None => None,
        };
        let (functions, annotations) = self.block(Self::function)?;
        Ok(Service { name, extends, functions, annotations, doc, range: self.since(start) })
    }

    fn function(&mut self) -> Parsed<Function> {
        let doc = self.doc();
        let start = self.here();
        let oneway = self.eat_keyword(Keyword::Oneway).or_else(|| self.eat_keyword(Keyword::Async));
        if self.kind() == TokenKind::Identifier && self.kind_ahead(1) == TokenKind::LeftParenthesis {
            let name = quote(self.slice(self.token().range));
            let message = format!("expected what {name} returns before its name; `void` if nothing");
            self.report(Code::ExpectedType, self.token().range, message);
            return Err(Reported);
        }
        if oneway.is_none() && !matches!(self.kind(), TokenKind::Identifier | TokenKind::Keyword(_)) {
            let diagnostic = self.unexpected_diagnostic(Code::UnexpectedToken, "a function or `}`");
            let is_body = self.kind() == TokenKind::LeftBrace;
            self.push(if is_body { diagnostic.hint("a function is declared without a body") } else { diagnostic });
            return Err(Reported);
        }
        let returns = match self.eat_keyword(Keyword::Void) {
            Some(_) => None,
            None => Some(self.field_type()?),
        };
        let name = self.declared_name("a function")?;
        let open = self.expect(TokenKind::LeftParenthesis, "(")?;
        let arguments = self.list(open, TokenKind::RightParenthesis, Self::field)?;
        let throws = match self.eat_keyword(Keyword::Throws) {
            Some(word) => {
                let open = self.expect(TokenKind::LeftParenthesis, "(")?;
                Some((word, self.list(open, TokenKind::RightParenthesis, Self::field)?))
            }
            None => None,
        };
        let annotations = self.annotations()?;
        let range = self.since(start);
        self.eat_separator();
        Ok(Function { oneway, returns, name, arguments, throws, annotations, doc, range })
    }

    /// `{ elements }` and annotations. A block that is never closed gives what was read of it.
    fn block<T>(
        &mut self,
        element: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<(Vec<T>, Vec<crate::ast::Annotation>)> {
        let open = self.expect(TokenKind::LeftBrace, "{")?;
        let elements = self.elements(open, TokenKind::RightBrace, element);
        if !elements.is_closed {
            return Ok((elements.read, Vec::new()));
        }
        let annotations = self.annotations().unwrap_or_else(|Reported| {
            self.skip_to_item();
            Vec::new()
        });
        Ok((elements.read, annotations))
    }

    /// The elements up to the closing bracket, which must come.
    pub(super) fn list<T>(
        &mut self,
        open: TextRange,
        close: TokenKind,
        element: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        let elements = self.elements(open, close, element);
        if elements.is_closed { Ok(elements.read) } else { Err(Reported) }
    }

    fn elements<T>(
        &mut self,
        open: TextRange,
        close: TokenKind,
        mut element: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Elements<T> {
        let mut read = Vec::new();
        loop {
            if self.eat(close).is_some() {
                return Elements { read, is_closed: true };
            }
            let is_outer_closed = close == TokenKind::RightParenthesis && self.kind() == TokenKind::RightBrace;
            if is_outer_closed || self.kind() == TokenKind::EndOfFile || self.is_at_item() {
                self.unclosed(open, close);
                return Elements { read, is_closed: false };
            }
            let start = self.position;
            match element(self) {
                Ok(node) => read.push(node),
                Err(Reported) => match self.skip_element(start, close) {
                    Recovered::InList => {}
                    Recovered::Outside => return Elements { read, is_closed: false },
                },
            }
        }
    }

    /// Reports that the bracket at `open` has no partner.
    pub(super) fn unclosed(&mut self, open: TextRange, close: TokenKind) {
        let symbol = match close {
            TokenKind::RightParenthesis => "`)`",
            TokenKind::RightBracket => "`]`",
            _ => "`}`",
        };
        let diagnostic = self.unexpected_diagnostic(Code::Unclosed, symbol);
        let opened = format!("{} is opened here", quote(self.slice(open)));
        self.push(diagnostic.label(open.in_source(self.source), opened));
    }
}

struct Elements<T> {
    read: Vec<T>,
    is_closed: bool,
}
