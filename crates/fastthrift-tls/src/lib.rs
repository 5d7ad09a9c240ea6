//! TLS for Thrift's connections, by rustls.
//!
//! [`ClientSecurity`] and [`ServerSecurity`] are what the sides bring along: whom they trust, and who they are. What they are made of is
//! [`Pem`] text. [`TlsSession`] is one connection without its socket; who lets another library drive rustls has the configurations
//! for that, and [`TlsError`] for what it says.

mod client;
mod error;
mod pem;
mod server;
mod session;
mod trust;

pub use client::{ClientSecurity, ClientSettings, Securing};
pub use error::{ConfigError, TlsError};
pub use pem::{Identity, Pem};
pub use server::{ServerSecurity, ServerSettings};
pub use session::TlsSession;

/// What HTTP/1.1 is called where a connection's protocol is agreed upon (RFC 7301).
const HTTP: &[u8] = b"http/1.1";

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
