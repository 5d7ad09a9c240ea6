use fastthrift_schema::{Annotation, Field, FieldId, Requiredness};

use super::Resolver;
use super::names::{FirstSeen, NameTable};
use super::types::TypeUse;
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::token::TextRange;

/// What a list of fields belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FieldList {
    Struct,
    Union,
    Arguments,
    Throws,
}

impl<'a> Resolver<'a> {
    /// Resolves the fields of a list, without their default values. The result has one field for each written one.
    pub(super) fn fields(&mut self, unit: usize, nodes: &'a [ast::Field], list: FieldList) -> Vec<Field> {
        let mut names = NameTable::default();
        let mut ids = FieldIds::default();
        self.check_implicit_ids(unit, nodes);
        nodes
            .iter()
            .map(|node| {
                self.declare_name(&mut names, unit, node.name, Code::DuplicateFieldName, "the field");
                let id = self.field_id(unit, node, &mut ids, list);
                self.field(unit, node, id, list)
            })
            .collect()
    }

    fn field(&mut self, unit: usize, node: &'a ast::Field, id: FieldId, list: FieldList) -> Field {
        let used = if list == FieldList::Throws { TypeUse::Any } else { TypeUse::Value };
        Field {
            id,
            is_id_explicit: node.id.is_some(),
            name: self.text(unit, node.name).into(),
            ty: self.type_id(unit, &node.ty, used),
            requiredness: self.requiredness(unit, node, list),
            default: None,
            is_reference: node.is_reference,
            annotations: self.field_annotations(unit, node),
            doc: self.doc(unit, node.doc),
            span: self.span(unit, node.name.range),
        }
    }

    fn requiredness(&mut self, unit: usize, node: &ast::Field, list: FieldList) -> Requiredness {
        use ast::Requiredness::{Optional, Required};
        let written = node.requiredness.map(|(requiredness, _)| requiredness);
        let name = || quote(self.text(unit, node.name));
        let (complaint, requiredness) = match (list, written) {
            (FieldList::Union, Some(Required)) => {
                let message = format!("the member {} of a union is optional, so `required` is ignored", name());
                (Some((Code::RequiredInUnion, message)), Requiredness::Optional)
            }
            (FieldList::Throws, Some(_)) => {
                let message = format!("`required` and `optional` have no meaning for the exception {}", name());
                (Some((Code::RequirednessInThrows, message)), Requiredness::Optional)
            }
            (FieldList::Arguments, Some(Optional)) => {
                let message = format!("`optional` has no meaning for the argument {}", name());
                (Some((Code::OptionalArgument, message)), Requiredness::Default)
            }
            (_, Some(Required)) if node.default.is_some() => {
                let message = format!("the field {} is required, so its default value is of little use", name());
                (Some((Code::RequiredWithDefault, message)), Requiredness::Required)
            }
            (_, Some(Required)) => (None, Requiredness::Required),
            (FieldList::Union | FieldList::Throws, None) | (_, Some(Optional)) => (None, Requiredness::Optional),
            (_, None) => (None, Requiredness::Default),
        };
        if let (Some((code, message)), Some((_, range))) = (complaint, node.requiredness) {
            self.report(code, self.span(unit, range), message);
        }
        requiredness
    }

    fn field_annotations(&mut self, unit: usize, node: &'a ast::Field) -> Vec<Annotation> {
        let mut annotations = self.annotations(unit, &node.annotations);
        let Some(xsd) = &node.xsd else { return annotations };
        self.report(Code::DeprecatedXsd, self.span(unit, xsd.range), "the `xsd_` words are deprecated");
        let mut add = |key: &str, value: &str| annotations.push(Annotation { key: key.into(), value: value.into() });
        if xsd.is_optional {
            add("xsd_optional", "1");
        }
        if xsd.is_nillable {
            add("xsd_nillable", "1");
        }
        if let Some((range, fields)) = &xsd.attributes {
            let braced = self.units[unit].slice(*range);
            add("xsd_attrs", braced.trim_start_matches('{').trim_end_matches('}').trim());
            self.fields(unit, fields, FieldList::Struct);
        }
        annotations
    }

    fn check_implicit_ids(&mut self, unit: usize, nodes: &[ast::Field]) {
        let Some(first) = nodes.iter().find(|node| node.id.is_none()) else { return };
        let count = nodes.iter().filter(|node| node.id.is_none()).count();
        let name = quote(self.text(unit, first.name));
        let (code, message) = if count < nodes.len() {
            (Code::MixedFieldIds, format!("{name} has no id, but other fields of the list have one"))
        } else if count == 1 {
            (
                Code::ImplicitFieldId,
                format!("{name} has no id; the one that it gets is negative and depends on its place"),
            )
        } else {
            (
                Code::ImplicitFieldId,
                format!(
                    "{name} and {} more have no ids; the ones that they get are negative and depend on their places",
                    count - 1
                ),
            )
        };
        let range = TextRange { start: first.range.start, end: first.name.range.end };
        let diagnostic = Diagnostic::new(code, self.span(unit, range), message);
        self.sink.push(diagnostic.hint("write an id, such as `1:`, before each field"));
    }

    fn field_id(&mut self, unit: usize, node: &ast::Field, ids: &mut FieldIds, list: FieldList) -> FieldId {
        let range = node.id.map_or(node.name.range, |id| id.range);
        let span = self.span(unit, range);
        let name = quote(self.text(unit, node.name));
        // An id that is no number was reported by the parser.
        let Some(number) = node.id.map_or(Some(ids.next_implicit), |id| id.value) else { return FieldId(0) };
        let Ok(id) = i16::try_from(number) else {
            let message = format!("the id of {name} is {number}; ids are between -32768 and 32767");
            self.report(Code::FieldIdOutOfRange, span, message);
            return FieldId(0);
        };
        if id <= 0 {
            ids.next_implicit = ids.next_implicit.min(i64::from(id) - 1);
        }
        if let Some(first) = ids.seen.note(id, range) {
            let message = match node.id {
                Some(_) => format!("the id {id} of {name} is taken already"),
                None => format!("{name} has no id and would get {id}, which is taken already"),
            };
            let diagnostic = Diagnostic::new(Code::DuplicateFieldId, span, message);
            self.sink.push(diagnostic.label(self.span(unit, first), "first used here"));
        }
        if id == 0 && list == FieldList::Throws {
            let message = format!("the exception {name} has the id 0, which is that of the returned value");
            self.report(Code::ThrowsIdZero, span, message);
        } else if id <= 0 && node.id.is_some() {
            let message = format!("the id of {name} is {id}; Apache's compiler replaces ids that are not positive");
            self.report(Code::NonpositiveFieldId, span, message);
        }
        FieldId(id)
    }
}

/// The ids of one list.
#[derive(Debug)]
struct FieldIds {
    seen: FirstSeen<i16, TextRange>,
    /// The next id for a field without one; below every negative id so far.
    next_implicit: i64,
}

impl Default for FieldIds {
    fn default() -> Self {
        Self { seen: FirstSeen::default(), next_implicit: -1 }
    }
}
