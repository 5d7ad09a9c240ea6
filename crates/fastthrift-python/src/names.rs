//! IDL names as Python names, and IDL types as Python annotations.

use fastthrift_schema::{
    Field, Program, ProgramId, Requiredness, Schema, ServiceId, Struct, StructKind, TypeId, TypeKind,
};

/// What cannot be a name in Python.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// A name as Python takes it: a keyword gets a trailing underscore, and a name that starts with two underscores, which Python would
/// rename or take for its own, a leading `x`.
pub(crate) fn python_name(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("{name}_")
    } else if name.starts_with("__") {
        format!("x{name}")
    } else {
        name.to_owned()
    }
}

/// The name of a program's definition, different from those of its others.
pub(crate) fn definition_name(program: &Program, name: &str) -> String {
    distinct(name, |other| program.definitions.iter().any(|(defined, _)| **defined == *other))
}

/// The name of a service's function, different from those of its others and of inherited ones.
pub(crate) fn function_name(schema: &Schema, service: ServiceId, name: &str) -> String {
    distinct(name, |other| {
        schema.lineage(service).any(|(_, service)| service.functions.iter().any(|function| *function.name == *other))
    })
}

fn distinct(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut escaped = python_name(name);
    while escaped != name && is_taken(&escaped) {
        escaped.push('_');
    }
    escaped
}

/// What every union has.
const UNION_NAMES: [&str; 2] = ["_which", "_value"];

/// The names of some members of one thing: as [`python_name`], each different, and none of the `reserved` ones.
pub(crate) fn member_names<'a>(names: &(impl Iterator<Item = &'a str> + Clone), reserved: &[&str]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names.clone() {
        let mut escaped = python_name(name);
        if reserved.contains(&name) {
            escaped.push('_');
        }
        while escaped != name && (taken.contains(&escaped) || names.clone().any(|other| other == escaped)) {
            escaped.push('_');
        }
        taken.push(escaped);
    }
    taken
}

/// The names of a struct's fields.
pub(crate) fn field_names(structure: &Struct) -> Vec<String> {
    let reserved: &[&str] = if structure.kind == StructKind::Union { &UNION_NAMES } else { &[] };
    member_names(&structure.fields.iter().map(|field| &*field.name), reserved)
}

/// Whether annotations use this name of a builtin class.
fn is_builtin(name: &str) -> bool {
    matches!(name, "bool" | "int" | "float" | "str" | "bytes" | "list" | "set" | "dict" | "tuple" | "frozenset")
}

/// Writes annotations; `module` gives the name under which a program's module is known.
pub(crate) struct Annotations<'a, F> {
    pub(crate) schema: &'a Schema,
    pub(crate) module: F,
    /// Names of builtins that mean something else where the annotations are read; these are written `builtins.<name>`.
    hidden: Vec<String>,
}

impl<'a, F: Fn(ProgramId) -> String> Annotations<'a, F> {
    pub(crate) fn new(schema: &'a Schema, module: F) -> Self {
        Self { schema, module, hidden: Vec::new() }
    }

    /// The same for the class of a struct, where its fields and what its file defines may go by the names of builtins.
    pub(crate) fn inside(mut self, structure: &Struct, field_names: &[String]) -> Self {
        let defined = self.schema.program(structure.program).definitions.iter().map(|(name, _)| &**name);
        let names = field_names.iter().map(String::as_str).chain(defined);
        self.hidden = names.filter(|name| is_builtin(name)).map(str::to_owned).collect();
        self
    }

    /// Whether annotations need the name `builtins`.
    pub(crate) fn mentions_builtins(&self) -> bool {
        !self.hidden.is_empty()
    }

    fn builtin(&self, name: &str) -> String {
        let is_hidden = self.hidden.iter().any(|hidden| hidden == name);
        if is_hidden { format!("builtins.{name}") } else { name.to_owned() }
    }

    /// The annotation of a field: `T`, or `T | None` where None says that it is not set.
    pub(crate) fn field(&self, field: &Field) -> String {
        let ty = self.ty(field.ty);
        let always_there = field.requiredness == Requiredness::Required || field.default.is_some();
        if always_there { ty } else { format!("{ty} | None") }
    }

    /// The annotation of a type.
    pub(crate) fn ty(&self, id: TypeId) -> String {
        self.written(id, false)
    }

    /// What is a map key or a set element is of a type that cannot be changed.
    fn written(&self, id: TypeId, is_key: bool) -> String {
        match self.schema.resolve(id) {
            TypeKind::Bool => self.builtin("bool"),
            TypeKind::I8 | TypeKind::I16 | TypeKind::I32 | TypeKind::I64 => self.builtin("int"),
            TypeKind::Double => self.builtin("float"),
            TypeKind::String => self.builtin("str"),
            TypeKind::Binary => self.builtin("bytes"),
            TypeKind::Uuid => "uuid.UUID".to_owned(),
            TypeKind::Enum(id) => {
                let named = self.schema.enumeration(id);
                self.qualified(named.program, &named.name)
            }
            TypeKind::Struct(id) => {
                let named = self.schema.structure(id);
                self.qualified(named.program, &named.name)
            }
            TypeKind::List(element) if is_key => {
                format!("{}[{}, ...]", self.builtin("tuple"), self.written(element, true))
            }
            TypeKind::List(element) => format!("{}[{}]", self.builtin("list"), self.written(element, false)),
            TypeKind::Set(element) => {
                let class = if is_key { "frozenset" } else { "set" };
                format!("{}[{}]", self.builtin(class), self.written(element, true))
            }
            TypeKind::Map(key, value) => {
                format!("{}[{}, {}]", self.builtin("dict"), self.written(key, true), self.written(value, is_key))
            }
            TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
        }
    }

    /// Whether a type mentions `uuid.UUID`.
    pub(crate) fn mentions_uuid(&self, id: TypeId) -> bool {
        match self.schema.resolve(id) {
            TypeKind::Uuid => true,
            TypeKind::List(element) | TypeKind::Set(element) => self.mentions_uuid(element),
            TypeKind::Map(key, value) => self.mentions_uuid(key) || self.mentions_uuid(value),
            _ => false,
        }
    }

    fn qualified(&self, program: ProgramId, name: &str) -> String {
        format!("{}.{}", (self.module)(program), definition_name(self.schema.program(program), name))
    }
}
