"""The handler of the interop tests: it runs on the server of every peer."""

from __future__ import annotations

from collections import deque
from typing import Any

SECRET = "what only the server may know"
REFUSED = 6


class Calculator:
    """Does what `calculator.thrift` says, with the types of whoever serves it."""

    def __init__(self, types: Any) -> None:
        self._types = types
        self._notes: deque[str] = deque(maxlen=1000)

    def add(self, a: int, b: int) -> int:
        return a + b

    def divide(self, a: float, b: float) -> float:
        if b == 0:
            raise self._types.DivisionByZero(message="division by zero", code=-7)
        return a / b

    def echo(self, entry: Any) -> Any:
        return entry

    def nothing(self) -> list[Any]:
        return []

    def check(self, code: int) -> None:
        if code:
            raise self._types.DivisionByZero(message="checked", code=code)

    def note(self, text: str) -> None:
        self._notes.append(text)

    def notes(self) -> list[str]:
        return list(self._notes)

    def refuse(self, text: str) -> None:
        raise self._types.TApplicationException(REFUSED, text)

    def crash(self) -> None:
        raise RuntimeError(SECRET)
