//! Whether two values of a field are equal.
#![allow(unsafe_code)]

use pyo3::exceptions::PyValueError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::arrays::is_numpy;
use crate::object::{Object, Ref, guarded, held};

/// How deep arrays are looked for in containers.
const DEEPEST: usize = 16;

/// Compares as Python does, and takes an object to be equal to itself, as containers do. But numpy arrays, and containers that hold
/// some, are compared as a whole: numpy's own `==` gives an array, of which nobody can tell whether it is true.
#[inline]
pub(super) fn are_equal(a: &Object, b: &Object) -> PyResult<bool> {
    if a.as_ptr() == b.as_ptr() {
        return Ok(true);
    }
    if is_numpy(a.as_ptr()) || is_numpy(b.as_ptr()) {
        return arrays_equal(a, b);
    }
    if holds_arrays(a.as_ptr()) || holds_arrays(b.as_ptr()) {
        return elements_equal(a, b);
    }
    // SAFETY: both are live, and kept by the caller.
    match unsafe { ffi::PyObject_RichCompareBool(a.as_ptr(), b.as_ptr(), ffi::Py_EQ) } {
        0 => Ok(false),
        1 => Ok(true),
        _ => after_error(a, b, PyErr::fetch(held())),
    }
}

/// Whether both are arrays of equal shape whose numbers are equal; of one that is no array, such as a list, numpy makes one.
#[cold]
fn arrays_equal(a: &Object, b: &Object) -> PyResult<bool> {
    let py = held();
    let arrays = (a.clone().into_bound(py), b.clone().into_bound(py));
    py.import("numpy")?.getattr("array_equal")?.call1(arrays)?.is_truthy()
}

/// Whether the first element of a list, or the first value of a dict, is a numpy array or holds some.
fn holds_arrays(mut object: Ref) -> bool {
    if cfg!(Py_GIL_DISABLED) {
        // Another thread could take an element away; there, numpy's error shows where arrays are.
        return false;
    }
    for _ in 0..DEEPEST {
        // SAFETY: the object is live, and the borrowed elements are not kept longer than until other code can run.
        object = unsafe {
            if ffi::PyList_CheckExact(object) != 0 && ffi::PyList_GET_SIZE(object) > 0 {
                ffi::PyList_GET_ITEM(object, 0)
            } else if ffi::PyDict_CheckExact(object) != 0 {
                let (mut position, mut value) = (0, std::ptr::null_mut());
                if ffi::PyDict_Next(object, &raw mut position, std::ptr::null_mut(), &raw mut value) == 0 {
                    return false;
                }
                value
            } else {
                return false;
            }
        };
        if is_numpy(object) {
            return true;
        }
    }
    false
}

/// The arrays may come later in a container; then numpy said that it cannot tell.
#[cold]
fn after_error(a: &Object, b: &Object, error: PyErr) -> PyResult<bool> {
    let is_container = |object: &Object| {
        // SAFETY: the object is live.
        unsafe { ffi::PyList_Check(object.as_ptr()) != 0 || ffi::PyDict_Check(object.as_ptr()) != 0 }
    };
    if error.is_instance_of::<PyValueError>(held()) && is_container(a) && is_container(b) {
        return elements_equal(a, b);
    }
    Err(error)
}

/// Compares two containers element by element.
#[cold]
fn elements_equal(a: &Object, b: &Object) -> PyResult<bool> {
    let (left, right) = (a.clone().into_bound(held()), b.clone().into_bound(held()));
    guarded(|| {
        if let (Ok(left), Ok(right)) = (left.cast::<PyList>(), right.cast::<PyList>()) {
            return lists_equal(left, right);
        }
        if let (Ok(left), Ok(right)) = (left.cast::<PyDict>(), right.cast::<PyDict>()) {
            return dicts_equal(left, right);
        }
        left.eq(&right)
    })
}

fn lists_equal(left: &Bound<'_, PyList>, right: &Bound<'_, PyList>) -> PyResult<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    for (a, b) in left.iter().zip(right.iter()) {
        if !are_equal(&a.into(), &b.into())? {
            return Ok(false);
        }
    }
    Ok(left.len() == right.len())
}

fn dicts_equal(left: &Bound<'_, PyDict>, right: &Bound<'_, PyDict>) -> PyResult<bool> {
    if left.len() != right.len() {
        return Ok(false);
    }
    // Of a copy, since Python code may run and change the dict.
    for (key, a) in left.copy()? {
        let Some(b) = right.get_item(key)? else { return Ok(false) };
        if !are_equal(&a.into(), &b.into())? {
            return Ok(false);
        }
    }
    Ok(true)
}
