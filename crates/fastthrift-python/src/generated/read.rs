//! Declarations to a schema: names first, then the types of fields, then values, as the compiler of the IDL does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use fastthrift_codegen::python::docs::clean;
use fastthrift_schema::{
    Annotation, Constant, Definition, Enum, EnumValue, Field, FieldId, Function, Include, Namespace, Program,
    ProgramId, Requiredness, Schema, SchemaBuilder, Service, ServiceId, Source, Struct, StructId, StructKind, TypeId,
    TypeKind, Typedef,
};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString, PyTuple};

use super::types::{TypeReader, nowhere, shown};
use super::{GeneratedModule, values, wrong};

/// The schema of some modules that include no others.
pub(super) fn schema(py: Python<'_>, modules: &[Py<GeneratedModule>]) -> PyResult<Arc<Schema>> {
    let mut reader =
        Reader { modules, builder: SchemaBuilder::default(), scopes: Vec::new(), declarations: Vec::new() };
    for module in modules {
        reader.declare(module.bind(py).get(), py)?;
    }
    for index in 0..reader.declarations.len() {
        reader.types_of(py, index)?;
    }
    reader.check_typedefs()?;
    for index in 0..reader.declarations.len() {
        reader.values_of(py, index)?;
    }
    for program in 0..modules.len() {
        reader.add_program(py, program)?;
    }
    Ok(Arc::new(reader.builder.finish()))
}

/// What a module declares under one name.
struct Declaration {
    program: usize,
    definition: Definition,
    python: String,
    /// The class's body, or what `typedef` and `const` were given.
    body: Py<PyAny>,
    options: Py<PyDict>,
}

struct Reader<'a> {
    modules: &'a [Py<GeneratedModule>],
    builder: SchemaBuilder,
    /// The definitions of each program by their names in Python.
    scopes: Vec<HashMap<String, Definition>>,
    declarations: Vec<Declaration>,
}

/// What `fastthrift.generated.field` gives: id, default, requiredness, name, doc and annotations.
type FieldTuple<'py> = (i16, Bound<'py, PyAny>, u8, Option<String>, Option<String>, Option<Bound<'py, PyAny>>);

/// An option as text.
fn text_option(options: &Bound<'_, PyDict>, name: &str) -> PyResult<Option<String>> {
    options.get_item(name)?.filter(|value| !value.is_none()).map(|value| value.extract()).transpose()
}

fn annotations(given: Option<Bound<'_, PyAny>>) -> PyResult<Vec<Annotation>> {
    let Some(given) = given.filter(|given| !given.is_none()) else { return Ok(Vec::new()) };
    let entry = |(key, value): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        Ok(Annotation { key: key.extract::<String>()?.into(), value: value.extract::<String>()?.into() })
    };
    given.cast::<PyDict>()?.iter().map(entry).collect()
}

/// The doc comment: an option, where no docstring can say it.
fn doc(docstring: Option<Bound<'_, PyAny>>, options: &Bound<'_, PyDict>) -> PyResult<Option<Box<str>>> {
    if let Some(text) = text_option(options, "doc")? {
        return Ok(Some(text.into()));
    }
    let docstring = docstring.filter(|docstring| !docstring.is_none());
    docstring.map(|text| Ok(clean(&text.extract::<String>()?).into())).transpose()
}

