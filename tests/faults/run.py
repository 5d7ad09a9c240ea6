"""The fault test: `python -m tests.faults.run [--calls N] [--flip] [--seed N] [--only NAME]`, or `make faults`.

64 callers at a time call a server through a proxy that delays, trickles, cuts, resets, duplicates and reorders whole
frames at random, and with `--flip` flips bytes too. Every call ends in its own answer or an error, by its deadline. A
whole answer to another call is a failure, unless the proxy itself flipped the sequence id of the frame that carried it,
which nobody can tell: and where a connection carries one call at a time not even that excuses it. Afterwards there are
no more descriptors, threads and memory than before in the process of the callers and in that of the server, no
connection in the proxy, and none was kept that carried a frame which cannot be read.
"""

from __future__ import annotations

import argparse
import faulthandler
import inspect
import json
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import fastthrift
import fastthrift.aio

from tests.faults import aio_callers, callers, rust, rust_callers, tokens, watch
from tests.faults.aio_callers import AsyncClients
from tests.faults.callers import Clients, Opening, Tally
from tests.faults.chaos import Plan
from tests.faults.rust_callers import Sharing
from tests.python.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]
CALLERS = 64
DEADLINE = 0.6
WARM_CALLS = 600


Held = Callable[[], Mapping[str, int]]
"""Says what a process holds."""


@dataclass(frozen=True)
class Scenario:
    """One way in which the callers share connections."""

    name: str
    clients: Clients | AsyncClients | Sharing
    share: float
    """How much of the calls it makes."""
    fatal: float = 1.0
    """How much of the faults that every call of a connection suffers from there is."""
    deadline: float = DEADLINE
    server: str = "threads"
    """The kind of server that is called, where there is that kind."""
    scheme: str = "tcp"
    options: Mapping[str, Any] = field(default_factory=dict)
    """What clients are opened with."""
    is_multiplexed: bool = False
    """Whether a connection carries several calls at a time."""
    has_frames: bool = True
    """Whether the proxy sees framed Binary."""
    is_sealed: bool = False
    """Whether what carries the messages finds every flipped byte by itself."""
    run: Callable[..., Tally] = callers.run_threads


BY_THREADS = (
    Scenario("threads, a client each", callers.own_clients, 0.3),
    Scenario("threads, eight to a client", callers.few_clients, 0.2, deadline=1.0, fatal=0.5, server="asyncio"),
    Scenario("threads, one client", callers.one_client, 0.03, deadline=2.0, fatal=0.2),
    Scenario("threads, one client with a pool", callers.pooled_client, 0.15, server="asyncio"),
)
MULTIPLEXED: Mapping[str, Any] = {"is_multiplexed": True, "run": aio_callers.run_tasks}
BY_TASKS = (
    Scenario("asyncio, one connection", aio_callers.one_connection, 0.1, fatal=0.03, server="asyncio", **MULTIPLEXED),
    Scenario("asyncio, eight to a connection", aio_callers.few_connections, 0.15, fatal=0.2, **MULTIPLEXED),
    Scenario(
        "asyncio, a connection each", aio_callers.own_connections, 0.1, server="asyncio", run=aio_callers.run_tasks
    ),
    Scenario("asyncio, a pool", aio_callers.pooled_connections, 0.08, fatal=0.2, server="asyncio", **MULTIPLEXED),
    Scenario("asyncio, a pool that hedges", aio_callers.hedging_connections, 0.06, fatal=0.2, **MULTIPLEXED),
)
NO_FRAMES: Mapping[str, Any] = {"has_frames": False}
BY_RUST = (
    Scenario("Rust, one connection", Sharing.ONE, 0.15, fatal=0.03, server="asyncio", is_multiplexed=True),
    Scenario("Rust, eight connections", Sharing.EIGHT, 0.15, fatal=0.2, server="rust", is_multiplexed=True),
    Scenario("Rust, a pool", Sharing.POOL, 0.15, server="rust"),
    Scenario("Rust, a pool that asks again", Sharing.RETRYING, 0.1, server="asyncio"),
    Scenario("Rust, threads", Sharing.BLOCKING, 0.15, server="rust"),
    Scenario("Rust, threads, header", Sharing.BLOCKING, 0.05, options={"transport": "header"}, **NO_FRAMES),
    Scenario("Rust, zlib", Sharing.POOL, 0.05, options={"transport": "zlib"}, server="rust", **NO_FRAMES),
    Scenario("Rust, HTTP", Sharing.POOL, 0.05, scheme="http", server="rust", **NO_FRAMES),
)
"""The callers are written in Rust."""
TO_RUST = (
    Scenario("threads, a client each, Rust's server", callers.own_clients, 0.15, server="rust"),
    Scenario(
        "asyncio, one connection, Rust's server",
        aio_callers.one_connection,
        0.1,
        fatal=0.03,
        server="rust",
        **MULTIPLEXED,
    ),
    Scenario(
        "asyncio, eight to a connection, Rust's server",
        aio_callers.few_connections,
        0.1,
        fatal=0.2,
        server="rust",
        **MULTIPLEXED,
    ),
)
"""The server alone is."""


