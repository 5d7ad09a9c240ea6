use alloc::vec::Vec;

use super::runs::extend;
use super::varint::{read_u32, read_u64, unfold_i32, unfold_i64};
use super::{FALSE, PROTOCOL_ID, TRUE, VERSION, type_number, type_of};
use crate::bulk::{extend_little_doubles, load_little_doubles};
use crate::cursor::{Cursor, error, invalid_type};
use crate::text::text;
use crate::tokens::{MessageStart, Tokens, ValueStart, skip};
use crate::{
    DecodeError, DecodeErrorKind, FieldHeader, InputProtocol, Limits, ListHeader, MapHeader, MessageHeader,
    MessageType, RunError, StructScope, TType,
};

/// Reads the Compact protocol from a complete slice.
///
/// As an element, 1 reads as `true` and any other byte as `false`. Empty containers may name any element type.
#[derive(Debug, Clone)]
pub struct CompactReader<'de> {
    cursor: Cursor<'de>,
    last_field: i16,
    /// The value of a `bool` field whose header was read, until that value is asked for.
    pending_bool: Option<bool>,
}

impl<'de> CompactReader<'de> {
    /// A reader at the start of `input`.
    #[inline]
    pub fn new(input: &'de [u8], limits: Limits) -> Self {
        Self { cursor: Cursor::new(input, limits), last_field: 0, pending_bool: None }
    }

    /// The same for memory that the values which are read can share: [`InputProtocol::read_bytes`].
    #[cfg(feature = "bytes")]
    #[inline]
    pub fn shared(input: &'de bytes::Bytes, limits: Limits) -> Self {
        Self { cursor: Cursor::shared(input, limits), last_field: 0, pending_bool: None }
    }

    /// The element type behind this number; any number will do when there are no elements.
    #[inline]
    fn element(&self, number: u8, len: usize) -> Result<TType, DecodeError> {
        match type_of(number) {
            Some(ttype) => Ok(ttype),
            None if len == 0 => Ok(TType::Stop),
            None => Err(invalid_type(number, self.cursor.offset())),
        }
    }

    #[inline]
    fn list_header(&mut self) -> Result<ListHeader, DecodeError> {
        let byte = self.cursor.byte()?;
        let len = match byte >> 4 {
            15 => read_u32(&mut self.cursor)?,
            short => short.into(),
        };
        let len = self.cursor.container_len(len)?;
        Ok(ListHeader { element: self.element(byte & 0x0f, len)?, len })
    }

    #[inline]
    fn map_header(&mut self) -> Result<MapHeader, DecodeError> {
        let len = read_u32(&mut self.cursor)?;
        if len == 0 {
            return Ok(MapHeader { key: TType::Stop, value: TType::Stop, len: 0 });
        }
        let len = self.cursor.container_len(len)?;
        let types = self.cursor.byte()?;
        Ok(MapHeader { key: self.element(types >> 4, len)?, value: self.element(types & 0x0f, len)?, len })
    }

    /// The bytes of `len` doubles.
    fn doubles(&mut self, len: usize) -> Result<&'de [u8], RunError> {
        let whole = self.cursor.remaining() / 8;
        self.cursor.slice(len.saturating_mul(8)).map_err(|error| RunError { index: whole, error })
    }

    /// The id that a field's header gives: relative to the last one, or in full when the difference is 0.
    #[inline]
    fn field_id(&mut self, difference: u8) -> Result<i16, DecodeError> {
        if difference == 0 {
            return self.read_i16();
        }
        let id = i32::from(self.last_field) + i32::from(difference);
        i16::try_from(id).map_err(|_| error(DecodeErrorKind::OutOfRange(id.into()), self.cursor.offset()))
    }
}

/// An id where a header has the difference of two.
#[inline]
fn id_bits(id: i16) -> u64 {
    i64::from(id).cast_unsigned() << 4
}

#[inline]
fn read_i16(cursor: &mut Cursor<'_>) -> Result<i16, DecodeError> {
    let value = unfold_i32(read_u32(cursor)?);
    i16::try_from(value).map_err(|_| error(DecodeErrorKind::OutOfRange(value.into()), cursor.offset()))
}

