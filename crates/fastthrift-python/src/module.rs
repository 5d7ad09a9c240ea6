//! The Python module of a `.thrift` file.

use fastthrift_schema::{ProgramId, Schema, TypeId, TypeKind, TypedefId};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyModule, PySet, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::constant;
use crate::registry::Registry;
use fastthrift_codegen::python::names::{definition_name, python_name};

/// Makes the module of a program, empty but for what makes its definitions on demand.
pub(crate) fn create<'py>(registry: &Bound<'py, Registry>, program: ProgramId) -> PyResult<Bound<'py, PyModule>> {
    let py = registry.py();
    let schema = registry.get().schema();
    let meaning = schema.program(program);
    let module = PyModule::new(py, registry.get().module_name(program))?;
    let names: Vec<String> = meaning.definitions.iter().map(|(name, _)| definition_name(meaning, name)).collect();
    module.setattr("__doc__", meaning.doc.as_deref())?;
    module.setattr("__file__", &*schema.source(meaning.source).name)?;
    module.setattr("__all__", PyList::new(py, names)?)?;
    let namespaces = PyDict::new(py);
    for namespace in &meaning.namespaces {
        namespaces.set_item(&*namespace.scope, &*namespace.name)?;
    }
    module.setattr("__thrift_namespaces__", namespaces)?;
    module.setattr("__getattr__", ModuleAttributes { registry: registry.clone().unbind(), program })?;
    module.setattr("__dir__", ModuleDirectory { registry: registry.clone().unbind(), program })?;
    Ok(module)
}

/// The `__doc__` of a class: the doc comment, or one line that says what it is and of which file.
///
/// It is never empty: `help()` looks for the comments above a class that has none, and reads the file as Python for that.
pub(crate) fn documentation(schema: &Schema, program: ProgramId, doc: Option<&str>, what: &str, name: &str) -> String {
    if let Some(doc) = doc.filter(|doc| !doc.trim().is_empty()) {
        return doc.to_owned();
    }
    let file = &schema.source(schema.program(program).source).name;
    format!("{what} `{name}` of {}", file.rsplit(['/', '\\']).next().unwrap_or(file))
}

/// Makes the modules of included files attributes of those that include them, and lets annotations name modules by their `aliases`.
pub(crate) fn link(schema: &Schema, modules: &[Bound<'_, PyModule>], aliases: &[String]) -> PyResult<()> {
    for (program, module) in schema.programs().iter().zip(modules) {
        let dict = module.dict();
        let is_defined =
            |name: &str| program.definitions.iter().any(|(defined, _)| definition_name(program, defined) == name);
        let offer = |name: String, target: &Bound<'_, PyModule>| {
            if is_defined(&name) { Ok(()) } else { dict.set_item(name, target) }
        };
        for include in &program.includes {
            let target = &modules[include.program.index()];
            offer(aliases[include.program.index()].clone(), target)?;
            offer(python_name(&include.prefix), target)?;
        }
    }
    for (module, alias) in modules.iter().zip(aliases) {
        let dict = module.dict();
        if !dict.contains(alias)? {
            dict.set_item(alias, module)?;
        }
    }
    Ok(())
}

/// The name by which annotations know each module: the last part of its own, or one like it where a definition or another module has
/// that one.
pub(crate) fn aliases(schema: &Schema, names: &[String]) -> Box<[String]> {
    let is_defined = |name: &str| {
        schema.programs().iter().any(|program| program.definitions.iter().any(|(defined, _)| **defined == *name))
    };
    let mut aliases: Vec<String> = Vec::new();
    for name in names {
        let mut alias = name.rsplit('.').next().unwrap_or(name).to_owned();
        while is_defined(&alias) || aliases.contains(&alias) {
            alias.push('_');
        }
        aliases.push(alias);
    }
    aliases.into()
}

/// A typedef as a Python object: the class, or an alias such as `list[int]`.
pub(crate) fn typedef<'py>(registry: &Bound<'py, Registry>, id: TypedefId) -> PyResult<Bound<'py, PyAny>> {
    alias(registry, registry.get().schema().typedef(id).target)
}

fn alias<'py>(registry: &Bound<'py, Registry>, ty: TypeId) -> PyResult<Bound<'py, PyAny>> {
    let py = registry.py();
    Ok(match registry.get().schema().resolve(ty) {
        TypeKind::Bool => py.get_type::<PyBool>().into_any(),
        TypeKind::I8 | TypeKind::I16 | TypeKind::I32 | TypeKind::I64 => py.get_type::<PyInt>().into_any(),
        TypeKind::Double => py.get_type::<PyFloat>().into_any(),
        TypeKind::String => py.get_type::<PyString>().into_any(),
        TypeKind::Binary => py.get_type::<PyBytes>().into_any(),
        TypeKind::Uuid => constant::uuid_type(py)?.clone().into_any(),
        TypeKind::Enum(id) => registry.get().enumeration(py, id)?.class(py).clone().into_any(),
        TypeKind::Struct(id) => Registry::class(registry, id)?.class_ref().bind(py).clone().into_any(),
        TypeKind::List(element) => generic(&py.get_type::<PyList>(), alias(registry, element)?)?,
        TypeKind::Set(element) => generic(&py.get_type::<PySet>(), alias(registry, element)?)?,
        TypeKind::Map(key, value) => {
            generic(&py.get_type::<PyDict>(), (alias(registry, key)?, alias(registry, value)?))?
        }
        TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
    })
}

fn generic<'py>(class: &Bound<'py, PyType>, arguments: impl IntoPyObject<'py>) -> PyResult<Bound<'py, PyAny>> {
    class.as_any().get_item(arguments)
}

/// `__getattr__` of a module: makes what is named when it is first asked for.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ModuleAttributes {
    registry: Py<Registry>,
    program: ProgramId,
}

#[pymethods]
impl ModuleAttributes {
    fn __call__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        Registry::attribute(self.registry.bind(py), self.program, name)
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}

/// `__dir__` of a module.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ModuleDirectory {
    registry: Py<Registry>,
    program: ProgramId,
}

#[pymethods]
impl ModuleDirectory {
    fn __call__(&self, py: Python<'_>) -> Vec<String> {
        let registry = self.registry.bind(py).get();
        let program = registry.schema().program(self.program);
        let included = program.includes.iter().map(|include| python_name(&include.prefix));
        let mut names: Vec<String> =
            program.definitions.iter().map(|(name, _)| definition_name(program, name)).chain(included).collect();
        names.sort();
        names
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}
