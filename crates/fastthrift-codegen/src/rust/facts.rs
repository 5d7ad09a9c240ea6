//! What follows from how types contain each other.

use fastthrift_schema::{Field, Requiredness, Schema, Struct, StructId, StructKind, TypeId, TypeKind};

use super::annotations;
use super::options::{Options, Unmarked};
use super::shape::Shapes;

/// What is true of each struct, union and exception.
#[derive(Debug)]
pub(super) struct Facts {
    /// By struct and field: whether the value is boxed.
    boxed: Vec<Vec<bool>>,
    /// By struct and field: whether it is an `Option`.
    optional: Vec<Vec<bool>>,
    has_default: Vec<bool>,
    recursive: Vec<bool>,
}

impl Facts {
    pub(super) fn new(schema: &Schema, options: &Options) -> Self {
        let boxed = boxed(schema);
        let cyclic = Components::of(schema, |structure, field| {
            structure.kind != StructKind::Union && field.requiredness != Requiredness::Optional
        });
        let mut facts = Self {
            boxed,
            optional: Vec::new(),
            has_default: vec![false; schema.structs().len()],
            recursive: recursive(schema),
        };
        let may_need_option = |id: StructId, field: &Field| match struct_of(schema, field.ty) {
            Some(target) => cyclic.is_edge_within(id, target) || schema.structure(target).kind == StructKind::Union,
            None => false,
        };
        facts.optional = schema
            .structs()
            .ids()
            .zip(schema.structs())
            .map(|(id, structure)| {
                let is_optional = |field: &Field| match field.requiredness {
                    Requiredness::Optional => true,
                    Requiredness::Required => false,
                    Requiredness::Default => {
                        let is_message = matches!(structure.kind, StructKind::Arguments | StructKind::Result);
                        (options.unmarked == Unmarked::Option && !is_message) || may_need_option(id, field)
                    }
                };
                structure.fields.iter().map(is_optional).collect()
            })
            .collect();
        facts.find_defaults(schema);
        facts
    }

    /// A struct has a default when all its fields have; one whose default needs itself has none.
    fn find_defaults(&mut self, schema: &Schema) {
        loop {
            let before = self.has_default.clone();
            for (id, structure) in schema.structs().ids().zip(schema.structs()) {
                self.has_default[id.index()] = structure.kind != StructKind::Union
                    && structure
                        .fields
                        .iter()
                        .enumerate()
                        .all(|(place, field)| self.field_has_default(schema, id, place, field));
            }
            if self.has_default == before {
                break;
            }
        }
        self.give_options(schema);
    }

    fn field_has_default(&self, schema: &Schema, id: StructId, place: usize, field: &Field) -> bool {
        let target = || struct_of(schema, field.ty);
        self.is_optional(id, place)
            || field.default.is_some()
            || field.requiredness == Requiredness::Default
            || target().is_none_or(|target| self.has_default(target))
    }

    /// Where a value is due that may be missing and has no default, it is an `Option`.
    fn give_options(&mut self, schema: &Schema) {
        for (id, structure) in schema.structs().ids().zip(schema.structs()) {
            for (place, field) in structure.fields.iter().enumerate() {
                let lacks_default = field.requiredness == Requiredness::Default
                    && struct_of(schema, field.ty).is_some_and(|target| !self.has_default(target));
                if lacks_default {
                    self.optional[id.index()][place] = true;
                }
            }
        }
    }

    pub(super) fn is_boxed(&self, id: StructId, place: usize) -> bool {
        self.boxed[id.index()][place]
    }

    pub(super) fn is_optional(&self, id: StructId, place: usize) -> bool {
        self.optional[id.index()][place]
    }

    /// Whether a value can hold another of its own type, whichever way.
    pub(super) fn is_recursive(&self, id: StructId) -> bool {
        self.recursive[id.index()]
    }

    pub(super) fn has_default(&self, id: StructId) -> bool {
        self.has_default[id.index()]
    }
}

/// Which structs lead to themselves, through containers too.
fn recursive(schema: &Schema) -> Vec<bool> {
    let targets = |structure: &Struct| {
        let mut targets = Vec::new();
        structure.fields.iter().for_each(|field| structs_in(schema, field.ty, &mut targets));
        targets
    };
    let components = Components::of_graph(&schema.structs().iter().map(targets).collect::<Vec<_>>());
    components.of.iter().map(|component| components.is_cyclic[*component]).collect()
}

fn structs_in(schema: &Schema, ty: TypeId, found: &mut Vec<usize>) {
    match schema.resolve(ty) {
        TypeKind::Struct(id) => found.push(id.index()),
        TypeKind::List(element) | TypeKind::Set(element) => structs_in(schema, element, found),
        TypeKind::Map(key, value) => {
            structs_in(schema, key, found);
            structs_in(schema, value, found);
        }
        _ => {}
    }
}

/// The struct that a type is, typedefs followed.
pub(super) fn struct_of(schema: &Schema, ty: TypeId) -> Option<StructId> {
    match schema.resolve(ty) {
        TypeKind::Struct(id) => Some(id),
        _ => None,
    }
}

