//! What modules are called, and where they lie.

use std::collections::HashSet;

use fastthrift_schema::{Program, Schema};

use super::names::python_name;
use crate::Files;

/// The modules that loading makes: `<file>_thrift` for each program, but for the root where the caller named it; each different.
pub fn live_module_names(schema: &Schema, root_name: Option<&str>) -> Vec<String> {
    let wanted = schema.programs().iter().enumerate().map(|(place, program)| {
        let default = || format!("{}_thrift", python_name(&identifier(&program.name)));
        root_name.filter(|_| place == 0).map_or_else(default, str::to_owned)
    });
    distinct(wanted)
}

/// The modules of a generated package, one a program, as [`super::package`] says.
pub(super) fn package_module_names(schema: &Schema, prefix: Option<&str>) -> Vec<String> {
    let namespaces: Vec<Option<String>> = schema.programs().iter().map(namespace).collect();
    let wanted = schema.programs().iter().zip(&namespaces).map(|(program, namespace)| {
        let file = python_name(&identifier(&program.name));
        let name = match namespace {
            None => file,
            Some(name) if namespaces.iter().flatten().filter(|other| *other == name).count() > 1 => {
                format!("{name}.{file}")
            }
            Some(name) => name.clone(),
        };
        prefix.map_or_else(|| name.clone(), |prefix| format!("{prefix}.{name}"))
    });
    distinct(wanted)
}

/// The packages that modules lie in, and the marker of each outermost one that it has types (PEP 561).
pub(super) fn package_files(modules: &[String]) -> Files {
    let mut files = Files::new();
    for name in modules {
        let parts: Vec<&str> = name.split('.').collect();
        files.add(format!("{}/py.typed", parts[0]), "");
        for depth in 1..parts.len() {
            files.add(format!("{}/__init__.py", parts[..depth].join("/")), "");
        }
    }
    files
}

/// The path of a module's files without their extension. Outermost modules, and those with others below them, are packages.
pub(super) fn module_path(name: &str, modules: &[String]) -> String {
    let is_above = |other: &String| other.strip_prefix(name).is_some_and(|rest| rest.starts_with('.'));
    let path = name.replace('.', "/");
    let is_package = !name.contains('.') || modules.iter().any(is_above);
    if is_package { format!("{path}/__init__") } else { path }
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
