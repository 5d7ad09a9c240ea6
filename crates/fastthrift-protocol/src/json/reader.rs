use alloc::format;

use super::header::{Form, HeaderParts, header_parts};
use super::places::{Place, Places};
use super::tag::{FieldText, from_tag};
use super::{Lexer, Scratch};
use crate::cursor::error;
use crate::text::text;
use crate::{
    DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, Limits, ListHeader, MapHeader, MessageHeader,
    StructScope, TType,
};

/// Reads the JSON protocol from a complete slice.
///
/// Whitespace may stand between any two parts. Numbers may stand in quotes, and as keys of maps they must. Any integer but 0
/// reads as `true`. Doubles that JSON lacks are read in quotes, as C++ writes them, and bare, as Python does. Base64 may be padded.
/// Control characters may stand in text unescaped; halves of surrogate pairs may not stand alone.
#[derive(Debug, Clone)]
pub struct JsonReader<'de> {
    lexer: Lexer<'de>,
    place: Place,
    outer: Places,
    /// The error at [`Place::Failed`].
    failure: Option<DecodeError>,
}

impl<'de> JsonReader<'de> {
    /// A reader at the start of `input`; what has to be unescaped or decoded goes into `scratch`.
    #[inline]
    pub fn new(input: &'de [u8], scratch: &'de Scratch, limits: Limits) -> Self {
        let lexer = Lexer::new(input, scratch, limits);
        Self { lexer, place: Place::Value, outer: Places::default(), failure: None }
    }

    /// Reads what stands before a value, and says whether it is a key, so that a number must be in quotes.
    #[inline]
    fn start(&mut self) -> Result<bool, DecodeError> {
        match self.place {
            Place::Value | Place::FirstField => Ok(false),
            Place::Element => {
                self.lexer.expect(b',', "',' before the next element")?;
                Ok(false)
            }
            Place::MapValue => {
                self.lexer.expect(b':', "':' after the key")?;
                self.place = Place::Key;
                Ok(false)
            }
            Place::Key => {
                self.lexer.expect(b',', "',' before the next key")?;
                self.place = Place::MapValue;
                Ok(true)
            }
            Place::FirstKey => {
                self.place = Place::MapValue;
                Ok(true)
            }
            Place::Failed => Err(self.failed()),
        }
    }

    #[cold]
    fn failed(&mut self) -> DecodeError {
        match &self.failure {
            Some(failure) => failure.clone(),
            None => self.lexer.unexpected("the end"),
        }
    }

    #[inline]
    fn enter(&mut self, inner: Place) -> Result<(), DecodeError> {
        self.lexer.enter()?;
        self.outer.push(self.place);
        self.place = inner;
        Ok(())
    }

    #[inline]
    fn leave(&mut self) {
        self.place = self.outer.pop();
        self.lexer.leave();
    }

    #[inline]
    fn integer(&mut self) -> Result<i64, DecodeError> {
        if self.start()? { self.lexer.quoted_integer() } else { self.lexer.integer() }
    }

    #[inline]
    fn integer_as<T: TryFrom<i64>>(&mut self) -> Result<T, DecodeError> {
        let value = self.integer()?;
        self.narrow(value)
    }

    #[inline]
    fn narrow<T: TryFrom<i64>>(&self, value: i64) -> Result<T, DecodeError> {
        T::try_from(value).map_err(|_| error(DecodeErrorKind::OutOfRange(value), self.offset()))
    }

    /// Reads the name of a type.
    fn ttype(&mut self) -> Result<TType, DecodeError> {
        let (raw, offset) = self.lexer.raw_string()?;
        from_tag(raw.bytes).ok_or_else(|| {
            let shown = &raw.bytes[..raw.bytes.len().min(16)];
            error(DecodeErrorKind::Invalid(format!("'{}' is no type", shown.escape_ascii()).into()), offset)
        })
    }

    fn comma(&mut self) -> Result<(), DecodeError> {
        self.lexer.expect(b',', "','")
    }

    /// Reads the size of a container and checks it against its limit.
    fn size(&mut self) -> Result<usize, DecodeError> {
        self.comma()?;
        let size = self.lexer.integer()?;
        if let Ok(size) = i32::try_from(size) {
            return self.lexer.cursor.container_len(size.cast_unsigned());
        }
        let kind = match usize::try_from(size) {
            Ok(size) => {
                DecodeErrorKind::SizeLimit { what: "container", size, limit: self.lexer.cursor.container_limit() }
            }
            Err(_) => DecodeErrorKind::NegativeSize(size),
        };
        Err(error(kind, self.offset()))
    }

