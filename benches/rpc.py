"""Echo calls: what a request costs servers and clients, each kind measured from outside by the same counterpart."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import thriftpy2
from thriftpy2.protocol.cybin import TCyBinaryProtocol
from thriftpy2.thrift import TMessageType
from thriftpy2.transport.memory import TCyMemoryBuffer

from benches import data, echo_client, echo_server
from benches.echo_server import HOST
from benches.measure import Sample, shuffled
from benches.peers import IDL
from benches.processes import cores, cpu_seconds, generate, server, start

WARM_SECONDS = 0.2
FLOOR = "floor: "
GRPC = "grpcio"
"""How the kinds begin that speak HTTP/2, which the load generator and the C server do not."""
SLEEPERS, QUICK = 16, 4
"""The connections that call what sleeps, and those that call what does not, at the same time."""


@dataclass(frozen=True)
class Scenario:
    """How many call, and from where."""

    title: str
    connections: int
    same_core: bool = False
    callers: int = 0
    """How many callers share the connections; 0 for one on each."""

    @property
    def core(self) -> int:
        """The core for those who call the server on the first core."""
        return cores()[0] if self.same_core else cores()[-1]


SERVERS = (
    Scenario("Servers, 32 connections", 32),
    Scenario("Servers, one connection", 1),
    Scenario("Servers, one connection, generator on the server's core", 1, same_core=True),
)
CLIENTS = (
    Scenario("Clients, one connection, on the server's core", 1, same_core=True),
    Scenario("Clients, 32 connections", 32),
)
SHARED = Scenario("Clients, 64 callers on one connection", 1, callers=64)
PAIRS = Scenario("Client and server of one kind, one connection, on one core", 1, same_core=True)
MIXED = Scenario(f"Quick calls on {QUICK} connections while {SLEEPERS} others call what sleeps 50 ms", QUICK)


PAIR_OF = {
    "fastthrift": "fastthrift",
    "thriftpy2, cybin": "thriftpy2 threaded, cybin",
    "Apache, accelerated": "Apache thread pool, accelerated",
    "grpcio": "grpcio",
    "floor: Python sockets": "floor: Python socket echo, threads",
    "fastthrift asyncio": "fastthrift asyncio, plain handler",
    "thriftpy2 asyncio": "thriftpy2 asyncio",
    "grpcio asyncio": "grpcio asyncio",
    "floor: asyncio.Protocol": "floor: asyncio.Protocol echo",
}
"""The server of each client's library."""


@dataclass
class Figures:
    """What was measured of one kind in one scenario, one value a round."""

    cpu_us: Sample = field(default_factory=Sample)
    rate: Sample = field(default_factory=Sample)
    p50_us: Sample = field(default_factory=Sample)
    p99_us: Sample = field(default_factory=Sample)
    p999_us: Sample = field(default_factory=Sample)

    def add(self, result: Mapping[str, float], cpu_us: float) -> None:
        """Add a round."""
        self.cpu_us.values.append(cpu_us)
        self.rate.values.append(result["requests"] / result["seconds"])
        for name in ("p50_us", "p99_us", "p999_us"):
            getattr(self, name).values.append(result[name])


Found = dict[Scenario, dict[str, Figures]]


