"""The report of the RPC benchmark: a table for each scenario, and what was aimed at."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from benches import aims, echo_client, echo_server, report
from benches.echo_client import ASYNCIO as ASYNCIO_CLIENTS
from benches.echo_server import ASYNCIO as ASYNCIO_SERVERS
from benches.measure import Sample
from benches.rpc import CLIENTS, MIXED, PAIRS, SERVERS, SHARED, Figures, Found, Scenario

BLOCKING, PLAIN, ASYNC = "fastthrift", "fastthrift asyncio, plain handler", "fastthrift asyncio, async handler"
ASYNCIO_CLIENT = "fastthrift asyncio"
KINDS = {"server": [*echo_server.KINDS], "client": [*echo_client.BLOCKING, *echo_client.ASYNCIO]}


@dataclass(frozen=True, kw_only=True)
class Aim(aims.Aim):
    """One bound on a ratio of two subjects, or on a figure of one."""

    scenario: Scenario
    figure: str
    ours: str
    other: str = ""

    def measured(self, found: Found) -> float | None:
        """Return the ratio or the figure; None if one of the two was not measured."""
        figures = found.get(self.scenario, {})
        if self.ours not in figures or (self.other and self.other not in figures):
            return None
        ours: Sample = getattr(figures[self.ours], self.figure)
        return ours.ratio_to(getattr(figures[self.other], self.figure)) if self.other else ours.median


CPU_OF_MANY = "server CPU, 32 connections: "
AIMS = (
    Aim(
        text=f"{CPU_OF_MANY}blocking to C epoll", bound=1.3,
        scenario=SERVERS[0], figure="cpu_us", ours=BLOCKING, other="floor: C epoll echo",
    ),
    Aim(
        text=f"{CPU_OF_MANY}blocking to thriftpy2", bound=1 / 3,
        scenario=SERVERS[0], figure="cpu_us", ours=BLOCKING, other="thriftpy2 threaded, cybin",
    ),
    Aim(
        text=f"{CPU_OF_MANY}asyncio, plain handler, to asyncio.Protocol", bound=1.6,
        scenario=SERVERS[0], figure="cpu_us", ours=PLAIN, other="floor: asyncio.Protocol echo",
    ),
    Aim(
        text=f"{CPU_OF_MANY}asyncio, async handler, to thriftpy2 asyncio", bound=0.2,
        scenario=SERVERS[0], figure="cpu_us", ours=ASYNC, other="thriftpy2 asyncio",
    ),
    Aim(
        text="calls/s, one connection, client and server: blocking to Python sockets", bound=1.0, is_least=True,
        scenario=PAIRS, figure="rate", ours="fastthrift", other="floor: Python sockets",
    ),
    Aim(
        text="calls/s, one connection, the client alone: blocking to Python sockets", bound=1.0, is_least=True,
        scenario=CLIENTS[0], figure="rate", ours="fastthrift", other="floor: Python sockets",
    ),
    Aim(
        text="calls/s, 64 callers on one connection: asyncio client to thriftpy2's", bound=10.0, is_least=True,
        scenario=SHARED, figure="rate", ours=ASYNCIO_CLIENT, other="thriftpy2 asyncio",
    ),
    Aim(
        text="p99 of quick calls beside sleeping ones, blocking, us", bound=5000.0,
        scenario=MIXED, figure="p99_us", ours=BLOCKING,
    ),
    Aim(
        text="p99 of quick calls beside sleeping ones, asyncio, us", bound=5000.0,
        scenario=MIXED, figure="p99_us", ours=ASYNC,
    ),
)  # fmt: skip


def report_of(found: Found, missing: Mapping[str, str], rounds: int, seconds: float) -> str:
    """Return the report."""
    parts = [
        "# RPC",
        report.machine(),
        "Echo of a 100-byte struct (a request of 120 bytes, framed, Binary, TCP on the loopback), handler `return "
        "message`. The server is pinned to one core, those who call it to another unless a title says otherwise. "
        f"Medians of {rounds} rounds of {seconds:g} s, processes started anew and shuffled in each. `CPU` is the time "
        "of the whole process measured for one request, the figure that is robust on a shared machine; `x ours` is "
        "how many times that of the fastthrift of its kind, blocking or asyncio.",
        "Servers get one request replayed by a load generator in C, which checks every reply; clients call a server in "
        "C that answers at once. Those of gRPC speak HTTP/2: its servers are called by its own blocking client, its "
        "clients call its own threaded server. Blocking clients on 32 connections are 32 threads, asyncio's 32 tasks. "
        f"The machine's load average at the end was {os.getloadavg()[1]:.1f}, the benchmark's own part of it included.",
        aims.section((aim, aim.measured(found)) for aim in AIMS),
        "Python's sockets with one connection move bytes and do nothing else: 3,800 instructions a call in the client, "
        "the system's own not counted. Ours takes 5,900 for a call of a method with an object that gives an object "
        "back, 2,100 more; the server's side is alike. Counts are valgrind's, of CPython 3.11.",
    ]
    for scenario in (*SERVERS, MIXED, *CLIENTS, SHARED, PAIRS):
        side = "server" if scenario in (*SERVERS, MIXED) else "client"
        parts += (
            f"## {scenario.title}",
            _table(found.get(scenario, {}), side, "CPU of both" if scenario == PAIRS else f"{side} CPU"),
        )
    parts += [f"Not here: {kind}: {reason}." for kind, reason in missing.items()]
    return "\n\n".join(parts) + "\n"


def _table(figures: Mapping[str, Figures], side: str, cpu: str) -> str:
    head = ["", f"{cpu}, us", "p10 - p90", "CPU x ours", "calls/s", "p50, us", "p99, us", "p99.9, us"]
    return report.table(head, [_row(kind, figures, side) for kind in KINDS[side] if kind in figures])


def _row(kind: str, figures: Mapping[str, Figures], side: str) -> list[str]:
    mine = figures[kind]
    is_asyncio = kind in (ASYNCIO_CLIENTS if side == "client" else ASYNCIO_SERVERS)
    ours = figures.get((ASYNCIO_CLIENT if side == "client" else PLAIN) if is_asyncio else BLOCKING)
    return [
        kind,
        report.figure(mine.cpu_us.median),
        report.spread(mine.cpu_us),
        report.figure(mine.cpu_us.ratio_to(ours.cpu_us)) if ours else "",
        f"{mine.rate.median:,.0f}",
        *(report.figure(sample.median) for sample in (mine.p50_us, mine.p99_us, mine.p999_us)),
    ]
