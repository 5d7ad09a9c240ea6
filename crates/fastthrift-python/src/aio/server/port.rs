//! The listeners of a server, as the loop's protocols know them.

use std::io;
use std::sync::Arc;

use fastthrift_rpc::ServerConfig;
use pyo3::prelude::*;

use crate::aio::secure::Secure;
use crate::server::listener::Listener;
use crate::tls::ServerSecurity;

/// How the connections of a listener are served.
pub(super) struct Port {
    pub(super) config: ServerConfig,
    security: Option<Arc<ServerSecurity>>,
    is_http: bool,
}

impl Port {
    pub(super) fn of(listener: &Listener) -> Self {
        Self {
            config: listener.config().clone(),
            security: listener.security().cloned(),
            is_http: listener.endpoint().http_path.is_some(),
        }
    }

    /// Of messages that somebody else brings.
    pub(super) fn of_messages(config: ServerConfig) -> Self {
        Self { config, security: None, is_http: false }
    }

    /// What the URLs of its peers start with.
    pub(super) fn scheme(&self) -> &'static str {
        if self.security.is_some() { "tls" } else { "tcp" }
    }

    /// The TLS of a new connection; `None` where there is none.
    pub(super) fn secure(&self) -> PyResult<Option<Secure>> {
        let session = self.security.as_ref().map(|security| security.session(self.is_http)).transpose();
        Ok(session.map_err(io::Error::from)?.map(Secure::new))
    }
}
