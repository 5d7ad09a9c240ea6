//! The arguments of one call of a handler, as CPython takes them.
#![allow(unsafe_code)]

use pyo3::prelude::*;
use pyo3::{Bound, PyAny, PyErr, ffi};

use crate::object::{Object, Ref};

/// How many arguments have their place on the stack.
const FEW: usize = 7;

/// The arguments, in the order of the IDL.
///
/// The place before the first belongs to the callee while it runs: a bound method puts its object there.
pub(crate) struct Arguments {
    few: [Option<Object>; FEW + 1],
    /// All of them, and the callee's place, where `few` is too small.
    many: Vec<Option<Object>>,
    count: usize,
}

impl Arguments {
    /// Places for this many arguments.
    pub(crate) fn new(count: usize) -> Self {
        let mut many = Vec::new();
        if count > FEW {
            many.resize_with(count + 1, || None);
        }
        Self { few: Default::default(), many, count }
    }

    fn places(&mut self) -> &mut [Option<Object>] {
        if self.count > FEW { &mut self.many } else { &mut self.few[..=self.count] }
    }

    /// The arguments; those that are not set are `None`.
    pub(crate) fn values(&mut self) -> &mut [Option<Object>] {
        &mut self.places()[1..]
    }

    /// Calls with these arguments.
    ///
    /// # Panics
    /// When one of them is not set.
    pub(crate) fn call(&mut self, callable: &Bound<'_, PyAny>) -> PyResult<Object> {
        assert!(self.values().iter().all(Option::is_some), "every argument is set before the call");
        let count = self.count | ffi::PY_VECTORCALL_ARGUMENTS_OFFSET;
        // An `Option<Object>` is a pointer that is null for `None`.
        let first = self.places().as_mut_ptr().cast::<Ref>();
        // SAFETY: behind `first` are the callee's place and `count` live objects, all of them until the call returns.
        let result = unsafe {
            let arguments = first.add(1).cast_const();
            Object::from_new(ffi::PyObject_Vectorcall(callable.as_ptr(), arguments, count, std::ptr::null_mut()))
        };
        result.ok_or_else(|| PyErr::fetch(callable.py()))
    }
}
