//! Measures one way to call, and prints what came of it.

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

/// Those that do not say which port they were given, nor when they listen.
const SILENT: [&str; 3] = ["volo", "volo-mux", "apache"];

/// Lets callers of this kind call its server over `network`, `tcp` or `unix`, and prints a JSON object: calls in a
/// second, percentiles of a call's time in µs, and µs of the processors that a call takes on each side.
pub fn run(kind: &str, network: &str, callers: &str, milliseconds: &str) {
    let program = std::env::current_exe().expect("this program has a path");
    let url = url(kind, network);
    let mut server = Command::new(&program)
        .args(["serve", kind, &url])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("this program can be run");
    let mut said = BufReader::new(server.stdout.take().expect("it is a pipe"));
    let url = line(&mut said);
    if SILENT.contains(&kind) {
        wait_for(&url);
    }
    let before = ask(&mut server, &mut said);
    let output = Command::new(&program)
        .args(["load", kind, &url, callers, milliseconds])
        .output()
        .expect("this program can be run");
    let said_by_load = String::from_utf8(output.stdout).expect("it prints numbers");
    let numbers: Vec<f64> = said_by_load.split_whitespace().map(|it| it.parse().expect("a number")).collect();
    let [rate, p50, p99, p999, client, made] = numbers[..] else { panic!("{said_by_load:?}") };
    let server_time = ask(&mut server, &mut said) - before;
    drop(server.stdin.take());
    server.kill().expect("it runs");
    server.wait().expect("it ended");
    let (server, client) = (server_time / made, client / made);
    println!(
        r#"{{"rate": {rate}, "p50": {p50}, "p99": {p99}, "p999": {p999}, "server": {server}, "client": {client}}}"#
    );
}

fn url(kind: &str, network: &str) -> String {
    if network == "unix" {
        let path = std::env::temp_dir().join(format!("rust-rpc-{}.sock", std::process::id()));
        let _ = std::fs::remove_file(&path);
        return format!("unix://{}", path.display());
    }
    if SILENT.contains(&kind) {
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
