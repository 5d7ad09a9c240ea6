"""Calls between Rust programs: builds and runs `benches/rust-rpc`, and makes tables of what it prints."""

from __future__ import annotations

import json
import os
import subprocess
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benches import aims, report, rust_machine
from benches.measure import Sample, shuffled
from benches.peers import ROOT

CRATE = ROOT / "benches" / "rust-rpc"
PEERS = ("volo-thrift", "pilota", "thrift", "tonic", "tokio")
KINDS = ("raw", "raw-values", "fastthrift", "fastthrift-mux", "volo", "volo-mux", "apache", "tonic")
SCENARIOS: Mapping[str, tuple[str, int]] = {
    "One caller, TCP": ("tcp", 1),
    "64 callers, TCP": ("tcp", 64),
    "One caller, UNIX": ("unix", 1),
    "64 callers, UNIX": ("unix", 64),
}
"""The title of each, over what it calls, and how many call at once."""
Figures = Mapping[str, Mapping[str, Sample]]
"""What was measured, by kind and by the figure's name."""

HEAD = """\
# Calls between Rust programs

{machine}

An echo of a struct of 100 bytes, framed Binary, in a frame of 124 bytes. Server and load are two processes on the \
same cores, each with two worker threads of tokio. `raw` is sockets of tokio and nothing else, a connection for each \
caller: it sends back the bytes of a frame, and neither writes nor reads a message, so what it leaves out is the \
price of values, too; `raw-values` is the same with the message written and read on both sides by our codec, and \
nothing else of the call, so that what a runtime costs is what lies above it. `-mux` is all callers on one \
connection, the others have a connection for each call in flight. `apache` is Apache's crate, which has a thread for \
each connection; `tonic` is the same message in gRPC, all callers on one connection. Medians of {rounds} rounds of \
{seconds} s, processes started anew and shuffled in each; a ratio is the median of those of the rounds. CPU is that \
of the whole process, for one call. The machine's load average at the \
end was {load:.1f}, the benchmark's own part of it included."""


@dataclass(frozen=True, kw_only=True)
class Aim(aims.Aim):
    """One bound on a ratio of two kinds."""

    scenario: str
    figure: str
    ours: str = "fastthrift"
    other: str = "raw"

    def measured(self, found: Mapping[str, Figures]) -> float:
        """Return the ratio."""
        figures = found[self.scenario]
        return figures[self.ours][self.figure].ratio_to(figures[self.other][self.figure])


def _aims() -> list[Aim]:
    wanted: list[Aim] = []
    for network in ("TCP", "UNIX"):
        one, many = f"One caller, {network}", f"64 callers, {network}"
        wanted += [
            Aim(text=f"{one}: median latency, to raw", bound=1.1, scenario=one, figure="p50"),
            Aim(text=f"{many}: server CPU, to raw", bound=1.15, scenario=many, figure="server"),
            Aim(
                text=f"{many}: calls/s, pooled, to volo", bound=1.7, is_least=True,
                scenario=many, figure="rate", other="volo",
            ),
            Aim(
                text=f"{many}: calls/s, all on one connection, to volo-mux", bound=5.0, is_least=True,
                scenario=many, figure="rate", ours="fastthrift-mux", other="volo-mux",
            ),
        ]  # fmt: skip
    return wanted


def run(*, rounds: int, seconds: float) -> str:
    """Build, measure and return the report.

    Args:
        rounds: How often each subject is measured.
        seconds: How long one measurement takes.
    """
    program = rust_machine.built(CRATE, "bench-rust-rpc", "fastthrift-bench-rpc")
    found = {
        title: _measure(program, network, callers, rounds, seconds) for title, (network, callers) in SCENARIOS.items()
    }
    machine = rust_machine.described(CRATE, PEERS)
    parts = [HEAD.format(machine=machine, rounds=rounds, seconds=seconds, load=os.getloadavg()[1])]
    parts.append(aims.section((aim, aim.measured(found)) for aim in _aims()))
    parts += (f"## {title}\n\n{_table(figures)}" for title, figures in found.items())
    return "\n\n".join(parts)


def _measure(program: Path, network: str, callers: int, rounds: int, seconds: float) -> Figures:
    samples: dict[str, dict[str, Sample]] = {kind: defaultdict(Sample) for kind in KINDS}
    for kinds in shuffled(KINDS, rounds):
        for kind in kinds:
            command = [str(program), "measure", kind, network, str(callers), f"{seconds * 1e3:.0f}"]
            ran = subprocess.run(command, check=True, stdout=subprocess.PIPE)
            for name, value in json.loads(ran.stdout).items():
                samples[kind][name].values.append(value)
    return samples


def _table(figures: Figures) -> str:
    head = ["", "calls/s", "x volo", "p50, us", "x raw", "p99, us", "p99.9, us"]
    head += ["server CPU, us", "x raw", "client CPU, us"]
    raw, volo = figures["raw"], figures["volo"]
    rows = [
        [
            kind,
            f"{it['rate'].median:,.0f}",
            f"{it['rate'].ratio_to(volo['rate']):.2f}",
            report.figure(it["p50"].median),
            f"{it['p50'].ratio_to(raw['p50']):.2f}",
            report.figure(it["p99"].median),
            report.figure(it["p999"].median),
            report.figure(it["server"].median),
            f"{it['server'].ratio_to(raw['server']):.2f}",
            report.figure(it["client"].median),
        ]
        for kind, it in figures.items()
    ]
    return report.table(head, rows)
