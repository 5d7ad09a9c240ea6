//! What instances can do: `==`, `repr`, `hash`, `copy.replace`, pickling; and the rule of unions.
#![allow(unsafe_code)]

use std::ffi::{c_char, c_int, c_void};
use std::sync::Arc;

use fastthrift_schema::StructKind;
use pyo3::exceptions::{PyAttributeError, PyTypeError};
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyDict, PyString, PyTuple, PyType};

use super::instance::{self, Slots, class_name, is_none, none, place_of};
use super::meta::slot;
use super::{ClassInfo, shared_info_of};
use crate::error::restore;
use crate::object::{Object, Ref, borrowed, guarded, held};

pub(super) fn struct_slots() -> Vec<ffi::PyType_Slot> {
    vec![
        slot(ffi::Py_tp_new, instance::tp_new as *mut c_void),
        slot(ffi::Py_tp_init, instance::tp_init as *mut c_void),
        slot(ffi::Py_tp_repr, repr as *mut c_void),
        slot(ffi::Py_tp_richcompare, rich_compare as *mut c_void),
        slot(ffi::Py_tp_hash, hash as *mut c_void),
        slot(ffi::Py_tp_methods, struct_methods().cast()),
        slot(0, std::ptr::null_mut()),
    ]
}

pub(super) fn union_slots() -> Vec<ffi::PyType_Slot> {
    vec![
        slot(ffi::Py_tp_setattro, union_set as *mut c_void),
        slot(ffi::Py_tp_getset, union_getset().cast()),
        slot(0, std::ptr::null_mut()),
    ]
}

