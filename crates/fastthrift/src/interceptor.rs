//! What runs around calls, on both sides.

use std::future::Future;
use std::pin::Pin;

use fastthrift_protocol::ApplicationException;

use crate::{Call, CallError, ClientReply, ClientRequest, Request, Response, Service};

/// Runs around each call of a channel, or of a server: it may look at it, change it, answer itself, or go on more than once.
///
/// ```
/// use fastthrift::{CallError, ClientReply, ClientRequest, Interceptor, Next, Request, Response, Service};
///
/// /// Tells the server who calls, and lets a server answer nobody else.
/// struct Token(&'static str);
///
/// impl Interceptor for Token {
///     async fn call(&self, mut request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
///         request.headers.insert("token", self.0);
///         next.run(request).await
///     }
///
///     async fn serve<S: Service>(&self, request: Request, next: &S) -> Response {
///         match request.call().headers().find("token") {
///             Some(token) if token == self.0 => next.serve(request).await,
///             _ => request.fail(CallError::internal("who are you?")),
///         }
///     }
/// }
/// ```
pub trait Interceptor: Send + Sync + 'static {
    /// Runs around a client's call.
    fn call(
        &self,
        request: ClientRequest,
        next: Next<'_>,
    ) -> impl Future<Output = Result<ClientReply, CallError>> + Send {
        next.run(request)
    }

    /// Runs around a server's call.
    fn serve<S: Service>(&self, request: Request, next: &S) -> impl Future<Output = Response> + Send {
        next.serve(request)
    }

    /// Is told of a server's call that gets no further, before any interceptor: because too many are served already (`LOADSHEDDING`),
    /// or because it names a service that is not here (`UNKNOWN_METHOD`). The connection waits for this, so it is to take no time.
    fn refused(&self, call: &Call, exception: &ApplicationException) {
        let _ = (call, exception);
    }
}

/// A call's future, whatever makes it.
pub(crate) type Answering<'a> = Pin<Box<dyn Future<Output = Result<ClientReply, CallError>> + Send + 'a>>;

/// Whatever carries a client's calls.
pub(crate) trait Through: Send + Sync {
    /// Carries out a call.
    fn carry(&self, request: ClientRequest) -> Answering<'_>;
}

/// What a client's interceptor goes on with.
#[derive(Clone, Copy)]
pub struct Next<'a>(&'a dyn Through);

impl<'a> Next<'a> {
    pub(crate) fn new(through: &'a dyn Through) -> Self {
        Self(through)
    }

    /// Goes on with the call: with the next interceptor, and in the end with the server.
    pub async fn run(self, request: ClientRequest) -> Result<ClientReply, CallError> {
        self.0.carry(request).await
    }
}

impl std::fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Next")
    }
}

/// A service with an interceptor around it.
#[derive(Debug)]
pub struct Intercepted<S, I> {
    service: S,
    interceptor: I,
}

impl<S, I> Intercepted<S, I> {
    /// Runs the interceptor around each call of the service.
    pub fn new(service: S, interceptor: I) -> Self {
        Self { service, interceptor }
    }
}

impl<S: Service, I: Interceptor> Service for Intercepted<S, I> {
    fn name(&self) -> &str {
        self.service.name()
    }

    fn has(&self, service: &str) -> bool {
        self.service.has(service)
    }

    fn serve(&self, request: Request) -> impl Future<Output = Response> + Send {
        self.interceptor.serve(request, &self.service)
    }

    fn refused(&self, call: &Call, exception: &ApplicationException) {
        self.interceptor.refused(call, exception);
        self.service.refused(call, exception);
    }
}
