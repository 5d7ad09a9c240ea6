//! Arbitrary bytes as a file, and as a file and one that it includes: a schema or errors, never a panic.
#![no_main]

use fastthrift_idl::{Dialect, Failure, MemoryLoader, Options, compile, parse, render_all};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    parse("main.thrift", data, &Options::default());
    check(MemoryLoader::new().with_file("main.thrift", data));
    // A zero byte parts the root file from the one that it may include.
    if let Some(at) = data.iter().position(|&byte| byte == 0) {
        let (main, other) = (&data[..at], &data[at + 1..]);
        check(MemoryLoader::from_iter([("main.thrift", main), ("b.thrift", other)]));
    }
});

fn check(loader: MemoryLoader) {
    let mut options = Options::default();
    let extended = compiles(&loader, &options);
    options.dialect = Dialect::Apache;
    assert!(extended || !compiles(&loader, &options), "the dialect of Apache takes more than the extended one");
}

fn compiles(loader: &MemoryLoader, options: &Options) -> bool {
    match compile(loader, "main.thrift", options) {
        Ok(outcome) => {
            render_all(&outcome.warnings, outcome.schema.sources());
            true
        }
        Err(Failure::Invalid(report)) => {
            assert!(report.errors().next().is_some());
            report.render();
            false
        }
        Err(failure) => panic!("{failure}"),
    }
}
