//! Files from disk; the only place in this crate that does IO, behind the feature `fs`.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{FileName, Loader, NotFound};

/// Reads files from disk. Includes are searched beside the including file, then in the include directories in order; absolute paths are
/// taken as they are. Two paths to one file, by links too, are one file.
#[derive(Debug, Clone, Default)]
pub struct FileLoader {
    include_dirs: Vec<PathBuf>,
}

impl FileLoader {
    /// A loader that searches these directories too.
    pub fn new<P: Into<PathBuf>>(include_dirs: impl IntoIterator<Item = P>) -> Self {
        Self { include_dirs: include_dirs.into_iter().map(Into::into).collect() }
    }

    fn candidates(&self, path: &Path, including: Option<&FileName>) -> Vec<PathBuf> {
        let Some(including) = including.filter(|_| !path.is_absolute()) else { return vec![path.to_path_buf()] };
        let shown = Path::new(&*including.display).parent();
        // What is shown may have lost characters that are not UTF-8; then the real directory is the one to use.
        let beside =
            shown.filter(|shown| shown.as_os_str().is_empty() || shown.is_dir()).or(including.identity.parent());
        let directories = beside.into_iter().chain(self.include_dirs.iter().map(PathBuf::as_path));
        directories.map(|directory| directory.join(path)).collect()
    }
}

impl Loader for FileLoader {
    fn resolve(&self, path: &Path, including: Option<&FileName>) -> Result<FileName, NotFound> {
        let candidates = self.candidates(path, including);
        let file = candidates.iter().find(|candidate| fs::metadata(candidate).is_ok_and(|found| !found.is_dir()));
        // What is there and no file, or cannot be looked at, is better named as such, by the error of reading it, than called missing.
        match file.or_else(|| candidates.iter().find(|candidate| !is_missing(candidate))) {
            Some(found) => {
                let identity = fs::canonicalize(found).unwrap_or_else(|_| found.clone());
                Ok(FileName { identity: identity.into(), display: found.to_string_lossy().into() })
            }
            None => Err(NotFound { searched: candidates.iter().map(|path| path.display().to_string()).collect() }),
        }
    }

    fn read(&self, file: &FileName) -> io::Result<Vec<u8>> {
        fs::read(&file.identity)
    }
}

/// Whether nothing is there, or no path leads there.
fn is_missing(path: &Path) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound};
    let kinds = [InvalidFilename, InvalidInput, NotADirectory, NotFound];
    fs::metadata(path).is_err_and(|error| kinds.contains(&error.kind()))
}
