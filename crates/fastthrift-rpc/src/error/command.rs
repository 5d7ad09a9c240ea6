use std::fmt;

use crate::{ConnectionError, HeadersError};

/// Why a call was not sent. Nothing of it is outbound, and unless the connection had failed before it stays good.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CallError {
    /// The connection failed before.
    Connection(ConnectionError),
    /// The message is over the limit.
    TooLarge {
        /// Its size in bytes, as far as it was written.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// The system has no memory for the message.
    OutOfMemory,
    /// The function's name is over the limit.
    NameTooLong {
        /// Its size in bytes, the service's included.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// There is more in the call's headers than may travel.
    Headers(HeadersError),
    /// As many calls as allowed wait for their reply.
    TooManyInFlight {
        /// The limit.
        limit: usize,
    },
    /// HTTP carries the messages, and the response to the request before this one did not come: make the call over another
    /// connection.
    ResponseOwed,
    /// What wrote the body removed bytes that it had not written.
    BufferShrunk,
}

/// Why a reply was not sent. Nothing of it is outbound, and the request can still be answered unless the error says
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplyError {
    /// The request is not open: it was answered before, or another connection made it.
    NotOpen,
    /// The request is oneway: nobody waits for an answer.
    Oneway,
    /// The request is a call: the peer waits for an answer.
    AwaitsReply,
    /// The message is over the limit.
    TooLarge {
        /// Its size in bytes, as far as it was written.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// There is more in the reply's headers than may travel.
    Headers(HeadersError),
    /// The system has no memory for the message.
    OutOfMemory,
    /// What wrote the body removed bytes that it had not written.
    BufferShrunk,
}

impl std::error::Error for CallError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Connection(error) => Some(error),
            _ => None,
        }
    }
}

impl std::error::Error for ReplyError {}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => write!(f, "the connection cannot be used any more: {error}"),
            Self::TooLarge { size, limit } => {
                write!(f, "the call of {size} bytes or more is over the limit of {limit}")
            }
            Self::OutOfMemory => f.write_str("there is no memory for the call"),
            Self::Headers(error) => write!(f, "the call's {error}"),
            Self::NameTooLong { size, limit } => {
                write!(f, "the function's name of {size} bytes is over the limit of {limit}")
            }
            Self::TooManyInFlight { limit } => write!(f, "{limit} calls wait for their reply, no more are allowed"),
            Self::ResponseOwed => {
                f.write_str("the response to the last request did not come yet, and HTTP has one at a time")
            }
            Self::BufferShrunk => f.write_str("the call's buffer is shorter than before its body was written"),
        }
    }
}

impl fmt::Display for ReplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the request is not open: it was answered before, or belongs elsewhere"),
            Self::Oneway => f.write_str("the request is oneway: it is finished, not answered"),
            Self::AwaitsReply => f.write_str("the request is a call: it is answered, not finished"),
            Self::TooLarge { size, limit } => {
                write!(f, "the reply of {size} bytes or more is over the limit of {limit}")
            }
            Self::OutOfMemory => f.write_str("there is no memory for the reply"),
            Self::Headers(error) => write!(f, "the reply's {error}"),
            Self::BufferShrunk => f.write_str("the reply's buffer is shorter than before its body was written"),
        }
    }
}