/// Boxes what is marked by reference, and of every cycle of structs that hold each other the field that closes it.
fn boxed(schema: &Schema) -> Vec<Vec<bool>> {
    let is_marked = |field: &Field| field.is_reference || annotations::flag(&field.annotations, "box") == Some(true);
    let mark = |structure: &Struct| structure.fields.iter().map(is_marked).collect::<Vec<_>>();
    let mut boxed: Vec<_> = schema.structs().iter().map(mark).collect();
    let mut state = vec![State::New; schema.structs().len()];
    for start in schema.structs().ids() {
        if state[start.index()] != State::New {
            continue;
        }
        state[start.index()] = State::Open;
        let mut stack = vec![(start, 0)];
        while let Some((id, place)) = stack.last_mut() {
            let (current, at) = (*id, *place);
            *place += 1;
            let Some(field) = schema.structure(current).fields.get(at) else {
                state[current.index()] = State::Done;
                stack.pop();
                continue;
            };
            let Some(target) = struct_of(schema, field.ty).filter(|_| !boxed[current.index()][at]) else { continue };
            match state[target.index()] {
                State::New => {
                    state[target.index()] = State::Open;
                    stack.push((target, 0));
                }
                State::Open => boxed[current.index()][at] = true,
                State::Done => {}
            }
        }
    }
    boxed
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    New,
    Open,
    Done,
}

/// Which structs lead to each other.
struct Components {
    of: Vec<usize>,
    is_cyclic: Vec<bool>,
}

impl Components {
    /// Follows the fields that `counts` says.
    fn of(schema: &Schema, counts: impl Fn(&Struct, &Field) -> bool) -> Self {
        let targets = |structure: &Struct| -> Vec<usize> {
            let followed = structure.fields.iter().filter(|field| counts(structure, field));
            followed.filter_map(|field| struct_of(schema, field.ty)).map(StructId::index).collect()
        };
        Self::of_graph(&schema.structs().iter().map(targets).collect::<Vec<_>>())
    }

    /// Tarjan's algorithm ("Depth-first search and linear graph algorithms", 1972), with a stack of its own.
    fn of_graph(targets: &[Vec<usize>]) -> Self {
        const NONE: usize = usize::MAX;
        let count = targets.len();
        let (mut order, mut low, mut of) = (vec![NONE; count], vec![NONE; count], vec![NONE; count]);
        let (mut next, mut pending, mut is_cyclic) = (0, Vec::new(), Vec::new());
        for start in 0..count {
            if order[start] != NONE {
                continue;
            }
            let mut stack = vec![(start, 0)];
            while let Some((node, place)) = stack.last_mut() {
                let (current, at) = (*node, *place);
                *place += 1;
                if at == 0 {
                    (order[current], low[current]) = (next, next);
                    next += 1;
                    pending.push(current);
                }
                match targets[current].get(at) {
                    Some(&target) if order[target] == NONE => stack.push((target, 0)),
                    Some(&target) if of[target] == NONE => low[current] = low[current].min(order[target]),
                    Some(_) => {}
                    None => {
                        stack.pop();
                        if let Some((parent, _)) = stack.last() {
                            low[*parent] = low[*parent].min(low[current]);
                        }
                        if low[current] == order[current] {
                            let start = pending.iter().rposition(|&node| node == current).unwrap_or(0);
                            let members = pending.split_off(start);
                            is_cyclic.push(members.len() > 1 || targets[current].contains(&current));
                            for member in members {
                                of[member] = is_cyclic.len() - 1;
                            }
                        }
                    }
                }
            }
        }
        Self { of, is_cyclic }
    }

    fn is_edge_within(&self, from: StructId, to: StructId) -> bool {
        self.of[from.index()] == self.of[to.index()] && self.is_cyclic[self.of[from.index()]]
    }
}

/// What holds of every struct of which it holds of all that its fields hold.
#[derive(Debug)]
pub(super) struct Traits {
    /// Whether its values have a total order and can be hashed and compared: no `double` is in it.
    pub(super) ord: Vec<bool>,
    /// Whether it can be hashed.
    pub(super) hash: Vec<bool>,
    /// Whether it is equal to itself.
    pub(super) eq: Vec<bool>,
    /// Whether it borrows from what it was read from.
    pub(super) borrows: Vec<bool>,
}

impl Traits {
    /// Falsifies until nothing changes; a struct that leads to itself has what the rest of it has.
    pub(super) fn new(schema: &Schema, shapes: &Shapes<'_>) -> Self {
        let count = schema.structs().len();
        let mut traits = Self {
            ord: vec![true; count],
            hash: vec![true; count],
            eq: vec![true; count],
            borrows: vec![false; count],
        };
        loop {
            let mut changed = false;
            for (id, structure) in schema.structs().ids().zip(schema.structs()) {
                for field in &structure.fields {
                    let found = shapes.traits(field.ty, &field.annotations, &traits);
                    let at = id.index();
                    changed |= (traits.ord[at] && !found.ord)
                        || (traits.hash[at] && !found.hash)
                        || (traits.eq[at] && !found.eq);
                    changed |= !traits.borrows[at] && found.borrows;
                    traits.ord[at] &= found.ord;
                    traits.hash[at] &= found.hash;
                    traits.eq[at] &= found.eq;
                    traits.borrows[at] |= found.borrows;
                }
            }
            if !changed {
                return traits;
            }
        }
    }
}
