//! What generated code names and nobody else does: no part of the public interface.

#[cfg(feature = "blocking")]
pub mod blocking;
mod filling;
mod generated;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod message;
#[cfg(feature = "tokio")]
mod service;

use fastthrift_protocol::DecodeErrorKind;

#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use crate::__function_error as function_error;
pub use crate::codec::enter;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use crate::{CallError, Function};
#[cfg(feature = "tokio")]
pub use crate::{Channel, Request, Response, Service};
pub use crate::{Decode, Encode, EncodeError};
pub use alloc::borrow::{Cow, ToOwned};
pub use alloc::boxed::Box;
pub use alloc::collections::{BTreeMap, BTreeSet};
pub use alloc::string::String;
pub use alloc::vec::Vec;
#[cfg(feature = "bytes")]
pub use bytes::Bytes;
pub use core;
pub use core::future::Future;
pub use fastthrift_protocol::{DecodeError, FieldHeader, InputProtocol, OutputProtocol, StructScope, TType};
pub use filling::{Filling, fill_found, fill_found_required, fill_next, fill_next_required};
pub use generated::{debug_enum, known_member, member_as, name_of, number_of, skip_member, unknown_member};
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use message::{Arguments, Fields, Message, Outcome, Parts, Places, Signature, Then, Values, returned};
#[cfg(feature = "tokio")]
pub use service::{argument, arguments, call, call_value, call_void, oneway, reply, reply_void};
#[cfg(feature = "std")]
pub use std::collections::{HashMap, HashSet};

use crate::codec::place::{Place, Placed};

/// Writes a field; an error names it.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn write_field<T: Encode + ?Sized, P: OutputProtocol>(
    value: &T,
    id: i16,
    name: &'static str,
    out: &mut P,
) -> Result<(), EncodeError> {
    match value.encode_field(id, out) {
        Ok(()) => Ok(()),
        Err(error) => Err(error.within_place(Place::Field(name))),
    }
}

/// Reads a field into its slot if exactly it is next; else reads nothing.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn next_field<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    input: &mut P,
    id: i16,
    name: &'static str,
    slot: &mut T,
) -> Result<(), DecodeError> {
    if input.accept_field(FieldHeader { ttype: T::TTYPE, id }) {
        match T::decode(input) {
            Ok(value) => *slot = value,
            Err(error) => return Err(error.within_place(Place::Field(name))),
        }
    }
    Ok(())
}

/// Reads the value of a field whose header came, out of order or in another form than usual. A value of another type is skipped, and
/// the slot stays as it was.
#[inline(never)]
pub fn found_field<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    input: &mut P,
    found: TType,
    name: &'static str,
    slot: T,
) -> Result<T, DecodeError> {
    if found != T::TTYPE {
        input.skip(found)?;
        return Ok(slot);
    }
    T::decode(input).map_err(|error| error.within_place(Place::Field(name)))
}

/// Reads a struct: its default, filled.
#[inline]
pub fn filled<'de, T: Decode<'de> + Default, P: InputProtocol<'de>>(input: &mut P) -> Result<T, DecodeError> {
    let mut value = T::default();
    value.fill(input)?;
    Ok(value)
}

/// Unwraps a required field.
#[inline(always)]
#[expect(clippy::inline_always, reason = "a line of a struct's body")]
pub fn required<'de, T, P: InputProtocol<'de>>(
    slot: Option<T>,
    name: &'static str,
    input: &P,
) -> Result<T, DecodeError> {
    match slot {
        Some(value) => Ok(value),
        None => Err(missing(name, input.offset())),
    }
}

#[cold]
#[inline(never)]
fn missing(name: &str, offset: usize) -> DecodeError {
    DecodeError::new(DecodeErrorKind::MissingField(name.into()), offset)
}

/// Reads the members of a union, of which `read` takes the known ones, up to its end: `None` where none came.
///
/// # Errors
/// Two different members, and what `read` finds wrong. One that comes again takes the place of the first, as a field of a struct does.
#[inline]
pub fn union_members<'de, U, P: InputProtocol<'de>>(
    input: &mut P,
    name: &'static str,
    read: impl Fn(&mut P, FieldHeader) -> Result<Option<U>, DecodeError>,
) -> Result<Option<U>, DecodeError> {
    let scope = input.begin_struct()?;
    let (mut value, mut id) = (None, 0);
    while let Some(header) = input.read_field()? {
        if let Some(member) = read(input, header)? {
            if value.replace(member).is_some() && id != header.id {
                return Err(two_members(name, input.offset()));
            }
            id = header.id;
        }
    }
    input.end_struct(scope);
    Ok(value)
}

/// Reads the value of a union's member; `None`, and the value is skipped, where it is of another type.
#[inline]
pub fn member<'de, T: Decode<'de>, P: InputProtocol<'de>>(
    input: &mut P,
    found: TType,
    name: &'static str,
) -> Result<Option<T>, DecodeError> {
    if found != T::TTYPE {
        return input.skip(found).map(|()| None);
    }
    match T::decode(input) {
        Ok(value) => Ok(Some(value)),
        Err(error) => Err(error.within_place(Place::Field(name))),
    }
}

#[cold]
#[inline(never)]
fn two_members(name: &str, offset: usize) -> DecodeError {
    let text = alloc::format!("union '{name}' holds more than one member, expected one");
    DecodeError::new(DecodeErrorKind::Invalid(text.into()), offset)
}

/// The error of a union without a member.
#[cold]
#[inline(never)]
pub fn no_member<'de, P: InputProtocol<'de>>(name: &str, input: &P) -> DecodeError {
    let text = alloc::format!("union '{name}' holds no member that is known");
    DecodeError::new(DecodeErrorKind::Invalid(text.into()), input.offset())
}
