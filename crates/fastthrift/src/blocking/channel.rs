use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::{CallKind, ClientConfig, Headers};

use super::link::{Incoming, Link, Outgoing};
use super::stream::Target;
use super::{ChannelBuilder, Interceptor, Next};
use crate::codec::{self, DecodeOwned, Encode};
use crate::error::located;
use crate::{CallError, ClientReply, ClientRequest, Function, settings};

/// The way to a server, for threads that block. Clones share its connections; each may have its own time-out, headers and
/// service.
///
/// A connection carries one call at a time. Each call takes one that is idle, or makes one, so there are as many as there are
/// threads that call at the same time.
///
/// ```
/// use std::time::Duration;
///
/// use fastthrift::CallError;
/// use fastthrift::blocking::Channel;
///
/// fn hurried() -> Result<Channel, CallError> {
///     Channel::builder("tcp://localhost:9090").timeout(Duration::from_secs(1)).connect()
/// }
/// ```
#[derive(Clone)]
pub struct Channel {
    links: Arc<Links>,
    pub(super) timeout: Option<Duration>,
    pub(super) service: Option<Arc<str>>,
    pub(super) headers: Arc<Headers>,
    /// What runs around its calls; the last is the outermost.
    around: Arc<[Arc<dyn Interceptor>]>,
}

/// The connections of a channel.
#[derive(Debug)]
pub(super) struct Links {
    pub(super) target: Target,
    pub(super) config: ClientConfig,
    pub(super) connect_timeout: Duration,
    /// How many idle connections are kept.
    pub(super) kept: usize,
    pub(super) idle: Mutex<Vec<Link>>,
}

impl Channel {
    /// A channel of which more is to be said: see [`ChannelBuilder`].
    pub fn builder(url: &str) -> ChannelBuilder {
        ChannelBuilder::new(url)
    }

    /// Connects to a server with the default settings: framed Binary, or over HTTP where the URL says so.
    ///
    /// URLs are `tcp://host:port`, `unix:///path` and `http://host[:port]/path`; with the feature `blocking-tls` also `tls://host:port`
    /// and `https://host[:port]/path`.
    pub fn connect(url: &str) -> Result<Self, CallError> {
        Self::builder(url).connect()
    }

    pub(super) fn new(links: Links) -> Self {
        Self { links: Arc::new(links), timeout: None, service: None, headers: Arc::default(), around: Arc::default() }
    }

    /// The same connections, with another time-out for each call; `None` is none.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        Self { timeout: timeout.into(), ..self.clone() }
    }

    /// The same connections, with one more header for each call. Headers travel over the Header transport and HTTP; elsewhere the
    /// calls fail with [`Encode`](crate::CallErrorKind::Encode), and nothing is sent.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut headers = (*self.headers).clone();
        headers.insert(name, value);
        Self { headers: Arc::new(headers), ..self.clone() }
    }

    /// The same connections, to call one of the several services that the server has: names go out as `service:function`.
    #[must_use]
    pub fn with_service(&self, service: &str) -> Self {
        Self { service: Some(service.into()), ..self.clone() }
    }

    /// The same connections, with an interceptor around each call. The one that is added last is the outermost.
    #[must_use]
    pub fn with_interceptor<I: Interceptor>(&self, interceptor: I) -> Self {
        let added: Arc<dyn Interceptor> = Arc::new(interceptor);
        Self { around: self.around.iter().cloned().chain([added]).collect(), ..self.clone() }
    }

    /// How values look in the bytes of its calls.
    pub fn protocol(&self) -> Protocol {
        self.links.config.protocol
    }

    /// What a reply may ask of this side.
    pub fn limits(&self) -> Limits {
        self.links.config.limits
    }

    /// Calls a function, and waits for its result's struct.
    pub fn call<A, R>(&self, function: &Function, arguments: &A) -> Result<R, CallError>
    where
        A: Encode + ?Sized,
        R: DecodeOwned,
    {
        let limits = self.limits();
        let result = self.carry(function, &mut |protocol| encode(protocol, arguments), |protocol, body| {
            let (result, _) = codec::decode_prefix(protocol, body, limits)?;
            Ok(result)
        })?;
        result.ok_or_else(|| CallError::missing_result(function.name()))
    }

    /// Calls a function that is not answered. It waits until the call is sent.
    pub fn oneway<A>(&self, function: &Function, arguments: &A) -> Result<(), CallError>
    where
        A: Encode + ?Sized,
    {
        self.carry(function, &mut |protocol| encode(protocol, arguments), |_, _| Ok(())).map(drop)
    }

    /// Encodes the arguments, calls, and reads the result, which a oneway has not.
    pub(crate) fn carry<R>(
        &self,
        function: &Function,
        encode: &mut dyn FnMut(Protocol) -> Result<Vec<u8>, CallError>,
        read: impl FnOnce(Protocol, &[u8]) -> Result<R, CallError>,
    ) -> Result<Option<R>, CallError> {
        settings::check_headers(&self.links.config, &self.headers).map_err(CallError::encode)?;
        let body = encode(self.protocol())?;
        if !self.around.is_empty() {
            return self.carry_around(function, body, read);
        }
        let deadline = deadline(self.timeout);
        let call =
            Outgoing { service: self.service.as_deref(), function, headers: &self.headers, deadline, body: &body };
        self.links.call(&call, |Incoming { protocol, body, .. }| read(protocol, body))
    }

    /// Gives the call to what is around the connections.
    #[cold]
    fn carry_around<R>(
        &self,
        function: &Function,
        body: Vec<u8>,
        read: impl FnOnce(Protocol, &[u8]) -> Result<R, CallError>,
    ) -> Result<Option<R>, CallError> {
        let request = ClientRequest {
            function: function.clone(),
            service: self.service.as_deref().map(str::to_owned),
            headers: (*self.headers).clone(),
            timeout: self.timeout,
            protocol: self.protocol(),
            body,
        };
        let ClientReply { protocol, body, .. } = Next::new(&self.around, &self.links).run(request)?;
        match function.kind() {
            CallKind::Call => read(protocol, &body).map(Some),
            CallKind::Oneway => Ok(None),
        }
    }

    /// Makes a connection unless there is one.
    pub(super) fn warm(&self) -> Result<(), CallError> {
        let link = self.links.take(None)?;
        self.links.put_back(link);
        Ok(())
    }
}

