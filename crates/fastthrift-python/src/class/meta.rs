//! The metaclass, and the bases that generated classes extend.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_uint, c_ulong, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicPtr, Ordering};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};
use pyo3::{exceptions::PyTypeError, ffi};

use super::ClassInfo;
use super::{behaviour, instance};
use crate::error::restore;
use crate::registry::Registry;

/// What the metaclass adds to each class, right behind CPython's own type object.
#[repr(C)]
struct Extra {
    /// From `Arc::into_raw`; null in the bases.
    info: *const ClassInfo,
    /// A strong reference to the [`Registry`], or null.
    registry: *mut ffi::PyObject,
}

static META: AtomicPtr<ffi::PyTypeObject> = AtomicPtr::new(std::ptr::null_mut());

/// The metaclass and the base classes, made once.
pub(crate) struct Bases {
    pub(crate) meta: Py<PyType>,
    /// `fastthrift.Struct`
    pub(crate) structure: Py<PyType>,
    /// `fastthrift.Union`
    pub(crate) union: Py<PyType>,
    /// What generated exceptions extend; itself a `TException`.
    pub(crate) exception: Py<PyType>,
}

/// The metaclass and the base classes.
pub(crate) fn bases(py: Python<'_>) -> PyResult<&'static Bases> {
    static BASES: PyOnceLock<Bases> = PyOnceLock::new();
    BASES.get_or_try_init(py, || make_bases(py))
}

fn make_bases(py: Python<'_>) -> PyResult<Bases> {
    let meta = make_meta(py)?;
    let object = py.get_type::<PyAny>();
    let struct_root = make_type(py, c"fastthrift._core._Struct", &object, &mut behaviour::struct_slots())?;
    let union_root = make_type(py, c"fastthrift._core._Union", &struct_root, &mut behaviour::union_slots())?;
    let t_exception = py.import("fastthrift._errors")?.getattr("TException")?.cast_into::<PyType>()?;
    let exception_root =
        make_type(py, c"fastthrift._core._Exception", &t_exception, &mut behaviour::exception_slots())?;
    let public = |name: &str, root: &Bound<'_, PyType>, doc: &str| -> PyResult<Py<PyType>> {
        let namespace = PyDict::new(py);
        namespace.set_item("__slots__", PyTuple::empty(py))?;
        namespace.set_item("__module__", "fastthrift")?;
        namespace.set_item("__doc__", doc)?;
        let class = meta.call1((name, PyTuple::new(py, [root])?, namespace))?;
        Ok(class.cast_into::<PyType>()?.unbind())
    };
    Ok(Bases {
        structure: public("Struct", &struct_root, "Base of the classes of Thrift structs.")?,
        union: public("Union", &union_root, UNION_DOC)?,
        exception: public("ThriftException", &exception_root, "Base of the exceptions that Thrift IDL declares.")?,
        meta: meta.unbind(),
    })
}

const UNION_DOC: &str = "Base of the classes of Thrift unions.\n\n\
    A union holds at most one member. `_which` is its name (None when there is none) and `_value` its value; the other members\n\
    read as None. Setting a member clears the one before.";

