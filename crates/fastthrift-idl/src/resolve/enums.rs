use std::collections::HashMap;

use fastthrift_schema::{Enum, EnumValue, ProgramId};

use super::names::NameTable;
use super::{At, Resolver};
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};

impl<'a> Resolver<'a> {
    pub(super) fn resolve_enums(&mut self) {
        for index in 0..self.enums.len() {
            let declared = &self.enums[index];
            let (node, at) = (declared.node, declared.at);
            let item = self.enumeration(node, at);
            self.out.enums.push(item);
        }
    }

    fn enumeration(&mut self, node: &'a ast::Enum, at: At) -> Enum {
        let unit = at.unit;
        let name = self.text(unit, node.name);
        let span = self.span(unit, node.name.range);
        if node.values.is_empty() && !self.units[unit].is_broken {
            self.report(Code::EmptyEnum, span, format!("the enum {} has no value", quote(name)));
        }
        let values = self.enum_values(unit, &node.values);
        let annotations = self.annotations(unit, &node.annotations);
        Enum {
            name: name.into(),
            program: ProgramId::new(unit),
            values,
            annotations,
            doc: self.doc(unit, node.doc),
            span,
        }
    }

    fn enum_values(&mut self, unit: usize, nodes: &'a [ast::EnumValue]) -> Vec<EnumValue> {
        let mut table = NameTable::default();
        let mut names = HashMap::with_capacity(nodes.len());
        let mut numbers = HashMap::with_capacity(nodes.len());
        let mut values: Vec<EnumValue> = Vec::with_capacity(nodes.len());
        let mut next = 0i64;
        for (place, node) in nodes.iter().enumerate() {
            let number = node.number.and_then(|number| number.value).unwrap_or(next);
            let value = self.enum_number(unit, node, number);
            next = i64::from(value) + 1;
            let text = self.text(unit, node.name);
            if self.declare_name(&mut table, unit, node.name, Code::DuplicateEnumValue, "the enum value") {
                names.insert(text, place);
            }
            match numbers.get(&value) {
                Some(&first) => self.report_duplicate_number(unit, node, &values, first),
                None => {
                    numbers.insert(value, place);
                }
            }
            values.push(EnumValue {
                name: text.into(),
                value,
                is_explicit: node.number.is_some(),
                annotations: self.annotations(unit, &node.annotations),
                doc: self.doc(unit, node.doc),
                span: self.span(unit, node.name.range),
            });
        }
        self.enum_names.push(names);
        self.enum_numbers.push(numbers);
        values
    }

    fn enum_number(&mut self, unit: usize, node: &ast::EnumValue, number: i64) -> i32 {
        let span = self.span(unit, node.number.map_or(node.name.range, |number| number.range));
        let name = quote(self.text(unit, node.name));
        if let Ok(value) = i32::try_from(number) {
            if value < 0 {
                self.report(Code::NegativeEnumValue, span, format!("the number of {name} is negative"));
            }
            return value;
        }
        let message = format!("the number of {name} is {number}, which does not fit 32 bits");
        self.report(Code::EnumValueOutOfRange, span, message);
        0
    }

    fn report_duplicate_number(&mut self, unit: usize, node: &ast::EnumValue, values: &[EnumValue], first: usize) {
        let other = &values[first];
        let name = quote(self.text(unit, node.name));
        let message = format!("{name} has the same number, {}, as {}", other.value, quote(&other.name));
        let diagnostic = Diagnostic::new(Code::DuplicateEnumNumber, self.span(unit, node.name.range), message);
        self.sink.push(diagnostic.label(other.span, "the other one"));
    }
}
