//! The Python side of one loaded schema: its classes, enums and modules, each made when it is first touched.

use std::sync::{Arc, OnceLock};

use fastthrift_dynamic::Plans;
use fastthrift_schema::{Definition, EnumId, ProgramId, Schema, ServiceId, StructId};
use pyo3::exceptions::{PyAttributeError, PyRuntimeError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyModule, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::class::{self, ClassEntry};
use crate::constant;
use crate::enumeration::EnumEntry;
use crate::generated;
use crate::module;
use crate::object::Object;
use crate::selection::Selections;
use crate::service::{self, ServiceEntry};
use fastthrift_codegen::python::Annotations;
use fastthrift_codegen::python::names::definition_name;

/// The classes of one loaded schema.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct Registry {
    plans: Plans,
    style: Style,
    module_names: Box<[String]>,
    /// The modules' names in annotations.
    aliases: Box<[String]>,
    /// The names of each program's module.
    namespaces: OnceLock<Box<[Py<PyDict>]>>,
    /// Where the classes of each program are, if not here.
    homes: Box<[Option<Home>]>,
    classes: Box<[OnceLock<ClassEntry>]>,
    enums: Box<[OnceLock<EnumEntry>]>,
    services: Box<[OnceLock<ServiceEntry>]>,
    selections: Selections,
}

/// A program of another registry, whose classes are those of a program here that says the same.
pub(crate) struct Home {
    pub(crate) registry: Py<Registry>,
    pub(crate) program: ProgramId,
}

/// What values look like in Python.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    /// Slots, `IntEnum`, `set`, checked types.
    Native,
    /// Attributes of a `__dict__`, ints for enums, lists for sets.
    Attributes,
}

impl Registry {
    /// Takes a schema, the name of each program's module, and where the classes of programs are if not here; makes nothing else yet.
    pub(crate) fn new(
        schema: Arc<Schema>,
        style: Style,
        module_names: Box<[String]>,
        homes: Box<[Option<Home>]>,
    ) -> Self {
        let aliases = module::aliases(&schema, &module_names);
        Self::with(schema, style, module_names, aliases, homes)
    }

    /// The same for generated modules: annotations name them by the whole of their names, whatever else is imported.
    pub(crate) fn of_generated(
        schema: Arc<Schema>,
        style: Style,
        module_names: Box<[String]>,
        homes: Box<[Option<Home>]>,
    ) -> Self {
        let whole: Vec<String> = module_names.iter().map(|name| name.replace('.', "_")).collect();
        let aliases = module::aliases(&schema, &whole);
        Self::with(schema, style, module_names, aliases, homes)
    }

    fn with(
        schema: Arc<Schema>,
        style: Style,
        module_names: Box<[String]>,
        aliases: Box<[String]>,
        homes: Box<[Option<Home>]>,
    ) -> Self {
        fn empty<T>(count: usize) -> Box<[OnceLock<T>]> {
            (0..count).map(|_| OnceLock::new()).collect()
        }
        Self {
            style,
            aliases,
            module_names,
            namespaces: OnceLock::new(),
            homes,
            classes: empty(schema.structs().len()),
            enums: empty(schema.enums().len()),
            services: empty(schema.services().len()),
            selections: Selections::default(),
            plans: Plans::new(schema),
        }
    }

    #[inline]
    pub(crate) fn plans(&self) -> &Plans {
        &self.plans
    }

    #[inline]
    pub(crate) fn schema(&self) -> &Schema {
        self.plans.schema()
    }

    #[inline]
    pub(crate) fn style(&self) -> Style {
        self.style
    }

    pub(crate) fn module_name(&self, program: ProgramId) -> &str {
        &self.module_names[program.index()]
    }

    #[inline]
    pub(crate) fn selections(&self) -> &Selections {
        &self.selections
    }

    /// The name under which annotations know a program's module.
    pub(crate) fn alias(&self, program: ProgramId) -> &str {
        &self.aliases[program.index()]
    }

    /// Where the classes of a program are: here, unless another registry is named.
    pub(crate) fn home_of(&self, this: &Py<Self>, program: ProgramId) -> Home {
        let py = crate::object::held();
        match &self.homes[program.index()] {
            Some(home) => Home { registry: home.registry.clone_ref(py), program: home.program },
            None => Home { registry: this.clone_ref(py), program },
        }
    }

