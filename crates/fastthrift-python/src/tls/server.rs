//! What a server brings to TLS: its certificate, and whom it lets in.

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use rustls::server::WebPkiClientVerifier;
use rustls::{Error, ServerConfig};

use super::pem::{ConfigError, Identity, roots_of};
use super::session::{HTTP, TlsError, TlsSession};

/// A server's side of TLS, which can be read anew while connections go on with what they began with.
pub(crate) struct ServerSecurity {
    certificate: PathBuf,
    key: PathBuf,
    /// The certificates that those of clients have to come from; with it, each client needs one.
    client_ca: Option<PathBuf>,
    current: RwLock<Configs>,
}

#[derive(Clone)]
struct Configs {
    direct: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
}

impl ServerSecurity {
    /// Reads the files.
    pub(crate) fn new(certificate: PathBuf, key: PathBuf, client_ca: Option<PathBuf>) -> Result<Self, ConfigError> {
        let current = RwLock::new(Configs::read(&certificate, &key, client_ca.as_deref())?);
        Ok(Self { certificate, key, client_ca, current })
    }

    /// Reads the files anew, for the connections that come from now on. All or nothing: after an error all is as it was.
    pub(crate) fn reload(&self) -> Result<(), ConfigError> {
        let read = Configs::read(&self.certificate, &self.key, self.client_ca.as_deref())?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = read;
        Ok(())
    }

    /// A new connection that a client is to begin.
    pub(crate) fn session(&self, is_http: bool) -> Result<TlsSession, TlsError> {
        let configs = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let config = Arc::clone(if is_http { &configs.http } else { &configs.direct });
        drop(configs);
        TlsSession::server(config)
    }
}

impl Configs {
    fn read(certificate: &Path, key: &Path, client_ca: Option<&Path>) -> Result<Self, ConfigError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let unusable = |error: Error| {
            ConfigError::Unusable(format!("cannot use the certificate {}: {error}", certificate.display()))
        };
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match client_ca {
            None => builder.with_no_client_auth(),
            Some(path) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots_of(path)?), provider);
                let verifier = verifier.build().map_err(|error| ConfigError::Unusable(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let Identity { chain, key } = Identity::read(certificate, key)?;
        let direct = builder.with_single_cert(chain, key).map_err(unusable)?;
        let mut http = direct.clone();
        http.alpn_protocols = vec![HTTP.to_owned()];
        // Sessions of one are not resumed on the other.
        http.session_storage = rustls::server::ServerSessionMemoryCache::new(256);
        Ok(Self { direct: Arc::new(direct), http: Arc::new(http) })
    }
}
