use alloc::boxed::Box;
use core::fmt;

use crate::{Path, PathStep};

/// Why bytes could not be read as what was expected, where, and on which way there.
///
/// One pointer wide, so that a `Result` of a small value stays in registers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    kind: DecodeErrorKind,
    offset: usize,
    path: Path,
}

/// What was wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input ended inside a value that needs at least `needed` more bytes.
    UnexpectedEnd {
        /// How many bytes are missing at least.
        needed: usize,
    },
    /// A size below zero.
    NegativeSize(i64),
    /// A size beyond its limit.
    SizeLimit {
        /// Which of [`crate::Limits`].
        what: &'static str,
        /// The size that came.
        size: usize,
        /// The limit.
        limit: usize,
    },
    /// Structs and containers nest deeper than this limit.
    DepthLimit(u32),
    /// A number that stands for no type.
    InvalidType(u8),
    /// A container's elements are not what the schema says.
    ElementType {
        /// What the schema says.
        expected: crate::TType,
        /// What came.
        found: crate::TType,
    },
    /// Text that is not UTF-8.
    InvalidUtf8,
    /// A variable-length integer that is too long or too large for its type.
    InvalidVarint,
    /// A number outside the range of its type.
    OutOfRange(i64),
    /// A message that starts with neither this protocol's version nor an accepted older form.
    BadVersion(u32),
    /// A number that stands for no message type.
    InvalidMessageType(u8),
    /// JSON text that goes on in another way than it must.
    Json {
        /// What must stand there.
        expected: &'static str,
        /// The byte that stands there.
        found: u8,
    },
    /// A required field did not come.
    MissingField(Box<str>),
    /// Anything else that makes the input unusable, in words.
    Invalid(Box<str>),
}

impl DecodeError {
    /// An error at this offset of the input.
    #[cold]
    pub fn new(kind: DecodeErrorKind, offset: usize) -> Self {
        Self(Box::new(Inner { kind, offset, path: Path::new() }))
    }

    /// An error of somebody who does not know where in the input the reader is; see [`DecodeError::placed`].
    #[cold]
    pub fn unplaced(kind: DecodeErrorKind) -> Self {
        Self::new(kind, Self::UNPLACED)
    }

    /// Says that the reader was at this offset, where the error does not know its own.
    #[cold]
    #[must_use]
    pub fn placed(mut self, offset: usize) -> Self {
        if self.0.offset == Self::UNPLACED {
            self.0.offset = offset;
        }
        self
    }

    /// No input is this long.
    const UNPLACED: usize = usize::MAX;

    /// What was wrong.
    pub fn kind(&self) -> &DecodeErrorKind {
        &self.0.kind
    }

    /// Where, in bytes from the start of the slice.
    pub fn offset(&self) -> usize {
        self.0.offset
    }

    /// The way to the place, the outermost step first.
    pub fn path(&self) -> impl DoubleEndedIterator<Item = &PathStep> {
        self.0.path.steps()
    }

    /// Says that the slice that was read starts at this offset of a larger whole.
    #[cold]
    #[must_use]
    pub fn moved(mut self, start: usize) -> Self {
        self.0.offset += start;
        self
    }

    /// Says that the error happened inside `step` of a surrounding value.
    #[cold]
    #[must_use]
    pub fn within(mut self, step: PathStep) -> Self {
        self.0.path.begin_within(step);
        self
    }
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnexpectedEnd { needed } => write!(f, "the input ends, at least {needed} more bytes were expected"),
            Self::NegativeSize(size) => write!(f, "negative size {size}"),
            Self::SizeLimit { what, size, limit } => write!(f, "size {size} is over the limit of {limit} for a {what}"),
            Self::DepthLimit(limit) => write!(f, "nesting is deeper than the limit of {limit}"),
            Self::InvalidType(number) => write!(f, "{number} is no type"),
            Self::ElementType { expected, found } => write!(f, "expected elements of type {expected:?}, got {found:?}"),
            Self::InvalidUtf8 => f.write_str("string is not valid UTF-8"),
            Self::InvalidVarint => f.write_str("variable-length integer is too long or too large for its type"),
            Self::OutOfRange(value) => write!(f, "{value} is outside the range of its type"),
            Self::BadVersion(word) => write!(f, "no message starts with {word:#010x}"),
            Self::InvalidMessageType(number) => write!(f, "{number} is no message type"),
            Self::Json { expected, found } => write!(f, "expected {expected}, got '{}'", found.escape_ascii()),
            Self::MissingField(name) => write!(f, "required field '{name}' is missing"),
            Self::Invalid(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{} (at byte {})", self.0.path, self.0.kind, self.0.offset)
    }
}

impl core::error::Error for DecodeError {}
