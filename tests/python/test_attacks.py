"""Attacks that go on and on: the server takes no more memory than it says, and serves others as it did before."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import fastthrift
import pytest

from tests.faults import attacks, tokens, watch
from tests.faults.attacks import ATTACKS, MESSAGE_LIMIT, ON_HTTP, ON_TLS, WITHIN_TLS
from tests.faults.run import ROOT, Helper, server_kinds, serving
from tests.python.certificates import Authority

OPTIONS = {"max_message_size": MESSAGE_LIMIT, "max_decoded_size": MESSAGE_LIMIT, "message_timeout": 1.5}
LEAST = 0.5
"""The part of its calls that a good client must still get through: an attacker has a core or two to run on, too."""
SLACK = 16 << 20
"""The bytes that the server may grow by for other reasons than an attack."""


TLS_ATTACKS = [
    *((name, "tls") for name in ON_TLS),
    ("plaintext", "https"),
    *((name, "tls" if name.removesuffix(" within TLS") in ATTACKS else "https") for name in WITHIN_TLS),
]
"""What is done to which port of TLS."""


kinds = pytest.mark.parametrize(
    # What builds the programs in Rust takes its time, once.
    "kind",
    [pytest.param(kind, marks=[pytest.mark.timeout(900)] if kind == "rust" else []) for kind in server_kinds()],
)


@contextlib.contextmanager
def attacked(name: str, port: int) -> Iterator[None]:
    """Attack a port from another process."""
    command = [sys.executable, "-m", "tests.faults.attacks", name, str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "under way\n"
            yield
            assert process.poll() is None, "the attack has ended"
        finally:
            process.kill()


def calls_in(port: int, seconds: float) -> int:
    """Return how many calls a good client makes in some time, connecting included."""
    token = tokens.make(7)
    expected = tokens.answer(token, "ask")
    count, end = 0, time.monotonic() + seconds
    with fastthrift.connect(tokens.module().Oracle, f"tcp://{attacks.HOST}:{port}", timeout=10) as client:
        while time.monotonic() < end:
            assert client.ask(token) == expected  # type: ignore[attr-defined]
            count += 1
    return count


def worst(server: Helper, port: int, enough: float) -> tuple[float, int]:
    """Return the calls of the best of some tries, and the most memory that the server had between them."""
    best, most, end = 0.0, 0, time.monotonic() + 10
    for number in range(20):
        best = max(best, calls_in(port, 0.25))
        most = max(most, server.ask()["bytes"])
        if number >= 3 and (best >= enough or time.monotonic() > end):
            break
    return best, most


@kinds
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_takes_neither_memory_nor_time_from_others(name: str, kind: str) -> None:
    with serving(kind, OPTIONS) as (server, failures):
        withstands(server, name, server.port, ATTACKS[name][1])
    assert failures == []


@kinds
@pytest.mark.parametrize("name", ON_HTTP)
def test_an_attack_on_http_takes_neither_memory_nor_time_from_others(name: str, kind: str) -> None:
    with serving(kind, OPTIONS) as (server, failures):
        withstands(server, name, server.ports["http"], ON_HTTP[name][1])
    assert failures == []


@pytest.mark.skipif(shutil.which("openssl") is None, reason="no openssl command to make certificates with")
@kinds
@pytest.mark.parametrize(("name", "scheme"), TLS_ATTACKS)
def test_an_attack_on_tls_takes_neither_memory_nor_time_from_others(
    name: str, scheme: str, kind: str, tmp_path: Path
) -> None:
    identity = [str(file) for file in Authority(tmp_path).issue("server")]
    with serving(kind, {**OPTIONS, "identity": identity}) as (server, failures):
        withstands(server, name, server.ports[scheme], {**ON_TLS, **WITHIN_TLS}[name][1])
    assert failures == []


def withstands(server: Helper, name: str, port: int, memory: int) -> None:
    """Attack one of a server's ports, while good clients call at its port for TCP."""
    calls_in(server.port, 0.2)
    usual = max(calls_in(server.port, 0.25) for _ in range(2))
    before = server.ask()
    with attacked(name, port):
        best, most = worst(server, server.port, usual * LEAST)
    # What else runs on the machine comes and goes: the slower of before and after is what is usual.
    usual = min(usual, max(calls_in(server.port, 0.25) for _ in range(2)))
    print(f"{name}: {best / usual:.2f} of the calls, {(most - before['bytes']) / 2**20:.1f} MiB more")
    assert best >= usual * LEAST
    assert most - before["bytes"] < memory + SLACK
    # Allocators keep what the busiest moment took.
    assert watch.leaks({name: count for name, count in before.items() if name != "bytes"}, server.ask) == []
    assert calls_in(server.port, 0.1) > 0
