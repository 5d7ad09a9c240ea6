use alloc::vec::Vec;

use super::{VERSION_1, VERSION_MASK};
use crate::bulk::{
    extend_doubles, extend_i16s, extend_i32s, extend_i64s, load_doubles, load_i16s, load_i32s, load_i64s,
};
use crate::cursor::{Cursor, error, invalid_type};
use crate::text::text;
use crate::tokens::{MessageStart, Tokens, ValueStart, skip};
use crate::{
    DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, Limits, ListHeader, MapHeader, MessageHeader,
    MessageType, Run, RunError, StructScope, TType,
};

/// Reads the Binary protocol from a complete slice.
///
/// Any byte but 0 reads as `true`. Empty containers may name any element type.
#[derive(Debug, Clone)]
pub struct BinaryReader<'de> {
    cursor: Cursor<'de>,
    accepts_old_messages: bool,
}

impl<'de> BinaryReader<'de> {
    /// A reader at the start of `input`, which accepts messages with a version (strict) and without one (old).
    #[inline]
    pub fn new(input: &'de [u8], limits: Limits) -> Self {
        Self { cursor: Cursor::new(input, limits), accepts_old_messages: true }
    }

    /// The same for memory that the values which are read can share: [`InputProtocol::read_bytes`].
    #[cfg(feature = "bytes")]
    #[inline]
    pub fn shared(input: &'de bytes::Bytes, limits: Limits) -> Self {
        Self { cursor: Cursor::shared(input, limits), accepts_old_messages: true }
    }

    /// Refuses messages that start with their name's length instead of a version, with
    /// [`DecodeErrorKind::BadVersion`].
    #[must_use]
    pub fn strict(mut self) -> Self {
        self.accepts_old_messages = false;
        self
    }

    /// The sequence id of a message that starts with a version and is of this type and name, and where its body starts. `None` for
    /// any other: to compare a header is cheaper than to read it.
    #[inline]
    pub fn expected_header(message: &[u8], message_type: MessageType, name: &[u8]) -> Option<(i32, usize)> {
        let (start, rest) = message.split_first_chunk()?;
        let version = u64::from(VERSION_1 | u32::from(message_type.to_number()));
        let expected = version << 32 | u64::from(u32::try_from(name.len()).ok()?);
        let (found, rest) = rest.split_at_checked(name.len())?;
        if u64::from_be_bytes(*start) != expected || found != name {
            return None;
        }
        let sequence_id = i32::from_be_bytes(*rest.first_chunk()?);
        Some((sequence_id, start.len() + name.len() + size_of::<i32>()))
    }

    #[inline]
    fn word(&mut self) -> Result<u32, DecodeError> {
        self.cursor.array().map(u32::from_be_bytes)
    }

    #[inline]
    fn container_len(&mut self) -> Result<usize, DecodeError> {
        let len = self.word()?;
        self.cursor.container_len(len)
    }

    /// The element type behind this number; any number will do when there are no elements.
    #[inline]
    fn element(&self, number: u8, len: usize) -> Result<TType, DecodeError> {
        match TType::from_binary(number) {
            Some(ttype) => Ok(ttype),
            None if len == 0 => Ok(TType::Stop),
            None => Err(invalid_type(number, self.cursor.offset())),
        }
    }

    #[inline]
    fn list_header(&mut self) -> Result<ListHeader, DecodeError> {
        let [number, len @ ..] = self.cursor.array::<5>()?;
        let len = self.cursor.container_len(u32::from_be_bytes(len))?;
        Ok(ListHeader { element: self.element(number, len)?, len })
    }

    #[inline]
    fn map_header(&mut self) -> Result<MapHeader, DecodeError> {
        let [key, value] = self.cursor.array()?;
        let len = self.container_len()?;
        Ok(MapHeader { key: self.element(key, len)?, value: self.element(value, len)?, len })
    }

