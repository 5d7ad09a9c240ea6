use super::{Parsed, Parser, Reported};
use crate::ast::{Identifier, Integer, Literal, Value, ValueKind};
use crate::diagnostics::{Code, quote};
use crate::token::{Keyword, TextRange, TokenKind};

impl Parser<'_> {
    /// A constant value.
    pub(super) fn value(&mut self) -> Parsed<Value> {
        self.enter()?;
        let value = self.nested_value();
        self.depth -= 1;
        value
    }

    fn nested_value(&mut self) -> Parsed<Value> {
        let token = self.token();
        let kind = match token.kind {
            TokenKind::Integer => self.integer("a number")?.value.map_or(ValueKind::Invalid, ValueKind::Int),
            TokenKind::Double => self.double(),
            TokenKind::String => ValueKind::String(Literal { range: self.bump().range }),
            TokenKind::Keyword(Keyword::True) => self.boolean(true),
            TokenKind::Keyword(Keyword::False) => self.boolean(false),
            TokenKind::Identifier => ValueKind::Name(Identifier { range: self.bump().range }),
            TokenKind::LeftBracket => self.list_value()?,
            TokenKind::LeftBrace => self.map_value()?,
            TokenKind::Sign => {
                self.report(
                    Code::BadNumber,
                    token.range,
                    format!("{} has no number after it", quote(self.slice(token.range))),
                );
                return Err(Reported);
            }
            _ => return Err(self.unexpected(Code::ExpectedValue, "a value")),
        };
        Ok(Value { kind, range: self.since(token.range) })
    }

    fn boolean(&mut self, value: bool) -> ValueKind {
        self.bump();
        ValueKind::Bool(value)
    }

    /// An integer, without a value when it is malformed or too large, which is reported.
    pub(super) fn integer(&mut self, what: &str) -> Parsed<Integer> {
        if self.kind() != TokenKind::Integer {
            return Err(self.unexpected(Code::ExpectedToken, &format!("{what}, an integer")));
        }
        let range = self.token().range;
        let value = match parse_integer(self.slice(range)) {
            Parse::Value(value) => Some(value),
            Parse::Malformed => None,
            Parse::TooLarge => {
                let message = format!("{} does not fit 64 bits", quote(self.slice(range)));
                self.report(Code::IntegerOverflow, range, message);
                None
            }
        };
        self.bump();
        Ok(Integer { value, range })
    }

    fn double(&mut self) -> ValueKind {
        let range = self.bump().range;
        match self.slice(range).parse::<f64>() {
            Ok(value) if value.is_finite() => ValueKind::Double(value),
            Ok(_) => {
                self.report(
                    Code::ConstOutOfRange,
                    range,
                    format!("{} does not fit a double", quote(self.slice(range))),
                );
                ValueKind::Invalid
            }
            // The lexer has said what is wrong with it.
            Err(_) => ValueKind::Invalid,
        }
    }

    fn list_value(&mut self) -> Parsed<ValueKind> {
        let open = self.bump().range;
        let mut values = Vec::new();
        while !self.is_list_closed(open, TokenKind::RightBracket)? {
            values.push(self.value()?);
            self.eat_separator();
        }
        Ok(ValueKind::List(values))
    }

    fn map_value(&mut self) -> Parsed<ValueKind> {
        let open = self.bump().range;
        let mut entries = Vec::new();
        while !self.is_list_closed(open, TokenKind::RightBrace)? {
            let key = self.value()?;
            self.colon(&key)?;
            entries.push((key, self.value()?));
            self.eat_separator();
        }
        Ok(ValueKind::Map(entries))
    }

    fn colon(&mut self, key: &Value) -> Parsed<()> {
        if self.eat(TokenKind::Colon).is_some() {
            return Ok(());
        }
        let is_set = matches!(self.kind(), TokenKind::Comma | TokenKind::RightBrace);
        let wanted = format!("`:` and a value after the key {}", quote(self.slice(key.range)));
        let diagnostic = self.unexpected_diagnostic(Code::ExpectedToken, &wanted);
        self.push(if is_set { diagnostic.hint("a list or set is written in `[` and `]`") } else { diagnostic });
        Err(Reported)
    }

    fn is_list_closed(&mut self, open: TextRange, close: TokenKind) -> Parsed<bool> {
        if self.kind() == TokenKind::EndOfFile || self.is_at_item() {
            self.unclosed(open, close);
            return Err(Reported);
        }
        Ok(self.eat(close).is_some())
    }
}

enum Parse {
    Value(i64),
    Malformed,
    TooLarge,
}

fn parse_integer(text: &str) -> Parse {
    let (is_negative, unsigned) = match text.as_bytes() {
        [b'-', ..] => (true, &text[1..]),
        [b'+', ..] => (false, &text[1..]),
        _ => (false, text),
    };
    let (digits, radix) = unsigned.strip_prefix("0x").map_or((unsigned, 10), |digits| (digits, 16));
    if digits.is_empty() || !digits.bytes().all(|byte| char::from(byte).is_digit(radix)) {
        return Parse::Malformed;
    }
    let magnitude = i128::from_str_radix(digits, radix);
    let signed = magnitude.map(|value| if is_negative { -value } else { value });
    signed.ok().and_then(|value| i64::try_from(value).ok()).map_or(Parse::TooLarge, Parse::Value)
}
