//! One Thrift connection as a state machine without IO.
//!
//! [`ClientConnection`] and [`ServerConnection`] take received bytes, commands and the time as arguments, and give
//! bytes to send and events back. They own no socket, clock or task, so the same code runs under blocking sockets, an
//! event loop of any language, and a test without a port. They know message headers, never bodies: a body is written by
//! the caller into the outbound buffer, and read by the caller from the inbound one, without a copy.
//!
//! What holds for every peer, however hostile: no reply reaches a call it does not belong to, memory grows with the
//! bytes that really came and never past the stated limits, and every broken message ends in a typed
//! [`ConnectionError`].

mod carrier;
mod client;
mod codec;
mod config;
mod cutter;
mod detect;
mod endpoint;
mod error;
mod few;
mod framing;
mod header;
mod headers;
mod inbound;
mod outbound;
pub mod policy;
mod sasl;
mod server;
mod span;

pub use carrier::{HttpClient, HttpServer, HttpTargetError};
pub use client::{CallId, CallOptions, CallWriter, ClientConnection, ClientEvent, LargeMessage, ReplyBody};
pub use config::{CallKind, Carrier, ClientConfig, Dialect, Framing, ServerConfig};
pub use endpoint::{Address, Endpoint};
pub use error::{
    CallError, ConnectionError, ConnectionErrorKind, Fault, HeaderError, HttpError, ReplyError, SaslError,
};
pub use header::Transform;
pub use headers::{Headers, HeadersError};
pub use sasl::{Credentials, PlainCredentials, SaslClient, SaslServer};
pub use server::{ReplyWriter, Request, RequestId, ServerConnection};
pub use span::Span;

/// The examples of the README are tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

#[cfg(test)]
mod tests {
    use super::*;

    fn expect_movable<T: Send + Sync + 'static>() {}

    #[test]
    fn connections_and_all_they_give_can_be_stored_and_moved_between_threads() {
        expect_movable::<(ClientConnection, ClientEvent, CallError)>();
        expect_movable::<(ServerConnection, Request, ReplyError)>();
        expect_movable::<ConnectionError>();
    }
}
