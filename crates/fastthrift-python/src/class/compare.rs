//! `==` and `hash` of instances.
#![allow(unsafe_code)]

use std::ffi::c_int;

use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::behaviour::{fields, info};
use super::equality::are_equal;
use super::instance::Slots;
use super::{ClassInfo, info_of, none};
use crate::error::restore;
use crate::object::{Ref, guarded, held};
use crate::primitive::{ascii, integer, is_plain};

pub(super) unsafe extern "C" fn rich_compare(left: Ref, right: Ref, operation: c_int) -> Ref {
    // SAFETY: CPython hands in live objects; what is known of their classes lives as long as no Python code runs.
    unsafe {
        if operation != ffi::Py_EQ && operation != ffi::Py_NE {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        }
        let (Some(info), Some(other)) = (info_of(ffi::Py_TYPE(left)), info_of(ffi::Py_TYPE(right))) else {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        };
        if !std::ptr::eq(info, other) {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        }
        let same = match compare_plain(left, right, info, 0) {
            Compared::Done(same) => same,
            Compared::Until(place) => match guarded(|| equal_from(left, right, place)) {
                Ok(same) => same,
                Err(error) => {
                    restore(error);
                    return std::ptr::null_mut();
                }
            },
        };
        ffi::Py_NewRef(if same == (operation == ffi::Py_EQ) { ffi::Py_True() } else { ffi::Py_False() })
    }
}

/// How far two instances were compared without Python code.
enum Compared {
    /// To the end, or to a difference.
    Done(bool),
    /// Up to the field at this place.
    Until(usize),
}

/// Compares the fields from one on until it needs Python code: nothing is kept alive, since nothing can go away.
#[inline]
fn compare_plain(left: Ref, right: Ref, info: &ClassInfo, from: usize) -> Compared {
    if cfg!(Py_GIL_DISABLED) {
        return if from == info.offsets().len() { Compared::Done(true) } else { Compared::Until(from) };
    }
    // SAFETY: both are instances of the info's class.
    let (left, right, none) = unsafe { (Slots::of(left), Slots::of(right), ffi::Py_None()) };
    for (place, &offset) in info.offsets().iter().enumerate().skip(from) {
        let (a, b) = (left.get(offset).unwrap_or(none), right.get(offset).unwrap_or(none));
        match plain_equal(a, b) {
            Some(true) => {}
            Some(false) => return Compared::Done(false),
            None => return Compared::Until(place),
        }
    }
    Compared::Done(true)
}

/// Whether two values are equal, where no Python code is needed to say so. One is equal to itself, as in containers.
#[inline]
fn plain_equal(a: Ref, b: Ref) -> Option<bool> {
    if a == b {
        return Some(true);
    }
    // SAFETY: both are live; each is read as what its class says that it is.
    unsafe {
        let class = ffi::Py_TYPE(a);
        if class != ffi::Py_TYPE(b) {
            None
        } else if class == &raw mut ffi::PyUnicode_Type {
            Some(ascii(a)? == ascii(b)?)
        } else if class == &raw mut ffi::PyLong_Type {
            Some(integer(a)? == integer(b)?)
        } else if class == &raw mut ffi::PyFloat_Type {
            Some(is_same_number(ffi::PyFloat_AS_DOUBLE(a), ffi::PyFloat_AS_DOUBLE(b)))
        } else {
            None
        }
    }
}

#[inline]
#[expect(clippy::float_cmp, reason = "this is Python's own comparison")]
fn is_same_number(a: f64, b: f64) -> bool {
    a == b
}

/// Compares the fields from one on that needs Python code, which may change the instances and take their class away.
#[cold]
fn equal_from(left: Ref, right: Ref, mut place: usize) -> PyResult<bool> {
    let info = info(left)?;
    // SAFETY: both are instances of the info's class.
    let (left_slots, right_slots) = unsafe { (Slots::of(left), Slots::of(right)) };
    while let Some(&offset) = info.offsets().get(place) {
        let owned = |slots: &Slots| slots.load(offset).unwrap_or_else(none);
        if !are_equal(&owned(&left_slots), &owned(&right_slots))? {
            return Ok(false);
        }
        match compare_plain(left, right, &info, place + 1) {
            Compared::Done(same) => return Ok(same),
            Compared::Until(next) => place = next,
        }
    }
    Ok(true)
}

/// Hashes by value, containers included, so that structs can be map keys and set elements. As with any such object, one must not be
/// changed while it is one.
pub(super) unsafe extern "C" fn hash(object: Ref) -> ffi::Py_hash_t {
    match struct_hash(object) {
        Ok(-1) => -2,
        Ok(hash) => hash,
        Err(error) => {
            restore(error);
            -1
        }
    }
}

fn struct_hash(object: Ref) -> PyResult<isize> {
    let info = info(object)?;
    let mut combined = 0x345_678_isize ^ isize::try_from(info.id.index()).unwrap_or(0);
    for (_, value) in fields(object, &info) {
        combined = combined.rotate_left(5).wrapping_mul(1_000_003) ^ deep_hash(value.as_ptr())?;
    }
    Ok(combined)
}

fn deep_hash(value: Ref) -> PyResult<isize> {
    if is_plain(value) {
        // SAFETY: the value is live.
        let hash = unsafe { ffi::PyObject_Hash(value) };
        return if hash == -1 { Err(PyErr::fetch(held())) } else { Ok(hash) };
    }
    guarded(|| container_hash(value))
}

/// Makes a hash's bits all count: small numbers hash to themselves, and so many of their combinations would be alike.
fn spread(hash: isize) -> isize {
    const ODD: isize = 0x5851_f42d_4c95_7f2d;
    let mixed = (hash ^ 0x2545_f491).wrapping_mul(ODD);
    (mixed ^ mixed.rotate_right(29)).wrapping_mul(ODD)
}

/// A list hashes like a tuple, a set like a frozenset, a dict by its entries in any order.
fn container_hash(value: Ref) -> PyResult<isize> {
    // SAFETY: the value is live, and kept while Python code hashes it.
    let value = unsafe { Bound::from_borrowed_ptr(held(), value) };
    // SAFETY: as above.
    unsafe {
        if ffi::PyList_Check(value.as_ptr()) != 0 {
            let mut combined = 0x345_679_isize;
            for item in value.try_iter()? {
                combined = combined.rotate_left(5).wrapping_mul(1_000_003) ^ deep_hash(item?.as_ptr())?;
            }
            return Ok(combined);
        }
        if ffi::PyAnySet_Check(value.as_ptr()) != 0 {
            return value
                .try_iter()?
                .try_fold(0x9e37_isize, |combined, item| Ok(combined ^ spread(deep_hash(item?.as_ptr())?)));
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            let mut combined = 0x9e3_779_isize;
            // Of a copy, since Python code may run, or another thread, and change the dict.
            for (key, value) in dict.copy()? {
                let key = deep_hash(key.as_ptr())?;
                combined ^= spread(key.rotate_left(7).wrapping_mul(1_000_003) ^ deep_hash(value.as_ptr())?);
            }
            return Ok(combined);
        }
    }
    value.hash()
}
