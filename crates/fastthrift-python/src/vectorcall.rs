//! Objects that CPython calls without making a tuple of the arguments, and finds as methods without binding them.
#![allow(unsafe_code)]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::OnceLock;

use pyo3::panic::PanicException;
use pyo3::prelude::*;
use pyo3::pyclass::boolean_struct::True;
use pyo3::sync::OnceLockExt;
use pyo3::types::{PyDict, PyTuple};
use pyo3::{Borrowed, PyClass, ffi};

use crate::class::add_flag;
use crate::error::restore;
use crate::object::{Object, Ref, held};

/// Where CPython finds, in an object itself, how to call it.
#[repr(transparent)]
pub(crate) struct Entry(ffi::vectorcallfunc);

/// What such an object does.
pub(crate) trait Callable: PyClass<Frozen = True> + Sync {
    /// Its [`Entry`], made for this very class.
    fn entry(&self) -> &Entry;

    /// Calls it with these arguments, if they are as usual; `None` leaves the call to the class's `__call__`. A `Py` that is dropped
    /// meanwhile lives until the interpreter is next held by way of PyO3.
    fn call_plainly(&self, values: &[Object]) -> Option<PyResult<Object>>;
}

impl Entry {
    /// For objects of this class.
    pub(crate) fn of<T: Callable>() -> Self {
        Self(enter::<T>)
    }
}

/// Tells CPython of the [`Entry`] of objects of a class, of which this is one that nobody has called yet; `once` is the class's own.
pub(crate) fn prepare<T: Callable>(object: &Bound<'_, T>, once: &OnceLock<()>) {
    once.get_or_init_py_attached(object.py(), || {
        let class = object.as_any().get_type().as_type_ptr();
        let entry = std::ptr::from_ref(object.get().entry()).addr() - object.as_ptr().addr();
        // SAFETY: the class lives as long as `object`, and no object of it is called yet. Where the entry is in them is up to their
        // class alone, and what is in a frozen one never changes.
        unsafe {
            (*class).tp_vectorcall_offset = entry.cast_signed();
            add_flag(class, ffi::Py_TPFLAGS_HAVE_VECTORCALL | ffi::Py_TPFLAGS_METHOD_DESCRIPTOR);
            ffi::PyType_Modified(class);
        }
    });
}

/// Calls an object of this class.
unsafe extern "C" fn enter<T: Callable>(object: Ref, args: *const Ref, flags: usize, names: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython hands in an object that has this entry, with its arguments; they live until the call returns, and here they
        // are lent only: an `Object` is a pointer to what lives.
        let plain = unsafe {
            let count = usize::try_from(ffi::PyVectorcall_NARGS(flags)).unwrap_or(0);
            let values = if args.is_null() { std::ptr::dangling() } else { args.cast() };
            let this = Borrowed::from_ptr(held(), object).cast_unchecked::<T>();
            if names.is_null() { this.get().call_plainly(std::slice::from_raw_parts(values, count)) } else { None }
        };
        match plain {
            Some(Ok(result)) => result.into_ptr(),
            Some(Err(error)) => raise(error),
            // SAFETY: as above; nothing has looked at the arguments that would not be done again.
            None => unsafe { call_generally(object, args, flags, names) },
        }
    };
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| raise(bug()))
}

/// Calls by way of the class's `__call__`.
#[cold]
unsafe fn call_generally(object: Ref, args: *const Ref, flags: usize, names: Ref) -> Ref {
    let call = |py| -> PyResult<Ref> {
        // SAFETY: CPython hands in the positional and then the keyword arguments, whose names are in a tuple.
        unsafe {
            let count = ffi::PyVectorcall_NARGS(flags);
            let argument = |place: isize| Bound::from_borrowed_ptr(py, *args.offset(place));
            let positional = PyTuple::new(py, (0..count).map(argument).collect::<Vec<_>>())?;
            let by_name = (!names.is_null()).then(|| PyDict::new(py));
            if let Some(by_name) = &by_name {
                for place in 0..ffi::PyTuple_GET_SIZE(names) {
                    let name = Bound::from_borrowed_ptr(py, ffi::PyTuple_GET_ITEM(names, place));
                    by_name.set_item(name, argument(count + place))?;
                }
            }
            let by_name = by_name.as_ref().map_or(std::ptr::null_mut(), Bound::as_ptr);
            let call = (*ffi::Py_TYPE(object)).tp_call.expect("invariant: the class has a `__call__`");
            Ok(call(object, positional.as_ptr(), by_name))
        }
    };
    call(held()).unwrap_or_else(raise)
}

#[cold]
fn bug() -> PyErr {
    PanicException::new_err("a bug in fastthrift: see what was printed")
}

#[cold]
fn raise(error: PyErr) -> Ref {
    restore(error);
    std::ptr::null_mut()
}
