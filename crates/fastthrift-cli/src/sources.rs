use std::path::PathBuf;

use clap::{Args, ValueEnum};
use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Dialect, Options};

/// Which files a command reads, and how.
#[derive(Debug, Args)]
pub(crate) struct Sources {
    /// IDL files
    #[arg(required = true, value_name = "IDL")]
    pub(crate) files: Vec<PathBuf>,
    /// Where included files are searched after the directory of the including file; may be given several times
    #[arg(short = 'I', long = "include-dir", value_name = "DIR")]
    include_dirs: Vec<PathBuf>,
    /// What to accept: "extended" takes more than Apache's compiler does, "apache" does not
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    dialect: DialectName,
    /// Let an included file be missing
    #[arg(long)]
    allow_missing_includes: bool,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum DialectName {
    #[default]
    Extended,
    Apache,
}

impl Sources {
    pub(crate) fn loader(&self) -> FileLoader {
        FileLoader::new(&self.include_dirs)
    }

    pub(crate) fn options(&self) -> Options {
        let mut options = Options::default();
        options.allow_missing_includes = self.allow_missing_includes;
        options.dialect = match self.dialect {
            DialectName::Extended => Dialect::Extended,
            DialectName::Apache => Dialect::Apache,
        };
        options
    }
}