impl<'de> InputProtocol<'de> for CompactReader<'de> {
    fn read_message_header(&mut self) -> Result<MessageHeader<'de>, DecodeError> {
        let message_type = self.versioned_type()?;
        let sequence_id = self.sequence_id()?;
        Ok(MessageHeader { name: self.read_binary()?, message_type, sequence_id })
    }

    #[inline]
    fn begin_struct(&mut self) -> Result<StructScope, DecodeError> {
        self.cursor.enter()?;
        Ok(StructScope(core::mem::take(&mut self.last_field)))
    }

    #[inline]
    fn end_struct(&mut self, scope: StructScope) {
        self.last_field = scope.0;
        self.cursor.leave();
    }

    #[inline]
    fn read_field(&mut self) -> Result<Option<FieldHeader>, DecodeError> {
        let byte = self.cursor.byte()?;
        let number = byte & 0x0f;
        if number == 0 {
            return Ok(None);
        }
        let Some(ttype) = type_of(number) else { return Err(invalid_type(number, self.cursor.offset())) };
        let id = self.field_id(byte >> 4)?;
        self.last_field = id;
        self.pending_bool = (ttype == TType::Bool).then_some(number == TRUE);
        Ok(Some(FieldHeader { ttype, id }))
    }

    /// Knows the short form of a header only, which is how writers put a field that comes in order.
    #[inline]
    fn accept_field(&mut self, expected: FieldHeader) -> bool {
        let Some(&byte) = self.cursor.rest().first() else { return false };
        let difference = i32::from(expected.id) - i32::from(self.last_field);
        let is_short = (1..=15).contains(&difference) && i32::from(byte >> 4) == difference;
        let number = byte & 0x0f;
        let accepted = is_short && type_of(number) == Some(expected.ttype);
        if accepted {
            self.cursor.advance(1);
            self.last_field = expected.id;
            self.pending_bool = (expected.ttype == TType::Bool).then_some(number == TRUE);
        }
        accepted
    }

    /// The header's byte, with the last id added in the upper bits: what a short header of the field itself would be relative to 0.
    #[inline]
    fn peek_field(&self, last: i16) -> u64 {
        let byte = self.cursor.rest().first().map_or(0, |byte| u64::from(*byte));
        id_bits(last).wrapping_add(byte)
    }

    /// A header of an id in full has a difference of 0, and would be taken for the short one of `last`.
    #[inline]
    fn peek_again(&self, last: i16) -> u64 {
        match self.cursor.rest().first() {
            Some(0x10..) => self.peek_field(last),
            _ => u64::MAX >> 1,
        }
    }

    /// The id 0 is no id of a short header: it is that of the struct's start.
    #[inline]
    fn accept_peeked(&mut self, peeked: u64, expected: FieldHeader) -> bool {
        let found = peeked.wrapping_sub(id_bits(expected.id));
        let is_expected = match expected.ttype {
            TType::Bool => found == u64::from(TRUE) || found == u64::from(FALSE),
            other => found == u64::from(type_number(other)),
        };
        if !is_expected || expected.id == 0 || !self.cursor.skip::<1>() {
            return false;
        }
        self.last_field = expected.id;
        if expected.ttype == TType::Bool {
            self.pending_bool = Some(found == u64::from(TRUE));
        }
        true
    }

    #[inline]
    fn accept_list(&mut self, element: TType) -> Option<usize> {
        let (&byte, rest) = self.cursor.rest().split_first()?;
        let len = usize::from(byte >> 4);
        let is_short = len < 15 && byte & 0x0f == type_number(element);
        (is_short && self.cursor.accept_items(rest, len, smallest_size(element))).then_some(len)
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
        match self.pending_bool.take() {
            Some(value) => Ok(value),
            None => Ok(self.cursor.byte()? == TRUE),
        }
    }

    #[inline]
    fn read_i8(&mut self) -> Result<i8, DecodeError> {
        self.cursor.byte().map(u8::cast_signed)
    }

    #[inline]
    fn read_i16(&mut self) -> Result<i16, DecodeError> {
        read_i16(&mut self.cursor)
    }

    #[inline]
    fn read_i32(&mut self) -> Result<i32, DecodeError> {
        read_u32(&mut self.cursor).map(unfold_i32)
    }

    #[inline]
    fn read_i64(&mut self) -> Result<i64, DecodeError> {
        read_u64(&mut self.cursor).map(unfold_i64)
    }

    #[inline]
    fn read_double(&mut self) -> Result<f64, DecodeError> {
        self.cursor.array().map(f64::from_le_bytes)
    }

    #[inline]
    fn read_uuid(&mut self) -> Result<[u8; 16], DecodeError> {
        self.cursor.array()
    }

    #[inline]
    fn read_binary(&mut self) -> Result<&'de [u8], DecodeError> {
        let len = read_u32(&mut self.cursor)?;
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

    fn read_doubles(&mut self, into: &mut [f64]) -> Result<(), RunError> {
        load_little_doubles(self.doubles(into.len())?, into);
        Ok(())
    }

    fn extend_i16s(&mut self, into: &mut Vec<i16>, len: usize) -> Result<(), RunError> {
        let narrow = |value| u32::try_from(value).ok().and_then(|value| i16::try_from(unfold_i32(value)).ok());
        extend(&mut self.cursor, into, len, 5, narrow, read_i16)
    }

    fn extend_i32s(&mut self, into: &mut Vec<i32>, len: usize) -> Result<(), RunError> {
        let narrow = |value| u32::try_from(value).ok().map(unfold_i32);
        extend(&mut self.cursor, into, len, 5, narrow, |cursor| read_u32(cursor).map(unfold_i32))
    }

    fn extend_i64s(&mut self, into: &mut Vec<i64>, len: usize) -> Result<(), RunError> {
        let wide = |value| Some(unfold_i64(value));
        extend(&mut self.cursor, into, len, 10, wide, |cursor| read_u64(cursor).map(unfold_i64))
    }

    fn extend_doubles(&mut self, into: &mut Vec<f64>, len: usize) -> Result<(), RunError> {
        extend_little_doubles(self.doubles(len)?, into, len);
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

impl CompactReader<'_> {
    fn versioned_type(&mut self) -> Result<MessageType, DecodeError> {
        let start = self.cursor.offset();
        let [id, version] = self.cursor.array()?;
        if id != PROTOCOL_ID || version & 0x1f != VERSION {
            let word = u32::from_be_bytes([0, 0, id, version]);
            return Err(error(DecodeErrorKind::BadVersion(word), start));
        }
        let number = version >> 5;
        MessageType::from_number(number).ok_or_else(|| error(DecodeErrorKind::InvalidMessageType(number), start + 1))
    }
}

