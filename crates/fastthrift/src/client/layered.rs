//! Channels with something around them.

use std::sync::Arc;

use fastthrift_rpc::CallKind;

use super::channel::{Channel, Terms};
use super::connection::Outgoing;
use super::pool::Pool;
use crate::interceptor::{Answering, Interceptor, Next, Through};
use crate::{CallError, ClientReply, ClientRequest};

/// The connections themselves.
pub(super) struct Bare(pub(super) Arc<Pool>);

impl Through for Bare {
    fn carry(&self, request: ClientRequest) -> Answering<'_> {
        Box::pin(async move {
            request.check_protocol(self.0.config().protocol)?;
            let call = Outgoing {
                service: request.service.as_deref(),
                function: request.function.name(),
                kind: request.function.kind(),
                headers: &request.headers,
                deadline: super::channel::deadline(request.timeout),
                body: &request.body,
            };
            let Some(waiting) = self.0.begin(&call).await? else {
                let (body, headers) = (Vec::new(), fastthrift_rpc::Headers::new());
                return Ok(ClientReply { protocol: request.protocol, body, headers });
            };
            let incoming = waiting.kept().await?;
            let headers = incoming.headers.map(|headers| *headers).unwrap_or_default();
            Ok(ClientReply { protocol: incoming.protocol, body: incoming.body.into_vec(), headers })
        })
    }
}

/// An interceptor, and what it goes on with.
struct Around<I> {
    interceptor: I,
    next: Arc<dyn Through>,
}

impl<I: Interceptor> Through for Around<I> {
    fn carry(&self, request: ClientRequest) -> Answering<'_> {
        Box::pin(self.interceptor.call(request, Next::new(&*self.next)))
    }
}

impl Channel {
    /// The same connections, with an interceptor around each call. The one that is added last is the outermost.
    #[must_use]
    pub fn with_interceptor<I: Interceptor>(&self, interceptor: I) -> Self {
        let next = self.through();
        self.with(|terms| terms.through = Some(Arc::new(Around { interceptor, next })))
    }

    /// Makes a call whose arguments are encoded already, as [`Self::protocol`] says; encoded otherwise they are an error. Time-out,
    /// headers and service are those of the request alone.
    pub async fn send(&self, request: ClientRequest) -> Result<ClientReply, CallError> {
        self.through().carry(request).await
    }

    /// The same, with its calls carried by this.
    #[cfg(feature = "tower")]
    pub(crate) fn carried_by(&self, through: Arc<dyn Through>) -> Self {
        self.with(|terms| terms.through = Some(through))
    }

    /// What carries its calls.
    pub(crate) fn through(&self) -> Arc<dyn Through> {
        self.terms.through.clone().unwrap_or_else(|| Arc::new(Bare(Arc::clone(&self.pool))))
    }

    /// Its call for what is around it.
    pub(super) fn request(&self, function: &crate::Function, body: &[u8]) -> ClientRequest {
        let Terms { timeout, service, headers, .. } = &*self.terms;
        ClientRequest {
            function: function.clone(),
            service: service.clone(),
            headers: headers.clone(),
            timeout: *timeout,
            protocol: self.protocol(),
            body: body.to_vec(),
        }
    }

    /// Whether calls of this kind have a reply.
    pub(super) fn is_answered(function: &crate::Function) -> bool {
        function.kind() == CallKind::Call
    }
}
