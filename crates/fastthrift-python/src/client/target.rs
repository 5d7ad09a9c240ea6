//! What a client calls: its addresses, what is spoken there, and how it says who it is.

use fastthrift_rpc::{ClientConfig, Headers, SaslClient};
use pyo3::prelude::*;
use pyo3::{PyTraverseError, PyVisit};

use super::endpoints::Endpoints;
use super::failure::LinkError;
use super::link::{Limit, Link};
use super::sasl::Sasl;
use super::{name_of, spoken};
use crate::given::{optional, refused, text};
use crate::settings::Settings;
use crate::tls::{self, ClientSecurity};
use crate::transports;

/// What a client was opened with.
pub(crate) struct Target {
    pub(crate) endpoints: Endpoints,
    /// Opens the transport that a user wrote, where there is one.
    pub(crate) opener: Option<Py<PyAny>>,
    /// The TLS of those endpoints that are secure.
    pub(crate) security: Option<ClientSecurity>,
    pub(crate) sasl: Option<Sasl>,
    /// What is spoken at each of them.
    pub(crate) configs: Box<[ClientConfig]>,
    pub(crate) settings: Settings,
}

impl Target {
    /// Reads what `connect` was given, the blocking one or that of an event loop: URLs, or an opener in their place.
    #[allow(clippy::too_many_arguments)]
    pub(crate) fn new(
        urls: &[String],
        opener: Option<&Bound<'_, PyAny>>,
        protocol: &Bound<'_, PyAny>,
        transport: Option<&Bound<'_, PyAny>>,
        service_name: Option<&Bound<'_, PyAny>>,
        tls: Option<&Bound<'_, PyAny>>,
        sasl: Option<&Bound<'_, PyAny>>,
        headers: &Headers,
    ) -> PyResult<Self> {
        let endpoints = match opener {
            Some(opener) => Endpoints::custom(&name_of(opener)),
            None => Endpoints::parse(urls).map_err(|error| refused(&error))?,
        };
        let security = tls::of_client(endpoints.listed(), tls)?;
        let (settings, base) = spoken(protocol, optional("service_name", service_name, text)?)?;
        let transport = optional("transport", transport, text)?;
        let sasl = sasl.map(Sasl::new).transpose()?;
        // Only whether there is one: each connection begins anew.
        let base = ClientConfig { sasl: sasl.as_ref().and_then(|_| SaslClient::new("PLAIN", Vec::new())), ..base };
        let config = |endpoint| transports::for_client(transport.as_deref(), endpoint, headers, &base);
        let configs: Result<_, _> = endpoints.listed().iter().map(config).collect();
        let configs = configs.map_err(|error| refused(&error))?;
        Ok(Self { endpoints, opener: opener.map(|opener| opener.clone().unbind()), security, sasl, configs, settings })
    }

    /// The name of the transport, at the first of the endpoints.
    pub(crate) fn transport(&self) -> String {
        self.configs.first().map(transports::name_of).unwrap_or_default()
    }

    /// Whether headers travel beside the calls.
    pub(crate) fn carries_headers(&self) -> bool {
        self.configs.iter().all(ClientConfig::carries_headers)
    }

    /// Whether a connection to one of the addresses carries one call at a time.
    pub(crate) fn is_serial(&self) -> bool {
        self.endpoints.listed().iter().any(|endpoint| endpoint.http_path.is_some())
    }

    /// Whether HTTP carries the messages everywhere.
    pub(crate) fn is_http(&self) -> bool {
        self.endpoints.listed().iter().all(|endpoint| endpoint.http_path.is_some())
    }

    /// Shows the garbage collector the references that it owns.
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.opener)?;
        visit.call(self.sasl.as_ref().map(Sasl::object))
    }

    /// Makes a connection. A signal ends the attempt; if its handler raises nothing, there is another.
    pub(super) fn connect(&self, py: Python<'_>, link: &mut Link, limit: Limit) -> PyResult<Result<(), LinkError>> {
        loop {
            match py.detach(|| link.connect(self, limit)) {
                Err(LinkError::Connect(error)) if error.kind() == std::io::ErrorKind::Interrupted => {
                    py.check_signals()?;
                }
                result => return Ok(result),
            }
        }
    }
}
