//! What instances can do: the tables of their classes, `copy.replace`, and pickling.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_void};
use std::sync::Arc;

use fastthrift_schema::StructKind;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::instance::{self, Slots, class_name, none};
use super::meta::slot;
use super::{ClassInfo, compare, shared_info_of, text};
use crate::error::restore;
use crate::object::{Object, Ref, borrowed, held};

pub(super) fn struct_slots() -> Vec<ffi::PyType_Slot> {
    vec![
        slot(ffi::Py_tp_new, instance::tp_new as *mut c_void),
        slot(ffi::Py_tp_init, instance::tp_init as *mut c_void),
        slot(ffi::Py_tp_repr, text::repr as *mut c_void),
        slot(ffi::Py_tp_richcompare, compare::rich_compare as *mut c_void),
        slot(ffi::Py_tp_hash, compare::hash as *mut c_void),
        slot(ffi::Py_tp_methods, struct_methods().cast()),
        slot(0, std::ptr::null_mut()),
    ]
}

pub(super) fn union_slots() -> Vec<ffi::PyType_Slot> {
    vec![slot(ffi::Py_tp_getset, union_getset().cast()), slot(0, std::ptr::null_mut())]
}

pub(super) fn exception_slots() -> Vec<ffi::PyType_Slot> {
    vec![
        slot(ffi::Py_tp_new, instance::tp_new as *mut c_void),
        slot(ffi::Py_tp_init, instance::tp_init as *mut c_void),
        slot(ffi::Py_tp_repr, text::repr as *mut c_void),
        slot(ffi::Py_tp_str, text::exception_str as *mut c_void),
        slot(ffi::Py_tp_methods, exception_methods().cast()),
        slot(0, std::ptr::null_mut()),
    ]
}

/// C tables must stay where they are for ever; a handful is made once.
fn leak<T>(table: Vec<T>) -> *mut T {
    Box::leak(table.into_boxed_slice()).as_mut_ptr()
}

const fn no_method() -> ffi::PyMethodDef {
    ffi::PyMethodDef::zeroed()
}

fn method_no_args(
    name: &'static std::ffi::CStr,
    function: ffi::PyCFunction,
    doc: &'static std::ffi::CStr,
) -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: name.as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: function },
        ml_flags: ffi::METH_NOARGS,
        ml_doc: doc.as_ptr(),
    }
}

fn replace_method() -> ffi::PyMethodDef {
    ffi::PyMethodDef {
        ml_name: c"__replace__".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunctionWithKeywords: replace },
        ml_flags: ffi::METH_VARARGS | ffi::METH_KEYWORDS,
        ml_doc: c"Return a copy in which the fields that are given have other values.".as_ptr(),
    }
}

fn struct_methods() -> *mut ffi::PyMethodDef {
    let reduce_ex = ffi::PyMethodDef {
        ml_name: c"__reduce_ex__".as_ptr(),
        ml_meth: ffi::PyMethodDefPointer { PyCFunction: struct_reduce_ex },
        ml_flags: ffi::METH_O,
        ml_doc: c"Return what pickle keeps, in every version of its protocol.".as_ptr(),
    };
    leak(vec![replace_method(), reduce_ex, no_method()])
}

fn exception_methods() -> *mut ffi::PyMethodDef {
    let reduce =
        method_no_args(c"__reduce__", exception_reduce, c"Return what pickle keeps: the class and the fields.");
    leak(vec![replace_method(), reduce, no_method()])
}

fn getter(name: &'static std::ffi::CStr, get: ffi::getter, doc: &'static std::ffi::CStr) -> ffi::PyGetSetDef {
    ffi::PyGetSetDef {
        name: name.as_ptr().cast::<c_char>(),
        get: Some(get),
        set: None,
        doc: doc.as_ptr(),
        closure: std::ptr::null_mut(),
    }
}

fn no_getter() -> ffi::PyGetSetDef {
    ffi::PyGetSetDef {
        name: std::ptr::null(),
        get: None,
        set: None,
        doc: std::ptr::null(),
        closure: std::ptr::null_mut(),
    }
}

fn union_getset() -> *mut ffi::PyGetSetDef {
    leak(vec![
        getter(c"_which", union_which, c"The name of the member that is set, or None."),
        getter(c"_value", union_value, c"The value of the member that is set, or None."),
        no_getter(),
    ])
}

pub(super) fn meta_getset() -> *mut ffi::PyGetSetDef {
    leak(vec![getter(c"__signature__", signature, c"The signature of the constructor."), no_getter()])
}

/// What is known of an instance's class.
pub(super) fn info(object: Ref) -> PyResult<Arc<ClassInfo>> {
    // SAFETY: `object` is live.
    let class = unsafe { ffi::Py_TYPE(object) };
    shared_info_of(class)
        .ok_or_else(|| PyTypeError::new_err(format!("'{}' is not a class of an IDL file", class_name(class))))
}

/// Name and value of each field, in the order of the IDL; a deleted one counts as None.
pub(super) fn fields(object: Ref, info: &ClassInfo) -> impl Iterator<Item = (&Py<PyString>, Object)> {
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    info.names.iter().zip(info.offsets()).map(move |(name, &offset)| (name, slots.load(offset).unwrap_or_else(none)))
}

