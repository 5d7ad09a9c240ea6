//! What runs around the calls of a channel that blocks.

use std::fmt;
use std::sync::Arc;

use super::channel::Links;
use crate::{CallError, ClientReply, ClientRequest};

/// Runs around each call of a channel: it may look at it, change it, answer itself, or go on more than once.
///
/// ```
/// use fastthrift::blocking::{Interceptor, Next};
/// use fastthrift::{CallError, ClientReply, ClientRequest};
///
/// /// Tells the server who calls.
/// struct Token(&'static str);
///
/// impl Interceptor for Token {
///     fn call(&self, mut request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError> {
///         request.headers.insert("token", self.0);
///         next.run(request)
///     }
/// }
/// ```
pub trait Interceptor: Send + Sync + 'static {
    /// Runs around a call.
    fn call(&self, request: ClientRequest, next: Next<'_>) -> Result<ClientReply, CallError>;
}

/// What an interceptor goes on with.
#[derive(Clone, Copy)]
pub struct Next<'a> {
    /// Those that are further in; the last is the next one.
    around: &'a [Arc<dyn Interceptor>],
    links: &'a Links,
}

impl<'a> Next<'a> {
    pub(super) fn new(around: &'a [Arc<dyn Interceptor>], links: &'a Links) -> Self {
        Self { around, links }
    }

    /// Goes on with the call: with the next interceptor, and in the end with the server.
    pub fn run(self, request: ClientRequest) -> Result<ClientReply, CallError> {
        match self.around.split_last() {
            Some((next, around)) => next.call(request, Self { around, ..self }),
            None => self.links.send(request),
        }
    }
}

impl fmt::Debug for Next<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Next")
    }
}
