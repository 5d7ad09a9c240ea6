//! Modules that were generated: their declarations, of which the first use of one makes classes as loading the IDL would.

mod read;
mod types;
mod values;

use std::collections::HashMap;
use std::sync::{Mutex, OnceLock, PoisonError};

use fastthrift_schema::{ProgramId, Schema, correspondence};
use pyo3::exceptions::{PyAttributeError, PyImportError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyModule, PyString, PyType};
use pyo3::{PyTraverseError, PyVisit, intern};

use crate::registry::{Home, Registry, Style};

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_class::<GeneratedModule>()
}

/// The generated modules that were imported, in that order; of each name the last.
///
/// Nothing that could run Python code is done while this is locked.
static IMPORTED: Mutex<Vec<Py<GeneratedModule>>> = Mutex::new(Vec::new());

fn imported(py: Python<'_>) -> Vec<Py<GeneratedModule>> {
    let modules = IMPORTED.lock().unwrap_or_else(PoisonError::into_inner);
    modules.iter().map(|module| module.clone_ref(py)).collect()
}

/// The declarations of a generated module, and what was made of them.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct GeneratedModule {
    name: String,
    /// Whose classes they are: the package that hands them on, or the module itself.
    public: String,
    program: String,
    source: String,
    doc: Option<String>,
    namespaces: Option<Py<PyDict>>,
    /// The modules of included files, or their names, by the names under which the declarations know them. They may not have come to
    /// their end when this one does, since packages import one another.
    includes: Vec<(String, Py<PyAny>)>,
    /// What they declare, once it was asked for.
    included: OnceLock<Included>,
    /// The declarations by their names in Python, in the order of the IDL.
    declared: Py<PyDict>,
    /// The module's names.
    globals: Py<PyDict>,
    made: OnceLock<(Py<Registry>, ProgramId)>,
}

/// Modules by the names under which the declarations of another one know them.
type Included = Box<[(String, Py<GeneratedModule>)]>;

impl GeneratedModule {
    /// What the modules of included files declare.
    fn included(&self, py: Python<'_>) -> PyResult<&Included> {
        if let Some(included) = self.included.get() {
            return Ok(included);
        }
        let mut found = Vec::new();
        for (alias, module) in &self.includes {
            let module = match module.bind(py).cast::<PyString>() {
                Ok(name) => py.import(name)?,
                Err(_) => module.bind(py).cast::<PyModule>()?.clone(),
            };
            let Some(declared) = module.dict().get_item(DECLARED)? else {
                let text =
                    format!("module '{}' includes one that is not generated, or not to its end: {alias}", self.name);
                return Err(PyImportError::new_err(text));
            };
            found.push((alias.clone(), declared.cast_into::<Self>()?.unbind()));
        }
        let spare = self.included.set(found.into());
        drop(spare);
        self.included.get().ok_or_else(|| PyValueError::new_err("invariant: what was set is there"))
    }

    /// The names among which classes are put, and annotations are looked up: those of the package whose classes they are.
    fn namespace<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let package = if self.public == self.name { None } else { loaded(py)?.get_item(&self.public)? };
        let package = package.and_then(|package| package.cast_into::<PyModule>().ok());
        Ok(package.map_or_else(|| self.globals.bind(py).clone(), |package| package.dict()))
    }

    /// What the modules of included files declare, where that was found.
    fn found(&self) -> &[(String, Py<Self>)] {
        self.included.get().map_or(&[], |included| included)
    }
}

/// The modules that Python knows.
fn loaded(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    Ok(py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?)
}

/// Where a module keeps its declarations.
const DECLARED: &str = "__thrift_generated__";

#[pymethods]
impl GeneratedModule {
    #[new]
    #[expect(clippy::too_many_arguments, reason = "one call, in the package")]
    fn new(
        name: String,
        public: String,
        program: String,
        source: String,
        doc: Option<String>,
        namespaces: Option<Py<PyDict>>,
        includes: Vec<(String, Py<PyAny>)>,
        declared: Py<PyDict>,
        globals: Py<PyDict>,
    ) -> Self {
        Self {
            name,
            public,
            program,
            source,
            doc,
            namespaces,
            includes,
            included: OnceLock::new(),
            declared,
            globals,
            made: OnceLock::new(),
        }
    }

