//! Who may call, where clients say by SASL who they are.

use fastthrift_rpc::{Credentials, PlainCredentials, SaslServer, ServerConnection};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyMapping, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit, intern};

use super::log::{self, About};
use crate::given::shown;
use crate::interceptors::{Style, is_coroutine_function};

/// What each mechanism is judged by.
pub(crate) struct Checks(Vec<(String, Judge)>);

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
pub(crate) struct Introduction(Option<Py<PyAny>>);

/// What is to be asked about a client: what to call with what, and what that returns.
pub(crate) struct Question {
    check: Py<PyAny>,
    arguments: Py<PyTuple>,
    answer: Answer,
}

/// What a check returns.
enum Answer {
    /// Whether the client is to be let in, as this one.
    IsGood(String),
    /// Who the client is, or None.
    Identity,
    /// What a step returns.
    Step,
}

impl Checks {
    /// Takes a mapping from the names of mechanisms to what can be called, or can step.
    pub(super) fn new(given: &Bound<'_, PyAny>, style: Style) -> PyResult<Self> {
        let bad = || {
            let text = "sasl must map names of mechanisms to callables, or to objects with step(response)";
            PyTypeError::new_err(format!("{text}, got {}", shown(given)))
        };
        let mut checks = Vec::new();
        for item in given.cast::<PyMapping>().map_err(|_| bad())?.items()? {
            let (name, judge): (String, Bound<'_, PyAny>) = item.extract().map_err(|_| bad())?;
            let judge = Judge::new(judge).ok_or_else(bad)?;
            if style == Style::Blocking && judge.is_async(given.py()) {
                let text = format!("the check of {name} is a coroutine function, which a blocking server cannot call");
                return Err(PyTypeError::new_err(text));
            }
            checks.push((name, judge));
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
        let asked = self.question(py, rpc, introduction);
        let answer = |question: Question| question.ask(py).map(|returned| (question, returned));
        Self::conclude(py, rpc, introduction, asked.and_then(|asked| asked.map(answer).transpose()), peer);
    }

    /// What is to be asked about a client that said who it is; `None` where it is to be refused without that.
    pub(crate) fn question(
        &self,
        py: Python<'_>,
        rpc: &ServerConnection,
        introduction: &mut Introduction,
    ) -> PyResult<Option<Question>> {
        let Some(credentials) = rpc.credentials() else { return Ok(None) };
        let found = self.0.iter().find(|(name, _)| name == credentials.mechanism);
        found.map_or(Ok(None), |(_, judge)| judge.question(py, &credentials, introduction))
    }

    /// Does to a client what the answer to the question about it says. An error is logged, and the client refused.
    pub(crate) fn conclude(
        py: Python<'_>,
        rpc: &mut ServerConnection,
        introduction: &mut Introduction,
        answered: PyResult<Option<(Question, Bound<'_, PyAny>)>>,
        peer: Option<String>,
    ) {
        let judged = answered.and_then(|answered| match answered {
            Some((question, returned)) => question.answer.verdict(&returned),
            None => Ok(Verdict::refuse()),
        });
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

    /// Whether what it calls is a coroutine function.
    fn is_async(&self, py: Python<'_>) -> bool {
        match self {
            Self::Check(check) => is_coroutine_function(check.bind(py)),
            Self::Mechanism(mechanism) => {
                mechanism.bind(py).getattr(intern!(py, "step")).is_ok_and(|step| is_coroutine_function(&step))
            }
        }
    }

    fn question(
        &self,
        py: Python<'_>,
        said: &Credentials<'_>,
        introduction: &mut Introduction,
    ) -> PyResult<Option<Question>> {
        let response = PyBytes::new(py, said.response);
        let (check, arguments, answer) = match self {
            Self::Check(check) if said.mechanism == "PLAIN" => {
                let Some(plain) = PlainCredentials::read(said.response) else { return Ok(None) };
                let PlainCredentials { authorization, username, password } = plain;
                let identity = if authorization.is_empty() { username } else { authorization };
                let arguments = (username, password, authorization).into_pyobject(py)?;
                (check.clone_ref(py), arguments, Answer::IsGood(identity.to_owned()))
            }
            Self::Check(check) => (check.clone_ref(py), (response,).into_pyobject(py)?, Answer::Identity),
            Self::Mechanism(mechanism) => {
                let own = match &introduction.0 {
                    Some(own) => own.clone_ref(py),
                    None => py.import("copy")?.call_method1("copy", (mechanism,))?.unbind(),
                };
                introduction.0 = Some(own.clone_ref(py));
                let step = own.getattr(py, intern!(py, "step"))?;
                (step, (response,).into_pyobject(py)?, Answer::Step)
            }
        };
        Ok(Some(Question { check, arguments: arguments.unbind(), answer }))
    }
}

impl Question {
    fn ask<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.check.bind(py).call1(self.arguments.bind(py).clone())
    }

    /// What to call, and with what.
    pub(crate) fn call<'a, 'py>(&'a self, py: Python<'py>) -> (&'a Bound<'py, PyAny>, &'a Bound<'py, PyTuple>) {
        (self.check.bind(py), self.arguments.bind(py))
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.check)?;
        visit.call(&self.arguments)
    }
}

impl Introduction {
    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.0)
    }
}

impl Answer {
    fn verdict(self, returned: &Bound<'_, PyAny>) -> PyResult<Verdict> {
        if returned.hasattr(intern!(returned.py(), "__await__"))? {
            // It is true whatever it would say.
            let found = shown(returned);
            let text = format!("a check of SASL must return its answer, got {found}, which nobody awaits here");
            return Err(PyTypeError::new_err(text));
        }
        let identity = match self {
            Self::Step => return Verdict::of(returned),
            // Much else is true whatever it stands for.
            Self::IsGood(_) if !returned.is_none() && !returned.is_instance_of::<PyBool>() => {
                let text = format!("a check of SASL must return True or False, got {}", shown(returned));
                return Err(PyTypeError::new_err(text));
            }
            Self::IsGood(identity) => returned.is_truthy()?.then_some(identity),
            Self::Identity => returned.extract().map_err(|_| {
                let text = format!("a check of SASL must return who the client is or None, got {}", shown(returned));
                PyTypeError::new_err(text)
            })?,
        };
        Ok(identity.map_or_else(Verdict::refuse, |identity| Verdict::Accept(identity, Vec::new())))
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
            let text = "a step of SASL must return bytes to ask further, a str to let in, (str, bytes) or None";
            PyTypeError::new_err(format!("{text}, got {}", shown(returned)))
        })?;
        Ok(Self::Accept(identity, last))
    }
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
