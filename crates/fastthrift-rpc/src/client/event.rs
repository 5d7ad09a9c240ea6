use fastthrift_protocol::ApplicationException;

use crate::Span;

/// One call of one connection. No two calls of a connection ever have the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(u64);

impl CallId {
    pub(crate) const fn new(serial: u64) -> Self {
        Self(serial)
    }

    /// The call as a number, for a binding's tables.
    pub const fn to_number(self) -> u64 {
        self.0
    }

    /// The call with this number, which [`Self::to_number`] gave.
    pub const fn from_number(number: u64) -> Self {
        Self(number)
    }

    /// The call's number on the wire: the lower half of its own.
    pub fn sequence_id(self) -> i32 {
        let [.., a, b, c, d] = self.0.to_be_bytes();
        i32::from_be_bytes([a, b, c, d])
    }
}

/// What a client's connection has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientEvent {
    /// The reply to a call. Each call gets at most one event.
    Reply {
        /// The call.
        call: CallId,
        /// What came.
        body: ReplyBody,
    },
    /// No reply came before the call's deadline; one that comes later is dropped.
    TimedOut {
        /// The call.
        call: CallId,
    },
}

/// What answers a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReplyBody {
    /// The result struct: a value or a declared exception. See [`crate::ClientConnection::bytes`]; the bytes stay until
    /// the next [`crate::ClientConnection::poll_event`]. The struct may be shorter than the span.
    Result(Span),
    /// The call could not be carried out.
    Exception(ApplicationException),
}
