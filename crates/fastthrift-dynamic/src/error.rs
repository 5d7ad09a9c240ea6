use std::fmt;

use fastthrift_protocol::{Path, PathStep};

/// Why a value could not be written, and on which way to it.
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
    /// A value of another type.
    WrongType {
        /// What the schema says, in the words of the caller's language.
        expected: Box<str>,
        /// What came.
        found: Box<str>,
    },
    /// A number outside the range of its type.
    OutOfRange {
        /// The type.
        expected: &'static str,
        /// The number, as text.
        value: Box<str>,
    },
    /// A required field is not set.
    MissingField {
        /// The struct.
        structure: Box<str>,
        /// The field.
        field: Box<str>,
    },
    /// A field that the struct does not have.
    UnknownField {
        /// The struct.
        structure: Box<str>,
        /// The name that it has no field of.
        field: Box<str>,
        /// The field whose name is most like it, if one is.
        nearest: Option<Box<str>>,
    },
    /// An argument that is neither given nor has a default value.
    MissingArgument {
        /// The argument.
        argument: Box<str>,
    },
    /// A union with no member set, or with several.
    UnionMembers {
        /// The union.
        union: Box<str>,
        /// How many members are set.
        count: usize,
    },
    /// More than 2^31 - 1 bytes or elements.
    TooLong(usize),
    /// Values nest deeper than this limit, or contain themselves.
    DepthLimit(u32),
    /// The output has no room for the rest; its owner knows why.
    NoRoom,
    /// Anything else, in words.
    Invalid(Box<str>),
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
            Self::WrongType { expected, found } => write!(f, "expected {expected}, got {found}"),
            Self::OutOfRange { expected, value } => write!(f, "{value} is outside the range of {expected}"),
            Self::MissingField { structure, field } => {
                write!(f, "required field '{field}' of '{structure}' is not set")
            }
            Self::UnknownField { structure, field, nearest } => {
                write!(f, "'{structure}' has no field '{field}'")?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, ", did you mean '{nearest}'?"))
            }
            Self::MissingArgument { argument } => write!(f, "argument '{argument}' is missing"),
            Self::UnionMembers { union, count: 0 } => write!(f, "union '{union}' holds no member, expected one"),
            Self::UnionMembers { union, count } => write!(f, "union '{union}' holds {count} members, expected one"),
            Self::TooLong(size) => write!(f, "size {size} is over 2147483647, the largest that can be written"),
            Self::DepthLimit(limit) => {
                write!(f, "nesting is deeper than the limit of {limit}, or a value contains itself")
            }
            Self::NoRoom => f.write_str("there is no room for the rest of the value"),
            Self::Invalid(text) => f.write_str(text),
        }
    }
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.0.path, self.0.kind)
    }
}

impl std::error::Error for EncodeError {}
