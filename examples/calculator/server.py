"""Serve the calculator: `python server.py [URL]`."""

from __future__ import annotations

import sys
from collections import deque
from pathlib import Path
from typing import Any, TypeVar

import fastthrift

Number = TypeVar("Number", int, float)

calculator = fastthrift.load(Path(__file__).with_name("calculator.thrift"))


class Handler(calculator.Calculator):  # type: ignore[misc, name-defined]  # the class is made when the file is loaded
    """Calculates, and remembers the last hundred results."""

    def __init__(self) -> None:
        self._entries: deque[Any] = deque(maxlen=100)

    def add(self, a: int, b: int) -> int:
        return self._remember("add", a, b, a + b)

    def divide(self, a: float, b: float) -> float:
        if b == 0:
            raise calculator.DivisionByZero(message=f"cannot divide {a} by zero")
        return self._remember("divide", a, b, a / b)

    def history(self, limit: int) -> list[Any]:
        return list(self._entries)[:limit]

    def clear(self) -> None:
        self._entries.clear()

    def _remember(self, operation: str, a: float, b: float, result: Number) -> Number:
        self._entries.appendleft(calculator.Entry(operation, [a, b], result))
        return result


if __name__ == "__main__":
    url = sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:9090"
    print(f"calculator at {url}", flush=True)
    fastthrift.serve(Handler(), url)
