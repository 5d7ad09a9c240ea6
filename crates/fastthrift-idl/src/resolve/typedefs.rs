use fastthrift_schema::{Definition, ProgramId, TypeId, TypeKind, Typedef, TypedefId};

use super::Resolver;
use super::types::TypeUse;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;

/// How far the search for cycles has come with a typedef.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    /// How deep the types are nested that it stands for.
    Done(usize),
}

impl Resolver<'_> {
    pub(super) fn resolve_typedefs(&mut self) {
        for index in 0..self.typedefs.len() {
            let declared = &self.typedefs[index];
            let (node, unit) = (declared.node, declared.at.unit);
            let target = self.type_id(unit, &node.ty, TypeUse::Any);
            let typedef = Typedef {
                name: self.text(unit, node.name).into(),
                program: ProgramId::new(unit),
                target,
                annotations: self.annotations(unit, &node.annotations),
                doc: self.doc(unit, node.doc),
                span: self.span(unit, node.name.range),
            };
            self.out.typedefs.push(typedef);
        }
        let mut states = vec![State::New; self.typedefs.len()];
        let mut open = Vec::new();
        for id in self.out.typedefs.ids() {
            self.typedef_depth(id, &mut states, &mut open, 0);
        }
    }

    /// How deep a typedef's type is nested, seen from `level` levels above. Breaks cycles and chains that are too long, after reporting.
    fn typedef_depth(&mut self, id: TypedefId, states: &mut [State], open: &mut Vec<TypedefId>, level: usize) -> usize {
        match states[id.index()] {
            State::Done(depth) => return depth,
            State::Open => {
                self.break_cycle(id, open);
                return 0;
            }
            State::New => {}
        }
        let mut depth = MAX_NESTING;
        if level < MAX_NESTING {
            states[id.index()] = State::Open;
            open.push(id);
            depth = 1 + self.type_depth(self.out.typedefs[id].target, states, open, level + 1);
            open.pop();
        }
        if depth >= MAX_NESTING {
            let typedef = &self.out.typedefs[id];
            let message = format!("the typedef {} is nested more than {MAX_NESTING} deep", quote(&typedef.name));
            let span = typedef.span;
            self.report(Code::NestingTooDeep, span, message);
            self.out.typedefs[id].target = self.error_type;
            depth = 0;
        }
        states[id.index()] = State::Done(depth);
        depth
    }

    fn type_depth(&mut self, id: TypeId, states: &mut [State], open: &mut Vec<TypedefId>, level: usize) -> usize {
        match self.out.types[id].kind {
            TypeKind::Typedef(typedef) => self.typedef_depth(typedef, states, open, level),
            TypeKind::List(element) | TypeKind::Set(element) => 1 + self.type_depth(element, states, open, level + 1),
            TypeKind::Map(key, value) => {
                let key = self.type_depth(key, states, open, level + 1);
                1 + key.max(self.type_depth(value, states, open, level + 1))
            }
            _ => 0,
        }
    }

    /// Reports the cycle that leads from `id` through the open typedefs back to it.
    fn break_cycle(&mut self, id: TypedefId, open: &[TypedefId]) {
        let start = open.iter().position(|&other| other == id).unwrap_or(0);
        let cycle = &open[start..];
        if self.out.typedefs[id].target == self.error_type {
            return;
        }
        let names: Vec<String> =
            cycle.iter().chain([&id]).take(9).map(|&id| quote(&self.out.typedefs[id].name)).collect();
        let message = format!("the typedef leads back to itself: {}", names.join(" -> "));
        let mut diagnostic = Diagnostic::new(Code::TypedefCycle, self.name_span(Definition::Typedef(id)), message);
        for &other in cycle.iter().skip(1).take(8) {
            diagnostic = diagnostic.label(self.name_span(Definition::Typedef(other)), "part of the cycle");
        }
        self.sink.push(diagnostic);
        for &member in cycle {
            self.out.typedefs[member].target = self.error_type;
        }
    }
}
