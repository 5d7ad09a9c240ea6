//! Classes that keep their fields as attributes of a `__dict__`, bound to structs of a schema.

use std::sync::Arc;

use fastthrift_schema::{Definition, StructId};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::class::{ClassEntry, ClassInfo, Layout, Spare};
use crate::constant::Default;
use crate::object::type_name;
use crate::registry::{Registry, Style};
use fastthrift_codegen::python::names::field_names;

/// Bytes that an instance with a `__dict__` takes, and each of its attributes.
const ATTRIBUTES_MEMORY: usize = 200;
const FIELD_MEMORY: usize = 64;

/// The attribute under which a bound class knows its struct.
const BINDING: &str = "__thrift_binding__";

/// Names the struct that a class with attributes is bound to.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct Binding {
    registry: Py<Registry>,
    id: StructId,
}

#[pymethods]
impl Binding {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}

/// Binds classes with attributes to the structs of a module's IDL file.
///
/// Each class is called without arguments to make an instance and has its fields set as attributes. Enums are ints there, and sets
/// are lists. `serialize` and `deserialize` then take these classes too. Structs that one of them refers to must be bound as well.
#[pyfunction]
pub(crate) fn bind_classes(module: &Bound<'_, PyAny>, classes: &Bound<'_, PyDict>) -> PyResult<()> {
    let py = module.py();
    let native = module.getattr("__thrift__")?.cast_into::<Registry>()?;
    let schema = native.get().plans().schema();
    let names = schema.programs().ids().map(|id| native.get().module_name(id).to_owned()).collect();
    let homes = schema.programs().iter().map(|_| None).collect();
    let registry = Bound::new(py, Registry::new(Arc::clone(schema), Style::Attributes, names, homes))?;
    for (name, class) in classes {
        let name: String = name.extract()?;
        let class = class.cast_into::<PyType>()?;
        let found = schema.root().definitions.iter().find(|(defined, _)| **defined == *name);
        let Some((_, Definition::Struct(id))) = found else {
            return Err(PyKeyError::new_err(format!("'{name}' is no struct of the file")));
        };
        bind(&registry, *id, &class)?;
    }
    Ok(())
}

fn bind(registry: &Bound<'_, Registry>, id: StructId, class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = registry.py();
    let structure = registry.get().schema().structure(id);
    let info = ClassInfo {
        _members: None,
        id,
        kind: structure.kind,
        names: field_names(structure).iter().map(|name| PyString::intern(py, name).unbind()).collect(),
        layout: Layout::Attributes,
        defaults: structure.fields.iter().map(|_| Default::None).collect(),
        is_tracked: true,
        memory: ATTRIBUTES_MEMORY + structure.fields.len() * FIELD_MEMORY,
        spare: Spare::default(),
    };
    registry.get().adopt(id, ClassEntry::new(class.clone().unbind(), Arc::new(info)))?;
    class.setattr(BINDING, Binding { registry: registry.clone().unbind(), id })
}

/// The struct that a class is bound to.
#[cold]
pub(crate) fn bound_to<'py>(class: &Bound<'py, PyAny>) -> PyResult<(Bound<'py, Registry>, StructId)> {
    let found = class.getattr(BINDING).ok().and_then(|binding| binding.cast_into::<Binding>().ok());
    match found {
        Some(binding) => Ok((binding.get().registry.bind(class.py()).clone(), binding.get().id)),
        None => Err(PyTypeError::new_err(format!("expected a class of a loaded IDL file, got {}", shown(class)))),
    }
}

fn shown(class: &Bound<'_, PyAny>) -> String {
    match class.cast::<PyType>() {
        Ok(class) => class.qualname().map_or_else(|_| "?".to_owned(), |name| name.to_string()),
        Err(_) => format!("an instance of {}", type_name(class.as_ptr())),
    }
}
