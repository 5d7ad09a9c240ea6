//! The name that each definition has in Rust, and the module that it is in.

use fastthrift_schema::{
    Annotation, ConstantId, Definition, EnumId, Program, ProgramId, Schema, Service, ServiceId, Struct, StructId,
    StructKind, TypedefId,
};

use super::annotations;
use super::ident::{Scope, camel, screaming, snake, writable};

/// A module's place in [`Names::modules`].
pub(super) type ModuleId = usize;

/// A module of the generated code.
#[derive(Debug, Default)]
pub(super) struct Module {
    /// Its name and those of the modules around it, the outermost first; empty for the root.
    pub(super) path: Vec<String>,
    /// The files whose definitions are in it.
    pub(super) programs: Vec<ProgramId>,
    /// The modules in it, by name.
    pub(super) children: Vec<ModuleId>,
}

/// What the parts of a service are called.
#[derive(Debug, Default)]
pub(super) struct ServiceNames {
    /// The trait of handlers.
    pub(super) handler: String,
    /// The server that dispatches to a handler.
    pub(super) server: String,
    /// The client that is awaited.
    pub(super) client: String,
    /// The client that blocks.
    pub(super) blocking: String,
    /// The module of what its functions send and receive.
    pub(super) messages: String,
    /// Its own functions, in order.
    pub(super) functions: Vec<FunctionNames>,
}

/// What the parts of a function are called.
#[derive(Debug, Default)]
pub(super) struct FunctionNames {
    /// The method.
    pub(super) method: String,
    /// The base of the names of its messages, in camel case.
    pub(super) message: String,
    /// The type of its errors, if it declares exceptions.
    pub(super) error: Option<String>,
}

/// The names of a schema.
#[derive(Debug)]
pub(super) struct Names {
    modules: Vec<Module>,
    of_program: Vec<ModuleId>,
    structs: Vec<String>,
    enums: Vec<String>,
    typedefs: Vec<String>,
    constants: Vec<String>,
    services: Vec<ServiceNames>,
    fields: Vec<Vec<String>>,
    values: Vec<Vec<String>>,
}

impl Names {
    pub(super) fn new(schema: &Schema) -> Self {
        let mut names = Self {
            modules: vec![Module::default()],
            of_program: Vec::new(),
            structs: vec![String::new(); schema.structs().len()],
            enums: vec![String::new(); schema.enums().len()],
            typedefs: vec![String::new(); schema.typedefs().len()],
            constants: vec![String::new(); schema.constants().len()],
            services: (0..schema.services().len()).map(|_| ServiceNames::default()).collect(),
            fields: schema.structs().iter().map(field_names).collect(),
            values: Vec::new(),
        };
        names.values = schema.enums().iter().map(|enumeration| value_names(&enumeration.values)).collect();
        for (id, program) in schema.programs().ids().zip(schema.programs()) {
            let module = names.module_of_path(&module_path(program));
            names.modules[module].programs.push(id);
            names.of_program.push(module);
        }
        for module in 0..names.modules.len() {
            names.name_module(schema, module);
        }
        names.name_methods(schema);
        names
    }

    fn module_of_path(&mut self, path: &[String]) -> ModuleId {
        let mut current = 0;
        for (depth, name) in path.iter().enumerate() {
            let known = self.modules[current].children.iter().find(|&&child| &self.modules[child].path[depth] == name);
            current = match known {
                Some(&known) => known,
                None => self.add_module(current, path[..=depth].to_vec()),
            };
        }
        current
    }

    fn add_module(&mut self, parent: ModuleId, path: Vec<String>) -> ModuleId {
        let id = self.modules.len();
        let name = path.last().cloned();
        self.modules.push(Module { path, ..Module::default() });
        let name_of = |child: &ModuleId| self.modules[*child].path.last().cloned();
        let place = self.modules[parent].children.partition_point(|child| name_of(child) < name);
        self.modules[parent].children.insert(place, id);
        id
    }

