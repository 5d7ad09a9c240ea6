//! Gives the walk the parts of Python objects to encode.
//!
//! No Python code runs while native objects are read, so borrowed references stay good. Where it could (the attribute layout, whose
//! attributes may be computed) or where other threads may change an object meanwhile (free-threaded builds), what is read is kept
//! alive until the visitor goes.
#![allow(unsafe_code)]

use std::cell::RefCell;

use fastthrift_dynamic::{EncodeError, EncodeErrorKind, FieldPlan, MapPlan, Numbers, SequencePlan, StructPlan, Visit};
use fastthrift_schema::EnumId;
use pyo3::sync::critical_section::with_critical_section;
use pyo3::types::PyTypeMethods;
use pyo3::{Borrowed, PyErr, ffi};

use crate::arrays::{Element, Lent};
use crate::class::{ClassInfo, Layout, Slots, is_none};
use crate::constant;
use crate::object::{Object, Ref, class_of, held, type_name};
use crate::primitive::{integer, utf8};
use crate::registry::{Registry, Style};
use crate::settings::{Settings, Utf8};

/// Reads objects of a registry's classes.
pub(crate) struct PyVisit<'r> {
    registry: &'r Registry,
    /// Whether `bytes` are taken for a `string`.
    bytes_are_text: bool,
    kept: RefCell<Vec<Object>>,
    arrays: Lent,
}

/// A struct whose fields are being read.
pub(crate) struct Open<'r> {
    object: Ref,
    info: &'r ClassInfo,
    /// Where its slots are; none for the attribute layout.
    offsets: Option<&'r [usize]>,
    /// From where on its fields are among what is kept, on builds where another thread could change them one by one.
    start: usize,
}

impl<'r> PyVisit<'r> {
    pub(crate) fn new(registry: &'r Registry, settings: &Settings) -> Self {
        let bytes_are_text = settings.utf8 == Utf8::Bytes || registry.style() == Style::Attributes;
        Self { registry, bytes_are_text, kept: RefCell::new(Vec::new()), arrays: Lent::default() }
    }

    fn is_native(&self) -> bool {
        self.registry.style() == Style::Native
    }

    /// Whether references into objects that Python code can reach must be owned.
    fn must_keep(&self) -> bool {
        cfg!(Py_GIL_DISABLED) || !self.is_native()
    }

    fn keep(&self, object: Object) -> Ref {
        let pointer = object.as_ptr();
        self.kept.borrow_mut().push(object);
        pointer
    }

    /// Keeps what the fields of a struct are at one moment, and says from where on.
    fn keep_fields(&self, object: Ref, offsets: &[usize]) -> usize {
        let mut kept = self.kept.borrow_mut();
        let start = kept.len();
        // SAFETY: the offsets are those of the object's class.
        unsafe { Slots::of(object) }.load_all(offsets, &mut kept);
        start
    }

    /// Keeps what a C call made; a Python exception becomes an error.
    fn keep_new(&self, pointer: Ref) -> Result<Ref, EncodeError> {
        // SAFETY: the pointer is a new reference or null.
        match unsafe { Object::from_new(pointer) } {
            Some(object) => Ok(self.keep(object)),
            None => Err(python_error()),
        }
    }

    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a call for each number costs more than the check")]
    fn ranged<T: TryFrom<i64>>(value: Ref, name: &'static str) -> Result<T, EncodeError> {
        match integer(value) {
            Some(number) => T::try_from(number).map_err(|_| out_of_range(name, value)),
            None => Err(no_integer(name, value)),
        }
    }

    /// The error of a value that is no instance of the struct's class; where only the module tells the two apart, it is named.
    #[cold]
    fn wrong_struct(&self, plan: &StructPlan, value: Ref) -> EncodeError {
        let name = type_name(value);
        if *plan.name != *name {
            return wrong(&plan.name, value);
        }
        let program = self.registry.schema().structure(plan.id).program;
        let expected = self.registry.module_name(program);
        let found = class_of(held(), value).module().map_or_else(|_| "?".to_owned(), |name| name.to_string());
        let found = if found == expected { "another load of the same file".to_owned() } else { found };
        let kind = EncodeErrorKind::WrongType {
            expected: format!("{name} of {expected}").into(),
            found: format!("{name} of {found}").into(),
        };
        EncodeError::new(kind)
    }

