use std::time::Duration;

use fastthrift_protocol::Protocol;

use crate::{CallKind, Span};

/// One request of one connection. No two requests of a connection ever have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

impl RequestId {
    pub(crate) const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The request as a number, for a binding's tables.
    pub const fn to_number(self) -> u64 {
        self.0
    }

    /// The request with this number, which [`Self::to_number`] gave.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }
}

/// A function that the peer calls.
///
/// The spans are of the connection that made the request, see [`crate::ServerConnection::bytes`]. Their bytes stay
/// until the next request is handed out; with [`crate::ServerConfig::max_open`] of 1, which is until this one is
/// answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Request {
    /// Names the request to the connection.
    pub id: RequestId,
    /// Whether it is to be answered. A oneway is to be finished: [`crate::ServerConnection::finish_oneway`].
    pub kind: CallKind,
    /// How the body is encoded, and the reply's is to be.
    pub protocol: Protocol,
    /// The service's name, when the peer sent one before the first `:`.
    pub service: Option<Span>,
    /// The function's name.
    pub function: Span,
    /// The arguments' struct. It may be shorter than the span.
    pub body: Span,
    /// How long the peer said that it waits, when it said so: a count of milliseconds from 1 to 2^32 - 1 in the header
    /// `client_timeout`. What else is in that header says nothing.
    pub timeout: Option<Duration>,
}
