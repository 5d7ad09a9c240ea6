//! TLS by rustls on tokio: how clients are secured, and whom servers trust.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use fastthrift_rpc::Endpoint;
use rustls::pki_types::ServerName;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use rustls::{ServerConfig, crypto};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::ClientTls;
use crate::secure::{HTTP, certificates, invalid, private_key, roots, unusable};

/// Sessions that are kept to be resumed.
const SESSIONS: usize = 256;

/// A server's side of TLS. Clones share it, so that one can [give it](Self::reload) another certificate.
#[derive(Debug, Clone)]
pub struct ServerTls {
    authorities: Option<Vec<u8>>,
    current: Arc<RwLock<Configs<ServerConfig>>>,
}

/// One configuration for messages in HTTP, one for others.
#[derive(Debug, Clone)]
struct Configs<C> {
    direct: Arc<C>,
    http: Arc<C>,
}

/// How a client secures the connections to one endpoint.
#[derive(Clone)]
pub(crate) struct Securing {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Securing {
    /// What secures connections to this endpoint.
    pub(crate) fn new(tls: &ClientTls, endpoint: &Endpoint) -> io::Result<Self> {
        let (config, name) = tls.config(endpoint)?;
        Ok(Self { connector: TlsConnector::from(config), name })
    }

    /// Shakes hands over a connection.
    pub(crate) async fn secure(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.connector.connect(self.name.clone(), stream).await.map(TlsStream::Client)
    }
}

impl std::fmt::Debug for Securing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Securing").field("name", &self.name).finish_non_exhaustive()
    }
}

impl ServerTls {
    /// Shows this certificate: a chain and its key, each PEM text.
    pub fn new(chain: &[u8], key: &[u8]) -> io::Result<Self> {
        let current = RwLock::new(server_configs(chain, key, None)?);
        Ok(Self { authorities: None, current: Arc::new(current) })
    }

    /// The same, and each client needs a certificate that one of those in `authorities`, PEM text, vouches for.
    pub fn with_client_authorities(chain: &[u8], key: &[u8], authorities: &[u8]) -> io::Result<Self> {
        let current = RwLock::new(server_configs(chain, key, Some(authorities))?);
        Ok(Self { authorities: Some(authorities.to_owned()), current: Arc::new(current) })
    }

    /// Shows another certificate to clients that connect from now on. After an error all is as it was.
    pub fn reload(&self, chain: &[u8], key: &[u8]) -> io::Result<()> {
        let configs = server_configs(chain, key, self.authorities.as_deref())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = configs;
        Ok(())
    }

    /// Shakes hands over a connection.
    pub(crate) async fn secure(&self, stream: TcpStream, is_http: bool) -> io::Result<TlsStream<TcpStream>> {
        let configs = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        let acceptor = TlsAcceptor::from(if is_http { configs.http } else { configs.direct });
        acceptor.accept(stream).await.map(TlsStream::Server)
    }
}

fn server_configs(chain: &[u8], key: &[u8], authorities: Option<&[u8]>) -> io::Result<Configs<ServerConfig>> {
    let provider = Arc::new(crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
    let builder = match authorities {
        None => builder.with_no_client_auth(),
        Some(pem) => {
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots(pem)?), provider);
            builder.with_client_cert_verifier(verifier.build().map_err(|error| invalid(error.to_string()))?)
        }
    };
    let direct = builder.with_single_cert(certificates(chain)?, private_key(key)?).map_err(unusable)?;
    let mut http = direct.clone();
    http.alpn_protocols = vec![HTTP.to_owned()];
    // Sessions of one are not resumed on the other.
    http.session_storage = ServerSessionMemoryCache::new(SESSIONS);
    Ok(Configs { direct: Arc::new(direct), http: Arc::new(http) })
}
