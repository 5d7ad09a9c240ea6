use std::collections::HashSet;
use std::sync::Arc;

use fastthrift_schema::{Include, Namespace, Program, ProgramId};

use super::Resolver;
use crate::ast::{self, Item};
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::load::file_stem;

impl Resolver<'_> {
    /// Makes one program of each file, once its definitions have their ids.
    pub(super) fn build_programs(&mut self) {
        for index in 0..self.units.len() {
            let unit = &self.units[index];
            let program = Program {
                name: file_stem(&unit.name.display).into(),
                source: unit.source,
                namespaces: self.namespace_headers(index),
                includes: self.includes(index),
                cpp_includes: self.cpp_includes(index),
                definitions: self.definitions[index]
                    .iter()
                    .map(|&(name, definition)| (Arc::from(self.text(index, name)), definition))
                    .collect(),
                doc: self.doc(index, unit.file.doc),
            };
            self.out.programs.push(program);
        }
    }

    fn namespace_headers(&mut self, unit: usize) -> Vec<Namespace> {
        let mut namespaces = Vec::new();
        for item in &self.units[unit].file.items {
            let Item::Namespace(namespace) = item else { continue };
            self.check_scope(unit, namespace);
            namespaces.push(Namespace {
                scope: self.text(unit, namespace.scope).into(),
                name: self.text(unit, namespace.name).into(),
                annotations: self.annotations(unit, &namespace.annotations),
                span: self.span(unit, namespace.range),
            });
        }
        namespaces
    }

    fn includes(&self, unit: usize) -> Vec<Include> {
        let mut seen = HashSet::new();
        let includes = self.units[unit].includes.iter();
        let found =
            includes.filter_map(|include| Some((include, include.target.filter(|&target| seen.insert(target))?)));
        found
            .map(|(include, target)| Include {
                prefix: include.prefix.clone(),
                path: include.path.clone(),
                program: ProgramId::new(target),
                span: self.span(unit, include.range),
            })
            .collect()
    }

    fn cpp_includes(&self, unit: usize) -> Vec<Arc<str>> {
        let items = self.units[unit].file.items.iter();
        items
            .filter_map(|item| match item {
                Item::CppInclude(include) => Some(self.literal_text(unit, include.path)),
                _ => None,
            })
            .collect()
    }

    fn check_scope(&mut self, unit: usize, namespace: &ast::Namespace) {
        let scope = self.text(unit, namespace.scope);
        let span = self.span(unit, namespace.scope.range);
        let (generator, part) =
            scope.split_once('.').map_or((scope, None), |(generator, part)| (generator, Some(part)));
        if generator == "smalltalk" {
            let diagnostic =
                Diagnostic::new(Code::DeprecatedNamespaceScope, span, "the scope `smalltalk` is deprecated");
            return self.sink.push(diagnostic.hint("write `st`"));
        }
        if !SCOPES.contains(&generator) {
            let message = format!("no generator is known by the name {}", quote(generator));
            return self.report(Code::UnknownNamespaceScope, span, message);
        }
        let is_known = part.is_none_or(|part| PARTS.contains(&(generator, part)));
        if !is_known {
            let message = format!("{} has no part {}", quote(generator), quote(part.unwrap_or_default()));
            self.report(Code::UnknownNamespaceSubscope, span, message);
        }
    }
}

/// Scopes of Apache's generators, present and past, and of other well-known tools.
const SCOPES: &[&str] = &[
    "*", "android", "as3", "c_glib", "cl", "cocoa", "cpp", "cpp2", "csharp", "d", "dart", "delphi", "erl", "erlang",
    "ex", "elixir", "go", "gv", "hack", "haxe", "hs", "html", "java", "javame", "js", "json", "kotlin", "lua",
    "markdown", "mmd", "netcore", "netstd", "nodejs", "ocaml", "perl", "php", "py", "py3", "python", "rb", "rs",
    "ruby", "rust", "scala", "st", "swift", "ts", "xml", "xsd",
];

/// Parts of scopes that generators tell apart.
const PARTS: &[(&str, &str)] =
    &[("java", "swift"), ("php", "path"), ("py", "asyncio"), ("py", "twisted"), ("st", "category"), ("st", "prefix")];
