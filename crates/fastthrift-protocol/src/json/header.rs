//! The headers of messages made of JSON text: `[1,"name",type,id,` in JSON, and `["name",type,id,` in `SimpleJSON`,
//! as Apache's Java library writes it (`TSimpleJSONProtocol.java`; the Python library leaves the header out).

use alloc::string::String;

use super::string::RawString;
use super::{Lexer, Scratch, write_integer, write_text};
use crate::cursor::error;
use crate::text::text;
use crate::{DecodeError, DecodeErrorKind, Limits, MessageHeader, MessageType, Sink};

/// Which of the two protocols a message is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A version stands before the name.
    Json,
    /// Nothing stands before the name.
    Simple,
}

/// A message's header whose name was not unescaped.
pub(super) struct HeaderParts<'de> {
    pub(super) name: RawString<'de>,
    /// Where the name starts.
    pub(super) offset: usize,
    pub(super) message_type: MessageType,
    pub(super) sequence_id: i32,
}

/// Reads a message's header up to the comma before the body, the name as it stands there.
pub(super) fn header_parts<'de>(lexer: &mut Lexer<'de>, form: Form) -> Result<HeaderParts<'de>, DecodeError> {
    lexer.expect(b'[', "'[' of a message")?;
    if form == Form::Json {
        let version = lexer.integer()?;
        if version != 1 {
            let version = u32::try_from(version).unwrap_or(u32::MAX);
            return Err(error(DecodeErrorKind::BadVersion(version), lexer.offset()));
        }
        lexer.expect(b',', "','")?;
    }
    let (name, offset) = lexer.raw_string()?;
    text(name.bytes, lexer.offset() - 1)?;
    lexer.expect(b',', "','")?;
    let number = integer(lexer)?;
    let message_type = MessageType::from_number(number)
        .ok_or_else(|| error(DecodeErrorKind::InvalidMessageType(number), lexer.offset()))?;
    lexer.expect(b',', "','")?;
    let sequence_id = integer(lexer)?;
    lexer.expect(b',', "','")?;
    Ok(HeaderParts { name, offset, message_type, sequence_id })
}

fn integer<T: TryFrom<i64>>(lexer: &mut Lexer<'_>) -> Result<T, DecodeError> {
    let value = lexer.integer()?;
    T::try_from(value).map_err(|_| error(DecodeErrorKind::OutOfRange(value), lexer.offset()))
}

/// Reads the header of the message that `input` starts with, and says where the body starts. The name is borrowed from the
/// input, so one with escapes, which no name of an IDL needs, is refused.
pub(crate) fn read_plain_header(
    form: Form,
    input: &[u8],
    limits: Limits,
) -> Result<(MessageHeader<'_>, usize), DecodeError> {
    let scratch = Scratch::new();
    let mut lexer = Lexer::new(input, &scratch, limits);
    let HeaderParts { name, offset, message_type, sequence_id } = header_parts(&mut lexer, form)?;
    if name.has_escapes {
        let kind = DecodeErrorKind::Json { expected: "a message's name without escapes", found: b'\\' };
        return Err(error(kind, offset));
    }
    let name = &input[offset..offset + name.bytes.len()];
    if name.len() > limits.string {
        let kind = DecodeErrorKind::SizeLimit { what: "string", size: name.len(), limit: limits.string };
        return Err(error(kind, offset));
    }
    Ok((MessageHeader { name, message_type, sequence_id }, lexer.offset()))
}

/// Writes a message's header up to the comma before the body. What is not UTF-8 in its name is replaced.
pub(crate) fn write_header(form: Form, out: &mut impl Sink, header: &MessageHeader<'_>) {
    match form {
        Form::Json => out.put(*b"[1,"),
        Form::Simple => out.put([b'[']),
    }
    write_text(out, String::from_utf8_lossy(header.name).as_bytes());
    out.put([b',', b'0' + header.message_type.to_number(), b',']);
    write_integer(out, header.sequence_id.into());
    out.put([b',']);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(text: &str) -> (DecodeErrorKind, usize) {
        let error = read_plain_header(Form::Simple, text.as_bytes(), Limits::DEFAULT).unwrap_err();
        (error.kind().clone(), error.offset())
    }

    #[test]
    fn a_header_without_a_version_comes_back() {
        let header = MessageHeader { name: b"Calculator:add", message_type: MessageType::Oneway, sequence_id: -7 };
        let mut out = Vec::new();
        write_header(Form::Simple, &mut out, &header);
        assert_eq!(out, b"[\"Calculator:add\",4,-7,");
        assert_eq!(read_plain_header(Form::Simple, &out, Limits::DEFAULT), Ok((header, out.len())));
        let spaced = b" [\n\"add\" , 1\t,\"2\" , {}";
        let header = MessageHeader { name: b"add", message_type: MessageType::Call, sequence_id: 2 };
        assert_eq!(read_plain_header(Form::Simple, spaced, Limits::DEFAULT), Ok((header, spaced.len() - 3)));
    }

    #[test]
    fn a_header_that_is_none_says_where_it_goes_wrong() {
        let json = |expected, found| DecodeErrorKind::Json { expected, found };
        assert_eq!(failure("{}"), (json("'[' of a message", b'{'), 0));
        assert_eq!(failure("[1,\"add\",1,2,"), (json("a string", b'1'), 1));
        assert_eq!(failure("[\"a\\u0041\",1,2,"), (json("a message's name without escapes", b'\\'), 2));
        assert_eq!(failure("[\"add\",5,2,"), (DecodeErrorKind::InvalidMessageType(5), 8));
        assert_eq!(failure("[\"add\",300,2,"), (DecodeErrorKind::OutOfRange(300), 10));
        assert_eq!(failure("[\"add\",1,2147483648,"), (DecodeErrorKind::OutOfRange(2_147_483_648), 19));
        assert_eq!(failure("[\"add\",1,2]"), (json("','", b']'), 10));
        assert_eq!(failure("[\"add\",1,2"), (DecodeErrorKind::UnexpectedEnd { needed: 1 }, 10));
    }
}
