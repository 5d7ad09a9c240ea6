//! Saying who one is by SASL, with a mechanism that Python gives.

use fastthrift_rpc::SaslClient;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::given::shown;

/// The mechanism of a client.
pub(crate) struct Sasl(Py<PyAny>);

/// The mechanism of one connection that is being made.
pub(crate) struct Mechanism(Py<PyAny>);

impl Sasl {
    /// Takes an object that has a name and can start and step.
    pub(crate) fn new(given: &Bound<'_, PyAny>) -> PyResult<Self> {
        let can = |name| given.getattr(name).is_ok_and(|method: Bound<'_, PyAny>| method.is_callable());
        if given.getattr("name").is_ok_and(|name| name.extract::<&str>().is_ok()) && can("start") && can("step") {
            return Ok(Self(given.clone().unbind()));
        }
        let text = "sasl must have a name: str, start() -> bytes and step(challenge: bytes) -> bytes";
        Err(PyTypeError::new_err(format!("{text}, got {}", shown(given))))
    }

    /// What was given.
    pub(crate) fn object(&self) -> &Py<PyAny> {
        &self.0
    }

    /// A mechanism for one more connection: a copy, so that several may be made at once. One whose `host` is None gets that
    /// of the URL.
    pub(crate) fn begin(&self, host: Option<&str>) -> PyResult<(Mechanism, SaslClient)> {
        Python::attach(|py| {
            let mechanism = py.import("copy")?.getattr("copy")?.call1((&self.0,))?;
            if mechanism.getattr_opt("host")?.is_some_and(|own| own.is_none()) {
                mechanism.setattr("host", host)?;
            }
            let name = mechanism.getattr("name")?;
            let initial = said("start()", &mechanism.call_method0("start")?)?;
            let client = SaslClient::new(name.extract()?, initial)
                .ok_or_else(|| PyValueError::new_err(format!("{name:?} is no name of a mechanism of SASL")))?;
            Ok((Mechanism(mechanism.unbind()), client))
        })
    }
}

impl Mechanism {
    /// The object that Python knows.
    pub(crate) fn object(&self) -> &Py<PyAny> {
        &self.0
    }

    /// Answers a challenge.
    pub(crate) fn step(&self, challenge: &[u8]) -> PyResult<Vec<u8>> {
        Python::attach(|py| said("step()", &self.0.bind(py).call_method1("step", (PyBytes::new(py, challenge),))?))
    }
}

/// What a mechanism has to say.
fn said(method: &str, returned: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    let bytes = returned.cast::<PyBytes>().map(|bytes| bytes.as_bytes().to_vec());
    bytes.map_err(|_| {
        PyTypeError::new_err(format!("{method} of a mechanism of SASL must return bytes, got {}", shown(returned)))
    })
}