    /// The bytes of `len` elements of `size` bytes each.
    fn run(&mut self, len: usize, size: usize) -> Result<&'de [u8], RunError> {
        let whole = self.cursor.remaining() / size;
        self.cursor.slice(len.saturating_mul(size)).map_err(|error| RunError { index: whole, error })
    }

    fn message_type(&self, number: u8) -> Result<MessageType, DecodeError> {
        MessageType::from_number(number)
            .ok_or_else(|| error(DecodeErrorKind::InvalidMessageType(number), self.cursor.offset()))
    }
}

impl<'de> InputProtocol<'de> for BinaryReader<'de> {
    const HAS_RUNS: bool = true;

    #[inline]
    fn read_message_header(&mut self) -> Result<MessageHeader<'de>, DecodeError> {
        let (name, message_type) = match self.message_start()? {
            MessageStart::Versioned(message_type) => (self.read_binary()?, message_type),
            MessageStart::OldName(len) => {
                let name = self.cursor.slice(len)?;
                let number = self.cursor.byte()?;
                (name, self.message_type(number)?)
            }
        };
        Ok(MessageHeader { name, message_type, sequence_id: self.read_i32()? })
    }

    #[inline]
    fn begin_struct(&mut self) -> Result<StructScope, DecodeError> {
        self.cursor.enter()?;
        Ok(StructScope::default())
    }

    #[inline]
    fn end_struct(&mut self, _scope: StructScope) {
        self.cursor.leave();
    }

    #[inline]
    fn read_field(&mut self) -> Result<Option<FieldHeader>, DecodeError> {
        let number = self.cursor.byte()?;
        if number == 0 {
            return Ok(None);
        }
        let Some(ttype) = TType::from_binary(number) else {
            return Err(invalid_type(number, self.cursor.offset()));
        };
        Ok(Some(FieldHeader { ttype, id: self.read_i16()? }))
    }

    #[inline]
    fn accept_field(&mut self, expected: FieldHeader) -> bool {
        // A field's header is never the end of a struct, so a fourth byte is there unless the input is cut off.
        let Some(&start) = self.cursor.rest().first_chunk::<4>() else { return false };
        let [high, low] = expected.id.to_be_bytes();
        let accepted = u32::from_be_bytes(start) >> 8 == u32::from_be_bytes([0, expected.ttype.to_binary(), high, low]);
        if accepted {
            self.cursor.advance(3);
        }
        accepted
    }

    /// The three bytes of a header, after which one more is there unless the input is cut off; no bytes are none.
    #[inline]
    fn peek_field(&self, _last: i16) -> u64 {
        self.cursor.rest().first_chunk().map_or(0, |start| u64::from(u32::from_be_bytes(*start) >> 8))
    }

    #[inline]
    fn accept_peeked(&mut self, peeked: u64, expected: FieldHeader) -> bool {
        let [high, low] = expected.id.to_be_bytes();
        let expected = u32::from_be_bytes([0, expected.ttype.to_binary(), high, low]);
        peeked == u64::from(expected) && self.cursor.skip::<3>()
    }

    #[inline]
    fn accept_list(&mut self, element: TType) -> Option<usize> {
        let (&[number, len @ ..], rest) = self.cursor.rest().split_first_chunk::<5>()?;
        let len = usize::try_from(u32::from_be_bytes(len)).ok()?;
        let is_it = number == element.to_binary();
        (is_it && self.cursor.accept_items(rest, len, smallest_size(element))).then_some(len)
    }

    #[inline]
    fn accept_run<R: Run>(&mut self, ids: R::Ids) -> Option<R> {
        let run = R::load(self.cursor.rest(), ids)?;
        self.cursor.advance(R::SIZE);
        Some(run)
    }

    #[inline]
    fn accept_stop(&mut self) -> bool {
        self.cursor.rest().first() == Some(&0) && self.cursor.skip::<1>()
    }

    #[inline]
    fn begin_list(&mut self) -> Result<ListHeader, DecodeError> {
        let header = self.list_header()?;
        self.enter_items(header.len, smallest_size(header.element))?;
        Ok(header)
    }

    #[inline]
    fn begin_set(&mut self) -> Result<ListHeader, DecodeError> {
        self.begin_list()
    }

    #[inline]
    fn begin_map(&mut self) -> Result<MapHeader, DecodeError> {
        let header = self.map_header()?;
        self.enter_items(header.len, smallest_size(header.key) + smallest_size(header.value))?;
        Ok(header)
    }

    #[inline]
    fn end_container(&mut self) {
        self.cursor.leave();
    }

    #[inline]
    fn read_bool(&mut self) -> Result<bool, DecodeError> {
        Ok(self.cursor.byte()? != 0)
    }

    #[inline]
    fn read_i8(&mut self) -> Result<i8, DecodeError> {
        self.cursor.byte().map(u8::cast_signed)
    }

    #[inline]
    fn read_i16(&mut self) -> Result<i16, DecodeError> {
        self.cursor.array().map(i16::from_be_bytes)
    }

    #[inline]
    fn read_i32(&mut self) -> Result<i32, DecodeError> {
        self.cursor.array().map(i32::from_be_bytes)
    }

    #[inline]
    fn read_i64(&mut self) -> Result<i64, DecodeError> {
        self.cursor.array().map(i64::from_be_bytes)
    }

    #[inline]
    fn read_double(&mut self) -> Result<f64, DecodeError> {
        self.cursor.array().map(f64::from_be_bytes)
    }

    #[inline]
    fn read_uuid(&mut self) -> Result<[u8; 16], DecodeError> {
        self.cursor.array()
    }

    #[inline]
    fn read_binary(&mut self) -> Result<&'de [u8], DecodeError> {
        let len = self.word()?;
        self.cursor.sized_slice(len)
    }

    #[cfg(feature = "bytes")]
    #[inline]
    fn read_bytes(&mut self) -> Result<bytes::Bytes, DecodeError> {
        let part = self.read_binary()?;
        Ok(self.cursor.owned(part))
    }

    #[cfg(feature = "bytes")]
    #[inline]
    fn share_text(&mut self, text: &'de str) -> bytes::Bytes {
        self.cursor.owned(text.as_bytes())
    }

    #[inline]
    fn read_text(&mut self) -> Result<&'de [u8], DecodeError> {
        self.read_binary()
    }

    #[inline]
    fn read_string(&mut self) -> Result<&'de str, DecodeError> {
        let bytes = self.read_binary()?;
        text(bytes, self.cursor.offset())
    }

    fn read_bools(&mut self, into: &mut [bool]) -> Result<(), RunError> {
        let bytes = self.run(into.len(), 1)?;
        for (place, byte) in into.iter_mut().zip(bytes) {
            *place = *byte != 0;
        }
        Ok(())
    }

    fn read_i8s(&mut self, into: &mut [i8]) -> Result<(), RunError> {
        let bytes = self.run(into.len(), 1)?;
        for (place, byte) in into.iter_mut().zip(bytes) {
            *place = byte.cast_signed();
        }
        Ok(())
    }

    fn read_i16s(&mut self, into: &mut [i16]) -> Result<(), RunError> {
        load_i16s(self.run(into.len(), 2)?, into);
        Ok(())
    }

    fn read_i32s(&mut self, into: &mut [i32]) -> Result<(), RunError> {
        load_i32s(self.run(into.len(), 4)?, into);
        Ok(())
    }

    fn read_i64s(&mut self, into: &mut [i64]) -> Result<(), RunError> {
        load_i64s(self.run(into.len(), 8)?, into);
        Ok(())
    }

    fn read_doubles(&mut self, into: &mut [f64]) -> Result<(), RunError> {
        load_doubles(self.run(into.len(), 8)?, into);
        Ok(())
    }

    fn extend_i16s(&mut self, into: &mut Vec<i16>, len: usize) -> Result<(), RunError> {
        extend_i16s(self.run(len, 2)?, into, len);
        Ok(())
    }

    fn extend_i32s(&mut self, into: &mut Vec<i32>, len: usize) -> Result<(), RunError> {
        extend_i32s(self.run(len, 4)?, into, len);
        Ok(())
    }

    fn extend_i64s(&mut self, into: &mut Vec<i64>, len: usize) -> Result<(), RunError> {
        extend_i64s(self.run(len, 8)?, into, len);
        Ok(())
    }

    fn extend_doubles(&mut self, into: &mut Vec<f64>, len: usize) -> Result<(), RunError> {
        extend_doubles(self.run(len, 8)?, into, len);
        Ok(())
    }

    #[inline]
    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        self.cursor.charge(bytes)
    }

    fn skip(&mut self, ttype: TType) -> Result<(), DecodeError> {
        skip(self, ttype)
    }

    #[inline]
    fn offset(&self) -> usize {
        self.cursor.offset()
    }

    #[inline]
    fn remaining(&self) -> usize {
        self.cursor.remaining()
    }
}

