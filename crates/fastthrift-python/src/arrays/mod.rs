//! Lists of numbers as arrays: `numpy.ndarray`, `array.array` and `memoryview`.
//!
//! What is read goes right into an array's memory, and what is written is taken from there. No Python code runs meanwhile: only arrays
//! are taken whose class gives its memory away in C code, whoever extended it.
#![allow(unsafe_code)]

mod element;
mod export;
mod lent;
mod made;

use std::ffi::CStr;

use pyo3::ffi;

use crate::object::Ref;

pub(crate) use element::Element;
pub(crate) use lent::Lent;
pub(crate) use made::{Filling, Kind, Maker};

const NUMPY: &CStr = c"numpy.ndarray";
const ARRAY: &CStr = c"array.array";

/// Whether this is a `numpy.ndarray`, or extends it.
#[inline]
pub(crate) fn is_numpy(object: Ref) -> bool {
    has_memory(object) && base_named(object, &[NUMPY]).is_some()
}

/// Whether this is an array whose memory can be had without Python code: a memoryview, or a `numpy.ndarray` or `array.array` that does
/// not give its memory away in a way of its own.
fn is_array(object: Ref) -> bool {
    // SAFETY: the object is live, and so are its class and what that extends.
    unsafe {
        if ffi::PyMemoryView_Check(object) != 0 {
            return true;
        }
        let Some(base) = base_named(object, &[NUMPY, ARRAY]).filter(|_| has_memory(object)) else { return false };
        let (own, inherited) = ((*ffi::Py_TYPE(object)).tp_as_buffer, (*base).tp_as_buffer);
        let procs = |table: *mut ffi::PyBufferProcs| {
            let (get, release) = ((*table).bf_getbuffer, (*table).bf_releasebuffer);
            (get.map(|get| get as usize), release.map(|release| release as usize))
        };
        !inherited.is_null() && procs(own) == procs(inherited)
    }
}

/// Whether the object's class gives memory away at all; quickly told.
#[inline]
fn has_memory(object: Ref) -> bool {
    // SAFETY: the object is live, and so is its class.
    unsafe {
        let procs = (*ffi::Py_TYPE(object)).tp_as_buffer;
        !procs.is_null() && (*procs).bf_getbuffer.is_some()
    }
}

/// The class of one of these names that the object's class is or extends. Only classes that C code made count: Python code may give
/// any name to those that it makes.
fn base_named(object: Ref, names: &[&CStr]) -> Option<*mut ffi::PyTypeObject> {
    // SAFETY: the object is live, and so are its class and what that extends; their names are C strings.
    unsafe {
        let mut class = ffi::Py_TYPE(object);
        while !class.is_null() {
            let flags = ffi::PyType_GetFlags(class);
            let is_native = flags & ffi::Py_TPFLAGS_HEAPTYPE == 0 || flags & ffi::Py_TPFLAGS_IMMUTABLETYPE != 0;
            if is_native && names.contains(&CStr::from_ptr((*class).tp_name)) {
                return Some(class);
            }
            class = (*class).tp_base;
        }
        None
    }
}
