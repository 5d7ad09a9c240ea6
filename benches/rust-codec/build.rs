//! Has the peers' own generators write their types of `bench.thrift`, and of Parquet's IDL where that is at hand.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn main() {
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets it"));
    let given = Path::new("../idl/bench.thrift");
    println!("cargo::rerun-if-changed={}", given.display());
    let idl = out.join("bench.thrift");
    let text = fs::read_to_string(given).expect("the IDL is beside");
    fs::write(&idl, required(&text)).expect("the folder is cargo's");
    pilota_build::Builder::thrift()
        .ignore_unused(false)
        .compile([&idl], pilota_build::Output::File(out.join("pilota.rs")));
    apache(&idl, "bench", &out);
}

/// Makes the fields of structs required, which spares the peers an `Option` around each.
fn required(text: &str) -> String {
    let line = |line: &str| match line.split_once(": ") {
        Some((id, rest)) if id.trim().parse::<u8>().is_ok() => format!("{id}: required {rest}\n"),
        _ => format!("{line}\n"),
    };
    text.lines().map(line).collect()
}

/// Runs Apache's compiler, and takes the attributes of a crate off what it writes, which is included in a module here.
fn apache(idl: &Path, name: &str, out: &Path) {
    let status = Command::new("thrift").args(["--gen", "rs", "-out"]).arg(out).arg(idl).status();
    assert!(status.is_ok_and(|status| status.success()), "the thrift compiler must be installed: conformance/install");
    let file = out.join(format!("{name}.rs"));
    let text = fs::read_to_string(&file).expect("the compiler wrote it");
    let kept: Vec<_> =
        text.lines().filter(|line| !line.starts_with("#![") && !line.starts_with("extern crate")).collect();
    fs::write(out.join(format!("apache_{name}.rs")), kept.join("\n")).expect("the folder is cargo's");
}