pub(super) fn give(result: PyResult<Object>) -> Ref {
    result.map_or_else(
        |error| {
            restore(error);
            std::ptr::null_mut()
        },
        Object::into_ptr,
    )
}

unsafe extern "C" fn replace(object: Ref, args: Ref, kwargs: Ref) -> Ref {
    let replaced = || -> PyResult<Object> {
        let py = held();
        let info = info(object)?;
        // SAFETY: CPython hands in a live instance, a tuple, and a dict or null.
        let (this, args, changes) = unsafe {
            (
                Bound::from_borrowed_ptr(py, object),
                Bound::from_borrowed_ptr(py, args).cast_into::<PyTuple>()?,
                Bound::from_borrowed_ptr_or_opt(py, kwargs),
            )
        };
        if !args.is_empty() {
            return Err(PyTypeError::new_err("__replace__() takes keyword arguments only"));
        }
        let values = PyDict::new(py);
        let changes = changes.map(Bound::cast_into::<PyDict>).transpose()?;
        let is_emptied = info.kind == StructKind::Union && changes.as_ref().is_some_and(|changes| !changes.is_empty());
        for (name, value) in fields(object, &info).filter(|_| !is_emptied) {
            values.set_item(name, value.into_bound(py))?;
        }
        if let Some(changes) = &changes {
            values.update(changes.as_mapping())?;
        }
        Ok(this.get_type().call((), Some(&values))?.into())
    };
    give(replaced())
}

/// What `object` does from protocol 2 on; it refuses classes with slots before.
unsafe extern "C" fn struct_reduce_ex(object: Ref, protocol: Ref) -> Ref {
    let reduced = || -> PyResult<Object> {
        let py = held();
        let protocol = borrowed(py, protocol).extract::<i64>()?.max(2);
        let reduced = py.get_type::<PyAny>().call_method1("__reduce_ex__", (borrowed(py, object), protocol))?;
        if let Ok(state) = reduced.get_item(2)?.cast_into::<PyTuple>()
            && let Ok(slots) = state.get_item(1)?.cast_into::<PyDict>()
        {
            add_deleted(object, &slots)?;
        }
        Ok(reduced.into())
    };
    give(reduced())
}

/// Gives deleted fields a place in a state: whoever reads it starts from the defaults.
fn add_deleted(object: Ref, state: &Bound<'_, PyDict>) -> PyResult<()> {
    let info = info(object)?;
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    for (name, &offset) in info.names.iter().zip(info.offsets()) {
        if slots.load(offset).is_none() {
            state.set_item(name, held().None())?;
        }
    }
    Ok(())
}

unsafe extern "C" fn exception_reduce(object: Ref, _: Ref) -> Ref {
    let reduced = || -> PyResult<Object> {
        let py = held();
        let info = info(object)?;
        let this = borrowed(py, object);
        let state = PyDict::new(py);
        if let Ok(dict) = this.getattr("__dict__")?.cast_into::<PyDict>() {
            state.update(dict.as_mapping())?;
        }
        for (name, value) in fields(object, &info) {
            state.set_item(name, value.into_bound(py))?;
        }
        // Not by calling the class: a subclass may want arguments that nobody knows here.
        let make = py.import("copyreg")?.getattr("__newobj__")?;
        Ok((make, (this.get_type(),), state).into_pyobject(py)?.into_any().into())
    };
    give(reduced())
}

/// The member of a union that is set.
fn member(object: Ref, info: &ClassInfo) -> Option<(&Py<PyString>, Object)> {
    // SAFETY: the info is that of the object's class.
    let set = unsafe { Slots::of(object) }.first_set(info.offsets());
    set.map(|(place, value)| (&info.names[place], value))
}

unsafe extern "C" fn union_which(object: Ref, _: *mut c_void) -> Ref {
    give(info(object).map(|info| match member(object, &info) {
        Some((name, _)) => name.bind(held()).clone().into_any().into(),
        None => none(),
    }))
}

unsafe extern "C" fn union_value(object: Ref, _: *mut c_void) -> Ref {
    give(info(object).map(|info| match member(object, &info) {
        Some((_, value)) => value,
        None => none(),
    }))
}

unsafe extern "C" fn signature(class: Ref, _: *mut c_void) -> Ref {
    let made = || -> PyResult<Object> {
        let py = held();
        let info = shared_info_of(class.cast()).ok_or_else(|| PyAttributeError::new_err("__signature__"))?;
        // SAFETY: CPython hands in a live class.
        let class = unsafe { Bound::from_borrowed_ptr(py, class) };
        let names = PyTuple::new(py, info.names.iter().map(|name| name.bind(py)))?;
        let signature = py.import("fastthrift._introspect")?.getattr("constructor_signature")?;
        let registry = super::registry_of(py, class.as_ptr().cast());
        let defaults: Vec<_> = info
            .defaults
            .iter()
            .map(|default| default.make(registry.as_ref()).map(|value| value.into_bound(py)))
            .collect::<PyResult<_>>()?;
        Ok(signature.call1((class, names, PyTuple::new(py, defaults)?))?.into())
    };
    give(made())
}

/// The dict that can be a map key or a set element, made once.
pub(crate) fn frozen_dict_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static FROZEN_DICT: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    FROZEN_DICT.import(py, "fastthrift._containers", "FrozenDict")
}
