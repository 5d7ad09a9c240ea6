use std::sync::Arc;

use fastthrift_schema::{Annotation, Definition, Type, TypeId, TypeKind};

use super::lookup::Lookup;
use super::{Resolver, kind_of};
use crate::ast::{self, BaseType};
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::token::TextRange;

/// Where a type is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TypeUse {
    /// Where an exception would be odd.
    Value,
    /// Where an exception is as good as any type, or the only one.
    Any,
}

impl<'a> Resolver<'a> {
    /// Resolves a written type; `error_type` when that fails, which is reported.
    pub(super) fn type_id(&mut self, unit: usize, ty: &'a ast::Type, used: TypeUse) -> TypeId {
        let mut annotations = self.annotations(unit, &ty.annotations);
        let kind = match &ty.kind {
            ast::TypeKind::Base(base) => base_kind(*base),
            ast::TypeKind::Named(name) => match self.named_type(unit, *name, used) {
                Some(kind) => kind,
                None => return self.error_type,
            },
            ast::TypeKind::List(container) => {
                self.check_list_of_byte(unit, ty, &container.element);
                TypeKind::List(self.element(unit, container, used, &mut annotations))
            }
            ast::TypeKind::Set(container) => TypeKind::Set(self.element(unit, container, used, &mut annotations)),
            ast::TypeKind::Map(container, value) => {
                let key = self.element(unit, container, used, &mut annotations);
                TypeKind::Map(key, self.type_id(unit, value, used))
            }
        };
        self.out.types.push(Type { kind, annotations, span: self.span(unit, ty.range) })
    }

    fn element(
        &mut self,
        unit: usize,
        container: &'a ast::Container,
        used: TypeUse,
        annotations: &mut Vec<Annotation>,
    ) -> TypeId {
        if let Some(cpp_type) = container.cpp_type {
            let value = self.literal_text(unit, cpp_type);
            annotations.push(Annotation { key: Arc::from("cpp_type"), value });
        }
        self.type_id(unit, &container.element, used)
    }

    fn named_type(&mut self, unit: usize, name: ast::Identifier, used: TypeUse) -> Option<TypeKind> {
        let text = self.text(unit, name);
        let span = self.span(unit, name.range);
        match self.lookup_type(unit, text, span) {
            Lookup::Found(Definition::Enum(id)) => Some(TypeKind::Enum(id)),
            Lookup::Found(Definition::Typedef(id)) => Some(TypeKind::Typedef(id)),
            Lookup::Found(Definition::Struct(id)) => {
                let is_exception = self.structs[id.index()].node.kind == ast::StructKind::Exception;
                if is_exception && used == TypeUse::Value {
                    let message = format!("the exception {} is used as a type of values", quote(text));
                    self.report(Code::ExceptionAsType, span, message);
                }
                Some(TypeKind::Struct(id))
            }
            Lookup::Found(service @ (Definition::Service(_) | Definition::Constant(_))) => {
                let message = format!("expected a type, but {} is {}", quote(text), kind_of(service));
                let diagnostic = Diagnostic::new(Code::ServiceUsedAsType, span, message);
                self.sink.push(diagnostic.label(self.name_span(service), "defined here"));
                None
            }
            Lookup::Missing => {
                self.report_unknown_type(unit, text, name.range);
                None
            }
            Lookup::Unknowable => None,
        }
    }

    fn report_unknown_type(&mut self, unit: usize, text: &str, range: TextRange) {
        let span = self.span(unit, range);
        if let Lookup::Found(constant) = self.lookup_constant(unit, text, span) {
            let message = format!("expected a type, but {} is a constant", quote(text));
            let diagnostic = Diagnostic::new(Code::ConstantUsedAsType, span, message);
            self.sink.push(diagnostic.label(self.name_span(Definition::Constant(constant)), "defined here"));
            return;
        }
        let mut diagnostic = Diagnostic::new(Code::UnknownType, span, format!("unknown type {}", quote(text)));
        diagnostic.hint = self.type_hint(unit, text);
        self.sink.push(diagnostic);
    }

    fn type_hint(&self, unit: usize, text: &str) -> Option<String> {
        match text {
            "slist" => return Some("`slist` is no longer part of the IDL; use `list<string>`".to_owned()),
            "float" => return Some("Thrift has `double` only".to_owned()),
            "int" | "integer" | "Integer" | "int32" => return Some("did you mean `i32`?".to_owned()),
            "long" | "int64" => return Some("did you mean `i64`?".to_owned()),
            "short" | "int16" => return Some("did you mean `i16`?".to_owned()),
            "boolean" | "Bool" | "Boolean" => return Some("did you mean `bool`?".to_owned()),
            "String" | "str" => return Some("did you mean `string`?".to_owned()),
            "bytes" => return Some("did you mean `binary`?".to_owned()),
            _ => {}
        }
        let suggested = self.suggest_type(unit, text);
        suggested.or_else(|| match text.rsplit_once('.') {
            Some((prefix, _)) if !self.scopes[unit].prefixes.contains_key(prefix) => {
                let message = format!("no included file has the prefix {}; only direct includes count", quote(prefix));
                Some(message)
            }
            _ => None,
        })
    }

    fn check_list_of_byte(&mut self, unit: usize, ty: &ast::Type, element: &ast::Type) {
        if matches!(element.kind, ast::TypeKind::Base(BaseType::I8)) {
            self.report(
                Code::ListOfByte,
                self.span(unit, ty.range),
                "a list of bytes; `binary` takes less time and space",
            );
        }
    }

    /// Follows typedefs to a type that is none. They have no cycle once [`Resolver::resolve_typedefs`] is done.
    pub(super) fn true_type(&self, id: TypeId) -> TypeId {
        let mut id = id;
        while let TypeKind::Typedef(typedef) = self.out.types[id].kind {
            id = self.out.typedefs[typedef].target;
        }
        id
    }

    /// A type as it was written, in backticks.
    pub(super) fn type_text(&self, id: TypeId) -> String {
        let span = self.out.types[id].span;
        let range = TextRange { start: span.start, end: span.end };
        let written = self.units[span.source.index()].slice(range);
        quote(&written.split_ascii_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn base_kind(base: BaseType) -> TypeKind {
    match base {
        BaseType::Bool => TypeKind::Bool,
        BaseType::I8 => TypeKind::I8,
        BaseType::I16 => TypeKind::I16,
        BaseType::I32 => TypeKind::I32,
        BaseType::I64 => TypeKind::I64,
        BaseType::Double => TypeKind::Double,
        BaseType::String => TypeKind::String,
        BaseType::Binary => TypeKind::Binary,
        BaseType::Uuid => TypeKind::Uuid,
    }
}