    fn elements(&self, sequence: Ref) -> Result<(usize, Elements), EncodeError> {
        // SAFETY: `sequence` is a list or tuple; it is kept, and not changed, while its elements are read.
        unsafe {
            let is_tuple = ffi::PyTuple_Check(sequence) != 0;
            let sequence =
                if self.must_keep() && !is_tuple { self.keep_new(ffi::PyList_AsTuple(sequence))? } else { sequence };
            let (items, len) = if ffi::PyTuple_Check(sequence) != 0 {
                let tuple = sequence.cast::<ffi::PyTupleObject>();
                ((&raw const (*tuple).ob_item).cast::<Ref>(), ffi::PyTuple_GET_SIZE(sequence))
            } else {
                let list = sequence.cast::<ffi::PyListObject>();
                ((*list).ob_item.cast_const(), ffi::PyList_GET_SIZE(sequence))
            };
            let len = usize::try_from(len).unwrap_or(0);
            let start = if items.is_null() { std::ptr::dangling() } else { items };
            Ok((len, Elements { next: start, end: start.add(len) }))
        }
    }
}

#[cold]
fn wrong(expected: &str, found: Ref) -> EncodeError {
    EncodeError::new(EncodeErrorKind::WrongType { expected: expected.into(), found: type_name(found).into() })
}

#[cold]
fn out_of_range(expected: &'static str, value: Ref) -> EncodeError {
    // SAFETY: the value is live, and an int: the text is that of the class `int`, which runs no Python code; one that is too long to
    // print is an error.
    let text = unsafe {
        let plain = Object::from_new(ffi::PyNumber_ToBase(value, 10));
        plain.map_or_else(|| Err(PyErr::fetch(held())), |text| Ok(text.into_bound(held())))
    };
    let text = text.map_or_else(|_| "a huge number".to_owned(), |text| text.to_string());
    EncodeError::new(EncodeErrorKind::OutOfRange { expected, value: text.chars().take(40).collect::<String>().into() })
}

#[cold]
fn no_integer(name: &'static str, value: Ref) -> EncodeError {
    // SAFETY: the value is live.
    if unsafe { ffi::PyLong_Check(value) } != 0 { out_of_range(name, value) } else { wrong("int", value) }
}

/// Takes the Python exception that is set.
#[cold]
fn python_error() -> EncodeError {
    let error = PyErr::fetch(held());
    EncodeError::new(EncodeErrorKind::Invalid(error.to_string().into()))
}

/// The elements of a list or tuple.
pub(crate) struct Elements {
    next: *const Ref,
    end: *const Ref,
}

impl Iterator for Elements {
    type Item = Ref;

    #[inline]
    fn next(&mut self) -> Option<Ref> {
        if self.next == self.end {
            return None;
        }
        // SAFETY: between start and end lie the elements of a sequence that is kept.
        unsafe {
            let element = *self.next;
            self.next = self.next.add(1);
            Some(element)
        }
    }
}

/// The entries of a dict.
pub(crate) struct Entries {
    dict: Ref,
    position: isize,
}

impl Iterator for Entries {
    type Item = (Ref, Ref);

    #[inline]
    fn next(&mut self) -> Option<(Ref, Ref)> {
        let (mut key, mut value) = (std::ptr::null_mut(), std::ptr::null_mut());
        // SAFETY: the dict is kept, and not changed, while its entries are read.
        let found = unsafe { ffi::PyDict_Next(self.dict, &raw mut self.position, &raw mut key, &raw mut value) };
        (found != 0).then_some((key, value))
    }
}

impl<'r> Visit for PyVisit<'r> {
    type Value = Ref;
    type Elements = Elements;
    type Entries = Entries;
    type Struct = Open<'r>;

    #[inline]
    fn bool(&self, value: Ref) -> Result<bool, EncodeError> {
        // SAFETY: the booleans live for ever; the value is live.
        unsafe {
            if value == ffi::Py_True() {
                return Ok(true);
            }
            if value == ffi::Py_False() {
                return Ok(false);
            }
        }
        match integer(value) {
            Some(number) if !self.is_native() => Ok(number != 0),
            _ => Err(wrong("bool", value)),
        }
    }

    #[inline]
    fn i8(&self, value: Ref) -> Result<i8, EncodeError> {
        Self::ranged(value, "i8")
    }

