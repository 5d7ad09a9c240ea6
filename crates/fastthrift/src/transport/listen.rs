//! How a server gets its connections.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

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
    #[cfg(feature = "tls")]
    tls: Option<super::ServerTls>,
}

/// A connection that was accepted, and may have to shake hands.
#[derive(Debug)]
pub(crate) enum Arriving {
    Plain(Stream),
    #[cfg(feature = "tls")]
    Tls(tokio::net::TcpStream, super::ServerTls, bool),
}

/// A connection, and who made it.
type Accepted = (Arriving, Option<Arc<str>>);

impl Arriving {
    /// The connection, hands shaken.
    #[cfg_attr(not(feature = "tls"), expect(clippy::unused_async, reason = "no hands are shaken"))]
    pub(crate) async fn arrive(self) -> io::Result<Stream> {
        match self {
            Self::Plain(stream) => Ok(stream),
            #[cfg(feature = "tls")]
            Self::Tls(stream, tls, is_http) => {
                tls.secure(stream, is_http).await.map(|stream| Stream::Tls(Box::new(stream)))
            }
        }
    }
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
    pub(crate) async fn bind(
        mut endpoint: Endpoint,
        #[cfg(feature = "tls")] tls: Option<super::ServerTls>,
    ) -> io::Result<Self> {
        #[cfg(feature = "tls")]
        if endpoint.is_secure && tls.is_none() {
            let text = "there is no certificate: say which by `ServerBuilder::tls`";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
        }
        #[cfg(not(feature = "tls"))]
        if endpoint.is_secure {
            return Err(super::connect::without_tls());
        }
        let socket = match &mut endpoint.address {
            Address::Tcp { host, port } => {
                let listener = TcpListener::bind((host.as_str(), *port)).await?;
                *port = listener.local_addr()?.port();
                Socket::Tcp(listener)
            }
            #[cfg(unix)]
            Address::Unix(path) => Socket::Unix(bind_unix(path)?),
            Address::Memory(name) => Socket::Memory(MemoryListener::bind(name)?),
            _ => return Err(unsupported()),
        };
        Ok(Self {
            #[cfg(feature = "tls")]
            tls: tls.filter(|_| endpoint.is_secure),
            endpoint,
            socket,
        })
    }

    /// The next connection, and who made it.
    fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Accepted>> {
        let accepted = match &mut self.socket {
            Socket::Tcp(listener) => {
                let (stream, address) = ready!(listener.poll_accept(cx))?;
                stream.set_nodelay(true)?;
                let peer = Some(format!("{}://{address}", self.endpoint.scheme()).into());
                #[cfg(feature = "tls")]
                if let Some(tls) = &self.tls {
                    let arriving = Arriving::Tls(stream, tls.clone(), self.endpoint.http_path.is_some());
                    return Poll::Ready(Ok((arriving, peer)));
                }
                (Stream::Tcp(stream), peer)
            }
            #[cfg(unix)]
            Socket::Unix(listener) => (Stream::Unix(ready!(listener.poll_accept(cx))?.0), None),
            Socket::Memory(listener) => (Stream::Memory(ready!(listener.poll_accept(cx))?), None),
        };
        Poll::Ready(Ok((Arriving::Plain(accepted.0), accepted.1)))
    }
}

/// A listener that can be closed while somebody waits for a connection.
#[derive(Debug, Clone)]
pub(crate) struct Door(Arc<Mutex<Option<Listener>>>);

impl Door {
    pub(crate) fn new(listener: Listener) -> Self {
        Self(Arc::new(Mutex::new(Some(listener))))
    }

    /// The next connection, and who made it; `None` once this is closed.
    pub(crate) async fn accept(&self) -> Option<io::Result<Accepted>> {
        poll_fn(|cx| match &mut *self.lock() {
            Some(listener) => listener.poll_accept(cx).map(Some),
            None => Poll::Ready(None),
        })
        .await
    }

    /// Listens no more from now on.
    pub(crate) fn close(&self) {
        let listener = self.lock().take();
        drop(listener);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Listener>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Listens at a path. What a server left there that is gone is removed; anything else is an error.
#[cfg(unix)]
fn bind_unix(path: &std::path::Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_left_over(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Whether this is a socket that nobody listens on.
#[cfg(unix)]
fn is_left_over(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|found| found.file_type().is_socket());
    let connected = std::os::unix::net::UnixStream::connect(path);
    is_socket && connected.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

#[cfg(unix)]
impl Drop for Listener {
    /// Removes the file of a UNIX socket.
    fn drop(&mut self) {
        if let Address::Unix(path) = &self.endpoint.address {
            // It may be gone already.
            let _ = std::fs::remove_file(path);
        }
    }
}
