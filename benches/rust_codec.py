"""The Rust codecs beside their peers: builds and runs `benches/rust-codec`, and makes tables of what it prints."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benches import aims, report, rust_machine
from benches.measure import Sample
from benches.peers import ROOT

CRATE = ROOT / "benches" / "rust-codec"
ALLOCATORS: Mapping[str, Sequence[str]] = {
    "The system's allocator": (),
    "mimalloc": ("mimalloc",),
}
"""The title of each part, and the features of its build."""
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
the lists and the bytes. `parquet, page encodings` is told to keep the lists of one kind.

What is best for a program depends on the allocator as much as on the codec, so each part is measured with two."""


OWNED, TEXT, BORROWED = "fastthrift", "fastthrift, Text", "fastthrift, borrowed"


@dataclass(frozen=True, kw_only=True)
class Aim(aims.Aim):
    """How many times as fast as a rival one of our rows is to be."""

    case: tuple[str, str, str]
    """Name, protocol and direction."""
    subject: str = OWNED
    is_least: bool = True

    def measured(self, cases: Sequence[Mapping[str, Any]]) -> float | None:
        """Return the ratio; None if the case was not measured."""
        for case in cases:
            if (case["case"], case["protocol"], case["direction"]) == self.case:
                samples = _samples(case)
                return samples[_rival(samples)].ratio_to(samples[self.subject])
        return None


def _aims() -> Iterator[Aim]:
    for name, borrowed in (("small", BORROWED), ("book", f"{BORROWED}, BTreeMap")):
        case = (name, "Binary", "encode")
        yield Aim(text=f"{name}: encode, to pilota", bound=3.0, case=case)
        case = (name, "Binary", "decode")
        yield Aim(text=f"{name}: decode with strings owned as pilota's, `Text`", bound=1.7, case=case, subject=TEXT)
        yield Aim(text=f"{name}: decode with `String`s, to pilota", bound=1.7, case=case)
        yield Aim(text=f"{name}: decode borrowed, to pilota", bound=3.0, case=case, subject=borrowed)
    for name in ("10k double", "10k i64"):
        for direction in ("encode", "decode"):
            yield Aim(text=f"{name}: {direction}, to pilota", bound=4.0, case=(name, "Binary", direction))
    for name in ("small", "book", "10k double", "10k i64", "1k map"):
        yield Aim(text=f"{name}: Compact encode, to pilota", bound=4.0, case=(name, "Compact", "encode"))
    case = ("Parquet footer", "Compact", "decode")
    yield Aim(text="Parquet footer: decode borrowed, to the parquet crate", bound=1.0, case=case, subject=BORROWED)
    yield Aim(text="Parquet footer: decode owned, to the parquet crate", bound=1.0, case=case)


def run(*, rounds: int, batch_seconds: float) -> str:
    """Build, measure and return the report.

    Args:
        rounds: How often each subject is measured.
        batch_seconds: About how long one measurement takes.
    """
    parts = [HEAD.format(machine=rust_machine.described(CRATE, PEERS))]
    for title, features in ALLOCATORS.items():
        cases = [*_measure(features, rounds, batch_seconds)]
        held = aims.section(((aim, aim.measured(cases)) for aim in _aims()), "### What is aimed at")
        parts += (f"## {title}", held, *map(_section, cases))
    return "\n\n".join(parts)


def _measure(features: Sequence[str], rounds: int, batch_seconds: float) -> Iterator[Mapping[str, Any]]:
    program = rust_machine.built(CRATE, "bench-rust", "fastthrift-bench-codec", features)
    ran = subprocess.run([program, str(rounds), str(batch_seconds)], check=True, stdout=subprocess.PIPE, text=True)
    return map(json.loads, ran.stdout.splitlines())


def _samples(case: Mapping[str, Any]) -> dict[str, Sample]:
    return {name: Sample(values) for name, values in case["samples"].items()}


def _rival(samples: Mapping[str, Sample]) -> str:
    return next(name for name in RIVALS if name in samples)


def _section(case: Mapping[str, Any]) -> str:
    samples = _samples(case)
    rival = _rival(samples)
    scale, unit = (1.0, "ns") if case["bytes"] < 1000 or "1 MiB" in case["case"] else (1e-3, "us")
    head = ["", f"median, {unit}", "p10 - p90", "MB/s", f"times as fast as {rival}"]
    rows: list[list[str]] = []
    for name, sample in samples.items():
        speed = case["bytes"] / sample.median * 1e3
        ratio = f"{samples[rival].ratio_to(sample):.2f}"
        rows.append([name, report.figure(sample.median * scale), report.spread(sample, scale), f"{speed:,.0f}", ratio])
    title = f"### {case['case']}, {case['protocol']}, {case['direction']} ({case['bytes']:,} bytes)"
    return f"{title}\n\n{report.table(head, rows)}"
