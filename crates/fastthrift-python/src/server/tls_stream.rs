//! A connected socket under TLS that never waits.

use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;

use mio::net::TcpStream;

use crate::tls::TlsSession;

/// Bytes of TLS that come without a byte of plaintext in one read, before the peer counts as hostile: a handshake needs
/// less.
const MAX_EMPTY: usize = 128 << 10;
/// Bytes that a peer whose TLS failed may have sent besides, which are dropped so that the system does not drop what it is
/// told instead.
const MAX_DROPPED: usize = 64 << 10;

/// A connected socket and the TLS on it.
pub(super) struct TlsStream {
    session: TlsSession,
    stream: TcpStream,
    /// What is written next is the last.
    is_last: bool,
}

impl TlsStream {
    pub(super) fn new(session: TlsSession, stream: TcpStream) -> Self {
        Self { session, stream, is_last: false }
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.stream
    }

    pub(super) fn socket_mut(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Whether a read has something to say though the socket has nothing.
    pub(super) fn has_news(&mut self) -> bool {
        self.session.has_news()
    }

    /// Whether the handshake is not over.
    pub(super) fn is_handshaking(&self) -> bool {
        self.session.is_handshaking()
    }

    /// Whether bytes wait for room in the socket.
    pub(super) fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// How many bytes of memory wait for room in the socket.
    pub(super) fn unsent(&self) -> usize {
        self.session.unsent()
    }

    /// Sends what an earlier write took. Whether that was all.
    pub(super) fn push(&mut self) -> io::Result<bool> {
        while self.session.wants_write() {
            match self.session.write_to(&mut self.stream) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }

    /// Has the next write tell the peer, in the same packet, that nothing more comes.
    pub(super) fn end_with_next(&mut self) {
        self.is_last = true;
    }

    /// Tells the peer that nothing more comes.
    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        self.session.close();
        self.push()?;
        self.stream.shutdown(Shutdown::Write)
    }

    /// Brings the next bytes of the socket to the session, and what that answers to the peer.
    fn bring(&mut self) -> io::Result<usize> {
        let taken = self.session.read_from(&mut self.stream);
        match &taken {
            Err(error) if error.kind() == ErrorKind::InvalidData => self.give_up(),
            Ok(_) if self.session.wants_write() => drop(self.push()?),
            _ => {}
        }
        taken
    }

    /// Tells the peer why TLS failed, and drops what it sent: closing with bytes unread would undo the telling.
    fn give_up(&mut self) {
        let _ = self.push();
        let _ = self.stream.shutdown(Shutdown::Write);
        let (mut scrap, mut dropped) = ([0; 4 << 10], 0);
        while let (true, Ok(count @ 1..)) = (dropped < MAX_DROPPED, self.stream.read(&mut scrap)) {
            dropped += count;
        }
    }
}

impl Read for TlsStream {
    /// Fills the buffer as far as the socket allows: after a shorter read the socket is empty, or [`TlsStream::has_news`].
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut filled, mut empty) = (0, 0);
        loop {
            match self.session.read(&mut buffer[filled..]) {
                Ok(0) => return Ok(filled),
                Ok(count) => {
                    (filled, empty) = (filled + count, 0);
                    if filled == buffer.len() {
                        return Ok(filled);
                    }
                }
                // The end of a request shows in the request.
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(filled),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(_) if filled > 0 => return Ok(filled),
                Err(error) => return Err(error),
            }
            match self.bring() {
                Ok(count) => empty += count,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // An error of TLS is told again by the next read; one of the socket by the socket.
                Err(_) if filled > 0 => return Ok(filled),
                Err(error) => return Err(error),
            }
            if empty > MAX_EMPTY {
                return Err(io::Error::new(ErrorKind::InvalidData, "the peer sends TLS records without content"));
            }
        }
    }
}

impl Write for TlsStream {
    /// Takes no more while the socket has no room: what is unsent stays with the caller, who bounds it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if !self.push()? {
            return Err(ErrorKind::WouldBlock.into());
        }
        let taken = self.session.write(bytes)?;
        if self.is_last && taken == bytes.len() {
            self.session.close();
        }
        self.push()?;
        if taken == 0 { Err(ErrorKind::WouldBlock.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TlsStream {
    fn drop(&mut self) {
        if self.session.is_ours() {
            self.session.close();
            let _ = self.push();
        }
    }
}
