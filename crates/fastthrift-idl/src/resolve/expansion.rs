use std::collections::HashSet;

use fastthrift_schema::{Arena, ConstantId, Struct, StructId, StructKind, Value};

use super::Resolver;
use super::constants::{State as Evaluated, shape};
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;

/// How many parts the default values of a struct, and those that constants bring along, may have; without a limit forty structs could
/// ask for 2^40 of them.
const MAX_PARTS: usize = 1 << 20;

impl Resolver<'_> {
    /// Reports structs whose default values, with the default values of the structs in them, are too much or never end.
    pub(super) fn check_expansion(&mut self) {
        let mut expansion = Expansion::new(&self.out.structs);
        for id in self.out.structs.ids() {
            expansion.structure(id);
        }
        let states = &self.evaluation.states;
        for id in self.out.constants.ids().filter(|id| matches!(states[id.index()], Evaluated::Done { .. })) {
            expansion.constant(id, &self.out.constants[id].value);
        }
        for (place, fault) in expansion.faults {
            self.report_expansion(place, fault);
        }
    }

    fn report_expansion(&mut self, place: Place, fault: Fault) {
        let (span, what) = match place {
            Place::Field(id, place) => {
                let structure = &self.out.structs[id];
                let field = &structure.fields[place];
                let name = quote(&format!("{}.{}", structure.name, field.name));
                (field.span, format!("the default value of {name}"))
            }
            Place::Constant(id) => {
                let constant = &self.out.constants[id];
                (constant.span, format!("the value of {}", quote(&constant.name)))
            }
        };
        let (code, message) = match fault {
            Fault::Endless => (Code::DefaultCycle, format!("{what} contains itself")),
            Fault::TooDeep => (Code::NestingTooDeep, format!("{what} is nested more than {MAX_NESTING} deep")),
            Fault::TooLarge => {
                (Code::DefaultTooLarge, format!("with {what}, defaults stand for more than {MAX_PARTS} parts"))
            }
        };
        let hint = "a struct's value has the default values of the fields that it does not give";
        self.sink.push(Diagnostic::new(code, span, message).hint(hint));
    }
}

/// How many parts a value has with all that defaults bring along, and how deep it is nested.
#[derive(Debug, Clone, Copy, Default)]
struct Extent {
    parts: usize,
    depth: usize,
}

impl Extent {
    fn add(&mut self, other: Self) {
        self.parts = self.parts.saturating_add(other.parts);
        self.depth = self.depth.max(other.depth);
    }
}

/// How far the measuring of a field's default value is.
#[derive(Debug, Clone, Copy)]
enum State {
    New,
    Open,
    Failed,
    Done(Extent),
}

/// Where a fault is reported.
#[derive(Debug, Clone, Copy)]
enum Place {
    Field(StructId, usize),
    Constant(ConstantId),
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    Endless,
    TooDeep,
    TooLarge,
}

/// What is known of a struct's fields with default values.
#[derive(Debug, Default)]
struct Defaults {
    /// By the place of the field; `None` has no default.
    states: Vec<Option<State>>,
    /// The fields that are not measured, or could not be.
    pending: Vec<usize>,
    /// All that are.
    sum: Extent,
    /// Whether a fault of them was noted, so that nothing more is to be said.
    is_faulty: bool,
}

/// Measures each default value once, so that the time is linear in the values that are written.
struct Expansion<'a> {
    structs: &'a Arena<Struct>,
    defaults: Vec<Defaults>,
    faults: Vec<(Place, Fault)>,
    /// What is being measured; what it needs is measured on the way.
    root: Place,
    /// How many parts defaults bring along to the constants so far.
    brought: usize,
}

impl<'a> Expansion<'a> {
    fn new(structs: &'a Arena<Struct>) -> Self {
        let defaults = structs.iter().map(|structure| {
            let states: Vec<_> =
                structure.fields.iter().map(|field| field.default.as_ref().map(|_| State::New)).collect();
            let pending = (0..states.len()).filter(|&place| states[place].is_some()).collect();
            Defaults { states, pending, ..Defaults::default() }
        });
        let root = Place::Field(StructId::new(0), 0);
        Self { structs, defaults: defaults.collect(), faults: Vec::new(), root, brought: 0 }
    }

    fn structure(&mut self, id: StructId) {
        for place in 0..self.structs[id].fields.len() {
            self.root = Place::Field(id, place);
            self.field(id, place, 0);
        }
        self.check_sum(id);
    }