    /// Names what is in a module: first the types that the IDL names, in the order written, then what is made for services.
    fn name_module(&mut self, schema: &Schema, module: ModuleId) {
        let mut types = Scope::of_types();
        // Enums, newtypes and constants are named where expressions are, too.
        let mut values = Scope::default();
        for &child in &self.modules[module].children {
            types.claim(self.modules[child].path.last().map_or("", String::as_str));
        }
        let programs = self.modules[module].programs.clone();
        let definitions = || programs.iter().flat_map(|program| &schema.program(*program).definitions);
        for (name, definition) in definitions() {
            let mut claim = |annotations: &[Annotation]| {
                let name = types.claim(&type_name(name, annotations));
                values.claim(&name);
                name
            };
            match *definition {
                Definition::Struct(id) => self.structs[id.index()] = claim(&schema.structure(id).annotations),
                Definition::Enum(id) => self.enums[id.index()] = claim(&schema.enumeration(id).annotations),
                Definition::Typedef(id) => self.typedefs[id.index()] = claim(&schema.typedef(id).annotations),
                Definition::Service(id) => self.services[id.index()].handler = claim(&schema.service(id).annotations),
                Definition::Constant(_) => {}
            }
        }
        for (name, definition) in definitions() {
            if let Definition::Constant(id) = *definition {
                let renamed = annotations::name(&schema.constant(id).annotations);
                self.constants[id.index()] = values.claim(&renamed.unwrap_or_else(|| screaming(name)));
            }
        }
        for (_, definition) in definitions() {
            if let Definition::Service(id) = *definition {
                self.name_service(schema, id, &mut types);
            }
        }
        // The last, since few want them: no other name depends on these.
        for (_, definition) in definitions() {
            if let Definition::Service(id) = *definition {
                let names = &mut self.services[id.index()];
                names.blocking = types.claim(&format!("Blocking{}Client", names.handler.trim_end_matches('_')));
            }
        }
    }

    fn name_service(&mut self, schema: &Schema, id: ServiceId, types: &mut Scope) {
        let service = schema.service(id);
        let names = &mut self.services[id.index()];
        let base = names.handler.trim_end_matches('_').to_owned();
        names.server = types.claim(&format!("{base}Server"));
        names.client = types.claim(&format!("{base}Client"));
        names.messages = types.claim(&format!("{}_functions", snake(&base)));
        names.functions = function_names(schema, service, &base, types);
    }

    /// Names the methods of services: a client has those of all that its service extends, so no two of them may be called the same.
    fn name_methods(&mut self, schema: &Schema) {
        let mut services: Vec<_> = schema.services().ids().map(|id| (schema.lineage(id).count(), id)).collect();
        services.sort_unstable();
        for (_, id) in services {
            let mut methods = Scope::without(&["new", "channel"]);
            for (base, _) in schema.lineage(id).skip(1) {
                self.services[base.index()].functions.iter().for_each(|inherited| methods.take(&inherited.method));
            }
            for (place, function) in schema.service(id).functions.iter().enumerate() {
                let name = annotations::name(&function.annotations).unwrap_or_else(|| snake(&function.name));
                self.services[id.index()].functions[place].method = methods.claim(&name);
            }
        }
    }

    /// All modules; the first is the root.
    pub(super) fn modules(&self) -> &[Module] {
        &self.modules
    }

    pub(super) fn module(&self, id: ModuleId) -> &Module {
        &self.modules[id]
    }

    /// The module of a file's definitions.
    pub(super) fn module_of(&self, program: ProgramId) -> ModuleId {
        self.of_program[program.index()]
    }

    pub(super) fn structure(&self, id: StructId) -> &str {
        &self.structs[id.index()]
    }

    pub(super) fn enumeration(&self, id: EnumId) -> &str {
        &self.enums[id.index()]
    }

    pub(super) fn typedef(&self, id: TypedefId) -> &str {
        &self.typedefs[id.index()]
    }

    pub(super) fn constant(&self, id: ConstantId) -> &str {
        &self.constants[id.index()]
    }

    pub(super) fn service(&self, id: ServiceId) -> &ServiceNames {
        &self.services[id.index()]
    }

    /// The names of a struct's fields, or of a union's members, by their places.
    pub(super) fn fields(&self, id: StructId) -> &[String] {
        &self.fields[id.index()]
    }

    /// The names of an enum's values, by their places.
    pub(super) fn values(&self, id: EnumId) -> &[String] {
        &self.values[id.index()]
    }

    /// The way to a name of `to` for code in `from`, without the name: empty, or with `::` at its end.
    pub(super) fn way(&self, from: ModuleId, to: ModuleId) -> String {
        let (from, to) = (&self.modules[from].path, &self.modules[to].path);
        let common = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        let mut way = "super::".repeat(from.len() - common);
        if way.is_empty() && common < to.len() {
            way.push_str("self::");
        }
        for name in &to[common..] {
            way.push_str(name);
            way.push_str("::");
        }
        way
    }
}