    /// Makes the module known, so that loading its IDL gives its classes.
    fn publish(this: &Bound<'_, Self>) {
        let replaced = {
            let mut modules = IMPORTED.lock().unwrap_or_else(PoisonError::into_inner);
            let before = modules.iter().position(|module| module.get().name == this.get().name);
            let replaced = before.map(|place| modules.remove(place));
            modules.push(this.clone().unbind());
            replaced
        };
        drop(replaced);
    }

    /// `__getattr__` of the module: makes what is named when it is first asked for.
    fn __call__<'py>(this: &Bound<'py, Self>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        if !this.get().declared.bind(this.py()).contains(name)? {
            let text = format!("module '{}' has no attribute '{name}'", this.get().name);
            return Err(PyAttributeError::new_err(text));
        }
        let (registry, program) = made(this)?;
        Registry::attribute(&registry, program, name)
    }

    /// The names that are declared.
    fn names<'py>(&self, py: Python<'py>) -> Bound<'py, PyList> {
        self.declared.bind(py).keys()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        if let Some(namespaces) = &self.namespaces {
            visit.call(namespaces)?;
        }
        for (_, module) in &self.includes {
            visit.call(module)?;
        }
        for (_, module) in self.found() {
            visit.call(module)?;
        }
        visit.call(&self.declared)?;
        visit.call(&self.globals)?;
        self.made.get().map_or(Ok(()), |(registry, _)| visit.call(registry))
    }
}

/// The registry of a module and its program there, made with all modules that were imported and not used before: one schema serves them
/// all. Where a declaration of another module is wrong, the module is made with those alone that it includes.
fn made<'py>(module: &Bound<'py, GeneratedModule>) -> PyResult<(Bound<'py, Registry>, ProgramId)> {
    let py = module.py();
    while module.get().made.get().is_none() {
        let mut wanted = vec![module.clone().unbind()];
        let waiting = imported(py).into_iter().filter(|other| other.get().made.get().is_none());
        wanted.extend(waiting.filter(|other| !other.is(module)));
        if make(py, wanted).is_err() {
            make(py, vec![module.clone().unbind()])?;
        }
    }
    match module.get().made.get() {
        Some((registry, program)) => Ok((registry.bind(py).clone(), *program)),
        None => Err(PyValueError::new_err("invariant: the module was made")),
    }
}

/// Makes the registry of these modules. Where another thread was faster with one of them, nothing is done.
fn make(py: Python<'_>, wanted: Vec<Py<GeneratedModule>>) -> PyResult<()> {
    let modules = with_includes(py, wanted)?;
    let schema = read::schema(py, &modules)?;
    let homes: Vec<Option<Home>> = modules.iter().map(|module| home(py, module)).collect();
    let is_made: Vec<bool> = homes.iter().map(Option::is_some).collect();
    let names: Vec<String> = modules.iter().map(|module| module.get().public.clone()).collect();
    let registry = Bound::new(py, Registry::of_generated(schema, Style::Native, names.into(), homes.into()))?;
    let namespaces = modules.iter().zip(&is_made).map(|(module, is_made)| {
        if *is_made { Ok(PyDict::new(py).unbind()) } else { Ok(module.get().namespace(py)?.unbind()) }
    });
    registry.get().use_namespaces(namespaces.collect::<PyResult<Vec<_>>>()?.into())?;
    let made = (0..modules.len()).map(|place| (registry.clone().unbind(), ProgramId::new(place)));
    let is_first = publish(&modules, &is_made, made.collect());
    if is_first { link(&registry, &modules) } else { Ok(()) }
}

/// Says of each module what made it, unless another thread has said so of one of them meanwhile.
fn publish(modules: &[Py<GeneratedModule>], is_made: &[bool], made: Vec<(Py<Registry>, ProgramId)>) -> bool {
    static PUBLISHING: Mutex<()> = Mutex::new(());
    let publishing = PUBLISHING.lock().unwrap_or_else(PoisonError::into_inner);
    if modules.iter().zip(is_made).any(|(module, is_made)| module.get().made.get().is_some() != *is_made) {
        drop(publishing);
        drop(made);
        return false;
    }
    let mut spare = Vec::new();
    for (module, made) in modules.iter().zip(made) {
        spare.extend(module.get().made.set(made).err());
    }
    drop(publishing);
    true
}

