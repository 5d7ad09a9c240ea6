//! A blocking connection's bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use fastthrift_rpc::{Address, Endpoint};

/// One end of a connection.
#[derive(Debug)]
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Stream {
    /// A new connection. Each address of a host is tried, one after the other.
    pub(super) fn connect(endpoint: &Endpoint, by: Instant) -> io::Result<Self> {
        match &endpoint.address {
            Address::Tcp { host, port } if !endpoint.is_secure => connect_tcp(host, *port, by).map(Self::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => UnixStream::connect(path).map(Self::Unix),
            _ => Err(io::Error::new(ErrorKind::Unsupported, format!("{endpoint} cannot be reached by blocking calls"))),
        }
    }

    /// Sets how long receiving and sending may take from now on.
    pub(super) fn limit(&self, timeout: Option<Duration>) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => {
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)
            }
            #[cfg(unix)]
            Self::Unix(stream) => {
                stream.set_read_timeout(timeout)?;
                stream.set_write_timeout(timeout)
            }
        }
    }

    /// Whether the peer closed the connection, or sent what nobody asked for.
    pub(super) fn is_stale(&self) -> bool {
        let mut byte = [0];
        let (Ok(()), peeked) = (
            self.set_nonblocking(true),
            match self {
                Self::Tcp(stream) => stream.peek(&mut byte),
                // There is no peek for these; a call over one that is closed fails with nothing sent.
                #[cfg(unix)]
                Self::Unix(_) => Err(ErrorKind::WouldBlock.into()),
            },
        ) else {
            return true;
        };
        let is_quiet = matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock);
        !is_quiet || self.set_nonblocking(false).is_err()
    }

    fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.set_nonblocking(is_nonblocking),
            #[cfg(unix)]
            Self::Unix(stream) => stream.set_nonblocking(is_nonblocking),
        }
    }
}

impl Read for Stream {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
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
