use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::json::{Lexer, write_integer, write_text};
use crate::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, DecodeErrorKind, FieldHeader, InputProtocol,
    JsonReader, JsonWriter, Limits, OutputProtocol, Protocol, Scratch, Sink, TType,
};

/// Why a call could not be carried out: the body of a message of type [`crate::MessageType::Exception`].
///
/// On the wire it is the struct `{1: string message, 2: i32 type}`; other fields are skipped on read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationException {
    /// What kind of failure it is.
    pub kind: ApplicationExceptionKind,
    /// What the peer says about it; empty when it says nothing.
    pub message: String,
}

/// The kind of an [`ApplicationException`], an open set: a peer may send any number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ApplicationExceptionKind(pub i32);

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $number:literal;)*) => {
        impl ApplicationExceptionKind {
            $($(#[$doc])* pub const $name: Self = Self($number);)*

            /// The name that the specification gives it, such as `UNKNOWN_METHOD`; `None` for other numbers.
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $($number => Some(stringify!($name)),)*
                    _ => None,
                }
            }
        }
    };
}

kinds! {
    /// Nothing more is known.
    UNKNOWN = 0;
    /// The service has no function of this name.
    UNKNOWN_METHOD = 1;
    /// A message of this type makes no sense here.
    INVALID_MESSAGE_TYPE = 2;
    /// The reply is for another function than the one called.
    WRONG_METHOD_NAME = 3;
    /// The reply is for another call.
    BAD_SEQUENCE_ID = 4;
    /// The result holds neither a value nor a declared exception.
    MISSING_RESULT = 5;
    /// The handler failed in a way that it did not declare.
    INTERNAL_ERROR = 6;
    /// The message could not be read.
    PROTOCOL_ERROR = 7;
    /// The header names a transform that is not known.
    INVALID_TRANSFORM = 8;
    /// The header names a protocol that is not known, or the wrong one.
    INVALID_PROTOCOL = 9;
    /// The server does not serve clients of this type.
    UNSUPPORTED_CLIENT_TYPE = 10;
    /// The server has more to do than it takes on. The numbers from here on are those of a widely used fork: Apache's
    /// specification ends with 10.
    LOADSHEDDING = 11;
    /// The call's time was over before it was carried out.
    TIMEOUT = 12;
}

const MESSAGE: FieldHeader = FieldHeader { ttype: TType::String, id: 1 };
const KIND: FieldHeader = FieldHeader { ttype: TType::I32, id: 2 };

impl ApplicationException {
    /// An exception of this kind with this message.
    pub fn new(kind: ApplicationExceptionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Reads the struct at the start of `bytes` in a protocol, and says how many bytes it is.
    pub fn decode(protocol: Protocol, bytes: &[u8], limits: Limits) -> Result<(Self, usize), DecodeError> {
        fn read<'de>(mut reader: impl InputProtocol<'de>) -> Result<(ApplicationException, usize), DecodeError> {
            let exception = ApplicationException::read(&mut reader)?;
            Ok((exception, reader.offset()))
        }
        match protocol {
            Protocol::Binary => read(BinaryReader::new(bytes, limits)),
            Protocol::Compact => read(CompactReader::new(bytes, limits)),
            Protocol::Json => read(JsonReader::new(bytes, &Scratch::new(), limits)),
            Protocol::SimpleJson => {
                let scratch = Scratch::new();
                let mut lexer = Lexer::new(bytes, &scratch, limits);
                let exception = Self::read_object(&mut lexer)?;
                Ok((exception, lexer.offset()))
            }
        }
    }

    /// Appends the struct in a protocol.
    pub fn encode(&self, protocol: Protocol, out: &mut Vec<u8>) {
        match protocol {
            Protocol::Binary => self.write(&mut BinaryWriter::new(out)),
            Protocol::Compact => self.write(&mut CompactWriter::new(out)),
            Protocol::Json => self.write(&mut JsonWriter::new(out)),
            Protocol::SimpleJson => self.write_object(out),
        }
    }

