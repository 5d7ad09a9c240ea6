use std::fmt;
use std::sync::Arc;

use fastthrift_schema::nearest;

use super::{StructValue, Value, ValueError};
use crate::CallError;

/// Why a call has no result: the one error of dynamic clients and handlers.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    /// The service has no such function. Nothing was sent.
    UnknownFunction(UnknownName),
    /// The arguments are not what the function takes. Nothing was sent.
    Arguments {
        /// The function.
        function: Arc<str>,
        /// What is wrong with which one.
        error: ValueError,
    },
    /// An exception that the function declares.
    Exception(Exception),
    /// Anything else.
    Call(CallError),
}

/// An exception that a function declares, and its value.
///
/// Two are equal when their types' names and their values are.
#[derive(Debug, Clone)]
pub struct Exception {
    name: Arc<str>,
    declared: Option<Arc<str>>,
    value: StructValue,
}

/// A name that is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnknownName {
    what: &'static str,
    of: Box<str>,
    name: Box<str>,
    nearest: Option<Box<str>>,
}

impl Exception {
    /// An exception for a handler to answer with. The name is that of its type, or the one that the function declares it by.
    ///
    /// ```
    /// use fastthrift::dynamic::{Exception, fields};
    ///
    /// let overflow = Exception::new("Overflow", fields! { message: "too large" });
    /// assert_eq!(overflow.get("message").and_then(|text| text.as_str()), Some("too large"));
    /// ```
    pub fn new(name: &str, fields: impl Into<StructValue>) -> Self {
        Self { name: name.into(), declared: None, value: fields.into() }
    }

    pub(super) fn declared(name: Arc<str>, declared: Arc<str>, value: StructValue) -> Self {
        Self { name, declared: Some(declared), value }
    }

    /// The name of its type.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name by which the function declares it, of one that was received.
    pub fn declared_as(&self) -> Option<&str> {
        self.declared.as_deref()
    }

    /// Its fields.
    pub fn value(&self) -> &StructValue {
        &self.value
    }

    /// Its fields.
    pub fn into_value(self) -> StructValue {
        self.value
    }

    /// The value of a field, if it is set.
    pub fn get(&self, field: &str) -> Option<&Value> {
        self.value.get(field)
    }
}

impl UnknownName {
    #[cold]
    pub(super) fn new<'a>(what: &'static str, of: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let nearest = nearest(name, known.into_iter().collect()).map(Into::into);
        Self { what, of: of.into(), name: name.into(), nearest }
    }

    /// The name that was asked for.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The name that is there and most like it, if one is.
    pub fn nearest(&self) -> Option<&str> {
        self.nearest.as_deref()
    }
}

impl Error {
    /// The exception that the function declares, when that is why.
    pub fn exception(&self) -> Option<&Exception> {
        if let Self::Exception(exception) = self { Some(exception) } else { None }
    }

    /// What went wrong with the call, when that is why.
    pub fn call_error(&self) -> Option<&CallError> {
        if let Self::Call(error) = self { Some(error) } else { None }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownFunction(error) => error.fmt(f),
            Self::Arguments { function, error } => write!(f, "'{function}' cannot be called: {error}"),
            Self::Exception(exception) => exception.fmt(f),
            Self::Call(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::UnknownFunction(error) => Some(error),
            Self::Arguments { error, .. } => Some(error),
            Self::Exception(exception) => Some(exception),
            Self::Call(error) => Some(error),
        }
    }
}

impl From<CallError> for Error {
    fn from(error: CallError) -> Self {
        Self::Call(error)
    }
}

impl From<Exception> for Error {
    fn from(exception: Exception) -> Self {
        Self::Exception(exception)
    }
}

impl From<UnknownName> for Error {
    fn from(error: UnknownName) -> Self {
        Self::UnknownFunction(error)
    }
}

impl PartialEq for Exception {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.value == other.value
    }
}

impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.value.type_name().is_none() {
            write!(f, "{} ", self.name)?;
        }
        self.value.fmt(f)
    }
}

impl std::error::Error for Exception {}

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, of, name, nearest } = self;
        write!(f, "'{of}' has no {what} '{}'", name.escape_debug())?;
        nearest.as_ref().map_or(Ok(()), |nearest| write!(f, ", did you mean '{nearest}'?"))
    }
}

impl std::error::Error for UnknownName {}
