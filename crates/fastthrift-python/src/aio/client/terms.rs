//! What holds for one call, and the same for all calls of a client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_rpc::{ClientConnection, Headers};
use pyo3::prelude::*;

use crate::call::Call;
use crate::client::{CallDefaults, tell_reply};

/// What holds for one call.
#[derive(Default)]
pub(super) struct Terms {
    /// How long it may take in all, as it was asked for.
    pub(super) timeout: Option<Duration>,
    /// When it is to have ended, since the connections' epoch.
    pub(super) deadline: Option<Duration>,
    /// What travels beside it.
    headers: Option<Arc<Headers>>,
    /// What interceptors see of it.
    pub(super) call: Option<Py<Call>>,
}

impl Terms {
    /// Those of a call that begins now: it ends by the deadline of the call that this task serves, too.
    pub(super) fn of(options: &CallDefaults, py: Python<'_>, epoch: Instant) -> Self {
        let deadline = options.deadline(py).map(|until| until.saturating_duration_since(epoch));
        Self { timeout: options.timeout, deadline, headers: options.headers.clone(), call: None }
    }

    /// The same for a call that interceptors see, with the headers that they left.
    pub(super) fn seen(&self, call: Py<Call>, headers: Headers) -> Self {
        let headers = if headers.is_empty() { None } else { Some(Arc::new(headers)) };
        Self { timeout: self.timeout, deadline: self.deadline, headers, call: Some(call) }
    }

    pub(super) fn copy(&self, py: Python<'_>) -> Self {
        let call = self.call.as_ref().map(|call| call.clone_ref(py));
        Self { timeout: self.timeout, deadline: self.deadline, headers: self.headers.clone(), call }
    }

    pub(super) fn headers(&self) -> &Headers {
        self.headers.as_deref().unwrap_or(Headers::none())
    }

    /// Tells interceptors what came with the reply that the connection handed out last.
    #[inline]
    pub(super) fn observe(&self, py: Python<'_>, connection: &ClientConnection) -> PyResult<()> {
        match &self.call {
            None => Ok(()),
            Some(call) => tell_reply(call.bind(py), connection.reply_len(), connection.reply_headers()),
        }
    }
}
