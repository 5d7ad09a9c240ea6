//! TLS by rustls: whom each side trusts, and who it is.

use std::io;
use std::sync::{Arc, PoisonError, RwLock};

use fastthrift_rpc::Endpoint;
use rustls_platform_verifier::BuilderVerifierExt;
use tokio::net::TcpStream;
use tokio_rustls::rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use tokio_rustls::rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use tokio_rustls::rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};
use tokio_rustls::rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, ServerConfig, SignatureScheme, crypto,
};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use crate::error::Invalid;

/// What HTTP/1.1 is called in a handshake (RFC 7301).
const HTTP: &[u8] = b"http/1.1";
/// Sessions that are kept to be resumed.
const SESSIONS: usize = 256;

/// A client's side of TLS. By default the system's certificates are trusted, and the server's has to be for the URL's host.
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ClientTls {
    authorities: Option<Vec<u8>>,
    identity: Option<(Vec<u8>, Vec<u8>)>,
    server_name: Option<String>,
    is_insecure: bool,
}

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

impl ClientTls {
    /// Trusts the system's certificates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in this PEM text instead of the system's.
    pub fn authorities(self, pem: impl Into<Vec<u8>>) -> Self {
        Self { authorities: Some(pem.into()), ..self }
    }

    /// Shows this certificate to a server that asks for one: a chain and its key, each PEM text.
    pub fn identity(self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        Self { identity: Some((chain.into(), key.into())), ..self }
    }

    /// The name that the server's certificate has to be for, instead of the URL's host.
    pub fn server_name(self, name: &str) -> Self {
        Self { server_name: Some(name.to_owned()), ..self }
    }

    /// Takes any certificate: whoever sits in between can read and change everything. For tests.
    pub fn insecure(self) -> Self {
        Self { is_insecure: true, ..self }
    }

    /// What secures connections to this endpoint.
    pub(crate) fn securing(&self, endpoint: &Endpoint) -> io::Result<Securing> {
        let provider = Arc::new(crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match &self.authorities {
            _ if self.is_insecure => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustsAnybody(provider)))
            }
            Some(pem) => builder.with_root_certificates(roots(pem)?),
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((chain, key)) => {
                builder.with_client_auth_cert(certificates(chain)?, private_key(key)?).map_err(unusable)?
            }
        };
        if endpoint.http_path.is_some() {
            config.alpn_protocols = vec![HTTP.to_owned()];
        }
        let name = self.server_name.as_deref().or(endpoint.host()).unwrap_or_default();
        let bad = |_| invalid(format!("{name:?} is no name that a certificate can be for"));
        let name = ServerName::try_from(name.to_owned()).map_err(bad)?;
        Ok(Securing { connector: TlsConnector::from(Arc::new(config)), name })
    }
}

impl Securing {
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

fn roots(pem: &[u8]) -> io::Result<RootCertStore> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(pem)? {
        roots.add(certificate).map_err(unusable)?;
    }
    Ok(roots)
}

fn certificates(pem: &[u8]) -> io::Result<Vec<CertificateDer<'static>>> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(found) if found.is_empty() => Err(invalid("expected a certificate in PEM, got none".to_owned())),
        Ok(found) => Ok(found),
        Err(error) => Err(invalid(format!("the certificates cannot be read as PEM: {error}"))),
    }
}

fn private_key(pem: &[u8]) -> io::Result<PrivateKeyDer<'static>> {
    let hint = "expected a private key in PEM that is not encrypted";
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| invalid(format!("{hint}: {error}")))
}

#[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
fn unusable(error: Error) -> io::Error {
    invalid(format!("TLS cannot be used so: {error}"))
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, Invalid(text))
}

/// Takes any certificate. The peer still proves that it has the certificate's key.
#[derive(Debug)]
struct TrustsAnybody(Arc<CryptoProvider>);

impl ServerCertVerifier for TrustsAnybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
