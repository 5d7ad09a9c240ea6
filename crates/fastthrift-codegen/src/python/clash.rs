//! Names that would mean two things.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;

use fastthrift_schema::{Program, ProgramId, Schema};

use super::layout::{Module, stub_name};
use super::names::definition_name;

/// How many are told of.
const SHOWN: usize = 20;

/// A name that would mean two things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clash {
    /// The name, with the package that it lies in.
    pub name: String,
    /// What has it.
    pub first: String,
    /// What would have it, too.
    pub second: String,
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} would be both {} and {}", self.name, self.first, self.second)
    }
}

/// Why no code is generated: names that would mean two things. A file can be given another namespace for Python.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clashes(Vec<Clash>);

impl Clashes {
    /// Each of them; there is at least one.
    pub fn iter(&self) -> impl Iterator<Item = &Clash> {
        self.0.iter()
    }
}

impl fmt::Display for Clashes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, clash) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{clash}", if place > 0 { "; " } else { "" })?;
        }
        match self.0.len().saturating_sub(SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl Error for Clashes {}

/// What has which name, and what would have it, too.
#[derive(Default)]
struct Names {
    known: BTreeMap<String, String>,
    clashes: Vec<Clash>,
}

impl Names {
    fn add(&mut self, name: String, what: String) {
        if let Some(first) = self.known.get(&name) {
            self.clashes.push(Clash { name, first: first.clone(), second: what });
        } else {
            self.known.insert(name, what);
        }
    }

    fn done(self) -> Result<(), Clashes> {
        if self.clashes.is_empty() { Ok(()) } else { Err(Clashes(self.clashes)) }
    }
}

/// Whether everything in the packages of these modules, one a program, has a name of its own.
pub(super) fn check(schema: &Schema, modules: &[Module]) -> Result<(), Clashes> {
    let mut names = Names::default();
    let mut packages: BTreeMap<String, &str> = BTreeMap::new();
    for (id, module) in schema.programs().ids().zip(modules) {
        let file = file(schema, id);
        names.add(module.name(), format!("the module of {file}"));
        let parts: Vec<&str> = module.package.split('.').collect();
        for depth in 1..=parts.len() {
            packages.entry(parts[..depth].join(".")).or_insert(file);
        }
    }
    for (name, file) in packages {
        names.add(name, format!("the package of {file}"));
    }
    for (id, module) in schema.programs().ids().zip(modules) {
        let program = schema.program(id);
        for name in declared(program) {
            names.add(format!("{}.{name}", module.package), format!("what {} declares", file(schema, id)));
        }
    }
    names.done()
}

/// Whether the stub of each program, for loading, is called otherwise than the others.
pub(super) fn check_stubs(schema: &Schema) -> Result<(), Clashes> {
    let mut names = Names::default();
    for (id, program) in schema.programs().ids().zip(schema.programs().iter()) {
        names.add(stub_name(program), format!("the module of {}", file(schema, id)));
    }
    names.done()
}

fn declared(program: &Program) -> impl Iterator<Item = String> {
    program.definitions.iter().map(|(name, _)| definition_name(program, name))
}

fn file(schema: &Schema, program: ProgramId) -> &str {
    &schema.source(schema.program(program).source).name
}
