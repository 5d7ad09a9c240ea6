//! Who may call, where clients say by SASL who they are.

use fastthrift_rpc::{Credentials, PlainCredentials, SaslServer, ServerConnection};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyMapping, PyType};
use pyo3::{PyTraverseError, PyVisit, intern};

use super::log::{self, About};

/// What each mechanism is judged by.
pub(super) struct Checks(Vec<(String, Judge)>);

/// What judges the clients of one mechanism.
enum Judge {
    /// Is called with the response, or for PLAIN with what that says.
    Check(Py<PyAny>),
    /// Has steps, and each connection a copy of it.
    Mechanism(Py<PyAny>),
}

/// What becomes of a client.
enum Verdict {
    /// It is let in as this one; its mechanism is to hear the rest, mostly nothing.
    Accept(String, Vec<u8>),
    Ask(Vec<u8>),
    /// It is told why.
    Refuse(String),
}

/// What a connection keeps of its mechanism between the steps.
#[derive(Default)]
pub(super) struct Introduction(Option<Py<PyAny>>);

impl Checks {
    /// Takes a mapping from the names of mechanisms to what can be called, or can step.
    pub(super) fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let bad = || {
            let text = "sasl must map names of mechanisms to callables, or to objects with step(response)";
            PyTypeError::new_err(format!("{text}, got {given:?}"))
        };
        let mut checks = Vec::new();
        for item in given.cast::<PyMapping>().map_err(|_| bad())?.items()? {
            let (name, judge): (String, Bound<'_, PyAny>) = item.extract().map_err(|_| bad())?;
            checks.push((name, Judge::new(judge).ok_or_else(bad)?));
        }
        Ok(Self(checks))
    }

    /// What connections are made with.
    pub(super) fn config(&self) -> PyResult<SaslServer> {
        SaslServer::new(self.0.iter().map(|(name, _)| &**name))
            .ok_or_else(|| PyValueError::new_err("sasl names no mechanism, or one whose name cannot be"))
    }

    /// Judges what the peer said of itself. What a check raises is logged, and the peer refused.
    pub(super) fn judge(
        &self,
        py: Python<'_>,
        rpc: &mut ServerConnection,
        introduction: &mut Introduction,
        peer: Option<String>,
    ) {
        let Some(credentials) = rpc.credentials() else { return };
        let found = self.0.iter().find(|(name, _)| name == credentials.mechanism);
        let judged = found.map_or(Ok(Verdict::refuse()), |(_, judge)| judge.ask(py, &credentials, introduction));
        let verdict = judged.unwrap_or_else(|error| refused(py, &error, peer));
        if !matches!(verdict, Verdict::Ask(_)) {
            introduction.0 = None;
        }
        match verdict {
            Verdict::Accept(identity, last) => rpc.accept_peer(&identity, &last),
            Verdict::Ask(challenge) => rpc.challenge_peer(&challenge),
            Verdict::Refuse(text) => rpc.refuse_peer(&text),
        }
    }

    pub(super) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        self.0.iter().try_for_each(|(_, Judge::Check(judge) | Judge::Mechanism(judge))| visit.call(judge))
    }
}

impl Judge {
    fn new(given: Bound<'_, PyAny>) -> Option<Self> {
        let has_steps = given.getattr("step").is_ok_and(|step| step.is_callable());
        match (has_steps, given.is_callable()) {
            // The class instead of an object of it.
            (true, _) if given.is_instance_of::<PyType>() => None,
            (true, _) => Some(Self::Mechanism(given.unbind())),
            (false, true) => Some(Self::Check(given.unbind())),
            (false, false) => None,
        }
    }

    fn ask(&self, py: Python<'_>, said: &Credentials<'_>, introduction: &mut Introduction) -> PyResult<Verdict> {
        match self {
            Self::Check(check) if said.mechanism == "PLAIN" => ask_plain(check.bind(py), said.response),
            Self::Check(check) => {
                let identity: Option<String> = check.call1(py, (PyBytes::new(py, said.response),))?.extract(py)?;
                Ok(identity.map_or_else(Verdict::refuse, |identity| Verdict::Accept(identity, Vec::new())))
            }
            Self::Mechanism(mechanism) => {
                let own = match &introduction.0 {
                    Some(own) => own.clone_ref(py),
                    None => py.import("copy")?.call_method1("copy", (mechanism,))?.unbind(),
                };
                introduction.0 = Some(own.clone_ref(py));
                let said = PyBytes::new(py, said.response);
                Verdict::of(&own.bind(py).call_method1(intern!(py, "step"), (said,))?)
            }
        }
    }
}

impl Verdict {
    fn refuse() -> Self {
        Self::Refuse("the credentials were refused".to_owned())
    }

    /// What a step returned: a challenge, who the client is and perhaps what it is to hear at last, or nothing.
    fn of(returned: &Bound<'_, PyAny>) -> PyResult<Self> {
        if returned.is_none() {
            return Ok(Self::refuse());
        }
        if let Ok(challenge) = returned.cast::<PyBytes>() {
            return Ok(Self::Ask(challenge.as_bytes().to_vec()));
        }
        if let Ok(identity) = returned.extract() {
            return Ok(Self::Accept(identity, Vec::new()));
        }
        let (identity, last): (String, Vec<u8>) = returned.extract().map_err(|_| {
            let text = "a step of SASL returns bytes to ask further, a str to let in, (str, bytes) or None";
            PyTypeError::new_err(format!("{text}, got {returned:?}"))
        })?;
        Ok(Self::Accept(identity, last))
    }
}

fn ask_plain(check: &Bound<'_, PyAny>, response: &[u8]) -> PyResult<Verdict> {
    let Some(PlainCredentials { authorization, username, password }) = PlainCredentials::read(response) else {
        return Ok(Verdict::refuse());
    };
    let is_good = check.call1((username, password, authorization))?.is_truthy()?;
    let identity = if authorization.is_empty() { username } else { authorization };
    Ok(if is_good { Verdict::Accept(identity.to_owned(), Vec::new()) } else { Verdict::refuse() })
}

/// What a client is told of what a check raised: the text of a `Refused`, and of nothing else, which is logged.
fn refused(py: Python<'_>, error: &PyErr, peer: Option<String>) -> Verdict {
    static REFUSED: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    if REFUSED.import(py, "fastthrift.sasl", "Refused").is_ok_and(|class| error.is_instance(py, class)) {
        return Verdict::Refuse(error.value(py).to_string());
    }
    log::error(py, "a check of SASL failed", error, &About { peer, ..About::default() });
    Verdict::Refuse("the credentials cannot be checked".to_owned())
}
