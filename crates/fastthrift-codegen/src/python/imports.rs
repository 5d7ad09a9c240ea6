//! The names under which a file knows other modules.

use std::collections::HashSet;

use fastthrift_schema::{Definition, ProgramId, Schema};

use super::names::{definition_name, field_names, function_name, python_name};

/// All names that a program's own file gives meanings to, at its top level or in its classes: no import may take one of them.
pub(super) fn names_of(schema: &Schema, program: ProgramId) -> HashSet<String> {
    let meaning = schema.program(program);
    let mut names = HashSet::new();
    for (name, definition) in &meaning.definitions {
        names.insert(definition_name(meaning, name));
        match *definition {
            Definition::Struct(id) => names.extend(field_names(schema.structure(id))),
            Definition::Enum(id) => {
                names.extend(schema.enumeration(id).values.iter().map(|value| python_name(&value.name)));
            }
            Definition::Service(id) => {
                for function in &schema.service(id).functions {
                    names.insert(function_name(schema, id, &function.name));
                    names.extend(field_names(schema.structure(function.arguments)));
                }
            }
            Definition::Typedef(_) | Definition::Constant(_) => {}
        }
    }
    names
}

/// A name like this one that is free, and is taken from now on.
pub(super) fn take(wanted: &str, taken: &mut HashSet<String>) -> String {
    let mut name = wanted.to_owned();
    while !taken.insert(name.clone()) {
        name.push('_');
    }
    name
}

/// `import a.b as c`, without what says nothing.
pub(super) fn import(module: &str, alias: &str) -> String {
    match module.rsplit_once('.') {
        None if module == alias => format!("import {module}"),
        None => format!("import {module} as {alias}"),
        Some((package, last)) if last == alias => format!("from {package} import {last}"),
        Some((package, last)) => format!("from {package} import {last} as {alias}"),
    }
}

/// The same by the module's whole name, which checkers do not take for the use of a name that is private to a package.
pub(super) fn import_whole(module: &str, alias: &str) -> String {
    if module == alias { format!("import {module}") } else { format!("import {module} as {alias}") }
}

/// Whether a text has this name as a word.
pub(super) fn mentions(text: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(name)
        .any(|(place, _)| !text[..place].ends_with(is_part) && !text[place + name.len()..].starts_with(is_part))
}
