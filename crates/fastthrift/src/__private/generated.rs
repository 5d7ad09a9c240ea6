//! What bodies of generated functions call, so that they stay small.

use core::fmt;

use fastthrift_protocol::{DecodeError, FieldHeader, InputProtocol, TType};

use crate::{Decode, UnknownValue};

/// The name of an enum's number, from a table by ascending number; the first one, where several are there.
pub fn name_of(names: &'static [(i32, &'static str)], number: i32) -> Option<&'static str> {
    let place = names.partition_point(|(known, _)| *known < number);
    names.get(place).filter(|(known, _)| *known == number).map(|(_, name)| *name)
}

/// The number of a name of an enum.
pub fn number_of(names: &[(i32, &str)], name: &str) -> Option<i32> {
    names.iter().find(|(_, known)| *known == name).map(|(number, _)| *number)
}

/// Shows a value of an enum: by its name, or by its type's name and its number.
pub fn debug_enum(f: &mut fmt::Formatter<'_>, ty: &str, name: Option<&str>, number: i32) -> fmt::Result {
    match name {
        Some(name) => f.write_str(name),
        None => f.debug_tuple(ty).field(&number).finish(),
    }
}

/// Reads the value of a union's member and makes the union of it; `None`, and the value is skipped, where it is of another type.
#[inline]
pub fn member_as<'de, T: Decode<'de>, U, P: InputProtocol<'de>>(
    input: &mut P,
    found: TType,
    name: &'static str,
    make: fn(T) -> U,
) -> Result<Option<U>, DecodeError> {
    Ok(super::member(input, found, name)?.map(make))
}

/// Skips a member that is not known.
pub fn skip_member<'de, U, P: InputProtocol<'de>>(input: &mut P, found: TType) -> Result<Option<U>, DecodeError> {
    input.skip(found).map(|()| None)
}

/// Reads a member that is not known, to keep it.
pub fn unknown_member<'de, U, P: InputProtocol<'de>>(
    input: &mut P,
    header: FieldHeader,
    make: fn(i16, UnknownValue) -> U,
) -> Result<Option<U>, DecodeError> {
    Ok(Some(make(header.id, UnknownValue::read(input, header.ttype)?)))
}

/// A union that must hold a member.
#[inline]
pub fn known_member<'de, U, P: InputProtocol<'de>>(value: Option<U>, name: &str, input: &P) -> Result<U, DecodeError> {
    match value {
        Some(value) => Ok(value),
        None => Err(super::no_member(name, input)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: &[(i32, &str)] = &[(-1, "MINUS"), (2, "TWO"), (2, "SECOND"), (7, "SEVEN")];

    #[test]
    fn numbers_and_names_find_each_other() {
        assert_eq!(
            [-1, 2, 7, 3].map(|number| name_of(NAMES, number)),
            [Some("MINUS"), Some("TWO"), Some("SEVEN"), None]
        );
        assert_eq!(["SECOND", "SEVEN", "x"].map(|name| number_of(NAMES, name)), [Some(2), Some(7), None]);
    }
}
