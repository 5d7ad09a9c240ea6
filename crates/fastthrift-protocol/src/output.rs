use crate::{FieldHeader, MessageHeader, Run, StructScope, TType};

/// Appends one value after another to a buffer. The caller keeps to the order of the protocol; sizes fit 31 bits.
pub trait OutputProtocol {
    /// Whether a `string` must be UTF-8, since what is written is text as a whole. Other protocols take any bytes.
    const TEXT_IS_UTF8: bool = false;

    /// Whether something found no room: [`crate::Sink::has_lost`].
    #[inline]
    fn has_lost(&self) -> bool {
        false
    }

    /// Writes a message's header.
    fn write_message_header(&mut self, header: &MessageHeader<'_>);
    /// Writes what ends a message after its body: nothing, in most protocols.
    fn write_message_end(&mut self) {}

    /// Counts one more value that can hold another of its own type; false when they nest too deep for a reader, or for the stack of
    /// whoever walks them: more than [`crate::Limits::MAX_DEPTH`].
    #[inline]
    fn enter(&mut self) -> bool {
        true
    }
    /// Counts that such a value was written.
    #[inline]
    fn leave(&mut self) {}

    /// Enters a struct.
    fn begin_struct(&mut self) -> StructScope;
    /// Writes the end of a struct and leaves it.
    fn end_struct(&mut self, scope: StructScope);
    /// Writes the header of a field that is not a `bool`.
    fn write_field(&mut self, header: FieldHeader);
    /// Writes a whole field of type `bool`, header and value.
    fn write_bool_field(&mut self, id: i16, value: bool);

    /// Says that the field of this id was written last, which the writer knows. Where the value was written by a call, the compiler does
    /// not, and the next header is a constant if it does.
    #[inline]
    fn wrote_field(&mut self, id: i16) {
        let _ = id;
    }

    /// Writes the header of a field that is a list, and the list's.
    #[inline]
    fn write_list_field(&mut self, id: i16, element: TType, len: usize) {
        self.write_field(FieldHeader { ttype: TType::List, id });
        self.begin_list(element, len);
    }
    /// Writes the header of a field that is a set, and the set's.
    #[inline]
    fn write_set_field(&mut self, id: i16, element: TType, len: usize) {
        self.write_field(FieldHeader { ttype: TType::Set, id });
        self.begin_set(element, len);
    }
    /// Writes the header of a field that is a map, and the map's.
    #[inline]
    fn write_map_field(&mut self, id: i16, key: TType, value: TType, len: usize) {
        self.write_field(FieldHeader { ttype: TType::Map, id });
        self.begin_map(key, value, len);
    }

    /// Writes whole fields of fixed size, one after another.
    #[inline]
    fn write_run<R: Run>(&mut self, run: R, ids: R::Ids)
    where
        Self: Sized,
    {
        run.write_each(ids, self);
    }

    /// Writes the header of a list.
    fn begin_list(&mut self, element: TType, len: usize);
    /// Writes the header of a set.
    fn begin_set(&mut self, element: TType, len: usize);
    /// Writes the header of a map.
    fn begin_map(&mut self, key: TType, value: TType, len: usize);

    /// Writes a `bool` that is an element, key or value.
    fn write_bool(&mut self, value: bool);
    /// Writes an `i8`.
    fn write_i8(&mut self, value: i8);
    /// Writes an `i16`.
    fn write_i16(&mut self, value: i16);
    /// Writes an `i32`, or an enum's number.
    fn write_i32(&mut self, value: i32);
    /// Writes an `i64`.
    fn write_i64(&mut self, value: i64);
    /// Writes a `double`.
    fn write_double(&mut self, value: f64);
    /// Writes a `uuid`.
    fn write_uuid(&mut self, value: &[u8; 16]);
    /// Writes a `binary`.
    fn write_binary(&mut self, value: &[u8]);
    /// Writes a `binary`, without a copy where the sink keeps large ones as they are.
    #[cfg(feature = "bytes")]
    #[inline]
    fn write_bytes(&mut self, value: &bytes::Bytes) {
        self.write_binary(value);
    }
    /// Writes a `string`, of which the bytes are UTF-8 where [`Self::TEXT_IS_UTF8`] says so.
    #[inline]
    fn write_text(&mut self, value: &[u8]) {
        self.write_binary(value);
    }

    /// Writes elements of type `bool`.
    fn write_bools(&mut self, values: &[bool]) {
        for &value in values {
            self.write_bool(value);
        }
    }
    /// Writes elements of type `i8`.
    fn write_i8s(&mut self, values: &[i8]) {
        for &value in values {
            self.write_i8(value);
        }
    }
    /// Writes elements of type `i16`.
    fn write_i16s(&mut self, values: &[i16]) {
        for &value in values {
            self.write_i16(value);
        }
    }
    /// Writes elements of type `i32`.
    fn write_i32s(&mut self, values: &[i32]) {
        for &value in values {
            self.write_i32(value);
        }
    }
    /// Writes elements of type `i64`.
    fn write_i64s(&mut self, values: &[i64]) {
        for &value in values {
            self.write_i64(value);
        }
    }
    /// Writes elements of type `double`.
    fn write_doubles(&mut self, values: &[f64]) {
        for &value in values {
            self.write_double(value);
        }
    }

    /// Writes a whole field of type `i8`.
    #[inline]
    fn write_i8_field(&mut self, id: i16, value: i8) {
        self.write_field(FieldHeader { ttype: TType::I8, id });
        self.write_i8(value);
    }
    /// Writes a whole field of type `i16`.
    #[inline]
    fn write_i16_field(&mut self, id: i16, value: i16) {
        self.write_field(FieldHeader { ttype: TType::I16, id });
        self.write_i16(value);
    }
    /// Writes a whole field of type `i32`, or of an enum.
    #[inline]
    fn write_i32_field(&mut self, id: i16, value: i32) {
        self.write_field(FieldHeader { ttype: TType::I32, id });
        self.write_i32(value);
    }
    /// Writes a whole field of type `i64`.
    #[inline]
    fn write_i64_field(&mut self, id: i16, value: i64) {
        self.write_field(FieldHeader { ttype: TType::I64, id });
        self.write_i64(value);
    }
    /// Writes a whole field of type `double`.
    #[inline]
    fn write_double_field(&mut self, id: i16, value: f64) {
        self.write_field(FieldHeader { ttype: TType::Double, id });
        self.write_double(value);
    }
    /// Writes a whole field of type `binary`.
    #[inline]
    fn write_binary_field(&mut self, id: i16, value: &[u8]) {
        self.write_field(FieldHeader { ttype: TType::String, id });
        self.write_binary(value);
    }
    /// Writes a whole field of type `string`; as [`Self::write_text`] otherwise.
    #[inline]
    fn write_text_field(&mut self, id: i16, value: &[u8]) {
        self.write_field(FieldHeader { ttype: TType::String, id });
        self.write_text(value);
    }
}

/// A length as the wire has it.
///
/// # Panics
/// When it does not fit 31 bits, which the caller of a writer sees to.
#[inline]
pub(crate) fn wire_size(len: usize) -> u32 {
    match i32::try_from(len) {
        Ok(len) => len.cast_unsigned(),
        Err(_) => too_large(len),
    }
}

#[cold]
#[inline(never)]
fn too_large(len: usize) -> ! {
    panic!("invariant: a writer is given at most 2^31-1 bytes or elements, not {len}")
}
