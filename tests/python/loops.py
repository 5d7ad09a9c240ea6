"""The event loops that the tests of asyncio run on."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import pytest

_R = TypeVar("_R")

KINDS = ["asyncio", *([] if sys.platform == "win32" else ["uvloop"])]


def run(main: Coroutine[Any, Any, _R], kind: str = "asyncio", *, seconds: float = 50.0) -> _R:
    """Run a program on a new loop of this kind, which then has no task left."""

    async def bounded() -> _R:
        try:
            return await asyncio.wait_for(main, seconds)
        finally:
            left = asyncio.all_tasks() - {asyncio.current_task()}
            assert not left, left

    return asyncio.run(bounded()) if kind == "asyncio" else _uvloop().run(bounded())


def _uvloop() -> Any:
    return pytest.importorskip("uvloop")


Run = Callable[[Coroutine[Any, Any, Any]], Any]


def runner(kind: str) -> Run:
    """Return what runs programs on loops of this kind."""
    if kind == "uvloop":
        _uvloop()
    return lambda main: run(main, kind)


async def until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "what was waited for did not come"
        await asyncio.sleep(0.005)


def descriptors() -> dict[str, str]:
    """The process's open descriptors and what they lead to; empty where the system does not tell."""
    found = {}
    for number in os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else ():
        # That of the folder itself is closed by now.
        with suppress(OSError):
            found[number] = os.readlink(f"/proc/self/fd/{number}")
    return found


@contextmanager
def descriptors_given_back(spare: int = 1) -> Iterator[None]:
    """Fail if more descriptors are open after it than before, but for so many that others may have opened meanwhile.

    The other end of a connection may close a moment later.
    """
    before = descriptors()
    yield
    end = time.monotonic() + 10
    while len(after := descriptors()) > len(before) + spare:
        assert time.monotonic() < end, sorted(set(after.items()) - set(before.items()))
        time.sleep(0.01)
