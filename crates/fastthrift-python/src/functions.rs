//! `serialize` and `deserialize`, as CPython calls them fastest.
#![allow(unsafe_code)]

use std::ffi::CStr;

use fastthrift_protocol::{Limits, Protocol};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyMemoryView, PyString};
use pyo3::{Bound, ffi};

use crate::class::{info_of, registry_of};
use crate::codec::{decode_struct, encode_struct, in_struct, with_scratch};
use crate::error::{decode_error, encode_error, restore};
use crate::object::{Object, Ref, held, type_name};

const SERIALIZE_DOC: &CStr = c"serialize(obj, protocol='binary')\n--\n\n\
Return a struct, union or exception as bytes.

Args:
    obj: An instance of a class of a loaded IDL file.
    protocol: 'binary' or 'compact'.

Raises:
    EncodeError: A value is not what the IDL says; the text names the path to it.
    TypeError: `obj` is not an instance of such a class.
    ValueError: The protocol is unknown.";

const DESERIALIZE_DOC: &CStr = c"deserialize(cls, data, protocol='binary')\n--\n\n\
Return an instance of `cls` that is read from the start of `data`; bytes after it are ignored.

Args:
    cls: A class of a loaded IDL file, or a subclass of one.
    data: Any bytes-like object.
    protocol: 'binary' or 'compact'.

Raises:
    DecodeError: The bytes are no such struct; the text names the path and the offset.
    TypeError: `cls` is no such class, or `data` has no bytes.
    ValueError: The protocol is unknown.";

/// Adds the functions to the native module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    let add = |name: &'static CStr, function: ffi::PyCFunctionFastWithKeywords, doc: &'static CStr| {
        let definition = Box::new(ffi::PyMethodDef {
            ml_name: name.as_ptr(),
            ml_meth: ffi::PyMethodDefPointer { PyCFunctionFastWithKeywords: function },
            ml_flags: ffi::METH_FASTCALL | ffi::METH_KEYWORDS,
            ml_doc: doc.as_ptr(),
        });
        let module_name = PyString::intern(module.py(), "fastthrift");
        // SAFETY: the definition lives for ever, as the function object needs it to.
        let function = unsafe {
            let function = ffi::PyCFunction_NewEx(Box::leak(definition), std::ptr::null_mut(), module_name.as_ptr());
            Bound::from_owned_ptr_or_err(module.py(), function)?
        };
        module.add(name.to_str().expect("invariant: the names are ASCII"), function)
    };
    add(c"serialize", serialize, SERIALIZE_DOC)?;
    add(c"deserialize", deserialize, DESERIALIZE_DOC)
}

/// Sorts the arguments of a call into the places that `names` gives them.
unsafe fn arguments<const N: usize>(
    function: &str,
    names: &[&str; N],
    args: *const Ref,
    count: isize,
    keywords: Ref,
) -> PyResult<[Option<Ref>; N]> {
    let positional = usize::try_from(count).unwrap_or(0);
    if positional > N {
        return Err(PyTypeError::new_err(format!("{function}() takes at most {N} arguments, got {positional}")));
    }
    let mut found = [None; N];
    // SAFETY: CPython hands in `count` positional arguments, then one for each keyword.
    unsafe {
        for (place, slot) in found.iter_mut().take(positional).enumerate() {
            *slot = Some(*args.add(place));
        }
        let keyword_count = if keywords.is_null() { 0 } else { ffi::PyTuple_GET_SIZE(keywords) };
        for place in 0..keyword_count {
            let name =
                Bound::from_borrowed_ptr(held(), ffi::PyTuple_GET_ITEM(keywords, place)).cast_into::<PyString>()?;
            let name = name.to_str()?;
            let Some(slot) = names.iter().position(|known| *known == name) else {
                return Err(PyTypeError::new_err(format!("{function}() got an unexpected keyword argument '{name}'")));
            };
            if found[slot].is_some() {
                return Err(PyTypeError::new_err(format!("{function}() got several values for '{name}'")));
            }
            found[slot] = Some(*args.offset(count + place));
        }
    }
    Ok(found)
}

fn give(result: PyResult<Object>) -> Ref {
    match result {
        Ok(object) => object.into_ptr(),
        Err(error) => {
            restore(error);
            std::ptr::null_mut()
        }
    }
}

unsafe extern "C" fn serialize(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        // SAFETY: CPython's calling convention.
        let [object, protocol] = unsafe { arguments("serialize", &["obj", "protocol"], args, count, keywords)? };
        let object = object.ok_or_else(|| missing("serialize", "obj"))?;
        to_bytes(object, protocol_of(protocol)?)
    };
    give(call())
}

fn to_bytes(object: Ref, protocol: Protocol) -> PyResult<Object> {
    let py = held();
    // SAFETY: the object is live.
    let class = unsafe { ffi::Py_TYPE(object) };
    let (Some(info), Some(registry)) = (info_of(class), registry_of(py, class)) else {
        return crate::attributes::to_bytes(py, object, protocol);
    };
    let registry = registry.get();
    let bytes = with_scratch(|out| encode_struct(registry, info.id, object, protocol, out), bytes_of);
    bytes.map_err(|error| encode_error(py, &error.within(in_struct(registry, info.id))))?
}

