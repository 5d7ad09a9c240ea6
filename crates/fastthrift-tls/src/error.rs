//! What goes wrong: with what a side brings along, and with a connection.

use std::fmt;
use std::io;
use std::path::PathBuf;

use rustls::{AlertDescription, InvalidMessage};

/// Why there is no usable TLS configuration.
#[derive(Debug)]
#[non_exhaustive]
pub enum ConfigError {
    /// A file cannot be read.
    Read {
        /// Which.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// What was given cannot be used; a sentence for the caller.
    Unusable(String),
}

/// Why a TLS connection cannot go on.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum TlsError {
    /// A client's first bytes are no TLS.
    PlaintextClient,
    /// A server's first bytes are no TLS.
    PlaintextServer,
    /// The connection ended before the handshake did.
    ClosedInHandshake,
    /// The connection ended without the peer's saying so: something may be missing.
    CutOff,
    /// Anything else.
    Other(rustls::Error),
}

impl ConfigError {
    /// The kind of an [`io::Error`] of this.
    fn io_kind(&self) -> io::ErrorKind {
        match self {
            Self::Read { cause, .. } => cause.kind(),
            Self::Unusable(_) => io::ErrorKind::InvalidInput,
        }
    }
}

impl TlsError {
    /// What ends a handshake with a peer whose first bytes are no TLS: `plaintext`.
    pub(crate) fn of_handshake(error: rustls::Error, plaintext: Self) -> Self {
        match error {
            // Records of another kind or version than any TLS has.
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            ) => plaintext,
            error => Self::Other(error),
        }
    }

    /// Says more of an error with which another driver of rustls ended a client's handshake.
    pub fn explain_handshake(error: io::Error) -> io::Error {
        match Self::cause(&error) {
            Some(cause) => Self::of_handshake(cause, Self::PlaintextServer).into(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::ClosedInHandshake.into(),
            None => error,
        }
    }

    /// The same for an error after the handshake.
    pub fn explain(error: io::Error) -> io::Error {
        match Self::cause(&error) {
            Some(cause) => Self::Other(cause).into(),
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::CutOff.into(),
            None => error,
        }
    }

    /// What rustls says within an error.
    fn cause(error: &io::Error) -> Option<rustls::Error> {
        error.get_ref()?.downcast_ref::<rustls::Error>().cloned()
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Read { cause, .. } => Some(cause),
            Self::Unusable(_) => None,
        }
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read { path, cause } => write!(f, "cannot read {}: {cause}", path.display()),
            Self::Unusable(text) => f.write_str(text),
        }
    }
}

impl From<ConfigError> for io::Error {
    fn from(error: ConfigError) -> Self {
        Self::new(error.io_kind(), error)
    }
}

impl std::error::Error for TlsError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Other(error) => Some(error),
            _ => None,
        }
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlaintextClient => f.write_str("the peer does not speak TLS"),
            Self::PlaintextServer => f.write_str("the peer does not speak TLS: without it, use tcp:// or http://"),
            Self::ClosedInHandshake => f.write_str(
                "the peer closed the connection during the TLS handshake; it may not speak TLS but plaintext (tcp://, http://)",
            ),
            Self::CutOff => f.write_str("the connection ended without the peer's saying so in TLS"),
            Self::Other(rustls::Error::AlertReceived(alert)) => match *alert {
                AlertDescription::CertificateRequired => f.write_str("the peer requires a client certificate"),
                AlertDescription::UnknownCA => f.write_str("the peer does not trust the issuer of the certificate"),
                alert => write!(f, "the peer refused TLS: {alert:?}"),
            },
            Self::Other(rustls::Error::NoCertificatesPresented) => f.write_str("the peer sent no certificate"),
            Self::Other(error) => write!(f, "TLS failed: {error}"),
        }
    }
}

impl From<TlsError> for io::Error {
    /// Its kind is `UnexpectedEof` where the peer did not say that the connection ends, else `InvalidData`.
    fn from(error: TlsError) -> Self {
        let kind = match error {
            TlsError::CutOff => io::ErrorKind::UnexpectedEof,
            _ => io::ErrorKind::InvalidData,
        };
        Self::new(kind, error)
    }
}