impl Reader<'_> {
    fn module(&self, program: usize) -> &GeneratedModule {
        self.modules[program].get()
    }

    /// Gives the definitions of a module their ids.
    fn declare(&mut self, module: &GeneratedModule, py: Python<'_>) -> PyResult<()> {
        let program = self.scopes.len();
        let mut scope = HashMap::new();
        for (python, declared) in module.declared.bind(py) {
            let python: String = python.extract()?;
            let declared = declared.cast_into::<PyTuple>()?;
            let (kind, body, options): (String, Py<PyAny>, Bound<'_, PyDict>) = declared.extract()?;
            let name: Arc<str> = text_option(&options, "name")?.unwrap_or_else(|| python.clone()).into();
            let definition = self
                .placeholder(&kind, &name, ProgramId::new(program))
                .ok_or_else(|| wrong(module, &python, &format!("{:?} is no kind of declaration", shown(&kind))))?;
            scope.insert(python.clone(), definition);
            self.declarations.push(Declaration { program, definition, python, body, options: options.unbind() });
        }
        self.scopes.push(scope);
        Ok(())
    }

    fn placeholder(&mut self, kind: &str, name: &Arc<str>, program: ProgramId) -> Option<Definition> {
        let name = Arc::clone(name);
        let void = TypeId::new(0);
        Some(match kind {
            "Struct" | "Union" | "Exception" => {
                let kind = match kind {
                    "Union" => StructKind::Union,
                    "Exception" => StructKind::Exception,
                    _ => StructKind::Struct,
                };
                Definition::Struct(self.push_struct(name, program, kind, Vec::new()))
            }
            "Enum" => Definition::Enum(self.builder.enums.push(Enum {
                name,
                program,
                values: Vec::new(),
                annotations: Vec::new(),
                doc: None,
                span: nowhere(),
            })),
            "typedef" => Definition::Typedef(self.builder.typedefs.push(Typedef {
                name,
                program,
                target: void,
                annotations: Vec::new(),
                doc: None,
                span: nowhere(),
            })),
            "const" => Definition::Constant(self.builder.constants.push(Constant {
                name,
                program,
                ty: void,
                value: fastthrift_schema::Value::Bool(false),
                annotations: Vec::new(),
                doc: None,
                span: nowhere(),
            })),
            "Service" => Definition::Service(self.builder.services.push(Service {
                name,
                program,
                extends: None,
                functions: Vec::new(),
                annotations: Vec::new(),
                doc: None,
                span: nowhere(),
            })),
            _ => return None,
        })
    }

    fn push_struct(&mut self, name: Arc<str>, program: ProgramId, kind: StructKind, fields: Vec<Field>) -> StructId {
        let (annotations, doc, span) = (Vec::new(), None, nowhere());
        self.builder.structs.push(Struct { name, program, kind, fields, annotations, doc, span })
    }

    /// The definition that a name means in a program.
    fn find(&self, program: usize, name: &str) -> Option<Definition> {
        let Some((module, name)) = name.rsplit_once('.') else { return self.scopes[program].get(name).copied() };
        let (_, include) = self.module(program).found().iter().find(|(alias, _)| alias == module)?;
        let place = self.modules.iter().position(|known| known.is(include))?;
        self.scopes.get(place)?.get(name).copied()
    }

    fn ty(&mut self, program: usize, text: &str) -> PyResult<TypeId> {
        let mut types = std::mem::take(&mut self.builder.types);
        let read = TypeReader::read(text, &mut |ty| types.push(ty), &|name| self.find(program, name));
        self.builder.types = types;
        read.map_err(PyValueError::new_err)
    }

    /// An error with the place where it is.
    fn placed(&self, index: usize, py: Python<'_>, error: &PyErr) -> PyErr {
        let declared = &self.declarations[index];
        wrong(self.module(declared.program), &declared.python, &error.value(py).to_string())
    }

    fn types_of(&mut self, py: Python<'_>, index: usize) -> PyResult<()> {
        self.try_types_of(py, index).map_err(|error| self.placed(index, py, &error))
    }

    fn try_types_of(&mut self, py: Python<'_>, index: usize) -> PyResult<()> {
        let Declaration { program, definition, body, options, .. } = &self.declarations[index];
        let (program, definition) = (*program, *definition);
        let (body, options) = (body.bind(py).clone(), options.bind(py).clone());
        match definition {
            Definition::Typedef(id) => {
                let target = body.cast::<PyTuple>()?.get_item(0)?.extract::<String>()?;
                self.builder.typedefs[id].target = self.ty(program, &target)?;
                return Ok(());
            }
            Definition::Constant(id) => {
                let ty = body.cast::<PyTuple>()?.get_item(0)?.extract::<String>()?;
                self.builder.constants[id].ty = self.ty(program, &ty)?;
                return Ok(());
            }
            _ => {}
        }
        let body = body.cast_into::<PyDict>()?;
        let doc = doc(body.get_item("__doc__")?, &options)?;
        let annotations = annotations(options.get_item("annotations")?)?;
        match definition {
            Definition::Struct(id) => {
                self.builder.structs[id].fields = self.fields(program, id, &body)?;
                (self.builder.structs[id].doc, self.builder.structs[id].annotations) = (doc, annotations);
            }
            Definition::Enum(id) => {
                self.builder.enums[id].values = enum_values(&body)?;
                (self.builder.enums[id].doc, self.builder.enums[id].annotations) = (doc, annotations);
            }
            Definition::Service(id) => {
                self.service(py, program, id, &body, &options)?;
                (self.builder.services[id].doc, self.builder.services[id].annotations) = (doc, annotations);
            }
            Definition::Typedef(_) | Definition::Constant(_) => {}
        }
        Ok(())
    }

    fn fields(&mut self, program: usize, id: StructId, body: &Bound<'_, PyDict>) -> PyResult<Vec<Field>> {
        let is_union = self.builder.structs[id].kind == StructKind::Union;
        let Some(types) = body.get_item("__annotations__")? else { return Ok(Vec::new()) };
        let mut fields = Vec::new();
        for (name, ty) in types.cast_into::<PyDict>()? {
            let given = body.get_item(&name)?;
            let mut field = self.field(program, &name.extract::<String>()?, &ty, given.as_ref(), None)?;
            if is_union {
                field.requiredness = Requiredness::Optional;
            }
            fields.push(field);
        }
        require_different(&fields)?;
        Ok(fields)
    }

    /// A field or an argument; one that is written without more has the number that its place gives it.
    fn field(
        &mut self,
        program: usize,
        python: &str,
        ty: &Bound<'_, PyAny>,
        given: Option<&Bound<'_, PyAny>>,
        number: Option<i16>,
    ) -> PyResult<Field> {
        let ty: String = ty.extract()?;
        let ty = self.ty(program, ty.strip_suffix(" | None").unwrap_or(&ty))?;
        let mut field = plain_field(python, number.unwrap_or(0), ty);
        match given.map(Bound::cast::<PyTuple>) {
            Some(given) => {
                let given = given?;
                let (id, _, requiredness, name, doc, written): FieldTuple<'_> = given.extract()?;
                field.id = FieldId(id);
                field.is_id_explicit = id > 0;
                field.requiredness = match requiredness {
                    0 => Requiredness::Default,
                    1 => Requiredness::Optional,
                    _ => Requiredness::Required,
                };
                field.name = name.map_or(field.name, Into::into);
                field.doc = doc.map(Into::into);
                field.annotations = annotations(written)?;
            }
            None if number.is_some() => {}
            None => return Err(PyValueError::new_err(format!("{python} has no id"))),
        }
        Ok(field)
    }

    fn service(
        &mut self,
        py: Python<'_>,
        program: usize,
        id: ServiceId,
        body: &Bound<'_, PyDict>,
        options: &Bound<'_, PyDict>,
    ) -> PyResult<()> {
        if let Some(base) = text_option(options, "extends")? {
            let Some(Definition::Service(base)) = self.find(program, &base) else {
                return Err(PyValueError::new_err(format!("{:?} is no service", shown(&base))));
            };
            self.builder.services[id].extends = Some(base);
        }
        let mut functions = Vec::new();
        for (name, function) in body {
            let name: String = name.extract()?;
            if !name.starts_with("__") {
                functions.push(self.function(py, program, &name, &function)?);
            }
        }
        self.builder.services[id].functions = functions;
        Ok(())
    }

    fn function(
        &mut self,
        py: Python<'_>,
        program: usize,
        python: &str,
        function: &Bound<'_, PyAny>,
    ) -> PyResult<Function> {
        let options = function.getattr("__dict__")?.cast_into::<PyDict>()?;
        let options = match options.get_item("__thrift__")? {
            Some(options) => options.cast_into::<PyDict>()?,
            None => PyDict::new(py),
        };
        let name: Arc<str> = text_option(&options, "name")?.unwrap_or_else(|| python.to_owned()).into();
        let types = function.getattr("__annotations__")?.cast_into::<PyDict>()?;
        let defaults = function.getattr("__defaults__")?.cast_into::<PyTuple>().ok();
        let mut arguments = Vec::new();
        let mut returns = None;
        for (place, (parameter, ty)) in types.iter().enumerate() {
            let parameter: String = parameter.extract()?;
            // A Python function cannot have a parameter of this name, so it is what is returned.
            if parameter == "return" {
                let ty: String = ty.extract()?;
                returns = (ty != "None").then(|| self.ty(program, &ty)).transpose()?;
                continue;
            }
            let given = defaults.as_ref().map(|defaults| defaults.get_item(place)).transpose()?;
            let number = i16::try_from(place + 1).ok();
            arguments.push(self.field(program, &parameter, &ty, given.as_ref(), number)?);
        }
        require_different(&arguments)?;
        let mut results: Vec<Field> = returns.map(|ty| optional_field("success", 0, ty)).into_iter().collect();
        if let Some(thrown) = options.get_item("throws")? {
            for (name, thrown) in thrown.cast_into::<PyDict>()? {
                let (id, ty): (i16, String) = thrown.extract()?;
                results.push(optional_field(&name.extract::<String>()?, id, self.ty(program, &ty)?));
            }
        }
        require_different(&results)?;
        let program = ProgramId::new(program);
        let of = |what: &str| Arc::from(format!("{name}_{what}"));
        Ok(Function {
            arguments: self.push_struct(of("args"), program, StructKind::Arguments, arguments),
            result: self.push_struct(of("result"), program, StructKind::Result, results),
            is_oneway: options.get_item("oneway")?.is_some_and(|value| value.is_truthy().unwrap_or(false)),
            annotations: annotations(options.get_item("annotations")?)?,
            doc: doc(Some(function.getattr("__doc__")?), &options)?,
            name,
            returns,
            span: nowhere(),
        })
    }

    /// Refuses typedefs and services that lead back to themselves.
    fn check_typedefs(&self) -> PyResult<()> {
        let mut ends = vec![false; self.builder.typedefs.len()];
        // A typedef ends when all that it is made of does: as many rounds as there are links are enough.
        loop {
            let before = ends.clone();
            for (place, typedef) in self.builder.typedefs.iter().enumerate() {
                ends[place] = ends[place] || self.does_end(typedef.target, &ends);
            }
            if ends == before {
                break;
            }
        }
        if ends.contains(&false) {
            return Err(PyValueError::new_err("a typedef leads back to itself"));
        }
        for service in &self.builder.services {
            let line = std::iter::successors(service.extends, |&base| self.builder.services[base].extends);
            if line.take(self.builder.services.len() + 1).count() > self.builder.services.len() {
                return Err(PyValueError::new_err("a service extends itself"));
            }
        }
        Ok(())
    }

    fn does_end(&self, ty: TypeId, ends: &[bool]) -> bool {
        match self.builder.types[ty].kind {
            TypeKind::Typedef(id) => ends[id.index()],
            TypeKind::List(element) | TypeKind::Set(element) => self.does_end(element, ends),
            TypeKind::Map(key, value) => self.does_end(key, ends) && self.does_end(value, ends),
            _ => true,
        }
    }

    fn values_of(&mut self, py: Python<'_>, index: usize) -> PyResult<()> {
        self.try_values_of(py, index).map_err(|error| self.placed(index, py, &error))
    }

    fn try_values_of(&mut self, py: Python<'_>, index: usize) -> PyResult<()> {
        let Declaration { definition, body, .. } = &self.declarations[index];
        let (definition, body) = (*definition, body.bind(py).clone());
        match definition {
            Definition::Constant(id) => {
                let data = body.cast::<PyTuple>()?.get_item(1)?;
                self.builder.constants[id].value = values::read(&self.builder, self.builder.constants[id].ty, &data)?;
            }
            Definition::Struct(id) => {
                let body = body.cast_into::<PyDict>()?;
                let names = body.get_item("__annotations__")?.map(Bound::cast_into::<PyDict>).transpose()?;
                for (place, name) in names.iter().flat_map(PyDictMethods::keys).enumerate() {
                    self.default(id, place, body.get_item(name)?.as_ref())?;
                }
            }
            Definition::Service(id) => {
                let body = body.cast_into::<PyDict>()?;
                let functions = body.iter().filter(|(name, _)| !is_dunder(name));
                for (place, (_, function)) in functions.enumerate() {
                    let Ok(defaults) = function.getattr("__defaults__")?.cast_into::<PyTuple>() else { continue };
                    let arguments = self.builder.services[id].functions[place].arguments;
                    for (place, given) in defaults.iter().enumerate() {
                        self.default(arguments, place, Some(&given))?;
                    }
                }
            }
            Definition::Enum(_) | Definition::Typedef(_) => {}
        }
        Ok(())
    }

    fn default(&mut self, id: StructId, place: usize, given: Option<&Bound<'_, PyAny>>) -> PyResult<()> {
        let Some(given) = given else { return Ok(()) };
        let data = given.cast::<PyTuple>()?.get_item(1)?;
        if !data.is_none() {
            let value = values::read(&self.builder, self.builder.structs[id].fields[place].ty, &data)?;
            self.builder.structs[id].fields[place].default = Some(value);
        }
        Ok(())
    }

    fn add_program(&mut self, py: Python<'_>, program: usize) -> PyResult<()> {
        let module = self.modules[program].bind(py).get();
        let declared = self.declarations.iter().filter(|declared| declared.program == program);
        let definitions = declared.map(|declared| (self.name_of(declared.definition), declared.definition)).collect();
        let mut namespaces = Vec::new();
        for (scope, name) in module.namespaces.iter().flat_map(|namespaces| namespaces.bind(py).iter()) {
            let (scope, name) = (scope.extract::<String>()?.into(), name.extract::<String>()?.into());
            namespaces.push(Namespace { scope, name, annotations: Vec::new(), span: nowhere() });
        }
        let mut includes = Vec::new();
        for (alias, include) in module.found() {
            let place = self.modules.iter().position(|known| known.is(include)).unwrap_or_default();
            let path = format!("{}.thrift", include.get().program).into();
            let prefix = alias.as_str().into();
            includes.push(Include { prefix, path, program: ProgramId::new(place), span: nowhere() });
        }
        let source = self.builder.sources.push(Source::new(module.source.as_str(), ""));
        self.builder.programs.push(Program {
            name: module.program.as_str().into(),
            source,
            namespaces,
            includes,
            cpp_includes: Vec::new(),
            definitions,
            doc: module.doc.as_deref().map(Into::into),
        });
        Ok(())
    }

    fn name_of(&self, definition: Definition) -> Arc<str> {
        match definition {
            Definition::Struct(id) => self.builder.structs[id].name.clone(),
            Definition::Enum(id) => self.builder.enums[id].name.clone(),
            Definition::Typedef(id) => self.builder.typedefs[id].name.clone(),
            Definition::Constant(id) => self.builder.constants[id].name.clone(),
            Definition::Service(id) => self.builder.services[id].name.clone(),
        }
    }
}

