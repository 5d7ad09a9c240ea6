use std::fmt;

/// Why a handshake failed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SaslError {
    /// What came starts no frame of a handshake; its first byte.
    NotSasl(u8),
    /// A frame over the limit.
    FrameTooLarge {
        /// The announced size in bytes.
        size: usize,
        /// The limit in bytes.
        limit: usize,
    },
    /// A frame that has no place here.
    OutOfOrder,
    /// An answer to what was not sent.
    Early,
    /// More challenges than are answered.
    TooManyRounds {
        /// The limit.
        limit: u32,
    },
    /// A mechanism that is not accepted.
    Mechanism {
        /// What came.
        found: String,
        /// Those that are accepted.
        expected: String,
    },
    /// The peer refused this side, and says why.
    Refused(String),
    /// This side refused the peer, and told it why.
    Rejected(String),
    /// The peer gave up.
    GivenUp,
}

impl std::error::Error for SaslError {}

impl fmt::Display for SaslError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSasl(byte) => write!(f, "expected a SASL handshake, got something that starts with byte {byte}"),
            Self::FrameTooLarge { size, limit } => {
                write!(f, "a frame of {size} bytes in a SASL handshake is over the limit of {limit}")
            }
            Self::OutOfOrder => f.write_str("a frame of a SASL handshake came out of order"),
            Self::Early => f.write_str("a frame of a SASL handshake came before what it answers was sent"),
            Self::TooManyRounds { limit } => write!(f, "a SASL handshake has more than {limit} challenges"),
            Self::Mechanism { found, expected } => {
                write!(f, "the SASL mechanism '{found}' is not accepted, expected one of: {expected}")
            }
            Self::Refused(text) => write!(f, "the peer refused the SASL handshake: {text}"),
            Self::Rejected(text) => write!(f, "the peer was refused in its SASL handshake: {text}"),
            Self::GivenUp => f.write_str("the peer gave up its SASL handshake"),
        }
    }
}
