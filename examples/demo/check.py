"""Checking what came back, and measuring how fast."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

SECONDS = 0.3
"""How long calls are made to tell their speed."""


class Wrong(Exception):
    """A result is not what it should be."""


def expect(found: object, expected: object) -> None:
    """Check a result."""
    if found != expected:
        raise Wrong(f"expected {expected!r}, got {found!r}")


def expect_raised(
    kinds: type[BaseException] | tuple[type[BaseException], ...], call: Callable[..., Any], *arguments: Any
) -> Any:
    """Check that a call raises one of these exceptions, and return it."""
    try:
        found = call(*arguments)
    except kinds as error:
        return error
    raise Wrong(f"expected {kinds}, got {found!r}")


def calls_per_second(call: Callable[[], Any], expected: object) -> float:
    """Make calls one after the other for a while, and check each result."""
    done = 0
    start = now = time.perf_counter()
    while now < start + SECONDS:
        expect(call(), expected)
        done += 1
        now = time.perf_counter()
    return done / (now - start)
