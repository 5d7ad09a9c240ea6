//! Refuses sets and maps whose elements or keys a peer chose such that Python hashes them alike.
//!
//! Each insertion compares with all that have the same hash, so that a set of them takes time that grows with the square of its size.
//! Python makes the hashes of texts and of bytes unforeseeable, and of numbers only a few have the same one; of UUIDs and of whatever
//! is put together from numbers there are as many as a peer likes.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::collections::hash_map::RandomState;

use fastthrift_dynamic::TypePlan;
use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use pyo3::ffi;

use crate::object::{Object, python_raised};

/// How many different elements of a set, or keys of a map, may have the same hash.
const MOST_ALIKE: u32 = 64;

/// A set or dict that is being filled.
pub(crate) struct Hashed {
    pub(crate) object: Object,
    /// How many there are of each hash, where that has to be watched.
    alike: Option<HashMap<ffi::Py_hash_t, u32, RandomState>>,
}

impl Hashed {
    /// Fills this object with `len` elements of a type. Few need no watch: so many can all be alike.
    #[inline]
    pub(crate) fn new(object: Object, ty: &TypePlan, len: usize) -> Self {
        let is_watched = u32::try_from(len).map_or(true, |len| len > MOST_ALIKE) && can_be_alike(ty);
        Self { object, alike: is_watched.then(HashMap::default) }
    }

    /// Fills this object, a list where sets are lists, or a set or dict that needs no watch.
    pub(crate) fn unwatched(object: Object) -> Self {
        Self { object, alike: None }
    }

    /// Puts an element or a key in, which `insert` does, as Python's functions do it: 0 when it went well, or else with a Python
    /// exception set.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        key: &Object,
        insert: impl FnOnce(*mut ffi::PyObject) -> i32,
    ) -> Result<(), DecodeError> {
        if self.alike.is_some() {
            return self.watched(key, insert);
        }
        if insert(self.object.as_ptr()) == 0 { Ok(()) } else { Err(python_raised()) }
    }

    #[cold]
    #[inline(never)]
    fn watched(&mut self, key: &Object, insert: impl FnOnce(*mut ffi::PyObject) -> i32) -> Result<(), DecodeError> {
        let before = self.len();
        // SAFETY: the key is live.
        let hash = unsafe { ffi::PyObject_Hash(key.as_ptr()) };
        if hash == -1 || insert(self.object.as_ptr()) != 0 {
            return Err(python_raised());
        }
        if self.len() > before { self.note(hash) } else { Ok(()) }
    }

    /// Counts one more of this hash.
    fn note(&mut self, hash: ffi::Py_hash_t) -> Result<(), DecodeError> {
        let Some(alike) = &mut self.alike else { return Ok(()) };
        let count = alike.entry(hash).or_default();
        *count += 1;
        if *count > MOST_ALIKE {
            let text = format!("more than {MOST_ALIKE} different keys or elements have the same hash");
            return Err(DecodeError::unplaced(DecodeErrorKind::Invalid(text.into())));
        }
        Ok(())
    }

    fn len(&self) -> isize {
        // SAFETY: the object is live, and a set or a dict.
        unsafe { ffi::PyObject_Size(self.object.as_ptr()) }
    }
}

/// Whether a peer can find as many values of this type as it likes that are hashed alike.
fn can_be_alike(ty: &TypePlan) -> bool {
    use TypePlan::{Binary, Bool, Double, Enum, I8, I16, I32, I64, String};
    !matches!(ty, Bool | I8 | I16 | I32 | I64 | Double | String | Binary | Enum(_))
}
