//! How a server is made.

use std::future::Future;
use std::io;
use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::{Endpoint, Framing, ServerConfig};

use super::login::{Check, PlainLogin};
use super::serve::{Server, Settings};
use super::service::{And, Service};
use crate::error::{Invalid, located};
use crate::interceptor::{Intercepted, Interceptor};
use crate::settings;
use crate::transport::Listener;

/// The settings of a [`Server`]. Those that cannot be are errors of [`Self::bind`].
#[derive(Debug)]
#[must_use]
pub struct ServerBuilder<S> {
    service: S,
    config: ServerConfig,
    settings: Settings,
    urls: Vec<String>,
    #[cfg(feature = "tls")]
    tls: Option<crate::ServerTls>,
}

impl<S: Service> ServerBuilder<S> {
    pub(super) fn new(service: S) -> Self {
        let config = ServerConfig { max_open: 256, ..ServerConfig::default() };
        Self {
            service,
            config,
            settings: Settings::default(),
            urls: Vec::new(),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }

    /// Serves another service, too: clients call `service:function`. Who names no service calls the first.
    pub fn service<T: Service>(self, service: T) -> ServerBuilder<And<S, T>> {
        self.map(|first| first.and(service))
    }

    /// Runs an interceptor around each call. The one that is added last is the outermost.
    pub fn interceptor<I: Interceptor>(self, interceptor: I) -> ServerBuilder<Intercepted<S, I>> {
        self.map(|service| Intercepted::new(service, interceptor))
    }

    fn map<T>(self, change: impl FnOnce(S) -> T) -> ServerBuilder<T> {
        ServerBuilder {
            service: change(self.service),
            config: self.config,
            settings: self.settings,
            urls: self.urls,
            #[cfg(feature = "tls")]
            tls: self.tls,
        }
    }

    /// What `tls://` and `https://` need; without any such URL it is an error of [`Self::bind`].
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::ServerTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Has clients say who they are before their first call, by the SASL mechanism PLAIN, and lets in those of whom `check` says so. Then
    /// messages are framed and nothing else is accepted: another [`Self::framing`] or an HTTP URL is an error of [`Self::bind`].
    /// [`Call::user`](crate::Call::user) tells a handler who was let in: whom the client wants to act for, which `check` has to allow
    /// or to refuse, too, and else the client itself.
    ///
    /// Passwords come as they are, so without TLS whoever is on the way reads them.
    pub fn sasl_plain<C, V>(mut self, check: C) -> Self
    where
        C: Fn(PlainLogin) -> V + Send + Sync + 'static,
        V: Future<Output = bool> + Send + 'static,
    {
        self.config.sasl = Some(Check::sasl());
        self.settings.check = Some(Check::new(check));
        self
    }

    /// The only protocol that is accepted. By default each is, and told by its first bytes.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.config.protocol = Some(protocol);
        self
    }

    /// The only framing that is accepted. By default each is, and told by its first bytes.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.config.framing = Some(framing);
        self
    }

    /// What a request may ask of this side, and how large a reply may be.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// How many connections are served at a time; others wait. Default 10 000.
    pub fn max_connections(mut self, count: usize) -> Self {
        self.settings.max_connections = count;
        self
    }

    /// How many calls may be waited for at once; more are answered `LOADSHEDDING`. Default any number.
    pub fn max_in_flight(mut self, count: usize) -> Self {
        self.settings.max_in_flight = Some(count);
        self
    }

    /// Bytes that all connections together may hold of what was received and what is to be sent, each one's first 128 KiB not
    /// counted. Beyond it, one connection at a time receives what is larger. Default any number.
    pub fn max_memory(mut self, bytes: usize) -> Self {
        self.settings.max_memory = Some(bytes);
        self
    }

    /// How many calls of one connection are served at a time, and answered as they are done. With 1 they are answered in their
    /// order. Default 256.
    pub fn max_open(mut self, count: usize) -> Self {
        self.config.max_open = count;
        self
    }

    /// How long a peer may take for a message that it began, or to take what is sent to it. Default 60 s; `None` is for ever.
    pub fn message_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.message_timeout = timeout.into();
        self
    }

    /// How long a peer may be silent between two calls. Default for ever.
    pub fn idle_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.settings.idle_timeout = timeout.into();
        self
    }

    /// How long a server that ends waits for the calls that are being served. Default 30 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.settings.drain_timeout = timeout;
        self
    }

    /// One more URL to listen on. [`Self::bind`] adds the last one.
    pub fn listen(mut self, url: &str) -> Self {
        self.urls.push(url.to_owned());
        self
    }

    /// Listens on a URL: `tcp://host:port` (port 0 is one that the system chooses), `tls://host:port`, `unix:///path`,
    /// `http://host:port/path`, `https://host:port/path` or `memory://name`.
    pub async fn bind(self, url: &str) -> io::Result<Server<S>> {
        let invalid = |text| io::Error::new(io::ErrorKind::InvalidInput, Invalid(text));
        self.check().map_err(invalid)?;
        let Self { service, config, settings, mut urls, .. } = self;
        urls.push(url.to_owned());
        let mut listeners = Vec::new();
        for url in urls {
            let endpoint = Endpoint::parse(&url).map_err(invalid)?;
            let mut config = config.clone();
            let is_framed = config.framing.is_none_or(|framing| framing == Framing::Framed);
            settings::check_sasl(config.sasl.is_some(), &endpoint, is_framed).map_err(invalid)?;
            endpoint.configure_server(&mut config).map_err(invalid)?;
            let listener = Listener::bind(
                endpoint.clone(),
                #[cfg(feature = "tls")]
                self.tls.clone(),
            );
            listeners.push((listener.await.map_err(|error| located(&endpoint, error))?, config));
        }
        #[cfg(feature = "tls")]
        if self.tls.is_some() && !listeners.iter().any(|(listener, _)| listener.endpoint.is_secure) {
            let text = "TLS was asked for, and no URL is one of tls:// or https://".to_owned();
            return Err(io::Error::new(io::ErrorKind::InvalidInput, Invalid(text)));
        }
        Ok(Server::new(service, settings, listeners))
    }

    /// Refuses what cannot be, wherever it listens.
    fn check(&self) -> Result<(), String> {
        let Settings { max_connections, max_in_flight, max_memory, message_timeout, idle_timeout, .. } = self.settings;
        settings::check_counts(&[
            ("max_connections", Some(max_connections)),
            ("max_in_flight", max_in_flight),
            ("max_memory", max_memory),
            ("max_open", Some(self.config.max_open)),
        ])?;
        settings::check_times(&[("message_timeout", message_timeout), ("idle_timeout", idle_timeout)])?;
        settings::check_limits(&self.config.limits)
    }
}
