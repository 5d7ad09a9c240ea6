use std::future::Future;

use tracing::{Instrument, field, info_span};

use super::{Ending, outcome_of_call, outcome_of_response};
use crate::{CallError, ClientReply, ClientRequest, Interceptor, Next, Request, Response, Service};

/// An interceptor that opens a span for each call: `thrift.client` or `thrift.server`, with the fields `rpc.system`,
/// `rpc.service`, `rpc.method`, on servers `peer` and, when it is over, `outcome`: "ok", "exception" (one that the IDL declares),
/// "`application_exception`", "loadshedding", "timeout", "cancelled" (the future was dropped), "panic", or of a client a kind of
/// [`CallErrorKind`](crate::CallErrorKind) such as "connect".
///
/// ```
/// use fastthrift::{Server, ServerBuilder, Service, Tracing};
///
/// fn traced<S: Service>(service: S) -> ServerBuilder<impl Service> {
///     Server::builder(service).interceptor(Tracing)
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Tracing;

impl Interceptor for Tracing {
    fn call(
        &self,
        request: ClientRequest,
        next: Next<'_>,
    ) -> impl Future<Output = Result<ClientReply, CallError>> + Send {
        let span = info_span!(
            "thrift.client",
            rpc.system = "thrift",
            rpc.service = request.service.as_deref(),
            rpc.method = request.function.name(),
            outcome = field::Empty,
        );
        let own = span.clone();
        async move {
            let ending = Ending::new(None, |outcome| _ = own.record("outcome", outcome));
            let outcome = next.run(request).await;
            ending.over();
            own.record("outcome", outcome_of_call(&outcome));
            outcome
        }
        .instrument(span)
    }

    fn serve<S: Service>(&self, request: Request, next: &S) -> impl Future<Output = Response> + Send {
        let call = request.call();
        let span = info_span!(
            "thrift.server",
            rpc.system = "thrift",
            rpc.service = call.service().unwrap_or(next.name()),
            rpc.method = call.function(),
            peer = call.peer(),
            outcome = field::Empty,
        );
        let own = span.clone();
        async move {
            let call = request.call().clone();
            let ending = Ending::new(Some(call), |outcome| _ = own.record("outcome", outcome));
            let response = next.serve(request).await;
            ending.over();
            own.record("outcome", outcome_of_response(&response));
            response
        }
        .instrument(span)
    }
}
