use alloc::vec::Vec;

use crate::{DecodeError, FieldHeader, ListHeader, MapHeader, MessageHeader, Run, StructScope, TType};

/// Why a run of elements could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunError {
    /// Which of the run's elements it was.
    pub index: usize,
    /// What was wrong with it.
    pub error: DecodeError,
}

/// Reads one value after another from a complete slice.
///
/// After an error the reader's position is unspecified; what was read before stays valid.
pub trait InputProtocol<'de> {
    /// Whether [`Self::accept_run`] can ever read something.
    const HAS_RUNS: bool = false;

    /// Reads a message's header.
    fn read_message_header(&mut self) -> Result<MessageHeader<'de>, DecodeError>;
    /// Reads what ends a message after its body: nothing, in most protocols.
    fn read_message_end(&mut self) -> Result<(), DecodeError> {
        Ok(())
    }

    /// Enters a struct; counts towards the depth limit.
    fn begin_struct(&mut self) -> Result<StructScope, DecodeError>;
    /// Leaves a struct whose stop field was read.
    fn end_struct(&mut self, scope: StructScope);
    /// Reads the next field's header, or `None` at the end of the struct.
    fn read_field(&mut self) -> Result<Option<FieldHeader>, DecodeError>;
    /// Reads the next field's header if it is exactly `expected`; else reads nothing and returns false.
    ///
    /// A short way for the form that writers use: after false, [`Self::read_field`] may still find this field.
    fn accept_field(&mut self, expected: FieldHeader) -> bool;
    /// What the next bytes are, seen as a field's header, for [`Self::accept_peeked`] to compare; `last` is the id of the field of this
    /// struct that was read last, 0 at its start. Of use until something is read. A protocol in which nothing is won so gives any number.
    #[inline]
    fn peek_field(&self, last: i16) -> u64 {
        let _ = last;
        0
    }
    /// The same where fields are tried again from the lowest id on, after one of the id `last` that came out of order, so that `last` and
    /// lower ones are among them.
    #[inline]
    fn peek_again(&self, last: i16) -> u64 {
        self.peek_field(last)
    }
    /// [`Self::accept_field`] with what [`Self::peek_field`] saw, for fields that are tried in the order of their ids: one comparison.
    #[inline]
    fn accept_peeked(&mut self, peeked: u64, expected: FieldHeader) -> bool {
        let _ = peeked;
        self.accept_field(expected)
    }
    /// Reads the whole fields of a run if exactly they are next; else reads nothing. Fields of fixed size look like each other in
    /// Binary alone, so every other protocol reads nothing.
    #[inline]
    fn accept_run<R: Run>(&mut self, ids: R::Ids) -> Option<R> {
        let _ = ids;
        None
    }
    /// Reads the end of a struct if it is next; else reads nothing and returns false.
    fn accept_stop(&mut self) -> bool;

    /// Enters a list if one of elements of this type is next, in the form that writers use and within all limits, and says how many
    /// elements it has; else reads nothing. A short way: [`Self::begin_list`] may still find this list.
    #[inline]
    fn accept_list(&mut self, element: TType) -> Option<usize> {
        let _ = element;
        None
    }
    /// Enters a list; counts towards the depth limit.
    fn begin_list(&mut self) -> Result<ListHeader, DecodeError>;
    /// Enters a set; counts towards the depth limit.
    fn begin_set(&mut self) -> Result<ListHeader, DecodeError>;
    /// Enters a map; counts towards the depth limit.
    fn begin_map(&mut self) -> Result<MapHeader, DecodeError>;
    /// Leaves a list, set or map whose elements were read.
    fn end_container(&mut self);

    /// Reads a `bool`.
    fn read_bool(&mut self) -> Result<bool, DecodeError>;
    /// Reads an `i8`.
    fn read_i8(&mut self) -> Result<i8, DecodeError>;
    /// Reads an `i16`.
    fn read_i16(&mut self) -> Result<i16, DecodeError>;
    /// Reads an `i32`, or an enum's number.
    fn read_i32(&mut self) -> Result<i32, DecodeError>;
    /// Reads an `i64`.
    fn read_i64(&mut self) -> Result<i64, DecodeError>;
    /// Reads a `double`.
    fn read_double(&mut self) -> Result<f64, DecodeError>;
    /// Reads a `uuid`.
    fn read_uuid(&mut self) -> Result<[u8; 16], DecodeError>;
    /// Reads a `binary`.
    fn read_binary(&mut self) -> Result<&'de [u8], DecodeError>;
    /// Reads a `binary` as bytes of its own, which share the input's memory where that can be shared.
    #[cfg(feature = "bytes")]
    #[inline]
    fn read_bytes(&mut self) -> Result<bytes::Bytes, DecodeError> {
        self.read_binary().map(bytes::Bytes::copy_from_slice)
    }
    /// Bytes of their own of text that was read, which share the input's memory where that can be shared.
    #[cfg(feature = "bytes")]
    #[inline]
    fn share_text(&mut self, text: &'de str) -> bytes::Bytes {
        bytes::Bytes::copy_from_slice(text.as_bytes())
    }
    /// Reads the bytes of a `string` without checking its UTF-8.
    fn read_text(&mut self) -> Result<&'de [u8], DecodeError>;
    /// Reads a `string`.
    fn read_string(&mut self) -> Result<&'de str, DecodeError>;

    /// Reads elements of type `bool`, as many as there are places.
    fn read_bools(&mut self, into: &mut [bool]) -> Result<(), RunError> {
        read_each(into, || self.read_bool())
    }
    /// Reads elements of type `i8`, as many as there are places.
    fn read_i8s(&mut self, into: &mut [i8]) -> Result<(), RunError> {
        read_each(into, || self.read_i8())
    }
    /// Reads elements of type `i16`, as many as there are places.
    fn read_i16s(&mut self, into: &mut [i16]) -> Result<(), RunError> {
        read_each(into, || self.read_i16())
    }
    /// Reads elements of type `i32`, as many as there are places.
    fn read_i32s(&mut self, into: &mut [i32]) -> Result<(), RunError> {
        read_each(into, || self.read_i32())
    }
    /// Reads elements of type `i64`, as many as there are places.
    fn read_i64s(&mut self, into: &mut [i64]) -> Result<(), RunError> {
        read_each(into, || self.read_i64())
    }
    /// Reads elements of type `double`, as many as there are places.
    fn read_doubles(&mut self, into: &mut [f64]) -> Result<(), RunError> {
        read_each(into, || self.read_double())
    }

    /// Reads and appends so many elements, which the reader has announced.
    fn extend_bools(&mut self, into: &mut Vec<bool>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, false);
        self.read_bools(&mut into[start..])
    }
    /// Reads and appends so many elements, which the reader has announced.
    fn extend_i8s(&mut self, into: &mut Vec<i8>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, 0);
        self.read_i8s(&mut into[start..])
    }
    /// Reads and appends so many elements, which the reader has announced.
    fn extend_i16s(&mut self, into: &mut Vec<i16>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, 0);
        self.read_i16s(&mut into[start..])
    }
    /// Reads and appends so many elements, which the reader has announced.
    fn extend_i32s(&mut self, into: &mut Vec<i32>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, 0);
        self.read_i32s(&mut into[start..])
    }
    /// Reads and appends so many elements, which the reader has announced.
    fn extend_i64s(&mut self, into: &mut Vec<i64>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, 0);
        self.read_i64s(&mut into[start..])
    }
    /// Reads and appends so many elements, which the reader has announced.
    fn extend_doubles(&mut self, into: &mut Vec<f64>, len: usize) -> Result<(), RunError> {
        let start = into.len();
        into.resize(start + len, 0.0);
        self.read_doubles(&mut into[start..])
    }

    /// Counts memory that the caller is about to take for what it reads, in bytes, against [`crate::Limits::memory`].
    #[inline]
    fn charge(&mut self, bytes: usize) -> Result<(), DecodeError> {
        let _ = bytes;
        Ok(())
    }

    /// Reads over a value of this type.
    fn skip(&mut self, ttype: TType) -> Result<(), DecodeError>;
    /// How many bytes were read so far.
    fn offset(&self) -> usize;
    /// How many bytes are left.
    fn remaining(&self) -> usize;
}

#[inline]
fn read_each<T>(into: &mut [T], mut read: impl FnMut() -> Result<T, DecodeError>) -> Result<(), RunError> {
    into.iter_mut().enumerate().try_for_each(|(index, place)| {
        *place = read().map_err(|error| RunError { index, error })?;
        Ok(())
    })
}
