use alloc::vec::Vec;

use super::VERSION_1;
use crate::bulk::{store_doubles, store_i16s, store_i32s, store_i64s};
use crate::output::wire_size;
use crate::{FieldHeader, Limits, MessageHeader, OutputProtocol, Run, Sink, StructScope, TType};

/// Appends the Binary protocol to a buffer; messages start with a version (strict) unless told otherwise.
///
/// # Panics
/// When a length does not fit 31 bits.
#[derive(Debug)]
pub struct BinaryWriter<'a, S = Vec<u8>> {
    out: &'a mut S,
    writes_old_messages: bool,
    /// How many values that can hold others of their own type are open.
    nested: u32,
}

impl<'a, S: Sink> BinaryWriter<'a, S> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut S) -> Self {
        Self { out, writes_old_messages: false, nested: 0 }
    }

    /// Writes messages without a version, for peers from before there was one.
    #[must_use]
    pub fn old(mut self) -> Self {
        self.writes_old_messages = true;
        self
    }

    #[inline]
    fn put<const N: usize>(&mut self, bytes: [u8; N]) {
        self.out.put(bytes);
    }

    /// Appends the upper `len` bytes of a word.
    #[inline]
    fn put_upper(&mut self, word: u64, len: usize) {
        self.out.put_first(word.to_be_bytes(), len);
    }

    /// Appends a field of eight bytes.
    #[inline]
    fn put_wide(&mut self, ttype: TType, id: i16, value: u64) {
        let word = u128::from(header_word(ttype, id)) << 64 | u128::from(value) << 40;
        self.out.put_first(word.to_be_bytes(), 11);
    }
}

/// A field's header in the upper three bytes.
#[inline]
fn header_word(ttype: TType, id: i16) -> u64 {
    let [high, low] = id.to_be_bytes();
    u64::from_be_bytes([ttype.to_binary(), high, low, 0, 0, 0, 0, 0])
}

/// The headers of a field and of the list or set in it.
#[inline]
fn list_field(ttype: TType, id: i16, element: TType, len: usize) -> [u8; 8] {
    let list = u64::from(element.to_binary()) << 32 | u64::from(wire_size(len));
    (header_word(ttype, id) | list).to_be_bytes()
}

impl<S: Sink> OutputProtocol for BinaryWriter<'_, S> {
    #[inline]
    fn has_lost(&self) -> bool {
        self.out.has_lost()
    }

    #[inline]
    fn enter(&mut self) -> bool {
        self.nested += 1;
        self.nested <= Limits::MAX_DEPTH
    }

    #[inline]
    fn leave(&mut self) {
        self.nested -= 1;
    }

    #[inline]
    fn write_message_header(&mut self, header: &MessageHeader<'_>) {
        let number = header.message_type.to_number();
        if self.writes_old_messages {
            self.write_binary(header.name);
            self.put([number]);
        } else {
            let start = u64::from(VERSION_1 | u32::from(number)) << 32 | u64::from(wire_size(header.name.len()));
            self.out.put_with_head(start.to_be_bytes(), 8, header.name);
        }
        self.write_i32(header.sequence_id);
    }

    #[inline]
    fn begin_struct(&mut self) -> StructScope {
        StructScope::default()
    }

    #[inline]
    fn end_struct(&mut self, _scope: StructScope) {
        self.put([0]);
    }

    #[inline]
    fn write_field(&mut self, header: FieldHeader) {
        self.put_upper(header_word(header.ttype, header.id), 3);
    }

    #[inline]
    fn write_bool_field(&mut self, id: i16, value: bool) {
        self.put_upper(header_word(TType::Bool, id) | u64::from(value) << 32, 4);
    }

    #[inline]
    fn write_i8_field(&mut self, id: i16, value: i8) {
        self.put_upper(header_word(TType::I8, id) | u64::from(value.cast_unsigned()) << 32, 4);
    }

    #[inline]
    fn write_i16_field(&mut self, id: i16, value: i16) {
        self.put_upper(header_word(TType::I16, id) | u64::from(value.cast_unsigned()) << 24, 5);
    }

    #[inline]
    fn write_i32_field(&mut self, id: i16, value: i32) {
        self.put_upper(header_word(TType::I32, id) | u64::from(value.cast_unsigned()) << 8, 7);
    }

    #[inline]
    fn write_i64_field(&mut self, id: i16, value: i64) {
        self.put_wide(TType::I64, id, value.cast_unsigned());
    }

    #[inline]
    fn write_double_field(&mut self, id: i16, value: f64) {
        self.put_wide(TType::Double, id, value.to_bits());
    }

    #[inline]
    fn write_run<R: Run>(&mut self, run: R, ids: R::Ids) {
        self.out.put_run(run, ids);
    }

    #[inline]
    fn write_list_field(&mut self, id: i16, element: TType, len: usize) {
        self.put(list_field(TType::List, id, element, len));
    }

    #[inline]
    fn write_set_field(&mut self, id: i16, element: TType, len: usize) {
        self.put(list_field(TType::Set, id, element, len));
    }

    #[inline]
    fn begin_list(&mut self, element: TType, len: usize) {
        let word = u64::from(element.to_binary()) << 56 | u64::from(wire_size(len)) << 24;
        self.put_upper(word, 5);
    }

    #[inline]
    fn begin_set(&mut self, element: TType, len: usize) {
        self.begin_list(element, len);
    }

    #[inline]
    fn begin_map(&mut self, key: TType, value: TType, len: usize) {
        let types = u64::from(key.to_binary()) << 56 | u64::from(value.to_binary()) << 48;
        self.put_upper(types | u64::from(wire_size(len)) << 16, 6);
    }

    #[inline]
    fn write_bool(&mut self, value: bool) {
        self.put([value.into()]);
    }

    #[inline]
    fn write_i8(&mut self, value: i8) {
        self.put(value.to_be_bytes());
    }

    #[inline]
    fn write_i16(&mut self, value: i16) {
        self.put(value.to_be_bytes());
    }

    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.put(value.to_be_bytes());
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.put(value.to_be_bytes());
    }

    #[inline]
    fn write_double(&mut self, value: f64) {
        self.put(value.to_be_bytes());
    }

    #[inline]
    fn write_uuid(&mut self, value: &[u8; 16]) {
        self.put(*value);
    }

    #[inline]
    fn write_binary(&mut self, value: &[u8]) {
        let size = u64::from(wire_size(value.len())) << 32;
        self.out.put_with_head(size.to_be_bytes(), 4, value);
    }

    #[cfg(feature = "bytes")]
    #[inline]
    fn write_bytes(&mut self, value: &bytes::Bytes) {
        self.put(wire_size(value.len()).to_be_bytes());
        self.out.put_bytes(value);
    }

    fn write_i16s(&mut self, values: &[i16]) {
        store_i16s(values, self.out);
    }

    fn write_i32s(&mut self, values: &[i32]) {
        store_i32s(values, self.out);
    }

    fn write_i64s(&mut self, values: &[i64]) {
        store_i64s(values, self.out);
    }

    fn write_doubles(&mut self, values: &[f64]) {
        store_doubles(values, self.out);
    }

    #[inline]
    fn write_binary_field(&mut self, id: i16, value: &[u8]) {
        let head = header_word(TType::String, id) | u64::from(wire_size(value.len())) << 8;
        self.out.put_with_head(head.to_be_bytes(), 7, value);
    }

    #[inline]
    fn write_text_field(&mut self, id: i16, value: &[u8]) {
        self.write_binary_field(id, value);
    }
}
