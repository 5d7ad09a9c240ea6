//! `to_dict` and `from_dict`: structs as nested plain data.
//!
//! Python code can run in the middle of both walks (keys are hashed, containers are made, which lets the collector run), and change
//! what is being read. So, unlike the codecs, they own every object that they look at, and take all elements of a container at once.
#![allow(unsafe_code)]
#![expect(clippy::doc_markdown, reason = "the documentation is for Python, where names of classes stand plain")]

mod read;
mod write;

use fastthrift_dynamic::{EncodeError, EncodeErrorKind, FieldPlan, StructPlan};
use fastthrift_protocol::{Limits, PathStep, Protocol};
use pyo3::prelude::*;
use pyo3::{PyErr, ffi};

use crate::codec::in_struct;
use crate::error::{exception, restore};
use crate::given::{choice, optional};
use crate::object::{Object, Ref};
use crate::settings::Settings;
use crate::target::Target;

use read::DictReader;
use write::{DictWriter, Enums};

/// Adds the functions to the native module.
pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(to_dict, module)?)?;
    module.add_function(wrap_pyfunction!(from_dict, module)?)
}

/// Return a struct, union or exception as nested plain data.
///
/// Structs become dicts by the names that the IDL gives their fields, without those that are not set. Lists, sets and maps are copied;
/// texts, `bytes` and UUIDs stay as they are. A struct that is a map's key or a set's element stays one, since a dict cannot be that.
///
/// Args:
///     obj: An instance of a class of a loaded IDL file.
///     enums: None keeps the members of enums, 'name' makes them their names (numbers that have none as they are), and 'number' ints.
///
/// Raises:
///     EncodeError: A value is not what the IDL says; the text names the path to it.
///     TypeError: `obj` is not an instance of such a class.
///     ValueError: `enums` is none of these.
#[pyfunction]
#[pyo3(signature = (obj, *, enums = None))]
fn to_dict(obj: &Bound<'_, PyAny>, enums: Option<&Bound<'_, PyAny>>) -> PyResult<Py<PyAny>> {
    let choices = [("name", Enums::Name), ("number", Enums::Number)];
    let enums = optional("enums", enums, |name, given| choice(name, &choices, given))?.unwrap_or(Enums::Member);
    let target = Target::of_object(obj.as_ptr())?;
    let settings = settings();
    let made = DictWriter::new(target.registry.get(), &settings, enums).structure(target.plan(), &own(obj.as_ptr()));
    match made {
        Ok(dict) => Ok(dict.into_bound(obj.py()).unbind()),
        Err(error) => Err(target.encode_error(error)),
    }
}

/// Return an instance of `cls` that is made of nested plain data, each value of which is checked.
///
/// It takes what `to_dict` returns. Fields are named as in the IDL, and None stands for one that is not set. Enums are members, numbers
/// or names; instances of the classes of structs are taken as they are.
///
/// Args:
///     cls: A class of a loaded IDL file, or a subclass of one.
///     data: A dict.
///
/// Raises:
///     DecodeError: A name is not known, a value is of another type or out of range, or a required field is missing; the text names the
///         path to it.
///     TypeError: `cls` is no such class.
#[pyfunction]
#[pyo3(signature = (cls, data))]
fn from_dict(cls: &Bound<'_, PyAny>, data: &Bound<'_, PyAny>) -> PyResult<Py<PyAny>> {
    let target = Target::of_class(cls.as_ptr())?;
    let settings = settings();
    let made = DictReader::new(&target, &settings).outermost(target.plan(), &own(data.as_ptr()));
    match made {
        Ok(object) => Ok(object.into_bound(data.py()).unbind()),
        Err(error) => {
            let error = error.within(in_struct(target.registry.get(), target.id));
            let py = data.py();
            Err(PyErr::take(py).unwrap_or_else(|| exception(py, "DecodeError", (error.to_string(),))))
        }
    }
}

/// No bytes are written or read, so there is no protocol; and what is made is about as large as what is there.
fn settings() -> Settings {
    let settings = Settings::of(Protocol::Binary);
    Settings { limits: Limits { memory: usize::MAX, ..settings.limits }, ..settings }
}

/// Keeps a borrowed object.
fn own(object: Ref) -> Object {
    // SAFETY: callers hand in objects that live at least until this call.
    unsafe { Object::from_borrowed(object) }
}

/// Keeps all of these borrowed objects; no Python code runs meanwhile.
fn own_all(elements: impl Iterator<Item = Ref>) -> Vec<Object> {
    elements.map(own).collect()
}

/// Keeps all of these keys and values.
fn own_entries(entries: impl Iterator<Item = (Ref, Ref)>) -> Vec<(Object, Object)> {
    entries.map(|(key, value)| (own(key), own(value))).collect()
}

/// A new reference of a C call.
fn new_object(pointer: Ref) -> Result<Object, EncodeError> {
    // SAFETY: the pointer is a new reference, or null when a Python exception is set.
    unsafe { Object::from_new(pointer) }.ok_or_else(raised)
}

/// An int.
fn int(number: i64) -> Result<Object, EncodeError> {
    // SAFETY: makes a new object.
    new_object(unsafe { ffi::PyLong_FromLongLong(number) })
}

/// The error that stands for the Python exception that is set.
#[cold]
fn raised() -> EncodeError {
    EncodeError::new(EncodeErrorKind::Invalid("a Python exception was raised".into()))
}

/// Leaves a Python exception set, for whoever called the walk.
#[cold]
fn raise(error: PyErr) -> EncodeError {
    restore(error);
    raised()
}

#[cold]
fn in_field(error: EncodeError, field: &FieldPlan) -> EncodeError {
    error.within(PathStep::Field((*field.name).into()))
}

#[cold]
fn missing(plan: &StructPlan, field: &FieldPlan) -> EncodeError {
    let (structure, field) = ((*plan.name).into(), (*field.name).into());
    EncodeError::new(EncodeErrorKind::MissingField { structure, field })
}

#[cold]
fn member_count(plan: &StructPlan, count: usize) -> EncodeError {
    EncodeError::new(EncodeErrorKind::UnionMembers { union: (*plan.name).into(), count })
}

/// How deep a walk is.
struct Depth {
    left: u32,
    limit: u32,
}

impl Depth {
    fn new(limit: u32) -> Self {
        Self { left: limit, limit }
    }

    fn enter(&mut self) -> Result<(), EncodeError> {
        match self.left.checked_sub(1) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(EncodeError::new(EncodeErrorKind::DepthLimit(self.limit))),
        }
    }

    fn leave(&mut self) {
        self.left += 1;
    }
}
