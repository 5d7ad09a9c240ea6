//! Whether two programs of different schemas say the same.

use std::collections::HashMap;

use crate::{
    Annotation, Constant, Definition, Enum, Field, Function, ProgramId, Schema, Service, ServiceId, Struct, StructId,
    TypeId, TypeKind, Value,
};

/// Whether a program and all that it includes say the same as another program of another schema and its includes: the same
/// definitions in the same order, with the same names, types, values and annotations, and functions alike. How types are called by
/// typedefs, doc comments, headers and places do not count.
///
/// Returns which program of `other` each program of `schema` corresponds to, as far as it is reached.
pub fn correspondence(
    schema: &Schema,
    program: ProgramId,
    other: &Schema,
    other_program: ProgramId,
) -> Option<HashMap<ProgramId, ProgramId>> {
    let mut comparison = Comparison { a: schema, b: other, programs: HashMap::new() };
    let mut waiting = vec![(program, other_program)];
    while let Some((a, b)) = waiting.pop() {
        match comparison.programs.insert(a, b) {
            Some(before) if before == b => continue,
            Some(_) => return None,
            None => {}
        }
        let (a, b) = (&schema.program(a).includes, &other.program(b).includes);
        if a.len() != b.len() {
            return None;
        }
        waiting.extend(a.iter().zip(b).map(|(a, b)| (a.program, b.program)));
    }
    let is_same = comparison.programs.iter().all(|(&a, &b)| comparison.program(a, b));
    is_same.then_some(comparison.programs)
}

struct Comparison<'a> {
    a: &'a Schema,
    b: &'a Schema,
    /// What programs have to correspond to each other.
    programs: HashMap<ProgramId, ProgramId>,
}

impl Comparison<'_> {
    fn program(&self, a: ProgramId, b: ProgramId) -> bool {
        let (a, b) = (self.a.program(a), self.b.program(b));
        a.name == b.name
            && all(&a.definitions, &b.definitions, |(a_name, a), (b_name, b)| {
                a_name == b_name && self.definition(*a, *b)
            })
    }

    fn definition(&self, a: Definition, b: Definition) -> bool {
        match (a, b) {
            (Definition::Struct(a), Definition::Struct(b)) => self.structure(self.a.structure(a), self.b.structure(b)),
            (Definition::Enum(a), Definition::Enum(b)) => enumeration(self.a.enumeration(a), self.b.enumeration(b)),
            (Definition::Typedef(a), Definition::Typedef(b)) => {
                self.ty(self.a.typedef(a).target, self.b.typedef(b).target)
            }
            (Definition::Constant(a), Definition::Constant(b)) => self.constant(self.a.constant(a), self.b.constant(b)),
            (Definition::Service(a), Definition::Service(b)) => self.service(self.a.service(a), self.b.service(b)),
            _ => false,
        }
    }

    fn structure(&self, a: &Struct, b: &Struct) -> bool {
        a.kind == b.kind
            && same_annotations(&a.annotations, &b.annotations)
            && all(&a.fields, &b.fields, |a, b| self.field(a, b))
    }

    fn field(&self, a: &Field, b: &Field) -> bool {
        a.id == b.id
            && a.name == b.name
            && a.requiredness == b.requiredness
            && same_annotations(&a.annotations, &b.annotations)
            && self.ty(a.ty, b.ty)
            && self.optional_value(a.default.as_ref(), b.default.as_ref())
    }

    fn constant(&self, a: &Constant, b: &Constant) -> bool {
        self.ty(a.ty, b.ty) && self.value(&a.value, &b.value)
    }

    fn service(&self, a: &Service, b: &Service) -> bool {
        let is_same_base = match (a.extends, b.extends) {
            (None, None) => true,
            (Some(a), Some(b)) => self.same_service(a, b),
            _ => false,
        };
        is_same_base
            && same_annotations(&a.annotations, &b.annotations)
            && all(&a.functions, &b.functions, |a, b| self.function(a, b))
    }

    fn function(&self, a: &Function, b: &Function) -> bool {
        let fields = |a: StructId, b: StructId| {
            all(&self.a.structure(a).fields, &self.b.structure(b).fields, |a, b| self.field(a, b))
        };
        a.name == b.name
            && a.is_oneway == b.is_oneway
            && a.returns.is_some() == b.returns.is_some()
            && same_annotations(&a.annotations, &b.annotations)
            && fields(a.arguments, b.arguments)
            && fields(a.result, b.result)
    }

    fn ty(&self, a: TypeId, b: TypeId) -> bool {
        match (self.a.resolve(a), self.b.resolve(b)) {
            (TypeKind::Enum(a), TypeKind::Enum(b)) => {
                let (a, b) = (self.a.enumeration(a), self.b.enumeration(b));
                a.name == b.name && self.correspond(a.program, b.program)
            }
            (TypeKind::Struct(a), TypeKind::Struct(b)) => self.same_struct(a, b),
            (TypeKind::List(a), TypeKind::List(b)) | (TypeKind::Set(a), TypeKind::Set(b)) => self.ty(a, b),
            (TypeKind::Map(a_key, a), TypeKind::Map(b_key, b)) => self.ty(a_key, b_key) && self.ty(a, b),
            (a, b) => a == b,
        }
    }

    /// Whether two ids name the same struct; what is in it is compared where it is defined.
    fn same_struct(&self, a: StructId, b: StructId) -> bool {
        let (a, b) = (self.a.structure(a), self.b.structure(b));
        a.name == b.name && self.correspond(a.program, b.program)
    }

    fn same_service(&self, a: ServiceId, b: ServiceId) -> bool {
        let (a, b) = (self.a.service(a), self.b.service(b));
        a.name == b.name && self.correspond(a.program, b.program)
    }

    fn correspond(&self, a: ProgramId, b: ProgramId) -> bool {
        self.programs.get(&a) == Some(&b)
    }

    fn optional_value(&self, a: Option<&Value>, b: Option<&Value>) -> bool {
        match (a, b) {
            (None, None) => true,
            (Some(a), Some(b)) => self.value(a, b),
            _ => false,
        }
    }

    fn value(&self, a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Enum { index: a, .. }, Value::Enum { index: b, .. }) => a == b,
            (Value::Double(a), Value::Double(b)) => a.to_bits() == b.to_bits(),
            (Value::List(a), Value::List(b)) | (Value::Set(a), Value::Set(b)) => all(a, b, |a, b| self.value(a, b)),
            (Value::Map(a), Value::Map(b)) => {
                all(a, b, |(a_key, a), (b_key, b)| self.value(a_key, b_key) && self.value(a, b))
            }
            (Value::Struct { id: a_id, fields: a }, Value::Struct { id: b_id, fields: b }) => {
                self.same_struct(*a_id, *b_id)
                    && all(a, b, |(a_place, a), (b_place, b)| a_place == b_place && self.value(a, b))
            }
            (a, b) => a == b,
        }
    }
}

fn enumeration(a: &Enum, b: &Enum) -> bool {
    same_annotations(&a.annotations, &b.annotations)
        && all(&a.values, &b.values, |a, b| a.name == b.name && a.value == b.value)
}

/// Whether what counts of annotations is the same: the last value of each key.
fn same_annotations(a: &[Annotation], b: &[Annotation]) -> bool {
    let last = |annotations: &[Annotation]| -> HashMap<_, _> {
        annotations.iter().map(|annotation| (annotation.key.clone(), annotation.value.clone())).collect()
    };
    (a.is_empty() && b.is_empty()) || last(a) == last(b)
}

fn all<A, B>(a: &[A], b: &[B], is_same: impl Fn(&A, &B) -> bool) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b))
}
