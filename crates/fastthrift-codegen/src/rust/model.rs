//! The schema with all that is decided about its Rust.

use fastthrift_schema::{Annotation, Definition, Schema, Struct, StructId, StructKind, TypeId};

use super::facts::{Facts, Traits};
use super::names::{ModuleId, Names};
use super::options::{Maps, Options, Sets, Texts};
use super::shape::{Shape, Shapes, TypeTraits};

/// What the writers of definitions work from.
#[derive(Debug)]
pub(super) struct Model<'a> {
    pub(super) schema: &'a Schema,
    pub(super) options: &'a Options,
    pub(super) names: Names,
    pub(super) facts: Facts,
    pub(super) traits: Traits,
    /// By struct: whether it is a key of a map or an element of a set, other than of lists, or is inside of one.
    is_key: Vec<bool>,
}

impl<'a> Model<'a> {
    pub(super) fn new(schema: &'a Schema, options: &'a Options) -> Self {
        let shapes = Shapes { schema, options };
        let (facts, traits) = (Facts::new(schema, options), Traits::new(schema, &shapes));
        let mut model = Self {
            schema,
            options,
            names: Names::new(schema),
            facts,
            traits,
            is_key: vec![false; schema.structs().len()],
        };
        model.find_keys();
        model
    }

    fn find_keys(&mut self) {
        let mut found = Vec::new();
        for ty in self.schema.types().ids() {
            self.keys_of(ty, &[], &mut found);
        }
        // Fields and typedefs may want other collections than their types do.
        for field in self.schema.structs().iter().flat_map(|structure| &structure.fields) {
            self.keys_of(field.ty, &field.annotations, &mut found);
        }
        for typedef in self.schema.typedefs() {
            self.keys_of(typedef.target, &typedef.annotations, &mut found);
        }
        while let Some(id) = found.pop() {
            if !std::mem::replace(&mut self.is_key[id.index()], true) {
                for field in &self.schema.structure(id).fields {
                    self.structs_in(field.ty, &mut found);
                }
            }
        }
    }

    /// The structs in the keys of a map or the elements of a set.
    fn keys_of(&self, ty: TypeId, annotations: &'a [Annotation], found: &mut Vec<StructId>) {
        match self.shape(ty, annotations) {
            Shape::Set(Sets::BTree | Sets::Hash, key) | Shape::Map(Maps::BTree | Maps::Hash, key, _) => {
                self.structs_in(key, found);
            }
            _ => {}
        }
    }

    fn structs_in(&self, ty: TypeId, found: &mut Vec<StructId>) {
        match self.shape(ty, &[]) {
            Shape::Struct(id) => found.push(id),
            Shape::Newtype(id) => self.structs_in(self.schema.typedef(id).target, found),
            Shape::List(element) | Shape::Set(_, element) => self.structs_in(element, found),
            Shape::Map(_, key, value) => {
                self.structs_in(key, found);
                self.structs_in(value, found);
            }
            _ => {}
        }
    }

    /// Whether values of a struct are keys or elements of sets, so that they must have an order and a hash.
    pub(super) fn is_key(&self, id: StructId) -> bool {
        self.is_key[id.index()]
    }

    /// Whether all structs in a type are keys or elements of sets.
    pub(super) fn holds_keys_alone(&self, ty: TypeId) -> bool {
        let mut found = Vec::new();
        self.structs_in(ty, &mut found);
        found.into_iter().all(|id| self.is_key(id))
    }

