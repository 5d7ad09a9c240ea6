//! A blocking socket of any kind.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::path::Path;
use std::time::{Duration, Instant};

#[cfg(unix)]
use std::os::fd::{AsFd, BorrowedFd};
#[cfg(unix)]
use std::os::unix::net::UnixStream;

use super::custom::CustomSocket;
use super::tls_socket::TlsSocket;
use crate::endpoint::{Address, Endpoint};
#[cfg(unix)]
use crate::memory;
use crate::tls::{self, ClientSecurity};

/// A connected socket.
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
    Tls(Box<TlsSocket>),
    Custom(CustomSocket),
}

impl Socket {
    /// Connects; each address of a host's name is tried, until the deadline. A secure endpoint needs its TLS.
    pub(super) fn connect(
        endpoint: &Endpoint,
        security: Option<&ClientSecurity>,
        deadline: Option<Instant>,
    ) -> io::Result<Self> {
        match (&endpoint.address, endpoint.is_secure, security) {
            (Address::Tcp { host, port }, false, _) => connect_tcp(host, *port, deadline).map(Self::Tcp),
            (Address::Tcp { host, port }, true, Some(security)) => {
                let session = tls::securing(security, endpoint)?.session()?;
                let socket = connect_tcp(host, *port, deadline)?;
                TlsSocket::connect(session, socket, deadline).map(Box::new).map(Self::Tls)
            }
            #[cfg(unix)]
            (Address::Unix(path), false, _) => connect_unix(path, deadline).map(Self::Unix),
            #[cfg(unix)]
            (Address::Memory(name), false, _) => memory::connect(name).map(Self::Unix),
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such connections here")),
        }
    }

