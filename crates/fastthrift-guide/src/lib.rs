//! The guide's pages on Rust: their programs are tested as the examples of this crate, with what is generated of the IDL that stands
//! there.

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/rust-code.md")]
struct Code;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/rust-runtime.md")]
struct Runtime;

#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/rust-dynamic.md")]
struct Dynamic;
