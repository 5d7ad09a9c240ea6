//! Compiles files and prints what is to say about them: `check [--apache] [-I dir]... file...`

use std::process::ExitCode;

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Dialect, Failure, Options, compile, render_all};

fn main() -> ExitCode {
    let mut options = Options::default();
    let mut include_dirs = Vec::new();
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--apache" => options.dialect = Dialect::Apache,
            "-I" => include_dirs.extend(arguments.next()),
            _ => files.push(argument),
        }
    }
    let loader = FileLoader::new(include_dirs);
    let mut is_good = true;
    for file in files {
        match compile(&loader, &file, &options) {
            Ok(outcome) => print!("{}", render_all(&outcome.warnings, outcome.schema.sources())),
            Err(Failure::Invalid(report)) => {
                is_good = false;
                print!("{}", report.render());
            }
            Err(failure) => {
                is_good = false;
                println!("error: {failure}");
            }
        }
    }
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
