//! The sockets that connections come in by.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

use fastthrift_rpc::ServerConfig;
use mio::event::Source;
use mio::net::TcpListener;
#[cfg(unix)]
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use socket2::{Domain, Socket, Type};

#[cfg(unix)]
use super::inherited;
#[cfg(unix)]
use super::socket_file::SocketFile;
use super::stream::Stream;
use super::tls_stream::TlsStream;
use crate::endpoint::{Address, Endpoint};
#[cfg(unix)]
use crate::memory::MemoryListener;
use crate::tls::ServerSecurity;

/// How many connections the system keeps until they are accepted.
const BACKLOG: i32 = 1024;
/// How many ports of the system's choice are tried until one is free on every address of a host.
const PORTS: usize = 16;

/// Where a server listens.
pub(crate) struct Site {
    pub(crate) endpoints: Vec<Endpoint>,
    /// What is spoken at each of them.
    pub(crate) configs: Vec<ServerConfig>,
    /// The TLS of those that are secure.
    pub(super) security: Option<Arc<ServerSecurity>>,
}

/// Why a server cannot start.
#[derive(Debug)]
pub(crate) struct NotStarted {
    /// Where it cannot listen, if that is why.
    pub(super) endpoint: Option<Endpoint>,
    pub(super) error: io::Error,
}

impl From<io::Error> for NotStarted {
    fn from(error: io::Error) -> Self {
        Self { endpoint: None, error }
    }
}

impl Site {
    /// Listens everywhere, or nowhere. The endpoints have the ports that they got.
    pub(crate) fn listen(&self) -> Result<(Vec<Listener>, Vec<Endpoint>), NotStarted> {
        let (mut listeners, mut endpoints) = (Vec::new(), Vec::new());
        for (place, (endpoint, config)) in self.endpoints.iter().zip(&self.configs).enumerate() {
            let bound = Listener::bind((place, endpoint), config, self.security.as_ref());
            let bound = bound.map_err(|error| NotStarted { endpoint: Some(endpoint.clone()), error })?;
            endpoints.extend(bound.first().map(|listener| listener.endpoint().clone()));
            listeners.extend(bound);
        }
        Ok((listeners, endpoints))
    }
}

/// A listening socket. A UNIX socket's file goes with it.
pub(crate) struct Listener {
    socket: Listening,
    endpoint: Endpoint,
    /// Which of the server's endpoints that is.
    place: usize,
    config: ServerConfig,
    /// The TLS of a secure endpoint.
    security: Option<Arc<ServerSecurity>>,
}

enum Listening {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix {
        socket: UnixListener,
        /// None where the file is that of the process which made the socket.
        _file: Option<SocketFile>,
    },
    #[cfg(unix)]
    Memory {
        listener: MemoryListener,
        /// The listener's bell, as the poller watches it.
        bell: UnixStream,
    },
}

impl Listener {
    /// Listens on every address of an endpoint. A port of 0 becomes one that is free, the same on each address; a UNIX
    /// socket's file that no server listens on any more is replaced.
    pub(crate) fn bind(
        (place, endpoint): (usize, &Endpoint),
        config: &ServerConfig,
        security: Option<&Arc<ServerSecurity>>,
    ) -> io::Result<Vec<Self>> {
        let security = match (endpoint.is_secure, security) {
            (false, _) => None,
            (true, Some(security)) => Some(Arc::clone(security)),
            (true, None) => return Err(io::Error::new(io::ErrorKind::InvalidInput, "TLS needs a certificate")),
        };
        let with = |socket, endpoint: &Endpoint| Self {
            socket,
            endpoint: endpoint.clone(),
            place,
            config: config.clone(),
            security: security.clone(),
        };
        match &endpoint.address {
            Address::Tcp { host, port } => {
                let (sockets, port) = bind_tcp(host, *port)?;
                let endpoint = Endpoint { address: Address::Tcp { host: host.clone(), port }, ..endpoint.clone() };
                Ok(sockets.into_iter().map(|socket| with(Listening::Tcp(socket), &endpoint)).collect())
            }
            #[cfg(unix)]
            Address::Unix(path) => {
                let (socket, file) = match inherited::find_path(path)? {
                    Some(socket) => (UnixListener::from_std(std::os::fd::OwnedFd::from(socket).into()), None),
                    None => SocketFile::bind(path).map(|(socket, file)| (socket, Some(file)))?,
                };
                Ok(vec![with(Listening::Unix { socket, _file: file }, endpoint)])
            }
            #[cfg(unix)]
            Address::Memory(name) => {
                let listener = MemoryListener::bind(name)?;
                let bell = UnixStream::from_std(listener.bell().try_clone()?);
                Ok(vec![with(Listening::Memory { listener, bell }, endpoint)])
            }
            _ => Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no such sockets here")),
        }
    }

