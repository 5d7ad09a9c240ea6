use std::fmt;
use std::sync::Arc;

use crate::{Definition, ProgramId, ServiceId, SourceId, Span, StructId, TypeId, Value};

/// A file's meaning.
#[derive(Debug, Clone)]
pub struct Program {
    /// The file's base name without its last extension: the prefix under which its includers know it.
    pub name: Arc<str>,
    /// The file.
    pub source: SourceId,
    /// The `namespace` headers in order.
    pub namespaces: Vec<Namespace>,
    /// The `include` headers in order, each file once.
    pub includes: Vec<Include>,
    /// The `cpp_include` headers in order.
    pub cpp_includes: Vec<Arc<str>>,
    /// The top-level definitions in the order written, with their names.
    pub definitions: Vec<(Arc<str>, Definition)>,
    /// The program's doc comment.
    pub doc: Option<Box<str>>,
}

impl Program {
    /// The namespace for a scope such as `py`: the last one written for it, else the last for `*`.
    pub fn namespace(&self, scope: &str) -> Option<&Namespace> {
        let last = |wanted: &str| self.namespaces.iter().rev().find(|namespace| &*namespace.scope == wanted);
        last(scope).or_else(|| last("*"))
    }
}

/// A `namespace` header.
#[derive(Debug, Clone)]
pub struct Namespace {
    /// The scope, such as `py`, `py.twisted` or `*`.
    pub scope: Arc<str>,
    /// The name, dots included.
    pub name: Arc<str>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Where it stands.
    pub span: Span,
}

/// An `include` header.
#[derive(Debug, Clone)]
pub struct Include {
    /// The prefix by which names of that program are qualified.
    pub prefix: Arc<str>,
    /// The path as written.
    pub path: Arc<str>,
    /// The program that it leads to.
    pub program: ProgramId,
    /// Where it stands.
    pub span: Span,
}

/// `(key = "value")`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// The key.
    pub key: Arc<str>,
    /// The value; `"1"` when none was written.
    pub value: Arc<str>,
}

/// A field's number on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub i16);

impl fmt::Display for FieldId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether a field must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Requiredness {
    /// Nothing was written: sent when it has a value, not missed when absent.
    Default,
    /// `optional`
    Optional,
    /// `required`: its absence is an error on write and on read.
    Required,
}

/// A field, argument or declared exception.
#[derive(Debug, Clone)]
pub struct Field {
    /// The number on the wire.
    pub id: FieldId,
    /// Whether the number was written; if not it was assigned, counting down from -1.
    pub is_id_explicit: bool,
    /// The name.
    pub name: Arc<str>,
    /// The type.
    pub ty: TypeId,
    /// Whether it must be there.
    pub requiredness: Requiredness,
    /// The default value.
    pub default: Option<Value>,
    /// Whether `&` was written: a hint to generators that the field is held by reference.
    pub is_reference: bool,
    /// Its annotations; `xsd_optional`, `xsd_nillable` and `xsd_attrs` are kept under these keys.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where it stands.
    pub span: Span,
}

/// What a [`Struct`] was declared as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum StructKind {
    /// `struct`
    Struct,
    /// `union`: at most one field is set.
    Union,
    /// `exception`
    Exception,
    /// The arguments of a function, which travel as a struct.
    Arguments,
    /// The result of a function: field 0, `success`, unless it is `void`, then the declared exceptions.
    Result,
}

/// A struct, union or exception; also the arguments and the result of a function.
#[derive(Debug, Clone)]
pub struct Struct {
    /// The name. For arguments and results, `<function>_args` and `<function>_result`.
    pub name: Arc<str>,
    /// The program that declares it.
    pub program: ProgramId,
    /// What it is.
    pub kind: StructKind,
    /// The fields in the order written.
    pub fields: Vec<Field>,
    /// Its annotations; `xsd_all` is kept under this key.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// An enum.
#[derive(Debug, Clone)]
pub struct Enum {
    /// The name.
    pub name: Arc<str>,
    /// The program that declares it.
    pub program: ProgramId,
    /// The values in the order written.
    pub values: Vec<EnumValue>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// A value of an enum.
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// The name.
    pub name: Arc<str>,
    /// The number, written or counted on from the value before (the first is 0).
    pub value: i32,
    /// Whether the number was written.
    pub is_explicit: bool,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// A name for another type.
#[derive(Debug, Clone)]
pub struct Typedef {
    /// The name.
    pub name: Arc<str>,
    /// The program that declares it.
    pub program: ProgramId,
    /// The type that it stands for.
    pub target: TypeId,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// A constant.
#[derive(Debug, Clone)]
pub struct Constant {
    /// The name.
    pub name: Arc<str>,
    /// The program that declares it.
    pub program: ProgramId,
    /// The type.
    pub ty: TypeId,
    /// The value.
    pub value: Value,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// A service.
#[derive(Debug, Clone)]
pub struct Service {
    /// The name.
    pub name: Arc<str>,
    /// The program that declares it.
    pub program: ProgramId,
    /// The service that it extends.
    pub extends: Option<ServiceId>,
    /// Its own functions in the order written, without inherited ones.
    pub functions: Vec<Function>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

/// A function of a service.
#[derive(Debug, Clone)]
pub struct Function {
    /// The name.
    pub name: Arc<str>,
    /// Whether no reply is sent.
    pub is_oneway: bool,
    /// What it returns; `None` is `void`.
    pub returns: Option<TypeId>,
    /// Its arguments, a struct of kind [`StructKind::Arguments`].
    pub arguments: StructId,
    /// Its result, a struct of kind [`StructKind::Result`]; also there for `oneway`, with no field.
    pub result: StructId,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Box<str>>,
    /// Where its name stands.
    pub span: Span,
}

impl Enum {
    /// The first value with this number.
    pub fn value_of(&self, number: i32) -> Option<&EnumValue> {
        self.values.iter().find(|value| value.value == number)
    }
}
