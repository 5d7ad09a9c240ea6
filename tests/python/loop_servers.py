"""Servers on event loops with one face, whatever their handlers are: what the tests of such servers share."""

from __future__ import annotations

import asyncio
import struct
from pathlib import Path
from typing import Any

import fastthrift
import fastthrift.aio

from tests.interop.handler import SECRET, Calculator

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")
REQUEST = struct.pack(">BBBBi3si", 0x80, 1, 0, 1, 3, b"add", 7) + struct.pack(">bhqbhqb", 10, 1, 42, 10, 2, 0, 0)
"""A call of `add(42, 0)` in unframed Binary."""
REPLY = struct.pack(">BBBBi3si", 0x80, 1, 0, 2, 3, b"add", 7) + struct.pack(">bhqb", 10, 0, 42, 0)


class Types:
    DivisionByZero, TApplicationException = ours.DivisionByZero, fastthrift.TApplicationException


class Waiting(Calculator):
    """Does what `Calculator` does, in coroutines that wait."""

    def __init__(self) -> None:
        super().__init__(Types)
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.cancelled: list[int] = []

    async def add(self, a: int, b: int) -> int:  # type: ignore[override]
        self.begun.append(a)
        try:
            if b:
                await asyncio.sleep(b / 1000)
        except asyncio.CancelledError:
            self.cancelled.append(a)
            raise
        self.ended.append(a)
        return a + b

    async def divide(self, a: float, b: float) -> float:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().divide(a, b)

    async def crash(self) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        raise RuntimeError(SECRET)

    async def note(self, text: str) -> None:  # type: ignore[override]
        await asyncio.sleep(0)
        super().note(text)


HANDLERS: dict[str, tuple[Any, dict[str, Any]]] = {
    "coroutines": (Waiting, {}),
    "inline": (lambda: Calculator(Types), {"inline": True}),
    "threads": (lambda: Calculator(Types), {}),
}


def server_of(handler: Any, url: str = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.aio.Server:
    return fastthrift.aio.Server(handler, url, service=ours.Calculator, **options)


def connect(url: str, timeout: float | None = 10.0, **options: Any) -> Any:
    return fastthrift.aio.connect(ours.Calculator, url, timeout=timeout, **options)


def port_of(url: str) -> int:
    return int(url.rpartition(":")[2])
