//! The stub classes of services, and what is known of their functions.

use std::sync::{Arc, OnceLock};

use fastthrift_schema::{Function, ServiceId, StructId, TypeId};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};
use pyo3::{PyTraverseError, PyVisit};

use crate::constant::{Default, prepare_uuid};
use crate::function::{Role, ServiceFunction};
use crate::module::documentation;
use crate::registry::Registry;
use fastthrift_codegen::python::names::{definition_name, field_names, function_name};

/// A service's stub class and its own functions, without inherited ones.
pub(crate) struct ServiceEntry {
    class: Py<PyType>,
    pub(crate) functions: Box<[Arc<FunctionInfo>]>,
    /// The class of its clients, once there was one: of blocking ones, and of those on an event loop.
    clients: [OnceLock<Py<PyType>>; 2],
}

impl ServiceEntry {
    pub(crate) fn class<'a, 'py>(&'a self, py: Python<'py>) -> &'a Bound<'py, PyType> {
        self.class.bind(py)
    }

    /// Where the class of the clients is kept whose functions have this role.
    pub(crate) fn client_class(&self, role: Role) -> &OnceLock<Py<PyType>> {
        &self.clients[usize::from(role == Role::Await)]
    }

    /// The classes of its clients that were made.
    pub(crate) fn client_classes(&self) -> impl Iterator<Item = &Py<PyType>> {
        self.clients.iter().filter_map(OnceLock::get)
    }

    pub(crate) fn class_ref(&self) -> &Py<PyType> {
        &self.class
    }
}

/// A function as calls and handlers need it.
pub(crate) struct FunctionInfo {
    /// The name on the wire.
    pub(crate) name: Arc<str>,
    /// The name as a Python method, interned.
    pub(crate) method: Py<PyString>,
    /// The names of the arguments in Python, interned, in the order of the IDL.
    pub(crate) argument_names: Box<[Py<PyString>]>,
    /// What each argument is when it is not given; one without a default must be given, be it as None.
    pub(crate) defaults: Box<[Default]>,
    /// The struct of the arguments.
    pub(crate) arguments: StructId,
    /// The struct of the result.
    pub(crate) result: StructId,
    /// What is returned; `None` is `void`.
    pub(crate) returns: Option<TypeId>,
    /// Whether no reply is sent.
    pub(crate) is_oneway: bool,
    /// Whether the IDL says that a call does no harm when it is carried out twice: `(idempotent = "true")`.
    pub(crate) is_idempotent: bool,
    /// The doc comment.
    pub(crate) doc: Option<Box<str>>,
}

impl FunctionInfo {
    fn new(registry: &Bound<'_, Registry>, service: ServiceId, function: &Function) -> PyResult<Self> {
        let py = registry.py();
        let schema = registry.get().schema();
        let arguments = schema.structure(function.arguments);
        let intern = |name: &String| PyString::intern(py, name).unbind();
        let mut values = arguments.fields.iter().chain(&schema.structure(function.result).fields);
        if values.any(|field| registry.get().annotations().mentions_uuid(field.ty)) {
            prepare_uuid(py)?;
        }
        let default = |(place, _)| Default::of_field(registry, function.arguments, place);
        Ok(Self {
            name: function.name.clone(),
            method: PyString::intern(py, &function_name(schema, service, &function.name)).unbind(),
            argument_names: field_names(arguments).iter().map(intern).collect(),
            defaults: arguments.fields.iter().enumerate().map(default).collect::<PyResult<_>>()?,
            arguments: function.arguments,
            result: function.result,
            returns: function.returns,
            is_oneway: function.is_oneway,
            is_idempotent: is_idempotent(function),
            doc: function.doc.clone(),
        })
    }

