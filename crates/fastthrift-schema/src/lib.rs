//! The resolved meaning of a set of Thrift files.
//!
//! A [`Schema`] is what every other layer reads: programs, types, constants and services in arenas, referred to by typed ids. It is
//! built once by [`SchemaBuilder`] (the compiler's front end does that), immutable afterwards, and every id in it is valid.

mod arena;
mod definition;
mod same;
mod source;
mod suggest;
mod types;
mod value;

pub use arena::{Arena, Id};
pub use definition::{
    Annotation, Constant, Enum, EnumValue, Field, FieldId, Function, Include, Namespace, Program, Requiredness,
    Service, Struct, StructKind, Typedef,
};
pub use same::correspondence;
pub use source::{LineColumn, Source, SourceId, Span};
pub use suggest::nearest;
pub use types::{ConstantId, Definition, EnumId, ProgramId, ServiceId, StructId, Type, TypeId, TypeKind, TypedefId};
pub use value::Value;

/// The resolved meaning of one root file and everything it includes, directly or not.
#[derive(Debug, Clone)]
pub struct Schema {
    parts: SchemaBuilder,
}

/// The arenas of a schema while the front end fills them; [`SchemaBuilder::finish`] freezes them.
#[derive(Debug, Clone, Default)]
pub struct SchemaBuilder {
    /// The text of every file read, by [`SourceId`].
    pub sources: Arena<Source>,
    /// One program a file; the root file is the first.
    pub programs: Arena<Program>,
    /// Structs, unions, exceptions, and the argument and result structs of functions.
    pub structs: Arena<Struct>,
    /// Enums.
    pub enums: Arena<Enum>,
    /// Typedefs.
    pub typedefs: Arena<Typedef>,
    /// Constants.
    pub constants: Arena<Constant>,
    /// Services.
    pub services: Arena<Service>,
    /// Every written type, one node an occurrence.
    pub types: Arena<Type>,
}

impl SchemaBuilder {
    /// Freezes the arenas.
    ///
    /// # Panics
    /// When an id points outside its arena, or a typedef leads back to itself: the front end must have refused such input.
    pub fn finish(self) -> Schema {
        let schema = Schema { parts: self };
        for node in schema.types() {
            match node.kind {
                TypeKind::List(element) | TypeKind::Set(element) => assert!(schema.parts.types.contains(element)),
                TypeKind::Map(key, value) => {
                    assert!(schema.parts.types.contains(key) && schema.parts.types.contains(value));
                }
                TypeKind::Enum(id) => assert!(schema.parts.enums.contains(id)),
                TypeKind::Struct(id) => assert!(schema.parts.structs.contains(id)),
                TypeKind::Typedef(id) => assert!(schema.parts.typedefs.contains(id)),
                _ => {}
            }
        }
        for typedef in schema.typedefs() {
            schema.resolve(typedef.target);
        }
        schema
    }
}

macro_rules! arenas {
    ($($many:ident, $one:ident, $item:ty, $id:ty;)*) => {
        impl Schema {
            $(
                #[doc = concat!("All ", stringify!($many), ", in the order in which they were read.")]
                pub fn $many(&self) -> &Arena<$item> { &self.parts.$many }
                #[doc = concat!("The item of `", stringify!($many), "` that `id` names.")]
                pub fn $one(&self, id: $id) -> &$item { &self.parts.$many[id] }
            )*
        }
    };
}

arenas! {
    sources, source, Source, SourceId;
    programs, program, Program, ProgramId;
    structs, structure, Struct, StructId;
    enums, enumeration, Enum, EnumId;
    typedefs, typedef, Typedef, TypedefId;
    constants, constant, Constant, ConstantId;
    services, service, Service, ServiceId;
    types, type_node, Type, TypeId;
}

impl Schema {
    /// The program of the file that was loaded first.
    pub fn root(&self) -> &Program {
        self.programs().iter().next().expect("invariant: a schema has a root program")
    }

    /// Follows typedefs until a type that is none, and returns its kind.
    ///
    /// # Panics
    /// When typedefs form a cycle, which a finished schema never has.
    pub fn resolve(&self, id: TypeId) -> TypeKind {
        let mut kind = self.type_node(id).kind;
        for _ in 0..=self.typedefs().len() {
            match kind {
                TypeKind::Typedef(typedef) => kind = self.type_node(self.typedef(typedef).target).kind,
                other => return other,
            }
        }
        panic!("invariant: typedefs of a finished schema have no cycle");
    }

    /// The service and its ancestors, the service itself first.
    pub fn lineage(&self, id: ServiceId) -> impl Iterator<Item = (ServiceId, &Service)> {
        std::iter::successors(Some((id, self.service(id))), |(_, service)| {
            service.extends.map(|base| (base, self.service(base)))
        })
        .take(self.services().len())
    }
}
