//! Protocols with options, as Python objects: `Binary` and its like, `Limits`.
#![expect(clippy::doc_markdown, reason = "the documentation of Python classes is for Python")]

use std::fmt::Write;

use fastthrift_protocol::{Limits, Protocol, UnknownProtocol};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple};

use crate::given::{Given, choice, count, flag, object_of, refused, within};
use crate::object::{Ref, borrowed, held, type_name};
use crate::settings::{Settings, Utf8};

/// The bounds of what is read, in place of the usual ones.
///
/// A bound that is not given, or None, is that of the place where the protocol is used: for `deserialize` and `connect` the one that
/// is named here, for a `Server` that of its own arguments.
///
/// Args:
///     message: Bytes of one message of a connection, 100 MiB by default, or of one struct that `deserialize` reads, by default as
///         many as there are.
///     string: Bytes of one string or binary. Default 100 MiB.
///     container: Elements of one list, set or map. Default 16,777,216.
///     depth: How deep structs and containers may nest, from 1 to 512, in what is read and in what is written. Default 64.
///     memory: Bytes of memory that the values of one struct may take, about: a byte of a message can stand for an object of a
///         hundred. Default 2 GiB.
///
/// Raises:
///     TypeError: A bound is no int.
///     ValueError: A bound is below 1 or above what can be.
#[pyclass(frozen, eq, hash, name = "Limits", module = "fastthrift")]
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    #[pyo3(get)]
    pub(crate) message: Option<usize>,
    #[pyo3(get)]
    pub(crate) string: Option<usize>,
    #[pyo3(get)]
    pub(crate) container: Option<usize>,
    #[pyo3(get)]
    pub(crate) depth: Option<u32>,
    #[pyo3(get)]
    pub(crate) memory: Option<usize>,
}

impl Bounds {
    /// These bounds, and those of `usual` where none is given.
    pub(crate) fn over(self, usual: Limits) -> Limits {
        Limits {
            message: self.message.unwrap_or(usual.message),
            string: self.string.unwrap_or(usual.string),
            container: self.container.unwrap_or(usual.container),
            depth: self.depth.unwrap_or(usual.depth),
            memory: self.memory.unwrap_or(usual.memory),
        }
    }

    fn given(self) -> impl Iterator<Item = (&'static str, usize)> {
        let depth = self.depth.and_then(|depth| usize::try_from(depth).ok());
        let all = [
            ("message", self.message),
            ("string", self.string),
            ("container", self.container),
            ("depth", depth),
            ("memory", self.memory),
        ];
        all.into_iter().filter_map(|(name, bound)| bound.map(|bound| (name, bound)))
    }
}

#[pymethods]
impl Bounds {
    #[new]
    #[pyo3(signature = (*, message=None, string=None, container=None, depth=None, memory=None))]
    fn new(
        message: Option<&Bound<'_, PyAny>>,
        string: Option<&Bound<'_, PyAny>>,
        container: Option<&Bound<'_, PyAny>>,
        depth: Option<&Bound<'_, PyAny>>,
        memory: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let bound = |name, value: Option<&Bound<'_, PyAny>>| value.map(|value| count(name, value)).transpose();
        Ok(Self {
            message: bound("message", message)?,
            string: bound("string", string)?,
            container: bound("container", container)?,
            depth: depth.map(|value| depth_of("depth", value)).transpose()?,
            memory: bound("memory", memory)?,
        })
    }

    fn __repr__(&self) -> String {
        let given: Vec<_> = self.given().map(|(name, bound)| format!("{name}={bound}")).collect();
        format!("Limits({})", given.join(", "))
    }

    /// What a pickle or a copy is made of.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        let named = PyDict::new(py);
        for (name, bound) in self.given() {
            named.set_item(name, bound)?;
        }
        Ok((PyTuple::empty(py), named))
    }
}

/// How deep values may nest: no deeper than a thread's stack allows.
pub(crate) fn depth_of(name: &str, value: &Bound<'_, PyAny>) -> PyResult<u32> {
    let most = usize::try_from(Limits::MAX_DEPTH).unwrap_or(usize::MAX);
    Ok(u32::try_from(within(name, value, 1..=most)?).unwrap_or(Limits::MAX_DEPTH))
}