fn make_meta(py: Python<'_>) -> PyResult<Bound<'_, PyType>> {
    // SAFETY: the spec and its slots outlive the call; `type` is a valid base.
    unsafe {
        let size = ffi::PyType_Type.tp_basicsize;
        let mut slots = [
            slot(ffi::Py_tp_new, meta_new as *mut c_void),
            slot(ffi::Py_tp_dealloc, meta_dealloc as *mut c_void),
            slot(ffi::Py_tp_traverse, meta_traverse as *mut c_void),
            slot(ffi::Py_tp_clear, meta_clear as *mut c_void),
            slot(ffi::Py_tp_getset, behaviour::meta_getset().cast()),
            slot(0, std::ptr::null_mut()),
        ];
        let mut spec = ffi::PyType_Spec {
            name: c"fastthrift._core.StructMeta".as_ptr(),
            basicsize: c_int::try_from(size).expect("invariant: a type object is small") + EXTRA_SIZE,
            itemsize: 0,
            flags: spec_flags(ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE | ffi::Py_TPFLAGS_HAVE_GC),
            slots: slots.as_mut_ptr(),
        };
        let bases = PyTuple::new(py, [py.get_type::<PyType>()])?;
        let meta = ffi::PyType_FromSpecWithBases(&raw mut spec, bases.as_ptr());
        let meta = Bound::from_owned_ptr_or_err(py, meta)?.cast_into::<PyType>()?;
        let raw = meta.as_type_ptr();
        // A class is called through its own `tp_vectorcall`, as `type` does it; heap types do not inherit the flag.
        add_flag(raw, ffi::Py_TPFLAGS_HAVE_VECTORCALL);
        META.store(raw, Ordering::Relaxed);
        // The metaclass must live as long as the pointer to it.
        std::mem::forget(meta.clone());
        Ok(meta)
    }
}

/// Sets a flag of a class, or several.
///
/// # Safety
/// `class` is live, and nobody else uses it yet.
pub(crate) unsafe fn add_flag(class: *mut ffi::PyTypeObject, flag: c_ulong) {
    // SAFETY: by the caller's word.
    unsafe {
        #[cfg(Py_GIL_DISABLED)]
        (*class).tp_flags.fetch_or(flag, Ordering::Relaxed);
        #[cfg(not(Py_GIL_DISABLED))]
        {
            (*class).tp_flags |= flag;
        }
    }
}

/// Flags as a spec takes them.
fn spec_flags(flags: c_ulong) -> c_uint {
    c_uint::try_from(flags).expect("invariant: the flags of a spec are the lower 32 bits")
}

const EXTRA_SIZE: c_int = 16;
const _: () = assert!(size_of::<Extra>() == 16);

fn make_type<'py>(
    py: Python<'py>,
    name: &'static CStr,
    base: &Bound<'py, PyType>,
    slots: &mut [ffi::PyType_Slot],
) -> PyResult<Bound<'py, PyType>> {
    // SAFETY: the spec and its slots outlive the call; the name is static.
    unsafe {
        let mut spec = ffi::PyType_Spec {
            name: name.as_ptr(),
            basicsize: 0,
            itemsize: 0,
            flags: spec_flags(ffi::Py_TPFLAGS_DEFAULT | ffi::Py_TPFLAGS_BASETYPE),
            slots: slots.as_mut_ptr(),
        };
        let bases = PyTuple::new(py, [base])?;
        let class = ffi::PyType_FromSpecWithBases(&raw mut spec, bases.as_ptr());
        Ok(Bound::from_owned_ptr_or_err(py, class)?.cast_into::<PyType>()?)
    }
}

pub(super) const fn slot(slot: c_int, function: *mut c_void) -> ffi::PyType_Slot {
    ffi::PyType_Slot { slot, pfunc: function }
}

/// Whether a class was made by the metaclass.
#[inline]
pub(crate) fn is_struct_class(class: *mut ffi::PyTypeObject) -> bool {
    let meta = META.load(Ordering::Relaxed);
    // SAFETY: `class` is a live type.
    unsafe {
        let found = ffi::Py_TYPE(class.cast());
        found == meta || (!meta.is_null() && ffi::PyType_IsSubtype(found, meta) != 0)
    }
}

/// # Safety
/// `class` was made by the metaclass.
#[inline]
unsafe fn extra(class: *mut ffi::PyTypeObject) -> *mut Extra {
    // SAFETY: the metaclass reserved the space behind CPython's own type object.
    unsafe {
        let start = ffi::PyType_Type.tp_basicsize;
        class.cast::<u8>().offset(start).cast()
    }
}

/// What is known of a generated class or a subclass of one; `None` for any other class.
#[inline]
pub(crate) fn info_of<'a>(class: *mut ffi::PyTypeObject) -> Option<&'a ClassInfo> {
    if !is_struct_class(class) {
        return None;
    }
    // SAFETY: the class was made by the metaclass, and keeps its info as long as it lives.
    unsafe { (*extra(class)).info.as_ref() }
}

/// What is known of a class, kept whatever becomes of the class: for code that runs Python code in between.
pub(crate) fn shared_info_of(class: *mut ffi::PyTypeObject) -> Option<Arc<ClassInfo>> {
    if !is_struct_class(class) {
        return None;
    }
    // SAFETY: the class was made by the metaclass; what it holds is null or from `Arc::into_raw`.
    unsafe {
        let info = (*extra(class)).info;
        if info.is_null() {
            return None;
        }
        Arc::increment_strong_count(info);
        Some(Arc::from_raw(info))
    }
}