pub(super) fn exception_slots() -> Vec<ffi::PyType_Slot> {
    vec![
        slot(ffi::Py_tp_new, instance::tp_new as *mut c_void),
        slot(ffi::Py_tp_init, instance::tp_init as *mut c_void),
        slot(ffi::Py_tp_repr, repr as *mut c_void),
        slot(ffi::Py_tp_str, exception_str as *mut c_void),
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
fn info(object: Ref) -> PyResult<Arc<ClassInfo>> {
    // SAFETY: `object` is live.
    let class = unsafe { ffi::Py_TYPE(object) };
    shared_info_of(class)
        .ok_or_else(|| PyTypeError::new_err(format!("'{}' is not a class of an IDL file", class_name(class))))
}

/// Name and value of each field, in the order of the IDL; a deleted one counts as None.
fn fields(object: Ref, info: &ClassInfo) -> impl Iterator<Item = (&Py<PyString>, Object)> {
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    info.names.iter().zip(info.offsets()).map(move |(name, &offset)| (name, slots.load(offset).unwrap_or_else(none)))
}

fn give(result: PyResult<Object>) -> Ref {
    result.map_or_else(
        |error| {
            restore(error);
            std::ptr::null_mut()
        },
        Object::into_ptr,
    )
}

unsafe extern "C" fn repr(object: Ref) -> Ref {
    // SAFETY: CPython hands in a live instance; enter and leave are paired.
    unsafe {
        match ffi::Py_ReprEnter(object) {
            0 => {}
            1 => return ffi::PyUnicode_FromFormat(c"%s(...)".as_ptr(), (*ffi::Py_TYPE(object)).tp_name),
            _ => return std::ptr::null_mut(),
        }
        let result = guarded(|| repr_text(object)).map(|text| PyString::new(held(), &text).into_any().into());
        ffi::Py_ReprLeave(object);
        give(result)
    }
}

/// `Name(field=value, ...)`; fields that are None, and would be by default, are left out.
fn repr_text(object: Ref) -> PyResult<String> {
    let info = info(object)?;
    // SAFETY: `object` is live.
    let mut text = class_name(unsafe { ffi::Py_TYPE(object) });
    text.push('(');
    let mut separator = "";
    // SAFETY: the info is that of the object's class.
    let slots = unsafe { Slots::of(object) };
    for ((name, &offset), default) in info.names.iter().zip(info.offsets()).zip(&info.defaults) {
        let Some(value) = slots.load(offset) else { continue };
        if is_none(value.as_ptr()) && (default.is_none() || info.kind == StructKind::Union) {
            continue;
        }
        let value = value.into_bound(held());
        text.push_str(separator);
        text.push_str(name.bind(held()).to_str()?);
        text.push('=');
        text.push_str(value.repr()?.to_str()?);
        separator = ", ";
    }
    text.push(')');
    Ok(text)
}

/// The text of an exception: its `message`, if it has one, else its repr.
unsafe extern "C" fn exception_str(object: Ref) -> Ref {
    let message = || -> PyResult<Object> {
        let info = info(object)?;
        let named =
            fields(object, &info).find(|(name, value)| name.bind(held()) == "message" && !is_none(value.as_ptr()));
        match named {
            Some((_, value)) => Ok(value.into_bound(held()).str()?.into_any().into()),
            None => Ok(PyString::new(held(), &repr_text(object)?).into_any().into()),
        }
    };
    give(message())
}

unsafe extern "C" fn rich_compare(left: Ref, right: Ref, operation: c_int) -> Ref {
    // SAFETY: CPython hands in live objects; held values are kept while Python code compares them.
    unsafe {
        if operation != ffi::Py_EQ && operation != ffi::Py_NE {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        }
        let (Some(info), Some(other)) = (shared_info_of(ffi::Py_TYPE(left)), shared_info_of(ffi::Py_TYPE(right)))
        else {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        };
        if !Arc::ptr_eq(&info, &other) {
            return ffi::Py_NewRef(ffi::Py_NotImplemented());
        }
        let same = guarded(|| equal(left, right, &info));
        give(same.map(|same| PyBool::new(held(), same == (operation == ffi::Py_EQ)).to_owned().into_any().into()))
    }
}

fn equal(left: Ref, right: Ref, info: &ClassInfo) -> PyResult<bool> {
    // SAFETY: both are instances of the info's class.
    let (left, right) = unsafe { (Slots::of(left), Slots::of(right)) };
    for &offset in info.offsets() {
        let (a, b) = (left.load(offset).unwrap_or_else(none), right.load(offset).unwrap_or_else(none));
        // Takes an object to be equal to itself, as containers do.
        // SAFETY: both are live.
        match unsafe { ffi::PyObject_RichCompareBool(a.as_ptr(), b.as_ptr(), ffi::Py_EQ) } {
            0 => return Ok(false),
            1 => {}
            _ => return Err(PyErr::fetch(held())),
        }
    }
    Ok(true)
}

/// Hashes by value, containers included, so that structs can be map keys and set elements. As with any such object, one must not be
/// changed while it is one.
unsafe extern "C" fn hash(object: Ref) -> ffi::Py_hash_t {
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
    guarded(|| container_hash(value))
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
        if ffi::PySet_Check(value.as_ptr()) != 0 {
            return value
                .try_iter()?
                .try_fold(0x9e37_isize, |combined, item| Ok(combined ^ deep_hash(item?.as_ptr())?));
        }
        if let Ok(dict) = value.cast::<PyDict>() {
            let mut combined = 0x9e3_779_isize;
            for (key, value) in dict {
                let key = deep_hash(key.as_ptr())?;
                combined ^= key.rotate_left(7).wrapping_mul(1_000_003) ^ deep_hash(value.as_ptr())?;
            }
            return Ok(combined);
        }
    }
    value.hash()
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
    fields(object, info).find(|(_, value)| !is_none(value.as_ptr()))
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

/// Sets or deletes an attribute of a union; a member that gets a value takes the place of the one before.
unsafe extern "C" fn union_set(object: Ref, name: Ref, value: Ref) -> c_int {
    // SAFETY: CPython hands in a live instance, a name, and a value or null.
    unsafe {
        if let Some(info) = shared_info_of(ffi::Py_TYPE(object))
            && let Some(place) = place_of(&info, name)
        {
            let slots = Slots::of(object);
            if value.is_null() {
                slots.set(info.offsets()[place], none());
                return 0;
            }
            if !is_none(value) {
                instance::clear_members(&info, &slots);
            }
            slots.set(info.offsets()[place], Object::from_borrowed(value));
            return 0;
        }
        ffi::PyObject_GenericSetAttr(object, name, value)
    }
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