impl<'de> Tokens<'de> for CompactReader<'de> {
    const SEQUENCE_ID_FIRST: bool = true;

    fn resume(input: &'de [u8], offset: usize, limits: Limits) -> Self {
        let cursor = Cursor::new(input, limits).with_offset(input, offset);
        Self { cursor, last_field: 0, pending_bool: None }
    }

    fn set_last_field(&mut self, id: i16) {
        self.last_field = id;
    }

    fn message_start(&mut self) -> Result<MessageStart, DecodeError> {
        self.versioned_type().map(MessageStart::Versioned)
    }

    /// A plain variable-length integer: the 32 bits of the number, so that a negative one takes 5 bytes.
    fn sequence_id(&mut self) -> Result<i32, DecodeError> {
        read_u32(&mut self.cursor).map(u32::cast_signed)
    }

    #[inline]
    fn string_len(&mut self) -> Result<usize, DecodeError> {
        let len = read_u32(&mut self.cursor)?;
        self.cursor.string_len(len)
    }

    #[inline]
    fn value_start(&mut self, ttype: TType) -> Result<ValueStart, DecodeError> {
        Ok(match ttype {
            TType::Bool if self.pending_bool.take().is_some() => ValueStart::Bytes(0),
            TType::I16 => ValueStart::Bytes(self.read_i16().map(|_| 0)?),
            TType::I32 => ValueStart::Bytes(self.read_i32().map(|_| 0)?),
            TType::I64 => ValueStart::Bytes(self.read_i64().map(|_| 0)?),
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
            fixed @ (TType::Bool | TType::I8 | TType::Double | TType::Uuid) => ValueStart::Bytes(smallest_size(fixed)),
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
        matches!(ttype, TType::Stop | TType::Bool | TType::I8 | TType::Double | TType::Uuid)
            .then(|| smallest_size(ttype))
    }

    fn smallest_size(ttype: TType) -> usize {
        smallest_size(ttype)
    }
}

/// The fewest bytes that an element of this type takes. `Stop` is the element type of empty containers only.
#[inline]
const fn smallest_size(ttype: TType) -> usize {
    match ttype {
        TType::Stop => 0,
        TType::Double => 8,
        TType::Uuid => 16,
        _ => 1,
    }
}
