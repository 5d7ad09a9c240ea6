use std::sync::{Arc, OnceLock};

use fastthrift_protocol::{FieldHeader, TType};
use fastthrift_schema::{Enum, EnumId, Requiredness, Schema, Struct, StructId, StructKind, TypeId, TypeKind};

/// The plans of all structs of a schema, each compiled when it is first asked for.
#[derive(Debug)]
pub struct Plans {
    schema: Arc<Schema>,
    structs: Box<[OnceLock<StructPlan>]>,
    enums: Box<[OnceLock<EnumPlan>]>,
}

impl Plans {
    /// Takes a schema; compiles nothing yet.
    pub fn new(schema: Arc<Schema>) -> Self {
        let structs = schema.structs().iter().map(|_| OnceLock::new()).collect();
        let enums = schema.enums().iter().map(|_| OnceLock::new()).collect();
        Self { schema, structs, enums }
    }

    /// The schema that the plans are made from.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// The plan of a struct.
    #[inline]
    pub fn structure(&self, id: StructId) -> &StructPlan {
        self.structs[id.index()].get_or_init(|| StructPlan::compile(&self.schema, id))
    }

    /// The names and numbers of an enum.
    pub fn enumeration(&self, id: EnumId) -> &EnumPlan {
        self.enums[id.index()].get_or_init(|| EnumPlan::compile(self.schema.enumeration(id)))
    }
}

/// A struct, union, exception, argument list or result, compiled.
#[derive(Debug, Clone)]
pub struct StructPlan {
    /// The struct.
    pub id: StructId,
    /// What it was declared as.
    pub kind: StructKind,
    /// Its name.
    pub name: Arc<str>,
    /// Its fields by ascending id: the order in which they are written, and in which most peers write them.
    pub fields: Box<[FieldPlan]>,
    /// The places in `fields` of those that are required.
    pub required: Box<[usize]>,
    /// The places in `fields` by ascending name.
    by_name: Box<[usize]>,
}

impl StructPlan {
    fn compile(schema: &Schema, id: StructId) -> Self {
        let structure = schema.structure(id);
        let mut fields: Box<[FieldPlan]> =
            (0..structure.fields.len()).map(|i| FieldPlan::compile(schema, structure, i)).collect();
        fields.sort_by_key(|field| field.header.id);
        Self::of_fields(id, structure.kind, structure.name.clone(), fields)
    }

    /// A plan of these fields, which are sorted by their ids.
    pub(crate) fn of_fields(id: StructId, kind: StructKind, name: Arc<str>, fields: Box<[FieldPlan]>) -> Self {
        let required = fields.iter().enumerate().filter(|(_, field)| field.is_required).map(|(place, _)| place);
        let mut by_name: Box<[usize]> = (0..fields.len()).collect();
        by_name.sort_by(|&a, &b| fields[a].name.cmp(&fields[b].name));
        Self { id, kind, name, required: required.collect(), by_name, fields }
    }

    /// The place in `fields` of the field with this id; `hint` is where it is looked for first.
    #[inline]
    pub fn place_of(&self, id: i16, hint: usize) -> Option<usize> {
        let near = self.fields.iter().enumerate().skip(hint).take(4).find(|(_, field)| field.header.id == id);
        match near {
            Some((place, _)) => Some(place),
            None => self.fields.binary_search_by_key(&id, |field| field.header.id).ok(),
        }
    }

    /// The place in `fields` of the field with this name; `hint` is where it is looked for first.
    #[inline]
    pub fn place_of_name(&self, name: &[u8], hint: usize) -> Option<usize> {
        if self.fields.get(hint).is_some_and(|field| field.name.as_bytes() == name) {
            return Some(hint);
        }
        let found = self.by_name.binary_search_by(|&place| self.fields[place].name.as_bytes().cmp(name));
        found.ok().map(|found| self.by_name[found])
    }
}

/// The names and numbers of an enum, each to be found by the other.
#[derive(Debug)]
pub struct EnumPlan {
    /// Its name.
    pub name: Arc<str>,
    /// By ascending number; of several names for one number, the first that the IDL writes.
    by_number: Box<[(i32, Arc<str>)]>,
    by_name: Box<[(Arc<str>, i32)]>,
}

impl EnumPlan {
    fn compile(enumeration: &Enum) -> Self {
        let mut by_number: Vec<_> = enumeration.values.iter().map(|value| (value.value, value.name.clone())).collect();
        by_number.sort_by_key(|(number, _)| *number);
        by_number.dedup_by_key(|(number, _)| *number);
        let mut by_name: Box<[_]> = enumeration.values.iter().map(|value| (value.name.clone(), value.value)).collect();
        by_name.sort();
        Self { name: enumeration.name.clone(), by_number: by_number.into(), by_name }
    }

