use alloc::vec::Vec;

use super::header::{Form, write_header};
use super::tag::{FieldText, tag};
use super::{write_base64, write_double, write_integer, write_text, write_uuid};
use crate::output::wire_size;
use crate::{FieldHeader, Limits, MessageHeader, OutputProtocol, Sink, StructScope, TType};

/// How many open structs and containers a writer knows without memory of its own.
const INLINE: usize = 12;

/// Appends the JSON protocol to a buffer, byte for byte as Apache's Python library does, with two exceptions where that does not
/// write JSON: NaN and the infinities are the strings `"NaN"`, `"Infinity"` and `"-Infinity"`, and control characters are
/// escaped, both as Apache's C++ library has it.
///
/// Text must be UTF-8: [`OutputProtocol::TEXT_IS_UTF8`]. A key of a map that is a struct or container is written as JSON's
/// objects and arrays, as all libraries do although JSON has only strings there.
///
/// # Panics
/// When a length does not fit 31 bits.
#[derive(Debug)]
pub struct JsonWriter<'a, S = Vec<u8>> {
    out: &'a mut S,
    /// Where the next value goes.
    place: Place,
    /// How many elements or entries the innermost container still takes, this one included.
    left: u32,
    depth: usize,
    outer: [(Place, u32); INLINE],
    /// What lies deeper than `outer` reaches.
    deeper: Vec<(Place, u32)>,
    /// How many values that can hold others of their own type are open.
    nested: u32,
}

/// What stands before a value and what after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing: the outermost value.
    Top,
    /// The next thing is a field, the first of its struct, or the end of the struct.
    FirstField,
    /// The next thing is a field or the end of the struct.
    NextField,
    /// The value of a field, which ends the field.
    FieldValue,
    Element,
    FirstKey,
    Key,
    MapValue,
}

impl<'a, S: Sink> JsonWriter<'a, S> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut S) -> Self {
        Self {
            out,
            place: Place::Top,
            left: 0,
            depth: 0,
            outer: [(Place::Top, 0); INLINE],
            deeper: Vec::new(),
            nested: 0,
        }
    }

    /// Writes what stands before a value, and says whether it is a key, so that a number needs quotes.
    #[inline]
    fn before(&mut self) -> bool {
        match self.place {
            Place::Top | Place::FirstField | Place::NextField | Place::FieldValue => false,
            Place::Element => {
                self.out.put([b',']);
                false
            }
            Place::MapValue => {
                self.out.put([b':']);
                false
            }
            Place::FirstKey => true,
            Place::Key => {
                self.out.put([b',']);
                true
            }
        }
    }

    /// Writes what stands after a value: the end of its field, and of all containers of which it is the last.
    #[inline]
    fn after(&mut self) {
        match self.place {
            Place::Top | Place::FirstField | Place::NextField => {}
            Place::FieldValue => {
                self.out.put([b'}']);
                self.place = Place::NextField;
            }
            Place::FirstKey | Place::Key => self.place = Place::MapValue,
            Place::Element => {
                self.left -= 1;
                if self.left == 0 {
                    self.close_container(b"]");
                }
            }
            Place::MapValue => {
                self.place = Place::Key;
                self.left -= 1;
                if self.left == 0 {
                    self.close_container(b"}]");
                }
            }
        }
    }

    fn close_container(&mut self, brackets: &[u8]) {
        self.out.put_slice(brackets);
        self.pop();
        self.after();
    }

    #[inline]
    fn push(&mut self, place: Place, left: u32) {
        match self.outer.get_mut(self.depth) {
            Some(outer) => *outer = (self.place, self.left),
            None => self.deeper.push((self.place, self.left)),
        }
        self.depth += 1;
        (self.place, self.left) = (place, left);
    }

    #[inline]
    fn pop(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        (self.place, self.left) = match self.outer.get(self.depth) {
            Some(outer) => *outer,
            None => self.deeper.pop().unwrap_or((Place::Top, 0)),
        };
    }

    /// Writes a comma after another field, then the text before a field's value.
    #[inline]
    fn field_head(&mut self, header: FieldHeader) {
        let is_first = self.place == Place::FirstField;
        self.place = Place::FieldValue;
        let Some(text) = FieldText::of(header) else { return self.long_field_head(is_first, header) };
        let text = if is_first { text } else { text.after(*b",") };
        self.out.put_first(text.word.to_le_bytes(), text.len);
    }

    #[inline(never)]
    fn long_field_head(&mut self, is_first: bool, header: FieldHeader) {
        if !is_first {
            self.out.put(*b",");
        }
        self.out.put(*b"\"");
        write_integer(self.out, header.id.into());
        self.out.put(*b"\":{\"");
        self.out.put_slice(tag(header.ttype).as_bytes());
        self.out.put(*b"\":");
    }

    #[inline]
    fn integer(&mut self, value: i64) {
        if self.before() {
            self.out.put([b'"']);
            write_integer(self.out, value);
            self.out.put([b'"']);
        } else {
            write_integer(self.out, value);
        }
        self.after();
    }

    #[inline]
    fn integer_field(&mut self, ttype: TType, id: i16, value: i64) {
        self.field_head(FieldHeader { ttype, id });
        write_integer(self.out, value);
        self.end_field();
    }

    #[inline]
    fn end_field(&mut self) {
        self.out.put([b'}']);
        self.place = Place::NextField;
    }

    fn sequence(&mut self, element: TType, len: usize) {
        self.before();
        self.out.put(*b"[\"");
        self.out.put_slice(tag(element).as_bytes());
        self.out.put(*b"\",");
        let len = wire_size(len);
        write_integer(self.out, len.into());
        if len == 0 {
            self.out.put([b']']);
            self.after();
        } else {
            self.push(Place::Element, len);
        }
    }
}

