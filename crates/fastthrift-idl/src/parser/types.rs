use super::{MAX_NESTING, Parsed, Parser, Reported};
use crate::ast::{BaseType, Container, Identifier, Literal, Type, TypeKind};
use crate::diagnostics::{Code, Diagnostic};
use crate::token::{Keyword, TextRange, TokenKind};

impl Parser<'_> {
    /// A type with its annotations.
    pub(super) fn field_type(&mut self) -> Parsed<Type> {
        self.enter()?;
        let ty = self.nested_type();
        self.depth -= 1;
        ty
    }

    /// Goes one level deeper, if the limit allows.
    pub(super) fn enter(&mut self) -> Parsed<()> {
        if self.depth >= MAX_NESTING {
            let message = format!("nested more than {MAX_NESTING} deep");
            self.report(Code::NestingTooDeep, self.here(), message);
            return Err(Reported);
        }
        self.depth += 1;
        Ok(())
    }

    fn nested_type(&mut self) -> Parsed<Type> {
        let token = self.token();
        let (kind, annotations) = match token.kind {
            TokenKind::Identifier => {
                self.bump();
                let name = Identifier { range: token.range };
                let annotations = match self.kind() {
                    TokenKind::LeftParenthesis => self.unportable_annotations("a type that is named")?,
                    _ => Vec::new(),
                };
                (TypeKind::Named(name), annotations)
            }
            TokenKind::Keyword(keyword) => {
                let kind = self.keyword_type(keyword, token.range)?;
                (kind, self.annotations()?)
            }
            _ => return Err(self.expected_type()),
        };
        Ok(Type { kind, annotations, range: self.since(token.range) })
    }

    fn keyword_type(&mut self, keyword: Keyword, range: TextRange) -> Parsed<TypeKind> {
        if let Some(base) = base_type(keyword) {
            self.bump();
            return Ok(TypeKind::Base(base));
        }
        match keyword {
            Keyword::List => self.list_type(),
            Keyword::Set => Ok(TypeKind::Set(Box::new(self.single_container()?))),
            Keyword::Map => self.map_type(),
            Keyword::Void => {
                self.report(Code::VoidNotAllowed, range, "`void` is no type; only a function can return it");
                Err(Reported)
            }
            _ => Err(self.expected_type()),
        }
    }

    fn list_type(&mut self) -> Parsed<TypeKind> {
        let mut container = self.single_container()?;
        let position = self.here();
        if let Some(cpp_type) = self.cpp_type()? {
            container.cpp_type = Some(cpp_type);
            container.is_cpp_type_last = true;
            let message = "`cpp_type` after the `>` of a list is deprecated; write `list cpp_type \"...\" <...>`";
            let span = position.in_source(self.source);
            self.sink.push(Diagnostic::new(Code::DeprecatedCppTypePosition, span, message));
        }
        Ok(TypeKind::List(Box::new(container)))
    }

    /// `list` or `set`, `cpp_type "..."`, and the type of the elements.
    fn single_container(&mut self) -> Parsed<Container> {
        self.bump();
        let cpp_type = self.cpp_type()?;
        self.expect(TokenKind::Less, "<")?;
        let element = self.field_type()?;
        self.expect_in_angles(TokenKind::Greater, ">")?;
        Ok(Container { cpp_type, is_cpp_type_last: false, element })
    }

    fn map_type(&mut self) -> Parsed<TypeKind> {
        self.bump();
        let cpp_type = self.cpp_type()?;
        self.expect(TokenKind::Less, "<")?;
        let element = self.field_type()?;
        self.expect_in_angles(TokenKind::Comma, ",")?;
        let value = self.field_type()?;
        self.expect_in_angles(TokenKind::Greater, ">")?;
        Ok(TypeKind::Map(Box::new(Container { cpp_type, is_cpp_type_last: false, element }), Box::new(value)))
    }

    fn expected_type(&mut self) -> Reported {
        let is_missing = matches!(
            self.kind(),
            TokenKind::EndOfFile
                | TokenKind::Equals
                | TokenKind::Greater
                | TokenKind::Comma
                | TokenKind::RightBrace
                | TokenKind::RightParenthesis
        );
        self.unexpected(if is_missing { Code::ExpectedType } else { Code::UnexpectedToken }, "a type")
    }

    /// A token of a container's type. Without it the rest of the type, up to its `>`, is left out.
    fn expect_in_angles(&mut self, kind: TokenKind, symbol: &str) -> Parsed<()> {
        let Err(reported) = self.expect(kind, symbol) else { return Ok(()) };
        let mut depth = 1usize;
        while depth > 0 && !self.token().starts_line {
            match self.kind() {
                TokenKind::Less => depth += 1,
                TokenKind::Greater => depth -= 1,
                TokenKind::Identifier | TokenKind::Keyword(_) | TokenKind::Comma | TokenKind::Semicolon => {}
                _ => break,
            }
            self.bump();
        }
        Err(reported)
    }

    fn cpp_type(&mut self) -> Parsed<Option<Literal>> {
        match self.eat_keyword(Keyword::CppType) {
            Some(_) => self.text_literal("the C++ type, a string").map(Some),
            None => Ok(None),
        }
    }
}

fn base_type(keyword: Keyword) -> Option<BaseType> {
    Some(match keyword {
        Keyword::Bool => BaseType::Bool,
        Keyword::Byte | Keyword::I8 => BaseType::I8,
        Keyword::I16 => BaseType::I16,
        Keyword::I32 => BaseType::I32,
        Keyword::I64 => BaseType::I64,
        Keyword::Double => BaseType::Double,
        Keyword::String => BaseType::String,
        Keyword::Binary => BaseType::Binary,
        Keyword::Uuid => BaseType::Uuid,
        _ => return None,
    })
}
