//! Owned and borrowed Python objects without the bookkeeping of a smart pointer: the codecs make and drop thousands a millisecond.
//!
//! Everything here needs the interpreter to be held by this thread; the codecs are only entered with it.
#![allow(unsafe_code)]

use std::cell::Cell;
use std::ptr::NonNull;

use fastthrift_protocol::{DecodeError, DecodeErrorKind};
use pyo3::exceptions::PyRecursionError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use pyo3::{Borrowed, Bound, PyAny, Python, ffi};

/// A borrowed reference, valid as long as whoever lent it keeps the object.
pub(crate) type Ref = *mut ffi::PyObject;

/// A strong reference.
#[repr(transparent)]
pub(crate) struct Object(NonNull<ffi::PyObject>);

// SAFETY: a strong reference may move to another thread; it is only used and dropped with the interpreter held.
unsafe impl Send for Object {}
// SAFETY: as above; sharing gives out the pointer only.
unsafe impl Sync for Object {}

impl Object {
    /// Takes over a new reference; `None` for null, that is, when a Python exception is set.
    ///
    /// # Safety
    /// `pointer` is null or a strong reference that nobody else gives back.
    #[inline]
    pub(crate) unsafe fn from_new(pointer: Ref) -> Option<Self> {
        NonNull::new(pointer).map(Self)
    }

    /// Adds a reference to a borrowed object.
    ///
    /// # Safety
    /// `pointer` is a live object.
    #[inline]
    pub(crate) unsafe fn from_borrowed(pointer: Ref) -> Self {
        // SAFETY: by the caller's word the object lives.
        unsafe {
            ffi::Py_INCREF(pointer);
            Self(NonNull::new_unchecked(pointer))
        }
    }

    #[inline]
    pub(crate) fn as_ptr(&self) -> Ref {
        self.0.as_ptr()
    }

    /// Gives the reference away.
    #[inline]
    pub(crate) fn into_ptr(self) -> Ref {
        let pointer = self.0.as_ptr();
        std::mem::forget(self);
        pointer
    }

    /// The object under the smart pointer's name, on loan.
    #[inline]
    pub(crate) fn bind<'py>(&self, py: Python<'py>) -> Borrowed<'_, 'py, PyAny> {
        // SAFETY: the object lives as long as `self` does.
        unsafe { Borrowed::from_ptr(py, self.as_ptr()) }
    }

    pub(crate) fn into_bound(self, py: Python<'_>) -> Bound<'_, PyAny> {
        // SAFETY: the pointer is a strong reference that is given away here.
        unsafe { Bound::from_owned_ptr(py, self.into_ptr()) }
    }
}

impl From<Bound<'_, PyAny>> for Object {
    fn from(bound: Bound<'_, PyAny>) -> Self {
        // SAFETY: into_ptr gives a strong, non-null reference away.
        unsafe { Self(NonNull::new_unchecked(bound.into_ptr())) }
    }
}

impl Drop for Object {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: this is a strong reference, and the interpreter is held.
        unsafe { ffi::Py_DECREF(self.0.as_ptr()) }
    }
}

impl Clone for Object {
    fn clone(&self) -> Self {
        // SAFETY: the object lives as long as `self` does.
        unsafe { Self::from_borrowed(self.as_ptr()) }
    }
}

/// The interpreter token, for code that is only ever entered with the interpreter held.
#[inline]
pub(crate) fn held<'py>() -> Python<'py> {
    // SAFETY: the codecs are only entered with the interpreter held.
    unsafe { Python::assume_attached() }
}

/// A new reference of a C call, or the error that stands for the Python exception that it set. Whoever called the walk finds the
/// exception still set and raises it.
#[inline]
pub(crate) fn made(pointer: Ref) -> Result<Object, DecodeError> {
    match NonNull::new(pointer) {
        Some(pointer) => Ok(Object(pointer)),
        None => Err(python_raised()),
    }
}

/// The error that stands for a Python exception that is set.
#[cold]
pub(crate) fn python_raised() -> DecodeError {
    DecodeError::new(DecodeErrorKind::Invalid("a Python exception was raised".into()), 0)
}

/// How deep calls through [`guarded`] may nest. Far more than values can on the wire, and no danger to a usual thread's stack, which
/// Python's own limit (10,000 calls of C functions, in some versions) can be.
const NESTING_LIMIT: u32 = 400;

/// How many bytes of the stack they may take: a build without optimization takes several times as many for each, and some threads have
/// a stack of half a mebibyte.
const STACK_LIMIT: usize = 320 * 1024;

thread_local! {
    /// How deep this thread is, and where its stack was when it was not deep yet.
    static NESTING: Cell<(u32, usize)> = const { Cell::new((0, 0)) };
}

/// Calls what may call itself without end: a `RecursionError` ends it.
pub(crate) fn guarded<T>(call: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    let before = NESTING.get();
    let (depth, mut start) = before;
    let here = (&raw const before).addr();
    if depth == 0 {
        start = here;
    }
    if depth >= NESTING_LIMIT || start.abs_diff(here) > STACK_LIMIT {
        return Err(PyRecursionError::new_err(
            "maximum recursion depth exceeded in a value that is too deep, or holds itself",
        ));
    }
    NESTING.set((depth + 1, start));
    let result = call();
    NESTING.set(before);
    result
}

/// The name of an object's type, as error messages show it.
pub(crate) fn type_name(object: Ref) -> String {
    // SAFETY: callers hand in live objects.
    let bound = unsafe { Bound::from_borrowed_ptr(held(), object) };
    bound.get_type().qualname().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// A borrowed object under the smart pointer's name.
pub(crate) fn borrowed(py: Python<'_>, object: Ref) -> Bound<'_, PyAny> {
    // SAFETY: callers hand in live objects.
    unsafe { Bound::from_borrowed_ptr(py, object) }
}

/// The class of an object, borrowed.
#[inline]
pub(crate) fn type_of(object: Ref) -> *mut ffi::PyTypeObject {
    // SAFETY: callers hand in live objects.
    unsafe { ffi::Py_TYPE(object) }
}

/// An object as a class, if it is one.
#[inline]
pub(crate) fn as_type(object: Ref) -> Option<*mut ffi::PyTypeObject> {
    // SAFETY: callers hand in live objects.
    (unsafe { ffi::PyType_Check(object) } != 0).then(|| object.cast())
}

/// The class of an object.
pub(crate) fn class_of(py: Python<'_>, object: Ref) -> Bound<'_, PyType> {
    borrowed(py, object).get_type()
}
