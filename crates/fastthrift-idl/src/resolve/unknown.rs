//! Names that only a missing included file could define.

use fastthrift_schema::Span;

use super::Resolver;
use crate::ast::Item;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::token::TextRange;

impl Resolver<'_> {
    /// Reports each definition that needs a file that is missing, at the name that it needs.
    pub(super) fn report_unknown_names(&mut self) {
        for (span, (unit, place)) in std::mem::take(&mut self.unknown) {
            let include = &self.units[unit].includes[place];
            let range = TextRange { start: span.start, end: span.end };
            let name = range.of(&self.units[unit].text.text);
            // Errors beyond the limit are only counted, so that many of them take no more time.
            let who = if self.sink.is_full() { None } else { self.definition_around(unit, span) }.unwrap_or("this");
            let message = format!("{} needs {} of an included file that is missing", quote(who), quote(name));
            let header = self.span(unit, include.range);
            let diagnostic = Diagnostic::new(Code::NeedsMissingInclude, span, message);
            self.sink.push(diagnostic.label(header, "this file"));
        }
    }

    /// The name of the definition that a place is in.
    fn definition_around(&self, unit: usize, span: Span) -> Option<&str> {
        let around = self.units[unit].file.items.iter().find_map(|item| {
            let (name, range) = match item {
                Item::Const(node) => (node.name, node.range),
                Item::Typedef(node) => (node.name, node.range),
                Item::Enum(node) => (node.name, node.range),
                Item::Struct(node) => (node.name, node.range),
                Item::Service(node) => (node.name, node.range),
                Item::Include(_) | Item::CppInclude(_) | Item::Namespace(_) => return None,
            };
            let all = self.span(unit, range);
            (all.start <= span.start && span.end <= all.end).then_some(name)
        })?;
        Some(self.text(unit, around))
    }
}
