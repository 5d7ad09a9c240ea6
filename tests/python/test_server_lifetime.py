"""How long a server lives: until it is stopped, and it leaves nothing behind."""

from __future__ import annotations

import gc
import math
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


IDL = "service Desk { string ask(1: string what) }"


class Desk:
    server: fastthrift.Server

    def ask(self, what: str) -> str:
        if what == "serve_forever":
            with pytest.raises(RuntimeError, match="own server"):
                self.server.serve_forever()
        elif what == "stop":
            assert self.server.stop(math.inf) is False
        return what


def test_no_time_to_stop_in_is_too_long() -> None:
    for seconds in (1e10, 1e300, math.inf):
        server = fastthrift.Server(Desk(), "tcp://127.0.0.1:0", service=fastthrift.loads(IDL).Desk)
        server.start()
        assert server.stop(seconds)


def test_a_time_that_is_none_stops_nothing() -> None:
    module = fastthrift.loads(IDL)
    with fastthrift.Server(Desk(), "tcp://127.0.0.1:0", service=module.Desk) as server:
        with pytest.raises(ValueError, match="nan"):
            server.stop(math.nan)
        with pytest.raises(TypeError):
            server.stop("1")  # type: ignore[arg-type]
        with fastthrift.connect(module.Desk, server.url, timeout=10) as client:
            assert client.ask("something") == "something"


def test_a_handler_may_stop_its_server_without_end_and_not_wait_for_it() -> None:
    module = fastthrift.loads(IDL)
    desk = Desk()
    desk.server = fastthrift.Server(desk, "tcp://127.0.0.1:0", service=module.Desk)
    desk.server.start()
    with fastthrift.connect(module.Desk, desk.server.url, timeout=10) as client:
        assert client.ask("serve_forever") == "serve_forever"
        assert client.ask("stop") == "stop"
    assert desk.server.stop()
