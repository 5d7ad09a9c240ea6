"""What generated Rust costs to build: CPU time of a release build of a client that calls one method.

`python -m benches.rust_compile [--write]` makes a crate in a temporary folder, builds the crates that it stands on,
and then measures the build of the crate itself: with an empty `main`, and with a client of one method of
`hive_metastore.thrift`.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import tempfile
from pathlib import Path

from benches import report, rust_machine
from benches.peers import ROOT, SHARED

IDL = SHARED / "idl" / "impala" / "hive_metastore.thrift"
PAGE = "rust-compile"

MANIFEST = f"""\
[package]
name = "client"
version = "0.0.0"
edition = "2024"

[workspace]

[dependencies]
fastthrift = {{ path = "{ROOT}/crates/fastthrift" }}
tokio = {{ version = "1.54", features = ["macros", "rt"] }}

[build-dependencies]
fastthrift-codegen = {{ path = "{ROOT}/crates/fastthrift-codegen", features = ["build"] }}
"""

BUILD = f"""\
fn main() -> Result<(), fastthrift_codegen::build::Error> {{
    fastthrift_codegen::compile(["{IDL}"])
}}
"""

EMPTY = "fn main() {}\n"

CLIENT = """\
mod idl {
    fastthrift::include_thrift!("hive_metastore");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let channel = fastthrift::Channel::connect("tcp://127.0.0.1:9083").await?;
    let client = idl::hive_metastore::ThriftHiveMetastoreClient::new(channel);
    println!("{:?}", client.get_table("default", "events").await?);
    Ok(())
}
"""


def build(folder: Path, main: str) -> float:
    """Build the crate with this `main` in release mode and return the CPU time in seconds."""
    (folder / "src" / "main.rs").write_text(main)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = ["cargo", "build", "--release", "--quiet"]
    subprocess.run(command, cwd=folder, check=True, env={**os.environ, "CARGO_TARGET_DIR": str(folder / "target")})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure() -> str:
    """Measure all of it and return the page."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "src").mkdir()
        (folder / "Cargo.toml").write_text(MANIFEST)
        (folder / "build.rs").write_text(BUILD)
        shared = build(folder, EMPTY)
        empty = build(folder, f"{EMPTY}\n")
        client = build(folder, CLIENT)
        again = build(folder, f"{CLIENT}\n")
        machine = rust_machine.described(folder, ["tokio"])
        generated = next((folder / "target" / "release" / "build").glob("client-*/out/hive_metastore.rs")).read_text()
    lines = len(generated.splitlines())
    rows = [
        ["the crates that it stands on, and the build script", f"{shared:.1f}"],
        ["an empty `main`", f"{empty:.1f}"],
        ["a client that calls one method", f"{client:.1f}"],
        ["the same again, after a change", f"{again:.1f}"],
    ]
    return "\n\n".join(
        [
            "# Building generated Rust",
            machine,
            f"`hive_metastore.thrift` and what it includes: {lines:,} lines of Rust, {len(generated) / 1e6:.2f} MB. "
            "CPU time of `cargo build --release` with Cargo's own settings, one build each, all processes counted.",
            report.table(["build", "CPU, s"], rows),
        ]
    )


def main() -> None:
    """Measure, print, and keep the page if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--write", action="store_true", help="keep the page in docs/benchmarks")
    report.publish(PAGE, measure(), write=parser.parse_args().write)


if __name__ == "__main__":
    main()
