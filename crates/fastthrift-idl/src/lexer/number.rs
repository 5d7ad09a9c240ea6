use super::{Lexer, is_word};
use crate::diagnostics::{Code, quote};
use crate::token::TokenKind;

impl Lexer<'_> {
    /// `[+-]?[0-9]+`, `[+-]?0x[0-9A-Fa-f]+`, or `[+-]?[0-9]*(\.[0-9]+)?([eE][+-]?[0-9]+)?` with at least one digit.
    pub(super) fn number(&mut self) {
        let start = self.position;
        let mut kind = TokenKind::Integer;
        if matches!(self.peek(0), Some(b'+' | b'-')) {
            self.position += 1;
        }
        if !self.number_follows() {
            return self.push(TokenKind::Sign, start, start + 1);
        }
        if self.peek(0) == Some(b'0') && self.peek(1) == Some(b'x') && self.digit_at(2, u8::is_ascii_hexdigit) {
            self.position += 2;
            self.skip_while(|byte| byte.is_ascii_hexdigit());
        } else {
            self.skip_while(|byte| byte.is_ascii_digit());
            if self.fraction() | self.exponent() {
                kind = TokenKind::Double;
            }
        }
        let number_end = self.position;
        self.skip_while(|byte| is_word(byte) || byte == b'.');
        if matches!(self.slice(number_end, self.position), "e" | "E") && matches!(self.peek(0), Some(b'+' | b'-')) {
            self.position += 1;
        }
        if self.position > number_end {
            self.report_trailing(start, number_end);
        }
        self.push(kind, start, self.position);
    }

    fn number_follows(&self) -> bool {
        let at = usize::from(self.peek(0) == Some(b'.'));
        self.digit_at(at, u8::is_ascii_digit)
    }

    pub(super) fn digit_at(&self, ahead: usize, is_digit: impl Fn(&u8) -> bool) -> bool {
        self.peek(ahead).is_some_and(|byte| is_digit(&byte))
    }

    fn fraction(&mut self) -> bool {
        let is_there = self.peek(0) == Some(b'.') && self.digit_at(1, u8::is_ascii_digit);
        if is_there {
            self.position += 1;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        is_there
    }

    fn exponent(&mut self) -> bool {
        let sign = usize::from(matches!(self.peek(1), Some(b'+' | b'-')));
        let is_there = matches!(self.peek(0), Some(b'e' | b'E')) && self.digit_at(1 + sign, u8::is_ascii_digit);
        if is_there {
            self.position += 1 + sign;
            self.skip_while(|byte| byte.is_ascii_digit());
        }
        is_there
    }

    fn report_trailing(&mut self, start: usize, number_end: usize) {
        let written = self.slice(start, self.position);
        let tail = self.slice(number_end, self.position);
        let is_prefix =
            written.trim_start_matches(['+', '-']).starts_with('0') && tail.starts_with(['x', 'X', 'b', 'B', 'o', 'O']);
        let is_exponent = matches!(tail, "e" | "E" | "e+" | "e-" | "E+" | "E-");
        let (code, message) = if is_prefix || is_exponent || tail.starts_with('.') {
            (Code::BadNumber, format!("{} is not a number", quote(written)))
        } else {
            (Code::BadIdentifier, format!("{} is neither a number nor an identifier", quote(written)))
        };
        self.report(code, start, self.position, message);
    }
}
