//! How a server gets its connections.

use std::io;
use std::sync::Arc;

use fastthrift_rpc::{Address, Endpoint};
use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use super::Stream;
use super::connect::unsupported;
use super::memory::MemoryListener;

/// One address that is listened on.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) endpoint: Endpoint,
    socket: Socket,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
    Memory(MemoryListener),
}

impl Listener {
    /// Listens there. A port of 0 becomes the one that the system chose.
    pub(crate) async fn bind(mut endpoint: Endpoint) -> io::Result<Self> {
        let socket = match &mut endpoint.address {
            Address::Tcp { host, port } => {
                let listener = TcpListener::bind((host.as_str(), *port)).await?;
                *port = listener.local_addr()?.port();
                Socket::Tcp(listener)
            }
            #[cfg(unix)]
            Address::Unix(path) => Socket::Unix(UnixListener::bind(path)?),
            Address::Memory(name) => Socket::Memory(MemoryListener::bind(name)?),
            other => return Err(unsupported(other)),
        };
        Ok(Self { endpoint, socket })
    }

    /// The next connection, and who made it.
    pub(crate) async fn accept(&self) -> io::Result<(Stream, Option<Arc<str>>)> {
        match &self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Stream::Tcp(stream), Some(format!("{}://{address}", self.endpoint.scheme()).into())))
            }
            #[cfg(unix)]
            Socket::Unix(listener) => Ok((Stream::Unix(listener.accept().await?.0), None)),
            Socket::Memory(listener) => Ok((Stream::Memory(listener.accept().await?), None)),
        }
    }
}
