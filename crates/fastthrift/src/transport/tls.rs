//! TLS by rustls on tokio.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use fastthrift_tls::{Pem, Securing, ServerSecurity, ServerSettings, TlsError};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::secure::identity;

/// A server's side of TLS. Clones share it, so that one can [give it](Self::reload) another certificate.
///
/// ```no_run
/// use std::{fs, io};
///
/// use fastthrift::{Server, ServerTls, Service};
///
/// async fn serve(service: impl Service) -> io::Result<()> {
///     let tls = ServerTls::new(&fs::read("server.pem")?, &fs::read("server.key")?)?;
///     let server = Server::builder(service).tls(tls.clone()).bind("tls://0.0.0.0:9090").await?;
///     // When it was renewed: tls.reload(&fs::read("server.pem")?, &fs::read("server.key")?)?;
///     server.serve().await;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct ServerTls {
    client_authorities: Option<Pem>,
    security: Arc<ServerSecurity>,
}

impl ServerTls {
    /// Shows this certificate: a chain and its key, each PEM text.
    pub fn new(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        Self::with(chain, key, None)
    }

    /// The same, and each client needs a certificate that one of those in `authorities`, PEM text, vouches for.
    pub fn with_client_authorities(chain: &[u8], key: &[u8], authorities: &[u8]) -> io::Result<Self> {
        Self::with(chain, key, Some(Pem::new("the authorities' text", authorities)))
    }

    fn with(chain: &[u8], key: &[u8], client_authorities: Option<Pem>) -> io::Result<Self> {
        let settings = ServerSettings { identity: identity(chain, key), client_authorities };
        let security = Arc::new(ServerSecurity::new(&settings)?);
        Ok(Self { client_authorities: settings.client_authorities, security })
    }

    /// Shows another certificate to clients that connect from now on. After an error all is as it was.
    pub fn reload(&self, chain: &[u8], key: &[u8]) -> io::Result<()> {
        let client_authorities = self.client_authorities.clone();
        Ok(self.security.renew(&ServerSettings { identity: identity(chain, key), client_authorities })?)
    }

    /// Shakes hands over a connection.
    pub(crate) async fn secure(&self, stream: TcpStream, is_http: bool) -> io::Result<Secure> {
        let acceptor = TlsAcceptor::from(self.security.config(is_http));
        acceptor.accept(stream).await.map(|stream| Secure(TlsStream::Server(stream)))
    }
}

/// Shakes hands over a connection to a server.
pub(super) async fn shake(securing: &Securing, stream: TcpStream) -> io::Result<Secure> {
    let connector = TlsConnector::from(Arc::clone(&securing.config));
    let shaken = connector.connect(securing.name.clone(), stream).await;
    shaken.map(|stream| Secure(TlsStream::Client(stream))).map_err(TlsError::explain_handshake)
}

/// A connection whose bytes are encrypted. Its errors say what TLS has to say of them.
#[derive(Debug)]
pub(crate) struct Secure(TlsStream<TcpStream>);

impl Secure {
    /// Receives what there is.
    pub(super) fn poll_receive(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer).map_err(TlsError::explain)
    }

    /// Takes what there is room for.
    pub(super) fn poll_send(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let taken = Pin::new(&mut self.0).poll_write(cx, bytes);
        taken.map_err(|error| self.reason(cx, error))
    }

    /// Sends what was taken.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.0).poll_flush(cx);
        sent.map_err(|error| self.reason(cx, error))
    }

    /// Why sending failed: a peer that refuses TLS says why before it closes.
    #[cold]
    fn reason(&mut self, cx: &mut Context<'_>, error: io::Error) -> io::Error {
        let mut byte = [0];
        match Pin::new(&mut self.0).poll_read(cx, &mut ReadBuf::new(&mut byte)) {
            Poll::Ready(Err(reason)) if reason.kind() == io::ErrorKind::InvalidData => TlsError::explain(reason),
            _ => TlsError::explain(error),
        }
    }

    /// Tells the peer that nothing more comes.
    pub(super) fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
