//! How a client gets its connections.

use std::io::{self, ErrorKind};
#[cfg(unix)]
use std::path::Path;
#[cfg(unix)]
use std::time::Duration;

use fastthrift_rpc::{Address, Endpoint};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};
#[cfg(unix)]
use tokio::time::sleep;

use super::{Stream, memory};

/// How long it is waited before a UNIX socket is asked again whose queue is full.
#[cfg(unix)]
const QUEUE_PAUSE: Duration = Duration::from_millis(10);

/// Where a client connects to.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    #[cfg(feature = "tls")]
    pub(crate) securing: Option<fastthrift_tls::Securing>,
}

impl Target {
    /// A new connection. Each address of a host is tried, one after the other.
    pub(crate) async fn connect(&self) -> io::Result<Stream> {
        match &self.endpoint.address {
            #[cfg(feature = "tls")]
            Address::Tcp { host, port } if let Some(securing) = &self.securing => {
                let stream = connect_tcp(host, *port).await?;
                super::tls::shake(securing, stream).await.map(|stream| Stream::Tls(Box::new(stream)))
            }
            // Nothing that is to be secure goes out in plaintext.
            _ if self.endpoint.is_secure => Err(without_tls()),
            Address::Tcp { host, port } => connect_tcp(host, *port).await.map(Stream::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => connect_unix(path).await.map(Stream::Unix),
            Address::Memory(name) => memory::connect(name).await.map(Stream::Memory),
            _ => Err(unsupported()),
        }
    }
}

async fn connect_tcp(host: &str, port: u16) -> io::Result<TcpStream> {
    let mut last = None;
    for address in lookup_host((host, port)).await? {
        match TcpStream::connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| io::Error::new(ErrorKind::NotFound, "the host has no address")))
}

/// Connects when there is room in the server's queue: a UNIX socket says at once that there is none.
#[cfg(unix)]
async fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    loop {
        match UnixStream::connect(path).await {
            Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(QUEUE_PAUSE).await,
            outcome => return outcome,
        }
    }
}

#[cold]
pub(super) fn unsupported() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "this system has no such connections")
}

#[cold]
pub(super) fn without_tls() -> io::Error {
    io::Error::new(ErrorKind::Unsupported, "TLS needs the feature `tls` of the crate")
}
