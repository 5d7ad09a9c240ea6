"""The Rust codecs beside their peers: builds and runs `benches/rust-codec`, and makes tables of what it prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from benches import report, rust_machine
from benches.measure import Sample

ROOT = Path(__file__).resolve().parent.parent
CRATE = ROOT / "benches" / "rust-codec"
ALLOCATORS: Mapping[str, Sequence[str]] = {
    "The system's allocator": (),
    "mimalloc": ("--features", "mimalloc"),
}
"""The title of each part, and what the build is told for it."""
RIVALS = ("pilota", "pilota, LinkedBytes", "parquet", "Apache")
"""Whom our figures are compared with: the first of these that takes part."""
PEERS = ("pilota", "thrift", "parquet", "ahash", "hashbrown", "mimalloc")

HEAD = """\
# Rust codecs

{machine}

`small` is a struct of five numbers and a text of 12 bytes; `book` holds 100 persons with 13 texts and a map \
each. The peers' types are of their own generators, with all fields required, which spares them an `Option` \
around each; ours are in the shape that `fastthrift gen rust` gives them. All write as many bytes. Encoding goes \
into a buffer that is used again and again, and includes what a peer takes to find out the size; decoding \
includes dropping the value. pilota's texts (`FastStr`) lie in place up to 30 bytes, as ours do when they are \
`Text`; its maps are `AHashMap`. Its Compact reads no struct with a `bool` or a nested struct, so it has no row \
there. CPU time of one thread, subjects shuffled in each round; `memcpy` copies as many bytes, and `clone` copies \
our owned value, the first row's, in memory and drops it.

A value of owned text and bytes is read in no less time than its `clone` takes, which asks for the same memory and \
reads nothing. With the system's allocator that alone is most of the time of an address book of `String`s, whose \
speed is therefore `malloc`'s; pilota's texts ask for none. The `parquet` \
crate's reader keeps less of a footer than its IDL has: it skips the paths of columns and \
what columns say of themselves in pairs, makes sets of bits of lists of encodings, and numbers of the bytes of \
statistics. Our first rows read all of it; `parquet's fields` are of an IDL without what it skips, which still has \
the lists and the bytes, and is slower than all of it: a field that is not known sends the rest of its struct the \
longer way. `parquet, page encodings` is told to keep the lists of one kind.

What is best for a program depends on the allocator as much as on the codec, so each part is measured with two."""


def run(*, rounds: int, batch_seconds: float) -> str:
    """Build, measure and return the report.

    Args:
        rounds: How often each subject is measured.
        batch_seconds: About how long one measurement takes.
    """
    parts = [HEAD.format(machine=rust_machine.described(CRATE, PEERS))]
    for title, features in ALLOCATORS.items():
        parts.append(f"## {title}")
        parts += (_section(case) for case in _measure(features, rounds, batch_seconds))
    return "\n\n".join(parts)


def _measure(features: Sequence[str], rounds: int, batch_seconds: float) -> Iterator[Mapping[str, Any]]:
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "bench-rust"
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(target), *features]
    subprocess.run(command, cwd=CRATE, check=True)
    program = target / "release" / "fastthrift-bench-codec"
    ran = subprocess.run([program, str(rounds), str(batch_seconds)], check=True, stdout=subprocess.PIPE, text=True)
    return map(json.loads, ran.stdout.splitlines())


def _section(case: Mapping[str, Any]) -> str:
    samples = {name: Sample(values) for name, values in case["samples"].items()}
    rival = next((name for name in RIVALS if name in samples), None)
    scale, unit = (1.0, "ns") if case["bytes"] < 1000 or "1 MiB" in case["case"] else (1e-3, "us")
    head = ["", f"median, {unit}", "p10 - p90", "MB/s"]
    if rival:
        head.append(f"times as fast as {rival}")
    rows: list[list[str]] = []
    for name, sample in samples.items():
        speed = case["bytes"] / sample.median * 1e3
        cells = [name, report.figure(sample.median * scale), report.spread(sample, scale), f"{speed:,.0f}"]
        rows.append([*cells, f"{samples[rival].ratio_to(sample):.2f}"] if rival else cells)
    title = f"### {case['case']}, {case['protocol']}, {case['direction']} ({case['bytes']:,} bytes)"
    return f"{title}\n\n{report.table(head, rows)}"