def server_kinds() -> list[str]:
    """Return the kinds of servers that there are."""
    return ["threads", "asyncio", *(["rust"] if rust.is_possible() else [])]


def scenarios(authority: Path | None) -> list[Scenario]:
    """Return the scenarios; those of TLS need the file of the authority whom the server's certificate is of."""
    found = [*BY_THREADS, *BY_TASKS]
    for transport in ("unframed", "header", "header+zlib", "zlib"):
        if has_transport(transport):
            options = {"transport": transport}
            name = f"threads, {transport}"
            found.append(Scenario(name, callers.own_clients, 0.06, options=options, has_frames=False))
    http: Mapping[str, Any] = {"scheme": "http", "has_frames": False}
    found.append(Scenario("threads, HTTP", callers.own_clients, 0.06, **http))
    if "hedge" in inspect.signature(fastthrift.connect).parameters:
        found.append(Scenario("threads, one client that hedges", callers.hedging_client, 0.06, server="asyncio"))
    if authority is not None:
        sealed: Mapping[str, Any] = {"scheme": "tls", "has_frames": False, "is_sealed": True}
        options = {"tls": fastthrift.ClientTLS(ca_file=authority)}
        found.append(Scenario("threads, TLS", callers.own_clients, 0.08, options=options, fatal=0.5, **sealed))
    if rust.is_possible():
        found += [*BY_RUST, *TO_RUST]
        if authority is not None:
            trusted: Mapping[str, Any] = {"options": {"ca": str(authority)}, "fatal": 0.5, "server": "rust", **sealed}
            found.append(Scenario("Rust, TLS", Sharing.POOL, 0.05, **trusted))
    return found


def has_transport(name: str) -> bool:
    """Say whether clients know a transport."""
    transport: Any = name
    try:
        fastthrift.connect(tokens.module().Oracle, "tcp://127.0.0.1:1", transport=transport)
    except fastthrift.ConnectError:
        return True
    except ValueError:
        return False
    return True


class Helper:
    """A process that answers each line with a line of JSON."""

    def __init__(self, module: str, *arguments: str) -> None:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(_command(module, *arguments), stdin=pipe, stdout=pipe, text=True, cwd=ROOT)
        said = self._read()
        self.port: int = said.get("port", 0)
        self.ports: dict[str, int] = said.get("ports", {})

    def ask(self, line: str = "") -> dict[str, Any]:
        """Return what it has to say now, or to this."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._read()

    def end(self) -> int:
        """Let it end, and return its status."""
        with self._process as process:
            assert process.stdin is not None
            process.stdin.close()
            try:
                return process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                raise

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args!r} ended with status {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said


def _command(module: str, *arguments: str) -> list[str]:
    """Return how a helper is started: a module beside this one, or with `rust` before its name a program in Rust."""
    if module == "rust":
        return [str(rust.program()), *arguments]
    return [sys.executable, "-X", "faulthandler", "-m", f"tests.faults.{module}", *arguments]


@contextmanager
def serving(kind: str, options: Mapping[str, Any]) -> Iterator[tuple[Helper, list[str]]]:
    """Run a server of this kind in a process of its own, as `helper` does."""
    which = ("rust", "oracle-server") if kind == "rust" else ("server", kind)
    with helper(*which, json.dumps(options)) as found:
        yield found


@contextmanager
def helper(module: str, *arguments: str) -> Iterator[tuple[Helper, list[str]]]:
    """Run a helper's process; what was wrong with its end is in the list afterwards."""
    process, failures = Helper(module, *arguments), []
    try:
        yield process, failures
    finally:
        status = process.end()
        if status:
            failures.append(f"{module} ended with status {status}")


