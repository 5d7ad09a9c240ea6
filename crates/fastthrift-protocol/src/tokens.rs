use crate::{DecodeError, FieldHeader, InputProtocol, Limits, MessageType, TType};

/// How far a value is known once its first bytes were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ValueStart {
    /// This many bytes follow and then the value is over.
    Bytes(usize),
    /// The fields of a struct follow.
    Struct,
    /// The elements of a list or set follow; its length is within the limit, but may be more than the input holds.
    Elements { element: TType, len: usize },
    /// The entries of a map follow; its length is within the limit, but may be more than the input holds.
    Entries { key: TType, value: TType, len: usize },
}

/// What a message begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MessageStart {
    /// Name, then type and sequence id, follow; this is the length of the name.
    OldName(usize),
    /// The rest of the header, in the order of the protocol.
    Versioned(MessageType),
}

/// The small steps that skipping and scanning are made of. None of them needs more than 16 bytes, and none of them
/// depends on bytes after those that it reads, so that a scanner can repeat one when more bytes have come.
pub(crate) trait Tokens<'de>: InputProtocol<'de> {
    /// Whether the sequence id stands before the name (Compact) or after it (Binary).
    const SEQUENCE_ID_FIRST: bool;

    /// A reader that goes on at this offset of the input.
    fn resume(input: &'de [u8], offset: usize, limits: Limits) -> Self;
    /// Sets the id of the field that was read last, on which the next one's number may build.
    fn set_last_field(&mut self, id: i16);

    /// Reads the word or bytes that say which form and type of message this is.
    fn message_start(&mut self) -> Result<MessageStart, DecodeError>;
    /// Reads the sequence id.
    fn sequence_id(&mut self) -> Result<i32, DecodeError>;
    /// Reads the length of a string and checks it against its limit.
    fn string_len(&mut self) -> Result<usize, DecodeError>;
    /// Reads a value up to its first element or field. Does not count towards the depth.
    fn value_start(&mut self, ttype: TType) -> Result<ValueStart, DecodeError>;
    /// Takes this many bytes without looking at them.
    fn pass(&mut self, len: usize) -> Result<(), DecodeError>;
    /// Checks that this many items of at least this many bytes each are left, then counts one level of nesting.
    fn enter_items(&mut self, len: usize, smallest: usize) -> Result<(), DecodeError>;

    /// The bytes that each value of this type takes, if they are always the same number.
    fn fixed_size(ttype: TType) -> Option<usize>;
    /// The fewest bytes that a value of this type can take, as an element.
    fn smallest_size(ttype: TType) -> usize;
}

/// Reads over a value. Recurses as deep as the depth limit allows, at most [`Limits::MAX_DEPTH`] calls.
pub(crate) fn skip<'de, R: Tokens<'de>>(reader: &mut R, ttype: TType) -> Result<(), DecodeError> {
    match reader.value_start(ttype)? {
        ValueStart::Bytes(len) => reader.pass(len),
        ValueStart::Struct => skip_fields(reader),
        ValueStart::Elements { element, len } => {
            reader.enter_items(len, R::smallest_size(element))?;
            skip_items(reader, &[element], len)
        }
        ValueStart::Entries { key, value, len } => {
            reader.enter_items(len, R::smallest_size(key) + R::smallest_size(value))?;
            skip_items(reader, &[key, value], len)
        }
    }
}

fn skip_fields<'de, R: Tokens<'de>>(reader: &mut R) -> Result<(), DecodeError> {
    let scope = reader.begin_struct()?;
    while let Some(FieldHeader { ttype, .. }) = reader.read_field()? {
        skip(reader, ttype)?;
    }
    reader.end_struct(scope);
    Ok(())
}

fn skip_items<'de, R: Tokens<'de>>(reader: &mut R, types: &[TType], len: usize) -> Result<(), DecodeError> {
    let fixed = types.iter().map(|&ttype| R::fixed_size(ttype)).sum::<Option<usize>>();
    // `enter_items` has seen that so many bytes are there, so the product is not too large.
    if let Some(size) = fixed {
        reader.pass(size * len)?;
    } else {
        for _ in 0..len {
            for &ttype in types {
                skip(reader, ttype)?;
            }
        }
    }
    reader.end_container();
    Ok(())
}
