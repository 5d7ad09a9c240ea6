//! TLS over a socket that blocks.
//!
//! Each step is one receive or one send at most, so that a peer who sends a byte now and then cannot keep a call beyond its deadline:
//! whoever makes the steps looks at the clock in between.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use fastthrift_tls::{Securing, TlsSession};

use super::stream::left;

/// A connection whose bytes are encrypted.
#[derive(Debug)]
pub(super) struct Secure {
    session: TlsSession,
    socket: TcpStream,
}

impl Secure {
    /// Shakes hands over a connection.
    pub(super) fn shake(socket: TcpStream, securing: &Securing, by: Option<Instant>) -> io::Result<Self> {
        let session = securing.session().map_err(io::Error::from)?;
        let mut this = Self { session, socket };
        while this.session.is_handshaking() || this.session.wants_write() {
            let left = left(by)?;
            this.socket.set_read_timeout(left)?;
            this.socket.set_write_timeout(left)?;
            let step = if this.session.wants_write() { this.push() } else { this.pull().map(drop) };
            match step {
                // What took too long would block: the next look at the clock says that time is over.
                Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::WouldBlock) => {}
                outcome => outcome?,
            }
        }
        this.socket.set_read_timeout(None)?;
        this.socket.set_write_timeout(None)?;
        Ok(this)
    }

    pub(super) fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whether something that was written is not sent yet.
    pub(super) fn has_unsent(&self) -> bool {
        self.session.wants_write()
    }

    /// Whether the peer neither closed the connection nor sent what nobody asked for. The socket must not block. Tickets for later
    /// sessions come without being asked for, and are taken.
    pub(super) fn is_quiet(&mut self) -> bool {
        loop {
            if self.session.has_news() {
                return false;
            }
            match self.pull() {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == ErrorKind::WouldBlock,
            }
        }
    }

    /// Receives once. How much; 0 at the end, of which the session says whether the peer announced it.
    fn pull(&mut self) -> io::Result<usize> {
        let received = self.session.read_from(&mut self.socket);
        if received.as_ref().is_err_and(|error| error.kind() == ErrorKind::InvalidData) {
            // Tells the peer why, as far as it takes it at once.
            let _ = self.push();
        }
        received
    }

    /// Sends once.
    fn push(&mut self) -> io::Result<()> {
        if self.session.wants_write() && self.session.write_to(&mut self.socket)? == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        Ok(())
    }

    /// Why sending failed: a peer that refuses TLS says why before it closes.
    fn explain(&mut self, error: io::Error) -> io::Error {
        if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) {
            return error;
        }
        match self.session.read_from(&mut self.socket) {
            Err(reason) if reason.kind() == ErrorKind::InvalidData => reason,
            _ => error,
        }
    }
}

impl Read for Secure {
    /// Gives what is there, or receives once: `Interrupted` where that was not enough.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.session.read(into) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            outcome => return outcome,
        }
        self.pull()?;
        Err(ErrorKind::Interrupted.into())
    }
}

impl Write for Secure {
    /// Takes what there is room for, and sends once: `Interrupted` where there was none.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.session.write(bytes)?;
        if let Err(error) = self.push() {
            return Err(self.explain(error));
        }
        if taken == 0 && !bytes.is_empty() { Err(ErrorKind::Interrupted.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Secure {
    /// Says goodbye, if that takes no time.
    fn drop(&mut self) {
        self.session.close();
        if self.session.is_ours() && self.socket.set_nonblocking(true).is_ok() {
            let _ = self.push();
        }
    }
}
