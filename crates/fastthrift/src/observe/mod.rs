//! Interceptors that look at calls.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use metrics::Metrics;
#[cfg(feature = "tracing")]
pub use tracing::Tracing;

use crate::request::is_declared_exception;
use crate::{CallError, CallErrorKind, ClientReply, Response};

/// How a client's call ended, in one word.
fn outcome_of_call(outcome: &Result<ClientReply, CallError>) -> &'static str {
    match outcome {
        Ok(reply) if reply.is_declared_exception() => "exception",
        Ok(_) => "ok",
        Err(error) => match error.kind() {
            CallErrorKind::Application(_) => "application_exception",
            CallErrorKind::Connect(_) => "connect",
            CallErrorKind::ConnectionLost(_) => "connection_lost",
            CallErrorKind::Timeout => "timeout",
            CallErrorKind::Peer(_) => "peer",
            CallErrorKind::Encode(_) => "encode",
            CallErrorKind::Decode(_) => "decode",
            CallErrorKind::Limit(_) => "limit",
            CallErrorKind::Layer(_) => "layer",
        },
    }
}

/// How a server's call ended, in one word.
fn outcome_of_response(response: &Response) -> &'static str {
    match response.exception() {
        Some(_) => "application_exception",
        None if is_declared_exception(response.call().protocol(), response.body()) => "exception",
        None => "ok",
    }
}
