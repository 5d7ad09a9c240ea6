use std::fmt;

use crate::{DecodeError, FieldHeader, InputProtocol, OutputProtocol, TType};

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
}

const MESSAGE: FieldHeader = FieldHeader { ttype: TType::String, id: 1 };
const KIND: FieldHeader = FieldHeader { ttype: TType::I32, id: 2 };

impl ApplicationException {
    /// An exception of this kind with this message.
    pub fn new(kind: ApplicationExceptionKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
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

impl std::error::Error for ApplicationException {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BinaryReader, BinaryWriter, CompactReader, CompactWriter, Limits};

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