/// Where a file's definitions go: `namespace rs`, else `rust`, else `*`, else the name of the file.
fn module_path(program: &Program) -> Vec<String> {
    let last = |scope: &str| program.namespaces.iter().rev().find(|namespace| &*namespace.scope == scope);
    let namespace = ["rs", "rust", "*"].iter().find_map(|scope| last(scope));
    let parts: Vec<&str> = match namespace {
        Some(namespace) => namespace.name.split('.').filter(|part| !part.is_empty()).collect(),
        None => Vec::new(),
    };
    let clean = |part: &str| part.replace(|c: char| c != '_' && !c.is_alphanumeric(), "_");
    let name = |part: &str| module_name(&snake(&clean(part)));
    if parts.is_empty() { vec![name(&program.name)] } else { parts.into_iter().map(name).collect() }
}

/// Names that no module can have: `mod` would lie in the file of the module around it, and the others are those by which the code of
/// that module calls the runtime and the types of the language.
const NO_MODULES: [&str; 10] = ["bool", "f64", "i16", "i32", "i64", "i8", "mod", "p", "str", "u8"];

fn module_name(name: &str) -> String {
    if NO_MODULES.contains(&name) { format!("{name}_") } else { writable(name) }
}

/// Whether a definition has a name that the IDL chooses for Rust and that is not in Rust's manner.
pub(super) fn has_odd_name(schema: &Schema, definition: Definition) -> bool {
    let is_odd = |annotations: &[Annotation], manner: fn(&str) -> String| {
        annotations::name(annotations).is_some_and(|name| manner(&name) != name)
    };
    let has_odd_field = |structure: &Struct| {
        let manner = if structure.kind == StructKind::Union { camel } else { snake };
        structure.fields.iter().any(|field| is_odd(&field.annotations, manner))
    };
    match definition {
        Definition::Struct(id) => {
            let structure = schema.structure(id);
            is_odd(&structure.annotations, camel) || has_odd_field(structure)
        }
        Definition::Enum(id) => {
            let enumeration = schema.enumeration(id);
            is_odd(&enumeration.annotations, camel)
                || enumeration.values.iter().any(|value| is_odd(&value.annotations, screaming))
        }
        Definition::Typedef(id) => is_odd(&schema.typedef(id).annotations, camel),
        Definition::Constant(id) => is_odd(&schema.constant(id).annotations, screaming),
        Definition::Service(id) => {
            let mut functions = schema.lineage(id).flat_map(|(_, service)| &service.functions);
            is_odd(&schema.service(id).annotations, camel)
                || functions.any(|function| {
                    is_odd(&function.annotations, snake) || has_odd_field(schema.structure(function.arguments))
                })
        }
    }
}

fn type_name(name: &str, annotations: &[Annotation]) -> String {
    annotations::name(annotations).unwrap_or_else(|| camel(name))
}

fn field_names(structure: &Struct) -> Vec<String> {
    let is_union = structure.kind == StructKind::Union;
    let mut scope = if is_union { Scope::without(&["Unknown"]) } else { Scope::without(&["unknown_fields"]) };
    let name = |field: &fastthrift_schema::Field| match annotations::name(&field.annotations) {
        Some(name) => name,
        None if is_union => camel(&field.name),
        None => snake(&field.name),
    };
    structure.fields.iter().map(|field| scope.claim(&name(field))).collect()
}

fn value_names(values: &[fastthrift_schema::EnumValue]) -> Vec<String> {
    let mut scope = Scope::without(&["NAMES"]);
    let name = |value: &fastthrift_schema::EnumValue| match annotations::name(&value.annotations) {
        Some(name) => name,
        None => screaming(&value.name),
    };
    values.iter().map(|value| scope.claim(&name(value))).collect()
}

/// Names what is made for functions, but for their methods.
fn function_names(schema: &Schema, service: &Service, base: &str, types: &mut Scope) -> Vec<FunctionNames> {
    let mut messages = Scope::default();
    let mut names = Vec::with_capacity(service.functions.len());
    for function in &service.functions {
        let message = messages.claim(&camel(&function.name));
        let throws = schema.structure(function.result).fields.iter().any(|field| field.id.0 != 0);
        let error = throws.then(|| {
            let short = format!("{}Error", message.trim_end_matches('_'));
            let name = if types.is_free(&short) { short } else { format!("{base}{short}") };
            types.claim(&name)
        });
        names.push(FunctionNames { method: String::new(), message, error });
    }
    names
}
