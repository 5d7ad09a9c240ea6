//! What generated clients call through.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use fastthrift_protocol::{Limits, Protocol};
use fastthrift_rpc::Headers;
use tokio::time::Instant;

use super::ChannelBuilder;
use super::connection::{Arrived, Incoming, Outgoing, ReadReply};
use super::pool::{Begun, Pool};
use super::waiting::Waiting;
use crate::body::{Body, Source};
use crate::call::current_deadline;
use crate::codec::{self, DecodeOwned, Encode};
use crate::interceptor::Through;
use crate::{CallError, ClientReply, Function, settings};

/// Bytes of memory that a thread keeps to encode arguments in.
const SCRATCH: usize = 64 << 10;

thread_local! {
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The way to a server. Clones share its connections; each may have its own time-out, headers and service.
///
/// By default all calls share one connection, many in flight at a time. It is made when it is needed, and made anew after it
/// was lost. A task of the tokio runtime in which it was made drives it. When that runtime ends, the calls in flight fail with
/// [`ConnectionLost`](crate::CallErrorKind::ConnectionLost), and the next one makes a connection in its own runtime. A runtime of one
/// thread that nobody blocks on has not ended, and drives nothing meanwhile: calls from other runtimes wait for it until their
/// time-out, so one that is shared this way has to run.
///
/// ```
/// use std::time::Duration;
///
/// use fastthrift::{CallError, Channel, Framing, Protocol};
///
/// async fn careful() -> Result<Channel, CallError> {
///     let builder = Channel::builder("tcp://localhost:9090").protocol(Protocol::Compact).framing(Framing::Header);
///     let channel = builder.timeout(Duration::from_secs(1)).connect().await?;
///     Ok(channel.with_header("token", "secret"))
/// }
/// ```
#[derive(Clone)]
pub struct Channel {
    pub(super) pool: Arc<Pool>,
    pub(super) terms: Arc<Terms>,
}

/// What the calls of a channel have in common.
#[derive(Clone, Default)]
pub(crate) struct Terms {
    pub(crate) timeout: Option<Duration>,
    pub(crate) service: Option<String>,
    pub(crate) headers: Headers,
    /// What carries the calls, if not the connections themselves.
    pub(crate) through: Option<Arc<dyn Through>>,
}

impl std::fmt::Debug for Terms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { timeout, service, headers, .. } = self;
        let mut terms = f.debug_struct("Terms");
        terms.field("timeout", timeout).field("service", service).field("headers", headers).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Channel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channel").field("terms", &self.terms).finish_non_exhaustive()
    }
}

impl Channel {
    /// A channel of which more is to be said: see [`ChannelBuilder`].
    pub fn builder(url: &str) -> ChannelBuilder {
        ChannelBuilder::new(url)
    }

    /// Connects to a server with the default settings: framed Binary, or over HTTP where the URL says so.
    ///
    /// URLs are `tcp://host:port`, `tls://host:port`, `unix:///path`, `http://host[:port]/path`,
    /// `https://host[:port]/path` and `memory://name`.
    pub async fn connect(url: &str) -> Result<Self, CallError> {
        Self::builder(url).connect().await
    }

    pub(super) fn new(pool: Arc<Pool>, terms: Terms) -> Self {
        Self { pool, terms: Arc::new(terms) }
    }

    /// The same connections, with another time-out for each call; `None` is none.
    #[must_use]
    pub fn with_timeout(&self, timeout: impl Into<Option<Duration>>) -> Self {
        self.with(|terms| terms.timeout = timeout.into())
    }

