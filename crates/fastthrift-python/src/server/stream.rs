//! A connected socket of any kind that never waits.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use mio::event::Source;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};

use super::tls_stream::TlsStream;
use crate::endpoint::{Address, Endpoint};

/// A connected socket.
pub(super) enum Stream {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsStream>),
}

impl Stream {
    /// A connection to an endpoint without TLS that another process accepted.
    pub(super) fn adopted(endpoint: &Endpoint, descriptor: OwnedFd) -> io::Result<Self> {
        match &endpoint.address {
            Address::Tcp { .. } if !endpoint.is_secure => {
                let stream = std::net::TcpStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Ok(Self::Tcp(TcpStream::from_std(stream)))
            }
            Address::Unix(_) => {
                let stream = std::os::unix::net::UnixStream::from(descriptor);
                stream.set_nonblocking(true)?;
                Ok(Self::Unix(UnixStream::from_std(stream)))
            }
            _ => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// The socket, where all that this side knows of the connection is in it.
    pub(super) fn plain_socket(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Self::Tcp(stream) => Some(stream.as_fd()),
            Self::Unix(stream) => Some(stream.as_fd()),
            Self::Tls(_) => None,
        }
    }

    /// The peer's URL; `None` for a peer that has none, as clients of a UNIX socket do.
    pub(super) fn peer(&self) -> Option<String> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok().map(|address| format!("tcp://{address}")),
            #[cfg(unix)]
            Self::Unix(stream) => {
                let address = stream.peer_addr().ok()?;
                address.as_pathname().map(|path| format!("unix://{}", path.display()))
            }
            Self::Tls(stream) => stream.socket().peer_addr().ok().map(|address| format!("tls://{address}")),
        }
    }

    /// Whether a read has something to say though the socket has nothing.
    pub(super) fn has_news(&mut self) -> bool {
        match self {
            Self::Tls(stream) => stream.has_news(),
            _ => false,
        }
    }

    /// Whether the peer did not finish what comes before its first byte of content.
    pub(super) fn is_handshaking(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.is_handshaking())
    }

    /// Whether bytes that a write took wait for room in the socket.
    pub(super) fn has_unsent(&self) -> bool {
        matches!(self, Self::Tls(stream) if stream.has_unsent())
    }

    /// How many bytes of memory are taken by what a write took.
    pub(super) fn unsent(&self) -> usize {
        match self {
            Self::Tls(stream) => stream.unsent(),
            _ => 0,
        }
    }

    /// Sends what a write took. Whether that was all.
    pub(super) fn push(&mut self) -> io::Result<bool> {
        match self {
            Self::Tls(stream) => stream.push(),
            _ => Ok(true),
        }
    }

    /// Has the next write tell the peer, with what it sends, that nothing more comes. Whether that is possible.
    pub(super) fn end_with_next(&mut self) -> bool {
        match self {
            Self::Tls(stream) => {
                stream.end_with_next();
                true
            }
            _ => false,
        }
    }

    /// Tells the peer that nothing more comes.
    pub(super) fn shutdown_write(&mut self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
            Self::Tls(stream) => stream.shutdown_write(),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match self {
            Self::Tcp(stream) => stream,
            #[cfg(unix)]
            Self::Unix(stream) => stream,
            Self::Tls(stream) => stream.socket_mut(),
        }
    }
}

impl Read for Stream {
    #[inline]
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(buffer),
            Self::Tls(stream) => stream.read(buffer),
        }
    }
}

impl Write for Stream {
    #[inline]
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.write(bytes),
            #[cfg(unix)]
            Self::Unix(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Source for Stream {
    fn register(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().register(registry, token, interests)
    }

    fn reregister(&mut self, registry: &Registry, token: Token, interests: Interest) -> io::Result<()> {
        self.source().reregister(registry, token, interests)
    }

    fn deregister(&mut self, registry: &Registry) -> io::Result<()> {
        self.source().deregister(registry)
    }
}
