//! The syntax tree: what was written, with a range for every node. Names and literals are ranges into the text.

use crate::token::TextRange;

/// A whole file.
#[derive(Debug, Clone, Default)]
pub struct File {
    /// Headers and definitions in the order written. What could not be read is left out.
    pub items: Vec<Item>,
    /// The doc comment of the file itself, by its place in the list of comments.
    pub doc: Option<Doc>,
}

/// A doc comment, by its place in the list of comments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doc(pub usize);

/// A name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Identifier {
    /// Where it is.
    pub range: TextRange,
}

impl Identifier {
    /// The name.
    pub fn text(self, text: &str) -> &str {
        self.range.of(text)
    }
}

/// A quoted string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Literal {
    /// Where it is, with its quotes.
    pub range: TextRange,
}

/// A header or a definition.
#[derive(Debug, Clone)]
#[allow(missing_docs, reason = "each variant is documented at its type")]
pub enum Item {
    Include(Include),
    CppInclude(CppInclude),
    Namespace(Namespace),
    Const(Const),
    Typedef(Typedef),
    Enum(Enum),
    Struct(Struct),
    Service(Service),
}

/// `include "path"`
#[derive(Debug, Clone)]
pub struct Include {
    /// The path.
    pub path: Literal,
    /// All of it.
    pub range: TextRange,
}

/// `cpp_include "path"`
#[derive(Debug, Clone)]
pub struct CppInclude {
    /// The path.
    pub path: Literal,
    /// All of it.
    pub range: TextRange,
}

/// `namespace scope name (annotations)`
#[derive(Debug, Clone)]
pub struct Namespace {
    /// The scope; `*` too.
    pub scope: Identifier,
    /// The name.
    pub name: Identifier,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// All of it.
    pub range: TextRange,
}

/// `key = "value"` in annotations.
#[derive(Debug, Clone)]
pub struct Annotation {
    /// The key.
    pub key: Identifier,
    /// The value.
    pub value: Option<Literal>,
}

/// `const type name = value`
#[derive(Debug, Clone)]
pub struct Const {
    /// The type.
    pub ty: Type,
    /// The name.
    pub name: Identifier,
    /// The value.
    pub value: Value,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// `typedef type name`
#[derive(Debug, Clone)]
pub struct Typedef {
    /// The type.
    pub ty: Type,
    /// The name.
    pub name: Identifier,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// `enum name { values }`
#[derive(Debug, Clone)]
pub struct Enum {
    /// The name.
    pub name: Identifier,
    /// The values.
    pub values: Vec<EnumValue>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// `name = number` in an enum.
#[derive(Debug, Clone)]
pub struct EnumValue {
    /// The name.
    pub name: Identifier,
    /// The number.
    pub number: Option<Integer>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// A written integer.
#[derive(Debug, Clone, Copy)]
pub struct Integer {
    /// The number; none when what was written is none, or too large, which was reported.
    pub value: Option<i64>,
    /// Where it is.
    pub range: TextRange,
}

/// `struct`, `union` or `exception`
#[derive(Debug, Clone)]
pub struct Struct {
    /// Which of them.
    pub kind: StructKind,
    /// The name.
    pub name: Identifier,
    /// Where `xsd_all` stands.
    pub xsd_all: Option<TextRange>,
    /// The fields.
    pub fields: Vec<Field>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// The keyword of a [`Struct`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StructKind {
    /// `struct`
    Struct,
    /// `union`
    Union,
    /// `exception`
    Exception,
}

/// A field, argument or declared exception.
#[derive(Debug, Clone)]
pub struct Field {
    /// The id.
    pub id: Option<Integer>,
    /// `required` or `optional`, and where.
    pub requiredness: Option<(Requiredness, TextRange)>,
    /// The type.
    pub ty: Type,
    /// Whether `&` follows the type.
    pub is_reference: bool,
    /// The name; keywords are allowed.
    pub name: Identifier,
    /// The default value.
    pub default: Option<Value>,
    /// What stands there of the `xsd_` words.
    pub xsd: Option<Box<Xsd>>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// A word before the type of a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requiredness {
    /// `required`
    Required,
    /// `optional`
    Optional,
}

/// The `xsd_` words of a field.
#[derive(Debug, Clone)]
pub struct Xsd {
    /// Whether `xsd_optional` stands there.
    pub is_optional: bool,
    /// Whether `xsd_nillable` stands there.
    pub is_nillable: bool,
    /// `xsd_attrs { fields }`: where the braces are, and the fields.
    pub attributes: Option<(TextRange, Vec<Field>)>,
    /// All of it.
    pub range: TextRange,
}

/// `service name extends base { functions }`
#[derive(Debug, Clone)]
pub struct Service {
    /// The name.
    pub name: Identifier,
    /// The service that it extends.
    pub extends: Option<Identifier>,
    /// The functions.
    pub functions: Vec<Function>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// `oneway type name(arguments) throws (exceptions)`
#[derive(Debug, Clone)]
pub struct Function {
    /// Where `oneway` stands, or its old name `async`.
    pub oneway: Option<TextRange>,
    /// What it returns; `None` is `void`.
    pub returns: Option<Type>,
    /// The name.
    pub name: Identifier,
    /// The arguments.
    pub arguments: Vec<Field>,
    /// Where `throws` stands, and the exceptions.
    pub throws: Option<(TextRange, Vec<Field>)>,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// Its doc comment.
    pub doc: Option<Doc>,
    /// All of it.
    pub range: TextRange,
}

/// A written type.
#[derive(Debug, Clone)]
pub struct Type {
    /// What it is.
    pub kind: TypeKind,
    /// Its annotations.
    pub annotations: Vec<Annotation>,
    /// All of it.
    pub range: TextRange,
}

/// What a written type is.
#[derive(Debug, Clone)]
pub enum TypeKind {
    /// A type of the language.
    Base(BaseType),
    /// A name.
    Named(Identifier),
    /// `list<element>`
    List(Box<Container>),
    /// `set<element>`
    Set(Box<Container>),
    /// `map<key, value>`: the container's first type is the key.
    Map(Box<Container>, Box<Type>),
}

/// What list, set and map have in common.
#[derive(Debug, Clone)]
pub struct Container {
    /// The string after `cpp_type`.
    pub cpp_type: Option<Literal>,
    /// Whether `cpp_type` stands after the `>`, which is deprecated.
    pub is_cpp_type_last: bool,
    /// The element's type, or the key's.
    pub element: Type,
}

/// A type of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the keywords")]
pub enum BaseType {
    Bool,
    I8,
    I16,
    I32,
    I64,
    Double,
    String,
    Binary,
    Uuid,
}

/// A written constant value.
#[derive(Debug, Clone)]
pub struct Value {
    /// What it is.
    pub kind: ValueKind,
    /// All of it.
    pub range: TextRange,
}

/// What a written constant value is.
#[derive(Debug, Clone)]
pub enum ValueKind {
    /// Something malformed, which was reported.
    Invalid,
    /// An integer.
    Int(i64),
    /// A number with a fraction or an exponent.
    Double(f64),
    /// `true` or `false`
    Bool(bool),
    /// A string.
    String(Literal),
    /// The name of a constant or of an enum's value.
    Name(Identifier),
    /// `[a, b]`
    List(Vec<Value>),
    /// `{a: b}`
    Map(Vec<(Value, Value)>),
}