    /// Where it listens.
    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Which of the server's endpoints that is.
    pub(super) fn place(&self) -> usize {
        self.place
    }

    /// What its connections speak.
    pub(crate) fn config(&self) -> &ServerConfig {
        &self.config
    }

    /// The next connection; `WouldBlock` when none waits.
    pub(super) fn accept(&self) -> io::Result<Stream> {
        match &self.socket {
            Listening::Tcp(socket) => {
                let (stream, _) = socket.accept()?;
                // A reply is one write; holding it back for more would only cost time.
                let _ = stream.set_nodelay(true);
                let Some(security) = &self.security else { return Ok(Stream::Tcp(stream)) };
                let session = security.session(self.endpoint.http_path.is_some()).map_err(abandoned)?;
                Ok(Stream::Tls(Box::new(TlsStream::new(session, stream))))
            }
            #[cfg(unix)]
            Listening::Unix { socket, .. } => socket.accept().map(|(stream, _)| Stream::Unix(stream)),
            #[cfg(unix)]
            Listening::Memory { listener, .. } => {
                let stream = listener.accept()?;
                stream.set_nonblocking(true).map_err(abandoned)?;
                Ok(Stream::Unix(UnixStream::from_std(stream)))
            }
        }
    }

    /// The TLS of a secure endpoint.
    pub(crate) fn security(&self) -> Option<&Arc<ServerSecurity>> {
        self.security.as_ref()
    }

    /// The socket, for an event loop that accepts in its own way; of a listener in memory, what is readable when a connection waits.
    #[cfg(unix)]
    pub(crate) fn descriptor(&self) -> std::os::fd::RawFd {
        use std::os::fd::AsRawFd;
        match &self.socket {
            Listening::Tcp(socket) => socket.as_raw_fd(),
            Listening::Unix { socket, .. } => socket.as_raw_fd(),
            Listening::Memory { bell, .. } => bell.as_raw_fd(),
        }
    }

    /// The next connection in memory; `None` when none waits.
    #[cfg(unix)]
    pub(crate) fn accept_in_memory(&self) -> io::Result<Option<std::os::unix::net::UnixStream>> {
        let Listening::Memory { listener, .. } = &self.socket else { return Ok(None) };
        match listener.accept() {
            Ok(stream) => Ok(Some(stream)),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn source(&mut self) -> &mut dyn Source {
        match &mut self.socket {
            Listening::Tcp(socket) => socket,
            #[cfg(unix)]
            Listening::Unix { socket, .. } => socket,
            #[cfg(unix)]
            Listening::Memory { bell, .. } => bell,
        }
    }
}

/// An error that ends this one connection, not the accepting of others.
fn abandoned(error: impl Into<io::Error>) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, error.into())
}

/// Listens on each address of a host that this machine has, at one port.
fn bind_tcp(host: &str, port: u16) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut addresses: Vec<SocketAddr> = Vec::new();
    for address in (host, port).to_socket_addrs()? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for _ in 0..PORTS {
        match bind_each(&addresses) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && port == 0 => failure = error,
            result => return result,
        }
    }
    Err(failure)
}

/// Listens on each of these addresses. Those that this machine does not have, as where IPv6 is off, are left out, but not
/// all of them.
fn bind_each(addresses: &[SocketAddr]) -> io::Result<(Vec<TcpListener>, u16)> {
    let mut sockets = Vec::new();
    let mut chosen = None;
    let mut failure = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
    for address in addresses {
        let port = chosen.unwrap_or(address.port());
        match listen(SocketAddr::new(address.ip(), port), addresses.len() > 1) {
            Ok(socket) => {
                chosen = Some(socket.local_addr()?.port());
                sockets.push(socket);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => return Err(error),
            Err(error) => failure = error,
        }
    }
    chosen.map(|port| (sockets, port)).ok_or(failure)
}

fn listen(address: SocketAddr, has_others: bool) -> io::Result<TcpListener> {
    #[cfg(unix)]
    if let Some(socket) = inherited::find(&address.into())? {
        return Ok(TcpListener::from_std(socket.into()));
    }
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if address.is_ipv6() && has_others {
        // The addresses of IPv4 have sockets of their own.
        socket.set_only_v6(true)?;
    }
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
