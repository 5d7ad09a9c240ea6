//! Rust for a `build.rs`.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), fastthrift_codegen::build::Error> {
//!     fastthrift_codegen::compile(["idl/calculator.thrift"])
//! }
//! ```
//!
//! What it writes to `$OUT_DIR/calculator.rs` is then included: `mod idl { fastthrift::include_thrift!("calculator"); }`.

use std::collections::BTreeMap;
use std::env;
use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use fastthrift_idl::fs::FileLoader;
use fastthrift_schema::Schema;

use crate::rust;
use crate::write::{WriteError, write_all};

/// Generates Rust of these files, each with all that it includes, into `$OUT_DIR`, with the options that are there by default.
///
/// # Errors
/// As [`Build::compile`].
pub fn compile<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Result<(), Error> {
    Build::new().compile(files)
}

/// How Rust is generated in a `build.rs`.
#[derive(Debug, Clone, Default)]
pub struct Build {
    options: rust::Options,
    include_dirs: Vec<PathBuf>,
    out_dir: Option<PathBuf>,
    together: Option<String>,
}

impl Build {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Changes options: `.options(|options| options.maps = Maps::Hash)`.
    #[must_use]
    pub fn options(mut self, change: impl FnOnce(&mut rust::Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// Adds a directory in which included files are searched, after that of the including file.
    #[must_use]
    pub fn include_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.include_dirs.push(directory.into());
        self
    }

    /// Says where the files go instead of `$OUT_DIR`.
    #[must_use]
    pub fn out_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(directory.into());
        self
    }

    /// Puts the code of all files of a call of [`Self::compile`] into one, `NAME.rs`: what several of them include is there once, so that
    /// its types are the same for all.
    #[must_use]
    pub fn together(mut self, name: impl Into<String>) -> Self {
        self.together = Some(name.into());
        self
    }

    /// Generates a file for each of these, `NAME.rs` for `NAME.thrift`, and tells Cargo to run again when one of all files that were read
    /// changes. A file whose text stays the same is not touched.
    ///
    /// # Errors
    /// A file cannot be read or is not valid, of which all errors are told; two would be written to the same place; the output cannot be
    /// written.
    pub fn compile<P: AsRef<Path>>(&self, files: impl IntoIterator<Item = P>) -> Result<(), Error> {
        let out_dir = match &self.out_dir {
            Some(directory) => directory.clone(),
            None => env::var_os("OUT_DIR").map(PathBuf::from).ok_or(Error::NoOutDir)?,
        };
        let files: Vec<PathBuf> = files.into_iter().map(|file| file.as_ref().to_owned()).collect();
        if let Some(name) = &self.together {
            return self.compile_to(&files, out_dir.join(format!("{name}.rs")));
        }
        let mut written = BTreeMap::new();
        for file in &files {
            let mut name = file.file_stem().unwrap_or(OsStr::new("thrift")).to_owned();
            name.push(".rs");
            let path = out_dir.join(name);
            if let Some(other) = written.insert(path.clone(), file).filter(|other| *other != file) {
                return Err(Error::SameName(other.clone(), file.clone()));
            }
            self.compile_to(std::slice::from_ref(file), path)?;
        }
        Ok(())
    }

    fn compile_to(&self, files: &[PathBuf], path: PathBuf) -> Result<(), Error> {
        for file in files {
            watch(file);
        }
        let loader = FileLoader::new(&self.include_dirs);
        let outcome = fastthrift_idl::compile_all(&loader, files, &fastthrift_idl::Options::default());
        let schema = outcome.map_err(|failure| Error::Idl(failure.to_string()))?.schema;
        watch_all(&schema);
        write_all(vec![(path, &rust::generate_file(&schema, &self.options))])?;
        Ok(())
    }
}

fn watch_all(schema: &Schema) {
    for source in schema.sources() {
        watch(Path::new(&*source.name));
    }
}

/// Tells Cargo, which reads what a build script prints. One that cannot be told runs the script again anyway.
fn watch(file: &Path) {
    let _ = writeln!(io::stdout(), "cargo::rerun-if-changed={}", file.display());
}

/// Why nothing was generated.
///
/// Shown as text, with the line of the IDL file, so that a `build.rs` whose `main` returns it reads well.
#[non_exhaustive]
pub enum Error {
    /// What is wrong with the IDL, as text.
    Idl(String),
    /// A file cannot be written.
    Output(WriteError),
    /// These two files have the same name, so what is generated of both would have the same place: see [`Build::together`].
    SameName(PathBuf, PathBuf),
    /// There is no `OUT_DIR`, which Cargo gives build scripts alone, and no [`Build::out_dir`].
    NoOutDir,
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idl(text) => f.write_str(text.trim_end()),
            Self::Output(error) => error.fmt(f),
            Self::SameName(first, second) => {
                let (first, second) = (first.display(), second.display());
                write!(f, "{first} and {second} have the same name: compile them together, or into two folders")
            }
            Self::NoOutDir => f.write_str("OUT_DIR is not set: call it from a build script, or say where to write"),
        }
    }
}

/// As `Display`: it is what Cargo shows of a `main` that failed.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<WriteError> for Error {
    fn from(error: WriteError) -> Self {
        Self::Output(error)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Output(error) => error.source(),
            _ => None,
        }
    }
}
