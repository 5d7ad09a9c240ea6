//! Values to bytes and back.
//!
//! [`Encode`] and [`Decode`] are implemented here for numbers, text, bytes, containers and pointers, and by generated code for
//! structs, unions, exceptions and enums. Nothing here does IO, and no value and no input makes it panic.
//!
//! # Which Rust type stands for which Thrift type
//!
//! | Thrift | Rust |
//! | --- | --- |
//! | `bool`, `i8` to `i64`, `double` | `bool`, `i8` to `i64`, `f64`; [`Double`] where an order or hash is needed |
//! | `string` | `String`, `&'de str`, `Cow<'de, str>`, [`Text`] |
//! | `binary` | `Vec<u8>`, `&'de [u8]`, `Cow<'de, [u8]>`, `bytes::Bytes` |
//! | `uuid` | `[u8; 16]`, `uuid::Uuid` |
//! | `list<T>` | `Vec<T>` |
//! | `set<T>` | `BTreeSet<T>`, `HashSet<T>` of `std` and of `hashbrown` with any hasher, [`VecSet<T>`] in the order of the wire |
//! | `map<K, V>` | `BTreeMap<K, V>`, `HashMap<K, V>` as sets, `Vec<(K, V)>` in the order of the wire |
//! | anything | `Box<T>`, `Arc<T>`; `Option<T>` for a field that may be left out; to write, `&T`, `[T]` and `str` too |
//!
//! # What generated code looks like
//!
//! The crate's `tests/types` has each shape below written out and compiled. Generated code names what it needs by way of
//! `::fastthrift::__private` (there: `p`).
//!
//! ## A struct
//!
//! ```
//! use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};
//!
//! #[derive(Debug, Clone, PartialEq, Default)]
//! pub struct Small {
//!     pub count: i32,
//!     pub id: i64,
//!     pub name: String,         // default requiredness: `T`, always written; absent: the default of the IDL or of the type
//!     pub note: Option<String>, // optional: `Option<T>`
//!     pub kind: i16,            // required: `T`
//! }
//!
//! impl Encode for Small {
//!     const TTYPE: p::TType = p::TType::Struct;
//!
//!     fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
//!         let scope = out.begin_struct();
//!         // Neighbours of fixed size that are always written go as a run of 2 to 12: one check of the room. An enum goes as its
//!         // number. A field alone, and all others, go by `write_field`, an `Option` too.
//!         out.write_run((self.count, self.id), [1, 2]);
//!         p::write_field(&self.name, 3, "name", out)?;
//!         p::write_field(&self.note, 4, "note", out)?;
//!         p::write_field(&self.kind, 5, "kind", out)?;
//!         out.end_struct(scope);
//!         Ok(())
//!     }
//! }
//!
//! impl<'de> Decode<'de> for Small {
//!     const TTYPE: p::TType = p::TType::Struct;
//!     // A struct that has a default is read where it lies: in its vector, in the field of the struct around it.
//!     const UNFILLED: Option<fn() -> Self> = Some(Self::default);
//!
//!     fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
//!         p::filled(input)
//!     }
//!
//!     fn fill<P: p::InputProtocol<'de>>(&mut self, input: &mut P) -> Result<(), DecodeError> {
//!         let fields = &mut p::Filling::begin(input)?;
//!         loop {
//!             // First the fields in the order in which writers put them: ascending ids. The same runs as above; `HAS_RUNS` is a
//!             // constant, so a protocol has one of both branches. Required fields have a bit each.
//!             if P::HAS_RUNS {
//!                 if let Some(run) = fields.run([1, 2], 0b0) {
//!                     (self.count, self.id) = run;
//!                 }
//!             } else {
//!                 p::fill_next(fields, 1, "count", &mut self.count)?;
//!                 p::fill_next(fields, 2, "id", &mut self.id)?;
//!             }
//!             p::fill_next(fields, 3, "name", &mut self.name)?;
//!             p::fill_next(fields, 4, "note", &mut self.note)?;
//!             p::fill_next_required(fields, 5, "kind", &mut self.kind, 0)?;
//!             // Then one field that came out of this order or is not known, and again from the first one on.
//!             let Some(id) = fields.other()? else { break };
//!             match id {
//!                 1 => p::fill_found(fields, "count", &mut self.count)?,
//!                 2 => p::fill_found(fields, "id", &mut self.id)?,
//!                 3 => p::fill_found(fields, "name", &mut self.name)?,
//!                 4 => p::fill_found(fields, "note", &mut self.note)?,
//!                 5 => p::fill_found_required(fields, "kind", &mut self.kind, 0)?,
//!                 _ => fields.skip()?,
//!             }
//!             fields.resume();
//!         }
//!         fields.end(&["kind"])
//!     }
//! }
//! ```
//!
//! - **A struct without a default**, one that must hold a union, is read into variables: a slot a field, an `Option` for a required one,
//!   `p::next_field` and `p::found_field` for what is above, and `p::required` to unwrap. More than 64 required fields are read so, too.
//! - **Unknown fields kept**: a field `unknown: UnknownFields`, `_ => fields.keep(id, &mut self.unknown)?` instead of the skip, and
//!   `self.unknown.write(out)?` before `end_struct`.
//! - **A recursive type**, one that can hold another of its own type whichever way: `p::enter(out)?` first in `encode`, and
//!   `out.leave()` after `end_struct`. Reading needs nothing: readers count all nesting.
//! - **A type that borrows**: `struct Foo<'de>` and `impl<'de> Decode<'de> for Foo<'de>`.
//! - **Exceptions** are structs, with `Display` and `core::error::Error`.
//! - More fields than about 30 that are rarely set, as in some configuration structs, may leave the first part out, and `resume`: the loop
//!   alone reads everything, slower, in less code.
//!
//! ## A union
//!
//! ```
//! use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError, UnknownValue};
//!
//! #[derive(Debug, Clone, PartialEq)]
//! pub enum Choice {
//!     Number(i32),
//!     Text(String),
//!     /// Only where unknown fields are kept.
//!     Unknown(i16, UnknownValue),
//! }
//!
//! impl Encode for Choice {
//!     const TTYPE: p::TType = p::TType::Struct;
//!
//!     fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
//!         let scope = out.begin_struct();
//!         match self {
//!             Self::Number(value) => p::write_field(value, 1, "number", out)?,
//!             Self::Text(value) => p::write_field(value, 2, "text", out)?,
//!             Self::Unknown(id, value) => value.write_field(*id, out)?,
//!         }
//!         out.end_struct(scope);
//!         Ok(())
//!     }
//! }
//!
//! impl<'de> Decode<'de> for Choice {
//!     const TTYPE: p::TType = p::TType::Struct;
//!
//!     fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
//!         Self::decode_option(input)?.ok_or_else(|| p::no_member("Choice", input))
//!     }
//!
//!     fn decode_option<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Option<Self>, DecodeError> {
//!         p::union_members(input, "Choice", |input, header| {
//!             Ok(match header.id {
//!                 1 => p::member(input, header.ttype, "number")?.map(Self::Number),
//!                 2 => p::member(input, header.ttype, "text")?.map(Self::Text),
//!                 // Without `Unknown`: `_ => { input.skip(header.ttype)?; None }`.
//!                 id => Some(Self::Unknown(id, UnknownValue::read(input, header.ttype)?)),
//!             })
//!         })
//!     }
//! }
//! ```
//!
//! ## An enum
//!
//! ```
//! use fastthrift::{__private as p, Decode, DecodeError, Encode, EncodeError};
//!
//! #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
//! #[repr(transparent)]
//! pub struct Color(pub i32);
//!
//! impl Encode for Color {
//!     const TTYPE: p::TType = p::TType::I32;
//!
//!     fn encode<P: p::OutputProtocol>(&self, out: &mut P) -> Result<(), EncodeError> {
//!         self.0.encode(out)
//!     }
//! }
//!
//! impl<'de> Decode<'de> for Color {
//!     const TTYPE: p::TType = p::TType::I32;
//!
//!     fn decode<P: p::InputProtocol<'de>>(input: &mut P) -> Result<Self, DecodeError> {
//!         input.read_i32().map(Self)
//!     }
//! }
//! ```

