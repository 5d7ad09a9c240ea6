//! One TLS connection without its socket: what the peer sent goes in, what the peer is to get comes out.

use std::fmt;
use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ClientConnection, Connection, ServerConfig, ServerConnection};

use crate::{Securing, TlsError};

/// Unsent bytes, of either kind, that are held before no more plaintext is taken.
const MAX_UNSENT: usize = 64 << 10;

/// A TLS connection. It does no IO and knows no time; what it holds is bounded whatever the peer sends: 64 KiB of a
/// handshake, a record of 16 KiB, and the plaintext of two.
///
/// A process that was forked off must not let it write anything, not even that it closes: the records of both would have
/// the same numbers.
pub struct TlsSession {
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

impl TlsSession {
    /// The side that connects.
    pub(crate) fn client(securing: &Securing) -> Result<Self, TlsError> {
        let made = ClientConnection::new(Arc::clone(&securing.config), securing.name.clone());
        made.map(|made| Self::new(made.into())).map_err(TlsError::Other)
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
    pub fn read_from(&mut self, source: &mut dyn Read) -> io::Result<usize> {
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
                let error = self.explain(error);
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

    fn explain(&self, error: rustls::Error) -> TlsError {
        match &self.connection {
            _ if !self.is_handshaking() => TlsError::Other(error),
            Connection::Server(_) => TlsError::of_handshake(error, TlsError::PlaintextClient),
            Connection::Client(_) => TlsError::of_handshake(error, TlsError::PlaintextServer),
        }
    }

    fn fail(&mut self, error: TlsError) -> io::Error {
        self.failure.insert(error).clone().into()
    }

    /// Takes plaintext out. `WouldBlock` when the peer has to send more for that; 0 when it said that nothing more comes,
    /// and `UnexpectedEof` when the connection ended without its saying so.
    pub fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.connection.reader().read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(TlsError::CutOff.into()),
            Err(error) => Err(self.failure.clone().map_or(error, io::Error::from)),
            read => read,
        }
    }

    /// Whether [`TlsSession::read`] has something to say without anything from the peer: plaintext, the end or an error.
    pub fn has_news(&mut self) -> bool {
        let found = self.connection.reader().into_first_chunk().map(drop);
        self.failure.is_some() || !matches!(found, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Whether the peer said, in what came by now, that nothing more comes.
    pub fn has_closed(&self) -> bool {
        self.has_closed
    }

    /// Takes plaintext in, to be sent once the handshake is over. How much: less than all, even 0, while much is unsent.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.connection.writer().write(bytes)?;
        self.unsent += taken;
        Ok(taken)
    }

    /// How many bytes of memory are taken by what was written and not given out, without what TLS adds to it; at most 128 KiB.
    pub fn unsent(&self) -> usize {
        self.unsent
    }

    /// Whether there are bytes for the peer.
    pub fn wants_write(&self) -> bool {
        self.connection.wants_write()
    }

    /// Gives out bytes for the peer: one write, to a socket or to a `Vec`. How many.
    pub fn write_to(&mut self, sink: &mut dyn Write) -> io::Result<usize> {
        let count = self.connection.write_tls(sink)?;
        self.unsent = if self.wants_write() { self.unsent.saturating_sub(count) } else { 0 };
        Ok(count)
    }

    /// Whether the handshake is not over.
    pub fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Lets the peer know that nothing more comes; that too has to be given out. Nothing where this is not the process
    /// that made it.
    pub fn close(&mut self) {
        if self.is_ours() {
            self.connection.send_close_notify();
        }
    }

    /// Whether this very process made it, and not one that it was forked from.
    pub fn is_ours(&self) -> bool {
        self.process == std::process::id()
    }
}

impl fmt::Debug for TlsSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut session = f.debug_struct("TlsSession");
        session.field("is_handshaking", &self.is_handshaking()).field("failure", &self.failure).finish_non_exhaustive()
    }
}