    /// Reads the struct. Text that is not UTF-8 has the wrong bytes replaced, since it is shown and nothing else.
    pub fn read<'de>(input: &mut impl InputProtocol<'de>) -> Result<Self, DecodeError> {
        let mut exception = Self::new(ApplicationExceptionKind::UNKNOWN, "");
        let scope = input.begin_struct()?;
        while let Some(field) = input.read_field()? {
            match field {
                MESSAGE => exception.message = String::from_utf8_lossy(input.read_text()?).into_owned(),
                KIND => exception.kind = ApplicationExceptionKind(input.read_i32()?),
                FieldHeader { ttype, .. } => input.skip(ttype)?,
            }
        }
        input.end_struct(scope);
        Ok(exception)
    }

    /// Writes the struct.
    pub fn write(&self, out: &mut impl OutputProtocol) {
        let scope = out.begin_struct();
        out.write_text_field(MESSAGE.id, self.message.as_bytes());
        out.write_i32_field(KIND.id, self.kind.0);
        out.end_struct(scope);
    }

    /// Reads the struct from `SimpleJSON`: `{"message":"...","type":0}`. Values of other types are skipped there too.
    fn read_object(lexer: &mut Lexer<'_>) -> Result<Self, DecodeError> {
        let mut exception = Self::new(ApplicationExceptionKind::UNKNOWN, "");
        lexer.expect(b'{', "'{' of a struct")?;
        lexer.enter()?;
        if lexer.accept(b'}') {
            return Ok(exception);
        }
        loop {
            let name = lexer.name()?;
            lexer.expect(b':', "':'")?;
            match (name, lexer.peek()) {
                (b"message", Some(b'"')) => exception.message = String::from_utf8_lossy(lexer.text()?).into_owned(),
                (b"type", Some(b'-' | b'0'..=b'9')) => exception.kind = ApplicationExceptionKind(small(lexer)?),
                _ => lexer.skip_value()?,
            }
            if !lexer.accept(b',') {
                lexer.expect(b'}', "',' or '}'")?;
                lexer.leave();
                return Ok(exception);
            }
        }
    }

    fn write_object(&self, out: &mut impl Sink) {
        out.put_slice(b"{\"message\":");
        write_text(out, self.message.as_bytes());
        out.put_slice(b",\"type\":");
        write_integer(out, self.kind.0.into());
        out.put([b'}']);
    }
}

fn small(lexer: &mut Lexer<'_>) -> Result<i32, DecodeError> {
    let value = lexer.integer()?;
    i32::try_from(value).map_err(|_| DecodeError::new(DecodeErrorKind::OutOfRange(value), lexer.offset()))
}

impl fmt::Display for ApplicationExceptionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "type {}", self.0),
        }
    }
}

impl fmt::Display for ApplicationException {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.kind)?;
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

impl core::error::Error for ApplicationException {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_struct_has_message_and_type() {
        let exception = ApplicationException::new(ApplicationExceptionKind::MISSING_RESULT, "no");
        let mut binary = Vec::new();
        exception.write(&mut BinaryWriter::new(&mut binary));
        assert_eq!(binary, [11, 0, 1, 0, 0, 0, 2, b'n', b'o', 8, 0, 2, 0, 0, 0, 5, 0]);
        assert_eq!(ApplicationException::read(&mut BinaryReader::new(&binary, Limits::DEFAULT)).unwrap(), exception);
        let mut compact = Vec::new();
        exception.write(&mut CompactWriter::new(&mut compact));
        assert_eq!(compact, [0x18, 2, b'n', b'o', 0x15, 10, 0]);
        assert_eq!(ApplicationException::read(&mut CompactReader::new(&compact, Limits::DEFAULT)).unwrap(), exception);
        assert_eq!(exception.to_string(), "MISSING_RESULT: no");
    }

    #[test]
    fn the_struct_comes_back_in_every_protocol() {
        let exception = ApplicationException::new(ApplicationExceptionKind(-9), "no \"\u{1f600}\"\n");
        for &protocol in Protocol::ALL {
            let mut out = Vec::new();
            exception.encode(protocol, &mut out);
            let read = ApplicationException::decode(protocol, &out, Limits::DEFAULT);
            assert_eq!(read, Ok((exception.clone(), out.len())), "{protocol}");
            assert_eq!(protocol.struct_len(&out, Limits::DEFAULT), Ok(out.len()), "{protocol}");
        }
    }

    #[test]
    fn the_struct_has_names_in_simple_json() {
        let decode = |text: &str| ApplicationException::decode(Protocol::SimpleJson, text.as_bytes(), Limits::DEFAULT);
        let mut out = Vec::new();
        ApplicationException::new(ApplicationExceptionKind(6), "no").encode(Protocol::SimpleJson, &mut out);
        assert_eq!(out, br#"{"message":"no","type":6}"#);
        let text = r#" { "more" : [{}] , "type" : -1, "message": null, "type" : "x" } ]"#;
        let expected = ApplicationException::new(ApplicationExceptionKind(-1), "");
        assert_eq!(decode(text), Ok((expected, text.len() - 2)));
        assert_eq!(decode("{}").map(|(_, len)| len), Ok(2));
        for text in ["", "[]", "{", "{\"type\":1.5}", "{\"type\":4294967296}", "{\"a\":1,}", "{\"message\":\"a"] {
            assert!(decode(text).is_err(), "{text}");
        }
    }

    #[test]
    fn absent_unknown_and_mistyped_fields_are_no_error() {
        // Field 1 as i8, field 2 of type 77, field 3 unknown, text that is not UTF-8 in a second field 1.
        let bytes = [3, 0, 1, 9, 8, 0, 2, 0, 0, 0, 77, 2, 0, 3, 1, 11, 0, 1, 0, 0, 0, 1, 0xff, 0];
        let exception = ApplicationException::read(&mut BinaryReader::new(&bytes, Limits::DEFAULT)).unwrap();
        assert_eq!(exception, ApplicationException::new(ApplicationExceptionKind(77), "\u{fffd}"));
        assert_eq!(exception.to_string(), "type 77: \u{fffd}");
        let empty = ApplicationException::read(&mut BinaryReader::new(&[0], Limits::DEFAULT)).unwrap();
        assert_eq!(empty.to_string(), "UNKNOWN");
    }
}
