use alloc::vec::Vec;

use super::runs::write_all;
use super::varint::{fold_i32, fold_i64, write_after, write_u32, write_u64};
use super::{FALSE, PROTOCOL_ID, TRUE, VERSION, type_number};
use crate::bulk::store_little_doubles;
use crate::output::wire_size;
use crate::{FieldHeader, Limits, MessageHeader, OutputProtocol, Run, Sink, StructScope, TType};

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
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "ids are known where this is put, and so is the header")]
    fn put_field(&mut self, number: u8, id: i16) {
        match self.short_head(number, id) {
            Some(head) => self.out.put([head]),
            None => self.put_full_field(number, id),
        }
    }

    /// Writes a whole field whose value is this number.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "ids are known where this is put, and so is the header")]
    fn put_number(&mut self, ttype: u8, id: i16, value: u64) {
        if let Some(head) = self.short_head(ttype, id) {
            write_after(self.out, head, value);
        } else {
            self.put_full_field(ttype, id);
            write_u64(self.out, value);
        }
    }

    /// Writes the headers of a field and of the list or set in it.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "ids are known where this is put, and so is the header")]
    fn put_list_field(&mut self, ttype: TType, id: i16, element: TType, len: usize) {
        let head = self.short_head(type_number(ttype), id);
        if let (Some(head), Ok(len @ 0..=14)) = (head, u8::try_from(len)) {
            return self.out.put([head, len << 4 | type_number(element)]);
        }
        self.put_head(head, ttype, id);
        self.begin_list(element, len);
    }

    /// Writes a field's header, the one byte if that is enough.
    #[inline]
    fn put_head(&mut self, short: Option<u8>, ttype: TType, id: i16) {
        match short {
            Some(head) => self.out.put([head]),
            None => self.put_full_field(type_number(ttype), id),
        }
    }

    /// The one byte that is the header of a field, of which it keeps the id, if one is enough.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "ids are known where this is put, and so is the header")]
    fn short_head(&mut self, ttype: u8, id: i16) -> Option<u8> {
        let difference = i32::from(id) - i32::from(self.last_field);
        self.last_field = id;
        match u8::try_from(difference) {
            Ok(difference @ 1..=15) => Some(difference << 4 | ttype),
            _ => None,
        }
    }

    /// Writes a `binary` of any length.
    #[inline(never)]
    fn put_long_binary(&mut self, value: &[u8]) {
        write_u32(self.out, wire_size(value.len()));
        self.out.put_slice(value);
    }

    /// Writes a run where there is no room for all that it could take.
    #[cold]
    #[inline(never)]
    fn put_each<R: Run>(&mut self, run: R, ids: R::Ids) {
        run.write_each(ids, self);
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

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_list_field(&mut self, id: i16, element: TType, len: usize) {
        self.put_list_field(TType::List, id, element, len);
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_set_field(&mut self, id: i16, element: TType, len: usize) {
        self.put_list_field(TType::Set, id, element, len);
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_map_field(&mut self, id: i16, key: TType, value: TType, len: usize) {
        let head = self.short_head(type_number(TType::Map), id);
        if let (Some(head), Ok(len @ 1..=0x7f)) = (head, u8::try_from(len)) {
            return self.out.put_first([head, len, type_number(key) << 4 | type_number(value), 0], 3);
        }
        self.put_head(head, TType::Map, id);
        self.begin_map(key, value, len);
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
        self.put_long_binary(value);
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

    #[inline]
    fn write_run<R: Run>(&mut self, run: R, ids: R::Ids) {
        if !self.out.put_compact_run(run, ids, self.last_field) {
            self.put_each(run, ids);
        }
        self.last_field = R::last(ids);
    }

    #[inline]
    fn wrote_field(&mut self, id: i16) {
        self.last_field = id;
    }

    fn write_i16s(&mut self, values: &[i16]) {
        write_all(self.out, values, |value| fold_i32(value.into()).into());
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_i16_field(&mut self, id: i16, value: i16) {
        self.put_number(type_number(TType::I16), id, fold_i32(value.into()).into());
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_i32_field(&mut self, id: i16, value: i32) {
        self.put_number(type_number(TType::I32), id, fold_i32(value).into());
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_i64_field(&mut self, id: i16, value: i64) {
        self.put_number(type_number(TType::I64), id, fold_i64(value));
    }

    #[inline]
    fn write_double_field(&mut self, id: i16, value: f64) {
        if let Some(head) = self.short_head(type_number(TType::Double), id) {
            let word = u128::from(head) | u128::from(value.to_bits()) << 8;
            self.out.put_first(word.to_le_bytes(), 9);
        } else {
            self.put_full_field(type_number(TType::Double), id);
            self.write_double(value);
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_binary_field(&mut self, id: i16, value: &[u8]) {
        let Some(head) = self.short_head(type_number(TType::String), id) else {
            self.put_full_field(type_number(TType::String), id);
            return self.write_binary(value);
        };
        if let Ok(len @ 0..=0x7f) = u8::try_from(value.len()) {
            return self.out.put_with_head([head, len, 0, 0, 0, 0, 0, 0], 2, value);
        }
        self.out.put([head]);
        self.put_long_binary(value);
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "as above")]
    fn write_text_field(&mut self, id: i16, value: &[u8]) {
        self.write_binary_field(id, value);
    }
}
