//! One TLS connection without its socket: what the peer sent goes in, what the peer is to get comes out.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{
    AlertDescription, ClientConfig, ClientConnection, Connection, InvalidMessage, ServerConfig, ServerConnection,
};

/// What HTTP is called where a connection's protocol is agreed upon (RFC 7301).
pub(super) const HTTP: &[u8] = b"http/1.1";
/// Unsent bytes, of either kind, that are held before no more plaintext is taken.
const MAX_UNSENT: usize = 64 << 10;

/// A TLS connection. It does no IO and knows no time; what it holds is bounded whatever the peer sends: 64 KiB of a
/// handshake, a record of 16 KiB, and the plaintext of two.
///
/// A process that was forked off must not let it write anything, not even that it closes: the records of both would have
/// the same numbers.
pub(crate) struct TlsSession {
    connection: Connection,
    /// Why it cannot go on.
    failure: Option<TlsError>,
    has_ended: bool,
    /// The peer said that nothing more comes.
    has_closed: bool,
    /// About how many bytes were taken in and not given out.
    unsent: usize,
    process: u32,
}

/// Why a TLS connection cannot go on.
#[derive(Debug, Clone)]
pub(crate) enum TlsError {
    /// A client's first bytes are no TLS.
    PlaintextClient,
    /// A server's first bytes are no TLS.
    PlaintextServer,
    /// The connection ended before the handshake did.
    ClosedInHandshake,
    /// Anything else.
    Other(rustls::Error),
}

impl TlsSession {
    /// The side that connects; the peer's certificate has to be for this name.
    pub(crate) fn client(config: Arc<ClientConfig>, name: ServerName<'static>) -> Result<Self, TlsError> {
        ClientConnection::new(config, name).map(|made| Self::new(made.into())).map_err(TlsError::Other)
    }

    /// The side that accepts.
    pub(crate) fn server(config: Arc<ServerConfig>) -> Result<Self, TlsError> {
        ServerConnection::new(config).map(|made| Self::new(made.into())).map_err(TlsError::Other)
    }

    fn new(mut connection: Connection) -> Self {
        connection.set_buffer_limit(Some(MAX_UNSENT));
        Self { connection, failure: None, has_ended: false, has_closed: false, unsent: 0, process: std::process::id() }
    }

    /// Takes bytes that the peer sent: one read, of a socket or of a slice. How many; 0 at their end.
    ///
    /// Take the plaintext out with [`TlsSession::read`] before more is brought, and look at [`TlsSession::wants_write`]
    /// afterwards, after an error too: the peer may be told of it. An error of TLS has the kind `InvalidData`.
    pub(crate) fn read_from(&mut self, source: &mut dyn Read) -> io::Result<usize> {
        if let Some(failure) = &self.failure {
            return Err(failure.clone().into());
        }
        if self.has_ended {
            return Ok(0);
        }
        let count = self.connection.read_tls(source)?;
        match self.connection.process_new_packets() {
            Ok(state) => self.has_closed = state.peer_has_closed(),
            Err(error) => {
                let error = TlsError::of(error, &self.connection);
                return Err(self.fail(error));
            }
        }
        if count == 0 {
            self.has_ended = true;
            if self.is_handshaking() {
                return Err(self.fail(TlsError::ClosedInHandshake));
            }
        }
        Ok(count)
    }

    fn fail(&mut self, error: TlsError) -> io::Error {
        self.failure.insert(error).clone().into()
    }

    /// Takes plaintext out. `WouldBlock` when the peer has to send more for that; 0 when it said that nothing more comes,
    /// and `UnexpectedEof` when the connection ended without its saying so.
    pub(crate) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(io::Error::new(error.kind(), "the connection ended without the peer's saying so in TLS"))
            }
            Err(error) => Err(self.failure.clone().map_or(error, io::Error::from)),
            read => read,
        }
    }

    /// Whether [`TlsSession::read`] has something to say without anything from the peer: plaintext, the end or an error.
    pub(crate) fn has_news(&mut self) -> bool {
        let found = self.connection.reader().into_first_chunk().map(drop);
        self.failure.is_some() || !matches!(found, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the peer said, in what came by now, that nothing more comes.
    pub(crate) fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Takes plaintext in, to be sent once the handshake is over. How much: less than all, even 0, while much is unsent.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.connection.writer().write(bytes)?;
        self.unsent += taken;
        Ok(taken)
    }

    /// How many bytes of memory are taken by what was written and not given out, without what TLS adds to it; at most 128 KiB.
    pub(crate) fn unsent(&self) -> usize {
        self.unsent
    }

    /// Whether there are bytes for the peer.
    pub(crate) fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Gives out bytes for the peer: one write, to a socket or to a `Vec`. How many.
    pub(crate) fn write_to(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let count = self.connection.write_tls(sink)?;
        self.unsent = if self.wants_write() { self.unsent.saturating_sub(count) } else { 0 };
        Ok(count)
    }

    /// Whether the handshake is not over.
    pub(crate) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Lets the peer know that nothing more comes; that too has to be given out. Nothing where this is not the process
    /// that made it.
    pub(crate) fn close(&mut self) {
        if self.is_ours() {
            self.connection.send_close_notify();
        }
    }

    /// Whether this very process made it, and not one that it was forked from.
    pub(crate) fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl TlsError {
    fn of(error: rustls::Error, connection: &Connection) -> Self {
        match error {
            // Records of another kind or version than any TLS has.
            rustls::Error::InvalidMessage(
                InvalidMessage::InvalidContentType
                | InvalidMessage::UnknownProtocolVersion
                | InvalidMessage::InvalidEmptyPayload
                | InvalidMessage::MessageTooLarge,
            ) if connection.is_handshaking() => match connection {
                Connection::Server(_) => Self::PlaintextClient,
                Connection::Client(_) => Self::PlaintextServer,
            },
            error => Self::Other(error),
        }
    }
}

impl std::error::Error for TlsError {}

impl fmt::Display for TlsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::PlaintextClient => f.write_str("the peer does not speak TLS"),
            Self::PlaintextServer => f.write_str("the peer does not speak TLS: without it, use tcp:// or http://"),
            Self::ClosedInHandshake => f.write_str(
                "the peer closed the connection during the TLS handshake; it may not speak TLS but plaintext (tcp://, http://)",
            ),
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
    fn from(error: TlsError) -> Self {
        Self::new(io::ErrorKind::InvalidData, error)
    }
}
