use alloc::boxed::Box;
use core::fmt;

use fastthrift_protocol::{Limits, Path, PathStep, Protocol};

/// Why a value could not be written, and on which way to it.
///
/// One pointer wide, so that a `Result` of nothing stays in a register.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodeError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: EncodeErrorKind,
    path: Path,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EncodeErrorKind {
    /// More than 2^31 - 1 bytes or elements, which no protocol can say.
    TooLong(usize),
    /// Values that can hold others of their own type nest deeper than [`Limits::MAX_DEPTH`].
    DepthLimit,
    /// An element, key or value that is not set: only fields can be left out.
    NotSet,
    /// A container whose elements are not all of the type that it says: only values made by hand are so.
    MixedTypes,
    /// The output has no room for the rest; its owner knows why.
    NoRoom,
    /// A protocol for which there is no writer without a schema.
    Unsupported(Protocol),
}

impl EncodeError {
    /// An error without a path yet.
    #[cold]
    pub fn new(kind: EncodeErrorKind) -> Self {
        Self(Box::new(Inner { kind, path: Path::new() }))
    }

    /// What was wrong.
    pub fn kind(&self) -> &EncodeErrorKind {
        &self.0.kind
    }

    /// The way to the value, the outermost step first.
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &PathStep> {
        self.0.path.steps()
    }

    /// Says that the error happened inside `step` of a surrounding value.
    #[cold]
    #[must_use]
    pub fn within(mut self, step: PathStep) -> Self {
        self.0.path.begin_within(step);
        self
    }
}

impl fmt::Display for EncodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong(len) => write!(f, "{len} bytes or elements are more than the {} of any protocol", i32::MAX),
            Self::DepthLimit => write!(f, "nesting is deeper than the limit of {}", Limits::MAX_DEPTH),
            Self::NotSet => f.write_str("an element, key or value is not set"),
            Self::MixedTypes => f.write_str("elements of a container are of different types"),
            Self::NoRoom => f.write_str("the output has no room"),
            Self::Unsupported(protocol) => write!(f, "{protocol} needs a schema"),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.path, self.0.kind)
    }
}

impl core::error::Error for EncodeError {}