@dataclass
class Outcome:
    """What a scenario came to."""

    scenario: Scenario
    tally: Tally
    proxy: dict[str, Any]
    seconds: float
    failures: list[str]

    def summary(self) -> str:
        """Return one line."""
        foreign = self.tally.foreign.keys()
        excused = len(foreign & set(self.proxy["renumbered"])) if self.scenario.is_multiplexed else 0
        errors = ", ".join(f"{count} {name}" for name, count in sorted(self.tally.errors.items()))
        faults = sum(count for name, count in self.proxy["faults"].items() if name != "forwarded")
        return (
            f"{self.scenario.name}: {self.tally.calls} calls in {self.seconds:.1f} s, {self.tally.own} own answers, "
            f"{len(foreign) - excused} of another call ({excused} sent renumbered), {self.tally.damaged} damaged, "
            f"{errors or 'no errors'}; "
            f"{faults} faults on {self.proxy['connections']} connections, {self.proxy['must close']} had to be closed; "
            f"latest end {1000 * self.tally.worst:+.0f} ms from the deadline; "
            f"{'good' if not self.failures else 'FAILED'}"
        )


def judge(scenario: Scenario, tally: Tally, proxy: dict[str, Any], *, flips: bool) -> list[str]:
    """Return what is wrong about a scenario's end."""
    failures = list(tally.failures)
    excused = set(proxy["renumbered"]) if flips and scenario.is_multiplexed else set()
    failures += [
        f"{asked} got the whole answer to {number}" for number, asked in tally.foreign.items() if number not in excused
    ]
    failures += [f"a connection was kept: {kept}" for kept in proxy["unclosed"]]
    if proxy["open"]:
        failures.append(f"{proxy['open']} connections are open at the end")
    if tally.own < tally.calls / 4:
        failures.append(f"only {tally.own} of {tally.calls} calls were answered, which tests little")
    return failures


def play(scenario: Scenario, server: Helper, *, calls: int, seed: int, flips: bool) -> Outcome:
    """Run one scenario through a proxy of its own."""
    plan = Plan(
        seed=seed, flips=flips, fatal=scenario.fatal, deadline=scenario.deadline, has_frames=scenario.has_frames
    )
    upstream = str(server.ports[scenario.scheme])
    with ExitStack() as stack:
        proxy, ends = stack.enter_context(helper("proxy", upstream, json.dumps(asdict(plan))))
        run_callers, held, more_ends = _callers(scenario, stack)
        url = f"{scenario.scheme}://127.0.0.1:{proxy.port}"
        opening = Opening(url, scenario.deadline, scenario.options)
        may_be_damaged = flips and not scenario.is_sealed

        def call(count: int) -> Tally:
            return run_callers(
                scenario.clients, opening, callers=CALLERS, calls=count, seed=seed, may_be_damaged=may_be_damaged
            )

        total = call(WARM_CALLS)
        _settle(proxy)
        start = time.monotonic()
        found = _left(held, server.ask, proxy, lambda: total.add(call(calls)))
        seconds = time.monotonic() - start
        for _ in range(3):
            if not found or not all(leak.startswith("bytes") for leak in found):
                break
            # Allocators keep what the busiest moment took: only what grows again and again is a leak.
            found = _left(held, server.ask, proxy, lambda: total.add(call(calls)))
        report = _settle(proxy)
    found += judge(scenario, total, report, flips=flips)
    return Outcome(scenario, total, report, seconds, found + ends + more_ends)


