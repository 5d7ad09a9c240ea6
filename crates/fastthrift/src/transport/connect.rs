//! How a client gets its connections.

use std::io::{self, ErrorKind};

use fastthrift_rpc::{Address, Endpoint};
#[cfg(unix)]
use tokio::net::UnixStream;
use tokio::net::{TcpStream, lookup_host};

use super::{Stream, memory};

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
            address if self.endpoint.is_secure => Err(unsupported(address)),
            Address::Tcp { host, port } => connect_tcp(host, *port).await.map(Stream::Tcp),
            #[cfg(unix)]
            Address::Unix(path) => UnixStream::connect(path).await.map(Stream::Unix),
            Address::Memory(name) => memory::connect(name).await.map(Stream::Memory),
            other => Err(unsupported(other)),
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
    Err(last.unwrap_or_else(|| io::Error::new(ErrorKind::NotFound, format!("the host {host} has no address"))))
}

#[cold]
pub(super) fn unsupported(address: &Address) -> io::Error {
    io::Error::new(ErrorKind::Unsupported, format!("{address} cannot be reached here"))
}
