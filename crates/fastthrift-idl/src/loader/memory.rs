use std::collections::HashMap;
use std::io;
use std::path::{Component, Path, PathBuf};

use super::{FileName, Loader, NotFound};

/// Files in memory, by name. `/` separates directories; `.` and `..` in an include are resolved by the text alone.
#[derive(Debug, Clone, Default)]
pub struct MemoryLoader {
    files: HashMap<PathBuf, Vec<u8>>,
    include_dirs: Vec<PathBuf>,
}

impl MemoryLoader {
    /// A loader without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file; one of the same name is replaced.
    #[must_use]
    pub fn with_file(mut self, name: impl AsRef<Path>, content: impl Into<Vec<u8>>) -> Self {
        self.files.insert(normalize(name.as_ref()), content.into());
        self
    }

    /// Adds a directory, by name, in which includes are searched after the including file's own.
    #[must_use]
    pub fn with_include_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.include_dirs.push(directory.into());
        self
    }
}

impl<N: AsRef<Path>, C: Into<Vec<u8>>> FromIterator<(N, C)> for MemoryLoader {
    fn from_iter<I: IntoIterator<Item = (N, C)>>(files: I) -> Self {
        files.into_iter().fold(Self::new(), |loader, (name, content)| loader.with_file(name, content))
    }
}

impl Loader for MemoryLoader {
    fn resolve(&self, path: &Path, including: Option<&FileName>) -> Result<FileName, NotFound> {
        let beside = including.map(|file| file.identity.parent().unwrap_or(Path::new("")));
        let directories = match beside {
            Some(beside) if !path.is_absolute() => {
                std::iter::once(beside).chain(self.include_dirs.iter().map(PathBuf::as_path)).collect()
            }
            _ => vec![Path::new("")],
        };
        let candidates: Vec<PathBuf> = directories.iter().map(|directory| normalize(&directory.join(path))).collect();
        match candidates.iter().find(|candidate| self.files.contains_key(*candidate)) {
            Some(found) => Ok(FileName { identity: found.as_path().into(), display: found.to_string_lossy().into() }),
            None => Err(NotFound { searched: candidates.iter().map(|path| path.display().to_string()).collect() }),
        }
    }

    fn read(&self, file: &FileName) -> io::Result<Vec<u8>> {
        self.files.get(&*file.identity).cloned().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

/// Resolves `.` and `..` without looking at any disk.
fn normalize(path: &Path) -> PathBuf {
    let mut parts = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(parts.components().next_back(), Some(Component::Normal(_))) => {
                parts.pop();
            }
            other => parts.push(other),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn includes_are_found_beside_the_including_file_and_then_in_include_directories() {
        let loader = MemoryLoader::from_iter([
            ("a/main.thrift", ""),
            ("a/x.thrift", ""),
            ("inc/x.thrift", ""),
            ("inc/y.thrift", ""),
        ])
        .with_include_dir("inc");
        let main = loader.resolve(Path::new("a/main.thrift"), None).unwrap();
        let find = |path: &str| loader.resolve(Path::new(path), Some(&main)).map(|found| found.display.to_string());
        assert_eq!(find("x.thrift").unwrap(), "a/x.thrift");
        assert_eq!(find("y.thrift").unwrap(), "inc/y.thrift");
        assert_eq!(find("../inc/./x.thrift").unwrap(), "inc/x.thrift");
        assert_eq!(find("z.thrift").unwrap_err().searched, ["a/z.thrift", "inc/z.thrift"]);
    }
}
