use std::fmt;

use crate::{HeadersError, Transform};

/// What is wrong with a frame of the Header transport.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum HeaderError {
    /// The frame does not start as one of the Header transport.
    NotHeader,
    /// The frame, or the block of its headers, ends inside of something.
    CutShort,
    /// A number of the block has more than 32 bits.
    BrokenNumber,
    /// The message is in a protocol that is not known here.
    UnknownProtocol(u32),
    /// The message was transformed in a way that is not known here.
    UnknownTransform(u32),
    /// The message was transformed more often than is allowed.
    TooManyTransforms,
    /// There are too many headers.
    Headers(HeadersError),
    /// What was transformed cannot be restored.
    Corrupt(Transform),
    /// What is restored is over the limit.
    TooLarge {
        /// How it was transformed.
        transform: Transform,
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no memory to restore the message into.
    OutOfMemory,
}

impl From<HeadersError> for HeaderError {
    fn from(error: HeadersError) -> Self {
        Self::Headers(error)
    }
}

impl std::error::Error for HeaderError {}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHeader => f.write_str("expected a frame of the Header transport, got another one"),
            Self::CutShort => f.write_str("the headers of a frame do not end within it"),
            Self::BrokenNumber => f.write_str("a number in the headers of a frame has more than 32 bits"),
            Self::UnknownProtocol(id) => write!(f, "the protocol with the number {id} is not known here"),
            Self::UnknownTransform(id) => write!(f, "the transform with the number {id} is not known here"),
            Self::TooManyTransforms => f.write_str("a frame was transformed more than 4 times"),
            Self::Headers(error) => error.fmt(f),
            Self::Corrupt(transform) => write!(f, "the content of a frame is no whole {transform} data"),
            Self::TooLarge { transform, limit } => {
                write!(f, "the content of a frame is over the limit of {limit} bytes when its {transform} is undone")
            }
            Self::OutOfMemory => f.write_str("there is no memory to restore a frame's content into"),
        }
    }
}