    /// Makes the modules of all programs, that of the root first.
    pub(crate) fn make_modules<'py>(registry: &Bound<'py, Self>) -> PyResult<Vec<Bound<'py, PyModule>>> {
        let this = registry.get();
        let modules: PyResult<Vec<_>> = this.schema().programs().ids().map(|id| module::create(registry, id)).collect();
        let modules = modules?;
        module::link(this.schema(), &modules, &this.aliases)?;
        this.use_namespaces(modules.iter().map(|module| module.dict().unbind()).collect())?;
        Ok(modules)
    }

    /// Takes the names of each program's module, among which what is made is put.
    pub(crate) fn use_namespaces(&self, namespaces: Box<[Py<PyDict>]>) -> PyResult<()> {
        self.namespaces.set(namespaces).map_err(|_| PyRuntimeError::new_err("the modules were made before"))
    }

    /// The class of a struct, if it was made.
    #[inline]
    pub(crate) fn made_class(&self, id: StructId) -> Option<&ClassEntry> {
        match self.classes[id.index()].get() {
            None => self.adopted_class(id),
            entry => entry,
        }
    }

    /// The class of a struct that another registry has made.
    #[cold]
    fn adopted_class(&self, id: StructId) -> Option<&ClassEntry> {
        let py = crate::object::held();
        let structure = self.schema().structure(id);
        let Some((home, Definition::Struct(there))) = self.at_home(structure.program, &structure.name) else {
            return None;
        };
        let entry = home.bind(py).get().made_class(there)?.clone_ref(py);
        let _ = self.classes[id.index()].set(entry);
        self.classes[id.index()].get()
    }

    /// A definition where its classes are, if that is another registry.
    fn at_home(&self, program: ProgramId, name: &str) -> Option<(&Py<Self>, Definition)> {
        let home = self.homes[program.index()].as_ref()?;
        let schema = home.registry.get().schema();
        let mut definitions = schema.program(home.program).definitions.iter();
        definitions.find(|(defined, _)| **defined == *name).map(|(_, definition)| (&home.registry, *definition))
    }

    /// The class of a struct.
    pub(crate) fn class<'a>(registry: &'a Bound<'_, Self>, id: StructId) -> PyResult<&'a ClassEntry> {
        let this = registry.get();
        if let Some(entry) = this.made_class(id) {
            return Ok(entry);
        }
        let py = registry.py();
        let structure = this.schema().structure(id);
        let entry = match this.at_home(structure.program, &structure.name) {
            Some((home, Definition::Struct(there))) => Self::class(home.bind(py), there)?.clone_ref(py),
            _ => class::create(registry, id)?,
        };
        // Another thread may have been faster; then its class is the one.
        let entry = match this.classes[id.index()].set(entry) {
            Ok(()) => {
                let entry = this.made_class(id).ok_or_else(unmade)?;
                this.publish(registry.py(), structure.program, &structure.name, entry.class_ref().bind(registry.py()))?;
                entry
            }
            Err(_) => this.made_class(id).ok_or_else(unmade)?,
        };
        Ok(entry)
    }

    /// Ties a class that was made elsewhere to a struct.
    pub(crate) fn adopt(&self, id: StructId, entry: ClassEntry) -> PyResult<()> {
        self.classes[id.index()].set(entry).map_err(|_| PyRuntimeError::new_err("the struct has a class already"))
    }

    /// The class of an enum and its values.
    pub(crate) fn enumeration(&self, py: Python<'_>, id: EnumId) -> PyResult<&EnumEntry> {
        let slot = &self.enums[id.index()];
        if let Some(entry) = slot.get() {
            return Ok(entry);
        }
        let enumeration = self.schema().enumeration(id);
        let entry = if let Some((home, Definition::Enum(there))) = self.at_home(enumeration.program, &enumeration.name)
        {
            home.bind(py).get().enumeration(py, there)?.clone_ref(py)
        } else {
            let name = definition_name(self.schema().program(enumeration.program), &enumeration.name);
            EnumEntry::create(py, self.schema(), enumeration, &name, self.module_name(enumeration.program))?
        };
        if slot.set(entry).is_ok() {
            let entry = slot.get().ok_or_else(unmade)?;
            self.publish(py, enumeration.program, &enumeration.name, entry.class(py))?;
        }
        slot.get().ok_or_else(unmade)
    }

    /// A value of an enum as Python has it in this style.
    #[inline]
    pub(crate) fn enum_value(&self, py: Python<'_>, id: EnumId, number: i32) -> PyResult<Object> {
        match self.enums[id.index()].get() {
            Some(entry) => entry.value(py, number),
            None => self.enumeration(py, id)?.value(py, number),
        }
    }

    /// The stub class of a service, and its functions.
    pub(crate) fn service<'a>(registry: &'a Bound<'_, Self>, id: ServiceId) -> PyResult<&'a ServiceEntry> {
        let this = registry.get();
        let slot = &this.services[id.index()];
        if let Some(entry) = slot.get() {
            return Ok(entry);
        }
        let service = this.schema().service(id);
        let adopted = match this.at_home(service.program, &service.name) {
            Some((home, Definition::Service(there))) => {
                let py = registry.py();
                Some(Self::service(home.bind(py), there)?.class(py).clone())
            }
            _ => None,
        };
        let entry = service::create(registry, id, adopted)?;
        if slot.set(entry).is_ok() {
            let entry = slot.get().ok_or_else(unmade)?;
            this.publish(registry.py(), service.program, &service.name, entry.class(registry.py()))?;
        }
        slot.get().ok_or_else(unmade)
    }

    /// What a name of a program's module stands for.
    pub(crate) fn attribute<'py>(
        registry: &Bound<'py, Self>,
        program: ProgramId,
        name: &str,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = registry.py();
        let this = registry.get();
        let definitions = &this.schema().program(program).definitions;
        let Some((_, definition)) =
            definitions.iter().find(|(defined, _)| definition_name(this.schema().program(program), defined) == name)
        else {
            let text = format!("module '{}' has no attribute '{name}'", this.module_name(program));
            return Err(PyAttributeError::new_err(text));
        };
        Ok(match *definition {
            Definition::Struct(id) => Self::class(registry, id)?.class_ref().bind(py).clone().into_any(),
            Definition::Enum(id) => this.enumeration(py, id)?.class(py).clone().into_any(),
            Definition::Service(id) => Self::service(registry, id)?.class(py).clone().into_any(),
            Definition::Typedef(id) => {
                let object = module::typedef(registry, id)?;
                this.publish_first(program, name, object)?
            }
            Definition::Constant(id) => {
                let constant = this.schema().constant(id);
                let object = constant::object_of(registry, constant.ty, &constant.value, false)?;
                this.publish_first(program, name, object)?
            }
        })
    }

    /// Writes annotations in the names of this registry's modules.
    pub(crate) fn annotations(&self) -> Annotations<'_, impl Fn(ProgramId) -> String> {
        Annotations::new(self.schema(), |program: ProgramId| self.aliases[program.index()].clone())
    }

    /// Makes a module of Python's a name of a program's module, for its annotations.
    pub(crate) fn offer_import(&self, py: Python<'_>, program: ProgramId, name: &str) -> PyResult<()> {
        self.publish_any(py, program, name, py.import(name)?.as_any())
    }

    fn publish(&self, py: Python<'_>, program: ProgramId, name: &str, class: &Bound<'_, PyType>) -> PyResult<()> {
        let name = definition_name(self.schema().program(program), name);
        if let Some(namespaces) = self.namespaces.get() {
            generated::note_line(namespaces[program.index()].bind(py), &name, class)?;
        }
        self.publish_any(py, program, &name, class.as_any())
    }

    /// Publishes an object unless another thread was faster, and returns what is published.
    fn publish_first<'py>(
        &self,
        program: ProgramId,
        name: &str,
        object: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        match self.namespaces.get() {
            Some(namespaces) => {
                let namespace = namespaces[program.index()].bind(object.py());
                namespace.set_default_with_result(name, object).map(|(_, published)| published)
            }
            None => Ok(object),
        }
    }

    fn publish_any(&self, py: Python<'_>, program: ProgramId, name: &str, object: &Bound<'_, PyAny>) -> PyResult<()> {
        match self.namespaces.get() {
            Some(namespaces) => namespaces[program.index()].bind(py).set_item(name, object),
            None => Ok(()),
        }
    }
}

fn unmade() -> PyErr {
    PyRuntimeError::new_err("invariant: what was set is there")
}

#[pymethods]
impl Registry {
    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        for namespace in self.namespaces.get().into_iter().flatten() {
            visit.call(namespace)?;
        }
        for home in self.homes.iter().flatten() {
            visit.call(&home.registry)?;
        }
        for entry in self.classes.iter().filter_map(OnceLock::get) {
            visit.call(entry.class_ref())?;
        }
        for entry in self.enums.iter().filter_map(OnceLock::get) {
            visit.call(entry.class_ref())?;
        }
        for entry in self.services.iter().filter_map(OnceLock::get) {
            visit.call(entry.class_ref())?;
            for class in entry.client_classes() {
                visit.call(class)?;
            }
        }
        Ok(())
    }
}
