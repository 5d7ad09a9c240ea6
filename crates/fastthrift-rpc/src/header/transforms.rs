use std::ops::Deref;

use super::Transform;
use crate::HeaderError;

/// How many transforms a frame may have: each takes time and memory of its own.
const MAX: usize = 4;

/// The transforms of one frame, in the order in which they were applied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Transforms {
    list: [Transform; MAX],
    len: usize,
}

impl Transforms {
    /// Adds one behind the others.
    pub(super) fn push(&mut self, transform: Transform) -> Result<(), HeaderError> {
        *self.list.get_mut(self.len).ok_or(HeaderError::TooManyTransforms)? = transform;
        self.len += 1;
        Ok(())
    }
}

impl Deref for Transforms {
    type Target = [Transform];

    fn deref(&self) -> &[Transform] {
        &self.list[..self.len]
    }
}