    /// The name of a number, if the IDL gives it one.
    pub fn name_of(&self, number: i32) -> Option<&str> {
        let found = self.by_number.binary_search_by_key(&number, |(number, _)| *number);
        found.ok().map(|place| &*self.by_number[place].1)
    }

    /// The number of a name.
    pub fn number_of(&self, name: &[u8]) -> Option<i32> {
        let found = self.by_name.binary_search_by(|(known, _)| known.as_bytes().cmp(name));
        found.ok().map(|place| self.by_name[place].1)
    }
}

/// A field, compiled.
#[derive(Debug, Clone)]
pub struct FieldPlan {
    /// What stands before its value on the wire.
    pub header: FieldHeader,
    /// Its place in [`Struct::fields`], the order in which the IDL declares it.
    pub index: usize,
    /// Its type.
    pub ty: TypePlan,
    /// Whether its absence is an error.
    pub is_required: bool,
    /// Its name.
    pub name: Arc<str>,
}

impl FieldPlan {
    fn compile(schema: &Schema, structure: &Struct, index: usize) -> Self {
        let field = &structure.fields[index];
        let ty = TypePlan::compile(schema, field.ty, false);
        let header = FieldHeader { ttype: ty.ttype(), id: field.id.0 };
        Self { header, index, ty, is_required: field.requiredness == Requiredness::Required, name: field.name.clone() }
    }
}

/// A type with typedefs resolved.
#[derive(Debug, Clone)]
pub enum TypePlan {
    /// `bool`
    Bool,
    /// `i8`
    I8,
    /// `i16`
    I16,
    /// `i32`
    I32,
    /// `i64`
    I64,
    /// `double`
    Double,
    /// `string`
    String,
    /// `binary`
    Binary,
    /// `uuid`
    Uuid,
    /// An enum
    Enum(EnumId),
    /// A struct, union or exception
    Struct(StructId),
    /// A struct, union or exception of which only some fields are wanted, see [`Plans::select`]
    Selected(Arc<StructPlan>),
    /// A list
    List(Box<SequencePlan>),
    /// A set
    Set(Box<SequencePlan>),
    /// A map
    Map(Box<MapPlan>),
}

/// A list or set type.
#[derive(Debug, Clone)]
pub struct SequencePlan {
    /// The type of the elements.
    pub element: TypePlan,
    /// Whether its values are map keys or set elements themselves, so that they must be hashable.
    pub is_key: bool,
}

/// A map type.
#[derive(Debug, Clone)]
pub struct MapPlan {
    /// The type of the keys.
    pub key: TypePlan,
    /// The type of the values.
    pub value: TypePlan,
    /// Whether its values are map keys or set elements themselves, so that they must be hashable.
    pub is_key: bool,
}

impl TypePlan {
    fn compile(schema: &Schema, id: TypeId, is_key: bool) -> Self {
        match schema.resolve(id) {
            TypeKind::Bool => Self::Bool,
            TypeKind::I8 => Self::I8,
            TypeKind::I16 => Self::I16,
            TypeKind::I32 => Self::I32,
            TypeKind::I64 => Self::I64,
            TypeKind::Double => Self::Double,
            TypeKind::String => Self::String,
            TypeKind::Binary => Self::Binary,
            TypeKind::Uuid => Self::Uuid,
            TypeKind::Enum(id) => Self::Enum(id),
            TypeKind::Struct(id) => Self::Struct(id),
            TypeKind::List(id) => {
                Self::List(Box::new(SequencePlan { element: Self::compile(schema, id, is_key), is_key }))
            }
            TypeKind::Set(id) => Self::Set(Box::new(SequencePlan { element: Self::compile(schema, id, true), is_key })),
            TypeKind::Map(key, value) => Self::Map(Box::new(MapPlan {
                key: Self::compile(schema, key, true),
                value: Self::compile(schema, value, is_key),
                is_key,
            })),
            TypeKind::Typedef(_) => unreachable!("invariant: resolve() follows typedefs to their end"),
        }
    }

    /// The type on the wire.
    #[inline]
    pub fn ttype(&self) -> TType {
        match self {
            Self::Bool => TType::Bool,
            Self::I8 => TType::I8,
            Self::I16 => TType::I16,
            Self::I32 | Self::Enum(_) => TType::I32,
            Self::I64 => TType::I64,
            Self::Double => TType::Double,
            Self::String | Self::Binary => TType::String,
            Self::Uuid => TType::Uuid,
            Self::Struct(_) | Self::Selected(_) => TType::Struct,
            Self::List(_) => TType::List,
            Self::Set(_) => TType::Set,
            Self::Map(_) => TType::Map,
        }
    }
}
