use super::{Parsed, Parser};
use crate::ast::{Field, Identifier, Integer, Requiredness, Xsd};
use crate::diagnostics::{Code, quote};
use crate::token::{Keyword, TokenKind};

impl Parser<'_> {
    pub(super) fn field(&mut self) -> Parsed<Field> {
        let doc = self.doc();
        let start = self.here();
        let id = self.field_id()?;
        let requiredness = self.requiredness();
        let ty = self.field_type()?;
        let is_reference = self.eat(TokenKind::Ampersand).is_some();
        let name = self.field_name()?;
        let default = match self.eat(TokenKind::Equals) {
            Some(_) => Some(self.value()?),
            None => None,
        };
        let xsd = self.xsd()?;
        let annotations = self.annotations()?;
        let range = self.since(start);
        self.eat_separator();
        Ok(Field { id, requiredness, ty, is_reference, name, default, xsd, annotations, doc, range })
    }

    fn field_id(&mut self) -> Parsed<Option<Integer>> {
        let has_colon = self.kind_ahead(1) == TokenKind::Colon;
        let token = self.token();
        match token.kind {
            TokenKind::Integer => {
                let id = self.integer("a field id")?;
                if self.eat(TokenKind::Colon).is_none() {
                    self.unexpected(Code::ExpectedToken, "`:` after the field id");
                }
                Ok(Some(id))
            }
            TokenKind::Identifier if has_colon => {
                let name = quote(self.slice(token.range));
                let message = format!("expected a field, which begins with an integer id; {name} is none");
                self.report(Code::ExpectedField, token.range, message);
                Ok(Some(self.skip_bad_id()))
            }
            TokenKind::Double | TokenKind::String | TokenKind::Keyword(_) if has_colon => {
                let message = format!("a field id is an integer, but found {}", self.describe());
                self.report(Code::BadFieldId, token.range, message);
                Ok(Some(self.skip_bad_id()))
            }
            _ => Ok(None),
        }
    }

    fn skip_bad_id(&mut self) -> Integer {
        let range = self.bump().range;
        self.bump();
        Integer { value: None, range }
    }

    fn requiredness(&mut self) -> Option<(Requiredness, crate::token::TextRange)> {
        let required = self.eat_keyword(Keyword::Required).map(|range| (Requiredness::Required, range));
        required.or_else(|| self.eat_keyword(Keyword::Optional).map(|range| (Requiredness::Optional, range)))
    }

    /// A name, or any keyword but those that may follow the type or are constants.
    fn field_name(&mut self) -> Parsed<Identifier> {
        match self.kind() {
            TokenKind::Keyword(keyword) if can_name_field(keyword) && !self.is_at_item() => {
                Ok(Identifier { range: self.bump().range })
            }
            _ => self.declared_name("a field"),
        }
    }

    fn xsd(&mut self) -> Parsed<Option<Box<Xsd>>> {
        let start = self.here();
        let is_optional = self.eat_keyword(Keyword::XsdOptional).is_some();
        let is_nillable = self.eat_keyword(Keyword::XsdNillable).is_some();
        let attributes = match self.eat_keyword(Keyword::XsdAttrs) {
            Some(_) => {
                let open = self.expect(TokenKind::LeftBrace, "{")?;
                self.enter()?;
                let fields = self.list(open, TokenKind::RightBrace, Self::field);
                self.depth -= 1;
                Some((self.since(open), fields?))
            }
            None => None,
        };
        if !is_optional && !is_nillable && attributes.is_none() {
            return Ok(None);
        }
        Ok(Some(Box::new(Xsd { is_optional, is_nillable, attributes, range: self.since(start) })))
    }
}

fn can_name_field(keyword: Keyword) -> bool {
    !matches!(
        keyword,
        Keyword::CppType
            | Keyword::XsdAll
            | Keyword::XsdOptional
            | Keyword::XsdNillable
            | Keyword::XsdAttrs
            | Keyword::True
            | Keyword::False
    )
}