    /// The same connections, with one more header for each call. Headers travel over the Header transport and HTTP; elsewhere the
    /// calls fail with [`Encode`](crate::CallErrorKind::Encode), and nothing is sent.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        self.with(|terms| terms.headers.insert(name, value))
    }

    /// The same connections, to call one of the several services that the server has: names go out as `service:function`.
    #[must_use]
    pub fn with_service(&self, service: &str) -> Self {
        self.with(|terms| terms.service = Some(service.to_owned()))
    }

    pub(super) fn with(&self, change: impl FnOnce(&mut Terms)) -> Self {
        let mut terms = (*self.terms).clone();
        change(&mut terms);
        Self { pool: Arc::clone(&self.pool), terms: Arc::new(terms) }
    }

    /// Calls a function, and waits for its result's struct.
    ///
    /// When the future is dropped before, the call is given up: its reply is dropped when it comes, and the connection stays
    /// good. The future is `Send` where the arguments are `Sync` and the result is `Send`, which all generated types are. Values of
    /// type `Bytes` and `Text` share the memory of a reply of more than 16 KiB.
    pub async fn call<A, R>(&self, function: &Function, arguments: &A) -> Result<R, CallError>
    where
        A: Encode + ?Sized,
        R: DecodeOwned,
    {
        let mut pending = self.start(function, &mut |protocol, body| encode(protocol, arguments, body));
        let (limits, mut result) = (self.limits(), None);
        let mut read = |protocol, body: Source<'_>| {
            let (value, len) = match body.decode(protocol, limits) {
                Ok((value, len)) => (Ok(value), Some(len)),
                Err(error) => (Err(error), None),
            };
            result = Some(value);
            len
        };
        let reply = poll_fn(|cx| pending.poll_read(cx, &mut read)).await?;
        match reply.ok_or_else(|| CallError::missing_result(function.name()))? {
            Arrived::Kept(Incoming { protocol, body, .. }) => {
                read(protocol, body.source());
            }
            Arrived::Read => {}
        }
        Ok(result.expect("invariant: the reply was read")?)
    }

    /// Calls a function that is not answered. It waits until the call can be sent, and for nothing else.
    pub async fn oneway<A>(&self, function: &Function, arguments: &A) -> Result<(), CallError>
    where
        A: Encode + ?Sized,
    {
        let pending = self.start(function, &mut |protocol, body| encode(protocol, arguments, body));
        pending.over().await.map(drop)
    }

    /// Waits until every call that was begun is handed to the system, those without a reply too: what follows a [oneway](Self::oneway)
    /// in a program that ends. Fails when a connection was lost before.
    pub async fn flush(&self) -> Result<(), CallError> {
        self.pool.flush().await
    }

    /// Begins no further call, on clones of the channel neither, and waits until the connections are closed: when the calls in flight
    /// are over, and all that was begun was sent. Calls that wait for ever are waited for as long.
    pub async fn close(self) {
        self.pool.close().await;
    }

    /// How values look in the bytes of its calls.
    pub fn protocol(&self) -> Protocol {
        self.pool.config().protocol
    }

    /// What a reply may ask of this side.
    pub fn limits(&self) -> Limits {
        self.pool.config().limits
    }

    /// Makes a connection unless there is one.
    pub(super) async fn warm(&self) -> Result<(), CallError> {
        self.pool.warm().await
    }

    /// Encodes the arguments and begins the call.
    pub(crate) fn start(&self, function: &Function, encode: &mut EncodeInto<'_>) -> Pending {
        let mut body = BUFFER.take();
        body.clear();
        let config = self.pool.config();
        let checked = settings::check_headers(config, &self.terms.headers).map_err(CallError::encode);
        let pending = match checked.and_then(|()| encode(config.protocol, &mut body)) {
            Ok(()) if self.terms.through.is_none() => self.begin(function, &body),
            Ok(()) => self.begin_around(function, &body),
            Err(error) => Pending::Refused(Some(error)),
        };
        if body.capacity() <= SCRATCH {
            BUFFER.set(body);
        }
        pending
    }

    fn begin(&self, function: &Function, body: &[u8]) -> Pending {
        let terms = &*self.terms;
        let call = Outgoing {
            service: terms.service.as_deref(),
            function: function.name(),
            kind: function.kind(),
            headers: &terms.headers,
            deadline: deadline(terms.timeout),
            body,
        };
        match self.pool.try_begin(&call) {
            Ok(Some(Some(waiting))) => Pending::Waiting(waiting),
            Ok(Some(None)) => Pending::Sent,
            Ok(None) => self.begin_later(&call),
            Err(error) => Pending::Refused(Some(error)),
        }
    }

    /// Gives the call to what is around the connections.
    #[cold]
    fn begin_around(&self, function: &Function, body: &[u8]) -> Pending {
        let (through, request) = (self.through(), self.request(function, body));
        let is_answered = Self::is_answered(function);
        Pending::Later(Box::pin(async move {
            let ClientReply { protocol, body, .. } = through.carry(request).await?;
            Ok(is_answered.then_some(Arrived::Kept(Incoming { protocol, body: Body::new(body), headers: None })))
        }))
    }

    /// Begins the call when there is a connection for it.
    #[cold]
    fn begin_later(&self, call: &Outgoing<'_>) -> Pending {
        let Self { pool, terms } = self.clone();
        let (deadline, kind, function, body) = (call.deadline, call.kind, call.function.to_owned(), call.body.to_vec());
        Pending::Later(Box::pin(async move {
            let service = terms.service.as_deref();
            let (headers, function) = (&terms.headers, &*function);
            let call = Outgoing { service, function, kind, headers, deadline, body: &body };
            let begun: Begun = pool.begin(&call).await?;
            match begun {
                Some(waiting) => waiting.kept().await.map(|incoming| Some(Arrived::Kept(incoming))),
                None => Ok(None),
            }
        }))
    }
}

