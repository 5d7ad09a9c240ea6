use crate::{Annotation, Constant, Enum, Id, Program, Service, Span, Struct, Typedef};

/// Names a program, that is, a file's meaning.
pub type ProgramId = Id<Program>;
/// Names a struct, union or exception.
pub type StructId = Id<Struct>;
/// Names an enum.
pub type EnumId = Id<Enum>;
/// Names a typedef.
pub type TypedefId = Id<Typedef>;
/// Names a constant.
pub type ConstantId = Id<Constant>;
/// Names a service.
pub type ServiceId = Id<Service>;
/// Names one written occurrence of a type.
pub type TypeId = Id<Type>;

/// A type as it was written somewhere.
#[derive(Debug, Clone)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Annotations written after the type; `cpp_type "x"` is kept as the annotation `cpp_type`.
    pub annotations: Vec<Annotation>,
    /// Where it stands.
    pub span: Span,
}

/// What a type is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TypeKind {
    /// `bool`
    Bool,
    /// `i8`, and its old name `byte`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `double`
    Double,
    /// `string`: UTF-8 text
    String,
    /// `binary`: bytes
    Binary,
    /// `uuid`: 16 bytes
    Uuid,
    /// An enum, an i32 on the wire.
    Enum(EnumId),
    /// A struct, union or exception.
    Struct(StructId),
    /// A name for another type.
    Typedef(TypedefId),
    /// `list<element>`
    List(TypeId),
    /// `set<element>`
    Set(TypeId),
    /// `map<key, value>`
    Map(TypeId, TypeId),
}

/// What a top-level name of a program stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Definition {
    /// A struct, union or exception.
    Struct(StructId),
    /// An enum.
    Enum(EnumId),
    /// A typedef.
    Typedef(TypedefId),
    /// A constant.
    Constant(ConstantId),
    /// A service.
    Service(ServiceId),
}
