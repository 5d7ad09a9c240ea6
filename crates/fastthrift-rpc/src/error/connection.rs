use std::fmt;

use fastthrift_protocol::{DecodeError, MessageType};

use crate::{Dialect, HeaderError, HttpError, SaslError};

/// Why a connection cannot go on. Each is final: the connection is to be closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: ConnectionErrorKind,
    answered: bool,
}

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConnectionErrorKind {
    /// The peer closed the connection between two messages.
    Closed {
        /// Calls that were waiting for a reply.
        waiting: usize,
    },
    /// The peer closed the connection inside a message.
    CutOff {
        /// Bytes of the message that came.
        received: usize,
    },
    /// A frame that announces more bytes than the limit.
    FrameTooLarge {
        /// The announced size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A frame that announces a length below one.
    FrameLength(i32),
    /// The first bytes start neither a frame nor a message.
    UnknownDialect([u8; 4]),
    /// A frame of the Header transport that cannot be read.
    Header(HeaderError),
    /// The first bytes start another dialect than this side speaks.
    OtherDialect {
        /// What this side speaks, or what came nearest to it.
        expected: Dialect,
        /// What the peer speaks.
        found: Dialect,
    },
    /// A message whose header or structure cannot be read.
    Message(DecodeError),
    /// A reply whose body the caller could not read, or an application exception that could not be read.
    Body(DecodeError),
    /// A name longer than the limit.
    NameTooLong {
        /// Its size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A message of a type that this side never accepts.
    MessageType {
        /// The type that came.
        found: MessageType,
        /// The sequence id it came with.
        sequence_id: i32,
    },
    /// A reply to a sequence id that no call waits for.
    UnknownSequenceId(i32),
    /// A reply that started before its call was sent.
    EarlyReply(i32),
    /// A reply with the name of another function.
    WrongName {
        /// The function that was called.
        expected: Box<[u8]>,
        /// The name that came.
        found: Box<[u8]>,
    },
    /// Too many calls timed out or were cancelled without the peer ever answering them.
    TooManyAbandoned {
        /// The limit.
        limit: usize,
    },
    /// What wrote a body removed bytes of earlier messages from the outbound buffer.
    OutboundLost,
    /// A compressed stream that is broken, or asks for a dictionary.
    Zlib {
        /// How many of its bytes were read.
        position: u64,
    },
    /// What came is not HTTP as it has to be, or is a refusal.
    Http(HttpError),
    /// The first bytes are an alert of TLS: so answers who expects TLS and was told something else.
    Tls,
    /// The peer did not say who it is, or nobody that is accepted.
    Sasl(SaslError),
    /// The peer sent more than a message can have before any call asked for it.
    Unasked {
        /// The limit in bytes.
        limit: usize,
    },
    /// There is no memory to receive more into, or to compress what is sent.
    OutOfMemory,
}

/// Who has to change something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// The peer, which broke the protocol or speaks another one.
    Peer,
    /// Nobody: the connection ended.
    Network,
    /// This side's own code.
    Local,
}

impl ConnectionError {
    /// An error that nothing was sent about.
    #[cold]
    pub fn new(kind: ConnectionErrorKind) -> Self {
        Self(Box::new(Inner { kind, answered: false }))
    }

    /// An error that the peer is told of by what is still outbound.
    #[cold]
    pub(crate) fn answered(kind: ConnectionErrorKind) -> Self {
        Self(Box::new(Inner { kind, answered: true }))
    }

    /// What went wrong.
    pub fn kind(&self) -> &ConnectionErrorKind {
        &self.0.kind
    }

    /// Whether an application exception that tells the peer was queued: send what is outbound before closing.
    pub fn is_answered(&self) -> bool {
        self.0.answered
    }

    /// Who has to change something.
    pub fn fault(&self) -> Fault {
        match self.0.kind {
            ConnectionErrorKind::Closed { .. } | ConnectionErrorKind::CutOff { .. } => Fault::Network,
            ConnectionErrorKind::OutboundLost
            | ConnectionErrorKind::OutOfMemory
            | ConnectionErrorKind::Header(HeaderError::OutOfMemory) => Fault::Local,
            _ => Fault::Peer,
        }
    }
}

impl From<HttpError> for ConnectionErrorKind {
    fn from(error: HttpError) -> Self {
        Self::Http(error)
    }
}

impl From<SaslError> for ConnectionErrorKind {
    fn from(error: SaslError) -> Self {
        Self::Sasl(error)
    }
}

impl std::error::Error for ConnectionError {}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.kind.fmt(f)
    }
}

