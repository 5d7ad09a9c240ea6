use std::collections::HashSet;

use fastthrift_schema::{Constant, ConstantId, Definition, ProgramId, Span, TypeId, TypeKind, Value};

use super::coerce::fingerprint;
use super::types::TypeUse;
use super::uuid::parse_uuid;
use super::{At, Declared, Resolver};
use crate::ast::{self, ValueKind};
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;

/// The state of the evaluation of constants.
#[derive(Debug, Default)]
pub(super) struct Evaluation<'a> {
    pub(super) states: Vec<State>,
    /// The constants being evaluated, each of which the one before needs.
    open: Vec<ConstantId>,
    /// What leads to the value in hand, for messages.
    pub(super) path: Vec<Step<'a>>,
    /// How many parts were copied from constants to where they are named.
    pub(super) copied: usize,
}

/// How far the evaluation of a constant is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    New,
    Open,
    Failed,
    /// How many parts the value has, and how deep it is nested.
    Done {
        size: usize,
        depth: usize,
    },
}

/// A step into a value.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step<'a> {
    Root(&'a str),
    Field(&'a str),
    Index(usize),
    Key(&'a str),
    KeyItself(&'a str),
}

impl<'a> Resolver<'a> {
    pub(super) fn resolve_constants(&mut self) {
        for index in 0..self.constants.len() {
            let declared = &self.constants[index];
            let (node, unit) = (declared.node, declared.at.unit);
            let constant = Constant {
                name: self.text(unit, node.name).into(),
                program: ProgramId::new(unit),
                ty: self.type_id(unit, &node.ty, TypeUse::Any),
                value: Value::Bool(false),
                annotations: self.annotations(unit, &node.annotations),
                doc: self.doc(unit, node.doc),
                span: self.span(unit, node.name.range),
            };
            self.out.constants.push(constant);
        }
        self.evaluation.states = vec![State::New; self.constants.len()];
        for id in self.out.constants.ids() {
            self.evaluate_constant(id);
        }
    }

    /// Evaluates a constant unless that was done; false when it has no value, which was reported.
    pub(super) fn evaluate_constant(&mut self, id: ConstantId) -> bool {
        match self.evaluation.states[id.index()] {
            State::Done { .. } => return true,
            State::Failed => return false,
            State::Open => {
                self.report_constant_cycle(id);
                return false;
            }
            State::New => {}
        }
        let Declared { node, at } = self.constants[id.index()];
        let name = self.text(at.unit, node.name);
        if self.evaluation.open.len() >= MAX_NESTING {
            let message = format!("the value of {} needs a chain of more than {MAX_NESTING} constants", quote(name));
            self.report(Code::NestingTooDeep, self.span(at.unit, node.name.range), message);
            self.evaluation.states[id.index()] = State::Failed;
            return false;
        }
        self.evaluation.states[id.index()] = State::Open;
        self.evaluation.open.push(id);
        let path = std::mem::replace(&mut self.evaluation.path, vec![Step::Root(name)]);
        let value = self.evaluate(at, &node.value, self.out.constants[id].ty, 0);
        self.evaluation.path = path;
        self.evaluation.open.pop();
        let is_done = value.is_some();
        self.evaluation.states[id.index()] = match value {
            Some(value) => {
                let (size, depth) = shape(&value);
                self.out.constants[id].value = value;
                State::Done { size, depth }
            }
            None => State::Failed,
        };
        is_done
    }

    fn report_constant_cycle(&mut self, id: ConstantId) {
        let start = self.evaluation.open.iter().position(|&open| open == id).unwrap_or(0);
        let cycle = &self.evaluation.open[start..];
        let names: Vec<String> =
            cycle.iter().chain([&id]).take(9).map(|&id| quote(&self.out.constants[id].name)).collect();
        let message = format!("the value of the constant depends on itself: {}", names.join(" -> "));
        let mut diagnostic = Diagnostic::new(Code::ConstantCycle, self.out.constants[id].span, message);
        for &other in cycle.iter().skip(1).take(8) {
            diagnostic = diagnostic.label(self.out.constants[other].span, "part of the cycle");
        }
        self.sink.push(diagnostic);
    }

    /// Evaluates the default value of a field.
    pub(super) fn evaluate_default(
        &mut self,
        at: At,
        owner: &'a str,
        field: &'a str,
        value: &'a ast::Value,
        ty: TypeId,
    ) -> Option<Value> {
        self.evaluation.path = vec![Step::Root(owner), Step::Field(field)];
        self.evaluate(at, value, ty, 0)
    }

    /// Checks a written value against a type. `None` when it does not fit, which was reported.
    fn evaluate(&mut self, at: At, value: &'a ast::Value, ty: TypeId, depth: usize) -> Option<Value> {
        self.check_type_order(at, value, ty);
        let true_type = self.true_type(ty);
        if true_type == self.error_type {
            return None;
        }
        match value.kind {
            ValueKind::Name(name) => return self.named_value(at, name, ty, depth),
            ValueKind::Invalid => return None,
            _ => {}
        }
        match (self.out.types[true_type].kind, &value.kind) {
            (TypeKind::List(element), ValueKind::List(values)) => {
                self.elements(at, values, element, depth).map(Value::List)
            }
            (TypeKind::Set(element), ValueKind::List(values)) => self.set(at, values, element, depth),
            (TypeKind::Map(key, item), ValueKind::Map(entries)) => self.map(at, entries, key, item, depth),
            (TypeKind::Struct(id), ValueKind::Map(entries)) => self.structure(at, value, entries, id, depth),
            (TypeKind::List(_) | TypeKind::Set(_) | TypeKind::Map(..) | TypeKind::Struct(_), _) => {
                self.other_container(at, value, true_type, ty)
            }
            (kind, _) => self.scalar(at, value, kind, ty),
        }
    }

    /// An empty value in the brackets of another container, or an error.
    fn other_container(&mut self, at: At, value: &'a ast::Value, true_type: TypeId, ty: TypeId) -> Option<Value> {
        let span = self.span(at.unit, value.range);
        let empty = match (self.out.types[true_type].kind, &value.kind) {
            (TypeKind::List(_), ValueKind::Map(entries)) if entries.is_empty() => Value::List(Vec::new()),
            (TypeKind::Set(_), ValueKind::Map(entries)) if entries.is_empty() => Value::Set(Vec::new()),
            (TypeKind::Map(..), ValueKind::List(values)) if values.is_empty() => Value::Map(Vec::new()),
            (TypeKind::Struct(id), ValueKind::List(values)) if values.is_empty() => {
                Value::Struct { id, fields: Vec::new() }
            }
            _ => {
                self.report_mismatch(at, value, ty);
                return None;
            }
        };
        let message = format!(
            "{} is empty, but the brackets are those of another type than {}",
            self.path_text(),
            self.type_text(ty)
        );
        self.report(Code::EmptyContainerForm, span, message);
        Some(empty)
    }

    fn scalar(&mut self, at: At, value: &'a ast::Value, kind: TypeKind, ty: TypeId) -> Option<Value> {
        let span = self.span(at.unit, value.range);
        match (kind, &value.kind) {
            (TypeKind::Double, &ValueKind::Double(number)) => Some(Value::Double(number)),
            (_, &ValueKind::Int(number)) => self.number(Value::Int(number), kind, ty, span),
            (_, &ValueKind::Bool(truth)) => self.number(Value::Bool(truth), kind, ty, span),
            (TypeKind::String, ValueKind::String(literal)) => {
                let bytes = self.units[at.unit].text.literal_bytes(literal.range);
                if let Ok(text) = String::from_utf8(bytes) {
                    return Some(Value::String(text.into()));
                }
                let message = format!("{} is a `string`, which must be UTF-8", self.path_text());
                self.report(Code::InvalidUtf8, span, message);
                None
            }
            (TypeKind::Binary, ValueKind::String(literal)) => {
                Some(Value::Binary(self.units[at.unit].text.literal_bytes(literal.range).into()))
            }
            (TypeKind::Uuid, ValueKind::String(literal)) => {
                let text = self.literal_text(at.unit, *literal);
                let uuid = parse_uuid(&text);
                if uuid.is_none() {
                    self.report_bad_uuid(span, &text);
                }
                uuid.map(Value::Uuid)
            }
            _ => {
                self.report_mismatch(at, value, ty);
                None
            }
        }
    }

    fn elements(&mut self, at: At, values: &'a [ast::Value], ty: TypeId, depth: usize) -> Option<Vec<Value>> {
        let mut evaluated = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            evaluated.extend(self.step(Step::Index(index), at, value, ty, depth));
        }
        (evaluated.len() == values.len()).then_some(evaluated)
    }

    pub(super) fn step(
        &mut self,
        step: Step<'a>,
        at: At,
        value: &'a ast::Value,
        ty: TypeId,
        depth: usize,
    ) -> Option<Value> {
        self.evaluation.path.push(step);
        let value = self.evaluate(at, value, ty, depth + 1);
        self.evaluation.path.pop();
        value
    }

    fn set(&mut self, at: At, values: &'a [ast::Value], ty: TypeId, depth: usize) -> Option<Value> {
        let evaluated = self.elements(at, values, ty, depth)?;
        let mut seen = HashSet::with_capacity(evaluated.len());
        let mut kept = Vec::with_capacity(evaluated.len());
        for (element, written) in evaluated.into_iter().zip(values) {
            if seen.insert(fingerprint(&element)) {
                kept.push(element);
            } else {
                let message = format!("{} has this element already", self.path_text());
                self.report(Code::DuplicateSetElement, self.span(at.unit, written.range), message);
            }
        }
        Some(Value::Set(kept))
    }

    fn map(
        &mut self,
        at: At,
        entries: &'a [(ast::Value, ast::Value)],
        key_type: TypeId,
        value_type: TypeId,
        depth: usize,
    ) -> Option<Value> {
        let mut seen = HashSet::with_capacity(entries.len());
        let mut evaluated = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let written = self.units[at.unit].slice(key.range);
            let checked_key = self.step(Step::KeyItself(written), at, key, key_type, depth);
            let checked_value = self.step(Step::Key(written), at, value, value_type, depth);
            let Some(checked_key) = checked_key else { continue };
            if !seen.insert(fingerprint(&checked_key)) {
                let message = format!("{} has the key {} already", self.path_text(), quote(written));
                self.report(Code::DuplicateKey, self.span(at.unit, key.range), message);
                continue;
            }
            evaluated.extend(checked_value.map(|value| (checked_key, value)));
        }
        (evaluated.len() == entries.len()).then_some(Value::Map(evaluated))
    }

    fn check_type_order(&mut self, at: At, value: &ast::Value, ty: TypeId) {
        let mut ty = ty;
        let span = self.span(at.unit, value.range);
        loop {
            match self.out.types[ty].kind {
                TypeKind::Typedef(id) => {
                    self.check_order(at, Definition::Typedef(id), span);
                    ty = self.out.typedefs[id].target;
                }
                TypeKind::Enum(id) => return self.check_order(at, Definition::Enum(id), span),
                TypeKind::Struct(id) => return self.check_order(at, Definition::Struct(id), span),
                _ => return,
            }
        }
    }

    pub(super) fn report_bad_uuid(&mut self, span: Span, text: &str) {
        let message = format!("{} is a `uuid`, but {} is none", self.path_text(), quote(text));
        let hint = "write it as \"01234567-89ab-cdef-0123-456789abcdef\"";
        self.sink.push(Diagnostic::new(Code::BadUuid, span, message).hint(hint));
    }

    fn report_mismatch(&mut self, at: At, value: &ast::Value, ty: TypeId) {
        let what = match &value.kind {
            ValueKind::Invalid => "malformed",
            ValueKind::Int(_) => "an integer",
            ValueKind::Double(_) => "a double",
            ValueKind::Bool(_) => "a bool",
            ValueKind::String(_) => "a string",
            ValueKind::Name(_) => "a name",
            ValueKind::List(_) => "a list",
            ValueKind::Map(_) => "a map",
        };
        let message = format!("{} is declared as {}, but its value is {what}", self.path_text(), self.type_text(ty));
        self.report(Code::ConstMismatch, self.span(at.unit, value.range), message);
    }

    /// The way to the value in hand, such as `` `X.a[3]` ``.
    pub(super) fn path_text(&self) -> String {
        use std::fmt::Write;
        let mut text = String::new();
        for step in &self.evaluation.path {
            let _ = match *step {
                Step::Root(name) => write!(text, "{}", quote(name).trim_matches('`')),
                Step::Field(name) => write!(text, ".{}", quote(name).trim_matches('`')),
                Step::Index(index) => write!(text, "[{index}]"),
                Step::Key(key) => write!(text, "[{}]", quote(key).trim_matches('`')),
                Step::KeyItself(key) => write!(text, "<key {}>", quote(key).trim_matches('`')),
            };
        }
        format!("`{text}`")
    }
}

/// How many parts a value has, and how deep it is nested.
pub(super) fn shape(value: &Value) -> (usize, usize) {
    let parts: Vec<(usize, usize)> = match value {
        Value::List(values) | Value::Set(values) => values.iter().map(shape).collect(),
        Value::Map(entries) => entries.iter().flat_map(|(key, value)| [shape(key), shape(value)]).collect(),
        Value::Struct { fields, .. } => fields.iter().map(|(_, value)| shape(value)).collect(),
        _ => return (1, 0),
    };
    let size = parts.iter().map(|&(size, _)| size).sum::<usize>() + 1;
    (size, 1 + parts.iter().map(|&(_, depth)| depth).max().unwrap_or(0))
}