    #[inline]
    fn i16(&self, value: Ref) -> Result<i16, EncodeError> {
        Self::ranged(value, "i16")
    }

    #[inline]
    fn i32(&self, value: Ref) -> Result<i32, EncodeError> {
        Self::ranged(value, "i32")
    }

    #[inline]
    fn i64(&self, value: Ref) -> Result<i64, EncodeError> {
        integer(value).ok_or_else(|| no_integer("i64", value))
    }

    #[inline]
    fn double(&self, value: Ref) -> Result<f64, EncodeError> {
        // SAFETY: the value is live; floats and ints convert without Python code.
        unsafe {
            if ffi::PyFloat_Check(value) != 0 {
                return Ok(ffi::PyFloat_AS_DOUBLE(value));
            }
            if ffi::PyLong_Check(value) == 0 {
                return Err(wrong("float", value));
            }
            let number = ffi::PyLong_AsDouble(value);
            if number.to_bits() == (-1.0_f64).to_bits() && !ffi::PyErr_Occurred().is_null() {
                ffi::PyErr_Clear();
                return Err(out_of_range("double", value));
            }
            Ok(number)
        }
    }

    #[inline]
    fn string(&self, value: Ref) -> Result<&[u8], EncodeError> {
        match utf8(value) {
            Some(bytes) => Ok(bytes),
            None => self.other_string(value),
        }
    }

    #[inline]
    fn binary(&self, value: Ref) -> Result<&[u8], EncodeError> {
        // SAFETY: the value is live, and so are its bytes while nothing else runs.
        unsafe {
            if ffi::PyBytes_Check(value) != 0 {
                let len = usize::try_from(ffi::Py_SIZE(value)).unwrap_or(0);
                return Ok(std::slice::from_raw_parts(ffi::PyBytes_AsString(value).cast(), len));
            }
        }
        self.other_binary(value)
    }

    fn uuid(&self, value: Ref) -> Result<[u8; 16], EncodeError> {
        match constant::uuid_bytes(value) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(wrong("UUID", value)),
            Err(error) => Err(EncodeError::new(EncodeErrorKind::Invalid(error.to_string().into()))),
        }
    }

    #[inline]
    fn enumeration(&self, _: EnumId, value: Ref) -> Result<i32, EncodeError> {
        Self::ranged(value, "i32")
    }

    #[inline]
    fn structure(&self, plan: &StructPlan, value: Ref) -> Result<Open<'r>, EncodeError> {
        let Some(entry) = self.registry.made_class(plan.id) else { return Err(self.wrong_struct(plan, value)) };
        let class = entry.class_ptr();
        // SAFETY: the value is live.
        let is_instance = unsafe {
            let found = ffi::Py_TYPE(value);
            found == class || ffi::PyType_IsSubtype(found, class) != 0
        };
        let offsets = match &entry.info.layout {
            Layout::Slots(offsets) if is_instance => Some(&**offsets),
            Layout::Slots(_) => return Err(self.wrong_struct(plan, value)),
            Layout::Attributes => None,
        };
        let start = match offsets {
            Some(offsets) if cfg!(Py_GIL_DISABLED) => self.keep_fields(value, offsets),
            _ => 0,
        };
        Ok(Open { object: value, info: &entry.info, offsets, start })
    }

    #[inline]
    fn field(&self, open: &Open<'r>, field: &FieldPlan) -> Result<Option<Ref>, EncodeError> {
        let value = match open.offsets {
            Some(_) if cfg!(Py_GIL_DISABLED) => Some(self.kept.borrow()[open.start + field.index].as_ptr()),
            // SAFETY: `structure` checked that the object is an instance of the info's class.
            Some(offsets) => unsafe { Slots::of(open.object) }.get(offsets[field.index]),
            None => self.attribute(open, field)?,
        };
        Ok(value.filter(|&value| !is_none(value)))
    }

    #[inline]
    fn list(&self, _: &SequencePlan, value: Ref) -> Result<(usize, Elements), EncodeError> {
        // SAFETY: the value is live.
        if unsafe { ffi::PyList_Check(value) != 0 || ffi::PyTuple_Check(value) != 0 } {
            return self.elements(value);
        }
        Err(wrong("list", value))
    }

    #[inline]
    fn numbers(&self, plan: &SequencePlan, value: Ref) -> Result<Option<Numbers<'_>>, EncodeError> {
        // SAFETY: the value is live.
        if unsafe { ffi::PyList_Check(value) != 0 || ffi::PyTuple_Check(value) != 0 } {
            return Ok(None);
        }
        Element::of(&plan.element).map_or(Ok(None), |element| self.arrays.numbers(element, value))
    }

    fn set(&self, plan: &SequencePlan, value: Ref) -> Result<(usize, Elements), EncodeError> {
        // SAFETY: the value is live. The collector rests while the copy is made, so that no Python code runs; it cannot rest for this
        // thread alone where others run meanwhile, and there all is kept.
        unsafe {
            if ffi::PyAnySet_Check(value) != 0 {
                let was_on = !cfg!(Py_GIL_DISABLED) && ffi::PyGC_Disable() != 0;
                // A subclass may iterate in its own way; what counts is what the set holds.
                let exact =
                    if ffi::PyAnySet_CheckExact(value) != 0 { value } else { self.keep_new(ffi::PySet_New(value))? };
                let copy = ffi::PySequence_List(exact);
                if was_on {
                    ffi::PyGC_Enable();
                }
                let copy = self.keep_new(copy)?;
                return self.elements(copy);
            }
        }
        if self.is_native() { Err(wrong("set", value)) } else { self.list(plan, value) }
    }

    #[inline]
    fn map(&self, _: &MapPlan, value: Ref) -> Result<(usize, Entries), EncodeError> {
        // SAFETY: the value is live.
        unsafe {
            if ffi::PyDict_Check(value) == 0 {
                return Err(wrong("dict", value));
            }
            let dict = if self.must_keep() { self.keep_new(ffi::PyDict_Copy(value))? } else { value };
            Ok((usize::try_from(ffi::PyDict_Size(dict)).unwrap_or(0), Entries { dict, position: 0 }))
        }
    }
}

