use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use fastthrift_codegen::python::Clashes;
use fastthrift_codegen::{Files, python, rust};
use fastthrift_idl::{Failure, compile_all};
use fastthrift_schema::Schema;

use crate::sources::Sources;

/// What is generated.
#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// Write packages: a module for each IDL file and those that it includes, with its stub
    ///
    /// What a file declares is imported from the package that its py namespace names, or that is called as the file.
    Python {
        #[command(flatten)]
        common: Common,
        /// The package that all modules lie in, such as myapp.idl
        #[arg(long, value_name = "NAME", value_parser = package_name)]
        package: Option<String>,
    },
    /// Write Rust: mod.rs, and a file for each module, for crates that depend on fastthrift
    ///
    /// Modules are called as the files' rs namespaces say, or as the files.
    Rust {
        #[command(flatten)]
        common: Common,
    },
    /// Write stubs (.pyi) for the modules that loading IDL files at run time makes: <file>_thrift.pyi each
    Stubs {
        #[command(flatten)]
        common: Common,
    },
}

/// What every generator takes.
#[derive(Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    sources: Sources,
    /// The folder to write to
    #[arg(short, long, value_name = "DIR")]
    output: PathBuf,
}

pub(crate) fn run(what: &What) -> io::Result<u8> {
    match what {
        What::Python { common, package } => write(common, |schema| python::package(schema, package.as_deref())),
        What::Rust { common } => write(common, |schema| Ok(rust::generate(schema, &rust::Options::default()))),
        What::Stubs { common } => write(common, python::stubs),
    }
}

/// Writes what a generator makes of the files. The exit code is 0, 1 when a file is not right, and 2 when it cannot be read.
fn write(common: &Common, generate: impl FnOnce(&Schema) -> Result<Files, Clashes>) -> io::Result<u8> {
    let Common { sources, output } = common;
    let mut options = sources.options();
    options.needs_every_name = true;
    match compile_all(&sources.loader(), &sources.files, &options) {
        Ok(outcome) => {
            fastthrift_codegen::write(&generate(&outcome.schema).map_err(io::Error::other)?, output)?;
            Ok(0)
        }
        Err(failure) => {
            let (text, code) = match &failure {
                Failure::Invalid(report) => (report.render(), 1),
                _ => (format!("fastthrift: {failure}\n"), 2),
            };
            // Where nobody reads errors, the exit code still tells of them.
            let _ = io::stderr().write_all(text.as_bytes());
            Ok(code)
        }
    }
}

fn package_name(text: &str) -> Result<String, String> {
    python::names::package_name_error(text).map_or_else(|| Ok(text.to_owned()), Err)
}
