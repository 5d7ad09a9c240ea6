use std::collections::HashMap;

use fastthrift_schema::{
    Annotation, Definition, Field, FieldId, Function, ProgramId, Requiredness, Service, ServiceId, Span, Struct,
    StructId, StructKind, TypeId, TypeKind,
};

use super::fields::FieldList;
use super::lookup::Lookup;
use super::names::{FirstSeen, NameTable};
use super::types::TypeUse;
use super::{At, Resolver, kind_of};
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::parser::MAX_NESTING;

impl<'a> Resolver<'a> {
    pub(super) fn resolve_services(&mut self) {
        let mut bases: Vec<Option<ServiceId>> = Vec::with_capacity(self.services.len());
        for index in 0..self.services.len() {
            bases.push(self.base_service(index));
        }
        self.break_service_cycles(&mut bases);
        let functions = self.function_names();
        for (index, base) in bases.iter().enumerate() {
            self.check_inherited(index, &bases, &functions);
            let service = self.service(index, *base);
            self.out.services.push(service);
        }
    }

    fn base_service(&mut self, index: usize) -> Option<ServiceId> {
        let declared = &self.services[index];
        let (at, name) = (declared.at, declared.node.extends?);
        let text = self.text(at.unit, name);
        let span = self.span(at.unit, name.range);
        match self.lookup_type(at.unit, text, span) {
            Lookup::Found(Definition::Service(id)) => {
                if id.index() != index {
                    self.check_order(at, Definition::Service(id), span);
                }
                Some(id)
            }
            Lookup::Found(other) => {
                let message = format!("expected a service to extend, but {} is {}", quote(text), kind_of(other));
                let diagnostic = Diagnostic::new(Code::NotAService, span, message);
                self.sink.push(diagnostic.label(self.name_span(other), "defined here"));
                None
            }
            Lookup::Missing => {
                let mut diagnostic =
                    Diagnostic::new(Code::UnknownService, span, format!("unknown service {}", quote(text)));
                diagnostic.hint = self.suggest_type(at.unit, text);
                self.sink.push(diagnostic);
                None
            }
            Lookup::Unknowable => None,
        }
    }

    /// Reports services that extend themselves, or too long a line of ancestors, and leaves them without a base.
    fn break_service_cycles(&mut self, bases: &mut [Option<ServiceId>]) {
        let mut depths: Vec<Option<usize>> = vec![None; bases.len()];
        let mut is_open = vec![false; bases.len()];
        for start in 0..bases.len() {
            let mut line = Vec::new();
            let mut next = Some(start);
            while let Some(current) = next.filter(|&current| depths[current].is_none() && !is_open[current]) {
                is_open[current] = true;
                line.push(current);
                next = bases[current].map(ServiceId::index);
            }
            if let Some(again) = next.filter(|&again| depths[again].is_none()) {
                let from = line.iter().position(|&service| service == again).unwrap_or(0);
                self.report_service_cycle(&line[from..]);
                bases[again] = None;
            }
            for &service in line.iter().rev() {
                is_open[service] = false;
                let depth = bases[service].map_or(0, |base| depths[base.index()].unwrap_or(0) + 1);
                if depth > MAX_NESTING {
                    self.report_long_ancestry(service);
                    bases[service] = None;
                }
                depths[service] = Some(if depth > MAX_NESTING { 0 } else { depth });
            }
        }
    }

    fn report_service_cycle(&mut self, cycle: &[usize]) {
        let name = |&index: &usize| {
            let declared = &self.services[index];
            quote(self.text(declared.at.unit, declared.node.name))
        };
        let names: Vec<String> = cycle.iter().chain(&cycle[..1]).take(9).map(name).collect();
        let message = format!("the service extends itself: {}", names.join(" -> "));
        let declared = &self.services[cycle[0]];
        let range = declared.node.extends.unwrap_or(declared.node.name).range;
        self.report(Code::ServiceCycle, self.span(declared.at.unit, range), message);
    }

    fn report_long_ancestry(&mut self, index: usize) {
        let span = self.name_span(Definition::Service(ServiceId::new(index)));
        self.report(Code::NestingTooDeep, span, format!("the service has more than {MAX_NESTING} ancestors"));
    }

