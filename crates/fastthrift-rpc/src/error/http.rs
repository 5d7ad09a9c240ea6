use std::fmt;

use crate::HeadersError;

/// What is wrong with what a peer sent as HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError {
    /// The first bytes start no request.
    NotHttp,
    /// A line or a header that is none.
    Head,
    /// A line and headers that do not end within the limit.
    HeadTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// More headers than are read.
    TooManyHeaders {
        /// The limit.
        limit: usize,
    },
    /// Headers that are too long.
    Headers(HeadersError),
    /// Another version than 1.0 and 1.1.
    Version,
    /// A length that is no number, or more than one way to tell where the body ends.
    Length,
    /// A way to carry the body that is not known here.
    TransferEncoding,
    /// A request that does not say how long its body is.
    LengthRequired,
    /// A body over the limit.
    BodyTooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// A chunk of a body that is none.
    Chunk,
    /// A body whose message ends behind it.
    BodyCut {
        /// The size of the body in bytes.
        size: usize,
    },
    /// A body that is compressed, which nobody asked for.
    Encoded,
    /// A request that was refused with this status, and whose body is not waited for.
    Refused(u16),
    /// A response with another status than 200.
    Status {
        /// The status.
        status: u16,
        /// What the peer calls it.
        reason: String,
        /// What its text starts with, at most 512 bytes.
        text: String,
    },
    /// A response that answers no request.
    Unasked,
}

impl HttpError {
    /// The status of the answer to a request of which this is wrong.
    pub(crate) fn status(&self) -> u16 {
        match self {
            Self::HeadTooLarge { .. } | Self::TooManyHeaders { .. } | Self::Headers(_) => 431,
            Self::Version => 505,
            Self::TransferEncoding => 501,
            Self::LengthRequired => 411,
            Self::BodyTooLarge { .. } => 413,
            Self::Refused(status) => *status,
            _ => 400,
        }
    }
}

impl std::error::Error for HttpError {}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp => f.write_str("expected HTTP, got something else"),
            Self::Head => f.write_str("a line or a header of an HTTP message cannot be read"),
            Self::HeadTooLarge { limit } => write!(f, "an HTTP head is over the limit of {limit} bytes"),
            Self::TooManyHeaders { limit } => write!(f, "an HTTP message has more than {limit} headers"),
            Self::Headers(error) => error.fmt(f),
            Self::Version => f.write_str("expected HTTP 1.0 or 1.1, got another version"),
            Self::Length => f.write_str("the end of an HTTP body cannot be told"),
            Self::TransferEncoding => f.write_str("the transfer coding of an HTTP body is not known here"),
            Self::LengthRequired => f.write_str("an HTTP request has to say how long its body is"),
            Self::BodyTooLarge { limit } => write!(f, "an HTTP body is over the limit of {limit} bytes"),
            Self::Chunk => f.write_str("a chunk of an HTTP body cannot be read"),
            Self::BodyCut { size: 0 } => f.write_str("expected a message in an HTTP body, got an empty one"),
            Self::BodyCut { size } => write!(f, "an HTTP body of {size} bytes ends inside its message"),
            Self::Encoded => f.write_str("the content of an HTTP body is encoded, which was not asked for"),
            Self::Refused(404) => f.write_str("there is no service at this path"),
            Self::Refused(405) => f.write_str("calls are made by POST"),
            Self::Refused(415) => f.write_str("the content of a call is of the type application/x-thrift"),
            Self::Refused(417) => f.write_str("only 100-continue can be expected"),
            Self::Refused(status) => write!(f, "an HTTP request was answered with the status {status}"),
            Self::Status { status, reason, text } => {
                write!(f, "the peer answered with the HTTP status {status}")?;
                if !reason.is_empty() {
                    write!(f, " {reason}")?;
                }
                if text.is_empty() { Ok(()) } else { write!(f, ": {text}") }
            }
            Self::Unasked => f.write_str("got an HTTP response that no request asked for"),
        }
    }
}
