//! Interceptors that look at calls.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "tracing")]
mod tracing;

#[cfg(feature = "metrics")]
pub use metrics::Metrics;
#[cfg(feature = "tracing")]
pub use tracing::Tracing;

use fastthrift_protocol::{ApplicationException, ApplicationExceptionKind};

use crate::request::is_declared_exception;
use crate::{Call, CallError, CallErrorKind, ClientReply, Response};

/// Tells how a call ended whose future is dropped before.
struct Ending<T: Fn(&'static str)> {
    tell: T,
    /// What a server serves.
    call: Option<Call>,
    is_over: bool,
}

impl<T: Fn(&'static str)> Ending<T> {
    /// A call that goes on.
    fn new(call: Option<Call>, tell: T) -> Self {
        Self { tell, call, is_over: false }
    }

    /// Notes that the call ended by itself.
    fn over(mut self) {
        self.is_over = true;
    }

    /// Why the call's future is dropped.
    fn reason(&self) -> &'static str {
        if std::thread::panicking() {
            return "panic";
        }
        let left = self.call.as_ref().and_then(Call::remaining);
        if left.is_some_and(|left| left.is_zero()) { "timeout" } else { "cancelled" }
    }
}

impl<T: Fn(&'static str)> Drop for Ending<T> {
    fn drop(&mut self) {
        if !self.is_over {
            (self.tell)(self.reason());
        }
    }
}

/// How a client's call ended, in one word.
fn outcome_of_call(outcome: &Result<ClientReply, CallError>) -> &'static str {
    match outcome {
        Ok(reply) if reply.is_declared_exception() => "exception",
        Ok(_) => "ok",
        Err(error) if error.is_timeout() => "timeout",
        Err(error) => match error.kind() {
            CallErrorKind::Application(exception) => outcome_of_exception(exception),
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

/// What a server says of a call that failed, in one word.
fn outcome_of_exception(exception: &ApplicationException) -> &'static str {
    match exception.kind {
        ApplicationExceptionKind::TIMEOUT => "timeout",
        ApplicationExceptionKind::LOADSHEDDING => "loadshedding",
        _ => "application_exception",
    }
}

/// How a server's call ended, in one word.
fn outcome_of_response(response: &Response) -> &'static str {
    match response.exception() {
        Some(exception) => outcome_of_exception(exception),
        None if is_declared_exception(response.call().protocol(), response.body()) => "exception",
        None => "ok",
    }
}
