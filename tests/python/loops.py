"""The event loops that the tests of asyncio run on."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
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
