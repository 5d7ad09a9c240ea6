use std::collections::{HashMap, HashSet};

use fastthrift_schema::{ConstantId, Definition};

use crate::load::Unit;

/// The names that a file declares, and the prefixes of its includes.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    /// Types and services.
    pub(super) types: HashMap<&'a str, Definition>,
    pub(super) constants: HashMap<&'a str, ConstantId>,
    /// The includes with a prefix, by their place among the includes.
    pub(super) prefixes: HashMap<&'a str, Vec<usize>>,
    /// Names in definitions that could not be read.
    lost: HashSet<&'a str>,
    /// Whether the end of the file could not be read.
    is_cut: bool,
    /// Whether an include was of use, by its place.
    pub(super) used: Vec<bool>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(unit: &'a Unit) -> Self {
        let mut prefixes: HashMap<&str, Vec<usize>> = HashMap::new();
        for (place, include) in unit.includes.iter().enumerate() {
            let same = prefixes.entry(&include.prefix).or_default();
            // A file that is included twice is searched once.
            if !same.iter().any(|&other| unit.includes[other].target == include.target) {
                same.push(place);
            }
        }
        Self {
            prefixes,
            lost: unit.lost.iter().map(|&range| unit.slice(range)).collect(),
            is_cut: unit.is_cut,
            used: vec![false; unit.includes.len()],
            ..Self::default()
        }
    }

    /// Whether the file may define a name although it does not seem to.
    pub(super) fn may_define(&self, name: &str) -> bool {
        // The lexer has reported a name that ends with a dot.
        self.is_cut || name.is_empty() || self.lost.contains(name)
    }
}
