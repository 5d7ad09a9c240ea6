"""What a server does with more than it can carry."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import TApplicationException

from tests.python.timing import LATE

IDL = """
service Work {
  i32 quick(1: i32 number)
  i32 wait(1: i32 number)
  oneway void note(1: i32 number)
}
"""


class Handler:
    """Serves `Work`; `wait` waits until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.lock = threading.Lock()
        self.running = 0
        self.most = 0
        self.served: list[int] = []

    def quick(self, number: int) -> int:
        return number

    def wait(self, number: int) -> int:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        assert self.go.wait(20)
        with self.lock:
            self.running -= 1
            self.served.append(number)
        return number

    def note(self, number: int) -> None:
        self.served.append(number)


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


@pytest.fixture
def handler() -> Iterator[Handler]:
    """A handler of its own for each test, which lets all go at the end."""
    handler = Handler()
    yield handler
    handler.go.set()


def serving(handler: Handler, work: ModuleType, **options: Any) -> fastthrift.Server:
    return fastthrift.Server(handler, "tcp://127.0.0.1:0", service=work.Work, **options)


def until(condition: Any) -> None:
    """Wait until a condition holds."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.002)


class Callers:
    """Clients, each with a call of `wait` in hand."""

    def __init__(self, server: fastthrift.Server, work: ModuleType, stack: contextlib.ExitStack) -> None:
        self.stack = stack
        self.connect = lambda: stack.enter_context(fastthrift.connect(work.Work, server.url, timeout=20))
        self.pool = stack.enter_context(ThreadPoolExecutor(40))

    def wait(self, number: int) -> Any:
        return self.pool.submit(self.connect().wait, number)


@pytest.mark.parametrize(("threads", "limit"), [(1, 1), (2, 2), (3, 2), (1, 3), (2, 6)])
def test_a_call_beyond_the_limit_is_refused_at_once_while_all_threads_are_busy(
    handler: Handler, work: ModuleType, threads: int, limit: int
) -> None:
    with serving(handler, work, threads=threads, max_in_flight=limit) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        taken = []
        for number in range(limit):
            taken.append(callers.wait(number))
            until(lambda number=number: handler.running == min(number + 1, threads))
        other = callers.connect()
        # Those that wait for a thread leave no other trace.
        time.sleep(0.2)
        for _ in range(50):
            start = time.monotonic()
            with pytest.raises(TApplicationException, match="the server is overloaded") as refused:
                other.wait(-1)
            assert refused.value.type == TApplicationException.LOADSHEDDING
            assert time.monotonic() - start < LATE
        handler.go.set()
        assert [each.result(10) for each in taken] == list(range(limit))
        assert sorted(handler.served) == list(range(limit))
        assert handler.most == min(threads, limit)
        assert [other.quick(number) for number in range(20)] == list(range(20))


def test_calls_that_wait_are_served_in_the_order_in_which_they_came(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work, threads=1, max_in_flight=10) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        taken = []
        for number in range(10):
            taken.append(callers.wait(number))
            time.sleep(0.02)
        handler.go.set()
        assert [each.result(10) for each in taken] == list(range(10))
        assert (handler.served, handler.most) == (list(range(10)), 1)


def test_a_connection_that_waits_gets_its_replies_in_order(handler: Handler, work: ModuleType) -> None:
    def request(name: bytes, number: int) -> bytes:
        head = b"\x80\x01\x00\x01" + len(name).to_bytes(4, "big") + name + number.to_bytes(4, "big")
        return head + b"\x08\x00\x01" + number.to_bytes(4, "big") + b"\x00"

    with serving(handler, work, threads=1, max_in_flight=5) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        busy = callers.wait(7)
        until(lambda: handler.running == 1)
        host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
        connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=10))
        connection.sendall(b"".join(request(b"quick", number) for number in range(200)))
        time.sleep(0.05)
        handler.go.set()
        received = b""
        while received.count(b"quick") < 200:
            part = connection.recv(65536)
            assert part
            received += part
        size = len(received) // 200
        replies = [received[start : start + size] for start in range(0, len(received), size)]
        assert [int.from_bytes(reply[13:17], "big") for reply in replies] == list(range(200))
        assert busy.result(10) == 7


def test_a_oneway_call_beyond_the_limit_is_dropped_without_an_answer(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work, threads=1, max_in_flight=1) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        busy = callers.wait(7)
        until(lambda: handler.running == 1)
        other = callers.connect()
        other.note(1)
        with pytest.raises(TApplicationException, match="overloaded"):
            other.quick(2)
        handler.go.set()
        assert busy.result(10) == 7
        assert other.quick(3) == 3
        assert handler.served == [7]


def test_under_a_flood_each_call_is_served_or_refused(handler: Handler, work: ModuleType) -> None:
    handler.go.set()
    outcomes: list[str] = []
    with serving(handler, work, threads=2, max_in_flight=4) as server:

        def calls(base: int) -> None:
            with fastthrift.connect(work.Work, server.url, timeout=20) as client:
                for number in range(base, base + 100):
                    try:
                        function = client.wait if number % 3 else client.quick
                        assert function(number) == number
                        outcomes.append("served")
                    except TApplicationException as refused:
                        outcomes.append("refused" if refused.type == TApplicationException.LOADSHEDDING else "failed")

        with ThreadPoolExecutor(16) as pool:
            list(pool.map(calls, range(0, 16_000, 1000)))
    assert len(outcomes) == 1600
    assert "served" in outcomes
    assert "failed" not in outcomes
    assert handler.most <= 2


def test_a_slow_handler_leaves_quick_calls_quick_with_a_limit(work: ModuleType, handler: Handler) -> None:
    with serving(handler, work, threads=4, max_in_flight=100) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        busy = [callers.wait(number) for number in range(3)]
        until(lambda: handler.running == 3)
        other = callers.connect()
        start = time.monotonic()
        assert [other.quick(number) for number in range(100)] == list(range(100))
        assert time.monotonic() - start < 2
        handler.go.set()
        assert [each.result(10) for each in busy] == [0, 1, 2]


@pytest.mark.parametrize("patience", [10, 0.1])
def test_stopping_serves_what_waits_or_closes_it_in_time(handler: Handler, work: ModuleType, patience: float) -> None:
    server = serving(handler, work, threads=1, max_in_flight=3)
    server.start()
    with contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        taken = [callers.wait(number) for number in range(3)]
        until(lambda: handler.running == 1)
        time.sleep(0.05)
        if patience == 10:
            threading.Timer(0.2, handler.go.set).start()
            assert server.stop(patience)
            assert sorted(each.result(10) for each in taken) == [0, 1, 2]
        else:
            start = time.monotonic()
            assert not server.stop(patience)
            assert time.monotonic() - start < LATE
            handler.go.set()
            failed = [each.exception(10) for each in taken]
            assert sum(isinstance(error, fastthrift.TTransportException) for error in failed) == 2
            assert len(handler.served) == 1


def test_who_waits_for_a_thread_is_not_silent(handler: Handler, work: ModuleType) -> None:
    options: dict[str, Any] = {"threads": 1, "max_in_flight": 3, "idle_timeout": 0.2, "message_timeout": 0.2}
    with serving(handler, work, **options) as server, contextlib.ExitStack() as stack:
        callers = Callers(server, work, stack)
        taken = [callers.wait(number) for number in range(3)]
        until(lambda: handler.running == 1)
        time.sleep(0.6)
        handler.go.set()
        assert [each.result(10) for each in taken] == [0, 1, 2]


@pytest.mark.parametrize("wrong", [0, -1])
def test_a_limit_is_a_positive_number(handler: Handler, work: ModuleType, wrong: Any) -> None:
    with pytest.raises(ValueError, match="max_in_flight"):
        serving(handler, work, max_in_flight=wrong)
