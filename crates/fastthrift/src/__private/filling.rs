//! How a struct is read where it lies.

use fastthrift_protocol::{DecodeError, FieldHeader, InputProtocol, Run, StructScope, TType};

use super::missing;
use crate::codec::place::{Place, Placed};
use crate::{Decode, UnknownFields};

/// A struct whose fields are being read into their places: in turns those that come in the order of their ids, each tried by one
/// comparison, and one that does not, or is not known.
///
/// All of it is put where it is used, so that nothing of it is in memory.
#[derive(Debug)]
pub struct Filling<'a, P> {
    input: &'a mut P,
    scope: StructScope,
    /// What stands where the next field's header may be.
    peeked: u64,
    /// A bit for each required field that came.
    seen: u64,
    /// The field whose header was read last.
    found: FieldHeader,
}

impl<'a, 'de, P: InputProtocol<'de>> Filling<'a, P> {
    /// Enters a struct.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn begin(input: &'a mut P) -> Result<Self, DecodeError> {
        let scope = input.begin_struct()?;
        let peeked = input.peek_field(0);
        Ok(Self { input, scope, peeked, seen: 0, found: FieldHeader { ttype: TType::Stop, id: 0 } })
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    fn accept<T: Decode<'de>>(&mut self, id: i16, name: &'static str, place: &mut T) -> Result<bool, DecodeError> {
        let accepted = self.input.accept_peeked(self.peeked, FieldHeader { ttype: T::TTYPE, id });
        if accepted {
            if let Err(error) = place.decode_into(self.input) {
                return Err(error.within_place(Place::Field(name)));
            }
            self.peeked = self.input.peek_field(id);
        }
        Ok(accepted)
    }

    /// Reads the fields of a run if exactly they are next; those of them that are required have these bits.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn run<R: Run>(&mut self, ids: R::Ids, bits: u64) -> Option<R> {
        let run = self.input.accept_run(ids)?;
        self.seen |= bits;
        self.peeked = self.input.peek_field(R::last(ids));
        Some(run)
    }

    /// The id of a field that came out of order or in another form than usual, or is not known; `None` at the struct's end.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn other(&mut self) -> Result<Option<i16>, DecodeError> {
        if self.input.accept_stop() {
            return Ok(None);
        }
        Ok(self.input.read_field()?.map(|header| {
            self.found = header;
            header.id
        }))
    }

    /// Goes back to fields that come in order, after such a field.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn resume(&mut self) {
        core::hint::cold_path();
        self.peeked = self.input.peek_again(self.found.id);
    }

    /// Skips the value of such a field, which is not known.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn skip(&mut self) -> Result<(), DecodeError> {
        self.input.skip(self.found.ttype)
    }

    /// Keeps such a field, which is not known.
    pub fn keep(&mut self, id: i16, unknown: &mut UnknownFields) -> Result<(), DecodeError> {
        unknown.read(self.input, FieldHeader { id, ..self.found })
    }

    /// Leaves the struct, of which these fields are required, that of the lowest bit first: at most 64.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a line of a struct's body")]
    pub fn end<const N: usize>(&mut self, required: &'static [&'static str; N]) -> Result<(), DecodeError> {
        self.input.end_struct(self.scope);
        let all = (0..N).fold(0, |all, bit| all | 1 << bit);
        if self.seen == all { Ok(()) } else { Err(first_missing(self.seen, required, self.input.offset())) }
    }
}

/// Reads a field into its place if exactly it is next; else reads nothing.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn fill_next<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    fields: &mut Filling<'_, P>,
    id: i16,
    name: &'static str,
    place: &mut T,
) -> Result<(), DecodeError> {
    fields.accept(id, name, place).map(drop)
}

/// The same for a required field, which has this bit.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn fill_next_required<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    fields: &mut Filling<'_, P>,
    id: i16,
    name: &'static str,
    place: &mut T,
    bit: u32,
) -> Result<(), DecodeError> {
    if fields.accept(id, name, place)? {
        fields.seen |= 1 << bit;
    }
    Ok(())
}

/// Reads the value of the field that [`Filling::other`] found. A value of another type than the field's is skipped, and the place stays
/// as it was.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn fill_found<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    fields: &mut Filling<'_, P>,
    name: &'static str,
    place: &mut T,
) -> Result<(), DecodeError> {
    if let Some(value) = read_found(fields.input, fields.found.ttype, name)? {
        *place = value;
    }
    Ok(())
}

/// The same for a required field, which has this bit.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn fill_found_required<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    fields: &mut Filling<'_, P>,
    name: &'static str,
    place: &mut T,
    bit: u32,
) -> Result<(), DecodeError> {
    fields.seen |= u64::from(fields.found.ttype == T::TTYPE) << bit;
    fill_found(fields, name, place)
}

/// What it reads is given by value, so that a small struct which is then moved need not be in memory before.
#[inline(never)]
fn read_found<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    input: &mut P,
    found: TType,
    name: &'static str,
) -> Result<Option<T>, DecodeError> {
    if found != T::TTYPE {
        return input.skip(found).map(|()| None);
    }
    T::decode(input).map(Some).map_err(|error| error.within_place(Place::Field(name)))
}

#[cold]
#[inline(never)]
fn first_missing(seen: u64, required: &[&str], offset: usize) -> DecodeError {
    let place = usize::try_from(seen.trailing_ones()).unwrap_or(0);
    missing(required.get(place).copied().unwrap_or_default(), offset)
}