mod containers;
mod error;
mod numbers;
#[doc(hidden)]
pub mod place;
mod room;
mod strings;
#[cfg(feature = "bytes")]
mod text;
mod traits;
mod unknown;
mod values;
#[cfg(feature = "serde")]
mod with_serde;
mod wrappers;

use fastthrift_protocol::OutputProtocol;
pub use fastthrift_protocol::{Limits, Protocol};

pub use containers::VecSet;
pub use error::{EncodeError, EncodeErrorKind};
pub use numbers::Double;
#[cfg(feature = "bytes")]
pub use text::Text;
pub use traits::{Decode, DecodeOwned, Encode};
pub use unknown::{UnknownFields, UnknownValue};
#[cfg(feature = "tokio")]
pub(crate) use values::decode;
#[cfg(feature = "bytes")]
pub use values::from_bytes;
pub use values::{decode_prefix, encode_into, from_slice, from_slice_borrowed, read_message, to_vec, write_message};

/// A length that every protocol can say.
#[inline]
fn checked_len(len: usize) -> Result<usize, EncodeError> {
    if i32::try_from(len).is_ok() { Ok(len) } else { Err(too_long(len)) }
}

#[cold]
#[inline(never)]
fn too_long(len: usize) -> EncodeError {
    EncodeError::new(EncodeErrorKind::TooLong(len))
}

/// Counts one more value that can hold another of its own type.
#[doc(hidden)]
#[inline]
pub fn enter<P: OutputProtocol>(out: &mut P) -> Result<(), EncodeError> {
    if out.enter() { Ok(()) } else { Err(too_deep()) }
}

#[cold]
#[inline(never)]
fn too_deep() -> EncodeError {
    EncodeError::new(EncodeErrorKind::DepthLimit)
}
