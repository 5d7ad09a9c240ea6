use std::collections::{BTreeMap, HashMap, HashSet};

use fastthrift_schema::Definition;

use super::names::NameTable;
use super::scopes::Scope;
use super::{At, Declared, NextIds, Resolver};
use crate::ast::{self, Item};
use crate::diagnostics::{Code, Diagnostic, quote};

impl<'a> Resolver<'a> {
    /// Gives every definition an id and puts its name in the scope of its file.
    pub(super) fn declare(&mut self) {
        let units = self.units;
        let mut ids = NextIds::default();
        for (index, unit) in units.iter().enumerate() {
            self.scopes.push(Scope::new(unit));
            let mut definitions = Vec::new();
            for item in &unit.file.items {
                let at = At { unit: index, order: definitions.len() };
                definitions.extend(self.declare_item(item, at, &mut ids));
            }
            self.declare_names(index, &definitions);
            self.definitions.push(definitions);
        }
        self.check_types_of_includes();
    }

    fn declare_item(&mut self, item: &'a Item, at: At, ids: &mut NextIds) -> Option<(ast::Identifier, Definition)> {
        Some(match item {
            Item::Struct(node) => {
                self.structs.push(Declared { node, at });
                (node.name, Definition::Struct(ids.structure()))
            }
            Item::Enum(node) => {
                self.enums.push(Declared { node, at });
                (node.name, Definition::Enum(ids.enumeration()))
            }
            Item::Typedef(node) => {
                self.typedefs.push(Declared { node, at });
                (node.name, Definition::Typedef(ids.typedef()))
            }
            Item::Const(node) => {
                self.constants.push(Declared { node, at });
                (node.name, Definition::Constant(ids.constant()))
            }
            Item::Service(node) => {
                self.services.push(Declared { node, at });
                (node.name, Definition::Service(ids.service()))
            }
            Item::Include(_) | Item::CppInclude(_) | Item::Namespace(_) => return None,
        })
    }

    fn declare_names(&mut self, unit: usize, definitions: &[(ast::Identifier, Definition)]) {
        let mut types = NameTable::default();
        let mut constants = NameTable::default();
        for &(name, definition) in definitions {
            let text = self.text(unit, name);
            if let Definition::Constant(id) = definition {
                if self.declare_name(&mut constants, unit, name, Code::DuplicateConstant, "the constant") {
                    self.scopes[unit].constants.insert(text, id);
                }
            } else if self.declare_name(&mut types, unit, name, Code::DuplicateType, "the type or service") {
                self.scopes[unit].types.insert(text, definition);
            }
        }
        self.check_shadowed_types(unit, definitions);
    }

    fn check_shadowed_types(&mut self, unit: usize, definitions: &[(ast::Identifier, Definition)]) {
        for &(name, definition) in definitions {
            let text = self.text(unit, name);
            let shadows = matches!(definition, Definition::Constant(_)) && self.scopes[unit].types.contains_key(text);
            if shadows {
                let message = format!("the constant {} has the name of a type", quote(text));
                self.report(Code::ConstantShadowsType, self.span(unit, name.range), message);
            }
        }
    }

    /// Reports types that a directly included file with the very same namespaces defines too: in generated code they would be one.
    fn check_types_of_includes(&mut self) {
        let namespaces: Vec<_> = (0..self.units.len()).map(|unit| self.namespaces(unit)).collect();
        let definers = self.definers();
        for unit in 0..self.units.len() {
            let targets: HashSet<usize> =
                self.units[unit].includes.iter().filter_map(|include| include.target).collect();
            let is_same =
                |other: &usize| *other != unit && targets.contains(other) && namespaces[*other] == namespaces[unit];
            for order in 0..self.definitions[unit].len() {
                let (name, definition) = self.definitions[unit][order];
                let text = self.text(unit, name);
                let others = definers.get(text).filter(|_| is_type(definition));
                if let Some(&other) = others.and_then(|others| others.iter().find(|&other| is_same(other))) {
                    self.report_type_of_include(unit, name, other);
                }
            }
        }
    }

    /// The files that define a type of each name, a few of them where there are many.
    fn definers(&self) -> HashMap<&'a str, Vec<usize>> {
        let mut definers: HashMap<&str, Vec<usize>> = HashMap::new();
        for (unit, definitions) in self.definitions.iter().enumerate().filter(|_| self.units.len() > 1) {
            for (name, _) in definitions.iter().filter(|(_, definition)| is_type(*definition)) {
                let units = definers.entry(self.text(unit, *name)).or_default();
                if units.len() < MAX_DEFINERS {
                    units.push(unit);
                }
            }
        }
        definers
    }

    fn report_type_of_include(&mut self, unit: usize, name: ast::Identifier, target: usize) {
        let text = self.text(unit, name);
        let Some(&other) = self.scopes[target].types.get(text) else { return };
        let message = format!("the included file defines a type {} too, in the same namespaces", quote(text));
        let diagnostic = Diagnostic::new(Code::TypeInIncludeToo, self.span(unit, name.range), message);
        self.sink.push(diagnostic.label(self.name_span(other), "the other one"));
    }

    fn namespaces(&self, unit: usize) -> BTreeMap<&'a str, &'a str> {
        let namespaces = self.units[unit].file.items.iter().filter_map(|item| match item {
            Item::Namespace(namespace) => Some((self.text(unit, namespace.scope), self.text(unit, namespace.name))),
            _ => None,
        });
        namespaces.collect()
    }
}

/// How many files that define a type of one name are remembered.
const MAX_DEFINERS: usize = 8;

fn is_type(definition: Definition) -> bool {
    matches!(definition, Definition::Struct(_) | Definition::Enum(_) | Definition::Typedef(_))
}
