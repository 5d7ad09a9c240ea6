use std::collections::HashSet;

use fastthrift_schema::{Definition, StructId, StructKind, Value};

use super::constants::Step;
use super::lookup::Lookup;
use super::{At, Resolver};
use crate::ast::{self, ValueKind};
use crate::diagnostics::{Code, Diagnostic, quote};
use fastthrift_schema::nearest;

/// How many fields of a struct are looked at for a missing one; many values of a large struct would take long otherwise.
const MAX_REQUIRED_CHECKED: usize = 256;

impl<'a> Resolver<'a> {
    pub(super) fn structure(
        &mut self,
        at: At,
        value: &'a ast::Value,
        entries: &'a [(ast::Value, ast::Value)],
        id: StructId,
        depth: usize,
    ) -> Option<Value> {
        let is_union = self.out.structs[id].kind == StructKind::Union;
        let mut given = HashSet::with_capacity(entries.len());
        let mut fields = Vec::with_capacity(entries.len());
        for (key, item) in entries {
            let Some(place) = self.field_key(at, key, id) else { continue };
            let field = &self.out.structs[id].fields[place];
            let ty = field.ty;
            let span = self.span(at.unit, key.range);
            if !given.insert(place) {
                let message = format!("{} has the field {} already", self.path_text(), quote(&field.name));
                self.report(Code::DuplicateKey, span, message);
            } else if is_union && given.len() == 2 {
                let message = format!("{} gives more than one member of the union", self.path_text());
                self.report(Code::SeveralUnionMembers, span, message);
            }
            let name = self.field_name(id, place);
            fields.extend(self.step(Step::Field(name), at, item, ty, depth).map(|value| (place, value)));
        }
        if fields.len() != entries.len() || given.len() != entries.len() || (is_union && entries.len() > 1) {
            return None;
        }
        self.check_required(at, value, id, &given);
        Some(Value::Struct { id, fields })
    }

    fn field_name(&self, id: StructId, place: usize) -> &'a str {
        let declared = &self.structs[id.index()];
        self.text(declared.at.unit, declared.node.fields[place].name)
    }

    /// The place of the field that a key of a struct's value names.
    fn field_key(&mut self, at: At, key: &'a ast::Value, id: StructId) -> Option<usize> {
        let span = self.span(at.unit, key.range);
        let name = match key.kind {
            ValueKind::String(literal) => self.literal_text(at.unit, literal),
            ValueKind::Name(name) => match self.lookup_constant(at.unit, self.text(at.unit, name), span) {
                Lookup::Found(constant) => {
                    self.check_order(at, Definition::Constant(constant), span);
                    if !self.evaluate_constant(constant) {
                        return None;
                    }
                    match &self.out.constants[constant].value {
                        Value::String(text) => text.clone().into(),
                        _ => return self.report_struct_key(at, key, id),
                    }
                }
                Lookup::Missing => return self.report_struct_key(at, key, id),
                Lookup::Unknowable => return None,
            },
            _ => return self.report_struct_key(at, key, id),
        };
        let place = self.field_place(id, &name);
        if place.is_none() && !self.units[self.structs[id.index()].at.unit].is_broken {
            let message = format!(
                "the {} {} has no field {}",
                self.kind_word(id),
                quote(&self.out.structs[id].name),
                quote(&name)
            );
            let mut diagnostic = Diagnostic::new(Code::UnknownField, span, message);
            let names = self.out.structs[id].fields.iter().map(|field| &*field.name).collect();
            diagnostic.hint = nearest(&name, names).map(|near| format!("did you mean {}?", quote(near)));
            self.sink.push(diagnostic);
        }
        place
    }

    fn kind_word(&self, id: StructId) -> &'static str {
        match self.out.structs[id].kind {
            StructKind::Union => "union",
            StructKind::Exception => "exception",
            _ => "struct",
        }
    }

    /// The place of a field by its name. The first value of a struct makes an index of its fields.
    fn field_place(&mut self, id: StructId, name: &str) -> Option<usize> {
        if !self.field_places.contains_key(&id) {
            let declared = &self.structs[id.index()];
            let names = declared.node.fields.iter().map(|field| self.text(declared.at.unit, field.name));
            let places = names.enumerate().map(|(place, name)| (name, place)).collect();
            self.field_places.insert(id, places);
        }
        self.field_places.get(&id)?.get(name).copied()
    }

    fn report_struct_key(&mut self, at: At, key: &ast::Value, id: StructId) -> Option<usize> {
        let written = quote(self.units[at.unit].slice(key.range));
        let name = quote(&self.out.structs[id].name);
        let message = format!("expected the name of a field of {name}, a string, found {written}");
        self.report(Code::StructKeyNotString, self.span(at.unit, key.range), message);
        None
    }

    /// Warns of the first required field without a default value that is not given.
    fn check_required(&mut self, at: At, value: &ast::Value, id: StructId, given: &HashSet<usize>) {
        let structure = &self.structs[id.index()].node;
        let is_required = |field: &ast::Field| matches!(field.requiredness, Some((ast::Requiredness::Required, _)));
        if structure.kind == ast::StructKind::Union {
            return;
        }
        let required = structure.fields.iter().enumerate().take(MAX_REQUIRED_CHECKED);
        let mut missing =
            required.filter(|(place, field)| is_required(field) && field.default.is_none() && !given.contains(place));
        if let Some((place, _)) = missing.next() {
            let message =
                format!("{} lacks the required field {}", self.path_text(), quote(self.field_name(id, place)));
            self.report(Code::MissingRequiredField, self.span(at.unit, value.range), message);
        }
    }
}