/// A protocol with options: what `Binary` and its like extend.
#[pyclass(frozen, subclass, eq, hash, module = "fastthrift._core")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WireProtocol {
    protocol: Protocol,
    pub(crate) strict: bool,
    pub(crate) old: bool,
    utf8: Utf8,
    pub(crate) bounds: Bounds,
}

impl WireProtocol {
    fn new(protocol: Protocol, utf8: &Given<'_>, limits: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let choices = [("strict", Utf8::Strict), ("bytes", Utf8::Bytes)];
        let utf8 = utf8.read("utf8", Utf8::Strict, |name, given| choice(name, &choices, given))?;
        let bounds = object_of::<Bounds>("limits", limits)?.map(|limits| *limits.get()).unwrap_or_default();
        Ok(Self { protocol, strict: false, old: false, utf8, bounds })
    }

    /// What the walk has to know.
    pub(crate) fn settings(&self) -> Settings {
        let settings = *Settings::plain(self.protocol);
        let Self { strict, old, utf8, bounds, .. } = *self;
        Settings { strict, old, utf8, limits: bounds.over(settings.limits), ..settings }
    }

    /// The options that are not at their default.
    fn options<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let options = PyDict::new(py);
        for (name, is_set) in [("strict", self.strict), ("old", self.old)] {
            if is_set {
                options.set_item(name, true)?;
            }
        }
        if self.utf8 != Utf8::Strict {
            options.set_item("utf8", self.utf8())?;
        }
        if self.bounds != Bounds::default() {
            options.set_item("limits", self.limits())?;
        }
        Ok(options)
    }
}

#[pymethods]
impl WireProtocol {
    /// The protocol's plain name.
    #[getter]
    fn name(&self) -> &'static str {
        self.protocol.name()
    }

    /// What becomes of a `string` that is not UTF-8.
    #[getter]
    fn utf8(&self) -> &'static str {
        match self.utf8 {
            Utf8::Strict => "strict",
            Utf8::Bytes => "bytes",
        }
    }

    /// The bounds of what is read.
    #[getter]
    fn limits(&self) -> Bounds {
        self.bounds
    }

    fn __repr__(this: &Bound<'_, Self>) -> PyResult<String> {
        let mut text = format!("{}(", this.get_type().name()?);
        for (place, (name, value)) in this.get().options(this.py())?.iter().enumerate() {
            let separator = if place == 0 { "" } else { ", " };
            write!(text, "{separator}{name}={}", value.repr()?).expect("invariant: a String can be written to");
        }
        text.push(')');
        Ok(text)
    }

    /// What a pickle or a copy is made of.
    fn __getnewargs_ex__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyTuple>, Bound<'py, PyDict>)> {
        Ok((PyTuple::empty(py), self.options(py)?))
    }
}

/// The Binary protocol with options; without any, it is `"binary"`.
///
/// Args:
///     strict: Whether a message that comes without a version, as very old libraries write it, is refused. Structs alone have none.
///     old: Whether a client's messages are written without a version, for peers that know of none. A server answers each message
///         in the form that it came in.
///     utf8: What becomes of a `string` that is not UTF-8. "strict" makes it an error; with "bytes" it is read as `bytes`, while
///         others stay `str`, and `bytes` are written where a `str` is expected.
///     limits: The bounds of what is read.
///
/// Raises:
///     ValueError: `utf8` is neither.
#[pyclass(frozen, extends = WireProtocol, module = "fastthrift")]
struct Binary;

#[pymethods]
impl Binary {
    #[new]
    #[pyo3(
        signature = (*, strict=Given::NOTHING, old=Given::NOTHING, utf8=Given::NOTHING, limits=None),
        text_signature = "(*, strict=False, old=False, utf8='strict', limits=None)"
    )]
    #[expect(clippy::needless_pass_by_value, reason = "Python passes them so")]
    fn new(
        strict: Given<'_>,
        old: Given<'_>,
        utf8: Given<'_>,
        limits: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let (strict, old) = (strict.read("strict", false, flag)?, old.read("old", false, flag)?);
        let base = WireProtocol { strict, old, ..WireProtocol::new(Protocol::Binary, &utf8, limits)? };
        Ok(PyClassInitializer::from(base).add_subclass(Self))
    }

    /// Whether messages that come without a version are refused.
    #[getter]
    fn strict(this: &Bound<'_, Self>) -> bool {
        this.as_super().get().strict
    }

    /// Whether messages are written without a version.
    #[getter]
    fn old(this: &Bound<'_, Self>) -> bool {
        this.as_super().get().old
    }
}