    /// An `inspect.Signature` in the names of the IDL, `self` first.
    pub(crate) fn signature<'py>(&self, registry: &Bound<'py, Registry>) -> PyResult<Bound<'py, PyAny>> {
        let py = registry.py();
        let annotations = registry.get().annotations();
        let fields = &registry.get().schema().structure(self.arguments).fields;
        let mut parameters = Vec::new();
        for ((name, default), field) in self.argument_names.iter().zip(&self.defaults).zip(fields) {
            let value = match default {
                Default::None => None,
                other => Some(other.make(Some(registry))?.into_bound(py)),
            };
            parameters.push((name.bind(py).clone(), annotations.ty(field.ty), value).into_pyobject(py)?);
        }
        let returns = self.returns.map_or_else(|| "None".to_owned(), |ty| annotations.ty(ty));
        let make = py.import("fastthrift._introspect")?.getattr("function_signature")?;
        make.call1((PyTuple::new(py, parameters)?, returns))
    }
}

/// Whether a function has the annotation, with no value or one that says yes.
fn is_idempotent(function: &Function) -> bool {
    let mut annotations = function.annotations.iter().rev();
    let last = annotations.find(|annotation| *annotation.key == *"idempotent");
    last.is_some_and(|annotation| ["true", "1"].contains(&&*annotation.value))
}

/// Makes what is known of a service, and its stub class, unless another registry has that.
pub(crate) fn create<'py>(
    registry: &Bound<'py, Registry>,
    id: ServiceId,
    adopted: Option<Bound<'py, PyType>>,
) -> PyResult<ServiceEntry> {
    let service = registry.get().schema().service(id);
    let functions: PyResult<Box<[_]>> =
        service.functions.iter().map(|function| FunctionInfo::new(registry, id, function).map(Arc::new)).collect();
    let functions = functions?;
    let class = adopted.map_or_else(|| stub(registry, id, &functions), Ok)?;
    Ok(ServiceEntry { class: class.unbind(), functions, clients: [const { OnceLock::new() }; 2] })
}

/// Makes the stub class of a service: one that a handler extends.
fn stub<'py>(
    registry: &Bound<'py, Registry>,
    id: ServiceId,
    functions: &[Arc<FunctionInfo>],
) -> PyResult<Bound<'py, PyType>> {
    let py = registry.py();
    let this = registry.get();
    let service = this.schema().service(id);
    let base = match service.extends {
        Some(base) => Registry::service(registry, base)?.class(py).clone(),
        None => py.import("fastthrift._service")?.getattr("Service")?.cast_into::<PyType>()?,
    };
    let name = definition_name(this.schema().program(service.program), &service.name);
    let documentation = documentation(this.schema(), service.program, service.doc.as_deref(), "service", &service.name);
    let namespace = PyDict::new(py);
    namespace.set_item("__module__", this.module_name(service.program))?;
    namespace.set_item("__doc__", documentation)?;
    namespace.set_item("__slots__", PyTuple::empty(py))?;
    namespace.set_item("__thrift_service__", ServiceHandle { registry: registry.clone().unbind(), id })?;
    for info in functions {
        namespace.set_item(&info.method, ServiceFunction::new(registry, info, &service.name, Role::Stub)?)?;
    }
    let metaclass = base.get_type();
    Ok(metaclass.call1((&name, PyTuple::new(py, [&base])?, namespace))?.cast_into::<PyType>()?)
}

/// Names a service of a registry: `Stub.__thrift_service__`.
#[pyclass(frozen, module = "fastthrift._core")]
pub(crate) struct ServiceHandle {
    pub(crate) registry: Py<Registry>,
    pub(crate) id: ServiceId,
}

#[pymethods]
impl ServiceHandle {
    /// The name of the service, as multiplexing uses it.
    #[getter]
    fn name(&self, py: Python<'_>) -> String {
        self.registry.bind(py).get().schema().service(self.id).name.to_string()
    }

    fn __traverse__(&self, visit: PyVisit<'_>) -> Result<(), PyTraverseError> {
        visit.call(&self.registry)
    }
}
