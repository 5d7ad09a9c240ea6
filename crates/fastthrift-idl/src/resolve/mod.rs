//! Syntax trees to a schema: names first, bodies after, then values. Every error is reported; a schema comes out only without any.

mod coerce;
mod constants;
mod declare;
mod enums;
mod expansion;
mod fields;
mod includes;
mod lookup;
mod members;
mod names;
mod programs;
mod recursion;
mod reserved;
mod scopes;
mod services;
mod structs;
mod typedefs;
mod types;
mod unknown;
mod uuid;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use fastthrift_schema::{
    Annotation, ConstantId, Definition, EnumId, Id, SchemaBuilder, ServiceId, Span, StructId, Type, TypeId, TypeKind,
    TypedefId,
};

use crate::ast;
use crate::diagnostics::{Code, Diagnostic, Sink};
use crate::load::{Files, Unit};
use crate::token::TextRange;
use crate::{Failure, Options, Outcome, Report, doc_comment};
use constants::Evaluation;
use scopes::Scope;

/// Gives the files' meaning, or everything that is wrong with them.
pub(crate) fn resolve(files: Files, options: &Options, mut sink: Sink) -> Result<Outcome, Failure> {
    let mut schema = {
        let mut resolver = Resolver::new(&files.units, &mut sink);
        resolver.run();
        if options.needs_every_name {
            resolver.report_unknown_names();
        }
        resolver.out
    };
    if sink.has_errors() {
        return Err(Failure::Invalid(Report { diagnostics: sink.into_diagnostics(), sources: files.sources }));
    }
    schema.sources = files.sources;
    Ok(Outcome { schema: Arc::new(schema.finish()), warnings: sink.into_diagnostics() })
}

/// A definition's syntax, its file, and its place among the definitions of the file.
#[derive(Debug)]
struct Declared<'a, T> {
    node: &'a T,
    at: At,
}

/// A definition: the index of its file, and its place among the definitions of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct At {
    unit: usize,
    order: usize,
}

struct Resolver<'a> {
    units: &'a [Unit],
    sink: &'a mut Sink,
    out: SchemaBuilder,
    scopes: Vec<Scope<'a>>,
    /// Stands for every type that could not be resolved; no further error is reported about it.
    error_type: TypeId,
    structs: Vec<Declared<'a, ast::Struct>>,
    enums: Vec<Declared<'a, ast::Enum>>,
    typedefs: Vec<Declared<'a, ast::Typedef>>,
    constants: Vec<Declared<'a, ast::Const>>,
    services: Vec<Declared<'a, ast::Service>>,
    /// The definitions of each file, with the places of their names.
    definitions: Vec<Vec<(ast::Identifier, Definition)>>,
    enum_names: Vec<HashMap<&'a str, usize>>,
    enum_numbers: Vec<HashMap<i32, usize>>,
    /// The places of a struct's fields by name, for structs that have a value somewhere.
    field_places: HashMap<StructId, HashMap<&'a str, usize>>,
    evaluation: Evaluation<'a>,
    /// Forward references that were reported: who refers, and to what.
    forward: HashSet<(At, usize)>,
    /// The names that only a missing included file could define, with the index of the file that has them and the place of its `include`.
    unknown: BTreeMap<Span, (usize, usize)>,
}

impl<'a> Resolver<'a> {
    fn new(units: &'a [Unit], sink: &'a mut Sink) -> Self {
        let mut out = SchemaBuilder::default();
        let nowhere = Span { source: Id::new(0), start: 0, end: 0 };
        let error_type = out.types.push(Type { kind: TypeKind::Bool, annotations: Vec::new(), span: nowhere });
        Self {
            units,
            sink,
            out,
            scopes: Vec::new(),
            error_type,
            structs: Vec::new(),
            enums: Vec::new(),
            typedefs: Vec::new(),
            constants: Vec::new(),
            services: Vec::new(),
            definitions: Vec::new(),
            enum_names: Vec::new(),
            enum_numbers: Vec::new(),
            field_places: HashMap::new(),
            evaluation: Evaluation::default(),
            forward: HashSet::new(),
            unknown: BTreeMap::new(),
        }
    }

    fn run(&mut self) {
        self.check_include_cycles();
        self.declare();
        self.resolve_enums();
        self.resolve_typedefs();
        self.resolve_structs();
        self.resolve_constants();
        self.resolve_defaults();
        self.resolve_services();
        self.check_expansion();
        self.check_required_cycles();
        self.build_programs();
        self.check_unused_includes();
    }

    fn text(&self, unit: usize, name: ast::Identifier) -> &'a str {
        name.text(&self.units[unit].text.text)
    }

    fn span(&self, unit: usize, range: TextRange) -> Span {
        self.units[unit].span(range)
    }

    fn report(&mut self, code: Code, span: Span, message: impl Into<String>) {
        self.sink.push(Diagnostic::new(code, span, message));
    }

    /// Cleans the doc comment of a node.
    fn doc(&self, unit: usize, doc: Option<ast::Doc>) -> Option<Box<str>> {
        let unit = &self.units[unit];
        doc_comment::clean(unit.slice(unit.comments[doc?.0].range))
    }

    fn annotations(&self, unit: usize, written: &[ast::Annotation]) -> Vec<Annotation> {
        let value = |value: Option<ast::Literal>| match value {
            Some(literal) => self.literal_text(unit, literal),
            None => "1".into(),
        };
        written
            .iter()
            .map(|annotation| Annotation {
                key: self.text(unit, annotation.key).into(),
                value: value(annotation.value),
            })
            .collect()
    }

    fn literal_text(&self, unit: usize, literal: ast::Literal) -> Arc<str> {
        String::from_utf8_lossy(&self.units[unit].text.literal_bytes(literal.range)).into()
    }

    /// Where a definition of a type stands among the definitions of its file.
    fn place_of(&self, definition: Definition) -> At {
        match definition {
            Definition::Struct(id) => self.structs[id.index()].at,
            Definition::Enum(id) => self.enums[id.index()].at,
            Definition::Typedef(id) => self.typedefs[id.index()].at,
            Definition::Constant(id) => self.constants[id.index()].at,
            Definition::Service(id) => self.services[id.index()].at,
        }
    }

    fn name_span(&self, definition: Definition) -> Span {
        let At { unit, order } = self.place_of(definition);
        self.span(unit, self.definitions[unit][order].0.range)
    }
}

/// What kind of thing a definition is, with an article.
fn kind_of(definition: Definition) -> &'static str {
    match definition {
        Definition::Struct(_) => "a struct",
        Definition::Enum(_) => "an enum",
        Definition::Typedef(_) => "a typedef",
        Definition::Constant(_) => "a constant",
        Definition::Service(_) => "a service",
    }
}

/// The ids that the definitions of a kind get, in order.
#[derive(Debug, Default)]
struct NextIds {
    structs: usize,
    enums: usize,
    typedefs: usize,
    constants: usize,
    services: usize,
}

impl NextIds {
    fn structure(&mut self) -> StructId {
        self.structs += 1;
        Id::new(self.structs - 1)
    }
    fn enumeration(&mut self) -> EnumId {
        self.enums += 1;
        Id::new(self.enums - 1)
    }
    fn typedef(&mut self) -> TypedefId {
        self.typedefs += 1;
        Id::new(self.typedefs - 1)
    }
    fn constant(&mut self) -> ConstantId {
        self.constants += 1;
        Id::new(self.constants - 1)
    }
    fn service(&mut self) -> ServiceId {
        self.services += 1;
        Id::new(self.services - 1)
    }
}

#[cfg(test)]
mod tests;
