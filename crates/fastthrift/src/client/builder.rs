//! How a channel is made.

use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::policy::PoolPolicy;
use fastthrift_rpc::{Carrier, ClientConfig, Framing, SaslClient, Transform};

use super::Channel;
use super::channel::Terms;
use super::pool::Pool;
use crate::error::Invalid;
use crate::transport::Target;
use crate::{CallError, settings};

/// Connections to make at most, where each carries one call at a time.
const POOL_SIZE: usize = 64;

/// The settings of a [`Channel`]. Those that cannot be are errors of [`Self::lazy`] and [`Self::connect`].
#[derive(Debug, Clone)]
#[must_use]
pub struct ChannelBuilder {
    url: String,
    config: ClientConfig,
    policy: PoolPolicy,
    size: Option<usize>,
    is_exclusive: bool,
    connect_timeout: Duration,
    terms: Terms,
    #[cfg(feature = "tls")]
    tls: Option<crate::ClientTls>,
}

impl ChannelBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            config: ClientConfig::default(),
            policy: PoolPolicy::default(),
            size: None,
            is_exclusive: false,
            connect_timeout: Duration::from_secs(10),
            terms: Terms::default(),
            #[cfg(feature = "tls")]
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
        self.terms.timeout = timeout.into();
        self
    }

    /// How long a connection may take to be made, and the server to take what is left to be sent when the channel is gone.
    /// Default 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Which of several services of the server is called.
    pub fn service(mut self, service: &str) -> Self {
        self.terms.service = Some(service.to_owned());
        self
    }

    /// A header that each call has. Headers travel over the Header transport and HTTP; elsewhere they are an error.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.terms.headers.insert(name, value);
        self
    }

    /// How `tls://` and `https://` are secured, if not as usual.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: crate::ClientTls) -> Self {
        self.tls = Some(tls);
        self
    }

    /// How messages of the Header transport are transformed, one after the other; other framings have none.
    pub fn transforms(mut self, transforms: &[Transform]) -> Self {
        self.config.transforms = transforms.to_vec();
        self
    }

    /// Compresses the whole stream of messages; the server has to know or to tell. Messages are unframed inside unless another
    /// framing is set afterwards.
    pub fn zlib(mut self) -> Self {
        self.config.carrier = Carrier::Zlib;
        self.config.framing = Framing::Unframed;
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

    /// How many connections there may be. Default 1, and 64 where each carries one call at a time.
    pub fn connections(mut self, count: usize) -> Self {
        self.size = Some(count);
        self
    }

    /// Makes one call at a time over a connection, for servers that answer in no other way than one after the other: calls
    /// that are made meanwhile have connections of their own. Over HTTP it is always so.
    pub fn one_call_a_connection(mut self) -> Self {
        self.is_exclusive = true;
        self
    }

    /// After how long without a call a connection is closed. Default never.
    pub fn idle_timeout(mut self, timeout: Duration) -> Self {
        self.policy.idle_timeout = Some(timeout);
        self
    }

    /// How old a connection may become before another takes its place. Default any age.
    pub fn max_age(mut self, age: Duration) -> Self {
        self.policy.max_age = Some(age);
        self
    }

    /// Makes the first connection, so that a server which is not there is noticed now.
    pub async fn connect(self) -> Result<Channel, CallError> {
        let channel = self.lazy()?;
        channel.warm().await?;
        Ok(channel)
    }

    /// Makes no connection yet: the first call does. Fails when the settings make no sense.
    pub fn lazy(self) -> Result<Channel, CallError> {
        self.check().map_err(|text| CallError::connect(Invalid(text)))?;
        let Self { url, mut config, mut policy, size, mut is_exclusive, connect_timeout, terms, .. } = self;
        let (endpoint, is_http) = settings::endpoint_of_client(&url, &mut config, &terms.headers)?;
        is_exclusive |= is_http;
        policy.size = size.unwrap_or(if is_exclusive { POOL_SIZE } else { 1 });
        #[cfg(feature = "tls")]
        let securing = crate::secure::securing(&endpoint, self.tls.as_ref())?;
        let target = Target {
            endpoint,
            #[cfg(feature = "tls")]
            securing,
        };
        Ok(Channel::new(Pool::new(target, config, policy, is_exclusive, connect_timeout), terms))
    }

    /// Refuses what cannot be, wherever it leads.
    fn check(&self) -> Result<(), String> {
        let PoolPolicy { idle_timeout, max_age, .. } = self.policy;
        settings::check_counts(&[("connections", self.size)])?;
        settings::check_times(&[
            ("timeout", self.terms.timeout),
            ("connect_timeout", Some(self.connect_timeout)),
            ("idle_timeout", idle_timeout),
            ("max_age", max_age),
        ])?;
        settings::check_limits(&self.config.limits)
    }
}