    /// Reads the brackets that end a container.
    fn container_end(&mut self) -> Result<(), DecodeError> {
        if self.place != Place::Element {
            self.lexer.expect(b'}', "'}' after the last entry")?;
        }
        self.lexer.expect(b']', "']' after the last element")
    }

    fn skip_items(&mut self, types: &[TType], len: usize) -> Result<(), DecodeError> {
        for _ in 0..len {
            for &ttype in types {
                self.skip(ttype)?;
            }
        }
        self.end_container();
        if self.place == Place::Failed { Err(self.failed()) } else { Ok(()) }
    }

    fn skip_fields(&mut self) -> Result<(), DecodeError> {
        let scope = self.begin_struct()?;
        while let Some(field) = self.read_field()? {
            self.skip(field.ttype)?;
        }
        self.end_struct(scope);
        Ok(())
    }
}

impl<'de> InputProtocol<'de> for JsonReader<'de> {
    /// Ends after the comma before the body, so that a reader of its own can read that.
    fn read_message_header(&mut self) -> Result<MessageHeader<'de>, DecodeError> {
        let HeaderParts { name, offset, message_type, sequence_id } = header_parts(&mut self.lexer, Form::Json)?;
        let name = self.lexer.text_of(name, offset)?;
        Ok(MessageHeader { name, message_type, sequence_id })
    }

    fn read_message_end(&mut self) -> Result<(), DecodeError> {
        self.start()?;
        self.lexer.expect(b']', "']' after the message")
    }

    #[inline]
    fn begin_struct(&mut self) -> Result<StructScope, DecodeError> {
        self.start()?;
        self.lexer.expect(b'{', "'{' of a struct")?;
        self.enter(Place::FirstField)?;
        Ok(StructScope::default())
    }

    #[inline]
    fn end_struct(&mut self, _scope: StructScope) {
        self.leave();
    }

    fn read_field(&mut self) -> Result<Option<FieldHeader>, DecodeError> {
        match self.place {
            Place::Failed => return Err(self.failed()),
            Place::FirstField => {
                if self.lexer.accept(b'}') {
                    return Ok(None);
                }
            }
            _ => {
                self.lexer.expect(b'}', "'}' after the field's value")?;
                if self.lexer.accept(b'}') {
                    return Ok(None);
                }
                self.lexer.expect(b',', "',' or '}' after the field")?;
            }
        }
        let id = self.lexer.quoted_integer()?;
        let id = self.narrow(id)?;
        self.lexer.expect(b':', "':' after the field's id")?;
        self.lexer.expect(b'{', "'{' of a field")?;
        let ttype = self.ttype()?;
        self.lexer.expect(b':', "':' after the field's type")?;
        self.place = Place::Value;
        Ok(Some(FieldHeader { ttype, id }))
    }

    #[inline]
    fn accept_field(&mut self, expected: FieldHeader) -> bool {
        let Some(text) = FieldText::of(expected) else { return false };
        let text = match self.place {
            Place::FirstField => text,
            Place::Value => text.after(*b"},"),
            _ => return false,
        };
        let rest = self.lexer.cursor.rest();
        let word = match rest.first_chunk::<16>() {
            Some(word) => *word,
            None => padded(rest),
        };
        let accepted = (u128::from_le_bytes(word) ^ text.word) << (128 - 8 * text.len) == 0;
        if accepted {
            self.lexer.cursor.advance(text.len);
            self.place = Place::Value;
        }
        accepted
    }

    #[inline]
    fn accept_stop(&mut self) -> bool {
        let end: &[u8] = match self.place {
            Place::FirstField => b"}",
            Place::Value => b"}}",
            _ => return false,
        };
        let accepted = self.lexer.cursor.rest().starts_with(end);
        if accepted {
            self.lexer.cursor.advance(end.len());
        }
        accepted
    }

    fn begin_list(&mut self) -> Result<ListHeader, DecodeError> {
        self.start()?;
        self.lexer.expect(b'[', "'[' of a list or set")?;
        let element = self.ttype()?;
        let len = self.size()?;
        self.lexer.cursor.expect_items(len, smallest_size(element))?;
        self.enter(Place::Element)?;
        Ok(ListHeader { element, len })
    }

    fn begin_set(&mut self) -> Result<ListHeader, DecodeError> {
        self.begin_list()
    }

    fn begin_map(&mut self) -> Result<MapHeader, DecodeError> {
        self.start()?;
        self.lexer.expect(b'[', "'[' of a map")?;
        let key = self.ttype()?;
        self.comma()?;
        let value = self.ttype()?;
        let len = self.size()?;
        self.comma()?;
        self.lexer.expect(b'{', "'{' of a map")?;
        self.lexer.cursor.expect_items(len, smallest_size(key) + smallest_size(value))?;
        self.enter(Place::FirstKey)?;
        Ok(MapHeader { key, value, len })
    }

    /// Reads the brackets that end the container. When others stand there, the next read says so.
    fn end_container(&mut self) {
        if self.place == Place::Failed {
            return;
        }
        match self.container_end() {
            Ok(()) => self.leave(),
            Err(failure) => {
                self.place = Place::Failed;
                self.failure = Some(failure);
            }
        }
    }

    #[inline]
    fn read_bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.integer()? != 0)
    }

    #[inline]
    fn read_i8(&mut self) -> Result<i8, DecodeError> {
        self.integer_as()
    }

    #[inline]
    fn read_i16(&mut self) -> Result<i16, DecodeError> {
        self.integer_as()
    }

    #[inline]
    fn read_i32(&mut self) -> Result<i32, DecodeError> {
        self.integer_as()
    }

    #[inline]
    fn read_i64(&mut self) -> Result<i64, DecodeError> {
        self.integer()
    }

    fn read_double(&mut self) -> Result<f64, DecodeError> {
        if self.start()? && self.lexer.peek() != Some(b'"') {
            return Err(self.lexer.unexpected("a double in quotes"));
        }
        self.lexer.double()
    }

    fn read_uuid(&mut self) -> Result<[u8; 16], DecodeError> {
        self.start()?;
        self.lexer.uuid()
    }

    fn read_binary(&mut self) -> Result<&'de [u8], DecodeError> {
        self.start()?;
        self.lexer.base64()
    }

    #[inline]
    fn read_text(&mut self) -> Result<&'de [u8], DecodeError> {
        self.start()?;
        self.lexer.text()
    }

    fn read_string(&mut self) -> Result<&'de str, DecodeError> {
        let bytes = self.read_text()?;
        text(bytes, self.offset() - 1)
    }

    #[inline]
    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.lexer.cursor.charge(bytes)
    }

    fn skip(&mut self, ttype: TType) -> Result<(), DecodeError> {
        match ttype {
            TType::Stop => Err(error(DecodeErrorKind::InvalidType(0), self.offset())),
            TType::Bool | TType::I64 => self.read_i64().map(drop),
            TType::I8 => self.read_i8().map(drop),
            TType::I16 => self.read_i16().map(drop),
            TType::I32 => self.read_i32().map(drop),
            TType::Double => self.read_double().map(drop),
            TType::Uuid => self.read_uuid().map(drop),
            TType::String => {
                self.start()?;
                self.lexer.skip_text()
            }
            TType::Struct => self.skip_fields(),
            TType::List | TType::Set => {
                let ListHeader { element, len } = self.begin_list()?;
                self.skip_items(&[element], len)
            }
            TType::Map => {
                let MapHeader { key, value, len } = self.begin_map()?;
                self.skip_items(&[key, value], len)
            }
        }
    }

    #[inline]
    fn offset(&self) -> usize {
        self.lexer.offset()
    }

    #[inline]
    fn remaining(&self) -> usize {
        self.lexer.remaining()
    }
}

/// The last bytes of the input, with zeros after them.
#[cold]
fn padded(rest: &[u8]) -> [u8; 16] {
    let mut word = [0; 16];
    word[..rest.len()].copy_from_slice(rest);
    word
}

/// The fewest bytes that a value of this type takes, with the comma or colon beside it.
const fn smallest_size(ttype: TType) -> usize {
    match ttype {
        TType::Stop | TType::Bool | TType::I8 | TType::I16 | TType::I32 | TType::I64 | TType::Double => 2,
        TType::String | TType::Struct => 3,
        TType::List | TType::Set => 9,
        TType::Map => 17,
        TType::Uuid => 35,
    }
}
