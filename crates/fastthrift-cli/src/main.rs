//! The command `fastthrift`: adapters that parse arguments, call a library and print.
//!
//! The wheel's command of the same name (`python/fastthrift/_cli.py`) calls the same libraries, so both print the same.

mod check;
mod generate;
mod sources;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Thrift on one Rust core: checks IDL files and generates code from them.
#[derive(Debug, Parser)]
#[command(name = "fastthrift", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Check(check::Arguments),
    /// Generate code from IDL files
    #[command(subcommand)]
    Gen(Box<generate::What>),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Check(arguments) => check::run(&arguments),
        Command::Gen(what) => generate::run(&what),
    };
    match done {
        Ok(code) => code.into(),
        Err(error) => {
            let _ = writeln!(io::stderr(), "fastthrift: {error}");
            ExitCode::from(2)
        }
    }
}
