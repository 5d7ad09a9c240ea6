//! Loading: IDL files to modules, diagnostics to Python.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{
    Check, Diagnostic, Dialect, Failure, FileName, Format, Loader, MemoryLoader, NotFound, Options, Outcome, Severity,
    compile, compile_all, render, render_errors,
};
use fastthrift_schema::{Arena, Schema, Source};
use pyo3::exceptions::{PyFileNotFoundError, PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyList, PyModule, PyString, PyTuple};

use crate::generated;
use crate::given::{self, choice, flag, optional, refused, text};
use crate::registry::{Registry, Style};
use fastthrift_codegen::python::{self, live_module_names};
use fastthrift_codegen::rust::Settings;
use fastthrift_codegen::{WriteError, write};

pub(crate) fn add_to(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add_function(wrap_pyfunction!(load_path, module)?)?;
    module.add_function(wrap_pyfunction!(load_files, module)?)?;
    module.add_function(wrap_pyfunction!(check_path, module)?)?;
    module.add_function(wrap_pyfunction!(check_files, module)?)?;
    module.add_function(wrap_pyfunction!(check_report, module)?)?;
    module.add_function(wrap_pyfunction!(generate, module)?)
}

/// Files in memory first, then files on disk.
struct Overlay {
    memory: MemoryLoader,
    disk: Option<FileLoader>,
}

impl Loader for Overlay {
    fn resolve(&self, path: &Path, including: Option<&FileName>) -> Result<FileName, NotFound> {
        match (self.memory.resolve(path, including), &self.disk) {
            (Err(missing), Some(disk)) => disk
                .resolve(path, including)
                .map_err(|more| NotFound { searched: missing.searched.into_iter().chain(more.searched).collect() }),
            (found, _) => found,
        }
    }

    fn read(&self, file: &FileName) -> io::Result<Vec<u8>> {
        match (self.memory.read(file), &self.disk) {
            (Err(_), Some(disk)) => disk.read(file),
            (content, _) => content,
        }
    }
}

fn options(dialect: &Bound<'_, PyAny>, allow_missing_includes: &Bound<'_, PyAny>) -> PyResult<Options> {
    let mut options = Options::default();
    options.allow_missing_includes = flag("allow_missing_includes", allow_missing_includes)?;
    options.dialect = choice("dialect", &[("extended", Dialect::Extended), ("apache", Dialect::Apache)], dialect)?;
    Ok(options)
}

/// What a caller asks to be compiled.
struct Request {
    loader: Box<dyn Loader + Send + Sync>,
    root: PathBuf,
    options: Options,
}

impl Request {
    fn path(path: PathBuf, include_dirs: Vec<PathBuf>, options: Options) -> Self {
        Self { loader: Box::new(FileLoader::new(include_dirs)), root: path, options }
    }

    fn files(
        files: &Bound<'_, PyDict>,
        root: PathBuf,
        include_dirs: Option<Vec<PathBuf>>,
        options: Options,
    ) -> PyResult<Self> {
        let mut memory = MemoryLoader::new();
        for (name, content) in files {
            memory = memory.with_file(name.extract::<PathBuf>()?, content_of(&content)?);
        }
        let disk = include_dirs.map(FileLoader::new);
        Ok(Self { loader: Box::new(Overlay { memory, disk }), root, options })
    }

    /// Compiles with the interpreter released.
    fn compile(&self, py: Python<'_>) -> Result<Outcome, Failure> {
        py.detach(|| compile(&*self.loader, &self.root, &self.options))
    }

    fn load<'py>(&self, py: Python<'py>, module_name: Option<&Bound<'_, PyAny>>) -> PyResult<Bound<'py, PyModule>> {
        let module_name = optional("module_name", module_name, text)?;
        let outcome = self.compile(py).map_err(|failure| failure_error(py, failure))?;
        module_of(py, outcome.schema, module_name.as_deref())
    }

    fn check<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        match self.compile(py) {
            Ok(outcome) => diagnostics_of(py, &outcome.warnings, outcome.schema.sources()),
            Err(Failure::Invalid(report)) => diagnostics_of(py, &report.diagnostics, &report.sources),
            Err(failure) => Err(failure_error(py, failure)),
        }
    }
}

fn content_of(content: &Bound<'_, PyAny>) -> PyResult<Vec<u8>> {
    match content.cast::<PyString>() {
        Ok(text) => Ok(text.to_str()?.as_bytes().to_vec()),
        Err(_) => Ok(content.cast::<PyBytes>()?.as_bytes().to_vec()),
    }
}

