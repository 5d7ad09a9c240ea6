//! Thrift for Rust: values to bytes and back, clients and servers.
//!
//! Types, handlers and clients are generated of `.thrift` files, in a `build.rs` by the crate
//! [`fastthrift-codegen`](https://docs.rs/fastthrift-codegen) or by the command `fastthrift gen rust`, and stand on this crate alone:
//!
//! ```
//! mod idl {
//!     # include!(concat!(env!("CARGO_MANIFEST_DIR"), "/examples/idl/calculator.rs"));
//!     # /*
//!     fastthrift::include_thrift!("calculator");
//!     # */
//! }
//! use fastthrift::{CallError, Channel, Server};
//! use idl::calculator::{AddError, Base, Calculator, CalculatorClient, CalculatorServer, Overflow};
//!
//! struct Handler;
//!
//! impl Base for Handler {
//!     async fn ping(&self) -> Result<(), CallError> {
//!         Ok(())
//!     }
//! }
//!
//! impl Calculator for Handler {
//!     async fn add(&self, a: i32, b: i32) -> Result<i32, AddError> {
//!         let sum = a.checked_add(b);
//!         Ok(sum.ok_or_else(|| Overflow { message: "too large".to_owned(), limit: i32::MAX })?)
//!     }
//!
//!     async fn greet(&self, name: String) -> Result<String, CallError> {
//!         Ok(format!("Hello, {name}!"))
//!     }
//!
//!     async fn log(&self, line: String) -> Result<(), CallError> {
//!         println!("{line}");
//!         Ok(())
//!     }
//! }
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let server = Server::builder(CalculatorServer::new(Handler)).bind("tcp://127.0.0.1:0").await?;
//!     let client = CalculatorClient::new(Channel::connect(&server.url()).await?);
//!     tokio::spawn(server.serve());
//!     assert_eq!(client.add(2, 3).await?, 5);
//!     assert!(matches!(client.add(i32::MAX, 1).await, Err(AddError::Overflow(_))));
//!     Ok(())
//! }
//! ```
//!
//! Values go to bytes and come back without any connection too, those of generated types and of many others ([`codec`]):
//!
//! ```
//! use fastthrift::Protocol;
//!
//! let bytes = fastthrift::to_vec(Protocol::Compact, &vec![1, 2, 3])?;
//! let numbers: Vec<i32> = fastthrift::from_slice(Protocol::Compact, &bytes)?;
//! assert_eq!(numbers, [1, 2, 3]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Where to look
//!
//! | for | see | feature |
//! | --- | --- | --- |
//! | bytes of a value, and a value of bytes | [`to_vec`], [`encode_into`], [`from_slice`], [`from_bytes`], [`from_slice_borrowed`], [`decode_prefix`] | |
//! | types of one's own | [`Encode`], [`Decode`] | |
//! | bounds on what bytes may ask for | [`Limits`] | |
//! | calling | [`Channel`], [`ChannelBuilder`], [`Retry`] | `tokio` (default) |
//! | serving | [`Server`], [`ServerBuilder`], [`current_call`] | `tokio` (default) |
//! | what a call fails with | [`CallError`], [`CallErrorKind`] | |
//! | code around calls | [`Interceptor`], [`Tracing`], [`Metrics`], [`mod@tower`] | `tracing`, `metrics`, `tower` |
//! | TLS | [`ClientTls`], [`ServerTls`] | `tls`, `blocking-tls` |
//! | calling without tokio | [`blocking::Channel`] | `blocking` |
//! | IDL at run time: gateways, tools | [`dynamic`] | `dynamic` |
//!
//! Without the feature `std` the codecs remain, for `no_std` with `alloc`.

#![cfg_attr(not(feature = "std"), no_std)]

extern crate alloc;

#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "tokio")]
mod body;
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
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod settings;
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
    server::{And, PlainLogin, Request, Response, Server, ServerBuilder, Service},
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
