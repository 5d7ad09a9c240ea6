//! Thrift schemas as source code.
//!
//! Each generator is a total function of a [`Schema`](fastthrift_schema::Schema) and its options, and returns [`Files`]: it never touches
//! a disk, and gives the same text for the same schema on every run.

#[cfg(feature = "build")]
pub mod build;
pub mod python;
pub mod rust;

mod files;
#[cfg(feature = "write")]
mod write;
mod writer;

#[cfg(feature = "build")]
pub use build::{Build, compile};
pub use files::Files;
#[cfg(feature = "write")]
pub use write::{WriteError, write};
pub use writer::Writer;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
