//! The arguments of one call of a handler, as CPython takes them.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;

use pyo3::prelude::*;
use pyo3::types::PyTuple;
use pyo3::{Bound, PyAny, PyErr, ffi};

use crate::object::{Object, Ref};

/// How many arguments have their place on the stack.
const FEW: usize = 7;

/// The arguments, in the order of the IDL.
///
/// The place before the first belongs to the callee while it runs: a bound method puts its object there.
pub(crate) struct Arguments {
    few: UnsafeCell<[Option<Object>; FEW + 1]>,
    /// All of them, and the callee's place, where `few` is too small.
    many: UnsafeCell<Vec<Option<Object>>>,
    count: usize,
}

impl Arguments {
    /// Places for this many arguments.
    pub(crate) fn new(count: usize) -> Self {
        let mut many = Vec::new();
        if count > FEW {
            many.resize_with(count + 1, || None);
        }
        Self { few: UnsafeCell::default(), many: many.into(), count }
    }

    /// The arguments; those that are not set are `None`.
    pub(crate) fn values(&mut self) -> &mut [Option<Object>] {
        if self.count > FEW { &mut self.many.get_mut()[1..] } else { &mut self.few.get_mut()[1..=self.count] }
    }

    /// The callee's place, with the arguments behind it.
    fn places(&self) -> *mut Option<Object> {
        if self.count > FEW {
            // SAFETY: no reference to the vector, as opposed to what is in it, outlives a method of `self`.
            unsafe { (*self.many.get()).as_mut_ptr() }
        } else {
            self.few.get().cast()
        }
    }

    /// The arguments again, for who wants to look at them; `None` for those that are not set.
    pub(crate) fn to_tuple<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        let places = self.places();
        let values = (1..=self.count).map(|place| {
            // SAFETY: the place is there, and only `values`, which borrows `self` mutably, changes it.
            unsafe { (*places.add(place)).clone() }.map(|value| value.into_bound(py))
        });
        PyTuple::new(py, values.collect::<Vec<_>>())
    }

    /// Calls by way of a function that takes what to call and the arguments of that, such as the `run` of a context.
    ///
    /// # Panics
    /// When one of them is not set.
    pub(crate) fn call_by(&self, function: &Bound<'_, PyAny>, callable: &Bound<'_, PyAny>) -> PyResult<Object> {
        self.check();
        let places = self.places();
        // SAFETY: the first place is the callee's, which nobody else has now: before the call and after it, it is empty. The places
        // behind it are live objects until the call returns.
        let result = unsafe {
            *places = Some(Object::from_borrowed(callable.as_ptr()));
            let first = places.cast::<Ref>().cast_const();
            let result = ffi::PyObject_Vectorcall(function.as_ptr(), first, self.count + 1, std::ptr::null_mut());
            *places = None;
            Object::from_new(result)
        };
        result.ok_or_else(|| PyErr::fetch(callable.py()))
    }

    fn check(&self) {
        let places = self.places();
        // SAFETY: as in `to_tuple`.
        let is_set = |place| unsafe { (*places.add(place)).is_some() };
        assert!((1..=self.count).all(is_set), "every argument is set before the call");
    }

    /// Calls with these arguments.
    ///
    /// # Panics
    /// When one of them is not set.
    pub(crate) fn call(&self, callable: &Bound<'_, PyAny>) -> PyResult<Object> {
        self.check();
        let places = self.places();
        let count = self.count | ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
        // An `Option<Object>` is a pointer that is null for `None`.
        let first = places.cast::<Ref>();
        // SAFETY: behind `first` are the callee's place and `count` live objects, all of them until the call returns.
        let result = unsafe {
            let arguments = first.add(1).cast_const();
            Object::from_new(ffi::PyObject_Vectorcall(callable.as_ptr(), arguments, count, std::ptr::null_mut()))
        };
        result.ok_or_else(|| PyErr::fetch(callable.py()))
    }
}
