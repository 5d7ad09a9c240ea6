use alloc::vec::Vec;

use fastthrift_protocol::{DecodeError, FieldHeader, InputProtocol, OutputProtocol, TType};

use super::EncodeError;
use super::place::{Place, Placed};

/// A value that can be written.
///
/// # Errors
/// All methods: a text, binary or container is longer than 2^31 - 1, recursive values nest too deep, or the output has no room. What
/// was appended before the error is not whole; [`super::encode_into`] takes it back.
pub trait Encode {
    /// The type on the wire.
    const TTYPE: TType;

    /// Writes the value.
    fn encode<P: OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError>;

    /// Writes the value as the field of this id, header first; nothing where it is an `Option` that is not set.
    #[inline]
    fn encode_field<P: OutputProtocol>(&self, id: i16, out: &mut P) -> Result<(), EncodeError> {
        out.write_field(FieldHeader { ttype: Self::TTYPE, id });
        self.encode(out)?;
        out.wrote_field(id);
        Ok(())
    }

    /// Writes values one after another, as the elements of a list or set.
    fn encode_elements<P: OutputProtocol>(values: &[Self], out: &mut P) -> Result<(), EncodeError>
    where
        Self: Sized,
    {
        for (index, value) in values.iter().enumerate() {
            if let Err(error) = value.encode(out) {
                return Err(error.within_place(Place::Index(index)));
            }
            if out.has_lost() {
                break;
            }
        }
        Ok(())
    }
}

/// A value that can be read, and that may borrow from the input, which lives for `'de`.
///
/// # Errors
/// All methods: the input ends early, says what its type cannot be, is over one of [`super::Limits`], or lacks a required field.
pub trait Decode<'de>: Sized {
    /// The type on the wire.
    const TTYPE: TType;

    /// What makes a value for [`Self::fill`]: the default of a struct. `None` for types whose values are made whole by
    /// [`Self::decode`], and for all of which nobody says otherwise.
    const UNFILLED: Option<fn() -> Self> = None;

    /// Reads a value.
    fn decode<P: InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError>;

    /// Reads a value into one that is as [`Self::UNFILLED`] makes it, where it lies: a large struct is not moved then. After an error it
    /// holds a part of what came.
    #[inline]
    fn fill<P: InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        *self = Self::decode(input)?;
        Ok(())
    }

    /// Reads a value in place of the one that is there.
    #[inline]
    fn decode_into<P: InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
        if let Some(unfilled) = Self::UNFILLED {
            *self = unfilled();
        }
        self.fill(input)
    }

    /// Reads a value where none is needed: a union that holds no known member reads as `None` here, and is an error elsewhere.
    #[inline]
    fn decode_option<P: InputProtocol<'de>>(input: &mut P) -> Result<Option<Self>, DecodeError> {
        Self::decode(input).map(Some)
    }

    /// Reads `len` values, the elements of a list or set of type `found`, which is [`Self::TTYPE`] or one that reads as it.
    #[inline]
    fn decode_elements<P: InputProtocol<'de>>(
        input: &mut P,
        found: TType,
        len: usize,
    ) -> Result<Vec<Self>, DecodeError> {
        debug_assert!(found == Self::TTYPE || len == 0, "only integers are read as other types");
        let mut values = super::room::vec_for(input, len)?;
        for index in 0..len {
            if let Err(error) = push_value(&mut values, input) {
                return Err(error.within_place(Place::Index(index)));
            }
        }
        Ok(values)
    }

    /// Reads a value that came as type `found`: [`Self::TTYPE`] or one that reads as it, see [`Self::reads_as`].
    #[inline]
    fn decode_found<P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<Self, DecodeError> {
        debug_assert!(found == Self::TTYPE, "only integers are read as other types");
        Self::decode(input)
    }

    /// Whether elements of type `found` can be read as this type: the same one, or a narrower integer for a wider one, which some
    /// writers send.
    #[inline]
    fn reads_as(found: TType) -> bool {
        found == Self::TTYPE
    }
}

/// Reads a value to the end of these, in its place there if it can be.
#[inline]
fn push_value<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    values: &mut Vec<T>,
    input: &mut P,
) -> Result<(), DecodeError> {
    let Some(unfilled) = T::UNFILLED else {
        values.push(T::decode(input)?);
        return Ok(());
    };
    // Unlike one that is pushed, this is made where it stays.
    values.resize_with(values.len() + 1, unfilled);
    values.last_mut().map_or(Ok(()), |last| last.fill(input))
}

/// A value that can be read and keeps nothing of the input.
pub trait DecodeOwned: for<'de> Decode<'de> {}

impl<T: for<'de> Decode<'de>> DecodeOwned for T {}