/// When a call that is made now has to be over: never after the one that is being served.
pub(super) fn deadline(timeout: Option<Duration>) -> Option<Instant> {
    let own = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    match (own, current_deadline()) {
        (Some(own), Some(served)) => Some(own.min(served)),
        (own, served) => own.or(served),
    }
}

/// Appends a call's arguments.
type EncodeInto<'a> = dyn FnMut(Protocol, &mut Vec<u8>) -> Result<(), CallError> + 'a;

fn encode<A: Encode + ?Sized>(protocol: Protocol, arguments: &A, body: &mut Vec<u8>) -> Result<(), CallError> {
    codec::encode_into(protocol, arguments, body).map_err(CallError::encode)
}

/// The end of a call; a oneway has no reply.
type Ended = Result<Option<Arrived>, CallError>;

type Boxed = Pin<Box<dyn Future<Output = Ended> + Send>>;

/// A call on its way.
pub(crate) enum Pending {
    Waiting(Waiting),
    Sent,
    Refused(Option<CallError>),
    Later(Boxed),
}

impl Pending {
    /// Waits for the call's end. Its reply may be read where it lies, by `read`.
    fn poll_read(&mut self, cx: &mut Context<'_>, read: &mut ReadReply<'_>) -> Poll<Ended> {
        match self {
            Self::Waiting(waiting) => waiting.poll_read(cx, read).map(|outcome| outcome.map(Some)),
            Self::Sent => Poll::Ready(Ok(None)),
            Self::Refused(error) => {
                Poll::Ready(Err(error.take().expect("invariant: a future is not asked again after its end")))
            }
            Self::Later(later) => later.as_mut().poll(cx),
        }
    }

    /// Waits for the call's end, whatever it is.
    async fn over(mut self) -> Ended {
        poll_fn(|cx| self.poll_read(cx, &mut |_, _| None)).await
    }

    /// Waits for the call's end, and keeps the reply.
    #[cfg(feature = "dynamic")]
    pub(crate) async fn kept(self) -> Result<Option<Incoming>, CallError> {
        match self {
            Self::Waiting(waiting) => waiting.kept().await.map(Some),
            other => match other.over().await? {
                Some(Arrived::Kept(incoming)) => Ok(Some(incoming)),
                Some(Arrived::Read) | None => Ok(None),
            },
        }
    }
}
