//! Whom a client trusts, and who it is.

use fastthrift_rpc::Endpoint;
use fastthrift_tls::{ClientSecurity, ClientSettings, ConfigError, Identity, Pem, Securing};

use crate::CallError;
use crate::error::Invalid;

/// A client's side of TLS. By default the system's certificates are trusted, and the server's has to be for the URL's host.
///
/// ```
/// use fastthrift::ClientTls;
///
/// fn of_the_company(authorities: Vec<u8>, chain: Vec<u8>, key: Vec<u8>) -> ClientTls {
///     ClientTls::new().authorities(authorities).identity(chain, key)
/// }
/// ```
#[derive(Debug, Clone, Default)]
#[must_use]
pub struct ClientTls {
    settings: ClientSettings,
}

impl ClientTls {
    /// Trusts the system's certificates.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates in this PEM text instead of the system's.
    pub fn authorities(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.settings.authorities = Some(Pem::new("the authorities' text", pem));
        self
    }

    /// Shows this certificate to a server that asks for one: a chain and its key, each PEM text.
    pub fn identity(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.settings.identity = Some(identity(chain, key));
        self
    }

    /// The name that the server's certificate has to be for, instead of the URL's host.
    pub fn server_name(mut self, name: &str) -> Self {
        self.settings.server_name = Some(name.to_owned());
        self
    }

    /// Takes any certificate: whoever sits in between can read and change everything. For tests. Connecting fails where authorities or
    /// a server's name are given, too, which would be without effect.
    pub fn insecure(mut self) -> Self {
        self.settings.is_insecure = true;
        self
    }

    /// What secures connections to this endpoint.
    fn securing(&self, endpoint: &Endpoint) -> Result<Securing, ConfigError> {
        ClientSecurity::new(&self.settings)?.securing(endpoint.host(), endpoint.http_path.is_some())
    }
}

/// What secures connections to this endpoint: `None` where its URL says plaintext, which `tls` must not contradict.
pub(crate) fn securing(endpoint: &Endpoint, tls: Option<&ClientTls>) -> Result<Option<Securing>, CallError> {
    match (endpoint.is_secure, tls) {
        (false, None) => Ok(None),
        (false, Some(_)) => {
            let text = format!("{endpoint} is not secured by TLS, which was asked for");
            Err(CallError::connect(Invalid(text)))
        }
        (true, Some(tls)) => tls.securing(endpoint).map(Some).map_err(CallError::connect),
        (true, None) => ClientTls::new().securing(endpoint).map(Some).map_err(CallError::connect),
    }
}

/// A chain and its key, each PEM text.
pub(crate) fn identity(chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Identity {
    Identity { chain: Pem::new("the chain's text", chain), key: Pem::new("the key's text", key) }
}
