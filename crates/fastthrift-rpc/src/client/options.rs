use std::time::Duration;

use crate::{CallKind, Headers};

/// All that can be said of a call that is to be made.
#[derive(Debug, Clone, Copy)]
pub struct CallOptions<'a> {
    /// The service, when it is not [`crate::ClientConfig::service`].
    pub service: Option<&'a str>,
    /// The function's name.
    pub function: &'a str,
    /// Whether it is answered.
    pub kind: CallKind,
    /// When the call's event comes at the latest, since the connection's epoch.
    pub deadline: Option<Duration>,
    /// How long the server has, which it is told as the header `client_timeout`, rounded up to whole milliseconds,
    /// unless `headers` holds one. What travels without headers does not tell it.
    pub timeout: Option<Duration>,
    /// What travels beside the call, if [anything can](crate::ClientConnection::carries_headers).
    pub headers: &'a Headers,
}

impl<'a> CallOptions<'a> {
    /// A call without a deadline, a time-out or headers, of the configured service or the only one.
    pub fn new(function: &'a str, kind: CallKind) -> Self {
        Self { service: None, function, kind, deadline: None, timeout: None, headers: Headers::none() }
    }
}
