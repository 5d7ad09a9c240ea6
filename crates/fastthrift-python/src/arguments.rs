//! The arguments of a C function, sorted into their places.
#![allow(unsafe_code)]

use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::PyString;
use pyo3::{Bound, ffi};

use crate::object::{Ref, held};

/// What a function takes: its name, the names of its arguments, and how many of them may come by place.
pub(crate) struct Signature<const N: usize> {
    pub(crate) function: &'static str,
    pub(crate) names: [&'static str; N],
    pub(crate) positional: usize,
}

impl<const N: usize> Signature<N> {
    /// Sorts the arguments of a call into the places of their names.
    ///
    /// # Safety
    /// At `args` are `count` arguments, then one for each of the `keywords`, a tuple or null.
    #[inline]
    pub(crate) unsafe fn sort(&self, args: *const Ref, count: isize, keywords: Ref) -> PyResult<[Option<Ref>; N]> {
        let positional = usize::try_from(count).unwrap_or(0);
        if positional > self.positional {
            return Err(self.too_many(positional));
        }
        let mut found = [None; N];
        // SAFETY: by the caller's word.
        unsafe {
            for (place, slot) in found.iter_mut().take(positional).enumerate() {
                *slot = Some(*args.add(place));
            }
            if !keywords.is_null() {
                self.sort_named(args.offset(count), keywords, &mut found)?;
            }
        }
        Ok(found)
    }

    /// # Safety
    /// At `args` is an argument for each of the `keywords`, a tuple.
    unsafe fn sort_named(&self, args: *const Ref, keywords: Ref, found: &mut [Option<Ref>; N]) -> PyResult<()> {
        let function = self.function;
        // SAFETY: by the caller's word.
        unsafe {
            for place in 0..ffi::PyTuple_GET_SIZE(keywords) {
                let name =
                    Bound::from_borrowed_ptr(held(), ffi::PyTuple_GET_ITEM(keywords, place)).cast_into::<PyString>()?;
                let name = name.to_str()?;
                let Some(slot) = self.names.iter().position(|known| *known == name) else {
                    let text = format!("{function}() got an unexpected keyword argument '{name}'");
                    return Err(PyTypeError::new_err(text));
                };
                if found[slot].replace(*args.offset(place)).is_some() {
                    return Err(PyTypeError::new_err(format!("{function}() got several values for '{name}'")));
                }
            }
        }
        Ok(())
    }

    #[cold]
    fn too_many(&self, found: usize) -> PyErr {
        let Self { function, positional, names } = self;
        let kind = if *positional == names.len() { "" } else { "positional " };
        PyTypeError::new_err(format!("{function}() takes at most {positional} {kind}arguments, got {found}"))
    }

    /// An argument that must be there.
    #[inline]
    pub(crate) fn needed(&self, found: &[Option<Ref>; N], place: usize) -> PyResult<Ref> {
        found[place].ok_or_else(|| self.missing(place))
    }

    #[cold]
    fn missing(&self, place: usize) -> PyErr {
        PyTypeError::new_err(format!("{}() needs the argument '{}'", self.function, self.names[place]))
    }
}
