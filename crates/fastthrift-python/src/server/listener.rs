//! The socket that connections come in by.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

use mio::event::Source;
use mio::net::TcpListener;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Socket, Type};

#[cfg(unix)]
use super::socket_file::SocketFile;
use super::stream::Stream;
use crate::endpoint::{Address, Endpoint};

/// How many connections the system keeps until they are accepted.
const BACKLOG: i32 = 1024;

/// A listening socket. A UNIX socket's file goes with it.
pub(super) struct Listener {
    socket: Listening,
    endpoint: Endpoint,
}

enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        socket: UnixListener,
        _file: SocketFile,
    },
}

impl Listener {
    /// Listens. A port of 0 becomes one that is free; a UNIX socket's file that no server listens on any more is
    /// replaced.
    pub(super) fn bind(endpoint: &Endpoint) -> io::Result<Self> {
        if endpoint.is_secure || endpoint.http_path.is_some() {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "this URL is not served yet"));
        }
        match &endpoint.address {
            Address::Tcp { host, port } => {
                let socket = bind_tcp(host, *port)?;
                let port = socket.local_addr()?.port();
                let endpoint = Endpoint { address: Address::Tcp { host: host.clone(), port }, ..endpoint.clone() };
                Ok(Self { socket: Listening::Tcp(socket), endpoint })
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let (socket, file) = SocketFile::bind(path)?;
                let socket = Listening::Unix { socket, _file: file };
                Ok(Self { socket, endpoint: endpoint.clone() })
            }
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such sockets here")),
        }
    }

    /// Where it listens.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The next connection; `WouldBlock` when none waits.
    pub(super) fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Listening::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                // A reply is one write; holding it back for more would only cost time.
                let _ = stream.set_nodelay(true);
                Ok(Stream::Tcp(stream))
            }
            #[cfg(unix)]
            Listening::Unix { socket, .. } => socket.accept().map(|(stream, _)| Stream::Unix(stream)),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match &mut self.socket {
            Listening::Tcp(socket) => socket,
            #[cfg(unix)]
            Listening::Unix { socket, .. } => socket,
        }
    }
}

/// Listens on the first address of a host that can be listened on.
fn bind_tcp(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in (host, port).to_socket_addrs()? {
        match listen(address) {
            Ok(socket) => return Ok(socket),
            Err(error) => failure = error,
        }
    }
    Err(failure)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    socket.set_nonblocking(true)?;
    Ok(TcpListener::from_std(socket.into()))
}

impl Source for Listener {
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
