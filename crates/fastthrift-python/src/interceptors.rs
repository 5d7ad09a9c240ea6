//! Interceptors: callables `interceptor(call, proceed)` that run around a call, on either side and for both engines.
//!
//! The first of the list is the outermost. What the last one proceeds to is a [`Target`]: the handler on a server, the
//! conversation with the peer on a client. Where a target returns an awaitable, so does each `proceed()`, and so
//! interceptors that are coroutine functions await it.

use fastthrift_protocol::ApplicationException;
use pyo3::exceptions::PyTypeError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};
use pyo3::{PyTraverseError, PyVisit};

use crate::call::Call;
use crate::error::application_error;
use crate::given::{plain_function, shown};

/// `CO_COROUTINE` and `CO_ASYNC_GENERATOR` of a code object's flags.
const ASYNC_FLAGS: u32 = 0x80 | 0x200;

/// What the innermost interceptor proceeds to.
pub(crate) trait Target: Send + Sync + 'static {
    /// Carries the call out. May be called several times, when an interceptor proceeds again.
    fn proceed<'py>(&self, call: &Bound<'py, Call>) -> PyResult<Bound<'py, PyAny>>;

    /// Shows the garbage collector the references that it owns.
    fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError>;
}

/// The interceptors of a client or server.
#[derive(Default)]
pub(crate) struct Interceptors {
    all: Option<Py<PyTuple>>,
    /// The methods of those that want to be told of calls that a server refuses.
    refused: Option<Py<PyTuple>>,
}

/// Whether interceptors are to be coroutine functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Blocking,
    Async,
}

impl Interceptors {
    /// Takes what a user gave: a sequence of callables, or None.
    pub(crate) fn new(given: Option<&Bound<'_, PyAny>>, style: Style) -> PyResult<Self> {
        let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(Self::default()) };
        // Each letter of a text would be one of them, and each key of a dict.
        let is_list = !given.is_instance_of::<PyString>() && !given.is_instance_of::<PyDict>();
        let Some(each) = given.try_iter().ok().filter(|_| is_list) else {
            return Err(PyTypeError::new_err(format!("interceptors must be a list of them, got {}", shown(given))));
        };
        let listed: Vec<Bound<'_, PyAny>> = each.collect::<PyResult<_>>()?;
        for interceptor in &listed {
            check(interceptor, style)?;
        }
        if listed.is_empty() {
            return Ok(Self::default());
        }
        let methods = listed.iter().map(|interceptor| refused_of(interceptor));
        let methods: Vec<_> = methods.filter_map(Result::transpose).collect::<PyResult<_>>()?;
        let refused = if methods.is_empty() { None } else { Some(PyTuple::new(given.py(), methods)?.unbind()) };
        Ok(Self { all: Some(PyTuple::new(given.py(), listed)?.unbind()), refused })
    }

    /// The same ones, for another owner.
    pub(crate) fn clone_ref(&self, py: Python<'_>) -> Self {
        let clone = |these: &Option<Py<PyTuple>>| these.as_ref().map(|these| these.clone_ref(py));
        Self { all: clone(&self.all), refused: clone(&self.refused) }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.all.is_none()
    }

    /// Whether any of them wants to be told of calls that a server refuses.
    #[inline]
    pub(crate) fn want_refused(&self) -> bool {
        self.refused.is_some()
    }

    /// Tells them of a call that a server refused before any of them ran.
    #[cold]
    pub(crate) fn tell_refused(&self, py: Python<'_>, service: &str, function: &str, exception: &ApplicationException) {
        let error = application_error(py, exception);
        for method in self.refused.iter().flat_map(|methods| methods.bind(py)) {
            if let Err(error) = method.call1((service, function, error.value(py))) {
                error.write_unraisable(py, Some(&method));
            }
        }
    }

    /// Runs all of them around a target.
    pub(crate) fn run<'py>(&self, call: &Bound<'py, Call>, target: impl Target) -> PyResult<Bound<'py, PyAny>> {
        let py = call.py();
        let Some(interceptors) = &self.all else { return target.proceed(call) };
        let chain =
            Chain { interceptors: interceptors.clone_ref(py), call: call.clone().unbind(), target: Box::new(target) };
        Proceed::from(&Bound::new(py, chain)?, 0)
    }

    pub(crate) fn traverse(&self, visit: &PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.all)?;
        visit.call(&self.refused)
    }
}

/// The method by which an interceptor is told of calls that a server refuses, if it has one.
fn refused_of<'py>(interceptor: &Bound<'py, PyAny>) -> PyResult<Option<Bound<'py, PyAny>>> {
    let Some(method) = interceptor.getattr_opt(intern!(interceptor.py(), "refused"))? else { return Ok(None) };
    plain_function("'refused' of an interceptor", &method)?;
    Ok(Some(method))
}

/// Refuses what cannot be an interceptor.
fn check(interceptor: &Bound<'_, PyAny>, style: Style) -> PyResult<()> {
    if !interceptor.is_callable() {
        let text = format!("an interceptor must be a function of (call, proceed), got {}", shown(interceptor));
        return Err(PyTypeError::new_err(text));
    }
    let is_async = is_coroutine_function(interceptor);
    match style {
        Style::Blocking if is_async => Err(PyTypeError::new_err(format!(
            "the interceptor {} is a coroutine function, which only clients and servers of asyncio can call",
            shown(interceptor)
        ))),
        Style::Async if !is_async && interceptor.hasattr("__code__")? => Err(PyTypeError::new_err(format!(
            "the interceptor {} must be a coroutine function: async def (call, proceed)",
            shown(interceptor)
        ))),
        _ => Ok(()),
    }
}

/// Whether calling this gives a coroutine, as far as its code tells.
pub(crate) fn is_coroutine_function(callable: &Bound<'_, PyAny>) -> bool {
    let has_flags = |found: &Bound<'_, PyAny>| -> PyResult<bool> {
        Ok(found.getattr("__code__")?.getattr("co_flags")?.extract::<u32>()? & ASYNC_FLAGS != 0)
    };
    has_flags(callable).or_else(|_| has_flags(&callable.getattr("__call__")?)).unwrap_or(false)
}

/// One call on its way through the interceptors.
#[pyclass(frozen, module = "fastthrift._core")]
struct Chain {
    interceptors: Py<PyTuple>,
    call: Py<Call>,
    target: Box<dyn Target>,
}

#[pymethods]
impl Chain {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.interceptors)?;
        visit.call(&self.call)?;
        self.target.traverse(&visit)
    }
}

/// What an interceptor calls to go on: the next interceptor, or the target.
#[pyclass(frozen, module = "fastthrift._core")]
struct Proceed {
    chain: Py<Chain>,
    /// The place of the interceptor that this calls.
    place: usize,
}

impl Proceed {
    fn from<'py>(chain: &Bound<'py, Chain>, place: usize) -> PyResult<Bound<'py, PyAny>> {
        let py = chain.py();
        let Chain { interceptors, call, target } = chain.get();
        match interceptors.bind(py).get_item(place) {
            Ok(interceptor) => interceptor.call1((call, Self { chain: chain.clone().unbind(), place: place + 1 })),
            Err(_) => target.proceed(call.bind(py)),
        }
    }
}

#[pymethods]
impl Proceed {
    fn __call__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        Self::from(self.chain.bind(py), self.place)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.chain)
    }
}
