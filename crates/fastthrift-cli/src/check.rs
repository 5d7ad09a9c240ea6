use std::io::{self, Write};

use clap::{Args, ValueEnum};
use fastthrift_idl::{Check, Format};

use crate::sources::Sources;

/// Say what is wrong with IDL files and what they include
///
/// The exit code is 0 without errors, 1 with errors, and 2 when a file cannot be read.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    sources: Sources,
    /// How findings are written: "text", or "json" for one object a line
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    format: FormatName,
}

#[derive(Debug, Clone, Copy, Default, ValueEnum)]
enum FormatName {
    #[default]
    Text,
    Json,
}

pub(crate) fn run(arguments: &Arguments) -> io::Result<u8> {
    let format = match arguments.format {
        FormatName::Text => Format::Text,
        FormatName::Json => Format::Json,
    };
    let sources = &arguments.sources;
    let check = Check::new(&sources.loader(), &sources.files, &sources.options());
    let mut out = io::stdout();
    match out.write_all(check.render(format).as_bytes()).and_then(|()| out.flush()) {
        // Whoever reads has had enough; what was found counts all the same.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(io::Error::new(error.kind(), format!("cannot write what was found: {error}")))
        }
        _ => Ok(check.exit_code()),
    }
}
