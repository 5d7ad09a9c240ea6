use std::collections::HashMap;

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
        Self { types: HashMap::new(), constants: HashMap::new(), prefixes, used: vec![false; unit.includes.len()] }
    }
}
