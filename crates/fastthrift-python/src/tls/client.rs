//! What a client brings to TLS: whom it trusts, and who it is.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, Error, SignatureScheme};
use rustls_platform_verifier::BuilderVerifierExt;

use super::pem::{ConfigError, Identity, roots_of};
use super::session::{HTTP, TlsSession};
use crate::endpoint::Endpoint;

/// A client's side of TLS. Clones share it, sessions to resume included.
#[derive(Clone)]
pub(crate) struct ClientSecurity {
    direct: Arc<ClientConfig>,
    http: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
}

/// What a client's side of TLS is made of.
#[derive(Default)]
pub(crate) struct ClientFiles {
    /// The certificates to trust instead of the system's.
    pub(crate) ca: Option<PathBuf>,
    /// The client's own certificate and key.
    pub(crate) identity: Option<(PathBuf, PathBuf)>,
    /// The name that the server's certificate is for, instead of the URL's host.
    pub(crate) name: Option<String>,
    /// Takes any certificate.
    pub(crate) is_insecure: bool,
}

impl ClientSecurity {
    /// Reads the files.
    pub(crate) fn new(files: &ClientFiles) -> Result<Self, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match &files.ca {
            _ if files.is_insecure => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustsAnybody(provider)))
            }
            Some(path) => builder.with_root_certificates(roots_of(path)?),
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        let direct = match &files.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let Identity { chain, key } = Identity::read(certificate, key)?;
                builder.with_client_auth_cert(chain, key).map_err(|error| {
                    ConfigError::Unusable(format!("cannot use the certificate {}: {error}", certificate.display()))
                })?
            }
        };
        let mut http = direct.clone();
        http.alpn_protocols = vec![HTTP.to_owned()];
        let name = files.name.as_deref().map(server_name).transpose()?;
        Ok(Self { direct: Arc::new(direct), http: Arc::new(http), name })
    }

    /// A new connection to an endpoint, which has not sent anything yet.
    pub(crate) fn session(&self, endpoint: &Endpoint) -> Result<TlsSession, ConfigError> {
        let config = if endpoint.http_path.is_some() { &self.http } else { &self.direct };
        let session = TlsSession::client(Arc::clone(config), self.name_for(endpoint)?);
        session.map_err(|error| ConfigError::Unusable(error.to_string()))
    }

    /// The name that the certificate of an endpoint's server has to be for.
    pub(crate) fn name_for(&self, endpoint: &Endpoint) -> Result<ServerName<'static>, ConfigError> {
        match (&self.name, endpoint.host()) {
            (Some(name), _) => Ok(name.clone()),
            (None, Some(host)) => server_name(host),
            (None, None) => Err(ConfigError::Unusable("TLS needs a host, or the server_name of ClientTLS".to_owned())),
        }
    }
}

fn server_name(name: &str) -> Result<ServerName<'static>, ConfigError> {
    let bad =
        |_| ConfigError::Unusable(format!("server_name must be a name that a certificate can be for, got {name:?}"));
    ServerName::try_from(name.to_owned()).map_err(bad)
}

#[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
fn unusable(error: Error) -> ConfigError {
    ConfigError::Unusable(format!("TLS cannot be used here: {error}"))
}

impl fmt::Debug for ClientSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecurity").field("name", &self.name).finish_non_exhaustive()
    }
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
