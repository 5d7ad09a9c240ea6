//! IDL names as Python names, and IDL types as Python annotations.

use fastthrift_schema::{Field, ProgramId, Requiredness, Schema, Struct, TypeId, TypeKind};

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

/// The names of some members of one thing: as [`python_name`], each different.
pub(crate) fn member_names<'a>(names: impl Iterator<Item = &'a str> + Clone) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names.clone() {
        let mut escaped = python_name(name);
        while escaped != name && (taken.contains(&escaped) || names.clone().any(|other| other == escaped)) {
            escaped.push('_');
        }
        taken.push(escaped);
    }
    taken
}

/// The names of a struct's fields.
pub(crate) fn field_names(structure: &Struct) -> Vec<String> {
    member_names(structure.fields.iter().map(|field| &*field.name))
}

/// Writes annotations; `module` gives the name under which a program's module is known.
pub(crate) struct Annotations<'a, F> {
    pub(crate) schema: &'a Schema,
    pub(crate) module: F,
}

impl<F: Fn(ProgramId) -> String> Annotations<'_, F> {
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
            TypeKind::Bool => "bool".to_owned(),
            TypeKind::I8 | TypeKind::I16 | TypeKind::I32 | TypeKind::I64 => "int".to_owned(),
            TypeKind::Double => "float".to_owned(),
            TypeKind::String => "str".to_owned(),
            TypeKind::Binary => "bytes".to_owned(),
            TypeKind::Uuid => "uuid.UUID".to_owned(),
            TypeKind::Enum(id) => {
                let named = self.schema.enumeration(id);
                self.qualified(named.program, &named.name)
            }
            TypeKind::Struct(id) => {
                let named = self.schema.structure(id);
                self.qualified(named.program, &named.name)
            }
            TypeKind::List(element) if is_key => format!("tuple[{}, ...]", self.written(element, true)),
            TypeKind::List(element) => format!("list[{}]", self.written(element, false)),
            TypeKind::Set(element) => {
                let class = if is_key { "frozenset" } else { "set" };
                format!("{class}[{}]", self.written(element, true))
            }
            TypeKind::Map(key, value) => format!("dict[{}, {}]", self.written(key, true), self.written(value, is_key)),
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
        format!("{}.{}", (self.module)(program), python_name(name))
    }
}
