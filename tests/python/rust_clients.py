"""A client of `Calculator` that is written in Rust, called as one of Python is."""

from __future__ import annotations

import atexit
import json
import subprocess
from collections.abc import Callable
from functools import cache
from typing import Any

import fastthrift
import pytest

from tests.faults import rust

CLIENTS = ("rust", "rust-blocking")
"""Both engines: many calls at a time on tokio, and one that blocks."""
ERRORS: dict[str, Callable[[str], fastthrift.TException]] = {
    "application": lambda text: fastthrift.TApplicationException(message=text),
    "protocol": fastthrift.DecodeError,
    "transport": fastthrift.ConnectionLost,
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
            raise ERRORS[said["error"]](said["text"])
        return said["value"]


@cache
def program() -> Program:
    """Return the process."""
    return Program()


class RustClient:
    """A client that is open."""

    def __init__(self, kind: str, url: str, *, protocol: str, transport: str, timeout: float, limit: int) -> None:
        opening = {"url": url, "protocol": protocol, "transport": transport, "timeout": timeout, "limit": limit}
        program().do({"open": {**opening, "is_blocking": kind == "rust-blocking"}})

    def close(self) -> None:
        """Close it."""
        program().do("close")

    def add(self, a: int, b: int) -> int:
        """Call the function."""
        return int(program().do({"add": [a, b]}))
