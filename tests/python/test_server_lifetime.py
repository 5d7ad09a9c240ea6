"""What a server leaves behind when nobody refers to it any more: nothing."""

from __future__ import annotations

import gc
import time
import weakref
from typing import Any

import fastthrift
import pytest


def has_died(reference: weakref.ref[Any]) -> bool:
    """Whether the object is collected; the last thread of a server may still be on its way out."""
    end = time.monotonic() + 5
    while reference() is not None and time.monotonic() < end:
        gc.collect()
        time.sleep(0.01)
    return reference() is None


@pytest.mark.parametrize("use", ["never started", "started", "started twice", "called"])
def test_a_server_that_nobody_has_takes_its_handler_and_the_handlers_class_with_it(use: str) -> None:
    module = fastthrift.loads("struct Point { 1: i32 x } service Shapes { Point move(1: Point point) }")

    class Handler(module.Shapes):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.server: fastthrift.Server | None = None

        def move(self, point: Any) -> Any:
            return point

    handler = Handler()
    server = handler.server = fastthrift.Server(handler, "tcp://127.0.0.1:0")
    for _ in range(("never started", "started", "started twice").index(use) if use != "called" else 1):
        server.start()
        if use == "called":
            with fastthrift.connect(module.Shapes, server.url, timeout=10) as client:
                assert client.move(module.Point(x=1)) == module.Point(x=1)
            del client
        assert server.stop()
    left = {name: weakref.ref(each) for name, each in {"server": server, "handler": handler, "class": Handler}.items()}
    del server, handler, Handler, module
    assert [name for name, reference in left.items() if not has_died(reference)] == []
