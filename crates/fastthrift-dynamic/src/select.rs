use std::fmt;
use std::sync::Arc;

use fastthrift_protocol::Limits;
use fastthrift_schema::{Struct, StructId, nearest};

use crate::{FieldPlan, MapPlan, Plans, SequencePlan, StructPlan, TypePlan};

/// Why a choice of fields is none.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelectError {
    /// A struct has no field of this name.
    UnknownField {
        /// The path that was asked for.
        path: Box<str>,
        /// The struct.
        structure: Box<str>,
        /// The name in the path.
        name: Box<str>,
        /// The field whose name is most like it, if one is.
        nearest: Option<Box<str>>,
    },
    /// A path goes on after a field that holds no structs.
    NoStruct {
        /// The path that was asked for.
        path: Box<str>,
        /// The struct.
        structure: Box<str>,
        /// The field.
        field: Box<str>,
    },
    /// A path of more than [`Limits::MAX_DEPTH`] names, which no message can reach.
    TooDeep,
}

impl fmt::Display for SelectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownField { path, structure, name, nearest } => {
                write!(f, "field '{path}': '{structure}' has no field '{name}'")?;
                nearest.as_ref().map_or(Ok(()), |nearest| write!(f, ", did you mean '{nearest}'?"))
            }
            Self::NoStruct { path, structure, field } => {
                write!(f, "field '{path}': '{field}' of '{structure}' holds no struct whose fields could be chosen")
            }
            Self::TooDeep => write!(f, "a field's path has more than {} names", Limits::MAX_DEPTH),
        }
    }
}

impl std::error::Error for SelectError {}

/// A path that was asked for, and what of it is still to be followed.
#[derive(Clone, Copy)]
struct Path<'p> {
    whole: &'p str,
    rest: &'p str,
}

/// What is wanted of one field.
#[derive(Default)]
struct Wanted<'p> {
    all: bool,
    parts: Vec<Path<'p>>,
}

impl Plans {
    /// The plan of a struct of which only some fields are wanted: a [`crate::Decoder`] skips all others, and does not miss them.
    ///
    /// A path is a field's name, or names joined by dots, which go through structs and through the elements of lists and sets and the
    /// values of maps: `name`, `address.city`, `people.id`. Fields of union types stay unions: one whose member is not wanted comes
    /// without a member.
    pub fn select<'p>(
        &self,
        id: StructId,
        paths: impl IntoIterator<Item = &'p str>,
    ) -> Result<Arc<StructPlan>, SelectError> {
        let names = |structure: &Struct| structure.fields.iter().map(|field| field.name.to_string()).collect();
        self.select_named(id, paths, &names)
    }

    /// As [`Plans::select`], where `names` gives the names that a struct's fields go by, in the order of the IDL.
    pub fn select_named<'p>(
        &self,
        id: StructId,
        paths: impl IntoIterator<Item = &'p str>,
        names: &dyn Fn(&Struct) -> Vec<String>,
    ) -> Result<Arc<StructPlan>, SelectError> {
        let paths: Vec<Path<'p>> = paths.into_iter().map(|path| Path { whole: path, rest: path }).collect();
        let deepest = usize::try_from(Limits::MAX_DEPTH).unwrap_or(usize::MAX);
        if paths.iter().any(|path| path.whole.bytes().filter(|byte| *byte == b'.').count() >= deepest) {
            return Err(SelectError::TooDeep);
        }
        Selector { plans: self, names }.structure(id, &paths)
    }
}

struct Selector<'a> {
    plans: &'a Plans,
    names: &'a dyn Fn(&Struct) -> Vec<String>,
}

impl Selector<'_> {
    fn structure(&self, id: StructId, paths: &[Path<'_>]) -> Result<Arc<StructPlan>, SelectError> {
        let plan = self.plans.structure(id);
        let wanted = self.wanted(id, paths)?;
        let mut fields = Vec::new();
        for field in &plan.fields {
            let Wanted { all, parts } = &wanted[field.index];
            // A path that leads nowhere is an error even where all is wanted.
            let narrowed = if parts.is_empty() { None } else { Some(self.field(plan, field, parts)?) };
            if *all {
                fields.push(field.clone());
            } else {
                fields.extend(narrowed);
            }
        }
        let name = Arc::clone(&plan.name);
        Ok(Arc::new(StructPlan::of_fields(id, plan.kind, name, fields.into_boxed_slice())))
    }

    /// What is wanted of each field, in the order of the IDL.
    fn wanted<'p>(&self, id: StructId, paths: &[Path<'p>]) -> Result<Vec<Wanted<'p>>, SelectError> {
        let structure = self.plans.schema().structure(id);
        let names = (self.names)(structure);
        let mut wanted: Vec<Wanted<'p>> = names.iter().map(|_| Wanted::default()).collect();
        for &Path { whole, rest } in paths {
            let (name, rest) = rest.split_once('.').map_or((rest, None), |(name, rest)| (name, Some(rest)));
            let Some(place) = names.iter().position(|known| known == name) else {
                return Err(unknown(structure, &names, whole, name));
            };
            match rest {
                Some(rest) => wanted[place].parts.push(Path { whole, rest }),
                None => wanted[place].all = true,
            }
        }
        Ok(wanted)
    }

    fn field(&self, plan: &StructPlan, field: &FieldPlan, paths: &[Path<'_>]) -> Result<FieldPlan, SelectError> {
        match self.narrowed(&field.ty, paths)? {
            Some(ty) => Ok(FieldPlan { ty, ..field.clone() }),
            None => Err(SelectError::NoStruct {
                path: paths.first().map_or_else(Box::default, |path| path.whole.into()),
                structure: (*plan.name).into(),
                field: (*field.name).into(),
            }),
        }
    }

    /// The type with these paths selected in its structs; `None` if it holds none.
    fn narrowed(&self, ty: &TypePlan, paths: &[Path<'_>]) -> Result<Option<TypePlan>, SelectError> {
        let narrowed = match ty {
            TypePlan::Struct(id) => Some(TypePlan::Selected(self.structure(*id, paths)?)),
            TypePlan::Selected(plan) => Some(TypePlan::Selected(self.structure(plan.id, paths)?)),
            TypePlan::List(plan) => self.narrowed_sequence(plan, paths)?.map(TypePlan::List),
            TypePlan::Set(plan) => self.narrowed_sequence(plan, paths)?.map(TypePlan::Set),
            TypePlan::Map(plan) => self
                .narrowed(&plan.value, paths)?
                .map(|value| TypePlan::Map(Box::new(MapPlan { key: plan.key.clone(), value, is_key: plan.is_key }))),
            _ => None,
        };
        Ok(narrowed)
    }

    fn narrowed_sequence(
        &self,
        plan: &SequencePlan,
        paths: &[Path<'_>],
    ) -> Result<Option<Box<SequencePlan>>, SelectError> {
        let element = self.narrowed(&plan.element, paths)?;
        Ok(element.map(|element| Box::new(SequencePlan { element, is_key: plan.is_key })))
    }
}

fn unknown(structure: &Struct, names: &[String], path: &str, name: &str) -> SelectError {
    let nearest = nearest(name, names.iter().map(String::as_str).collect());
    SelectError::UnknownField {
        path: path.into(),
        structure: (*structure.name).into(),
        name: name.into(),
        nearest: nearest.map(Into::into),
    }
}
