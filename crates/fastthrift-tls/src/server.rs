//! What a server brings to TLS: its certificate, and whom it lets in.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use rustls::ServerConfig;
use rustls::server::{ServerSessionMemoryCache, WebPkiClientVerifier};

use crate::{ConfigError, HTTP, Identity, Pem, TlsError, TlsSession};

/// Sessions that are kept to be resumed.
const SESSIONS: usize = 256;

/// What a server's side of TLS is made of.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// Its certificate and key.
    pub identity: Identity,
    /// The authorities that the certificates of clients have to come from; with it, each client needs one.
    pub client_authorities: Option<Pem>,
}

/// A server's side of TLS, which can be renewed while connections go on with what they began with.
pub struct ServerSecurity(RwLock<Configs>);

/// One configuration for messages in HTTP, one for others.
#[derive(Clone)]
struct Configs {
    direct: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
}

impl ServerSecurity {
    /// Looks at what was given. Fails when it is no certificate or key, or does not fit together.
    pub fn new(settings: &ServerSettings) -> Result<Self, ConfigError> {
        Ok(Self(RwLock::new(Configs::new(settings)?)))
    }

    /// Is made of these from now on, for the connections that come. All or nothing: after an error all is as it was.
    pub fn renew(&self, settings: &ServerSettings) -> Result<(), ConfigError> {
        let renewed = Configs::new(settings)?;
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = renewed;
        Ok(())
    }

    /// What rustls is to do with a connection that comes now.
    pub fn config(&self, is_http: bool) -> Arc<ServerConfig> {
        let configs = self.0.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(if is_http { &configs.http } else { &configs.direct })
    }

    /// A new connection that a client is to begin.
    pub fn session(&self, is_http: bool) -> Result<TlsSession, TlsError> {
        TlsSession::server(self.config(is_http))
    }
}

impl Configs {
    fn new(settings: &ServerSettings) -> Result<Self, ConfigError> {
        let ServerSettings { identity, client_authorities } = settings;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
        let unusable = |error| identity.unusable(error);
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match client_authorities {
            None => builder.with_no_client_auth(),
            Some(pem) => {
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(pem.roots()?), provider);
                let verifier = verifier.build().map_err(|error| ConfigError::Unusable(error.to_string()))?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let (chain, key) = identity.parse()?;
        let direct = builder.with_single_cert(chain, key).map_err(unusable)?;
        let mut http = direct.clone();
        http.alpn_protocols = vec![HTTP.to_owned()];
        // Sessions of one are not resumed on the other.
        http.session_storage = ServerSessionMemoryCache::new(SESSIONS);
        Ok(Self { direct: Arc::new(direct), http: Arc::new(http) })
    }
}

impl fmt::Debug for ServerSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerSecurity").finish_non_exhaustive()
    }
}
