//! Thrift schemas as source code.
//!
//! Each generator is a total function of a [`Schema`](fastthrift_schema::Schema) and its options, and returns [`Files`]: it never touches
//! a disk, and gives the same text for the same schema on every run.

pub mod python;

mod files;
mod writer;

pub use files::Files;
pub use writer::Writer;
