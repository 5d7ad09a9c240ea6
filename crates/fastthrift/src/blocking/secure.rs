//! TLS over a socket that blocks.
//!
//! Each step is one receive or one send at most, so that a peer who sends a byte now and then cannot keep a call beyond its deadline:
//! whoever makes the steps looks at the clock in between.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Instant;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};

/// A connection whose bytes are encrypted.
#[derive(Debug)]
pub(super) struct Secure {
    session: ClientConnection,
    socket: TcpStream,
}

impl Secure {
    /// Shakes hands over a connection.
    pub(super) fn shake(
        socket: TcpStream,
        config: &Arc<ClientConfig>,
        name: &ServerName<'static>,
        by: Instant,
    ) -> io::Result<Self> {
        let session = ClientConnection::new(Arc::clone(config), name.clone()).map_err(io::Error::other)?;
        let mut this = Self { session, socket };
        while this.session.is_handshaking() || this.session.wants_write() {
            let left = by.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(ErrorKind::TimedOut.into());
            }
            this.socket.set_read_timeout(Some(left))?;
            this.socket.set_write_timeout(Some(left))?;
            let step = if this.session.wants_write() { this.push() } else { this.pull() };
            match step {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
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

    /// Whether the peer closed the connection, or sent what nobody asked for. The socket must not block. Tickets for later sessions
    /// come without being asked for, and are taken.
    pub(super) fn is_quiet(&mut self) -> bool {
        loop {
            match self.pull() {
                Ok(())
                    if self.session.process_new_packets().is_ok_and(|state| state.plaintext_bytes_to_read() == 0) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                outcome => return matches!(outcome, Err(error) if error.kind() == ErrorKind::WouldBlock),
            }
        }
    }

    /// Receives once.
    fn pull(&mut self) -> io::Result<()> {
        if self.session.read_tls(&mut self.socket)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        if let Err(error) = self.session.process_new_packets() {
            // Tells the peer why, as far as it takes it at once.
            let _ = self.push();
            return Err(io::Error::new(ErrorKind::InvalidData, error));
        }
        Ok(())
    }

    /// Sends once.
    fn push(&mut self) -> io::Result<()> {
        if self.session.wants_write() && self.session.write_tls(&mut self.socket)? == 0 {
            return Err(ErrorKind::WriteZero.into());
        }
        Ok(())
    }
}

impl Read for Secure {
    /// Gives what is there, or receives once: `Interrupted` where that was not enough.
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.session.reader().read(into) {
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
        let taken = self.session.writer().write(bytes)?;
        self.push()?;
        if taken == 0 && !bytes.is_empty() { Err(ErrorKind::Interrupted.into()) } else { Ok(taken) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Secure {
    /// Says goodbye, if that takes no time.
    fn drop(&mut self) {
        if self.socket.set_nonblocking(true).is_ok() {
            self.session.send_close_notify();
            let _ = self.push();
        }
    }
}
