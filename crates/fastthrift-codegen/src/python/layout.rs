//! What modules are called, and where they lie.

use std::collections::HashSet;

use fastthrift_schema::{Program, Schema};

use super::names::python_name;
use crate::Files;

/// The modules that loading makes: `<file>_thrift` for each program, but for the root where the caller named it; each different.
pub fn live_module_names(schema: &Schema, root_name: Option<&str>) -> Vec<String> {
    let wanted = schema
        .programs()
        .iter()
        .enumerate()
        .map(|(place, program)| root_name.filter(|_| place == 0).map_or_else(|| stub_name(program), str::to_owned));
    distinct(wanted)
}

/// What loading calls the module of a program, if no other is called so.
pub(super) fn stub_name(program: &Program) -> String {
    format!("{}_thrift", python_name(&identifier(&program.name)))
}

/// Where a program's declarations are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Module {
    /// The package of its namespace, which has the names that it declares: `shop.orders`.
    pub(super) package: String,
    /// The module in that package, called as the file: `_orders`.
    pub(super) file: String,
}

impl Module {
    /// The module's whole name.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.package, self.file)
    }

    /// The file's name.
    pub(super) fn short(&self) -> &str {
        self.file.strip_prefix('_').unwrap_or(&self.file)
    }

    /// The path of its files without their extension.
    pub(super) fn path(&self) -> String {
        self.name().replace('.', "/")
    }
}

/// The modules of a generated package, one a program, as [`super::package`] says.
///
/// A module's name depends on its own file alone, so that what is generated in several runs fits together.
pub(super) fn package_modules(schema: &Schema, prefix: Option<&str>) -> Vec<Module> {
    let module = |program: &Program| {
        let file = identifier(&program.name);
        let namespace = namespace(program).unwrap_or_else(|| python_name(&file));
        let package = prefix.map_or_else(|| namespace.clone(), |prefix| format!("{prefix}.{namespace}"));
        Module { package, file: format!("_{file}") }
    };
    schema.programs().iter().map(module).collect()
}

/// The packages that modules' packages lie in, and the marker of each outermost one that it has types (PEP 561).
pub(super) fn package_files(modules: &[Module]) -> Files {
    let mut files = Files::new();
    for module in modules {
        let parts: Vec<&str> = module.package.split('.').collect();
        files.add(format!("{}/py.typed", parts[0]), "");
        for depth in 1..=parts.len() {
            files.add(format!("{}/__init__.py", parts[..depth].join("/")), "");
        }
    }
    files
}

/// The namespace for Python, as Python takes its parts.
fn namespace(program: &Program) -> Option<String> {
    let namespace = program.namespace("py")?;
    let parts: Vec<String> = namespace.name.split('.').filter(|part| !part.is_empty()).map(python_name).collect();
    (!parts.is_empty()).then(|| parts.join("."))
}

/// A file's name with underscores for what cannot be in a Python name, and one before a digit at its start.
fn identifier(name: &str) -> String {
    let name: String = name.chars().map(|c| if c.is_alphanumeric() { c } else { '_' }).collect();
    if name.starts_with(|first: char| first.is_numeric()) || name.is_empty() { format!("_{name}") } else { name }
}

/// Each name once: one that came before gets a number.
fn distinct(wanted: impl Iterator<Item = String>) -> Vec<String> {
    let mut taken = HashSet::new();
    let number = |wanted: String| {
        let mut name = wanted.clone();
        let mut count = 2;
        while !taken.insert(name.clone()) {
            name = format!("{wanted}_{count}");
            count += 1;
        }
        name
    };
    wanted.map(number).collect()
}
