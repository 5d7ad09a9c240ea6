//! Prints median times of compiling: `load_time [-I dir]... file...`, besides that of a file with one struct.

use std::time::{Duration, Instant};

use fastthrift_idl::fs::FileLoader;
use fastthrift_idl::{Loader, MemoryLoader, Options, compile};

const RUNS: usize = 41;

fn main() {
    let mut include_dirs = Vec::new();
    let mut files = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "-I" => include_dirs.extend(arguments.next()),
            _ => files.push(argument),
        }
    }
    println!("{:>10} {:>6} {:>9}  file", "median", "files", "bytes");
    let one = MemoryLoader::new().with_file("one.thrift", "struct Point { 1: i32 x, 2: i32 y }");
    measure(&one, "one.thrift");
    let disk = FileLoader::new(include_dirs);
    for file in files {
        measure(&disk, &file);
    }
}

fn measure(loader: &dyn Loader, file: &str) {
    let mut times: Vec<Duration> = (0..RUNS).filter_map(|_| time(loader, file)).collect();
    times.sort_unstable();
    let Ok(outcome) = compile(loader, file, &Options::default()) else {
        println!("{file} does not compile");
        return;
    };
    let sources = outcome.schema.sources();
    let bytes: usize = sources.iter().map(|source| source.text.len()).sum();
    let median = times.get(times.len() / 2).copied().unwrap_or_default();
    println!("{:>7.3} ms {:>6} {bytes:>9}  {file}", median.as_secs_f64() * 1e3, sources.len());
}

fn time(loader: &dyn Loader, file: &str) -> Option<Duration> {
    let start = Instant::now();
    let outcome = compile(loader, file, &Options::default()).ok()?;
    let time = start.elapsed();
    drop(outcome);
    Some(time)
}
