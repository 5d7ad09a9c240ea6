//! Constants and default values as expressions.

use fastthrift_schema::{Annotation, StructId, StructKind, TypeId, Value};

use crate::Writer;

use super::breaking::{self, Code};
use super::layout::{assigned, broken, width};
use super::model::Model;
use super::names::ModuleId;
use super::options::{Maps, Sets, Texts};
use super::shape::Shape;

/// An expression.
#[derive(Debug, Clone)]
pub(super) enum Expr {
    /// One that is not broken.
    Atom(String),
    /// `path(argument)`
    Call(String, Box<Expr>),
    /// `vec![items]`, `&[items]` or `[items]`, by what stands before the items.
    Items(&'static str, Vec<Expr>),
    /// `(a, b)`
    Pair(Box<(Expr, Expr)>),
    /// `Path { fields }`, and whether the other fields have their defaults.
    Struct(String, Vec<(String, Expr)>, bool),
}

impl Model<'_> {
    /// A value of this type as an expression that owns what it holds; none for a union without a member, which no value expresses.
    pub(super) fn expression(
        &self,
        at: ModuleId,
        value: &Value,
        ty: TypeId,
        annotations: &[Annotation],
    ) -> Option<Expr> {
        // The shape of a field's own type is the only one that its annotations decide, so they need not live longer than this.
        let shape = self.shapes().shape(ty, annotations, &self.traits);
        if let Shape::Newtype(id) = shape {
            let typedef = self.schema.typedef(id);
            let path = self.path(at, typedef.program, self.names.typedef(id));
            return Some(Expr::Call(path, Box::new(self.expression(at, value, typedef.target, &typedef.annotations)?)));
        }
        let inner = self.plain_expression(at, value, ty, shape)?;
        Some(if let Shape::Custom(_) = shape { Expr::Call("From::from".to_owned(), Box::new(inner)) } else { inner })
    }

    fn plain_expression(&self, at: ModuleId, value: &Value, ty: TypeId, shape: Shape<'_>) -> Option<Expr> {
        Some(match value {
            Value::String(text) => self.text(text, shape),
            Value::Binary(bytes) => self.bytes(bytes, shape),
            Value::List(items) | Value::Set(items) => self.items(at, items, ty, shape)?,
            Value::Map(entries) => self.entries(at, entries, ty, shape)?,
            Value::Struct { id, fields } => self.structure_value(at, *id, fields)?,
            scalar => Expr::Atom(self.scalar(at, scalar)),
        })
    }

    /// A number, `bool`, UUID or enum value.
    pub(super) fn scalar(&self, at: ModuleId, value: &Value) -> String {
        match value {
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Double(value) => double(*value),
            Value::Uuid(bytes) => format!("0x{:032x}_u128.to_be_bytes()", u128::from_be_bytes(*bytes)),
            Value::Enum { id, index } => {
                let path = self.path(at, self.schema.enumeration(*id).program, self.names.enumeration(*id));
                format!("{path}::{}", self.names.values(*id)[*index])
            }
            _ => unreachable!("invariant: the caller tells scalars from other values"),
        }
    }

    fn text(&self, text: &str, shape: Shape<'_>) -> Expr {
        let literal = format!("{text:?}");
        let owner = match shape {
            Shape::Text(Texts::Borrowed) | Shape::Custom(_) => return Expr::Atom(literal),
            Shape::Text(Texts::Shared) => self.runtime("Text::from"),
            _ if text.is_empty() => return Expr::Atom(format!("{}::new()", self.prelude("String"))),
            _ => format!("{}::from", self.prelude("String")),
        };
        Expr::Call(owner, Box::new(Expr::Atom(literal)))
    }

    fn bytes(&self, bytes: &[u8], shape: Shape<'_>) -> Expr {
        let literal = byte_literal(bytes);
        match shape {
            Shape::Bytes(Texts::Shared) => {
                Expr::Call("p::Bytes::from_static".to_owned(), Box::new(Expr::Atom(literal)))
            }
            Shape::Bytes(Texts::Owned) if bytes.is_empty() => Expr::Atom(format!("{}::new()", self.prelude("Vec"))),
            Shape::Bytes(Texts::Owned) => Expr::Atom(format!("{literal}.to_vec()")),
            _ => Expr::Atom(format!("{literal}.as_slice()")),
        }
    }

