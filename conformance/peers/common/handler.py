"""What the service does: the handler of every peer that is written in Python."""

from __future__ import annotations

from typing import Any


class Handler:
    """Does what `conformance.thrift` says, with the types of whoever serves it."""

    def __init__(self, types: Any) -> None:
        self._types = types
        self._notes: set[str] = set()

    def nothing(self) -> None:
        pass

    def _echo(self, value: Any) -> Any:
        return value

    echoBool = echoI8 = echoI16 = echoI32 = echoI64 = echoDouble = echoString = echoBinary = _echo
    echoColour = echoList = echoSet = echoMap = echoFlags = echoLists = _echo
    echoInner = echoChoice = echoEverything = echoTree = _echo

    def defaults(self) -> Any:
        return self._types.Defaults()

    def several(self, a: int, b: int, c: int) -> int:
        return a - b * c

    def check(self, code: int) -> int:
        if code > 100:
            raise self._types.TooLate(since=code)
        self.checkNothing(code)
        return code

    def checkNothing(self, code: int) -> None:
        if code < 0:
            raise self._types.Refused(reason="below zero", code=code)

    def crash(self) -> None:
        raise RuntimeError("what only the server may know")

    def note(self, text: str) -> None:
        self._notes.add(text)

    def wasNoted(self, text: str) -> bool:
        return text in self._notes
