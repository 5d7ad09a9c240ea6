//! Names of Thrift as names of Rust.

use std::collections::HashSet;

/// Names that cannot be written as they are; all but the last four can with `r#` before them.
const KEYWORDS: [&str; 52] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "Self", "crate", "self", "super",
];

/// What generated code calls by its bare name; a type of this name gets a trailing underscore.
const PRELUDE: [&str; 43] = [
    "Arguments_",
    "Error_",
    "Function_",
    "H",
    "P",
    "AsRef",
    "BTreeMap",
    "BTreeSet",
    "Box",
    "Clone",
    "Copy",
    "Debug",
    "Default",
    "Drop",
    "Eq",
    "Err",
    "Fn",
    "FnMut",
    "FnOnce",
    "From",
    "Hash",
    "HashMap",
    "HashSet",
    "Into",
    "Iterator",
    "LazyLock",
    "None",
    "Ok",
    "Option",
    "Ord",
    "PartialEq",
    "PartialOrd",
    "Result",
    "Send",
    "Sized",
    "Some",
    "String",
    "Sync",
    "ToString",
    "Unpin",
    "Vec",
    "core",
    "p",
];

/// `dbName` and `DBName` as `db_name`.
pub(super) fn snake(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut snake = String::with_capacity(name.len() + 4);
    for (place, &c) in chars.iter().enumerate() {
        let before = place.checked_sub(1).map(|before| chars[before]);
        if c == '_' {
            if before.is_some_and(|before| before != '_') {
                snake.push('_');
            }
        } else {
            if c.is_uppercase() && starts_word(&chars, place) && !snake.is_empty() && !snake.ends_with('_') {
                snake.push('_');
            }
            snake.extend(c.to_lowercase());
        }
    }
    let trimmed = snake.trim_end_matches('_');
    or_placeholder(trimmed, "nameless")
}

/// Whether the upper-case letter here begins a word: after a small one, or as the last of several before a small one.
fn starts_word(chars: &[char], place: usize) -> bool {
    let Some(before) = place.checked_sub(1).map(|before| chars[before]) else { return false };
    let is_lower = |at: usize| chars.get(at).is_some_and(|c| c.is_lowercase());
    let is_plural = chars.get(place + 1) == Some(&'s') && !is_lower(place + 2);
    before.is_lowercase() || before.is_ascii_digit() || (before.is_uppercase() && is_lower(place + 1) && !is_plural)
}

/// `dbName`, `db_name` as `DbName`; a name of capitals alone as `Json`.
pub(super) fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let is_capitals = |part: &str| part.len() > 2 && !part.chars().any(char::is_lowercase);
    let lowers = is_capitals(name);
    for part in name.split('_').filter(|part| !part.is_empty()) {
        let is_between_digits =
            camel.ends_with(|c: char| c.is_ascii_digit()) && part.starts_with(|c: char| c.is_ascii_digit());
        if is_between_digits {
            camel.push('_');
        }
        let mut chars = part.chars();
        camel.extend(chars.next().into_iter().flat_map(char::to_uppercase));
        if lowers {
            camel.extend(chars.flat_map(char::to_lowercase));
        } else {
            camel.push_str(chars.as_str());
        }
    }
    or_placeholder(&camel, "Nameless")
}

/// `maxSize` and `max_size` as `MAX_SIZE`.
pub(super) fn screaming(name: &str) -> String {
    if name.chars().any(char::is_lowercase) || name.trim_matches('_').is_empty() {
        return snake(name).to_uppercase();
    }
    name.to_owned()
}

/// A name must have a letter, and start with one.
fn or_placeholder(name: &str, placeholder: &str) -> String {
    match name.trim_start_matches('_').chars().next() {
        None => placeholder.to_owned(),
        Some(first) if first.is_ascii_digit() => format!("{}_{name}", &placeholder[..1]),
        Some(_) => name.to_owned(),
    }
}