    /// Bounds each single send and receive.
    pub(super) fn set_timeouts(&mut self, timeout: Option<Duration>) -> io::Result<()> {
        let timeout = timeout.map(at_least_one_microsecond);
        match self {
            Self::Tcp(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_read_timeout(timeout).and_then(|()| socket.set_write_timeout(timeout)),
            Self::Tls(socket) => socket.set_timeouts(timeout),
            Self::Custom(socket) => socket.set_timeouts(timeout),
        }
    }

    /// Whether a read says `WouldBlock` when nothing came, in place of waiting. Writes are to be made while it does not.
    pub(super) fn set_nonblocking(&mut self, nonblocking: bool) -> io::Result<()> {
        match self {
            Self::Tcp(socket) => socket.set_nonblocking(nonblocking),
            #[cfg(unix)]
            Self::Unix(socket) => socket.set_nonblocking(nonblocking),
            Self::Tls(socket) => socket.set_nonblocking(nonblocking),
            Self::Custom(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether bytes of a write that failed may leave later: those that TLS encrypted go out with its end, and what a user's
    /// transport does with them is not known.
    pub(super) fn holds_back(&self) -> bool {
        matches!(self, Self::Tls(_) | Self::Custom(_))
    }

    /// Whether there is TLS on it: then it may be readable, and yet there is nothing to read.
    pub(super) fn is_tls(&self) -> bool {
        matches!(self, Self::Tls(_))
    }

    /// Whether it is known without a look that the peer closes the connection: TLS says that, with the last reply.
    #[inline]
    pub(super) fn is_ending(&self) -> bool {
        matches!(self, Self::Tls(socket) if socket.has_closed())
    }

    /// What the system knows it by.
    #[cfg(unix)]
    fn descriptor(&self) -> io::Result<BorrowedFd<'_>> {
        match self {
            Self::Tcp(socket) => Ok(socket.as_fd()),
            Self::Unix(socket) => Ok(socket.as_fd()),
            Self::Tls(socket) => Ok(socket.as_fd()),
            Self::Custom(_) => Err(io::ErrorKind::Unsupported.into()),
        }
    }

    /// Whether the peer closed the connection, or sent what nobody asked for, while it was idle.
    pub(super) fn is_stale(&mut self) -> bool {
        let peeked = match self {
            Self::Tcp(socket) => socket.set_nonblocking(true).and_then(|()| {
                let peeked = socket.peek(&mut [0]);
                socket.set_nonblocking(false).and(peeked)
            }),
            #[cfg(unix)]
            Self::Unix(socket) => peek_unix(socket),
            Self::Tls(socket) => return socket.is_stale(),
            // It has no way to say.
            Self::Custom(_) => return false,
        };
        !matches!(peeked, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
    }
}

/// Waits until one of some sockets has anything to read, or has ended, no longer than that. Whether one has.
#[cfg(unix)]
pub(super) fn wait_readable(sockets: &mut [&mut Socket], time: Duration) -> io::Result<bool> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    for socket in sockets.iter_mut() {
        if let Socket::Tls(socket) = socket
            && socket.has_news()
        {
            return Ok(true);
        }
    }
    let polled = sockets.iter().map(|socket| Ok(PollFd::from_borrowed_fd(socket.descriptor()?, PollFlags::IN)));
    let mut polled: Vec<_> = polled.collect::<io::Result<_>>()?;
    Ok(poll(&mut polled, Timespec::try_from(time).ok().as_ref())? > 0)
}

/// Waits a moment: what there is to read is found by reading.
#[cfg(not(unix))]
pub(super) fn wait_readable(_: &mut [&mut Socket], time: Duration) -> io::Result<bool> {
    std::thread::sleep(time.min(Duration::from_millis(1)));
    Ok(true)
}

/// A timeout of zero would mean none at all.
pub(super) fn at_least_one_microsecond(timeout: Duration) -> Duration {
    timeout.max(Duration::from_micros(1))
}

fn connect_tcp(host: &str, port: u16, deadline: Option<Instant>) -> io::Result<TcpStream> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let connected = connect_address(address, left);
        match connected {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Ok(socket) => {
                socket.set_nodelay(true)?;
                return Ok(socket);
            }
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

/// Connects to one address. A signal ends the attempt, so that its handler has a say.
#[cfg(target_os = "linux")]
fn connect_address(address: SocketAddr, left: Option<Duration>) -> io::Result<TcpStream> {
    use socket2::{Domain, Type};

    /// What Linux says of a connection that was not made in the time for sending, which bounds connecting, too.
    const IN_PROGRESS: i32 = 115;
    let socket = socket2::Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.set_write_timeout(left.map(at_least_one_microsecond))?;
    match socket.connect(&address.into()) {
        Ok(()) => Ok(socket.into()),
        Err(error) if error.raw_os_error() == Some(IN_PROGRESS) => Err(io::ErrorKind::TimedOut.into()),
        Err(error) => Err(error),
    }
}

/// Connects to one address.
#[cfg(not(target_os = "linux"))]
fn connect_address(address: SocketAddr, left: Option<Duration>) -> io::Result<TcpStream> {
    match left {
        Some(left) => TcpStream::connect_timeout(&address, left),
        None => TcpStream::connect(address),
    }
}

/// Connects by the deadline: a server that accepts nobody lets a connection wait once enough others do.
#[cfg(unix)]
fn connect_unix(path: &Path, deadline: Option<Instant>) -> io::Result<UnixStream> {
    use socket2::{Domain, SockAddr, Type};

    let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
    // The time for sending bounds connecting, too.
    let left = deadline.map(|deadline| at_least_one_microsecond(deadline.saturating_duration_since(Instant::now())));
    socket.set_write_timeout(left)?;
    socket.connect(&SockAddr::unix(path)?)?;
    Ok(UnixStream::from(std::os::fd::OwnedFd::from(socket)))
}

#[cfg(unix)]
fn peek_unix(socket: &UnixStream) -> io::Result<usize> {
    socket2::SockRef::from(socket).set_nonblocking(true)?;
    let peeked = socket2::SockRef::from(socket).peek(&mut [std::mem::MaybeUninit::uninit()]);
    socket2::SockRef::from(socket).set_nonblocking(false)?;
    peeked
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.read(buffer),
            #[cfg(unix)]
            Self::Unix(socket) => socket.read(buffer),
            Self::Tls(socket) => socket.read(buffer),
            Self::Custom(socket) => socket.read(buffer),
        }
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(socket) => socket.write(bytes),
            #[cfg(unix)]
            Self::Unix(socket) => socket.write(bytes),
            Self::Tls(socket) => socket.write(bytes),
            Self::Custom(socket) => socket.write(bytes),
        }
    }

    #[inline]
    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Custom(socket) => socket.flush(),
            _ => Ok(()),
        }
    }
}
