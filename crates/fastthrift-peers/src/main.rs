//! Programs on the runtime that the tests in Python and the conformance suite talk to: `fastthrift-peers PROGRAM [OPTIONS]`.
//!
//! Those of the conformance suite are started as its other programs are. The other servers take their options as JSON
//! ([`serving::Options`]); all others say a line of JSON for each line that they read, and end when there is no more to read.

mod caller;
mod conformance;
mod held;
#[allow(clippy::pedantic, reason = "it is generated")]
mod idl;
mod oracle;
mod serving;
mod store;

use std::error::Error;
use std::process::ExitCode;

/// What a program comes to.
type Outcome<T = ()> = Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let program = arguments.next().unwrap_or_default();
    let mut options = || arguments.next().unwrap_or_else(|| "{}".to_owned());
    let outcome = match program.as_str() {
        "caller" => caller::run(),
        "conformance-client" => conformance::call(arguments),
        "conformance-server" => conformance::serve(arguments),
        "oracle-callers" => oracle::callers::run(),
        "oracle-server" => oracle::server::run(&options()),
        "store-server" => store::run(&options()),
        _ => Err(format!("there is no program {program:?}").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}
