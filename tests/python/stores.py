"""Servers of `Store`, which peers that mean no good call: one in this process, one written in Rust."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.faults import rust
from tests.faults.run import Helper, helper

MODULE: Any = fastthrift.load(Path(__file__).parent / "store.thrift")
KINDS = [
    "python",
    # What builds the program takes its time, once.
    pytest.param(
        "rust",
        marks=[
            pytest.mark.timeout(900),
            pytest.mark.skipif(not rust.is_possible(), reason="there is no cargo here"),
        ],
    ),
]


class Handler:
    """Serves `Store`."""

    def count(self, tree: Any) -> int:
        return 0 if tree is None or tree.branches is None else len(tree.branches)

    def echo(self, text: str) -> str:
        return text

    def blob(self, size: int) -> bytes:
        return bytes(size)


def resident() -> int:
    """Return the bytes of memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


class Running:
    """A server that runs."""

    def __init__(self, url: str, process: Helper | None) -> None:
        self.url = url
        self._process = process

    def works(self) -> bool:
        """Whether a good client is served."""
        with fastthrift.connect(MODULE.Store, self.url, timeout=10) as client:
            return bool(client.echo("good") == "good")

    def resident(self) -> int:
        """Return the bytes of memory that the process of the server has."""
        return resident() if self._process is None else int(self._process.ask()["bytes"])


@contextmanager
def serving(kind: str, **options: Any) -> Iterator[Running]:
    """Run a server of this kind; both know the options by the same names."""
    if kind == "python":
        with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=MODULE.Store, **options) as server:
            yield Running(server.url, None)
        return
    with helper("rust", "store-server", json.dumps(options)) as (process, failures):
        yield Running(f"tcp://127.0.0.1:{process.port}", process)
    assert failures == []