impl fmt::Display for ConnectionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { waiting: 0 } => f.write_str("the peer closed the connection"),
            Self::Closed { waiting: 1 } => f.write_str("the peer closed the connection before it answered the call"),
            Self::Closed { waiting } => write!(f, "the peer closed the connection before it answered {waiting} calls"),
            Self::CutOff { received } => {
                write!(f, "the peer closed the connection inside a message, after {received} bytes of it")
            }
            Self::FrameTooLarge { size, limit } => {
                write!(f, "a frame of {size} bytes is over the limit of {limit}")?;
                u32::try_from(*size).ok().map_or(Ok(()), |size| hint(f, size.to_be_bytes()))
            }
            Self::FrameLength(length) => {
                write!(f, "expected a frame of at least 1 byte, got a length of {length}")?;
                hint(f, length.to_be_bytes())
            }
            Self::UnknownDialect(bytes) => {
                write!(f, "expected a Thrift frame or message, got the bytes {}", bytes.escape_ascii())?;
                hint(f, *bytes)
            }
            Self::Header(error) => error.fmt(f),
            Self::OtherDialect { expected, found } => write!(f, "expected {expected}, the peer speaks {found}"),
            Self::Message(error) => write!(f, "expected a message, got bytes that are none: {error}"),
            Self::Body(error) => write!(f, "the body of a message cannot be read: {error}"),
            Self::NameTooLong { size, limit } => {
                write!(f, "a function's name of {size} bytes is over the limit of {limit}")
            }
            Self::MessageType { found, sequence_id } => {
                write!(f, "a message of type {found:?} with sequence id {sequence_id} has no place here")
            }
            Self::UnknownSequenceId(id) => {
                write!(f, "got a reply with sequence id {id}, which no call waits for")
            }
            Self::EarlyReply(id) => {
                write!(f, "got a reply with sequence id {id} before that call was sent")
            }
            Self::WrongName { expected, found } => {
                write!(f, "expected the reply to '{}', got one to '{}'", expected.escape_ascii(), found.escape_ascii())
            }
            Self::TooManyAbandoned { limit } => write!(
                f,
                "more than {limit} calls timed out or were cancelled without an answer: the peer seems to be stuck"
            ),
            Self::Zlib { position } => write!(f, "the compressed stream is broken after {position} bytes of it"),
            Self::Http(error) => error.fmt(f),
            Self::Tls => f.write_str("the peer speaks TLS, which this side does not: use tls:// or https://"),
            Self::Sasl(error) => error.fmt(f),
            Self::Unasked { limit } => write!(f, "got more than {limit} bytes that no call asked for"),
            Self::OutOfMemory => f.write_str("there is no memory to receive a message into, or to send one"),
            Self::OutboundLost => {
                f.write_str("bytes of earlier messages were removed from the outbound buffer while a body was written")
            }
        }
    }
}

/// Whether these are the first bytes of an alert of TLS (RFC 8446 section 5.1): a record of two bytes.
pub(crate) fn starts_alert(bytes: &[u8]) -> bool {
    matches!(bytes, [0x15, 3, 0..=4, 0, 2, ..])
}

/// Adds what the first four bytes of a connection look like, when they look like a common mistake.
fn hint(f: &mut fmt::Formatter<'_>, bytes: [u8; 4]) -> fmt::Result {
    let guess = match bytes {
        [0x15 | 0x16, 3, ..] => "the peer speaks TLS",
        [0x80, 1, ..] => "the peer speaks unframed Binary",
        [0x82, version, ..] if version & 0x1f == 1 => "the peer speaks unframed Compact",
        [b'[', b'1' | b' ', ..] => "the peer speaks unframed JSON",
        _ if is_http(bytes) => "the peer speaks HTTP",
        _ if bytes.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) => {
            "the peer speaks a text protocol"
        }
        [1..=255, ..] => "the peer may speak unframed Thrift or another protocol",
        _ => return Ok(()),
    };
    write!(f, ": {guess}")
}

fn is_http(bytes: [u8; 4]) -> bool {
    [b"GET ", b"POST", b"PUT ", b"HEAD", b"HTTP", b"OPTI", b"PRI ", b"DELE", b"PATC", b"CONN"].contains(&&bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_is_http_says_so() {
        let kind = ConnectionErrorKind::FrameTooLarge { size: 0x4745_5420, limit: 100 << 20 };
        assert_eq!(
            ConnectionError::new(kind).to_string(),
            "a frame of 1195725856 bytes is over the limit of 104857600: the peer speaks HTTP"
        );
    }

    #[test]
    fn a_negative_frame_that_is_an_unframed_message_says_so() {
        let text = ConnectionErrorKind::FrameLength(i32::from_be_bytes([0x80, 1, 0, 2])).to_string();
        assert!(text.ends_with(": the peer speaks unframed Binary"), "{text}");
        let kind = ConnectionErrorKind::FrameTooLarge { size: 0x5b31_2c22, limit: 100 << 20 };
        assert!(kind.to_string().ends_with(": the peer speaks unframed JSON"), "{kind}");
        assert!(!ConnectionErrorKind::FrameLength(0).to_string().contains("speaks"));
    }

    #[test]
    fn only_the_end_of_a_connection_is_nobodys_fault() {
        let closed = ConnectionError::new(ConnectionErrorKind::Closed { waiting: 2 });
        let early = ConnectionError::new(ConnectionErrorKind::EarlyReply(7));
        assert_eq!((closed.fault(), early.fault()), (Fault::Network, Fault::Peer));
    }
}