impl PyVisit<'_> {
    /// Reads a field by its name.
    fn attribute(&self, open: &Open<'_>, field: &FieldPlan) -> Result<Option<Ref>, EncodeError> {
        let name = open.info.names[field.index].as_ptr();
        // SAFETY: both are live objects.
        let value = unsafe { ffi::PyObject_GetAttr(open.object, name) };
        // SAFETY: asks about the exception that the call above set.
        if value.is_null() && unsafe { ffi::PyErr_ExceptionMatches(ffi::PyExc_AttributeError) } != 0 {
            // SAFETY: as above.
            unsafe { ffi::PyErr_Clear() };
            return Ok(None);
        }
        self.keep_new(value).map(Some)
    }

    /// A `string` that is no `str`: bytes, where the attribute layout or the settings allow them.
    #[cold]
    fn other_string(&self, value: Ref) -> Result<&[u8], EncodeError> {
        // SAFETY: the value is live.
        if unsafe { ffi::PyUnicode_Check(value) } != 0 {
            let text = "text holds a lone surrogate, which UTF-8 cannot express";
            return Err(EncodeError::new(EncodeErrorKind::Invalid(text.into())));
        }
        if self.bytes_are_text { self.binary(value).map_err(|_| wrong("str", value)) } else { Err(wrong("str", value)) }
    }

    /// A `binary` that is no `bytes`: another buffer of bytes, copied; text, where the attribute layout allows it.
    #[cold]
    fn other_binary(&self, value: Ref) -> Result<&[u8], EncodeError> {
        // SAFETY: the value is live. Its bytes are copied without Python code: a subclass of bytearray may have its own idea of
        // them, and a memoryview cannot be extended.
        unsafe {
            let copy = if ffi::PyByteArray_Check(value) != 0 {
                with_critical_section(&Borrowed::from_ptr(held(), value), || {
                    ffi::PyBytes_FromStringAndSize(ffi::PyByteArray_AsString(value), ffi::PyByteArray_Size(value))
                })
            } else if ffi::PyMemoryView_Check(value) != 0 {
                ffi::PyBytes_FromObject(value)
            } else {
                return match utf8(value) {
                    Some(bytes) if !self.is_native() => Ok(bytes),
                    _ => Err(wrong("bytes", value)),
                };
            };
            let copy = self.keep_new(copy)?;
            self.binary(copy)
        }
    }
}
