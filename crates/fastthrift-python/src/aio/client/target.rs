//! What a client calls and by what rules, and how its failures look to Python.

use std::time::Duration;
use std::{fmt, io};

use fastthrift_rpc::{CallError, ClientConfig, Fault};
use pyo3::prelude::*;

use super::channel::End;
use super::terms::Terms;
use crate::aio::secure::Secure;
use crate::client::{self, CallDefaults, Failure, LinkError, PolicySet, is_lasting};
use crate::service::FunctionInfo;
use crate::tls::{config_error, securing};

/// What a client was opened with.
pub(super) struct Target {
    pub(super) base: client::Target,
    /// What holds for each call, unless a twin of the client says otherwise.
    pub(super) options: CallDefaults,
    pub(super) policies: PolicySet,
    /// Whether it matters when connections were made and used.
    pub(super) keeps_times: bool,
}

impl Target {
    /// Whether a call of this function is encoded once, and kept to be made again.
    #[inline]
    pub(super) fn may_repeat(&self, info: &FunctionInfo, terms: &Terms) -> bool {
        let PolicySet { retry, hedging, .. } = &self.policies;
        retry.is_some() || (hedging.is_some() && !info.is_oneway && terms.is_idempotent(info))
    }

    /// The limits of calls, which are the same at each address.
    pub(super) fn limits(&self) -> &ClientConfig {
        &self.base.configs[0]
    }

    /// The TLS of a new connection to one of the addresses; `None` where there is none.
    pub(super) fn secure(&self, place: usize) -> PyResult<Option<Secure>> {
        let endpoint = self.base.endpoints.at(place);
        let security = self.base.security.as_ref().filter(|_| endpoint.is_secure);
        let Some(security) = security else { return Ok(None) };
        let session = securing(security, endpoint).map_err(config_error)?.session();
        Ok(Some(Secure::new(session.map_err(io::Error::from)?)))
    }

    /// A call that no connection takes, as it is.
    pub(super) fn call_error(&self, py: Python<'_>, name: &str, error: CallError) -> PyErr {
        self.error(py, Failure::before(LinkError::Call(error)), None, name)
    }

    /// A call whose time is over before it was sent.
    pub(super) fn timeout_error(&self, py: Python<'_>, name: &str, timeout: Option<Duration>) -> PyErr {
        self.error(py, Failure::before(LinkError::TimedOut), timeout, name)
    }

    /// A call that failed, with the time that it was given.
    pub(super) fn error(&self, py: Python<'_>, failure: Failure, timeout: Option<Duration>, name: &str) -> PyErr {
        failure.into_python(py, &self.base, timeout, name)
    }

    /// A call of a client that was closed before.
    #[cold]
    pub(super) fn closed_error(&self, py: Python<'_>, name: &str) -> PyErr {
        self.error(py, Failure::before(LinkError::Closed), None, name)
    }
}

impl fmt::Display for End<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Lost(error) => error.fmt(f),
            Self::Closed => f.write_str("the client was closed"),
        }
    }
}

impl End<'_> {
    /// Whether another connection would end the same way.
    pub(super) fn is_lasting(&self) -> bool {
        match self {
            Self::Connection(error) => error.fault() != Fault::Network,
            Self::Lost(error) => is_lasting(error),
            Self::Closed => true,
        }
    }

    /// The same for one call.
    pub(super) fn to_error(&self) -> LinkError {
        match self {
            Self::Connection(error) => LinkError::Connection((*error).clone()),
            Self::Lost(error) => LinkError::Io(io::Error::new(error.kind(), error.to_string())),
            Self::Closed => LinkError::Closed,
        }
    }
}
