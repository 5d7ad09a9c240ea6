//! Calls of fastthrift's runtime beside its peers, each server and each load in a process of its own.
//!
//! `fastthrift-bench-rpc measure KIND tcp|unix CALLERS MILLISECONDS` prints one measurement, as a JSON object.

mod apache_peer;
mod load;
mod measure;
mod ours;
mod raw;
mod tonic_peer;
mod volo_peer;

use std::io::{Read, Write};
use std::time::Duration;

use load::Load;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["serve", kind, url] => serve(kind, url),
        ["load", kind, url, callers, milliseconds] => {
            let [callers, milliseconds] = [callers, milliseconds].map(|it| it.parse().expect("it is a number"));
            print_load(&load(kind, url, callers, Duration::from_millis(milliseconds as u64)));
        }
        ["measure", kind, network, callers, milliseconds] => measure::run(kind, network, callers, milliseconds),
        _ => panic!("measure KIND tcp|unix CALLERS MILLISECONDS"),
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("there are threads")
}

/// Serves until standard input ends; then says how much time of the processor it took, in µs.
fn serve(kind: &str, url: &str) {
    let runtime = runtime();
    let (kind, url) = (kind.to_owned(), url.to_owned());
    runtime.spawn(async move {
        let ready = |url: &str| {
            println!("{url}");
            std::io::stdout().flush().expect("somebody reads");
        };
        match kind.as_str() {
            "raw" | "raw-values" => raw::serve(&url, kind == "raw-values", ready).await,
            "fastthrift" | "fastthrift-mux" => ours::serve(&url, ready).await,
            "apache" => {
                ready(&url);
                std::thread::spawn(move || apache_peer::serve(&url));
            }
            "tonic" => tonic_peer::serve(&url, ready).await,
            "volo" => volo_peer::serve(&url, false, ready).await,
            "volo-mux" => volo_peer::serve(&url, true, ready).await,
            _ => panic!("there is no server {kind}"),
        }
    });
    let mut line = [0];
    while std::io::stdin().read(&mut line).is_ok_and(|count| count > 0) {
        println!("{}", processor_time());
        std::io::stdout().flush().expect("somebody reads");
    }
}

fn load(kind: &str, url: &str, callers: usize, time: Duration) -> Load {
    if kind == "apache" {
        return load::run_blocking(apache_peer::Caller::all(url, callers), time);
    }
    runtime().block_on(async {
        match kind {
            "raw" | "raw-values" => load::run(raw::Caller::all(url, callers, kind == "raw-values").await, time).await,
            "fastthrift" => load::run(ours::Caller::all(url, callers, callers.max(2)).await, time).await,
            "fastthrift-mux" => load::run(ours::Caller::all(url, callers, 1).await, time).await,
            "tonic" => load::run(tonic_peer::Caller::all(url, callers).await, time).await,
            "volo" => load::run(volo_peer::Caller::all(url, callers, false), time).await,
            "volo-mux" => load::run(volo_peer::Caller::all(url, callers, true), time).await,
            _ => panic!("there is no load {kind}"),
        }
    })
}

fn print_load(load: &Load) {
    let rate = load.times.len() as f64 / load.elapsed.as_secs_f64();
    let [p50, p99, p999] = [0.5, 0.99, 0.999].map(|part| load.percentile(part));
    println!("{rate} {p50} {p99} {p999} {} {}", processor_time(), load.made);
}

/// What this process took of the processors so far, in µs.
fn processor_time() -> u64 {
    // SAFETY: the struct is plain numbers, which the call fills.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let micros = |time: libc::timeval| u64::try_from(time.tv_sec * 1_000_000 + time.tv_usec).unwrap_or(0);
    micros(usage.ru_utime) + micros(usage.ru_stime)
}
