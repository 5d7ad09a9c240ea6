use std::io::{self, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use fastthrift_codegen::python::Clashes;
use fastthrift_codegen::rust::{SettingError, Settings};
use fastthrift_codegen::{Files, python};
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
        #[command(flatten)]
        settings: RustSettings,
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

/// How Rust is generated.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command")]
pub(crate) struct RustSettings {
    /// Which files: "tree" (mod.rs, and a file for each module) or "file" (one, called as the first IDL file)
    #[arg(long, value_name = "WHICH")]
    layout: Option<String>,
    /// What maps are: "btree", "hash" or "pairs" (a vector of pairs, the fastest to read)
    #[arg(long, value_name = "KIND")]
    maps: Option<String>,
    /// What sets are: "btree", "hash" or "list"
    #[arg(long, value_name = "KIND")]
    sets: Option<String>,
    /// How strings and binaries are held: "owned", "shared" (with the message) or "borrowed" (from the input)
    #[arg(long, value_name = "KIND")]
    texts: Option<String>,
    /// What fields are that are neither required nor optional: "value" or "option"
    #[arg(long, value_name = "KIND")]
    unmarked: Option<String>,
    /// Which typedefs are types of their own: "annotated" or "all"
    #[arg(long, value_name = "WHICH")]
    newtypes: Option<String>,
    /// Let structs keep and write fields that their IDL does not know
    #[arg(long)]
    keep_unknown_fields: bool,
    /// Let unions keep and write members that their IDL does not know
    #[arg(long)]
    keep_unknown_members: bool,
    /// Write no traits of handlers and no servers
    #[arg(long)]
    no_servers: bool,
    /// Write no clients
    #[arg(long)]
    no_clients: bool,
    /// Write clients that block, too
    #[arg(long)]
    blocking: bool,
    /// Write code that does without std, and without services
    #[arg(long)]
    no_std: bool,
    /// A trait to derive on every type; may be given several times
    #[arg(long, value_name = "TRAIT")]
    derive: Vec<String>,
    /// The path of the runtime crate, if it is not `::fastthrift`
    #[arg(long, value_name = "PATH")]
    runtime: Option<String>,
}

impl RustSettings {
    fn read(&self) -> Result<Settings, SettingError> {
        let mut settings = Settings::default();
        let given = [
            ("layout", &self.layout),
            ("maps", &self.maps),
            ("sets", &self.sets),
            ("texts", &self.texts),
            ("unmarked", &self.unmarked),
            ("newtypes", &self.newtypes),
            ("runtime", &self.runtime),
        ];
        let given = given.iter().filter_map(|(name, value)| value.as_deref().map(|value| (*name, value)));
        let flags = [
            ("keep-unknown-fields", self.keep_unknown_fields),
            ("keep-unknown-members", self.keep_unknown_members),
            ("no-servers", self.no_servers),
            ("no-clients", self.no_clients),
            ("blocking", self.blocking),
            ("no-std", self.no_std),
        ];
        let flags = flags.iter().filter(|(_, is_given)| *is_given).map(|(name, _)| (*name, ""));
        let derives = self.derive.iter().map(|value| ("derive", value.as_str()));
        for (name, value) in given.chain(flags).chain(derives) {
            settings.set(name, value)?;
        }
        Ok(settings)
    }
}

pub(crate) fn run(what: &What) -> io::Result<u8> {
    match what {
        What::Python { common, package } => write(common, |schema| python::package(schema, package.as_deref())),
        What::Rust { common, settings } => {
            let settings = settings.read().map_err(io::Error::other)?;
            write(common, |schema| Ok(settings.files(schema)))
        }
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
                _ => (format!("error: {failure}\n"), 2),
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