    fn items(&self, at: ModuleId, items: &[Value], ty: TypeId, shape: Shape<'_>) -> Option<Expr> {
        let element = self.element_of(ty, shape)?;
        let owner = match shape {
            Shape::Set(Sets::BTree, _) => self.collection("BTreeSet"),
            Shape::Set(Sets::Hash, _) => self.collection("HashSet"),
            _ => self.prelude("Vec"),
        };
        let items = items.iter().map(|item| self.expression(at, item, element, &[])).collect::<Option<_>>()?;
        let collected = collected(&owner, items);
        Some(match shape {
            Shape::Set(Sets::List, _) => Expr::Call(self.runtime("VecSet"), Box::new(collected)),
            _ => collected,
        })
    }

    fn entries(&self, at: ModuleId, entries: &[(Value, Value)], ty: TypeId, shape: Shape<'_>) -> Option<Expr> {
        let fastthrift_schema::TypeKind::Map(key, value) = self.schema.resolve(ty) else { return None };
        let owner = match shape {
            Shape::Map(Maps::BTree, ..) => self.collection("BTreeMap"),
            Shape::Map(Maps::Hash, ..) => self.collection("HashMap"),
            _ => self.prelude("Vec"),
        };
        let pair = |(k, v): &(Value, Value)| {
            Some(Expr::Pair(Box::new((self.expression(at, k, key, &[])?, self.expression(at, v, value, &[])?))))
        };
        Some(collected(&owner, entries.iter().map(pair).collect::<Option<_>>()?))
    }

    fn element_of(&self, ty: TypeId, shape: Shape<'_>) -> Option<TypeId> {
        match (shape, self.schema.resolve(ty)) {
            (Shape::List(element) | Shape::Set(_, element), _) => Some(element),
            (_, fastthrift_schema::TypeKind::List(element) | fastthrift_schema::TypeKind::Set(element)) => {
                Some(element)
            }
            _ => None,
        }
    }

    fn structure_value(&self, at: ModuleId, id: StructId, given: &[(usize, Value)]) -> Option<Expr> {
        let structure = self.schema.structure(id);
        let path = self.struct_path(at, id);
        if structure.kind == StructKind::Union {
            let (place, value) = given.first()?;
            let inner = self.field_value(at, id, *place, value)?;
            return Some(Expr::Call(format!("{path}::{}", self.names.fields(id)[*place]), Box::new(inner)));
        }
        let keeps_unknown = self.options.keep_unknown_fields && !self.is_key(id);
        let has_others = given.len() < structure.fields.len() || keeps_unknown;
        let mut fields = Vec::new();
        for (place, name) in self.names.fields(id).iter().enumerate() {
            let value = given.iter().find(|(given, _)| *given == place);
            if let Some((_, value)) = value {
                fields.push((name.clone(), self.field_value(at, id, place, value)?));
            } else if !self.has_default(id) {
                fields.push((name.clone(), self.default_of(at, id, place)?));
            }
        }
        if !self.has_default(id) && keeps_unknown {
            fields.push(("unknown_fields".to_owned(), Expr::Atom("Default::default()".to_owned())));
        }
        Some(Expr::Struct(path, fields, has_others && self.has_default(id)))
    }

    /// A field's value in its box and option.
    fn field_value(&self, at: ModuleId, id: StructId, place: usize, value: &Value) -> Option<Expr> {
        let structure = self.schema.structure(id);
        let field = &structure.fields[place];
        let mut expr = self.expression(at, value, field.ty, &field.annotations)?;
        if self.facts.is_boxed(id, place) {
            expr = Expr::Call(format!("{}::new", self.prelude("Box")), Box::new(expr));
        }
        if self.facts.is_optional(id, place) && structure.kind != StructKind::Union {
            expr = Expr::Call("Some".to_owned(), Box::new(expr));
        }
        Some(expr)
    }

    /// What a field is when nobody says; none when there is nothing that it could be.
    pub(super) fn default_of(&self, at: ModuleId, id: StructId, place: usize) -> Option<Expr> {
        let field = &self.schema.structure(id).fields[place];
        if let Some(value) = self.idl_default(at, id, place) {
            return Some(value);
        }
        let atom = |text: &str| Some(Expr::Atom(text.to_owned()));
        if self.facts.is_optional(id, place) {
            return atom("None");
        }
        match self.shape(field.ty, &field.annotations) {
            Shape::Enum(target) => {
                let path = self.path(at, self.schema.enumeration(target).program, self.names.enumeration(target));
                Some(Expr::Atom(format!("{path}::default()")))
            }
            Shape::Struct(target) if !self.facts.has_default(target) => None,
            Shape::Plain("bool") => atom("false"),
            Shape::Plain("f64") => atom("0.0"),
            Shape::Plain(_) => atom("0"),
            Shape::Text(Texts::Owned) => Some(Expr::Atom(format!("{}::new()", self.prelude("String")))),
            Shape::List(_) | Shape::Bytes(Texts::Owned) => Some(Expr::Atom(format!("{}::new()", self.prelude("Vec")))),
            _ => atom("Default::default()"),
        }
    }

