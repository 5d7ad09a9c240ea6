use std::collections::BTreeMap;
use std::collections::btree_map::{IntoIter, Iter};

/// Generated files: their texts by name, sorted by name.
///
/// A name is a relative path with `/` between its parts. No part is empty, `.` or `..`, so a file lies below the folder that it is
/// written to.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    texts: BTreeMap<String, String>,
}

impl Files {
    /// No files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file; one of the same name is replaced.
    ///
    /// # Panics
    /// When the name is not a relative path as described above: generators make names of identifiers alone.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) {
        let name = name.into();
        assert!(is_relative(&name), "invariant: {name:?} is a path below the output folder");
        self.texts.insert(name, text.into());
    }

    /// The text of the file with this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(String::as_str)
    }

    /// How many files there are.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is no file.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }

    /// Name and text of each file, by name.
    pub fn iter(&self) -> Iter<'_, String, String> {
        self.texts.iter()
    }
}

impl<'a> IntoIterator for &'a Files {
    type Item = (&'a String, &'a String);
    type IntoIter = Iter<'a, String, String>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl IntoIterator for Files {
    type Item = (String, String);
    type IntoIter = IntoIter<String, String>;
    fn into_iter(self) -> Self::IntoIter {
        self.texts.into_iter()
    }
}

impl Extend<(String, String)> for Files {
    fn extend<T: IntoIterator<Item = (String, String)>>(&mut self, files: T) {
        for (name, text) in files {
            self.add(name, text);
        }
    }
}

fn is_relative(name: &str) -> bool {
    !name.contains('\\') && name.split('/').all(|part| !matches!(part, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_sorted_by_name() {
        let mut files = Files::new();
        files.add("b.py", "2");
        files.add("a/c.py", "1");
        files.add("b.py", "3");
        assert_eq!(files.text("b.py"), Some("3"));
        let names: Vec<_> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a/c.py", "b.py"]);
    }

    #[test]
    #[should_panic(expected = "below the output folder")]
    fn no_file_lies_outside_the_folder() {
        Files::new().add("../a.py", "");
    }
}
