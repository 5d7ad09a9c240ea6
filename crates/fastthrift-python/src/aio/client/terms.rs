//! What holds for one call, and the same for all calls of a client.

use std::sync::Arc;
use std::time::{Duration, Instant};

use fastthrift_rpc::{ClientConnection, Headers};
use pyo3::prelude::*;

use crate::call::Call;
use crate::client::{CallDefaults, tell_reply};
use crate::service::FunctionInfo;

/// What holds for one call.
#[derive(Default)]
pub(super) struct Terms {
    /// How long it may take in all, as it was asked for.
    pub(super) timeout: Option<Duration>,
    /// When it is to have ended, since the connections' epoch.
    pub(super) deadline: Option<Duration>,
    /// What travels beside it.
    headers: Option<Arc<Headers>>,
    /// Whether it does no harm when it is carried out twice; `None` is what the IDL says.
    idempotent: Option<bool>,
    /// What interceptors see of it.
    pub(super) call: Option<Py<Call>>,
}

impl Terms {
    /// Those of a call that begins now: it ends by the deadline of the call that this task serves, too.
    pub(super) fn of(options: &CallDefaults, py: Python<'_>, epoch: Instant) -> Self {
        let deadline = options.deadline(py).map(|until| until.saturating_duration_since(epoch));
        let (headers, idempotent) = (options.headers.clone(), options.idempotent);
        Self { timeout: options.timeout, deadline, headers, idempotent, call: None }
    }

    /// Those of a call that only has to end by then.
    pub(super) fn until(deadline: Option<Duration>) -> Self {
        Self { deadline, ..Self::default() }
    }

    /// The same for a call that interceptors see, with the headers that they left.
    pub(super) fn seen(&self, call: Py<Call>, headers: Headers) -> Self {
        let headers = if headers.is_empty() { None } else { Some(Arc::new(headers)) };
        Self { timeout: self.timeout, deadline: self.deadline, headers, idempotent: self.idempotent, call: Some(call) }
    }

    pub(super) fn copy(&self, py: Python<'_>) -> Self {
        let call = self.call.as_ref().map(|call| call.clone_ref(py));
        let headers = self.headers.clone();
        Self { timeout: self.timeout, deadline: self.deadline, headers, idempotent: self.idempotent, call }
    }

    /// Whether a call of this function does no harm when it is carried out twice.
    pub(super) fn is_idempotent(&self, info: &FunctionInfo) -> bool {
        self.idempotent.unwrap_or(info.is_idempotent)
    }

    /// Whether there is time to wait that long and to try again.
    pub(super) fn has_time_for(&self, wait: Duration, now: Duration) -> bool {
        self.deadline.is_none_or(|deadline| deadline.saturating_sub(now) > wait)
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
