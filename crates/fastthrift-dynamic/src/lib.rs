//! A compiled schema drives a protocol, without generated code.
//!
//! [`Plans`] compiles the structs of a schema when they are first used. [`Decoder`] and [`Encoder`] are the one walk over a plan: the
//! first makes values through [`Build`], the second reads them through [`Visit`], each over any protocol; [`simple_json`] is its twin for JSON with names. The language bindings
//! implement both traits for their objects; [`Value`] implements them for tests and tools.

mod build;
mod decode;
mod encode;
mod error;
mod numbers;
mod plan;
mod select;
pub mod simple_json;
mod value;
mod visit;

pub use build::Build;
pub use decode::Decoder;
pub use encode::Encoder;
pub use error::{EncodeError, EncodeErrorKind};
pub use numbers::{Numbers, NumbersMut, is_number};
pub use plan::{EnumPlan, FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, TypePlan};
pub use select::SelectError;
pub use value::{
    StructValue, Value, ValueBuilder, ValueVisitor, decode_json_value, decode_value, encode_json_value, encode_value,
};
pub use visit::Visit;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
