"""Echo calls: what a request costs the server, measured from outside by one load generator for all servers."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import thriftpy2
from thriftpy2.protocol.cybin import TCyBinaryProtocol
from thriftpy2.thrift import TMessageType
from thriftpy2.transport.memory import TCyMemoryBuffer

from benches import data, report
from benches.echo_server import HOST, KINDS
from benches.measure import Sample, shuffled
from benches.peers import IDL

RAW = "floor: Python socket echo, threads"
START_SECONDS = 15.0
WARM_SECONDS = 0.2


@dataclass(frozen=True)
class Scenario:
    """How the load generator calls."""

    title: str
    connections: int
    same_core: bool = False


SCENARIOS = (
    Scenario("32 connections", 32),
    Scenario("one connection", 1),
    Scenario("one connection, generator on the server's core", 1, same_core=True),
)


@dataclass
class Figures:
    """What was measured of one server in one scenario, one value a round."""

    cpu_us: Sample = field(default_factory=Sample)
    rate: Sample = field(default_factory=Sample)
    p50_us: Sample = field(default_factory=Sample)
    p99_us: Sample = field(default_factory=Sample)


def run(work: Path, loadgen: Path, *, rounds: int, seconds: float) -> str:
    """Measure every server in every scenario and return the report.

    Args:
        work: A folder for the captured messages and generated code.
        loadgen: The built load generator.
        rounds: How often each server is started and measured.
        seconds: How long the generator runs each time.
    """
    _capture(work)
    figures: dict[Scenario, dict[str, Figures]] = {scenario: {} for scenario in SCENARIOS}
    missing: dict[str, str] = {}
    for order in shuffled(KINDS, rounds):
        for kind in (kind for kind in order if kind not in missing):
            try:
                with _server(kind, work) as (process, port):
                    for scenario in SCENARIOS:
                        found = figures[scenario].setdefault(kind, Figures())
                        _measure(
                            found,
                            scenario,
                            process.pid,
                            [str(loadgen), HOST, str(port), *_messages(kind, work)],
                            seconds,
                        )
            except (OSError, RuntimeError, subprocess.SubprocessError) as error:
                missing[kind] = str(error)
    return _report(figures, missing, rounds, seconds)


def _report(figures: dict[Scenario, dict[str, Figures]], missing: dict[str, str], rounds: int, seconds: float) -> str:
    parts = [
        "# RPC",
        report.machine(),
        "Echo of a 100-byte struct (a request of 120 bytes, framed, Binary, TCP on the loopback), handler `return "
        "message`. The server is pinned to one core, the generator, which replays one request and checks every reply, "
        f"to another. Medians of {rounds} rounds of {seconds:g} s, servers started anew and shuffled in each. `CPU` is "
        "the time of the server's whole process for one request, the figure that is robust on a shared machine.",
    ]
    head = ["", "server CPU, us", "p10 - p90", "CPU x ours", "requests/s", "p50, us", "p99, us"]
    for scenario, measured in figures.items():
        servers = {kind: measured[kind] for kind in KINDS if kind in measured and kind not in missing}
        ours = servers.get(report.OURS)
        rows = [_row(kind, server, ours) for kind, server in servers.items()]
        parts += f"## {scenario.title}", report.table(head, rows)
    parts += [f"Not here: {kind}: {reason}." for kind, reason in missing.items()]
    return "\n\n".join(parts) + "\n"


def _row(kind: str, server: Figures, ours: Figures | None) -> list[str]:
    return [
        kind,
        report.figure(server.cpu_us.median),
        report.spread(server.cpu_us),
        report.figure(server.cpu_us.ratio_to(ours.cpu_us)) if ours else "",
        f"{server.rate.median:,.0f}",
        report.figure(server.p50_us.median),
        report.figure(server.p99_us.median),
    ]


def _measure(figures: Figures, scenario: Scenario, server: int, command: list[str], seconds: float) -> None:
    cores = _cores()
    core = cores[0] if scenario.same_core else cores[-1]
    _generate([*command, str(scenario.connections), str(WARM_SECONDS)], core)
    before = _cpu_seconds(server)
    result = _generate([*command, str(scenario.connections), str(seconds)], core)
    spent = _cpu_seconds(server) - before
    figures.cpu_us.values.append(spent / result["requests"] * 1e6)
    figures.rate.values.append(result["requests"] / result["seconds"])
    figures.p50_us.values.append(result["p50_us"])
    figures.p99_us.values.append(result["p99_us"])


def _generate(command: list[str], core: int) -> dict[str, float]:
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        timeout=float(command[-1]) + 20,
        preexec_fn=lambda: os.sched_setaffinity(0, {core}),
    )
    if done.returncode:
        raise RuntimeError(done.stderr.strip())
    return {name: float(value) for name, value in json.loads(done.stdout).items()}


def _cpu_seconds(process: int) -> float:
    """Return the CPU time of a process, all its threads, in nanoseconds' resolution (Linux: clock_getcpuclockid)."""
    return time.clock_gettime((~process << 3) | 2)


def _cores() -> list[int]:
    return sorted(os.sched_getaffinity(0))


@contextlib.contextmanager
def _server(kind: str, work: Path) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    log = work / "server.log"
    command = [sys.executable, "-m", "benches.echo_server", kind, str(port), str(_cores()[0]), str(work)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_until_it_listens(process, port, log)
            yield process, port
        finally:
            process.kill()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"ended with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"does not listen after {START_SECONDS:.0f} s")


def _capture(work: Path) -> None:
    """Write the request and its reply, as frames, for the generator to replay."""
    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    message = module.Message(**data.message())
    request = _frame("echo", TMessageType.CALL, module.Echo.echo_args(message=message))
    if len(request) != 124:
        raise AssertionError(f"the request has {len(request)} bytes")
    (work / "request").write_bytes(request)
    (work / "reply").write_bytes(_frame("echo", TMessageType.REPLY, module.Echo.echo_result(success=message)))


def _frame(name: str, kind: int, body: object) -> bytes:
    buffer = TCyMemoryBuffer()
    protocol = TCyBinaryProtocol(buffer)
    protocol.write_message_begin(name, kind, 1)
    protocol.write_struct(body)
    content = bytes(buffer.getvalue())
    return len(content).to_bytes(4, "big") + content


def _messages(kind: str, work: Path) -> list[str]:
    request = str(work / "request")
    return [request, request if kind == RAW else str(work / "reply")]