#[pyfunction]
fn load_path<'py>(
    py: Python<'py>,
    path: &Bound<'_, PyAny>,
    module_name: Option<&Bound<'_, PyAny>>,
    include_dirs: Vec<PathBuf>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
) -> PyResult<Bound<'py, PyModule>> {
    Request::path(given::path("path", path)?, include_dirs, options(dialect, allow_missing_includes)?)
        .load(py, module_name)
}

#[pyfunction]
fn load_files<'py>(
    py: Python<'py>,
    files: &Bound<'py, PyDict>,
    root: PathBuf,
    module_name: Option<&Bound<'_, PyAny>>,
    include_dirs: Option<Vec<PathBuf>>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
) -> PyResult<Bound<'py, PyModule>> {
    Request::files(files, root, include_dirs, options(dialect, allow_missing_includes)?)?.load(py, module_name)
}

#[pyfunction]
fn check_path<'py>(
    py: Python<'py>,
    path: &Bound<'_, PyAny>,
    include_dirs: Vec<PathBuf>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    Request::path(given::path("path", path)?, include_dirs, options(dialect, allow_missing_includes)?).check(py)
}

#[pyfunction]
fn check_files<'py>(
    py: Python<'py>,
    files: &Bound<'py, PyDict>,
    root: PathBuf,
    include_dirs: Option<Vec<PathBuf>>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
) -> PyResult<Bound<'py, PyList>> {
    Request::files(files, root, include_dirs, options(dialect, allow_missing_includes)?)?.check(py)
}

/// What the command `check` prints, and its exit code.
#[pyfunction]
fn check_report(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    include_dirs: Vec<PathBuf>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
    format: &Bound<'_, PyAny>,
) -> PyResult<(String, u8)> {
    let options = options(dialect, allow_missing_includes)?;
    let format = choice("format", &[("text", Format::Text), ("json", Format::Json)], format)?;
    let check = py.detach(move || Check::new(&FileLoader::new(include_dirs), &paths, &options));
    Ok((check.render(format), check.exit_code()))
}

/// Writes a package, Rust, or stubs for IDL files and all that they include, and returns the paths of the files.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "one call, in the package")]
fn generate(
    py: Python<'_>,
    what: &str,
    paths: Vec<PathBuf>,
    include_dirs: Vec<PathBuf>,
    dialect: &Bound<'_, PyAny>,
    allow_missing_includes: &Bound<'_, PyAny>,
    package: Option<&Bound<'_, PyAny>>,
    output: &Bound<'_, PyAny>,
    settings: Vec<(String, String)>,
) -> PyResult<Vec<PathBuf>> {
    let (output, package) = (given::path("output", output)?, optional("package", package, text)?);
    let mut rust = Settings::default();
    for (name, value) in settings {
        rust.set(&name, &value).map_err(|error| PyValueError::new_err(error.to_string()))?;
    }
    if let Some(text) = package.as_deref().and_then(python::names::package_name_error) {
        return Err(refused(&text));
    }
    let mut options = options(dialect, allow_missing_includes)?;
    options.needs_every_name = true;
    let outcome = py.detach(move || compile_all(&FileLoader::new(include_dirs), &paths, &options));
    let schema = outcome.map_err(|failure| failure_error(py, failure))?.schema;
    let written = py.detach(move || {
        let files = match what {
            "rust" => Ok(rust.files(&schema)),
            "stubs" => python::stubs(&schema),
            _ => python::package(&schema, package.as_deref()),
        };
        files.map(|files| write(&files, &output))
    });
    let written = written.map_err(|clashes| PyValueError::new_err(clashes.to_string()))?;
    written.map_err(|WriteError { path, error }| os_error(&error, path))
}

/// The subclass of `OSError` for what happened at a path.
fn os_error(error: &io::Error, path: PathBuf) -> PyErr {
    let number = match error.kind() {
        io::ErrorKind::AlreadyExists => Some(EEXIST),
        _ => error.raw_os_error(),
    };
    match number {
        Some(number) => {
            let text = error.to_string();
            let text = text.split(" (os error").next().unwrap_or(&text).to_owned();
            PyOSError::new_err((number, text, path.into_os_string()))
        }
        None => PyOSError::new_err(format!("{}: {error}", path.display())),
    }
}

