use std::time::Instant;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};
use metrics::{Gauge, counter, gauge, histogram};

use super::{Ending, outcome_of_call, outcome_of_exception, outcome_of_response};
use crate::{Call, CallError, ClientReply, ClientRequest, Interceptor, Next, Request, Response, Service};

/// An interceptor that counts calls: `thrift_calls_total` by `side`, `function` and `outcome`, the histogram
/// `thrift_call_seconds` by `side` and `function`, and `thrift_calls_in_flight` by `side`.
///
/// An outcome is "ok", "exception" (one that the IDL declares), "`application_exception`", "loadshedding" (the server refused it, as it
/// had too many), "timeout", "cancelled" (the future was dropped), "panic", or of a client "connect", "`connection_lost`", "peer",
/// "encode", "decode", "limit" or "layer", as [`CallErrorKind`](crate::CallErrorKind) names them. A server counts under no function what
/// it does not have, and what ended before it was answered. What it refuses at once is in `thrift_calls_total` alone, under no function:
/// calls beyond `max_in_flight` as "loadshedding", those of a service that is not here as "`application_exception`".
///
/// ```
/// use fastthrift::{Channel, Metrics};
///
/// fn counted(channel: &Channel) -> Channel {
///     channel.with_interceptor(Metrics)
/// }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Metrics;

impl Interceptor for Metrics {
    async fn call(&self, request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
        let (function, begin, _running) = (request.function.name().to_owned(), Instant::now(), Running::new("client"));
        let ending = Ending::new(None, |outcome| note("client", function.clone(), outcome, begin));
        let outcome = next.run(request).await;
        ending.over();
        note("client", function, outcome_of_call(&outcome), begin);
        outcome
    }

    async fn serve<S: Service>(&self, request: Request, next: &S) -> Response {
        let (begin, _running) = (Instant::now(), Running::new("server"));
        // A peer could call by any number of names that no service has, so those count that were answered.
        let ending = Ending::new(Some(request.call().clone()), |outcome| note("server", String::new(), outcome, begin));
        let response = next.serve(request).await;
        ending.over();
        let is_known = response.exception().is_none_or(|it| it.kind != ApplicationExceptionKind::UNKNOWN_METHOD);
        let function = if is_known { response.call().function() } else { "" };
        note("server", function.to_owned(), outcome_of_response(&response), begin);
        response
    }

    fn refused(&self, _: &Call, exception: &ApplicationException) {
        // The name may be anything.
        count("server", String::new(), outcome_of_exception(exception));
    }
}

fn note(side: &'static str, function: String, outcome: &'static str, begin: Instant) {
    count(side, function.clone(), outcome);
    histogram!("thrift_call_seconds", "side" => side, "function" => function).record(begin.elapsed());
}

fn count(side: &'static str, function: String, outcome: &'static str) {
    counter!("thrift_calls_total", "side" => side, "function" => function, "outcome" => outcome).increment(1);
}

/// Counts a call as long as it runs, however it ends.
struct Running(Gauge);

impl Running {
    fn new(side: &'static str) -> Self {
        let gauge = gauge!("thrift_calls_in_flight", "side" => side);
        gauge.increment(1);
        Self(gauge)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