/// The registry of a generated class or a subclass of one.
#[inline]
pub(crate) fn registry_of(py: Python<'_>, class: *mut ffi::PyTypeObject) -> Option<Bound<'_, Registry>> {
    if !is_struct_class(class) {
        return None;
    }
    // SAFETY: the class was made by the metaclass and holds a strong reference to its registry, or null.
    unsafe {
        let registry = Bound::from_borrowed_ptr_or_opt(py, (*extra(class)).registry);
        registry.map(|registry| registry.cast_into_unchecked())
    }
}

/// Ties a new class to its info and registry.
pub(super) fn attach(class: &Bound<'_, PyType>, info: Arc<ClassInfo>, registry: &Bound<'_, Registry>) -> PyResult<()> {
    let raw = class.as_type_ptr();
    if !is_struct_class(raw) {
        return Err(PyTypeError::new_err("expected a class made by StructMeta"));
    }
    // SAFETY: the class was made by the metaclass and has neither info nor registry yet.
    unsafe {
        let extra = extra(raw);
        debug_assert!((*extra).info.is_null());
        (*extra).info = Arc::into_raw(info);
        (*extra).registry = registry.clone().into_any().into_ptr();
    }
    Ok(())
}

/// Makes a class; one that extends a generated class shares what is known of it.
unsafe extern "C" fn meta_new(
    meta: *mut ffi::PyTypeObject,
    args: *mut ffi::PyObject,
    kwargs: *mut ffi::PyObject,
) -> *mut ffi::PyObject {
    // SAFETY: CPython calls this with valid arguments; `type` has tp_new.
    unsafe {
        let Some(new_type) = ffi::PyType_Type.tp_new else { return std::ptr::null_mut() };
        let class = new_type(meta, args, kwargs);
        if class.is_null() || !is_struct_class(class.cast()) {
            return class;
        }
        let mro = (*class.cast::<ffi::PyTypeObject>()).tp_mro;
        let to = extra(class.cast());
        for index in 1..ffi::PyTuple_GET_SIZE(mro) {
            let base: *mut ffi::PyTypeObject = ffi::PyTuple_GET_ITEM(mro, index).cast();
            if ffi::PyType_Check(base.cast()) == 0 || !is_struct_class(base) || (*extra(base)).info.is_null() {
                continue;
            }
            let from = extra(base);
            if (*to).info.is_null() {
                Arc::increment_strong_count((*from).info);
                (*to).info = (*from).info;
                ffi::Py_XINCREF((*from).registry);
                (*to).registry = (*from).registry;
            } else if (*to).info != (*from).info {
                ffi::Py_DECREF(class);
                restore(PyTypeError::new_err(
                    "a class cannot extend two classes of IDL files: it can hold the fields of one",
                ));
                return std::ptr::null_mut();
            }
        }
        instance::prepare_subclass(class.cast());
        class
    }
}

unsafe extern "C" fn meta_traverse(class: *mut ffi::PyObject, visit: ffi::visitproc, argument: *mut c_void) -> c_int {
    // SAFETY: CPython calls this with a class that the metaclass made.
    unsafe {
        let registry = (*extra(class.cast())).registry;
        if !registry.is_null() {
            let result = visit(registry, argument);
            if result != 0 {
                return result;
            }
        }
        // A heap type's instances visit their type (since 3.9): here, the metaclass.
        let result = visit(ffi::Py_TYPE(class).cast(), argument);
        if result != 0 {
            return result;
        }
        match ffi::PyType_Type.tp_traverse {
            Some(traverse) => traverse(class, visit, argument),
            None => 0,
        }
    }
}

unsafe extern "C" fn meta_clear(class: *mut ffi::PyObject) -> c_int {
    // SAFETY: as in meta_traverse. The info stays: instances that die after this still need their offsets.
    unsafe {
        let extra = extra(class.cast());
        let registry = std::mem::replace(&mut (*extra).registry, std::ptr::null_mut());
        ffi::Py_XDECREF(registry);
        match ffi::PyType_Type.tp_clear {
            Some(clear) => clear(class),
            None => 0,
        }
    }
}

unsafe extern "C" fn meta_dealloc(class: *mut ffi::PyObject) {
    // SAFETY: CPython calls this once, when nothing refers to the class any more.
    unsafe {
        let meta = ffi::Py_TYPE(class);
        let Extra { info, registry } = std::ptr::read(extra(class.cast()));
        // Memory that is given back is asked for its class once more.
        if let Some(info) = info.as_ref() {
            info.spare.close();
        }
        if let Some(dealloc) = ffi::PyType_Type.tp_dealloc {
            dealloc(class);
        }
        if !info.is_null() {
            drop(Arc::from_raw(info));
        }
        ffi::Py_XDECREF(registry);
        ffi::Py_DECREF(meta.cast());
    }
}
