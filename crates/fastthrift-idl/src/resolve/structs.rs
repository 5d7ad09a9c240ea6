use fastthrift_schema::{Annotation, ProgramId, Struct, StructId, StructKind, Value};

use super::fields::FieldList;
use super::{At, Resolver};
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};

impl<'a> Resolver<'a> {
    /// Resolves structs, unions and exceptions, without the default values of their fields.
    pub(super) fn resolve_structs(&mut self) {
        for index in 0..self.structs.len() {
            let declared = &self.structs[index];
            let (node, unit) = (declared.node, declared.at.unit);
            let (kind, list) = match node.kind {
                ast::StructKind::Struct => (StructKind::Struct, FieldList::Struct),
                ast::StructKind::Union => (StructKind::Union, FieldList::Union),
                ast::StructKind::Exception => (StructKind::Exception, FieldList::Struct),
            };
            let mut annotations = self.annotations(unit, &node.annotations);
            if let Some(range) = node.xsd_all {
                annotations.push(Annotation { key: "xsd_all".into(), value: "1".into() });
                self.report(Code::DeprecatedXsd, self.span(unit, range), "the `xsd_` words are deprecated");
            }
            let item = Struct {
                name: self.text(unit, node.name).into(),
                program: ProgramId::new(unit),
                kind,
                fields: self.fields(unit, &node.fields, list),
                annotations,
                doc: self.doc(unit, node.doc),
                span: self.span(unit, node.name.range),
            };
            self.out.structs.push(item);
        }
    }

    /// Evaluates the default values of the fields of all structs.
    pub(super) fn resolve_defaults(&mut self) {
        for index in 0..self.structs.len() {
            let declared = &self.structs[index];
            let (node, at) = (declared.node, declared.at);
            self.defaults(StructId::new(index), &node.fields, at, self.text(at.unit, node.name));
            if node.kind == ast::StructKind::Union {
                self.check_union_defaults(at.unit, node);
            }
        }
    }

    /// Evaluates the default values of a struct's fields, which are those of `nodes`, from place `offset` on.
    pub(super) fn defaults(&mut self, id: StructId, nodes: &'a [ast::Field], at: At, owner: &'a str) {
        for (place, node) in nodes.iter().enumerate() {
            if let Some(default) = &node.default {
                let ty = self.out.structs[id].fields[place].ty;
                let value: Option<Value> = self.evaluate_default(at, owner, self.text(at.unit, node.name), default, ty);
                self.out.structs[id].fields[place].default = value;
            }
        }
    }

    fn check_union_defaults(&mut self, unit: usize, node: &ast::Struct) {
        let mut defaults = node.fields.iter().filter_map(|field| field.default.as_ref().map(|value| (field, value)));
        let Some((_, first)) = defaults.next() else { return };
        for (field, value) in defaults {
            let (name, union) = (quote(self.text(unit, field.name)), quote(self.text(unit, node.name)));
            let message = format!("{name} is the second member of the union {union} with a default value");
            let diagnostic = Diagnostic::new(Code::UnionTwoDefaults, self.span(unit, value.range), message);
            self.sink.push(diagnostic.label(self.span(unit, first.range), "the first one"));
        }
    }
}