/// Defines the class of a protocol whose options are those that all have.
macro_rules! plain_protocol {
    ($name:ident, $python:literal, $protocol:expr, $doc:literal) => {
        #[doc = $doc]
        ///
        /// Args:
        ///     utf8: What becomes of a `string` that is not UTF-8. "strict" makes it an error; with "bytes" it is read as `bytes`,
        ///         while others stay `str`, and `bytes` are written where a `str` is expected.
        ///     limits: The bounds of what is read.
        ///
        /// Raises:
        ///     ValueError: `utf8` is neither.
        #[pyclass(frozen, extends = WireProtocol, name = $python, module = "fastthrift")]
        struct $name;

        #[pymethods]
        impl $name {
            #[new]
            #[pyo3(signature = (*, utf8=Given::NOTHING, limits=None))]
            #[pyo3(text_signature = "(*, utf8='strict', limits=None)")]
            fn new(utf8: Given<'_>, limits: Option<&Bound<'_, PyAny>>) -> PyResult<PyClassInitializer<Self>> {
                let base = WireProtocol::new($protocol, &utf8, limits)?;
                Ok(PyClassInitializer::from(base).add_subclass(Self))
            }
        }
    };
}

plain_protocol!(
    Compact,
    "Compact",
    Protocol::Compact,
    "The Compact protocol with options; without any, it is `\"compact\"`."
);
plain_protocol!(
    Json,
    "JSON",
    Protocol::Json,
    "The JSON protocol with options; without any, it is `\"json\"`. It writes no text that is not UTF-8."
);
plain_protocol!(
    SimpleJson,
    "SimpleJSON",
    Protocol::SimpleJson,
    "The SimpleJSON protocol, JSON with the names of fields, with options; without any, it is `\"simplejson\"`. It writes no text that is \
     not UTF-8."
);

/// The settings that a Python value stands for, a protocol's name or a protocol object; those of Binary where none was given.
pub(crate) fn settings_of(value: Option<Ref>) -> PyResult<Settings> {
    match (plain_settings(value), value) {
        (None, Some(value)) => Ok(wire_protocol(&borrowed(held(), value))?.settings()),
        (settings, _) => Ok(*settings.unwrap_or(Settings::plain(Protocol::Binary))),
    }
}

/// The same where it takes no more than a look: for the very objects that names in a program's text are, and for no value.
#[inline]
pub(crate) fn plain_settings(value: Option<Ref>) -> Option<&'static Settings> {
    match value {
        None => Some(Settings::plain(Protocol::Binary)),
        Some(value) => interned(value).map(Settings::plain),
    }
}

/// The protocol whose name this very object is.
#[inline]
fn interned(value: Ref) -> Option<Protocol> {
    static NAMES: PyOnceLock<Vec<(Py<PyString>, Protocol)>> = PyOnceLock::new();
    let py = held();
    let names = NAMES.get_or_init(py, || {
        Protocol::ALL.iter().map(|protocol| (PyString::intern(py, protocol.name()).unbind(), *protocol)).collect()
    });
    names.iter().find(|(name, _)| name.as_ptr() == value).map(|(_, protocol)| *protocol)
}

/// What a protocol's name or a protocol object stands for.
pub(crate) fn wire_protocol(value: &Bound<'_, PyAny>) -> PyResult<WireProtocol> {
    if let Ok(protocol) = value.cast::<WireProtocol>() {
        return Ok(*protocol.get());
    }
    let Ok(name) = value.cast::<PyString>() else {
        let found = type_name(value.as_ptr());
        return Err(PyTypeError::new_err(format!(
            "protocol must be a str or a protocol such as Binary(), got {found}"
        )));
    };
    let protocol = name.to_str()?.parse().map_err(|error: UnknownProtocol| refused(&error))?;
    Ok(WireProtocol { protocol, strict: false, old: false, utf8: Utf8::Strict, bounds: Bounds::default() })
}

/// Adds the classes to the native module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<Bounds>()?;
    module.add_class::<WireProtocol>()?;
    module.add_class::<Binary>()?;
    module.add_class::<Compact>()?;
    module.add_class::<Json>()?;
    module.add_class::<SimpleJson>()
}
