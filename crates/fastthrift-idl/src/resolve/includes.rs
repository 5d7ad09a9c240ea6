use std::collections::HashSet;

use super::Resolver;
use crate::diagnostics::{Code, Diagnostic, quote};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    New,
    Open,
    Done,
}

impl Resolver<'_> {
    /// Reports each include that leads back to a file on the way to it.
    pub(super) fn check_include_cycles(&mut self) {
        let mut states = vec![State::New; self.units.len()];
        for root in 0..self.units.len() {
            if states[root] == State::New {
                self.check_include_cycles_from(root, &mut states);
            }
        }
    }

    fn check_include_cycles_from(&mut self, root: usize, states: &mut [State]) {
        // The way from the root: a file, and the place of the include to follow next.
        let mut way = vec![(root, 0)];
        while let Some(top) = way.last_mut() {
            let (unit, place) = *top;
            states[unit] = State::Open;
            let Some(include) = self.units[unit].includes.get(place) else {
                states[unit] = State::Done;
                way.pop();
                continue;
            };
            top.1 = place + 1;
            match include.target.map(|target| (target, states[target])) {
                Some((target, State::New)) => way.push((target, 0)),
                Some((target, State::Open)) => self.report_include_cycle(&way, place, target),
                Some((_, State::Done)) | None => {}
            }
        }
    }

    fn report_include_cycle(&mut self, way: &[(usize, usize)], place: usize, target: usize) {
        let Some(&(unit, _)) = way.last() else { return };
        let from = way.iter().position(|&(unit, _)| unit == target).unwrap_or(0);
        let cycle = way[from..].iter().map(|&(unit, _)| unit).chain([target]);
        let names: Vec<String> = cycle.take(17).map(|unit| quote(&self.units[unit].name.display)).collect();
        let span = self.span(unit, self.units[unit].includes[place].path_range);
        self.report(Code::IncludeCycle, span, format!("the file includes itself: {}", names.join(" -> ")));
    }

    /// Warns of includes that are of no use, given twice, or alike in their prefixes.
    pub(super) fn check_unused_includes(&mut self) {
        for unit in 0..self.units.len() {
            let mut seen = HashSet::new();
            for place in 0..self.units[unit].includes.len() {
                let include = &self.units[unit].includes[place];
                let span = self.span(unit, include.path_range);
                let path = quote(&include.path);
                let Some(target) = include.target else { continue };
                if !seen.insert(target) {
                    self.report(Code::DuplicateInclude, span, format!("{path} is included already"));
                    continue;
                }
                self.check_prefix(unit, place);
                if target != unit
                    && !self.scopes[unit].used[place]
                    && !self.units[unit].is_broken
                    && !self.units[target].is_broken
                {
                    self.report(Code::UnusedInclude, span, format!("nothing of {path} is used"));
                }
            }
        }
    }

    fn check_prefix(&mut self, unit: usize, place: usize) {
        let include = &self.units[unit].includes[place];
        let first = self.scopes[unit].prefixes.get(&*include.prefix).and_then(|places| places.first()).copied();
        let Some(first) = first.filter(|&first| first != place) else { return };
        let message = format!("another included file has the prefix {} too", quote(&include.prefix));
        let diagnostic = Diagnostic::new(Code::AmbiguousPrefix, self.span(unit, include.path_range), message);
        let other = self.span(unit, self.units[unit].includes[first].path_range);
        self.sink.push(diagnostic.label(other, "the other one"));
    }
}
