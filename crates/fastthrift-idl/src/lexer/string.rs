use super::Lexer;
use crate::diagnostics::Code;
use crate::token::TokenKind;

impl Lexer<'_> {
    /// A string in `quote`s. After an error the rest of the line, or of the string, is taken for its content.
    pub(super) fn string(&mut self, quote: u8) {
        let start = self.position;
        let mut is_reported = false;
        self.position += 1;
        loop {
            self.skip_while(|byte| byte != quote && byte != b'\\' && byte != b'\n');
            match self.peek(0) {
                Some(b'\\') => is_reported |= self.escape(is_reported),
                Some(b'\n') | None => return self.unterminated(start, quote, is_reported),
                Some(_) => return self.push(TokenKind::String, start, self.position + 1),
            }
        }
    }

    /// Moves past an escape, and tells whether it is a bad one.
    fn escape(&mut self, is_reported: bool) -> bool {
        let start = self.position;
        let escaped = self.text.text[start + 1..].chars().next();
        let is_good = matches!(escaped, Some('r' | 'n' | 't' | '"' | '\'' | '\\'));
        let taken = escaped.filter(|&character| character != '\n').map_or(0, char::len_utf8);
        self.position += 1 + taken;
        if !is_good && !is_reported {
            let shown: String = escaped.into_iter().flat_map(char::escape_debug).collect();
            let message = match escaped {
                Some('\n') | None => "a backslash must be followed by the character that it escapes".to_owned(),
                Some(_) => format!("`\\{shown}` is no escape; `\\r \\n \\t \\\" \\' \\\\` are"),
            };
            self.report(Code::BadEscape, start, self.position, message);
        }
        !is_good
    }

    fn unterminated(&mut self, start: usize, quote: u8, is_reported: bool) {
        let line_end = self.position;
        let rest = self.bytes.get(line_end + 1..).unwrap_or_default();
        let next_line = rest.split(|&byte| byte == b'\n').next().unwrap_or_default();
        // An odd number of quotes on the next line means that its first one closes this string.
        let has_odd_quotes = next_line.iter().fold(false, |is_odd, &byte| is_odd ^ (byte == quote));
        let closing = next_line.iter().position(|&byte| byte == quote).filter(|_| has_odd_quotes);
        let mark = char::from(quote);
        let end = match closing {
            Some(at) => line_end + 1 + at + 1,
            None => line_end,
        };
        if !is_reported {
            let (code, message) = match closing {
                Some(_) => (
                    Code::NewlineInString,
                    format!("this string goes on after the end of the line; write `\\n`, or close it with `{mark}`"),
                ),
                None => (Code::UnterminatedString, format!("this string is never closed with `{mark}`")),
            };
            self.report(code, start, line_end, message);
        }
        self.push(TokenKind::String, start, end);
        self.starts_line = closing.is_none();
    }
}
