//! What a client brings to TLS: whom it trusts, and who it is.

use std::fmt;
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::trust::TrustsAnybody;
use crate::{ConfigError, HTTP, Identity, Pem, TlsError, TlsSession};

/// What a client's side of TLS is made of. By default the system's authorities are trusted, and the server's certificate has to
/// be for the host that is connected to.
#[derive(Debug, Clone, Default)]
pub struct ClientSettings {
    /// The certificates of the authorities to trust instead of the system's.
    pub authorities: Option<Pem>,
    /// The client's own certificate and key, for servers that ask.
    pub identity: Option<Identity>,
    /// The name that the server's certificate has to be for, instead of the host.
    pub server_name: Option<String>,
    /// Takes any certificate of any server, which protects from nobody who can reach the connection.
    pub is_insecure: bool,
}

/// A client's side of TLS. Clones share it, sessions to resume included.
#[derive(Clone)]
pub struct ClientSecurity {
    direct: Arc<ClientConfig>,
    http: Arc<ClientConfig>,
    name: Option<ServerName<'static>>,
}

/// How the connections to one server are secured.
#[derive(Clone)]
pub struct Securing {
    /// What rustls is to do.
    pub config: Arc<ClientConfig>,
    /// The name that the server's certificate has to be for.
    pub name: ServerName<'static>,
}

impl ClientSecurity {
    /// Looks at what was given. Fails when it is no certificate or key, does not fit together, or contradicts itself.
    pub fn new(settings: &ClientSettings) -> Result<Self, ConfigError> {
        let ClientSettings { authorities, identity, server_name, is_insecure } = settings;
        if *is_insecure && (authorities.is_some() || server_name.is_some()) {
            let text =
                "insecure takes any certificate, so authorities of one's own and server_name would be without effect";
            return Err(ConfigError::Unusable(text.to_owned()));
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider));
        let builder = builder.with_safe_default_protocol_versions().map_err(unusable)?;
        let builder = match authorities {
            _ if *is_insecure => {
                builder.dangerous().with_custom_certificate_verifier(Arc::new(TrustsAnybody(provider)))
            }
            Some(pem) => builder.with_root_certificates(pem.roots()?),
            None => builder.with_platform_verifier().map_err(unusable)?,
        };
        let direct = match identity {
            None => builder.with_no_client_auth(),
            Some(identity) => {
                let (chain, key) = identity.parse()?;
                builder.with_client_auth_cert(chain, key).map_err(|error| identity.unusable(error))?
            }
        };
        let mut http = direct.clone();
        http.alpn_protocols = vec![HTTP.to_owned()];
        let name = server_name.as_deref().map(|name| parse_name("server_name", name)).transpose()?;
        Ok(Self { direct: Arc::new(direct), http: Arc::new(http), name })
    }

    /// How connections to this host are secured. Fails when no certificate can be for it.
    pub fn securing(&self, host: Option<&str>, is_http: bool) -> Result<Securing, ConfigError> {
        let name = match (&self.name, host) {
            (Some(name), _) => name.clone(),
            (None, Some(host)) => parse_name("the host", host)?,
            (None, None) => {
                return Err(ConfigError::Unusable("TLS needs a host, or a server's name that is given".to_owned()));
            }
        };
        let config = Arc::clone(if is_http { &self.http } else { &self.direct });
        Ok(Securing { config, name })
    }
}

impl Securing {
    /// A new connection, which has not sent anything yet.
    pub fn session(&self) -> Result<TlsSession, TlsError> {
        TlsSession::client(self)
    }
}

fn parse_name(what: &str, name: &str) -> Result<ServerName<'static>, ConfigError> {
    let bad = |_| ConfigError::Unusable(format!("{what} must be a name that a certificate can be for, got {name:?}"));
    ServerName::try_from(name.to_owned()).map_err(bad)
}

#[expect(clippy::needless_pass_by_value, reason = "it is an adapter for map_err")]
fn unusable(error: rustls::Error) -> ConfigError {
    ConfigError::Unusable(format!("TLS cannot be used here: {error}"))
}

impl fmt::Debug for ClientSecurity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientSecurity").field("name", &self.name).finish_non_exhaustive()
    }
}

impl fmt::Debug for Securing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Securing").field("name", &self.name).finish_non_exhaustive()
    }
}
