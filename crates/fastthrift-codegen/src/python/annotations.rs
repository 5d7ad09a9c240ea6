use fastthrift_schema::{Field, ProgramId, Requiredness, Schema, Struct, TypeId, TypeKind};

use super::names::definition_name;

/// Whether annotations use this name of a builtin class.
fn is_builtin(name: &str) -> bool {
    matches!(name, "bool" | "int" | "float" | "str" | "bytes" | "list" | "set" | "dict" | "tuple" | "frozenset")
}

/// Writes annotations; `module` gives the name under which a program's module is known.
pub struct Annotations<'a, F> {
    schema: &'a Schema,
    module: F,
    /// Names of builtins that mean something else where the annotations are read; these are written `builtins.<name>`.
    hidden: Vec<String>,
}

impl<'a, F: Fn(ProgramId) -> String> Annotations<'a, F> {
    /// For a schema; `module` gives the name under which a program's module is known where the annotations are read.
    pub fn new(schema: &'a Schema, module: F) -> Self {
        Self { schema, module, hidden: Vec::new() }
    }

    /// The same for the class of a struct, where its fields and what its file defines may go by the names of builtins.
    #[must_use]
    pub fn inside(mut self, structure: &Struct, field_names: &[String]) -> Self {
        let defined = self.schema.program(structure.program).definitions.iter().map(|(name, _)| &**name);
        let names = field_names.iter().map(String::as_str).chain(defined);
        self.hidden = names.filter(|name| is_builtin(name)).map(str::to_owned).collect();
        self
    }

    /// Whether annotations need the name `builtins`.
    pub fn mentions_builtins(&self) -> bool {
        !self.hidden.is_empty()
    }

    fn builtin(&self, name: &str) -> String {
        let is_hidden = self.hidden.iter().any(|hidden| hidden == name);
        if is_hidden { format!("builtins.{name}") } else { name.to_owned() }
    }

    /// The annotation of a field: `T`, or `T | None` where None says that it is not set.
    pub fn field(&self, field: &Field) -> String {
        let ty = self.ty(field.ty);
        let always_there = field.requiredness == Requiredness::Required || field.default.is_some();
        if always_there { ty } else { format!("{ty} | None") }
    }

    /// The annotation of a type.
    pub fn ty(&self, id: TypeId) -> String {
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
    pub fn mentions_uuid(&self, id: TypeId) -> bool {
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
