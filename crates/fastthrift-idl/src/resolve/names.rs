use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use super::Resolver;
use super::reserved::is_reserved;
use crate::ast;
use crate::diagnostics::{Code, Diagnostic, quote};
use crate::token::TextRange;

/// From this number of entries on a [`FirstSeen`] hashes.
const FEW: usize = 12;

/// Remembers where each key was seen first. Keys of short lists are compared one by one, which is faster than hashing them.
#[derive(Debug)]
pub(super) struct FirstSeen<K, V> {
    few: Vec<(K, V)>,
    many: HashMap<K, V>,
}

impl<K, V> Default for FirstSeen<K, V> {
    fn default() -> Self {
        Self { few: Vec::new(), many: HashMap::new() }
    }
}

impl<K: Eq + Hash, V: Copy> FirstSeen<K, V> {
    /// Notes a key; gives what was noted with it before, if it was.
    pub(super) fn note(&mut self, key: K, value: V) -> Option<V> {
        if !self.many.is_empty() {
            return match self.many.get(&key) {
                Some(&first) => Some(first),
                None => self.many.insert(key, value),
            };
        }
        if let Some((_, first)) = self.few.iter().find(|(seen, _)| *seen == key) {
            return Some(*first);
        }
        self.few.push((key, value));
        if self.few.len() > FEW {
            self.many = self.few.drain(..).collect();
        }
        None
    }
}

/// A name whose upper and lower case count as one.
#[derive(Debug, Clone, Copy)]
struct Folded<'a>(&'a str);

impl PartialEq for Folded<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(other.0)
    }
}
impl Eq for Folded<'_> {}
impl Hash for Folded<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut block = [0u8; 32];
        for chunk in self.0.as_bytes().chunks(block.len()) {
            let lower = &mut block[..chunk.len()];
            lower.copy_from_slice(chunk);
            lower.make_ascii_lowercase();
            state.write(lower);
        }
        state.write_u8(0xFF);
    }
}

/// The names of one list: fields, values of an enum, functions, or types.
#[derive(Debug, Default)]
pub(super) struct NameTable<'a> {
    exact: FirstSeen<&'a str, TextRange>,
    folded: FirstSeen<Folded<'a>, TextRange>,
}

impl<'a> Resolver<'a> {
    /// Notes a declared name. Reports one that was there before with `code`, and gives false then; warns of one that differs in upper and
    /// lower case only, and of reserved words.
    pub(super) fn declare_name(
        &mut self,
        table: &mut NameTable<'a>,
        unit: usize,
        name: ast::Identifier,
        code: Code,
        what: &str,
    ) -> bool {
        let text = self.text(unit, name);
        let span = self.span(unit, name.range);
        if let Some(first) = table.exact.note(text, name.range) {
            let message = format!("{what} {} is defined twice", quote(text));
            let diagnostic = Diagnostic::new(code, span, message);
            self.sink.push(diagnostic.label(self.span(unit, first), "first defined here"));
            return false;
        }
        if let Some(first) = table.folded.note(Folded(text), name.range) {
            let message = format!("{what} {} differs from another one in upper and lower case only", quote(text));
            let diagnostic = Diagnostic::new(Code::CaseOnlyDifference, span, message);
            self.sink.push(diagnostic.label(self.span(unit, first), "the other one"));
        }
        self.check_reserved(unit, name);
        true
    }

    pub(super) fn check_reserved(&mut self, unit: usize, name: ast::Identifier) {
        let text = self.text(unit, name);
        if is_reserved(text) {
            let message = format!("`{text}` is a reserved word of a target language; generated code has to rename it");
            self.report(Code::ReservedWord, self.span(unit, name.range), message);
        }
    }
}
