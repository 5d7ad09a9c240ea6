//! How Thrift values look in bytes.
//!
//! Readers ([`InputProtocol`]) run over one complete slice and borrow from it; writers ([`OutputProtocol`]) append to a
//! caller's [`Sink`], such as a `Vec<u8>`. Every size that a peer announces is checked against [`Limits`] and against the bytes that remain
//! before anything is done with it, so that no input makes a reader allocate, recurse or loop beyond them.
//!
//! Without its feature `std`, which only asks the processor at run time for wide instructions, the crate needs `alloc` alone.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

mod append;
mod application_exception;
mod binary;
mod bulk;
#[cfg(feature = "bytes")]
mod chunks;
mod compact;
mod cursor;
mod error;
mod input;
pub mod json;
mod limits;
mod message;
mod output;
mod path;
mod protocol;
mod run;
mod scanner;
mod sink;
mod text;
mod tokens;
mod ttype;

#[doc(hidden)]
pub use append::{copy_bytes, to_string, to_vec};
pub use application_exception::{ApplicationException, ApplicationExceptionKind};
pub use binary::{BinaryReader, BinaryWriter};
#[cfg(feature = "bytes")]
pub use chunks::Chunks;
pub use compact::{CompactReader, CompactWriter};
pub use error::{DecodeError, DecodeErrorKind};
pub use input::{InputProtocol, RunError};
pub use json::{JsonReader, JsonWriter, Scratch};
pub use limits::Limits;
pub use message::{MessageHeader, MessageType};
pub use output::OutputProtocol;
pub use path::{Path, PathStep};
pub use protocol::{Detection, Protocol, UnknownProtocol, detect};
pub use run::{Fixed, Run};
pub use scanner::{MessageScanner, Scan};
pub use sink::{Bounded, Loss, Sink};
pub use ttype::{FieldHeader, ListHeader, MapHeader, StructScope, TType};

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
