//! Constants and default values as Python objects.
#![allow(unsafe_code)]

use fastthrift_schema::{StructId, TypeId, TypeKind, Value};
use pyo3::exceptions::PyTypeError;
use pyo3::ffi;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PySet, PyString, PyTuple, PyType};

use crate::class::{Slots, frozen_dict_type, member_offset, none};
use crate::object::{Object, Ref, guarded, held};
use crate::registry::Registry;

/// What a field is when it is not given.
pub(crate) enum Default {
    /// Nothing was written: None.
    None,
    /// A value that cannot be changed, so that all instances share it.
    Shared(Object),
    /// A value that is made anew for each instance, from this field's default in the schema.
    Fresh(StructId, usize),
}

impl Default {
    /// The default of the field at `place`.
    pub(crate) fn of_field(registry: &Bound<'_, Registry>, id: StructId, place: usize) -> PyResult<Self> {
        let field = &registry.get().schema().structure(id).fields[place];
        match &field.default {
            None => Ok(Self::None),
            Some(Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Struct { .. }) => Ok(Self::Fresh(id, place)),
            Some(value) => Ok(Self::Shared(object_of(registry, field.ty, value, false)?.into())),
        }
    }

    pub(crate) fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// The value, where all instances share it.
    #[inline]
    pub(crate) fn shared(&self) -> Option<Object> {
        match self {
            Self::None => Some(none()),
            Self::Shared(value) => Some(value.clone()),
            Self::Fresh(..) => None,
        }
    }

    /// The value, made if need be; that needs the registry of the class.
    pub(crate) fn make(&self, registry: Option<&Bound<'_, Registry>>) -> PyResult<Object> {
        let Self::Fresh(id, place) = *self else { return Ok(self.shared().unwrap_or_else(none)) };
        let registry = registry.ok_or_else(|| PyTypeError::new_err("the class was taken down"))?;
        let field = &registry.get().schema().structure(id).fields[place];
        let value = field.default.as_ref().ok_or_else(|| PyTypeError::new_err("the field has no default"))?;
        Ok(object_of(registry, field.ty, value, false)?.into())
    }
}

/// A constant as a Python object. `is_key` asks for one that can be a map key or a set element.
pub(crate) fn object_of<'py>(
    registry: &Bound<'py, Registry>,
    ty: TypeId,
    value: &Value,
    is_key: bool,
) -> PyResult<Bound<'py, PyAny>> {
    let py = registry.py();
    let schema = registry.get().schema();
    let kind = schema.resolve(ty);
    Ok(match (value, kind) {
        (Value::Bool(value), _) => PyBool::new(py, *value).to_owned().into_any(),
        (Value::Int(value), _) => PyInt::new(py, *value).into_any(),
        (Value::Double(value), _) => PyFloat::new(py, *value).into_any(),
        (Value::String(value), _) => PyString::new(py, value).into_any(),
        (Value::Binary(value), _) => PyBytes::new(py, value).into_any(),
        (Value::Uuid(value), _) => uuid(py, value)?,
        (Value::Enum { id, index }, _) => {
            registry.get().enum_value(py, *id, schema.enumeration(*id).values[*index].value)?.into_bound(py)
        }
        (Value::List(values), TypeKind::List(element)) => {
            let items = elements(registry, element, values, is_key)?;
            if is_key { PyTuple::new(py, items)?.into_any() } else { PyList::new(py, items)?.into_any() }
        }
        (Value::Set(values), TypeKind::Set(element)) => {
            let items = elements(registry, element, values, true)?;
            if is_key { PyFrozenSet::new(py, items)?.into_any() } else { PySet::new(py, items)?.into_any() }
        }
        (Value::Map(entries), TypeKind::Map(key_type, value_type)) => {
            let dict = PyDict::new(py);
            for (key, value) in entries {
                let key = object_of(registry, key_type, key, true)?;
                dict.set_item(key, object_of(registry, value_type, value, is_key)?)?;
            }
            if is_key { frozen_dict_type(py)?.call1((dict,))? } else { dict.into_any() }
        }
        (Value::Struct { id, fields }, _) => {
            let structure = schema.structure(*id);
            let class = Registry::class(registry, *id)?;
            let names = &class.info.names;
            let kwargs = PyDict::new(py);
            for (place, value) in fields {
                kwargs.set_item(&names[*place], object_of(registry, structure.fields[*place].ty, value, false)?)?;
            }
            // A default may hold, through its own defaults, itself.
            guarded(|| class.class_ref().bind(py).call((), Some(&kwargs)))?
        }
        (Value::List(_) | Value::Set(_) | Value::Map(_), _) => {
            return Err(PyTypeError::new_err("invariant: a constant was checked against its type"));
        }
    })
}

fn elements<'py>(
    registry: &Bound<'py, Registry>,
    element: TypeId,
    values: &[Value],
    is_key: bool,
) -> PyResult<Vec<Bound<'py, PyAny>>> {
    values.iter().map(|value| object_of(registry, element, value, is_key)).collect()
}

/// A `uuid.UUID` of 16 bytes.
pub(crate) fn uuid<'py>(py: Python<'py>, bytes: &[u8; 16]) -> PyResult<Bound<'py, PyAny>> {
    uuid_type(py)?.call1((py.None(), PyBytes::new(py, bytes)))
}

/// The class `uuid.UUID`; its module is imported when the first one is needed.
pub(crate) fn uuid_type(py: Python<'_>) -> PyResult<&Bound<'_, PyType>> {
    static UUID: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    UUID.import(py, "uuid", "UUID")
}

/// The class `uuid.UUID`, and where its instances keep their number: in the slot of the class itself, since a subclass may name its
/// own code `int`.
///
/// Whoever makes a class or function that mentions UUIDs calls this first: the walk over values that are being written must not be
/// the one to import a module.
pub(crate) fn prepare_uuid(py: Python<'_>) -> PyResult<(&Bound<'_, PyType>, usize)> {
    static OFFSET: PyOnceLock<usize> = PyOnceLock::new();
    let class = uuid_type(py)?;
    Ok((class, *OFFSET.get_or_try_init(py, || member_offset(&class.getattr("int")?))?))
}

/// The 16 bytes of a `uuid.UUID`, read without Python code; `None` when it is something else.
pub(crate) fn uuid_bytes(value: Ref) -> PyResult<Option<[u8; 16]>> {
    let py = held();
    let (class, offset) = prepare_uuid(py)?;
    // SAFETY: the value is live, and an instance of the class whose slot it is; what is made of the number are plain ints.
    unsafe {
        if ffi::PyObject_TypeCheck(value, class.as_type_ptr()) == 0 {
            return Ok(None);
        }
        let Some(number) = Slots::of(value).load(offset).filter(|number| ffi::PyLong_CheckExact(number.as_ptr()) != 0)
        else {
            return Err(PyTypeError::new_err("the UUID has no number"));
        };
        let low = ffi::PyLong_AsUnsignedLongLongMask(number.as_ptr());
        let shift = Object::from_new(ffi::PyLong_FromLong(64));
        let high = shift.and_then(|shift| Object::from_new(ffi::PyNumber_Rshift(number.as_ptr(), shift.as_ptr())));
        let high = high.ok_or_else(|| PyErr::fetch(py))?;
        let high = ffi::PyLong_AsUnsignedLongLong(high.as_ptr());
        if let Some(error) = PyErr::take(py) {
            return Err(error);
        }
        Ok(Some((u128::from(high) << 64 | u128::from(low)).to_be_bytes()))
    }
}
