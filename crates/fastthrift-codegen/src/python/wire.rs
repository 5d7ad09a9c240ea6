//! Types as generated modules write them: Thrift's own, so that nothing is lost.

use fastthrift_schema::{ProgramId, Schema, TypeId, TypeKind};

use super::names::definition_name;

/// Thrift's scalar types that `fastthrift.generated` has a name for.
pub(super) const SCALARS: [&str; 8] = ["binary", "double", "i16", "i32", "i64", "i8", "string", "uuid"];

/// Writes types; `alias` gives the name of an included program's module.
pub(super) struct WireTypes<'a, F> {
    pub(super) schema: &'a Schema,
    pub(super) program: ProgramId,
    pub(super) alias: F,
}

impl<F: Fn(ProgramId) -> String> WireTypes<'_, F> {
    /// A type such as `dict[string, list[shared.Address]]`.
    pub(super) fn ty(&self, id: TypeId) -> String {
        match self.schema.type_node(id).kind {
            TypeKind::Bool => "bool".to_owned(),
            TypeKind::I8 => "i8".to_owned(),
            TypeKind::I16 => "i16".to_owned(),
            TypeKind::I32 => "i32".to_owned(),
            TypeKind::I64 => "i64".to_owned(),
            TypeKind::Double => "double".to_owned(),
            TypeKind::String => "string".to_owned(),
            TypeKind::Binary => "binary".to_owned(),
            TypeKind::Uuid => "uuid".to_owned(),
            TypeKind::Enum(id) => {
                let named = self.schema.enumeration(id);
                self.name(named.program, &named.name)
            }
            TypeKind::Struct(id) => {
                let named = self.schema.structure(id);
                self.name(named.program, &named.name)
            }
            TypeKind::Typedef(id) => {
                let named = self.schema.typedef(id);
                self.name(named.program, &named.name)
            }
            TypeKind::List(element) => format!("list[{}]", self.ty(element)),
            TypeKind::Set(element) => format!("set[{}]", self.ty(element)),
            TypeKind::Map(key, value) => format!("dict[{}, {}]", self.ty(key), self.ty(value)),
        }
    }

    /// A definition's name in Python, with its module before it where that is another one.
    pub(super) fn name(&self, program: ProgramId, name: &str) -> String {
        let name = definition_name(self.schema.program(program), name);
        if program == self.program { name } else { format!("{}.{name}", (self.alias)(program)) }
    }
}