class Bench:
    """All measurements, and what there is no measurement of."""

    def __init__(self, work: Path, loadgen: Path, *, rounds: int, seconds: float) -> None:
        self.found: Found = {}
        self.missing: dict[str, str] = {}
        self._work = work
        self._loadgen = loadgen
        self._rounds = rounds
        self._seconds = seconds

    def servers(self) -> None:
        """Measure every server in every scenario."""
        for order in shuffled(echo_server.KINDS, self._rounds):
            for kind in self._present(order):
                with self._unless_missing(kind), server(kind, self._work) as (process, port):
                    for scenario in SERVERS:
                        self._serve(kind, scenario, process, port)
                    beside = f"{kind}, beside calls that sleep"
                    if not kind.startswith(FLOOR) and beside not in self.missing:
                        with self._unless_missing(beside):
                            self._mix(kind, process, port)

    def clients(self) -> None:
        """Measure every client in every scenario, against the C server, or those of gRPC against its own."""
        kinds = {f"client {kind}": kind for kind in (*echo_client.BLOCKING, *echo_client.ASYNCIO)}
        for order in shuffled(kinds, self._rounds):
            for name in self._present(order):
                kind = kinds[name]
                against = GRPC if kind.startswith(GRPC) else "replies"
                with self._unless_missing(name), server(against, self._work) as (_, port):
                    for scenario in (*CLIENTS, SHARED) if kind in echo_client.ASYNCIO else CLIENTS:
                        result = generate(self._client(kind, port, "echo", scenario, self._seconds), scenario.core)
                        self._figures(scenario, kind).add(result, result["cpu_us"])

    def pairs(self) -> None:
        """Measure every client together with the server of its own library; the CPU time is that of both."""
        kinds = {f"{kind} and its server": kind for kind in PAIR_OF}
        for order in shuffled(kinds, self._rounds):
            for name in self._present(order):
                kind = kinds[name]
                with self._unless_missing(name), server(PAIR_OF[kind], self._work) as (process, port):
                    before = cpu_seconds(process)
                    result = generate(self._client(kind, port, "echo", PAIRS, self._seconds), PAIRS.core)
                    spent = (cpu_seconds(process) - before) / result["calls"] * 1e6
                    self._figures(PAIRS, kind).add(result, result["cpu_us"] + spent)

    def _serve(self, kind: str, scenario: Scenario, process: int, port: int) -> None:
        generate(self._generator(kind, port, "echo", scenario, WARM_SECONDS), scenario.core)
        before = cpu_seconds(process)
        result = generate(self._generator(kind, port, "echo", scenario, self._seconds), scenario.core)
        spent = cpu_seconds(process) - before
        self._figures(scenario, kind).add(result, spent / result["calls"] * 1e6)

    def _mix(self, kind: str, process: int, port: int) -> None:
        sleepers = Scenario("sleepers", SLEEPERS)
        with start(self._generator(kind, port, "rest", sleepers, self._seconds + 1), MIXED.core) as resting:
            try:
                self._serve(kind, MIXED, process, port)
                if resting.poll() is not None:
                    raise RuntimeError("those who call what sleeps have ended before the others")
            finally:
                resting.kill()

    def _generator(self, kind: str, port: int, function: str, scenario: Scenario, seconds: float) -> list[str]:
        """Return the command that calls a server: the load generator, or gRPC's own client."""
        if kind.startswith(GRPC):
            return self._client(GRPC, port, function, scenario, seconds)
        is_raw = kind.startswith(FLOOR)
        messages = [self._work / f"{function}.request", self._work / f"{function}.{'request' if is_raw else 'reply'}"]
        return [str(self._loadgen), HOST, str(port), *map(str, messages), str(scenario.connections), str(seconds)]

    def _client(self, kind: str, port: int, function: str, scenario: Scenario, seconds: float) -> list[str]:
        numbers = (scenario.connections, scenario.callers or scenario.connections, seconds)
        module = [sys.executable, "-m", "benches.echo_client"]
        return [*module, kind, str(port), str(self._work), function, *map(str, numbers)]

    def _figures(self, scenario: Scenario, kind: str) -> Figures:
        return self.found.setdefault(scenario, {}).setdefault(kind, Figures())

    def _present(self, kinds: Sequence[str]) -> Iterator[str]:
        return (kind for kind in kinds if kind not in self.missing)

    @contextmanager
    def _unless_missing(self, kind: str) -> Iterator[None]:
        """Note why a kind cannot be measured."""
        try:
            yield
        except (OSError, RuntimeError, subprocess.SubprocessError) as error:
            self.missing[kind] = str(error)


def run(work: Path, loadgen: Path, floor: Path, *, rounds: int, seconds: float) -> str:
    """Measure every server and client and return the report.

    Args:
        work: A folder for the captured messages and generated code.
        loadgen: The built load generator.
        floor: The built C server.
        rounds: How often each server and client is started and measured.
        seconds: How long each measurement takes.
    """
    from benches import rpc_report

    shutil.copy(floor, work / "floor")
    for function in ("echo", "rest"):
        _capture(work, function)
    bench = Bench(work, loadgen, rounds=rounds, seconds=seconds)
    bench.servers()
    bench.clients()
    bench.pairs()
    return rpc_report.report_of(bench.found, bench.missing, rounds, seconds)


def _capture(work: Path, function: str) -> None:
    """Write a request and its reply, as frames, for the generator to replay."""
    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    message = module.Message(**data.message())
    arguments = getattr(module.Echo, f"{function}_args")(message=message)
    result = getattr(module.Echo, f"{function}_result")(success=message)
    request = _frame(function, TMessageType.CALL, arguments)
    if len(request) != 124:
        raise AssertionError(f"the request has {len(request)} bytes")
    (work / f"{function}.request").write_bytes(request)
    (work / f"{function}.reply").write_bytes(_frame(function, TMessageType.REPLY, result))


def _frame(name: str, kind: int, body: object) -> bytes:
    buffer = TCyMemoryBuffer()
    protocol = TCyBinaryProtocol(buffer)
    protocol.write_message_begin(name, kind, 1)
    protocol.write_struct(body)
    content = bytes(buffer.getvalue())
    return len(content).to_bytes(4, "big") + content
