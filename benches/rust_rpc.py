"""Calls between Rust programs: builds and runs `benches/rust-rpc`, and publishes the tables that it prints."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from benches import rust_machine

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "benches" / "rust-rpc"
PEERS = ("volo-thrift", "pilota", "thrift", "tonic", "tokio")

HEAD = """\
# Calls between Rust programs

{machine}

An echo of a struct of 100 bytes, framed Binary, in a frame of 124 bytes. Server and load are two processes on the \
same cores, each with two worker threads of tokio. `raw` is sockets of tokio and nothing else, a connection for each \
caller: it sends back the bytes of a frame, and neither writes nor reads a message, so what it leaves out is the price \
of values, too. `-mux` is all callers on one connection, the others have a connection for each call in flight. \
`apache` is Apache's crate, which has a thread for each connection; `tonic` is the same message in gRPC, all callers \
on one connection. Medians of {rounds} rounds of {seconds} s, all subjects in each round. \
CPU is that of the whole process, for one call."""


def run(*, rounds: int, seconds: float) -> str:
    """Build, measure and return the report.

    Args:
        rounds: How often each subject is measured.
        seconds: How long one measurement takes.
    """
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench-rust-rpc"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(target)]
    subprocess.run(command, cwd=CRATE, check=True)
    program = target / "release" / "fastthrift-bench-rpc"
    ran = subprocess.run(
        [program, "--rounds", str(rounds), "--seconds", str(seconds)], check=True, stdout=subprocess.PIPE, text=True
    )
    head = HEAD.format(machine=rust_machine.described(CRATE, PEERS), rounds=rounds, seconds=seconds)
    return f"{head}\n\n{ran.stdout.strip()}"
