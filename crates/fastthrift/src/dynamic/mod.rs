//! Thrift without generated code: IDL that is loaded when the program runs, for gateways, proxies and tools.
//!
//! [`Idl`] loads `.thrift` files. A [`Service`] of it is called by a [`Client`], or served by a handler of all its functions
//! ([`Served`]); arguments and results are [`Value`]s. Both use the channels and servers that generated code uses, so protocols,
//! transports, deadlines, limits and interceptors are the same.
//!
//! ```
//! use fastthrift::dynamic::{Client, Error, Idl, Invocation, Served, Value, fields};
//! use fastthrift::{Channel, Server};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let idl: Idl = "struct Point { 1: i32 x, 2: i32 y = 7 } service Shapes { Point mirror(1: Point point) }".parse()?;
//! let shapes = idl.service("Shapes")?;
//!
//! let handler = |invocation: Invocation| async move {
//!     let point = invocation.argument("point");
//!     Ok::<_, Error>(Value::from(fields! { x: point["y"].clone(), y: point["x"].clone() }))
//! };
//! let server = Server::builder(Served::new(shapes.clone(), handler)).bind("memory://shapes").await?;
//! tokio::spawn(server.serve());
//!
//! let client = Client::new(Channel::connect("memory://shapes").await?, shapes);
//! let point = client.call("mirror", fields! { point: fields! { x: 1 } }).await?;
//! assert_eq!(point.to_string(), "Point {x: 7, y: 1}");
//!
//! let error = client.call("mirror", fields! { point: fields! { x: "one" } }).await.unwrap_err();
//! assert_eq!(error.to_string(), "'mirror' cannot be called: point.x: expected i32, got text \"one\"");
//! # Ok(())
//! # }
//! ```
//!
//! Bytes that a peer sends are read under the same [`crate::Limits`] as by generated code, and `memory` bounds what the values of
//! one message take.

#[cfg(feature = "blocking")]
mod blocking;
mod build;
#[cfg(any(feature = "tokio", feature = "blocking"))]
mod caller;
#[cfg(feature = "tokio")]
mod client;
mod codec;
mod convert;
mod error;
mod idl;
mod order;
#[cfg(feature = "tokio")]
mod server;
mod service;
mod show;
mod structure;
mod types;
mod value;
mod visit;

pub use crate::__fields as fields;
#[cfg(feature = "blocking")]
pub use blocking::BlockingClient;
#[cfg(feature = "tokio")]
pub use client::Client;
pub use error::{Error, Exception, UnknownName};
pub use fastthrift_dynamic::simple_json::{BoolStyle, EnumStyle, JsonStyle};
pub use fastthrift_dynamic::{EncodeError as ValueError, EncodeErrorKind as ValueErrorKind};
pub use fastthrift_idl::{
    Code, Diagnostic, Dialect, Failure as IdlError, FileName, Loader, MemoryLoader, NotFound, Report, Severity, render,
};
pub use idl::{Idl, IdlBuilder};
#[cfg(feature = "tokio")]
pub use server::{Handler, Invocation, Served};
pub use service::{Function, Service};
pub use structure::{EnumValue, StructValue};
pub use types::{Enum, Field, Requiredness, Struct, StructKind, Type};
pub use value::Value;
