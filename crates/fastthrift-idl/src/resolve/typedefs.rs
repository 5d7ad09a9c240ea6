use fastthrift_schema::{Definition, ProgramId, TypeId, TypeKind, Typedef, TypedefId};

use super::Resolver;
use super::types::TypeUse;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;

/// Of how many types one may consist that a typedef stands for; without a limit forty typedefs of maps could stand for 2^40.
const MAX_PARTS: usize = 256;

/// How far the search for cycles has come with a typedef.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    /// What it stands for.
    Done(Extent),
}

/// How deep a type is nested, typedefs counted, and of how many types it consists.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Extent {
    depth: usize,
    parts: usize,
}

impl Extent {
    /// That of a container of these.
    fn around(self, other: Self) -> Self {
        Self { depth: 1 + self.depth.max(other.depth), parts: 1 + self.parts + other.parts }
    }
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
            self.typedef_extent(id, &mut states, &mut open, 0);
        }
    }

    /// The extent of a typedef's type, seen from `level` levels above. Breaks cycles, and what is too much, after reporting.
    fn typedef_extent(
        &mut self,
        id: TypedefId,
        states: &mut [State],
        open: &mut Vec<TypedefId>,
        level: usize,
    ) -> Extent {
        match states[id.index()] {
            State::Done(extent) => return extent,
            State::Open => {
                self.break_cycle(id, open);
                return Extent::default();
            }
            State::New => {}
        }
        let mut extent = Extent { depth: MAX_NESTING, parts: 0 };
        if level < MAX_NESTING {
            states[id.index()] = State::Open;
            open.push(id);
            extent = self.type_extent(self.out.typedefs[id].target, states, open, level + 1);
            extent.depth += 1;
            open.pop();
        }
        if extent.depth >= MAX_NESTING {
            self.refuse(id, Code::NestingTooDeep, &format!("is nested more than {MAX_NESTING} deep"));
            extent = Extent::default();
        } else if extent.parts > MAX_PARTS {
            self.refuse(id, Code::TypeTooLarge, &format!("stands for more than {MAX_PARTS} types"));
            extent = Extent::default();
        }
        states[id.index()] = State::Done(extent);
        extent
    }

    fn type_extent(&mut self, id: TypeId, states: &mut [State], open: &mut Vec<TypedefId>, level: usize) -> Extent {
        match self.out.types[id].kind {
            TypeKind::Typedef(typedef) => self.typedef_extent(typedef, states, open, level),
            TypeKind::List(element) | TypeKind::Set(element) => {
                self.type_extent(element, states, open, level + 1).around(Extent::default())
            }
            TypeKind::Map(key, value) => {
                let key = self.type_extent(key, states, open, level + 1);
                key.around(self.type_extent(value, states, open, level + 1))
            }
            _ => Extent { depth: 0, parts: 1 },
        }
    }

    /// Reports a typedef and has it stand for nothing.
    fn refuse(&mut self, id: TypedefId, code: Code, why: &str) {
        let typedef = &self.out.typedefs[id];
        let (span, message) = (typedef.span, format!("the typedef {} {why}", quote(&typedef.name)));
        self.report(code, span, message);
        self.out.typedefs[id].target = self.error_type;
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
