//! Channels and the layers of `tower`.
//!
//! A [`Channel`] is a [`Service`] of [`ClientRequest`]s, so a layer goes around it; [`Channel::around`] makes a channel again
//! of what comes out, for generated clients:
//!
//! ```
//! use std::time::Duration;
//!
//! use fastthrift::{CallError, Channel};
//! use tower::ServiceBuilder;
//!
//! fn limited(channel: &Channel) -> Channel {
//!     let service = ServiceBuilder::new().concurrency_limit(16).timeout(Duration::from_secs(1)).service(channel.clone());
//!     channel.around(service)
//! }
//! ```

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

pub use tower_service::Service;

use crate::interceptor::{Answering, Through};
use crate::{CallError, CallErrorKind, Channel, ClientReply, ClientRequest};

/// What the layers of `tower` fail with.
type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The future of a channel's call.
type Calling = Pin<Box<dyn Future<Output = Result<ClientReply, CallError>> + Send>>;

impl Service<ClientRequest> for Channel {
    type Response = ClientReply;
    type Error = CallError;
    type Future = Calling;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), CallError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: ClientRequest) -> Calling {
        let through = self.through();
        Box::pin(async move { through.carry(request).await })
    }
}

impl Channel {
    /// A channel whose calls go to this service, which has layers around this channel, or others. Time-out, headers and
    /// service of the calls stay those of this channel.
    ///
    /// What the service fails with and what is no [`CallError`] becomes one of the kind [`CallErrorKind::Layer`].
    #[must_use]
    pub fn around<S>(&self, service: S) -> Self
    where
        S: Service<ClientRequest, Response = ClientReply> + Clone + Send + 'static,
        S::Error: Into<BoxError>,
        S::Future: Send,
    {
        self.carried_by(Arc::new(Layered(Mutex::new(service))))
    }
}

/// A service that carries a channel's calls. Each call has its own clone, which is made under the lock.
struct Layered<S>(Mutex<S>);

impl<S> Through for Layered<S>
where
    S: Service<ClientRequest, Response = ClientReply> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send,
{
    fn carry(&self, request: ClientRequest) -> Answering<'_> {
        let mut service = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        Box::pin(async move {
            poll_fn(|cx| service.poll_ready(cx)).await.map_err(call_error)?;
            service.call(request).await.map_err(call_error)
        })
    }
}

/// What the caller gets of a layer's error.
fn call_error(error: impl Into<BoxError>) -> CallError {
    match error.into().downcast::<CallError>() {
        Ok(error) => *error,
        Err(other) => CallError::new(CallErrorKind::Layer(Arc::from(other)), true),
    }
}
