//! Where in a value an error is: cold functions, so that what is around them stays small.

use fastthrift_protocol::{DecodeError, PathStep};

use super::EncodeError;

/// A step of a path that takes no memory yet.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    /// A field.
    Field(&'static str),
    /// An element.
    Index(usize),
    /// An entry's key.
    Key(usize),
    /// An entry's value.
    Value(usize),
}

impl From<Place> for PathStep {
    fn from(place: Place) -> Self {
        match place {
            Place::Field(name) => Self::Field(name.into()),
            Place::Index(index) => Self::Index(index),
            Place::Key(index) => Self::Key(index),
            Place::Value(index) => Self::Value(index),
        }
    }
}

/// An error that can be told where it was.
pub trait Placed {
    /// The error with one more step before its path.
    #[must_use]
    fn within_place(self, place: Place) -> Self;
}

impl Placed for DecodeError {
    #[cold]
    #[inline(never)]
    fn within_place(self, place: Place) -> Self {
        self.within(place.into())
    }
}

impl Placed for EncodeError {
    #[cold]
    #[inline(never)]
    fn within_place(self, place: Place) -> Self {
        self.within(place.into())
    }
}