def _callers(scenario: Scenario, stack: ExitStack) -> tuple[Callable[..., Tally], Held, list[str]]:
    """Return what lets the callers call, what they hold, and what will be wrong with the end of their process."""
    if not isinstance(scenario.clients, Sharing):
        return scenario.run, watch.held, []
    process, ends = stack.enter_context(helper("rust", "oracle-callers"))
    return partial(rust_callers.run, process.ask), process.ask, ends


def _left(held_here: Held, held_there: Held, proxy: Helper, work: Callable[[], None]) -> list[str]:
    """Work, and return what is left of it with the callers and with the server."""
    here, there = held_here(), held_there()
    work()
    _settle(proxy)
    found = [f"{leak}, with the callers" for leak in watch.leaks(here, held_here)]
    return found + [f"{leak}, with the server" for leak in watch.leaks(there, held_there)]


def _settle(proxy: Helper) -> dict[str, Any]:
    """Wait until all connections are closed, and return what the proxy has to say then."""
    end = time.monotonic() + 15
    while (report := proxy.ask())["open"] and time.monotonic() < end:
        time.sleep(0.05)
    return report


def run(*, calls: int, seed: int, flips: bool, only: str = "", say: Callable[[str], None] = print) -> list[str]:
    """Run every scenario and return what failed.

    Args:
        calls: How many calls all scenarios make together, at least.
        seed: What the faults and the callers' choices are drawn by.
        flips: Whether bytes are flipped too.
        only: A part of the names of the scenarios to run.
        say: What takes a line for each scenario, and one for all.
    """
    say(f"faults{', and flipped bytes' if flips else ''}: seed {seed}")
    with ExitStack() as stack:
        authority, identity = _identity(Path(stack.enter_context(tempfile.TemporaryDirectory())))
        chosen = [scenario for scenario in scenarios(authority) if only in scenario.name]
        shares = sum(scenario.share for scenario in chosen)
        outcomes: list[Outcome] = []
        helpers = {kind: stack.enter_context(serving(kind, identity)) for kind in server_kinds()}
        for scenario in chosen:
            server, _ = helpers.get(scenario.server, helpers["threads"])
            part = int(calls * scenario.share / shares) + 1
            outcomes.append(play(scenario, server, calls=part, seed=seed, flips=flips))
            say(outcomes[-1].summary())
    failures = [failure for _, ends in helpers.values() for failure in ends]
    failures += [f"{outcome.scenario.name}: {what}" for outcome in outcomes for what in outcome.failures]
    faults: Counter[str] = Counter()
    for outcome in outcomes:
        faults.update(outcome.proxy["faults"])
    total = sum(outcome.tally.calls for outcome in outcomes)
    own = sum(outcome.tally.own for outcome in outcomes)
    say(f"frames: {', '.join(f'{count} {name}' for name, count in sorted(faults.items()))}")
    say(f"{total} calls by {CALLERS} callers, {own} own answers, {len(failures)} failures (seed {seed})")
    return failures


def _identity(folder: Path) -> tuple[Path | None, dict[str, list[str]]]:
    """Return the file of an authority and the options of a server that it knows; nothing without OpenSSL's command."""
    if shutil.which("openssl") is None:
        return None, {}
    authority = Authority(folder)
    return authority.file, {"identity": [str(file) for file in authority.issue("server")]}


def main() -> int:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(prog="faults", description=__doc__)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--flip", action="store_true", help="flip bytes too")
    parser.add_argument("--only", default="", help="a part of the names of the scenarios to run")
    options = parser.parse_args()
    faulthandler.enable()
    seed = secrets.randbelow(1 << 32) if options.seed is None else options.seed

    def say(line: str) -> None:
        print(line, flush=True)

    failures = run(calls=options.calls, seed=seed, flips=options.flip, only=options.only, say=say)
    for failure in failures:
        say(f"FAILED: {failure}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
