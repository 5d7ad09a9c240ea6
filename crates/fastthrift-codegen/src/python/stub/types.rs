use std::collections::HashSet;

use fastthrift_schema::{ProgramId, TypeId, TypeKind};

use super::Stub;
use crate::python::imports::take;
use crate::python::names::definition_name;

/// The names that mean something else where a type is written, because a class has members of these names.
#[derive(Default)]
pub(super) struct Scope {
    pub(super) members: HashSet<String>,
}

impl Scope {
    pub(super) fn new(members: impl IntoIterator<Item = String>) -> Self {
        Self { members: members.into_iter().collect() }
    }
}

impl Stub<'_> {
    /// A type as values have it in Python. Typedefs are followed: what is a key is of another class than what is none.
    pub(super) fn ty(&self, id: TypeId, scope: &Scope) -> String {
        self.written(id, false, scope)
    }

    fn written(&self, id: TypeId, is_key: bool, scope: &Scope) -> String {
        let builtin = |name| self.builtin(name, scope);
        match self.schema.resolve(id) {
            TypeKind::Bool => builtin("bool"),
            TypeKind::I8 | TypeKind::I16 | TypeKind::I32 | TypeKind::I64 => builtin("int"),
            TypeKind::Double => builtin("float"),
            TypeKind::String => builtin("str"),
            TypeKind::Binary => builtin("bytes"),
            TypeKind::Uuid => format!("{}.UUID", self.other("uuid")),
            TypeKind::Enum(id) => {
                let named = self.schema.enumeration(id);
                self.name(named.program, &named.name, scope)
            }
            TypeKind::Struct(id) => {
                let named = self.schema.structure(id);
                self.name(named.program, &named.name, scope)
            }
            TypeKind::List(element) if is_key => {
                format!("{}[{}, ...]", builtin("tuple"), self.written(element, true, scope))
            }
            TypeKind::List(element) => format!("{}[{}]", builtin("list"), self.written(element, false, scope)),
            TypeKind::Set(element) => {
                let class = if is_key { "frozenset" } else { "set" };
                format!("{}[{}]", builtin(class), self.written(element, true, scope))
            }
            TypeKind::Map(key, value) => {
                let (key, value) = (self.written(key, true, scope), self.written(value, is_key, scope));
                format!("{}[{key}, {value}]", builtin("dict"))
            }
            TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
        }
    }

    /// A builtin's name, where nothing else has it.
    pub(super) fn builtin(&self, name: &str, scope: &Scope) -> String {
        let meaning = self.meaning();
        let is_defined = meaning.definitions.iter().any(|(defined, _)| definition_name(meaning, defined) == name);
        let is_included = self.attributes().any(|(_, included)| included == name);
        let is_hidden = is_defined || is_included || scope.members.contains(name);
        if is_hidden { format!("{}.{name}", self.other("builtins")) } else { name.to_owned() }
    }

    /// A definition's name where it is mentioned.
    pub(super) fn name(&self, program: ProgramId, name: &str, scope: &Scope) -> String {
        let name = definition_name(self.schema.program(program), name);
        if program != self.program {
            return format!("{}.{name}", self.alias(program));
        }
        // mypy takes what is defined further down for the builtin of its name at first, and misses its parameters.
        let is_generic = matches!(&*name, "dict" | "frozenset" | "list" | "set" | "tuple" | "type");
        if !is_generic && !scope.members.contains(&name) {
            return name;
        }
        let mut shadowed = self.shadowed.borrow_mut();
        let mut taken = self.taken.borrow_mut();
        shadowed.entry(name).or_insert_with_key(|name| take(&format!("_{name}"), &mut taken)).clone()
    }
}
