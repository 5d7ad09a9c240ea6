//! Where files come from.

#[cfg(feature = "fs")]
pub mod fs;
mod memory;

use std::io;
use std::path::Path;
use std::sync::Arc;

pub use memory::MemoryLoader;

/// Finds and reads files. The compiler does no IO of its own.
pub trait Loader {
    /// Finds the file that `path` names: the root file as the caller named it, or, with `including`, what stands in an `include` header
    /// of that file. Directories of includes are the loader's business: Thrift looks beside the including file first.
    ///
    /// # Errors
    /// When no file is found. A file that is found but cannot be read is an error of [`Loader::read`].
    fn resolve(&self, path: &Path, including: Option<&FileName>) -> Result<FileName, NotFound>;

    /// Reads a file that [`Loader::resolve`] found. It is called once a file.
    fn read(&self, file: &FileName) -> io::Result<Vec<u8>>;
}

/// A file that a [`Loader`] found.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileName {
    /// What makes the file the same file, however it was written: a canonical path, or a key. Files are read once by this.
    pub identity: Arc<Path>,
    /// The name to show, as a user would write it.
    pub display: Arc<str>,
}

impl FileName {
    /// A file whose identity is its name.
    pub fn new(name: &str) -> Self {
        Self { identity: Path::new(name).into(), display: name.into() }
    }
}

/// There is no such file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NotFound {
    /// The places that were looked at, in order.
    pub searched: Vec<String>,
}
