//! Numbers and text between Python objects and machine values.
#![allow(unsafe_code)]

use fastthrift_protocol::copy_bytes;
use pyo3::ffi;

use crate::object::{Object, Ref};

/// Reads a Python integer that fits 64 bits; `None` for a larger one and for anything that is no integer.
#[inline]
pub(crate) fn integer(object: Ref) -> Option<i64> {
    // SAFETY: `object` is live; the layout of small integers is checked by `digits`.
    unsafe {
        if ffi::PyLong_CheckExact(object) != 0
            && let Some(value) = digits::small(object)
        {
            return Some(value);
        }
        if ffi::PyLong_Check(object) == 0 {
            return None;
        }
        let mut overflow = 0;
        let value = ffi::PyLong_AsLongLongAndOverflow(object, &raw mut overflow);
        (overflow == 0).then_some(value)
    }
}

#[cfg(Py_3_12)]
mod digits {
    use pyo3::ffi;

    /// The head of CPython's `PyLongObject` since 3.12: sign and digit count in one tag, then 30-bit digits.
    #[repr(C)]
    struct Long {
        base: ffi::PyObject,
        tag: usize,
        digits: [u32; 2],
    }

    /// The value of an integer of at most one digit, or two.
    #[inline]
    pub(super) unsafe fn small(object: *mut ffi::PyObject) -> Option<i64> {
        // SAFETY: the caller checked that this is an exact int; the second digit is read only when the tag says it is there.
        unsafe {
            let long = object.cast::<Long>();
            let tag = (*long).tag;
            let sign = 1 - i64::from((tag & 3) == 2) * 2;
            let digits = &raw const (*long).digits;
            match tag >> 3 {
                0 => Some(0),
                1 => Some(sign * i64::from(*digits.cast::<u32>())),
                2 => {
                    let high = i64::from(*digits.cast::<u32>().add(1));
                    Some(sign * (high << 30 | i64::from(*digits.cast::<u32>())))
                }
                _ => None,
            }
        }
    }
}

#[cfg(not(Py_3_12))]
mod digits {
    use pyo3::ffi;

    /// The head of CPython's `PyLongObject` before 3.12: a size whose sign is the number's, then 30-bit digits.
    #[repr(C)]
    struct Long {
        base: ffi::PyVarObject,
        digits: [u32; 2],
    }

    /// The value of an integer of at most two digits.
    #[inline]
    pub(super) unsafe fn small(object: *mut ffi::PyObject) -> Option<i64> {
        // SAFETY: the caller checked that this is an exact int; only digits that the size announces are read.
        unsafe {
            let long = object.cast::<Long>();
            let digits = (&raw const (*long).digits).cast::<u32>();
            let two = || i64::from(*digits.add(1)) << 30 | i64::from(*digits);
            let size = (*long).base.ob_size;
            // There is always place for one digit, whatever it holds when the number is 0.
            if matches!(size, -1..=1) {
                return Some(i64::try_from(size).unwrap_or(0) * i64::from(*digits));
            }
            match size {
                2 => Some(two()),
                -2 => Some(-two()),
                _ => None,
            }
        }
    }
}

/// Makes a `str` of UTF-8 bytes; `Err` gives how many of the first bytes are valid. `Ok(None)` says that a Python exception is set.
#[inline]
pub(crate) fn text(bytes: &[u8]) -> Result<Option<Object>, usize> {
    if !bytes.is_ascii() {
        return wide_text(bytes);
    }
    let len = isize::try_from(bytes.len()).expect("invariant: a slice is at most isize::MAX bytes long");
    // SAFETY: a new compact ASCII string has `len` writable bytes right behind its head.
    unsafe {
        let string = ffi::PyUnicode_New(len, 127);
        if !string.is_null() && len > 0 {
            let data = string.cast::<u8>().add(size_of::<ffi::PyASCIIObject>());
            copy_bytes(bytes, std::slice::from_raw_parts_mut(data.cast(), bytes.len()));
        }
        Ok(Object::from_new(string))
    }
}

#[cold]
fn wide_text(bytes: &[u8]) -> Result<Option<Object>, usize> {
    if let Err(error) = std::str::from_utf8(bytes) {
        return Err(error.valid_up_to());
    }
    let len = isize::try_from(bytes.len()).expect("invariant: a slice is at most isize::MAX bytes long");
    // SAFETY: the pointer and length are those of a slice of valid UTF-8.
    unsafe { Ok(Object::from_new(ffi::PyUnicode_FromStringAndSize(bytes.as_ptr().cast(), len))) }
}

/// The UTF-8 of a `str`; `None` when it is no `str` or holds a lone surrogate. Valid as long as the object lives.
#[inline]
pub(crate) fn utf8<'a>(object: Ref) -> Option<&'a [u8]> {
    // SAFETY: `object` is live; CPython keeps the bytes as long as the string.
    unsafe {
        if ffi::PyUnicode_Check(object) == 0 {
            return None;
        }
        if let Some(bytes) = ascii(object) {
            return Some(bytes);
        }
        let mut len = 0;
        let data = ffi::PyUnicode_AsUTF8AndSize(object, &raw mut len);
        if data.is_null() {
            ffi::PyErr_Clear();
            return None;
        }
        Some(std::slice::from_raw_parts(data.cast(), usize::try_from(len).unwrap_or(0)))
    }
}

/// The bytes of a `str` that is known to be ASCII alone; `None` where that is not known at once. Valid as long as the object lives.
///
/// `object` must be a `str`.
#[inline]
pub(crate) fn ascii<'a>(object: Ref) -> Option<&'a [u8]> {
    #[cfg(not(Py_3_14))]
    // SAFETY: `object` is a live `str`; the bytes of a compact ASCII string lie right behind its head.
    unsafe {
        if ffi::PyUnicode_IS_COMPACT_ASCII(object) != 0 {
            let data = object.cast::<u8>().add(size_of::<ffi::PyASCIIObject>());
            let len = usize::try_from((*object.cast::<ffi::PyASCIIObject>()).length).unwrap_or(0);
            return Some(std::slice::from_raw_parts(data, len));
        }
    }
    let _ = object;
    None
}

/// Whether an object is None or of one of Python's own scalar classes: one that holds no others, and whose hash and repr run no code
/// of anybody else.
#[inline]
pub(crate) fn is_plain(object: Ref) -> bool {
    // SAFETY: `object` is live.
    unsafe {
        ffi::PyUnicode_CheckExact(object) != 0
            || ffi::PyLong_CheckExact(object) != 0
            || ffi::PyFloat_CheckExact(object) != 0
            || ffi::PyBytes_CheckExact(object) != 0
            || ffi::PyBool_Check(object) != 0
            || object == ffi::Py_None()
    }
}
