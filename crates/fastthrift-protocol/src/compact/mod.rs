//! The Compact protocol: variable-length integers, field ids as differences, `bool` fields in their headers
//! (Apache Thrift, `doc/specs/thrift-compact-protocol.md`).
//!
//! Where the specification and the implementations in use differ, this follows the implementations: a `double` is
//! little-endian, and a container of `bool` has the element type 1.

mod reader;
mod runs;
pub(crate) mod varint;
mod writer;

pub use reader::CompactReader;
pub use writer::CompactWriter;

use crate::TType;

/// The first byte of every message.
const PROTOCOL_ID: u8 = 0x82;
/// The lower five bits of the second byte; the upper three are the message's type.
const VERSION: u8 = 1;

/// `bool` in a container's header; as a field's type, the value `true`. As an element, the value `true`.
pub(crate) const TRUE: u8 = 1;
/// As a field's type, and as an element, the value `false`.
pub(crate) const FALSE: u8 = 2;

/// The number of a type in a header; of `bool`, the one that containers have.
#[inline]
pub(crate) const fn type_number(ttype: TType) -> u8 {
    match ttype {
        TType::Stop => 0,
        TType::Bool => TRUE,
        TType::I8 => 3,
        TType::I16 => 4,
        TType::I32 => 5,
        TType::I64 => 6,
        TType::Double => 7,
        TType::String => 8,
        TType::List => 9,
        TType::Set => 10,
        TType::Map => 11,
        TType::Struct => 12,
        TType::Uuid => 13,
    }
}

/// The type with this number, which is below 16; `None` for 0 and for numbers that stand for no type.
#[inline]
const fn type_of(number: u8) -> Option<TType> {
    Some(match number {
        TRUE | FALSE => TType::Bool,
        3 => TType::I8,
        4 => TType::I16,
        5 => TType::I32,
        6 => TType::I64,
        7 => TType::Double,
        8 => TType::String,
        9 => TType::List,
        10 => TType::Set,
        11 => TType::Map,
        12 => TType::Struct,
        13 => TType::Uuid,
        _ => return None,
    })
}