    /// The default that the IDL gives a field.
    pub(super) fn idl_default(&self, at: ModuleId, id: StructId, place: usize) -> Option<Expr> {
        let default = self.schema.structure(id).fields[place].default.as_ref()?;
        self.field_value(at, id, place, default)
    }
}

fn collected(owner: &str, items: Vec<Expr>) -> Expr {
    if items.is_empty() {
        Expr::Atom(format!("{owner}::new()"))
    } else if owner == "Vec" {
        Expr::Items("vec![", items)
    } else {
        Expr::Call(format!("{owner}::from"), Box::new(Expr::Items("[", items)))
    }
}

/// A `double`, in the fewest digits that give it back.
fn double(value: f64) -> String {
    if value.is_nan() {
        "f64::NAN".to_owned()
    } else if value.is_infinite() {
        if value > 0.0 { "f64::INFINITY" } else { "f64::NEG_INFINITY" }.to_owned()
    } else {
        format!("{value:?}")
    }
}

/// `b"..."`
pub(super) fn byte_literal(bytes: &[u8]) -> String {
    format!("b\"{}\"", bytes.escape_ascii().to_string().replace("\\'", "'"))
}

impl Expr {
    /// What a type has anyway.
    pub(super) fn type_default() -> Self {
        Self::Atom("Default::default()".to_owned())
    }

    /// On one line.
    pub(super) fn flat(&self) -> String {
        let joined = |items: &[Self]| items.iter().map(Self::flat).collect::<Vec<_>>().join(", ");
        match self {
            Self::Atom(text) => text.clone(),
            Self::Call(path, argument) => format!("{path}({})", argument.flat()),
            Self::Items(open, items) => format!("{open}{}]", joined(items)),
            Self::Pair(pair) => format!("({}, {})", pair.0.flat(), pair.1.flat()),
            Self::Struct(path, fields, has_base) => {
                let mut parts: Vec<String> =
                    fields.iter().map(|(name, value)| format!("{name}: {}", value.flat())).collect();
                parts.extend(has_base.then(|| BASE.to_owned()));
                if parts.is_empty() { format!("{path} {{}}") } else { format!("{path} {{ {} }}", parts.join(", ")) }
            }
        }
    }

    fn code(&self) -> Code {
        match self {
            Self::Atom(text) => Code::atom(text),
            Self::Call(path, argument) => Code::call(path, vec![argument.code()]),
            Self::Items(open, items) => Code::items(open, items.iter().map(Self::code).collect()),
            Self::Pair(pair) => Code::tuple(vec![pair.0.code(), pair.1.code()]),
            Self::Struct(path, fields, has_base) => {
                let fields = fields.iter().map(|(name, value)| (name.clone(), value.code())).collect();
                Code::Struct(path.clone(), fields, has_base.then_some(BASE))
            }
        }
    }

    /// Whether rustfmt leaves it on one line in so many columns.
    pub(super) fn stays_flat(&self, room: usize) -> bool {
        self.code().lines(0, room).is_some_and(|text| !text.contains('\n') && width(&text) <= room)
    }

    /// Writes an arm of a `match`.
    pub(super) fn write_arm(&self, writer: &mut Writer, pattern: &str) {
        let body = breaking::arm(&self.code(), writer.column(), width(pattern) + 4);
        writer.line(format!("{pattern} => {}", body.unwrap_or_else(|| format!("{},", self.flat()))));
    }

    /// Writes `head expression tail` as rustfmt does.
    pub(super) fn write(&self, writer: &mut Writer, head: &str, tail: &str) {
        match head.strip_suffix(' ').filter(|head| head.ends_with(" =")) {
            Some(head) => assigned(writer, head, &self.code(), &self.flat(), tail),
            None => broken(writer, head, &self.code(), &self.flat(), tail),
        }
    }
}

/// The other fields of a struct.
const BASE: &str = "..Default::default()";
