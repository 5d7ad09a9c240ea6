//! What a Thrift type is in Rust.

use fastthrift_schema::{Annotation, EnumId, Schema, StructId, TypeId, TypeKind, TypedefId};

use super::annotations;
use super::facts::Traits;
use super::options::{Maps, Newtypes, Options, Sets, Texts};

/// What a type is in Rust, other names followed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape<'a> {
    /// A number or `bool`, by its name.
    Plain(&'static str),
    Text(Texts),
    Bytes(Texts),
    Uuid,
    Enum(EnumId),
    Struct(StructId),
    Newtype(TypedefId),
    List(TypeId),
    Set(Sets, TypeId),
    Map(Maps, TypeId, TypeId),
    /// A type that the IDL names by its path.
    Custom(&'a str),
}

/// What is true of a type.
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub(super) struct TypeTraits {
    pub(super) ord: bool,
    pub(super) hash: bool,
    pub(super) eq: bool,
    pub(super) borrows: bool,
}

impl TypeTraits {
    const ALL: Self = Self { ord: true, hash: true, eq: true, borrows: false };

    fn and(self, other: Self) -> Self {
        Self {
            ord: self.ord && other.ord,
            hash: self.hash && other.hash,
            eq: self.eq && other.eq,
            borrows: self.borrows || other.borrows,
        }
    }
}

/// Decides what types are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shapes<'a> {
    pub(super) schema: &'a Schema,
    pub(super) options: &'a Options,
}

impl<'a> Shapes<'a> {
    /// What a type is; `annotations` are those of the field that has it.
    pub(super) fn shape(&self, ty: TypeId, annotations: &'a [Annotation], traits: &Traits) -> Shape<'a> {
        let mut choice = annotations::value(annotations, "type");
        let mut current = ty;
        loop {
            let node = self.schema.type_node(current);
            choice = choice.or_else(|| annotations::value(&node.annotations, "type"));
            let TypeKind::Typedef(id) = node.kind else { return self.chosen(node.kind, choice, traits) };
            if self.is_newtype(id) && choice.is_none() {
                return Shape::Newtype(id);
            }
            choice = choice.or_else(|| annotations::value(&self.schema.typedef(id).annotations, "type"));
            current = self.schema.typedef(id).target;
        }
    }

    /// Whether a typedef is a type of its own.
    pub(super) fn is_newtype(&self, id: TypedefId) -> bool {
        let wanted = annotations::flag(&self.schema.typedef(id).annotations, "newtype");
        wanted.unwrap_or(self.options.newtypes == Newtypes::All)
    }

    fn chosen(&self, kind: TypeKind, choice: Option<&'a str>, traits: &Traits) -> Shape<'a> {
        let texts = match choice {
            Some("owned") => Texts::Owned,
            Some("shared") => Texts::Shared,
            Some("borrowed") => Texts::Borrowed,
            _ => self.options.texts,
        };
        let shape = match kind {
            TypeKind::Bool => Shape::Plain("bool"),
            TypeKind::I8 => Shape::Plain("i8"),
            TypeKind::I16 => Shape::Plain("i16"),
            TypeKind::I32 => Shape::Plain("i32"),
            TypeKind::I64 => Shape::Plain("i64"),
            TypeKind::Double => Shape::Plain("f64"),
            TypeKind::String => Shape::Text(texts),
            TypeKind::Binary => Shape::Bytes(texts),
            TypeKind::Uuid => Shape::Uuid,
            TypeKind::Enum(id) => Shape::Enum(id),
            TypeKind::Struct(id) => Shape::Struct(id),
            TypeKind::List(element) => Shape::List(element),
            TypeKind::Set(element) => Shape::Set(self.set(element, choice, traits), element),
            TypeKind::Map(key, value) => Shape::Map(self.map(key, choice, traits), key, value),
            TypeKind::Typedef(_) => unreachable!("invariant: the caller follows typedefs"),
        };
        match choice {
            Some(path) if !WORDS.contains(&path) => Shape::Custom(path),
            _ => shape,
        }
    }

    fn set(&self, element: TypeId, choice: Option<&str>, traits: &Traits) -> Sets {
        let wanted = match choice {
            Some("btree") => Sets::BTree,
            Some("hash") => Sets::Hash,
            Some("list") => Sets::List,
            _ => self.options.sets,
        };
        let of = self.traits(element, &[], traits);
        match wanted {
            Sets::BTree if !of.ord => Sets::List,
            Sets::Hash if !of.hash => Sets::List,
            wanted => wanted,
        }
    }

    fn map(&self, key: TypeId, choice: Option<&str>, traits: &Traits) -> Maps {
        let wanted = match choice {
            Some("btree") => Maps::BTree,
            Some("hash") => Maps::Hash,
            Some("pairs") => Maps::Pairs,
            _ => self.options.maps,
        };
        let of = self.traits(key, &[], traits);
        match wanted {
            Maps::BTree if !of.ord => Maps::Pairs,
            Maps::Hash if !of.hash => Maps::Pairs,
            wanted => wanted,
        }
    }

    /// What is true of a type, given what is true of structs.
    pub(super) fn traits(&self, ty: TypeId, annotations: &'a [Annotation], traits: &Traits) -> TypeTraits {
        let of = |ty: TypeId| self.traits(ty, &[], traits);
        match self.shape(ty, annotations, traits) {
            Shape::Plain("f64") => TypeTraits { ord: false, hash: false, eq: false, borrows: false },
            Shape::Plain(_) | Shape::Uuid | Shape::Enum(_) => TypeTraits::ALL,
            Shape::Text(texts) | Shape::Bytes(texts) => {
                TypeTraits { borrows: texts == Texts::Borrowed, ..TypeTraits::ALL }
            }
            Shape::Struct(id) => TypeTraits {
                ord: traits.ord[id.index()],
                hash: traits.hash[id.index()],
                eq: traits.eq[id.index()],
                borrows: traits.borrows[id.index()],
            },
            Shape::Newtype(id) => of(self.schema.typedef(id).target),
            Shape::List(element) | Shape::Set(Sets::BTree | Sets::List, element) => of(element),
            Shape::Set(Sets::Hash, element) => TypeTraits { ord: false, hash: false, ..of(element) },
            Shape::Map(Maps::BTree | Maps::Pairs, key, value) => of(key).and(of(value)),
            Shape::Map(Maps::Hash, key, value) => TypeTraits { ord: false, hash: false, ..of(key).and(of(value)) },
            // Nothing is known of it but that it can be compared.
            Shape::Custom(path) => TypeTraits { ord: false, hash: false, eq: false, borrows: path.contains("'de") },
        }
    }
}

/// What `rust.type` can say besides a path.
const WORDS: [&str; 7] = ["owned", "shared", "borrowed", "btree", "hash", "pairs", "list"];