    fn function_names(&self) -> Vec<HashMap<&'a str, Span>> {
        let names = |unit: usize, function: &ast::Function| {
            (self.text(unit, function.name), self.span(unit, function.name.range))
        };
        let service = |declared: &super::Declared<'a, ast::Service>| {
            declared.node.functions.iter().map(|function| names(declared.at.unit, function)).collect()
        };
        self.services.iter().map(service).collect()
    }

    fn check_inherited(&mut self, index: usize, bases: &[Option<ServiceId>], functions: &[HashMap<&'a str, Span>]) {
        let declared = &self.services[index];
        let (node, unit) = (declared.node, declared.at.unit);
        let mut base = bases[index];
        while let Some(ancestor) = base {
            for function in &node.functions {
                let name = self.text(unit, function.name);
                if let Some(&first) = functions[ancestor.index()].get(name) {
                    let message = format!("the function {} is inherited already", quote(name));
                    let span = self.span(unit, function.name.range);
                    let diagnostic = Diagnostic::new(Code::DuplicateInheritedFunction, span, message);
                    self.sink.push(diagnostic.label(first, "first defined here"));
                }
            }
            base = bases[ancestor.index()];
        }
    }

    fn service(&mut self, index: usize, extends: Option<ServiceId>) -> Service {
        let declared = &self.services[index];
        let (node, at) = (declared.node, declared.at);
        let mut names = NameTable::default();
        let mut functions = Vec::with_capacity(node.functions.len());
        for function in &node.functions {
            self.declare_name(&mut names, at.unit, function.name, Code::DuplicateFunction, "the function");
            functions.push(self.function(at, function));
        }
        Service {
            name: self.text(at.unit, node.name).into(),
            program: ProgramId::new(at.unit),
            extends,
            functions,
            annotations: self.annotations(at.unit, &node.annotations),
            doc: self.doc(at.unit, node.doc),
            span: self.span(at.unit, node.name.range),
        }
    }

    fn function(&mut self, at: At, node: &'a ast::Function) -> Function {
        let unit = at.unit;
        let name = self.text(unit, node.name);
        let written = node.returns.as_ref().map(|ty| self.type_id(unit, ty, TypeUse::Value));
        self.check_oneway(unit, node);
        let returns = written.filter(|_| node.oneway.is_none());
        let arguments = self.arguments(at, node, name);
        let throws = self.throws(at, node);
        let result = self.result(unit, node, returns, throws);
        Function {
            name: name.into(),
            is_oneway: node.oneway.is_some(),
            returns,
            arguments,
            result,
            annotations: self.annotations(unit, &node.annotations),
            doc: self.doc(unit, node.doc),
            span: self.span(unit, node.name.range),
        }
    }

    fn check_oneway(&mut self, unit: usize, node: &ast::Function) {
        let Some(word) = node.oneway else { return };
        let name = quote(self.text(unit, node.name));
        if self.units[unit].slice(word) == "async" {
            self.report(
                Code::DeprecatedAsync,
                self.span(unit, word),
                "`async` is deprecated; it is called `oneway` now",
            );
        }
        if let Some(returns) = &node.returns {
            let message = format!("{name} is oneway, so what it returns is lost; make it `void`");
            self.report(Code::OnewayReturns, self.span(unit, returns.range), message);
        }
        if let Some((throws, _)) = node.throws.as_ref().filter(|(_, fields)| !fields.is_empty()) {
            let message = format!("{name} is oneway, so it cannot throw anything");
            self.report(Code::OnewayThrows, self.span(unit, *throws), message);
        }
    }

    fn arguments(&mut self, at: At, node: &'a ast::Function, name: &'a str) -> StructId {
        let fields = self.fields(at.unit, &node.arguments, FieldList::Arguments);
        let id = self.push_struct(at.unit, node, "args", StructKind::Arguments, fields);
        self.defaults(id, &node.arguments, at, name);
        id
    }

    fn throws(&mut self, at: At, node: &'a ast::Function) -> Vec<Field> {
        let Some((_, nodes)) = &node.throws else { return Vec::new() };
        let fields = self.fields(at.unit, nodes, FieldList::Throws);
        let mut thrown: FirstSeen<StructId, Span> = FirstSeen::default();
        for (field, written) in fields.iter().zip(nodes) {
            let span = self.span(at.unit, written.ty.range);
            let Some(exception) = self.exception(at, field.ty, span) else { continue };
            if let Some(first) = thrown.note(exception, span) {
                let message = format!("the exception {} is declared twice", quote(&self.out.structs[exception].name));
                let diagnostic = Diagnostic::new(Code::DuplicateThrowsType, span, message);
                self.sink.push(diagnostic.label(first, "first declared here"));
            }
            if &*field.name == "success" && node.returns.is_some() {
                let message = "an exception cannot be named `success`, which is the name of the returned value";
                self.report(Code::ThrowsNamedSuccess, field.span, message);
            }
        }
        fields
    }

    /// The exception that a type in a throws list stands for.
    fn exception(&mut self, at: At, ty: TypeId, span: Span) -> Option<StructId> {
        let true_type = self.true_type(ty);
        match self.out.types[true_type].kind {
            _ if true_type == self.error_type => None,
            TypeKind::Struct(id) if self.out.structs[id].kind == StructKind::Exception => {
                self.check_order(at, Definition::Struct(id), span);
                Some(id)
            }
            _ => {
                let message = format!("expected an exception, but {} is none", self.type_text(ty));
                self.report(Code::ThrowsNotException, span, message);
                None
            }
        }
    }

    fn result(&mut self, unit: usize, node: &ast::Function, returns: Option<TypeId>, throws: Vec<Field>) -> StructId {
        let success = returns.map(|ty| Field {
            id: FieldId(0),
            is_id_explicit: true,
            name: "success".into(),
            ty,
            requiredness: Requiredness::Optional,
            default: None,
            is_reference: false,
            annotations: Vec::new(),
            doc: None,
            span: self.out.types[ty].span,
        });
        let fields = success.into_iter().chain(throws).collect();
        self.push_struct(unit, node, "result", StructKind::Result, fields)
    }

    fn push_struct(
        &mut self,
        unit: usize,
        node: &ast::Function,
        suffix: &str,
        kind: StructKind,
        fields: Vec<Field>,
    ) -> StructId {
        let annotations: Vec<Annotation> = Vec::new();
        let name = format!("{}_{suffix}", self.text(unit, node.name));
        let span = self.span(unit, node.name.range);
        let item =
            Struct { name: name.into(), program: ProgramId::new(unit), kind, fields, annotations, doc: None, span };
        self.out.structs.push(item)
    }
}
