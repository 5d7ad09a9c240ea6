use std::sync::Arc;

use fastthrift_schema::{
    Definition, Enum, EnumId, EnumValue, Field, FieldId, Id, Program, ProgramId, Requiredness, Schema, SchemaBuilder,
    Source, SourceId, Span, Struct, StructId, StructKind, Type, TypeId, TypeKind, Typedef, TypedefId,
};

use super::Choices;

/// How deep containers nest in a type that is written down.
const TYPE_DEPTH: u32 = 3;

/// A schema of one program with structs, unions, exceptions, enums and typedefs that refer to each other in any
/// direction, and the struct to start at.
///
/// Every struct has a finite value: a field that is required never leads to a struct, and neither does a union's first.
pub fn schema(choices: &mut Choices<'_>) -> (Arc<Schema>, StructId) {
    let mut writer = Writer::new(choices);
    for index in 0..writer.enums {
        writer.write_enum(index);
    }
    for index in 0..writer.typedefs {
        writer.write_typedef(index);
    }
    for index in 0..writer.structs {
        writer.write_struct(index);
    }
    (Arc::new(writer.finish()), StructId::new(0))
}

struct Writer<'c, 'a> {
    choices: &'c mut Choices<'a>,
    builder: SchemaBuilder,
    definitions: Vec<(Arc<str>, Definition)>,
    structs: usize,
    enums: usize,
    typedefs: usize,
}

impl<'c, 'a> Writer<'c, 'a> {
    fn new(choices: &'c mut Choices<'a>) -> Self {
        let mut builder = SchemaBuilder::default();
        builder.sources.push(Source::new("arbitrary.thrift", ""));
        let (structs, enums, typedefs) = (1 + choices.below(4), choices.below(3), choices.below(3));
        Self { choices, builder, definitions: Vec::new(), structs, enums, typedefs }
    }

    fn finish(mut self) -> Schema {
        self.builder.programs.push(Program {
            name: "arbitrary".into(),
            source: SourceId::new(0),
            namespaces: Vec::new(),
            includes: Vec::new(),
            cpp_includes: Vec::new(),
            definitions: self.definitions,
            doc: None,
        });
        self.builder.finish()
    }

    fn write_enum(&mut self, index: usize) {
        let name: Arc<str> = format!("Enum{index}").into();
        let values = (0..=self.choices.below(4)).map(|place| self.enum_value(place)).collect();
        let id = self.builder.enums.push(Enum {
            name: name.clone(),
            program: ProgramId::new(0),
            values,
            annotations: Vec::new(),
            doc: None,
            span: nowhere(),
        });
        self.definitions.push((name, Definition::Enum(id)));
    }

    fn enum_value(&mut self, place: usize) -> EnumValue {
        let value = i32::from_le_bytes(self.choices.bytes());
        let name = format!("VALUE{place}").into();
        EnumValue { name, value, is_explicit: true, annotations: Vec::new(), doc: None, span: nowhere() }
    }

    /// A typedef's target names earlier typedefs only, so that none leads back to itself.
    fn write_typedef(&mut self, index: usize) {
        let name: Arc<str> = format!("Typedef{index}").into();
        let target = self.write_type(TYPE_DEPTH, index, true);
        let typedef = Typedef {
            name: name.clone(),
            program: ProgramId::new(0),
            target,
            annotations: Vec::new(),
            doc: None,
            span: nowhere(),
        };
        let id = self.builder.typedefs.push(typedef);
        self.definitions.push((name, Definition::Typedef(id)));
    }

    fn write_struct(&mut self, index: usize) {
        let name: Arc<str> = format!("Struct{index}").into();
        let kind =
            self.choices.one_of(&[StructKind::Struct, StructKind::Struct, StructKind::Union, StructKind::Exception]);
        let mut fields: Vec<Field> = Vec::new();
        let mut id = 0i16;
        let least = usize::from(kind == StructKind::Union);
        for place in 0..least + self.choices.below(9) {
            id = match self.choices.below(8) {
                0 => i16::from_le_bytes(self.choices.bytes()),
                1 => id.wrapping_add(20),
                _ => id.wrapping_add(1),
            };
            if fields.iter().all(|field| field.id.0 != id) {
                fields.push(self.field(place, id, kind));
            }
        }
        let structure = Struct {
            name: name.clone(),
            program: ProgramId::new(0),
            kind,
            fields,
            annotations: Vec::new(),
            doc: None,
            span: nowhere(),
        };
        let id = self.builder.structs.push(structure);
        self.definitions.push((name, Definition::Struct(id)));
    }

    fn field(&mut self, place: usize, id: i16, kind: StructKind) -> Field {
        let requiredness = match kind {
            StructKind::Union => Requiredness::Optional,
            _ => self.choices.one_of(&[Requiredness::Default, Requiredness::Optional, Requiredness::Required]),
        };
        let is_finite = requiredness == Requiredness::Required || (kind == StructKind::Union && place == 0);
        let typedefs = if is_finite { 0 } else { self.typedefs };
        Field {
            id: FieldId(id),
            is_id_explicit: true,
            name: format!("field{place}").into(),
            ty: self.write_type(TYPE_DEPTH, typedefs, !is_finite),
            requiredness,
            default: None,
            is_reference: false,
            annotations: Vec::new(),
            doc: None,
            span: nowhere(),
        }
    }

    /// A type; of typedefs the first so many, of structs all or none.
    fn write_type(&mut self, depth: u32, typedefs: usize, structs: bool) -> TypeId {
        let kind = match self.choices.below(16) {
            0 => TypeKind::Bool,
            1 => TypeKind::I8,
            2 => TypeKind::I16,
            4 => TypeKind::I64,
            5 => TypeKind::Double,
            6 => TypeKind::String,
            7 => TypeKind::Binary,
            8 => TypeKind::Uuid,
            9 if self.enums > 0 => TypeKind::Enum(EnumId::new(self.choices.below(self.enums))),
            10 if typedefs > 0 => TypeKind::Typedef(TypedefId::new(self.choices.below(typedefs))),
            11 | 12 if structs => TypeKind::Struct(StructId::new(self.choices.below(self.structs))),
            13 if depth > 0 => TypeKind::List(self.write_type(depth - 1, typedefs, structs)),
            14 if depth > 0 => TypeKind::Set(self.write_type(depth - 1, typedefs, structs)),
            15 if depth > 0 => {
                let key = self.write_type(depth - 1, typedefs, structs);
                TypeKind::Map(key, self.write_type(depth - 1, typedefs, structs))
            }
            _ => TypeKind::I32,
        };
        self.builder.types.push(Type { kind, annotations: Vec::new(), span: nowhere() })
    }
}

/// Nothing of an arbitrary schema stands anywhere.
fn nowhere() -> Span {
    Span { source: Id::new(0), start: 0, end: 0 }
}
