//! The descriptors of a union's members. Setting one clears the others, whichever way it is set.
#![allow(unsafe_code)]

use std::ffi::{CString, c_int, c_void};

use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple, PyType};

use super::behaviour::{give, info};
use super::instance::{Slots, is_none, none};
use super::{ClassInfo, info_of};
use crate::error::restore;
use crate::object::{Object, Ref};

/// The C tables behind a union's descriptors, which must live as long as the class.
pub(crate) struct Members {
    table: Box<[ffi::PyGetSetDef]>,
    _names: Box<[CString]>,
}

// SAFETY: nobody changes a table once it is made; what it points to are functions and the names beside it.
unsafe impl Send for Members {}
// SAFETY: as above.
unsafe impl Sync for Members {}

impl Members {
    pub(super) fn new(names: &Bound<'_, PyTuple>) -> PyResult<Self> {
        let name = |name: Bound<'_, PyAny>| {
            CString::new(name.cast::<PyString>()?.to_str()?).map_err(|error| PyValueError::new_err(error.to_string()))
        };
        let names: Box<[CString]> = names.iter().map(name).collect::<PyResult<_>>()?;
        let entry = |(place, name): (usize, &CString)| ffi::PyGetSetDef {
            name: name.as_ptr(),
            get: Some(get),
            set: Some(set),
            doc: std::ptr::null(),
            closure: std::ptr::without_provenance_mut::<c_void>(place),
        };
        Ok(Self { table: names.iter().enumerate().map(entry).collect(), _names: names })
    }

    /// Puts the descriptors where the class has those of its slots.
    pub(super) fn install(&self, class: &Bound<'_, PyType>, names: &Bound<'_, PyTuple>) -> PyResult<()> {
        for (name, entry) in names.iter().zip(&self.table) {
            // SAFETY: CPython does not write to the entry, which lives as long as the class, which the descriptor keeps alive.
            let descriptor = unsafe {
                let made = ffi::PyDescr_NewGetSet(class.as_type_ptr(), std::ptr::from_ref(entry).cast_mut());
                Bound::from_owned_ptr_or_err(class.py(), made)?
            };
            class.setattr(name.cast_into::<PyString>()?, descriptor)?;
        }
        Ok(())
    }
}

unsafe extern "C" fn get(object: Ref, place: *mut c_void) -> Ref {
    // SAFETY: the descriptor checked that the object is an instance of the union.
    let (info, slots) = unsafe { (info_of(ffi::Py_TYPE(object)), Slots::of(object)) };
    match info.and_then(|info| info.offsets().get(place.addr())) {
        Some(&offset) => slots.load(offset).unwrap_or_else(none).into_ptr(),
        None => give(Err(PyTypeError::new_err("the union is not whole yet"))),
    }
}

/// Sets or deletes a member; one that gets a value takes the place of the one before.
unsafe extern "C" fn set(object: Ref, value: Ref, place: *mut c_void) -> c_int {
    match info(object) {
        Ok(info) => {
            // SAFETY: the value is live, or null to delete the member.
            let value = if value.is_null() { none() } else { unsafe { Object::from_borrowed(value) } };
            put(object, &info, place.addr(), value);
            0
        }
        Err(error) => {
            restore(error);
            -1
        }
    }
}

/// Stores a member. What it replaces goes when all is in its place: a destructor may set a member itself.
fn put(object: Ref, info: &ClassInfo, place: usize, value: Object) {
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    let Some(&own) = info.offsets().get(place) else { return };
    let replaced = if is_none(value.as_ptr()) {
        slots.swap_all(std::iter::once((own, value)))
    } else {
        let others = info.offsets().iter().filter(|&&offset| offset != own).map(|&offset| (offset, none()));
        slots.swap_all(others.chain(std::iter::once((own, value))))
    };
    drop(replaced);
}
