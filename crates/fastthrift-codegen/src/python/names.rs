//! IDL names as Python names.

use fastthrift_schema::{Enum, Program, Schema, ServiceId, Struct, StructKind};

/// What cannot be a name in Python.
const KEYWORDS: [&str; 35] = [
    "False", "None", "True", "and", "as", "assert", "async", "await", "break", "class", "continue", "def", "del",
    "elif", "else", "except", "finally", "for", "from", "global", "if", "import", "in", "is", "lambda", "nonlocal",
    "not", "or", "pass", "raise", "return", "try", "while", "with", "yield",
];

/// Says why a text cannot name a package that modules lie in, such as `myapp.idl`; nothing where it can.
pub fn package_name_error(name: &str) -> Option<String> {
    let is_start = |c: char| c.is_alphabetic() || c == '_';
    let is_name = |part: &str| part.starts_with(is_start) && part.chars().all(|c| is_start(c) || c.is_numeric());
    if !name.split('.').all(is_name) {
        return Some(format!("{name:?} is no name of a package, such as myapp.idl"));
    }
    let keyword = name.split('.').find(|part| KEYWORDS.contains(part))?;
    let whose = if keyword == name { String::new() } else { format!(" in {name:?}") };
    Some(format!("{keyword:?}{whose} cannot name a package, since it is a keyword of Python"))
}

/// A name as Python takes it: a keyword gets a trailing underscore, and a name that starts with two underscores, which Python would
/// rename or take for its own, a leading `x`.
pub fn python_name(name: &str) -> String {
    if KEYWORDS.contains(&name) {
        format!("{name}_")
    } else if name.starts_with("__") {
        format!("x{name}")
    } else {
        name.to_owned()
    }
}

/// The name of a program's definition, different from those of its others.
pub fn definition_name(program: &Program, name: &str) -> String {
    distinct(name, |other| program.definitions.iter().any(|(defined, _)| **defined == *other))
}

/// The name of a service's function, different from those of its others and of inherited ones.
pub fn function_name(schema: &Schema, service: ServiceId, name: &str) -> String {
    distinct(name, |other| {
        schema.lineage(service).any(|(_, service)| service.functions.iter().any(|function| *function.name == *other))
    })
}

fn distinct(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut escaped = python_name(name);
    while escaped != name && is_taken(&escaped) {
        escaped.push('_');
    }
    escaped
}

/// What every union has.
pub(super) const UNION_NAMES: [&str; 2] = ["_which", "_value"];

/// The names of some members of one thing: as [`python_name`], each different, and none of the `reserved` ones.
pub fn member_names<'a>(names: &(impl Iterator<Item = &'a str> + Clone), reserved: &[&str]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for name in names.clone() {
        let mut escaped = python_name(name);
        if reserved.contains(&name) {
            // Python keeps names of underscores alone for itself, however many there are.
            let is_bare = name.chars().all(|c| c == '_');
            escaped.insert(if is_bare { 0 } else { escaped.len() }, if is_bare { 'x' } else { '_' });
        }
        while escaped != name && (taken.contains(&escaped) || names.clone().any(|other| other == escaped)) {
            escaped.push('_');
        }
        taken.push(escaped);
    }
    taken
}

/// The names of a struct's fields.
pub fn field_names(structure: &Struct) -> Vec<String> {
    let reserved: &[&str] = if structure.kind == StructKind::Union { &UNION_NAMES } else { &[] };
    member_names(&structure.fields.iter().map(|field| &*field.name), reserved)
}

/// The names of an enum's members: as [`member_names`], and none that Python keeps for every enum.
pub fn enum_member_names(enumeration: &Enum) -> Vec<String> {
    let names = enumeration.values.iter().map(|value| &*value.name);
    let is_reserved =
        |name: &&str| matches!(*name, "mro" | "is_unknown") || name.starts_with('_') && name.ends_with('_');
    let reserved: Vec<&str> = names.clone().filter(is_reserved).collect();
    member_names(&names, &reserved)
}

/// What the first parameter is called, next to others of these names.
pub fn receiver(names: &[String]) -> String {
    let mut receiver = "self".to_owned();
    while names.contains(&receiver) {
        receiver.insert(0, '_');
    }
    receiver
}