    fn constant(&mut self, id: ConstantId, value: &'a Value) {
        self.root = Place::Constant(id);
        let Some(extent) = self.value(value, 0) else { return };
        let was_within = self.brought <= MAX_PARTS;
        self.brought = self.brought.saturating_add(extent.parts.saturating_sub(shape(value).0));
        if was_within && self.brought > MAX_PARTS {
            self.faults.push((self.root, Fault::TooLarge));
        }
    }

    /// Measures a field's default value. `None` after a fault, which was noted.
    fn field(&mut self, id: StructId, place: usize, depth: usize) -> Option<Extent> {
        match self.defaults[id.index()].states[place] {
            None => return Some(Extent::default()),
            Some(State::Done(extent)) => return Some(extent),
            Some(State::Failed) => return None,
            Some(State::Open) => {
                self.faults.push((Place::Field(id, place), Fault::Endless));
                return None;
            }
            Some(State::New) => {}
        }
        let structs = self.structs;
        let value = structs[id].fields[place].default.as_ref()?;
        self.defaults[id.index()].states[place] = Some(State::Open);
        let extent = self.value(value, depth);
        let defaults = &mut self.defaults[id.index()];
        defaults.states[place] = Some(extent.map_or(State::Failed, State::Done));
        defaults.is_faulty |= extent.is_none();
        defaults.sum.add(extent?);
        extent
    }

    fn value(&mut self, value: &'a Value, depth: usize) -> Option<Extent> {
        let mut extent = Extent { parts: 1, depth: 0 };
        if !matches!(value, Value::List(_) | Value::Set(_) | Value::Map(_) | Value::Struct { .. }) {
            return Some(extent);
        }
        if depth > MAX_NESTING {
            self.faults.push((self.root, Fault::TooDeep));
            return None;
        }
        match value {
            Value::List(values) | Value::Set(values) => {
                for value in values {
                    extent.add(self.value(value, depth + 1)?);
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    extent.add(self.value(key, depth + 1)?);
                    extent.add(self.value(value, depth + 1)?);
                }
            }
            Value::Struct { id, fields } => {
                for (_, value) in fields {
                    extent.add(self.value(value, depth + 1)?);
                }
                extent.add(self.brought_along(*id, fields, depth)?);
            }
            _ => {}
        }
        extent.depth += 1;
        Some(extent)
    }

    /// The default values of the fields that a struct's value does not give.
    fn brought_along(&mut self, id: StructId, given: &[(usize, Value)], depth: usize) -> Option<Extent> {
        if self.structs[id].kind == StructKind::Union && !given.is_empty() {
            return Some(Extent::default());
        }
        if self.defaults[id.index()].is_faulty {
            return None;
        }
        if !self.defaults[id.index()].pending.is_empty() {
            let places: HashSet<usize> = given.iter().map(|&(place, _)| place).collect();
            for place in self.defaults[id.index()].pending.clone() {
                if !places.contains(&place) {
                    self.field(id, place, depth + 1)?;
                }
            }
        }
        self.check_sum(id);
        let defaults = &self.defaults[id.index()];
        if defaults.is_faulty {
            return None;
        }
        if depth + defaults.sum.depth > MAX_NESTING {
            self.faults.push((self.root, Fault::TooDeep));
            return None;
        }
        let replaced = given.iter().map(|&(place, _)| match defaults.states[place] {
            Some(State::Done(extent)) => extent.parts,
            _ => 0,
        });
        Some(Extent { parts: defaults.sum.parts.saturating_sub(replaced.sum()), depth: defaults.sum.depth })
    }

    /// Notes a fault at the field with which the defaults of a struct become too much, once all of them are known.
    fn check_sum(&mut self, id: StructId) {
        let Defaults { states, pending, sum, is_faulty } = &mut self.defaults[id.index()];
        pending.retain(|&place| !matches!(states[place], Some(State::Done(_))));
        if *is_faulty || !pending.is_empty() || sum.parts <= MAX_PARTS {
            return;
        }
        *is_faulty = true;
        let mut parts = 0_usize;
        let crossing = states.iter().position(|state| {
            if let Some(State::Done(extent)) = state {
                parts = parts.saturating_add(extent.parts);
            }
            parts > MAX_PARTS
        });
        self.faults.push((Place::Field(id, crossing.unwrap_or(0)), Fault::TooLarge));
    }
}