/// The modules with all that they include, each once.
fn with_includes(py: Python<'_>, mut modules: Vec<Py<GeneratedModule>>) -> PyResult<Vec<Py<GeneratedModule>>> {
    let mut next = 0;
    while next < modules.len() {
        let includes = modules[next].get().included(py)?;
        let includes: Vec<_> = includes.iter().map(|(_, module)| module.clone_ref(py)).collect();
        for include in includes {
            if !modules.iter().any(|known| known.is(&include)) {
                modules.push(include);
            }
        }
        next += 1;
    }
    Ok(modules)
}

fn home(py: Python<'_>, module: &Py<GeneratedModule>) -> Option<Home> {
    module.get().made.get().map(|(registry, program)| Home { registry: registry.clone_ref(py), program: *program })
}

/// Lets annotations name modules.
fn link(registry: &Bound<'_, Registry>, modules: &[Py<GeneratedModule>]) -> PyResult<()> {
    let py = registry.py();
    let loaded = loaded(py)?;
    for (place, module) in modules.iter().enumerate() {
        let namespace = module.get().namespace(py)?;
        let offer = |program: usize| -> PyResult<()> {
            let alias = registry.get().alias(ProgramId::new(program));
            match loaded.get_item(&modules[program].get().public)? {
                Some(found) if !namespace.contains(alias)? => namespace.set_item(alias, found),
                _ => Ok(()),
            }
        };
        offer(place)?;
        for (_, include) in module.get().found() {
            if let Some(program) = modules.iter().position(|known| known.is(include)) {
                offer(program)?;
            }
        }
    }
    Ok(())
}

/// Tells a class where its declaration is, if it was made of one: Python 3.13 and later know that of each class statement, and
/// `inspect` goes by it.
pub(crate) fn note_line(globals: &Bound<'_, PyDict>, name: &str, class: &Bound<'_, PyType>) -> PyResult<()> {
    let py = class.py();
    let Some(module) = globals.get_item(intern!(py, "__thrift_generated__"))? else { return Ok(()) };
    let Ok(module) = module.cast_into::<GeneratedModule>() else { return Ok(()) };
    let Some(declared) = module.get().declared.bind(py).get_item(name)? else { return Ok(()) };
    let line = intern!(py, "__firstlineno__");
    match declared.get_item(1)?.cast_into::<PyDict>().map(|body| body.get_item(line)) {
        Ok(Ok(Some(first))) => class.setattr(line, first),
        _ => Ok(()),
    }
}

/// For each program of a schema that was just loaded, where its classes are: those of an imported module that says the same.
pub(crate) fn homes(py: Python<'_>, schema: &Schema) -> Box<[Option<Home>]> {
    let mut homes: Vec<Option<Home>> = schema.programs().iter().map(|_| None).collect();
    let known = imported(py);
    if known.is_empty() {
        return homes.into();
    }
    for program in schema.programs().ids() {
        if homes[program.index()].is_some() {
            continue;
        }
        let alike = known.iter().filter(|module| module.get().program == *schema.program(program).name);
        // One whose declarations are wrong says nothing that a file could say.
        let found = alike.rev().find_map(|module| {
            let (registry, home) = made(module.bind(py)).ok()?;
            let pairs = correspondence(schema, program, registry.get().schema(), home)?;
            agreeing(&homes, &pairs, &registry).then_some((registry, pairs))
        });
        let Some((registry, pairs)) = found else { continue };
        for (program, home) in pairs {
            homes[program.index()].get_or_insert_with(|| registry.get().home_of(registry.as_unbound(), home));
        }
    }
    homes.into()
}

/// Whether what was found for other programs is what this module's own includes are.
fn agreeing(homes: &[Option<Home>], pairs: &HashMap<ProgramId, ProgramId>, registry: &Bound<'_, Registry>) -> bool {
    pairs.iter().all(|(program, &home)| match &homes[program.index()] {
        None => true,
        Some(found) => {
            let wanted = registry.get().home_of(registry.as_unbound(), home);
            found.registry.is(&wanted.registry) && found.program == wanted.program
        }
    })
}

/// What is known of a declared name, as errors show it.
fn wrong(module: &GeneratedModule, place: &str, text: &str) -> PyErr {
    PyValueError::new_err(format!("the generated module '{}' is wrong: {place}: {text}", module.name))
}