impl<S: Sink> OutputProtocol for JsonWriter<'_, S> {
    const TEXT_IS_UTF8: bool = true;

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

    /// Ends with the comma before the body, so that a writer of its own can write that. A name that is not UTF-8 has the wrong
    /// bytes replaced.
    fn write_message_header(&mut self, header: &MessageHeader<'_>) {
        write_header(Form::Json, self.out, header);
    }

    fn write_message_end(&mut self) {
        self.out.put([b']']);
    }

    #[inline]
    fn begin_struct(&mut self) -> StructScope {
        self.before();
        self.out.put([b'{']);
        self.push(Place::FirstField, 0);
        StructScope::default()
    }

    #[inline]
    fn end_struct(&mut self, _scope: StructScope) {
        self.out.put([b'}']);
        self.pop();
        self.after();
    }

    #[inline]
    fn write_field(&mut self, header: FieldHeader) {
        self.field_head(header);
    }

    #[inline]
    fn write_bool_field(&mut self, id: i16, value: bool) {
        self.field_head(FieldHeader { ttype: TType::Bool, id });
        self.out.put([b'0' + u8::from(value), b'}']);
        self.place = Place::NextField;
    }

    #[inline]
    fn write_i8_field(&mut self, id: i16, value: i8) {
        self.integer_field(TType::I8, id, value.into());
    }

    #[inline]
    fn write_i16_field(&mut self, id: i16, value: i16) {
        self.integer_field(TType::I16, id, value.into());
    }

    #[inline]
    fn write_i32_field(&mut self, id: i16, value: i32) {
        self.integer_field(TType::I32, id, value.into());
    }

    #[inline]
    fn write_i64_field(&mut self, id: i16, value: i64) {
        self.integer_field(TType::I64, id, value);
    }

    #[inline]
    fn write_text_field(&mut self, id: i16, value: &[u8]) {
        self.field_head(FieldHeader { ttype: TType::String, id });
        write_text(self.out, value);
        self.end_field();
    }

    fn begin_list(&mut self, element: TType, len: usize) {
        self.sequence(element, len);
    }

    fn begin_set(&mut self, element: TType, len: usize) {
        self.sequence(element, len);
    }

    fn begin_map(&mut self, key: TType, value: TType, len: usize) {
        self.before();
        self.out.put(*b"[\"");
        self.out.put_slice(tag(key).as_bytes());
        self.out.put(*b"\",\"");
        self.out.put_slice(tag(value).as_bytes());
        self.out.put(*b"\",");
        let len = wire_size(len);
        write_integer(self.out, len.into());
        self.out.put(*b",{");
        if len == 0 {
            self.out.put(*b"}]");
            self.after();
        } else {
            self.push(Place::FirstKey, len);
        }
    }

    #[inline]
    fn write_bool(&mut self, value: bool) {
        self.integer(value.into());
    }

    #[inline]
    fn write_i8(&mut self, value: i8) {
        self.integer(value.into());
    }

    #[inline]
    fn write_i16(&mut self, value: i16) {
        self.integer(value.into());
    }

    #[inline]
    fn write_i32(&mut self, value: i32) {
        self.integer(value.into());
    }

    #[inline]
    fn write_i64(&mut self, value: i64) {
        self.integer(value);
    }

    fn write_double(&mut self, value: f64) {
        if self.before() && value.is_finite() {
            self.out.put([b'"']);
            write_double(self.out, value);
            self.out.put([b'"']);
        } else {
            write_double(self.out, value);
        }
        self.after();
    }

    fn write_uuid(&mut self, value: &[u8; 16]) {
        self.before();
        write_uuid(self.out, value);
        self.after();
    }

    fn write_binary(&mut self, value: &[u8]) {
        self.before();
        write_base64(self.out, value);
        self.after();
    }

    #[inline]
    fn write_text(&mut self, value: &[u8]) {
        self.before();
        write_text(self.out, value);
        self.after();
    }
}
