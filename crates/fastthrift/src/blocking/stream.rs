//! A blocking connection's bytes.

use std::io::{self, ErrorKind, Read, Write};
#[cfg(unix)]
use std::mem::MaybeUninit;
use std::net::{TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::{fd::OwnedFd, unix::net::UnixStream};
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

use fastthrift_rpc::{Address, Endpoint};
#[cfg(unix)]
use socket2::{Domain, SockAddr, SockRef, Socket, Type};

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
    pub(super) fn connect(target: &Target, by: Option<Instant>) -> io::Result<Self> {
        let endpoint = &target.endpoint;
        match &endpoint.address {
            Address::Tcp { host, port } if !endpoint.is_secure => connect_tcp(host, *port, by).map(Self::Tcp),
            #[cfg(feature = "blocking-tls")]
            Address::Tcp { host, port } if let Some(securing) = &target.securing => {
                let socket = connect_tcp(host, *port, by)?;
                Secure::shake(socket, securing, by).map(|secure| Self::Tls(Box::new(secure)))
            }
            #[cfg(unix)]
            Address::Unix(path) => connect_unix(path, by).map(Self::Unix),
            _ if endpoint.is_secure => Err(unsupported("TLS needs the feature `blocking-tls` of the crate")),
            Address::Memory(_) => Err(unsupported("calls that block cannot reach what is within the process")),
            _ => Err(unsupported("this system has no such connections")),
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
            #[cfg(unix)]
            Self::Unix(stream) => {
                let peeked = SockRef::from(&*stream).peek(&mut [MaybeUninit::uninit()]);
                matches!(peeked, Err(error) if error.kind() == ErrorKind::WouldBlock)
            }
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

#[cold]
fn unsupported(text: &str) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, text)
}

/// How much time is left until then, without which it is an error; `None` is any.
pub(super) fn left(by: Option<Instant>) -> io::Result<Option<Duration>> {
    let left = by.map(|by| by.saturating_duration_since(Instant::now()));
    if left.is_some_and(|left| left.is_zero()) { Err(ErrorKind::TimedOut.into()) } else { Ok(left) }
}

fn connect_tcp(host: &str, port: u16, by: Option<Instant>) -> io::Result<TcpStream> {
    let mut last = io::Error::new(ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let connected = match left(by)? {
            Some(left) => TcpStream::connect_timeout(&address, left),
            None => TcpStream::connect(address),
        };
        match connected {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// Waits no longer than that for room in the server's queue: the time-out for sending holds for connecting, too.
#[cfg(unix)]
fn connect_unix(path: &Path, by: Option<Instant>) -> io::Result<UnixStream> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // Less than a microsecond would be for ever.
    socket.set_write_timeout(left(by)?.map(|left| left.max(Duration::from_micros(1))))?;
    match socket.connect(&SockAddr::unix(path)?) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => return Err(ErrorKind::TimedOut.into()),
        outcome => outcome?,
    }
    socket.set_write_timeout(None)?;
    Ok(OwnedFd::from(socket).into())
}