/// The module of a schema's root, with those of the included files as its attributes.
///
/// Modules are put under their names in `sys.modules` where these are free, so that instances can be pickled; a module of the same file
/// that was loaded before gives its place to the new one.
fn module_of<'py>(py: Python<'py>, schema: Arc<Schema>, root_name: Option<&str>) -> PyResult<Bound<'py, PyModule>> {
    let names = live_module_names(&schema, root_name).into();
    let homes = generated::homes(py, &schema);
    let registry = Bound::new(py, Registry::new(schema, Style::Native, names, homes))?;
    let modules = Registry::make_modules(&registry)?;
    let root = &modules[0];
    root.setattr("__thrift__", &registry)?;
    let loaded = py.import("sys")?.getattr("modules")?.cast_into::<PyDict>()?;
    for module in &modules {
        let name = module.name()?;
        let is_free = match loaded.get_item(&name)? {
            None => true,
            Some(known) => {
                module.is(root)
                    && known.hasattr("__thrift__")?
                    && known.getattr("__file__")?.eq(module.getattr("__file__")?)?
            }
        };
        if is_free {
            loaded.set_item(name, module)?;
        }
    }
    Ok(root.clone())
}

/// The Python module of the classes that diagnostics reach Python as.
const DIAGNOSTICS: &str = "fastthrift._diagnostics";
/// The number of "no such file", everywhere.
const ENOENT: i32 = 2;
/// The number of "file exists", everywhere.
const EEXIST: i32 = 17;

/// The exception for a run that gave no schema.
fn failure_error(py: Python<'_>, failure: Failure) -> PyErr {
    match failure {
        Failure::RootNotFound { path, searched } => {
            let text = match searched.as_slice() {
                [] => "no such IDL file".to_owned(),
                places => format!("no such IDL file; looked at {}", places.join(", ")),
            };
            PyFileNotFoundError::new_err((ENOENT, text, path.into_os_string()))
        }
        Failure::RootUnreadable { path, error } => os_error(&error, path),
        Failure::Invalid(report) => syntax_error(py, &report.diagnostics, &report.sources),
    }
}

fn syntax_error(py: Python<'_>, diagnostics: &[Diagnostic], sources: &Arena<Source>) -> PyErr {
    let make = || -> PyResult<PyErr> {
        let first =
            diagnostics.iter().find(|diagnostic| diagnostic.severity == Severity::Error).or(diagnostics.first());
        let all = diagnostics_of(py, diagnostics, sources)?;
        let place = match first {
            Some(diagnostic) => {
                all.get_item(diagnostics.iter().position(|other| std::ptr::eq(other, diagnostic)).unwrap_or(0))?
            }
            None => py.None().into_bound(py),
        };
        let class = py.import(DIAGNOSTICS)?.getattr("ThriftSyntaxError")?;
        Ok(PyErr::from_value(class.call1((place, all, render_errors(diagnostics, sources)))?))
    };
    make().unwrap_or_else(|error| error)
}

/// Diagnostics as `fastthrift.Diagnostic`s.
fn diagnostics_of<'py>(
    py: Python<'py>,
    diagnostics: &[Diagnostic],
    sources: &Arena<Source>,
) -> PyResult<Bound<'py, PyList>> {
    let class = py.import(DIAGNOSTICS)?.getattr("Diagnostic")?;
    let list = PyList::empty(py);
    for diagnostic in diagnostics {
        let (file, start) = diagnostic.place(sources);
        let source = &sources[diagnostic.span.source];
        let end = source.line_column(diagnostic.span.end);
        let related = diagnostic.labels.iter().map(|label| {
            let source = &sources[label.span.source];
            let at = source.line_column(label.span.start);
            (&*source.name, at.line, at.column, label.text.as_str())
        });
        let related = PyTuple::new(py, related.collect::<Vec<_>>())?;
        let fields = PyDict::new(py);
        fields.set_item("code", diagnostic.code.number())?;
        fields.set_item("name", diagnostic.code.name())?;
        fields.set_item("severity", diagnostic.severity.to_string())?;
        fields.set_item("message", &diagnostic.message)?;
        fields.set_item("filename", file)?;
        fields.set_item("line", start.line)?;
        fields.set_item("column", start.column)?;
        fields.set_item("end_line", end.line)?;
        fields.set_item("end_column", end.column)?;
        fields.set_item("source_line", source.line(start.line))?;
        fields.set_item("hint", diagnostic.hint.as_deref())?;
        fields.set_item("related", related)?;
        fields.set_item("text", render(diagnostic, sources))?;
        list.append(class.call((), Some(&fields))?)?;
    }
    Ok(list)
}
