use alloc::vec::Vec;

use super::varint::{fold_i32, fold_i64, write_all, write_u32, write_u64};
use super::{FALSE, PROTOCOL_ID, TRUE, VERSION, type_number};
use crate::bulk::store_little_doubles;
use crate::output::wire_size;
use crate::{FieldHeader, Limits, MessageHeader, OutputProtocol, Sink, StructScope, TType};

/// Appends the Compact protocol to a buffer.
///
/// # Panics
/// When a length does not fit 31 bits.
#[derive(Debug)]
pub struct CompactWriter<'a, S = Vec<u8>> {
    out: &'a mut S,
    last_field: i16,
    /// How many values that can hold others of their own type are open.
    nested: u32,
}

impl<'a, S: Sink> CompactWriter<'a, S> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut S) -> Self {
        Self { out, last_field: 0, nested: 0 }
    }

    /// Writes a field's header: in one byte when its id is 1 to 15 more than the last one's.
    #[inline]
    fn put_field(&mut self, number: u8, id: i16) {
        let difference = i32::from(id) - i32::from(self.last_field);
        self.last_field = id;
        match u8::try_from(difference) {
            Ok(difference @ 1..=15) => self.out.put([difference << 4 | number]),
            _ => self.put_full_field(number, id),
        }
    }

    #[inline(never)]
    fn put_full_field(&mut self, number: u8, id: i16) {
        self.out.put([number]);
        self.write_i16(id);
    }
}

#[inline]
const fn bool_number(value: bool) -> u8 {
    if value { TRUE } else { FALSE }
}

impl<S: Sink> OutputProtocol for CompactWriter<'_, S> {
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

    fn write_message_header(&mut self, header: &MessageHeader<'_>) {
        self.out.put([PROTOCOL_ID, header.message_type.to_number() << 5 | VERSION]);
        write_u32(self.out, header.sequence_id.cast_unsigned());
        self.write_binary(header.name);
    }

    #[inline]
    fn begin_struct(&mut self) -> StructScope {
        StructScope(core::mem::take(&mut self.last_field))
    }

    #[inline]
    fn end_struct(&mut self, scope: StructScope) {
        self.out.put([0]);
        self.last_field = scope.0;
    }

    #[inline]
    fn write_field(&mut self, header: FieldHeader) {
        self.put_field(type_number(header.ttype), header.id);
    }

    #[inline]
    fn write_bool_field(&mut self, id: i16, value: bool) {
        self.put_field(bool_number(value), id);
    }

    #[inline]
    fn begin_list(&mut self, element: TType, len: usize) {
        let number = type_number(element);
        match wire_size(len) {
            short @ 0..=14 => {
                let [short, ..] = short.to_le_bytes();
                self.out.put([short << 4 | number]);
            }
            long => {
                self.out.put([0xf0 | number]);
                write_u32(self.out, long);
            }
        }
    }

    #[inline]
    fn begin_set(&mut self, element: TType, len: usize) {
        self.begin_list(element, len);
    }

    /// An empty map is one byte and names no types.
    #[inline]
    fn begin_map(&mut self, key: TType, value: TType, len: usize) {
        write_u32(self.out, wire_size(len));
        if len > 0 {
            self.out.put([type_number(key) << 4 | type_number(value)]);
        }
    }

    #[inline]
    fn write_bool(&mut self, value: bool) {
        self.out.put([bool_number(value)]);
    }

    #[inline]
    fn write_i8(&mut self, value: i8) {
        self.out.put([value.cast_unsigned()]);
    }

    #[inline]
    fn write_i16(&mut self, value: i16) {
        self.write_i32(value.into());
    }

    #[inline]
    fn write_i32(&mut self, value: i32) {
        write_u32(self.out, fold_i32(value));
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        write_u64(self.out, fold_i64(value));
    }

    #[inline]
    fn write_double(&mut self, value: f64) {
        self.out.put(value.to_le_bytes());
    }

    #[inline]
    fn write_uuid(&mut self, value: &[u8; 16]) {
        self.out.put_slice(value);
    }

    #[inline]
    fn write_binary(&mut self, value: &[u8]) {
        if let Ok(len @ 0..=0x7f) = u8::try_from(value.len()) {
            return self.out.put_with_head([len, 0, 0, 0, 0, 0, 0, 0], 1, value);
        }
        write_u32(self.out, wire_size(value.len()));
        self.out.put_slice(value);
    }

    #[cfg(feature = "bytes")]
    #[inline]
    fn write_bytes(&mut self, value: &bytes::Bytes) {
        write_u32(self.out, wire_size(value.len()));
        self.out.put_bytes(value);
    }

    fn write_i32s(&mut self, values: &[i32]) {
        write_all(self.out, values, |value| fold_i32(value).into());
    }

    fn write_i64s(&mut self, values: &[i64]) {
        write_all(self.out, values, fold_i64);
    }

    fn write_doubles(&mut self, values: &[f64]) {
        store_little_doubles(values, self.out);
    }
}