    pub(super) fn shapes(&self) -> Shapes<'a> {
        Shapes { schema: self.schema, options: self.options }
    }

    /// What a type is; `annotations` are those of the field that has it.
    pub(super) fn shape(&self, ty: TypeId, annotations: &'a [Annotation]) -> Shape<'a> {
        self.shapes().shape(ty, annotations, &self.traits)
    }

    pub(super) fn type_traits(&self, ty: TypeId, annotations: &'a [Annotation]) -> TypeTraits {
        self.shapes().traits(ty, annotations, &self.traits)
    }

    /// Whether a type has a default; one that the IDL names by its path does.
    pub(super) fn type_has_default(&self, ty: TypeId, annotations: &'a [Annotation]) -> bool {
        match self.shape(ty, annotations) {
            Shape::Struct(id) => self.has_default(id),
            Shape::Newtype(id) => {
                let typedef = self.schema.typedef(id);
                self.type_has_default(typedef.target, &typedef.annotations)
            }
            _ => true,
        }
    }

    /// A name of the runtime crate.
    pub(super) fn runtime(&self, name: &str) -> String {
        format!("{}::{name}", self.options.runtime)
    }

    /// A name of the standard library that is in its prelude, or that modules import; programs without `std` lack it.
    pub(super) fn prelude(&self, name: &'static str) -> String {
        match name {
            name if self.options.no_std => format!("p::{name}"),
            name => name.to_owned(),
        }
    }

    /// A collection of the standard library.
    pub(super) fn collection(&self, name: &'static str) -> String {
        self.prelude(name)
    }

    /// The way from code in module `at` to a struct, enum or typedef of this program and name.
    pub(super) fn path(&self, at: ModuleId, program: fastthrift_schema::ProgramId, name: &str) -> String {
        format!("{}{name}", self.names.way(at, self.names.module_of(program)))
    }

    pub(super) fn struct_path(&self, at: ModuleId, id: StructId) -> String {
        self.path(at, self.schema.structure(id).program, self.names.structure(id))
    }

    /// The type of values, as code in module `at` writes it.
    pub(super) fn ty(&self, at: ModuleId, ty: TypeId, annotations: &'a [Annotation]) -> String {
        if let Some(alias) = self.alias(at, ty, annotations) {
            return alias;
        }
        let of = |ty: TypeId| self.ty(at, ty, &[]);
        let vec = self.prelude("Vec");
        match self.shape(ty, annotations) {
            Shape::Plain(name) => name.to_owned(),
            Shape::Text(Texts::Owned) => self.prelude("String"),
            Shape::Text(Texts::Shared) => self.runtime("Text"),
            Shape::Text(Texts::Borrowed) => "&'de str".to_owned(),
            Shape::Bytes(Texts::Owned) => format!("{vec}<u8>"),
            Shape::Bytes(Texts::Shared) => "p::Bytes".to_owned(),
            Shape::Bytes(Texts::Borrowed) => "&'de [u8]".to_owned(),
            Shape::Uuid => "[u8; 16]".to_owned(),
            Shape::Enum(id) => {
                let enumeration = self.schema.enumeration(id);
                self.path(at, enumeration.program, self.names.enumeration(id))
            }
            Shape::Struct(id) => {
                format!("{}{}", self.struct_path(at, id), lifetime(self.traits.borrows[id.index()]))
            }
            Shape::Newtype(id) => {
                let borrows = self.type_traits(self.schema.typedef(id).target, &[]).borrows;
                let path = self.path(at, self.schema.typedef(id).program, self.names.typedef(id));
                format!("{path}{}", lifetime(borrows))
            }
            Shape::List(element) => format!("{vec}<{}>", of(element)),
            Shape::Set(Sets::BTree, element) => format!("{}<{}>", self.collection("BTreeSet"), of(element)),
            Shape::Set(Sets::Hash, element) => format!("{}<{}>", self.collection("HashSet"), of(element)),
            Shape::Set(Sets::List, element) => format!("{}<{}>", self.runtime("VecSet"), of(element)),
            Shape::Map(Maps::BTree, key, value) => {
                format!("{}<{}, {}>", self.collection("BTreeMap"), of(key), of(value))
            }
            Shape::Map(Maps::Hash, key, value) => format!("{}<{}, {}>", self.collection("HashMap"), of(key), of(value)),
            Shape::Map(Maps::Pairs, key, value) => format!("{vec}<({}, {})>", of(key), of(value)),
            Shape::Custom(path) => path.to_owned(),
        }
    }

    /// The other name by which the IDL writes a type, unless the field wants something else.
    fn alias(&self, at: ModuleId, ty: TypeId, annotations: &'a [Annotation]) -> Option<String> {
        let fastthrift_schema::TypeKind::Typedef(id) = self.schema.type_node(ty).kind else { return None };
        let node = &self.schema.type_node(ty).annotations;
        if [annotations, node].iter().any(|of| super::annotations::value(of, "type").is_some()) {
            return None;
        }
        let typedef = self.schema.typedef(id);
        let borrows = self.type_traits(ty, &[]).borrows;
        Some(format!("{}{}", self.path(at, typedef.program, self.names.typedef(id)), lifetime(borrows)))
    }

    /// The type of a field: in a box, in an option.
    pub(super) fn field_type(&self, at: ModuleId, id: StructId, place: usize) -> String {
        let field = &self.schema.structure(id).fields[place];
        let mut ty = self.ty(at, field.ty, &field.annotations);
        if self.facts.is_boxed(id, place) {
            ty = format!("{}<{ty}>", self.prelude("Box"));
        }
        if self.facts.is_optional(id, place) { format!("Option<{ty}>") } else { ty }
    }

    /// The definitions of a module in order.
    pub(super) fn definitions(&self, module: ModuleId) -> impl Iterator<Item = Definition> {
        let programs = &self.names.module(module).programs;
        programs
            .iter()
            .flat_map(|program| &self.schema.program(*program).definitions)
            .map(|(_, definition)| *definition)
    }

    /// Whether values of the struct can be made without saying any field.
    pub(super) fn has_default(&self, id: StructId) -> bool {
        self.schema.structure(id).kind != StructKind::Union && self.facts.has_default(id)
    }
}

/// The lifetime of a type that borrows, in angle brackets.
pub(super) fn lifetime(borrows: bool) -> &'static str {
    if borrows { "<'de>" } else { "" }
}

/// A struct's fields by ascending id, as they travel: their places.
pub(super) fn by_id(structure: &Struct) -> Vec<usize> {
    let mut places: Vec<usize> = (0..structure.fields.len()).collect();
    places.sort_by_key(|&place| structure.fields[place].id);
    places
}
