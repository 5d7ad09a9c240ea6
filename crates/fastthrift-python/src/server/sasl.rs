//! Who may call, where clients say by SASL who they are.

use fastthrift_rpc::{PlainCredentials, SaslServer, ServerConnection};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyMapping};
use pyo3::{PyTraverseError, PyVisit};

use super::log::{self, About};

/// What each mechanism is judged by.
pub(super) struct Checks(Vec<(String, Py<PyAny>)>);

impl Checks {
    /// Takes a mapping from the names of mechanisms to what can be called.
    pub(super) fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bad = || PyTypeError::new_err(format!("sasl must map names of mechanisms to callables, got {given:?}"));
        let mut checks = Vec::new();
        for item in given.cast::<PyMapping>().map_err(|_| bad())?.items()? {
            let (name, check): (String, Bound<'_, PyAny>) = item.extract().map_err(|_| bad())?;
            if !check.is_callable() {
                return Err(bad());
            }
            checks.push((name, check.unbind()));
        }
        Ok(Self(checks))
    }

    /// What connections are made with.
    pub(super) fn config(&self) -> PyResult<SaslServer> {
        SaslServer::new(self.0.iter().map(|(name, _)| &**name))
            .ok_or_else(|| PyValueError::new_err("sasl names no mechanism, or one whose name cannot be"))
    }

    /// Judges what the peer said of itself. What a check raises is logged, and the peer refused.
    pub(super) fn judge(&self, py: Python<'_>, rpc: &mut ServerConnection, peer: Option<String>) {
        let judged = rpc.credentials().map(|credentials| {
            let found = self.0.iter().find(|(name, _)| name == credentials.mechanism);
            found.map_or(Ok(None), |(name, check)| ask(check.bind(py), name, credentials.response))
        });
        match judged {
            None => {}
            Some(Ok(Some(identity))) => rpc.accept_peer(&identity, b""),
            Some(Ok(None)) => rpc.refuse_peer("the credentials were refused"),
            Some(Err(error)) => {
                log::error(py, "a check of SASL failed", &error, &About { peer, ..About::default() });
                rpc.refuse_peer("the credentials cannot be checked");
            }
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.iter().try_for_each(|(_, check)| visit.call(check))
    }
}

/// Who the peer is, or `None` where that is refused.
fn ask(check: &Bound<'_, PyAny>, name: &str, response: &[u8]) -> PyResult<Option<String>> {
    if name != "PLAIN" {
        return check.call1((PyBytes::new(check.py(), response),))?.extract();
    }
    let Some(PlainCredentials { authorization, username, password }) = PlainCredentials::read(response) else {
        return Ok(None);
    };
    let is_good = check.call1((username, password, authorization))?.is_truthy()?;
    let identity = if authorization.is_empty() { username } else { authorization };
    Ok(is_good.then(|| identity.to_owned()))
}
