//! A blocking socket under TLS.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use super::socket::at_least_one_microsecond;
use crate::tls::TlsSession;

/// How much later than its time a read may end, so that few of them need to set the socket's time.
const SLACK: Duration = Duration::from_millis(1);

/// A connected socket and the TLS on it.
///
/// Each read and each write waits for the socket no longer than its timeouts say in all, and says `Interrupted` when a
/// signal came. What was taken by a write and could not be sent yet goes out before anything else is done.
pub(super) struct TlsSocket {
    session: TlsSession,
    socket: TcpStream,
    timeout: Option<Duration>,
}

impl TlsSocket {
    /// Carries out the handshake by the deadline.
    pub(super) fn connect(session: TlsSession, socket: TcpStream, deadline: Option<Instant>) -> io::Result<Self> {
        let mut this = Self { session, socket, timeout: None };
        while this.session.is_handshaking() || this.session.wants_write() {
            if let Some(deadline) = deadline {
                let left = deadline.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    return Err(ErrorKind::TimedOut.into());
                }
                this.set_timeouts(Some(left))?;
            }
            if this.session.wants_write() {
                this.session.write_to(&mut this.socket)?;
            } else {
                this.bring()?;
            }
        }
        Ok(this)
    }

    pub(super) fn set_timeouts(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeout = timeout;
        let timeout = timeout.map(at_least_one_microsecond);
        self.socket.set_read_timeout(timeout)?;
        self.socket.set_write_timeout(timeout)
    }

    /// Whether reads wait. Nothing is to be written while they do not.
    pub(super) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        self.socket.set_nonblocking(nonblocking)
    }

    /// Whether there is plaintext to read without the socket.
    pub(super) fn has_news(&mut self) -> bool {
        self.session.has_news()
    }

    /// Whether the peer said, in what was received, that nothing more comes.
    pub(super) fn has_closed(&self) -> bool {
        self.session.has_closed()
    }

    /// Whether there is anything but TLS's own messages, which servers send when nobody asked: plaintext or the end.
    pub(super) fn is_stale(&mut self) -> bool {
        let looked = self.socket.set_nonblocking(true).and_then(|()| {
            let looked = loop {
                if self.session.has_news() {
                    break Ok(true);
                }
                match self.bring() {
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(false),
                    Err(error) => break Err(error),
                }
            };
            self.socket.set_nonblocking(false).and(looked)
        });
        looked.unwrap_or(true)
    }

    /// One read of the socket. When TLS fails by it, the peer is told why.
    fn bring(&mut self) -> io::Result<usize> {
        let taken = self.session.read_from(&mut self.socket);
        if taken.as_ref().is_err_and(|error| error.kind() == ErrorKind::InvalidData) {
            let _ = self.session.write_to(&mut self.socket);
        }
        taken
    }

    /// Sends what an earlier write took. At most one wait; `Interrupted` when that was not enough.
    fn push(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if let Err(error) = self.session.write_to(&mut self.socket) {
                return Err(self.explain(error));
            }
            if self.session.wants_write() {
                return Err(ErrorKind::Interrupted.into());
            }
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

    /// Waits for plaintext with the socket's timeouts, which are those of all reads together.
    fn wait(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(timeout) = self.timeout else {
            loop {
                self.bring()?;
                match self.session.read(buffer) {
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                    result => return result,
                }
            }
        };
        let (start, mut granted) = (Instant::now(), timeout);
        let result = loop {
            let left = timeout.saturating_sub(start.elapsed());
            if left.is_zero() {
                break Err(ErrorKind::TimedOut.into());
            }
            if left + SLACK < granted {
                self.socket.set_read_timeout(Some(at_least_one_microsecond(left)))?;
                granted = left;
            }
            self.bring()?;
            match self.session.read(buffer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                result => break result,
            }
        };
        if granted < timeout {
            self.socket.set_read_timeout(Some(at_least_one_microsecond(timeout)))?;
        }
        result
    }
}

#[cfg(unix)]
impl AsFd for TlsSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Read for TlsSocket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.push()?;
        match self.session.read(buffer) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.wait(buffer),
            result => result,
        }
    }
}

impl Write for TlsSocket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.push()?;
        let taken = self.session.write(bytes)?;
        match self.push() {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(taken),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for TlsSocket {
    fn drop(&mut self) {
        // Nobody waits for this to be sent, and a forked process must not send anything: it has the parent's keys.
        self.session.close();
        if self.session.is_ours() && self.socket.set_nonblocking(true).is_ok() {
            let _ = self.session.write_to(&mut self.socket);
        }
    }
}