impl<'de> Tokens<'de> for BinaryReader<'de> {
    const SEQUENCE_ID_FIRST: bool = false;

    fn resume(input: &'de [u8], offset: usize, limits: Limits) -> Self {
        Self { cursor: Cursor::new(input, limits).with_offset(input, offset), accepts_old_messages: true }
    }

    fn set_last_field(&mut self, _id: i16) {}

    #[inline]
    fn message_start(&mut self) -> Result<MessageStart, DecodeError> {
        let word = self.word()?;
        if word.cast_signed() < 0 {
            if word & VERSION_MASK != VERSION_1 {
                return Err(error(DecodeErrorKind::BadVersion(word), self.cursor.offset() - 4));
            }
            let [.., number] = word.to_be_bytes();
            return self.message_type(number).map(MessageStart::Versioned);
        }
        if !self.accepts_old_messages {
            return Err(error(DecodeErrorKind::BadVersion(word), self.cursor.offset() - 4));
        }
        self.cursor.string_len(word).map(MessageStart::OldName)
    }

    fn sequence_id(&mut self) -> Result<i32, DecodeError> {
        self.read_i32()
    }

    #[inline]
    fn string_len(&mut self) -> Result<usize, DecodeError> {
        let len = self.word()?;
        self.cursor.string_len(len)
    }

    #[inline]
    fn value_start(&mut self, ttype: TType) -> Result<ValueStart, DecodeError> {
        Ok(match ttype {
            TType::Struct => ValueStart::Struct,
            TType::String => ValueStart::Bytes(self.string_len()?),
            TType::List | TType::Set => {
                let ListHeader { element, len } = self.list_header()?;
                ValueStart::Elements { element, len }
            }
            TType::Map => {
                let MapHeader { key, value, len } = self.map_header()?;
                ValueStart::Entries { key, value, len }
            }
            TType::Stop => return Err(invalid_type(0, self.cursor.offset())),
            fixed => ValueStart::Bytes(smallest_size(fixed)),
        })
    }

    #[inline]
    fn pass(&mut self, len: usize) -> Result<(), DecodeError> {
        self.cursor.slice(len).map(drop)
    }

    #[inline]
    fn enter_items(&mut self, len: usize, smallest: usize) -> Result<(), DecodeError> {
        self.cursor.expect_items(len, smallest)?;
        self.cursor.enter()
    }

    #[inline]
    fn fixed_size(ttype: TType) -> Option<usize> {
        match ttype {
            TType::String | TType::Struct | TType::Map | TType::Set | TType::List => None,
            fixed => Some(smallest_size(fixed)),
        }
    }

    fn smallest_size(ttype: TType) -> usize {
        smallest_size(ttype)
    }
}

/// The fewest bytes that a value of this type takes. `Stop` is the element type of empty containers only.
#[inline]
const fn smallest_size(ttype: TType) -> usize {
    match ttype {
        TType::Stop => 0,
        TType::Bool | TType::I8 | TType::Struct => 1,
        TType::I16 => 2,
        TType::I32 | TType::String => 4,
        TType::List | TType::Set => 5,
        TType::Map => 6,
        TType::I64 | TType::Double => 8,
        TType::Uuid => 16,
    }
}
