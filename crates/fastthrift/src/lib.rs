//! Thrift for Rust.
//!
//! [`codec`] turns values into bytes and back, for types that `fastthrift gen rust` writes of a `.thrift` file:
//!
//! ```
//! use fastthrift::Protocol;
//!
//! let bytes = fastthrift::to_vec(Protocol::Compact, &vec![1, 2, 3])?;
//! let numbers: Vec<i32> = fastthrift::from_slice(Protocol::Compact, &bytes)?;
//! assert_eq!(numbers, [1, 2, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "tokio")]
mod call;
#[cfg(feature = "tokio")]
mod client;
pub mod codec;
#[cfg(feature = "dynamic")]
#[cfg_attr(not(feature = "tokio"), allow(dead_code, reason = "nothing is served"))]
pub mod dynamic;
#[cfg(any(feature = "tokio", feature = "blocking", feature = "dynamic"))]
#[cfg_attr(not(any(feature = "tokio", feature = "blocking")), expect(dead_code, reason = "nothing is called"))]
mod error;
#[cfg(any(feature = "tokio", feature = "blocking", feature = "dynamic"))]
mod function;
#[cfg(feature = "tokio")]
mod interceptor;
#[cfg(any(feature = "tracing", feature = "metrics"))]
mod observe;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod request;
#[cfg(any(feature = "tls", feature = "blocking-tls"))]
mod secure;
#[cfg(feature = "tokio")]
mod server;
#[cfg(feature = "tokio")]
mod sync;
#[cfg(feature = "tower")]
pub mod tower;
#[cfg(feature = "tokio")]
mod transport;

#[doc(hidden)]
pub mod __private;

pub use codec::{
    Decode, DecodeOwned, Double, Encode, EncodeError, EncodeErrorKind, UnknownFields, UnknownValue, VecSet,
    decode_prefix, encode_into, from_slice, from_slice_borrowed, read_message, to_vec, write_message,
};
#[cfg(feature = "bytes")]
pub use codec::{Text, from_bytes};
#[cfg(feature = "bytes")]
pub use fastthrift_protocol::Chunks;
pub use fastthrift_protocol::{
    BinaryReader, BinaryWriter, CompactReader, CompactWriter, DecodeError, DecodeErrorKind, InputProtocol, JsonReader,
    JsonWriter, Limits, MessageHeader, MessageType, OutputProtocol, PathStep, Protocol, Scratch, Sink, TType,
};
#[cfg(feature = "metrics")]
pub use observe::Metrics;
#[cfg(feature = "tracing")]
pub use observe::Tracing;
#[cfg(any(feature = "tokio", feature = "blocking"))]
pub use request::{ClientReply, ClientRequest};
#[cfg(any(feature = "tls", feature = "blocking-tls"))]
pub use secure::ClientTls;
#[cfg(feature = "tls")]
pub use transport::ServerTls;
#[cfg(feature = "tokio")]
pub use {
    call::{Call, current_call},
    client::{Channel, ChannelBuilder, Retry},
    fastthrift_rpc::policy::{Backoff, RetryBudget},
    interceptor::{Intercepted, Interceptor, Next},
    server::{And, Request, Response, Server, ServerBuilder, Service},
};
#[cfg(any(feature = "tokio", feature = "blocking", feature = "dynamic"))]
pub use {
    error::{CallError, CallErrorKind},
    fastthrift_protocol::{ApplicationException, ApplicationExceptionKind},
    fastthrift_rpc::{CallKind, Framing, Headers, Transform},
    function::Function,
};

/// Includes the Rust that a `build.rs` generated of a file: `mod idl { fastthrift::include_thrift!("calculator"); }`.
#[macro_export]
macro_rules! include_thrift {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
    };
}

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

/// The guide's programs are tested.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../../../docs/guide/rust-runtime.md")]
struct Guide;

/// And those of its page on what is not generated.
#[cfg(all(doctest, feature = "dynamic", feature = "tokio"))]
#[doc = include_str!("../../../docs/guide/rust-dynamic.md")]
struct DynamicGuide;
