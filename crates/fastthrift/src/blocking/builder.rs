use std::sync::Mutex;
use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::{ClientConfig, Framing, Headers, SaslClient};

use super::Channel;
use super::channel::Links;
use super::stream::Target;
use crate::error::Invalid;
use crate::{CallError, settings};

/// Idle connections that are kept, unless something else is said.
const KEPT: usize = 16;

/// The settings of a blocking [`Channel`]. Those that cannot be are errors of [`Self::lazy`] and [`Self::connect`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ChannelBuilder {
    url: String,
    config: ClientConfig,
    connect_timeout: Duration,
    timeout: Option<Duration>,
    service: Option<String>,
    headers: Headers,
    kept: usize,
    #[cfg(feature = "blocking-tls")]
    tls: Option<crate::ClientTls>,
}

impl ChannelBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            config: ClientConfig::default(),
            connect_timeout: Duration::from_secs(10),
            timeout: None,
            service: None,
            headers: Headers::new(),
            kept: KEPT,
            #[cfg(feature = "blocking-tls")]
            tls: None,
        }
    }

    /// How values look in bytes. Default Binary.
    pub fn protocol(mut self, protocol: Protocol) -> Self {
        self.config.protocol = protocol;
        self
    }

    /// How messages are told apart; HTTP has its own way. Default Framed.
    pub fn framing(mut self, framing: Framing) -> Self {
        self.config.framing = framing;
        self
    }

    /// What a reply may ask of this side, and how large a call may be.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.config.limits = limits;
        self
    }

    /// How long each call may take; `None`, the default, is for ever.
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeout = timeout.into();
        self
    }

    /// How long a connection may take to be made. Default 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Which of several services of the server is called.
    pub fn service(mut self, service: &str) -> Self {
        self.service = Some(service.to_owned());
        self
    }

    /// A header that each call has. Headers travel over the Header transport and HTTP; elsewhere they are an error.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// How `tls://` and `https://` are secured, if not as usual.
    #[cfg(feature = "blocking-tls")]
    pub fn tls(mut self, tls: crate::ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Says who this is by the SASL mechanism PLAIN: the password goes out as it is, so only TLS hides it. Messages are framed
    /// then, so another framing, zlib or an HTTP URL beside it is an error when the channel is made. Fails when one of both holds a
    /// zero byte.
    pub fn sasl_plain(mut self, username: &str, password: &str) -> Result<Self, CallError> {
        let bad = || CallError::connect(Invalid("a user's name or password holds a zero byte".to_owned()));
        self.config.sasl = Some(SaslClient::plain(username, password, "").ok_or_else(bad)?);
        Ok(self)
    }

    /// How many idle connections are kept for later calls; with 0 each call makes one. Default 16.
    pub fn kept(mut self, count: usize) -> Self {
        self.kept = count;
        self
    }

    /// Makes the first connection, so that a server which is not there is noticed now.
    pub fn connect(self) -> Result<Channel, CallError> {
        let channel = self.lazy()?;
        channel.warm()?;
        Ok(channel)
    }

    /// Makes no connection yet: the first call does. Fails when the settings make no sense.
    pub fn lazy(self) -> Result<Channel, CallError> {
        self.check().map_err(|text| CallError::connect(Invalid(text)))?;
        let Self { url, mut config, connect_timeout, timeout, service, headers, kept, .. } = self;
        let (endpoint, _) = settings::endpoint_of_client(&url, &mut config, &headers)?;
        #[cfg(feature = "blocking-tls")]
        let securing = crate::secure::securing(&endpoint, self.tls.as_ref())?;
        let target = Target {
            endpoint,
            #[cfg(feature = "blocking-tls")]
            securing,
        };
        let links = Links { target, config, connect_timeout, kept, idle: Mutex::default() };
        let mut channel = Channel::new(links).with_timeout(timeout);
        channel.service = service.map(Into::into);
        channel.headers = headers.into();
        Ok(channel)
    }

    /// Refuses what cannot be, wherever it leads.
    fn check(&self) -> Result<(), String> {
        settings::check_times(&[("timeout", self.timeout), ("connect_timeout", Some(self.connect_timeout))])?;
        settings::check_limits(&self.config.limits)
    }
}
