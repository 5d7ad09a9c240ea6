//! `repr` of instances, and the text of exceptions.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_char};
use std::fmt::Write;

use fastthrift_schema::StructKind;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::PyString;

use super::behaviour::{fields, give, info};
use super::instance::{Slots, class_name, is_none};
use crate::object::{Object, Ref, guarded, held};
use crate::primitive::{self, ascii, integer, is_plain, utf8};

pub(super) unsafe extern "C" fn repr(object: Ref) -> Ref {
    give(text_of(object))
}

/// The text of an exception: its `message`, if it has one, else its repr.
pub(super) unsafe extern "C" fn exception_str(object: Ref) -> Ref {
    let message = || -> PyResult<Object> {
        let info = info(object)?;
        let named =
            fields(object, &info).find(|(name, value)| name.bind(held()) == "message" && !is_none(value.as_ptr()));
        match named {
            Some((_, value)) => Ok(value.into_bound(held()).str()?.into_any().into()),
            None => text_of(object),
        }
    };
    give(message())
}

/// The repr as a Python object.
fn text_of(object: Ref) -> PyResult<Object> {
    let mut text = String::with_capacity(USUAL_LENGTH);
    push_struct(&mut text, object)?;
    match primitive::text(text.as_bytes()) {
        Ok(Some(text)) => Ok(text),
        _ => Err(PyErr::fetch(held())),
    }
}

/// How many bytes to make room for at first.
const USUAL_LENGTH: usize = 160;

/// Appends `Name(field=value, ...)`; fields that are None, and would be by default, are left out.
fn push_struct(text: &mut String, object: Ref) -> PyResult<()> {
    let info = info(object)?;
    let start = text.len();
    push_class_name(text, object)?;
    let inside = text.len() + 1;
    text.push('(');
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    let mut entered = None;
    for ((name, &offset), default) in info.names.iter().zip(info.offsets()).zip(&info.defaults) {
        let Some(value) = slots.load(offset) else { continue };
        if is_none(value.as_ptr()) && (default.is_none() || info.kind == StructKind::Union) {
            continue;
        }
        if text.len() > inside {
            text.push_str(", ");
        }
        push_str_object(text, name.as_ptr())?;
        text.push('=');
        if push_plain(text, value.as_ptr())? {
            continue;
        }
        if entered.is_none() {
            entered = Entered::new(object)?;
            if entered.is_none() {
                text.truncate(start);
                push_class_name(text, object)?;
                text.push_str("(...)");
                return Ok(());
            }
        }
        guarded(|| push_other(text, value.as_ptr()))?;
    }
    text.push(')');
    Ok(())
}

/// An object whose repr is being made: one that holds itself must not be shown without end.
struct Entered(Ref);

impl Entered {
    /// `None` where the object's repr is being made already.
    fn new(object: Ref) -> PyResult<Option<Self>> {
        // SAFETY: the object is live.
        match unsafe { ffi::Py_ReprEnter(object) } {
            0 => Ok(Some(Self(object))),
            1 => Ok(None),
            _ => Err(PyErr::fetch(held())),
        }
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        // SAFETY: whoever asked for the repr keeps the object. An exception that is set is kept, too.
        unsafe { ffi::Py_ReprLeave(self.0) }
    }
}

/// Appends the name of an instance's class; every such class was made by a call of the metaclass.
fn push_class_name(text: &mut String, object: Ref) -> PyResult<()> {
    // SAFETY: classes that are made at run time are of this shape; no other thread can change the name.
    unsafe {
        let class = ffi::Py_TYPE(object);
        if cfg!(Py_GIL_DISABLED) {
            text.push_str(&class_name(class));
            return Ok(());
        }
        push_str_object(text, (*class.cast::<ffi::PyHeapTypeObject>()).ht_name)
    }
}

/// Appends the repr of a value of Python's own scalar classes; false where it is none.
fn push_plain(text: &mut String, value: Ref) -> PyResult<bool> {
    // SAFETY: the value is live, and read as what its class says that it is.
    unsafe {
        if ffi::PyUnicode_CheckExact(value) != 0 {
            match ascii(value).filter(|bytes| bytes.iter().copied().all(is_shown_as_it_is)) {
                Some(_) => {
                    text.push('\'');
                    push_str_object(text, value)?;
                    text.push('\'');
                }
                None => push_repr(text, value)?,
            }
        } else if value == ffi::Py_True() {
            text.push_str("True");
        } else if value == ffi::Py_False() {
            text.push_str("False");
        } else if ffi::PyLong_CheckExact(value) != 0 {
            match integer(value) {
                Some(number) => write!(text, "{number}").expect("invariant: a string takes what is written"),
                None => push_repr(text, value)?,
            }
        } else if ffi::PyFloat_CheckExact(value) != 0 {
            push_float(text, ffi::PyFloat_AS_DOUBLE(value))?;
        } else if is_plain(value) {
            push_repr(text, value)?;
        } else {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Whether a character of a `str` stands for itself in its repr.
fn is_shown_as_it_is(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && !matches!(byte, b'\'' | b'\\')
}

/// Appends a number as Python's own `repr` of a `float` does.
fn push_float(text: &mut String, value: f64) -> PyResult<()> {
    const REPR: c_char = b'r'.cast_signed();
    // SAFETY: the call makes a C string, which is freed after it was copied.
    unsafe {
        let shown = ffi::PyOS_double_to_string(value, REPR, 0, ffi::Py_DTSF_ADD_DOT_0, std::ptr::null_mut());
        if shown.is_null() {
            return Err(PyErr::fetch(held()));
        }
        text.push_str(&CStr::from_ptr(shown).to_string_lossy());
        ffi::PyMem_Free(shown.cast());
    }
    Ok(())
}

/// Appends the repr of a value that may hold others.
fn push_other(text: &mut String, value: Ref) -> PyResult<()> {
    // SAFETY: the value is live.
    let shows = unsafe { (*ffi::Py_TYPE(value)).tp_repr };
    if shows.is_some_and(|shows| std::ptr::fn_addr_eq(shows, repr as ffi::reprfunc)) {
        return push_struct(text, value);
    }
    push_repr(text, value)
}

/// Appends what Python's `repr` says.
fn push_repr(text: &mut String, value: Ref) -> PyResult<()> {
    // SAFETY: the value is live; the call gives a new `str`, or null with an exception set.
    match unsafe { Object::from_new(ffi::PyObject_Repr(value)) } {
        Some(shown) => push_str_object(text, shown.as_ptr()),
        None => Err(PyErr::fetch(held())),
    }
}

/// Appends a `str`.
fn push_str_object(text: &mut String, string: Ref) -> PyResult<()> {
    // SAFETY: the string is live, and CPython gives out valid UTF-8.
    unsafe {
        if let Some(bytes) = utf8(string) {
            text.push_str(std::str::from_utf8_unchecked(bytes));
            return Ok(());
        }
        let string = Bound::from_borrowed_ptr(held(), string).cast_into::<PyString>()?;
        string.to_str().map(|shown| text.push_str(shown))
    }
}
