//! A blocking connection's bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use fastthrift_rpc::{Address, Endpoint};

#[cfg(feature = "blocking-tls")]
use super::secure::Secure;

/// One end of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(feature = "blocking-tls")]
    Tls(Box<Secure>),
    #[cfg(unix)]
    Unix(UnixStream),
}

/// Where a client connects to.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) endpoint: Endpoint,
    #[cfg(feature = "blocking-tls")]
    pub(super) securing: Option<fastthrift_tls::Securing>,
}

impl Stream {
    /// A new connection. Each address of a host is tried, one after the other.
    pub(super) fn connect(target: &Target, by: Instant) -> io::Result<Self> {
        let endpoint = &target.endpoint;
        match &endpoint.address {
            Address::Tcp { host, port } if !endpoint.is_secure => connect_tcp(host, *port, by).map(Self::Tcp),
            #[cfg(feature = "blocking-tls")]
            Address::Tcp { host, port } if let Some(securing) = &target.securing => {
                let socket = connect_tcp(host, *port, by)?;
                Secure::shake(socket, securing, by).map(|secure| Self::Tls(Box::new(secure)))
            }
            #[cfg(unix)]
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            _ => Err(io::Error::new(ErrorKind::Unsupported, format!("{endpoint} cannot be reached by blocking calls"))),
        }
    }

    /// Whether something that was written is not sent yet.
    pub(super) fn has_unsent(&self) -> bool {
        match self {
            Self::Tcp(_) => false,
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => stream.has_unsent(),
            #[cfg(unix)]
            Self::Unix(_) => false,
        }
    }

    /// Sets how long receiving and sending may take from now on.
    pub(super) fn limit(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)
            }
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => {
                stream.socket().set_read_timeout(timeout)?;
                stream.socket().set_write_timeout(timeout)
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)
            }
        }
    }

    /// Whether the peer closed the connection, or sent what nobody asked for.
    pub(super) fn is_stale(&mut self) -> bool {
        if self.set_nonblocking(true).is_err() {
            return true;
        }
        let is_quiet = match self {
            Self::Tcp(stream) => {
                matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
            }
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => stream.is_quiet(),
            // There is no peek for these; a call over one that is closed fails with nothing sent.
            #[cfg(unix)]
            Self::Unix(_) => true,
        };
        !is_quiet || self.set_nonblocking(false).is_err()
    }

    /// Whether reads say `WouldBlock` when nothing came, in place of waiting.
    pub(super) fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(is_nonblocking),
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => stream.socket().set_nonblocking(is_nonblocking),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_nonblocking(is_nonblocking),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => stream.read(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(feature = "blocking-tls")]
            Self::Tls(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn connect_tcp(host: &str, port: u16, by: Instant) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, format!("the host {host} has no address"));
    for address in (host, port).to_socket_addrs()? {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ErrorKind::TimedOut.into());
        }
        match TcpStream::connect_timeout(&address, left) {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}
