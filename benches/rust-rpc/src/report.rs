//! Runs all of it, and prints the tables.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

/// One way to call.
struct Case {
    kind: &'static str,
    callers: usize,
    is_unix: bool,
}

/// What came of it.
#[derive(Clone, Copy)]
struct Figures {
    rate: f64,
    p50: f64,
    p99: f64,
    p999: f64,
    server: f64,
    client: f64,
}

const KINDS: [&str; 7] = ["raw", "fastthrift", "fastthrift-mux", "volo", "volo-mux", "apache", "tonic"];
/// Those that do not say which port they were given, nor when they listen.
const SILENT: [&str; 3] = ["volo", "volo-mux", "apache"];

/// Runs each case in rounds, and takes the median.
pub fn run(options: &[&str]) {
    let option = |name: &str| options.iter().position(|it| *it == name).and_then(|at| options.get(at + 1).copied());
    let rounds: usize = option("--rounds").map_or(5, |it| it.parse().expect("a number"));
    let seconds: f64 = option("--seconds").map_or(2.0, |it| it.parse().expect("a number"));
    let mut text = String::new();
    for (title, callers, is_unix) in [
        ("One caller, TCP", 1, false),
        ("64 callers, TCP", 64, false),
        ("One caller, UNIX", 1, true),
        ("64 callers, UNIX", 64, true),
    ] {
        table(&mut text, title, callers, is_unix, rounds, seconds);
    }
    println!("{}", text.trim());
}

fn table(text: &mut String, title: &str, callers: usize, is_unix: bool, rounds: usize, seconds: f64) {
    let cases: Vec<Case> = KINDS.iter().map(|kind| Case { kind, callers, is_unix }).collect();
    let mut all: Vec<Vec<Figures>> = cases.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (case, figures) in cases.iter().zip(&mut all) {
            figures.push(measure(case, seconds));
        }
    }
    let medians: Vec<Figures> = all.iter().map(|figures| median(figures)).collect();
    let (raw, volo) = (medians[0], medians[3]);
    let _ = writeln!(text, "\n## {title}\n");
    text.push_str("| | calls/s | x volo | p50 us | x raw | p99 us | p99.9 us | server CPU us/call | x raw | client CPU us/call |\n");
    text.push_str("|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n");
    for (case, it) in cases.iter().zip(&medians) {
        let _ = writeln!(
            text,
            "| {} | {:.0} | {:.2} | {:.1} | {:.2} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} |",
            case.kind,
            it.rate,
            it.rate / volo.rate,
            it.p50,
            it.p50 / raw.p50,
            it.p99,
            it.p999,
            it.server,
            it.server / raw.server,
            it.client,
        );
    }
}

fn median(figures: &[Figures]) -> Figures {
    let of = |value: fn(&Figures) -> f64| {
        let mut values: Vec<f64> = figures.iter().map(value).collect();
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    Figures {
        rate: of(|it| it.rate),
        p50: of(|it| it.p50),
        p99: of(|it| it.p99),
        p999: of(|it| it.p999),
        server: of(|it| it.server),
        client: of(|it| it.client),
    }
}

fn measure(case: &Case, seconds: f64) -> Figures {
    let program = std::env::current_exe().expect("this program has a path");
    let url = url(case);
    let mut server = Command::new(&program)
        .args(["serve", case.kind, &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be run");
    let mut said = BufReader::new(server.stdout.take().expect("it is a pipe"));
    let url = line(&mut said);
    if SILENT.contains(&case.kind) {
        wait_for(&url);
    }
    let before = ask(&mut server, &mut said);
    let milliseconds = format!("{:.0}", seconds * 1e3);
    let output = Command::new(&program)
        .args(["load", case.kind, &url, &case.callers.to_string(), &milliseconds])
        .output()
        .expect("this program can be run");
    let said_by_load = String::from_utf8(output.stdout).expect("it prints numbers");
    let numbers: Vec<f64> = said_by_load.split_whitespace().map(|it| it.parse().expect("a number")).collect();
    let [rate, p50, p99, p999, client, calls] = numbers[..] else { panic!("{said_by_load:?}") };
    let server_time = ask(&mut server, &mut said) - before;
    drop(server.stdin.take());
    server.kill().expect("it runs");
    server.wait().expect("it ended");
    // The calls of the warming up take time, too.
    let calls = calls * 1.1;
    Figures { rate, p50, p99, p999, server: server_time / calls, client: client / calls }
}

fn url(case: &Case) -> String {
    if case.is_unix {
        let path = std::env::temp_dir().join(format!("rust-rpc-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        return format!("unix://{}", path.display());
    }
    if SILENT.contains(&case.kind) {
        let free = std::net::TcpListener::bind("127.0.0.1:0").expect("there is a port");
        return format!("tcp://{}", free.local_addr().expect("it is bound"));
    }
    "tcp://127.0.0.1:0".to_owned()
}

/// Waits until somebody listens there.
fn wait_for(url: &str) {
    for _ in 0..1000 {
        let is_there = match url.strip_prefix("unix://") {
            Some(path) => std::os::unix::net::UnixStream::connect(path).is_ok(),
            None => std::net::TcpStream::connect(url.trim_start_matches("tcp://")).is_ok(),
        };
        if is_there {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    panic!("nobody listens on {url}");
}

/// The time that the server took of the processors so far, in µs.
fn ask(server: &mut Child, said: &mut impl BufRead) -> f64 {
    let pipe = server.stdin.as_mut().expect("it is a pipe");
    pipe.write_all(b"\n").expect("the server runs");
    pipe.flush().expect("the server runs");
    line(said).parse().expect("it is a number")
}

fn line(said: &mut impl BufRead) -> String {
    let mut line = String::new();
    said.read_line(&mut line).expect("the server says something");
    line.trim().to_owned()
}