/// A name that somebody wrote, with underscores for what no name of Rust has, and before a digit that it starts with.
pub(super) fn possible(name: &str) -> String {
    let name = name.strip_prefix("r#").unwrap_or(name);
    let is_fit = |c: char| c == '_' || c.is_ascii_digit() || c.is_alphabetic();
    let fit: String = name.chars().map(|c| if is_fit(c) { c } else { '_' }).collect();
    match fit.trim_start_matches('_').chars().next() {
        None => "nameless".to_owned(),
        Some(_) if fit.starts_with(|c: char| c.is_ascii_digit()) => format!("_{fit}"),
        Some(_) => fit,
    }
}

/// The name, made writable if it is a keyword: `r#type`, and `self_` for the few that `r#` does not help.
pub(super) fn writable(name: &str) -> String {
    match KEYWORDS.iter().position(|keyword| *keyword == name) {
        Some(place) if place >= KEYWORDS.len() - 4 => format!("{name}_"),
        Some(_) => format!("r#{name}"),
        None => name.to_owned(),
    }
}

/// The names of one namespace: each is given once.
#[derive(Debug, Default, Clone)]
pub(super) struct Scope {
    taken: HashSet<String>,
}

impl Scope {
    /// A scope of types, in which the names that generated code needs are taken.
    pub(super) fn of_types() -> Self {
        Self { taken: PRELUDE.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// A scope in which these names are taken.
    pub(super) fn without(names: &[&str]) -> Self {
        Self { taken: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    /// Takes a name and gives it as it is to be written: with an underscore for each time that it was taken before.
    pub(super) fn claim(&mut self, name: &str) -> String {
        let mut ident = writable(name);
        while !self.taken.insert(ident.clone()) {
            ident = format!("{}_", ident.trim_start_matches("r#"));
        }
        ident
    }

    /// Takes a name as it is.
    pub(super) fn take(&mut self, name: &str) {
        self.taken.insert(name.to_owned());
    }

    /// Whether a name is free.
    pub(super) fn is_free(&self, name: &str) -> bool {
        !self.taken.contains(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_is_asked_for_as_a_name_becomes_one() {
        let asked = ["shown", "r#type", "a b", "1x", "", "__", "naïve-é", "x: i32, pub y"];
        let names = ["shown", "type", "a_b", "_1x", "nameless", "nameless", "naïve_é", "x__i32__pub_y"];
        assert_eq!(asked.map(possible), names);
    }

    #[test]
    fn words_are_found_by_their_capitals() {
        for (name, expected) in [
            ("dbName", "db_name"),
            ("DBName", "db_name"),
            ("numberOfI32s", "number_of_i32s"),
            ("userIDs", "user_ids"),
            ("TTypeId", "t_type_id"),
            ("already_snake", "already_snake"),
            ("get__twice_", "get_twice"),
            ("_hidden", "hidden"),
            ("ALL_CAPS", "all_caps"),
            ("__", "nameless"),
            ("_1", "n_1"),
        ] {
            assert_eq!(snake(name), expected, "{name}");
        }
    }

    #[test]
    fn types_begin_with_a_capital_and_have_no_underscore() {
        for (name, expected) in [
            ("user", "User"),
            ("get_user_args", "GetUserArgs"),
            ("TCLIService", "TCLIService"),
            ("JSON", "Json"),
            ("ALL_CAPS", "AllCaps"),
            ("V1_2", "V1_2"),
            ("ID", "ID"),
            ("_", "Nameless"),
        ] {
            assert_eq!(camel(name), expected, "{name}");
        }
    }

    #[test]
    fn constants_are_capitals() {
        for (name, expected) in [("maxSize", "MAX_SIZE"), ("A__B", "A__B"), ("value", "VALUE"), ("_", "NAMELESS")] {
            assert_eq!(screaming(name), expected, "{name}");
        }
    }

    #[test]
    fn a_name_that_is_taken_gets_underscores() {
        let mut scope = Scope::default();
        let names = ["type", "type", "self", "a", "a", "a_", "a"];
        assert_eq!(names.map(|name| scope.claim(name)), ["r#type", "type_", "self_", "a", "a_", "a__", "a___"]);
        assert_eq!(Scope::of_types().claim("Option"), "Option_");
    }
}