fn encode<A: Encode + ?Sized>(protocol: Protocol, arguments: &A) -> Result<Vec<u8>, CallError> {
    codec::to_vec(protocol, arguments).map_err(CallError::encode)
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { links, timeout, service, headers, around: _ } = self;
        let mut channel = f.debug_struct("Channel");
        channel.field("links", links).field("timeout", timeout).field("service", service).field("headers", headers);
        channel.finish_non_exhaustive()
    }
}

impl Links {
    /// Makes a call over a connection that is idle, or a new one.
    fn call<R>(
        &self,
        call: &Outgoing<'_>,
        read: impl FnOnce(Incoming<'_>) -> Result<R, CallError>,
    ) -> Result<Option<R>, CallError> {
        let mut link = self.take(call.deadline)?;
        let outcome = link.call(call, read);
        self.put_back(link);
        outcome
    }

    /// Makes a call whose arguments are encoded.
    pub(super) fn send(&self, request: ClientRequest) -> Result<ClientReply, CallError> {
        request.check_protocol(self.config.protocol)?;
        let ClientRequest { function, service, headers, timeout, protocol, body } = request;
        let deadline = deadline(timeout);
        let call =
            Outgoing { service: service.as_deref(), function: &function, headers: &headers, deadline, body: &body };
        let reply = self.call(&call, |Incoming { protocol, headers, body }| {
            Ok(ClientReply { protocol, headers: headers.clone(), body: body.to_vec() })
        })?;
        Ok(reply.unwrap_or_else(|| ClientReply { protocol, headers: Headers::new(), body: Vec::new() }))
    }

    /// A connection that can carry a call.
    fn take(&self, deadline: Option<Instant>) -> Result<Link, CallError> {
        while let Some(mut link) = self.pop() {
            if link.is_good() {
                return Ok(link);
            }
        }
        let by = [self::deadline(Some(self.connect_timeout)), deadline].into_iter().flatten().min();
        let connected = Link::connect(&self.target, self.config.clone(), by);
        connected.map_err(|error| self.not_connected(deadline, error))
    }

    #[cold]
    fn not_connected(&self, deadline: Option<Instant>, error: io::Error) -> CallError {
        if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
            return CallError::timeout(false);
        }
        CallError::connect(located(&self.target.endpoint, error))
    }

    fn pop(&self) -> Option<Link> {
        self.lock().pop()
    }

    /// Keeps a connection, unless something is left of its last call.
    fn put_back(&self, mut link: Link) {
        if link.rest() {
            let mut idle = self.lock();
            if idle.len() < self.kept {
                idle.push(link);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Link>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    timeout.and_then(|timeout| Instant::now().checked_add(timeout))
}
