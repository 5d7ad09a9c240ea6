"""A client of `Calculator` that is written in Rust, called as one of Python is."""

from __future__ import annotations

import atexit
import json
import subprocess
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.faults import rust

CLIENTS = ("rust", "rust-blocking")
"""Both engines: many calls at a time on tokio, and one that blocks."""
ERRORS: dict[str, Callable[..., fastthrift.TException]] = {
    "application": fastthrift.TApplicationException,
    "connect": fastthrift.ConnectError,
    "lost": fastthrift.ConnectionLost,
    "peer": fastthrift.PeerError,
    "timeout": fastthrift.TransportTimeout,
    "transport": fastthrift.TTransportException,
}


def parameters() -> list[Any]:
    """Return the engines as parameters of tests: what builds the program takes its time, once."""
    absent = pytest.mark.skipif(not rust.is_possible(), reason="there is no cargo here")
    return [pytest.param(kind, marks=[pytest.mark.timeout(900), absent]) for kind in CLIENTS]


class Program:
    """The process that all clients are in, one at a time."""

    def __init__(self) -> None:
        command = [str(rust.program()), "caller"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        atexit.register(self._process.kill)

    def tell(self, task: Any) -> dict[str, Any]:
        """Let it do something, and return what it says of that."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        said: dict[str, Any] = json.loads(self._process.stdout.readline())
        return said

    def do(self, task: Any) -> Any:
        """The same; an error is raised as the Python package would raise it."""
        said = self.tell(task)
        if "error" in said:
            if said["error"] == "protocol":
                raise fastthrift.DecodeError(said["text"])
            raise ERRORS[said["error"]](message=said["text"])
        return said["value"]


@cache
def program() -> Program:
    """Return the process."""
    return Program()


class RustClient:
    """A client that is open."""

    def __init__(
        self,
        kind: str,
        url: str,
        *,
        protocol: str = "binary",
        transport: str = "framed",
        timeout: float,
        limit: int,
        authorities: Path | None = None,
    ) -> None:
        opening = {"url": url, "protocol": protocol, "transport": transport, "timeout": timeout, "limit": limit}
        trusted = str(authorities) if authorities else None
        program().do({"open": {**opening, "is_blocking": kind == "rust-blocking", "authorities": trusted}})

    def close(self) -> None:
        """Close it."""
        program().do("close")

    def add(self, a: int, b: int) -> int:
        """Call the function."""
        return int(program().do({"add": [a, b]}))

    def refuse(self, text: str) -> None:
        """Call the function, with a text of the same length."""
        program().do({"refuse": len(text)})
