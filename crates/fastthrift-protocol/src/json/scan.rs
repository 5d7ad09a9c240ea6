use super::string::find_special;
use crate::cursor::{error, unexpected_end};
use crate::{DecodeError, DecodeErrorKind, Limits};

/// The most brackets that can be open: two for each struct or map, one for the message.
const BRACKETS: usize = 2 * Limits::MAX_DEPTH as usize + 1;

/// Finds the bracket that ends a message, or the object that a struct is, while its bytes come in; looks at each byte once.
#[derive(Debug, Clone)]
pub(crate) struct BracketScan {
    /// The bytes before it were looked at.
    position: usize,
    /// The bracket that all others stand in.
    outermost: u8,
    /// How many brackets are open.
    depth: usize,
    /// A bit for each open bracket: set for those of objects.
    objects: [u64; BRACKETS.div_ceil(64)],
    inside: Inside,
}

/// Where in the text the next byte stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Inside {
    Value,
    String,
    /// After a backslash in a string.
    Escape,
}

impl BracketScan {
    /// For a message, which is an array.
    pub(crate) fn of_message() -> Self {
        Self::of(b'[')
    }

    fn of(outermost: u8) -> Self {
        Self { position: 0, outermost, depth: 0, objects: [0; BRACKETS.div_ceil(64)], inside: Inside::Value }
    }

    /// Goes on in `bytes`, all that came since the start of the message: its length, or `None` when more have to come.
    pub(crate) fn advance(&mut self, bytes: &[u8], limits: Limits) -> Result<Option<usize>, DecodeError> {
        while let Some(&byte) = bytes.get(self.position) {
            match self.inside {
                Inside::Value => {
                    self.position += 1;
                    if self.value_byte(byte, limits)? {
                        return Ok(Some(self.position));
                    }
                }
                Inside::Escape => {
                    self.position += 1;
                    self.inside = Inside::String;
                }
                Inside::String => self.string_bytes(&bytes[self.position..]),
            }
        }
        Ok(None)
    }

    /// So many more bytes belong to the message at least.
    pub(crate) fn missing(&self) -> usize {
        let in_string = match self.inside {
            Inside::Value => 0,
            Inside::String => 1,
            Inside::Escape => 2,
        };
        self.depth.max(1) + in_string
    }

    /// Up to the end of the string, or its next escape.
    fn string_bytes(&mut self, rest: &[u8]) {
        match find_special(rest) {
            Some(len) => {
                self.position += len + 1;
                self.inside = if rest[len] == b'"' { Inside::Value } else { Inside::Escape };
            }
            None => self.position += rest.len(),
        }
    }

    /// A byte outside strings, of which the position is after it; says whether it ends the message.
    #[inline]
    fn value_byte(&mut self, byte: u8, limits: Limits) -> Result<bool, DecodeError> {
        match byte {
            b'{' | b'[' => self.open(byte, limits)?,
            b'}' | b']' => return self.close(byte),
            b' ' | b'\t' | b'\n' | b'\r' => {}
            _ if self.depth == 0 => return Err(self.unexpected(self.opening(), byte)),
            b'"' => self.inside = Inside::String,
            _ => {}
        }
        Ok(false)
    }

    fn open(&mut self, byte: u8, limits: Limits) -> Result<(), DecodeError> {
        let limit = limits.depth.min(Limits::MAX_DEPTH);
        let most = usize::try_from(limit).map_or(BRACKETS, |limit| 2 * limit + 1);
        if self.depth == 0 && byte != self.outermost {
            return Err(self.unexpected(self.opening(), byte));
        }
        if self.depth >= most {
            return Err(error(DecodeErrorKind::DepthLimit(limit), self.position - 1));
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        if byte == b'{' {
            self.objects[word] |= bit;
        } else {
            self.objects[word] &= !bit;
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self, byte: u8) -> Result<bool, DecodeError> {
        let Some(depth) = self.depth.checked_sub(1) else { return Err(self.unexpected(self.opening(), byte)) };
        let is_object = self.objects[depth / 64] >> (depth % 64) & 1 == 1;
        match (is_object, byte) {
            (true, b'}') | (false, b']') => {
                self.depth = depth;
                Ok(depth == 0)
            }
            (true, _) => Err(self.unexpected("'}' of an object", byte)),
            (false, _) => Err(self.unexpected("']' of an array", byte)),
        }
    }

    fn opening(&self) -> &'static str {
        if self.outermost == b'{' { "'{' of a struct" } else { "'[' of a message" }
    }

    #[cold]
    fn unexpected(&self, expected: &'static str, found: u8) -> DecodeError {
        error(DecodeErrorKind::Json { expected, found }, self.position - 1)
    }
}

/// How many of the first bytes are an object, and the whitespace before it. It is looked through for its last bracket alone: what is
/// wrong between the brackets is left to its reader.
pub(crate) fn object_len(bytes: &[u8], limits: Limits) -> Result<usize, DecodeError> {
    let mut scan = BracketScan::of(b'{');
    scan.advance(bytes, limits)?.ok_or_else(|| unexpected_end(scan.missing(), bytes.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> (DecodeErrorKind, usize) {
        let error = object_len(text.as_bytes(), Limits::DEFAULT).unwrap_err();
        (error.kind().clone(), error.offset())
    }

    #[test]
    fn an_object_ends_at_its_last_bracket() {
        for text in ["{}", " \n{}", "{\"a\":[{\"}\":\"]\\\"{\"}]}", "{\"a\":[[{},1]]}"] {
            let followed = format!("{text}]}} \"");
            assert_eq!(object_len(followed.as_bytes(), Limits::DEFAULT), Ok(text.len()));
        }
    }

    #[test]
    fn what_is_no_object_is_refused() {
        let json = |expected, found| DecodeErrorKind::Json { expected, found };
        assert_eq!(failure("[{}]"), (json("'{' of a struct", b'['), 0));
        assert_eq!(failure(" }"), (json("'{' of a struct", b'}'), 1));
        assert_eq!(failure("1"), (json("'{' of a struct", b'1'), 0));
        assert_eq!(failure("{]"), (json("'}' of an object", b']'), 1));
        assert_eq!(failure("{\"a\":[\"b"), (DecodeErrorKind::UnexpectedEnd { needed: 3 }, 8));
        assert_eq!(failure(""), (DecodeErrorKind::UnexpectedEnd { needed: 1 }, 0));
        assert_eq!(failure(&"{\"a\":".repeat(1000)).0, DecodeErrorKind::DepthLimit(64));
    }
}