/// A `bytes` object with this content.
pub(crate) fn bytes_of(content: &[u8]) -> PyResult<Object> {
    let len = isize::try_from(content.len()).expect("invariant: a slice is at most isize::MAX bytes long");
    // SAFETY: the pointer and length are those of a slice.
    let bytes = unsafe { Object::from_new(ffi::PyBytes_FromStringAndSize(content.as_ptr().cast(), len)) };
    bytes.ok_or_else(|| PyErr::fetch(held()))
}

unsafe extern "C" fn deserialize(_: Ref, args: *const Ref, count: isize, keywords: Ref) -> Ref {
    let call = || {
        let names = ["cls", "data", "protocol"];
        // SAFETY: CPython's calling convention.
        let [class, data, protocol] = unsafe { arguments("deserialize", &names, args, count, keywords)? };
        let class = class.ok_or_else(|| missing("deserialize", "cls"))?;
        let data = data.ok_or_else(|| missing("deserialize", "data"))?;
        let protocol = protocol_of(protocol)?;
        with_bytes(data, |bytes| from_bytes(class, bytes, protocol))
    };
    give(call())
}

fn from_bytes(class: Ref, bytes: &[u8], protocol: Protocol) -> PyResult<Object> {
    let py = held();
    // SAFETY: the object is live, and a type if the check says so.
    let is_type = unsafe { ffi::PyType_Check(class) != 0 };
    let class = class.cast::<ffi::PyTypeObject>();
    let (Some(info), Some(registry)) =
        (is_type.then(|| info_of(class)).flatten(), is_type.then(|| registry_of(py, class)).flatten())
    else {
        return crate::attributes::from_bytes(py, class.cast(), bytes, protocol);
    };
    decode_struct(&registry, info.id, Some(class), protocol, Limits::DEFAULT, bytes)
        .map_err(|error| decode_error(py, &error.within(in_struct(registry.get(), info.id))))
}

/// Hands the bytes of a bytes-like object to `read`. Bytes that others could change meanwhile are copied first.
fn with_bytes<T>(data: Ref, read: impl FnOnce(&[u8]) -> PyResult<T>) -> PyResult<T> {
    let py = held();
    // SAFETY: the object is live; `bytes` never change.
    unsafe {
        if ffi::PyBytes_Check(data) != 0 {
            let len = usize::try_from(ffi::Py_SIZE(data)).unwrap_or(0);
            return read(std::slice::from_raw_parts(ffi::PyBytes_AsString(data).cast(), len));
        }
    }
    // SAFETY: the object is live.
    let data = unsafe { Bound::from_borrowed_ptr(py, data) };
    let buffer = PyBuffer::<u8>::get(&data)?;
    if buffer.is_c_contiguous() && is_view_of_bytes(&data) {
        // SAFETY: the buffer is one run of bytes of a `bytes` object, which the buffer keeps.
        return read(unsafe { std::slice::from_raw_parts(buffer.buf_ptr().cast::<u8>(), buffer.len_bytes()) });
    }
    read(&buffer.to_vec(py)?)
}

/// Whether this is a memoryview of a `bytes` object. What is behind any other could be changed by Python code that runs meanwhile.
fn is_view_of_bytes(data: &Bound<'_, PyAny>) -> bool {
    data.cast::<PyMemoryView>()
        .is_ok_and(|view| view.getattr("obj").is_ok_and(|viewed| viewed.is_exact_instance_of::<PyBytes>()))
}

#[cold]
fn missing(function: &str, name: &str) -> PyErr {
    PyTypeError::new_err(format!("{function}() needs the argument '{name}'"))
}

/// The protocol that a Python value names; Binary where none was given.
#[inline]
fn protocol_of(value: Option<Ref>) -> PyResult<Protocol> {
    match value {
        None => Ok(Protocol::Binary),
        Some(value) => named_protocol(value),
    }
}

fn named_protocol(value: Ref) -> PyResult<Protocol> {
    static NAMES: PyOnceLock<Vec<(Py<PyString>, Protocol)>> = PyOnceLock::new();
    let py = held();
    let names = NAMES.get_or_init(py, || {
        Protocol::ALL.iter().map(|protocol| (PyString::intern(py, protocol.name()).unbind(), *protocol)).collect()
    });
    if let Some((_, protocol)) = names.iter().find(|(name, _)| name.as_ptr() == value) {
        return Ok(*protocol);
    }
    // SAFETY: the value is live.
    let name = unsafe { Bound::from_borrowed_ptr(py, value) };
    let Ok(name) = name.cast::<PyString>() else {
        return Err(PyTypeError::new_err(format!("protocol must be a str, got {}", type_name(value))));
    };
    name.to_str()?
        .parse()
        .map_err(|error: fastthrift_protocol::UnknownProtocol| PyValueError::new_err(error.to_string()))
}
