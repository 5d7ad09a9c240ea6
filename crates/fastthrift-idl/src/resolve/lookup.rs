use fastthrift_schema::{ConstantId, Definition, Span};

use super::scopes::Scope;
use super::{At, Resolver};
use crate::diagnostics::{Code, Diagnostic, quote};
use fastthrift_schema::nearest;

/// What became of the search for a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lookup<T> {
    Found(T),
    /// Nothing has this name.
    Missing,
    /// Nothing seems to have it, but it would be in a file that is missing or could not be read in full, which was reported.
    Unknowable,
}

fn missing<T>(is_unknowable: bool) -> Lookup<T> {
    if is_unknowable { Lookup::Unknowable } else { Lookup::Missing }
}

impl<'a> Resolver<'a> {
    /// Finds a type or service by its name, with a prefix or without.
    pub(super) fn lookup_type(&mut self, unit: usize, name: &str, span: Span) -> Lookup<Definition> {
        self.lookup(unit, name, span, |scope, name| scope.types.get(name).copied())
    }

    /// Finds a constant by its name, with a prefix or without.
    pub(super) fn lookup_constant(&mut self, unit: usize, name: &str, span: Span) -> Lookup<ConstantId> {
        self.lookup(unit, name, span, |scope, name| scope.constants.get(name).copied())
    }

    fn lookup<T: Copy>(
        &mut self,
        unit: usize,
        name: &str,
        span: Span,
        select: impl Fn(&Scope<'a>, &str) -> Option<T>,
    ) -> Lookup<T> {
        let Some((prefix, last)) = name.rsplit_once('.') else {
            let scope = &self.scopes[unit];
            return select(scope, name).map_or_else(|| missing(scope.may_define(name)), Lookup::Found);
        };
        let Some(places) = self.scopes[unit].prefixes.get(prefix) else { return missing(last.is_empty()) };
        let mut found: Option<(usize, T)> = None;
        let mut second = None;
        let mut is_unknowable = false;
        for &place in places {
            let Some(target) = self.units[unit].includes[place].target else {
                is_unknowable = true;
                self.unknown.entry(span).or_insert((unit, place));
                continue;
            };
            is_unknowable |= self.scopes[target].may_define(last);
            match select(&self.scopes[target], last) {
                Some(_) if found.is_some() => second = second.or(Some(place)),
                Some(definition) => found = Some((place, definition)),
                None => {}
            }
        }
        let Some((place, definition)) = found else {
            return missing(is_unknowable);
        };
        self.unknown.remove(&span);
        self.scopes[unit].used[place] = true;
        if let Some(second) = second {
            self.report_ambiguous(unit, name, span, [place, second]);
        }
        Lookup::Found(definition)
    }

    fn report_ambiguous(&mut self, unit: usize, name: &str, span: Span, places: [usize; 2]) {
        let mut diagnostic =
            Diagnostic::new(Code::AmbiguousName, span, format!("{} is defined by two included files", quote(name)));
        for place in places {
            self.scopes[unit].used[place] = true;
            let header = self.span(unit, self.units[unit].includes[place].range);
            diagnostic = diagnostic.label(header, "one of them");
        }
        self.sink.push(diagnostic);
    }

    /// Reports that `user`, a value, needs a definition that stands after it in the same file.
    pub(super) fn check_order(&mut self, user: At, definition: Definition, span: Span) {
        let place = self.place_of(definition);
        if place.unit != user.unit || place.order < user.order || !self.forward.insert((user, place.order)) {
            return;
        }
        let name = self.definitions[place.unit][place.order].0;
        let name = quote(self.text(place.unit, name));
        let message =
            format!("{name} is used before its definition is complete, an extension that Apache's compiler refuses");
        let diagnostic = Diagnostic::new(Code::ForwardReference, span, message);
        self.sink.push(diagnostic.label(self.name_span(definition), "defined here"));
    }

    /// The name of a type that was probably meant.
    pub(super) fn suggest_type(&self, unit: usize, name: &str) -> Option<String> {
        self.suggest(unit, name, |scope| scope.types.keys().copied().collect())
    }

    /// The name of a constant that was probably meant.
    pub(super) fn suggest_constant(&self, unit: usize, name: &str) -> Option<String> {
        self.suggest(unit, name, |scope| scope.constants.keys().copied().collect())
    }

    fn suggest(&self, unit: usize, name: &str, names: impl Fn(&Scope<'a>) -> Vec<&'a str>) -> Option<String> {
        if self.sink.is_full() {
            return None;
        }
        let (prefix, last) = name.rsplit_once('.').map_or((None, name), |(prefix, last)| (Some(prefix), last));
        let elsewhere = self.suggest_elsewhere(unit, prefix, last, &names);
        if elsewhere.is_some() {
            return elsewhere;
        }
        let targets = match prefix {
            Some(prefix) => {
                let places = self.scopes[unit].prefixes.get(prefix).map(Vec::as_slice).unwrap_or_default();
                places.iter().filter_map(|&place| self.units[unit].includes[place].target).collect()
            }
            None => vec![unit],
        };
        let near = targets.iter().find_map(|&target| nearest(last, names(&self.scopes[target])))?;
        let full = prefix.map_or(near.to_owned(), |prefix| format!("{prefix}.{near}"));
        Some(format!("did you mean {}?", quote(&full)))
    }

    /// A name without its prefix, or with a wrong one, that an included file has, or this file itself.
    fn suggest_elsewhere(
        &self,
        unit: usize,
        prefix: Option<&str>,
        last: &str,
        names: impl Fn(&Scope<'a>) -> Vec<&'a str>,
    ) -> Option<String> {
        let has = |target: usize| names(&self.scopes[target]).contains(&last);
        if prefix.is_some() && has(unit) {
            return Some(format!("this file defines {}", quote(last)));
        }
        let include = self.units[unit].includes.iter().find(|include| include.target.is_some_and(has))?;
        Some(format!("did you mean {}?", quote(&format!("{}.{last}", include.prefix))))
    }
}