fn is_dunder(name: &Bound<'_, PyAny>) -> bool {
    name.cast::<PyString>().is_ok_and(|name| name.to_str().is_ok_and(|name| name.starts_with("__")))
}

fn plain_field(name: &str, id: i16, ty: TypeId) -> Field {
    Field {
        id: FieldId(id),
        is_id_explicit: true,
        name: name.into(),
        ty,
        requiredness: Requiredness::Default,
        default: None,
        is_reference: false,
        annotations: Vec::new(),
        doc: None,
        span: nowhere(),
    }
}

fn optional_field(name: &str, id: i16, ty: TypeId) -> Field {
    Field { requiredness: Requiredness::Optional, ..plain_field(name, id, ty) }
}

fn require_different(fields: &[Field]) -> PyResult<()> {
    let (mut ids, mut names) = (HashSet::new(), HashSet::new());
    match fields.iter().find(|field| !ids.insert(field.id) || !names.insert(&field.name)) {
        Some(field) => Err(PyValueError::new_err(format!("{} has the id or name of another", field.name))),
        None => Ok(()),
    }
}

/// The values of an enum: numbers, or a number and the name in the IDL.
fn enum_values(body: &Bound<'_, PyDict>) -> PyResult<Vec<EnumValue>> {
    let members = body.iter().filter(|(name, _)| !is_dunder(name));
    let member = |(name, given): (Bound<'_, PyAny>, Bound<'_, PyAny>)| -> PyResult<EnumValue> {
        let (value, name): (i32, String) = match given.cast::<PyTuple>() {
            Ok(given) => given.extract()?,
            Err(_) => (given.extract()?, name.extract()?),
        };
        let (annotations, doc, span) = (Vec::new(), None, nowhere());
        Ok(EnumValue { name: name.into(), value, is_explicit: true, annotations, doc, span })
    };
    members.map(member).collect()
}
