"""What a handler is told of the call that it serves."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fastthrift
import pytest

IDL = """
struct Point { 1: i32 x }
service Work {
  i32 add(1: i32 a, 2: i32 b = 40)
  i64 sum(1: i64 a, 2: i64 b, 3: i64 c, 4: i64 d, 5: i64 e, 6: i64 f, 7: i64 g, 8: i64 h, 9: i64 i)
  i32 move(1: Point point)
  oneway void note(1: string text)
}
"""


class Handler:
    """Keeps the calls that it sees."""

    def __init__(self) -> None:
        self.calls: list[fastthrift.Call] = []
        self.noted = threading.Event()

    def remember(self) -> None:
        call = fastthrift.current_call()
        assert call is not None
        assert call is fastthrift.current_call(), "it is the same one each time"
        self.calls.append(call)

    def add(self, a: int, b: int) -> int:
        self.remember()
        return a + b

    def sum(self, *numbers: int) -> int:
        self.remember()
        return sum(numbers)

    def move(self, point: Any) -> int:
        self.remember()
        assert self.calls[-1].arguments[0] is point
        return int(point.x)

    def note(self, text: str) -> None:
        self.remember()
        self.noted.set()


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


@pytest.fixture
def handler() -> Handler:
    """A handler of its own for each test."""
    return Handler()


@pytest.fixture
def server(handler: Handler, work: ModuleType, url: str) -> Iterator[fastthrift.Server]:
    """A server of it."""
    with fastthrift.Server(handler, url, service=work.Work) as server:
        yield server


def connect(server: fastthrift.Server, work: ModuleType, **options: Any) -> Any:
    return fastthrift.connect(work.Work, server.url, timeout=10, **options)


def test_outside_of_a_handler_there_is_no_call() -> None:
    assert fastthrift.current_call() is None


def test_a_call_says_what_is_called_and_how(
    server: fastthrift.Server, work: ModuleType, handler: Handler, protocol: Any, transport: Any
) -> None:
    with connect(server, work, protocol=protocol, transport=transport) as client:
        assert client.add(2) == 42
    (call,) = handler.calls
    assert (call.side, call.service, call.function, call.is_oneway) == ("server", "Work", "add", False)
    assert call.arguments == (2, 40)
    assert (call.protocol, call.transport) == (protocol, transport)
    assert (call.headers, call.reply_headers) == ({}, {})
    assert (call.deadline, call.remaining) == (None, None)
    assert call.request_bytes is not None
    assert call.request_bytes > 0
    assert repr(call).startswith("<Call of Work.add from ")


@pytest.mark.parametrize("accepted", [None, "its own"])
@pytest.mark.parametrize(
    ("transport", "told"),
    [
        ("framed", "framed"),
        ("buffered", "unframed"),
        ("header", "header"),
        ("header+zlib", "header"),
        ("zlib", "zlib"),
        ("zlib+framed", "zlib+framed"),
    ],
)
def test_the_transport_is_told_by_the_name_that_clients_ask_for_it_by(
    handler: Handler, work: ModuleType, transport: Any, told: str, accepted: str | None
) -> None:
    options: Any = {"transport": told} if accepted else {}
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0", service=work.Work, **options) as server,
        connect(server, work, transport=transport) as client,
    ):
        client.add(1)
    assert handler.calls[-1].transport == told


def test_over_http_that_is_the_transport(handler: Handler, work: ModuleType) -> None:
    with (
        fastthrift.Server(handler, "http://127.0.0.1:0/", service=work.Work) as server,
        connect(server, work) as client,
    ):
        client.add(1)
    assert handler.calls[-1].transport == "http"


def test_the_peer_is_the_clients_address(handler: Handler, work: ModuleType, tmp_path: Any) -> None:
    for url, start in [("tcp://127.0.0.1:0", "tcp://127.0.0.1:"), (f"unix://{tmp_path}/socket", None)]:
        with fastthrift.Server(handler, url, service=work.Work) as server, connect(server, work) as client:
            client.add(1)
        peer = handler.calls[-1].peer
        assert (peer is None) if start is None else (peer is not None and peer.startswith(start))
        assert peer != server.url


@pytest.mark.parametrize("arguments", [(1, 2), range(9)])
def test_the_arguments_are_those_that_the_method_gets(
    server: fastthrift.Server, work: ModuleType, handler: Handler, arguments: Any
) -> None:
    with connect(server, work) as client:
        function = client.add if len(arguments) == 2 else client.sum
        assert function(*arguments) == sum(arguments)
        assert client.move(work.Point(x=3)) == 3
    assert handler.calls[0].arguments == tuple(arguments)


def test_a_call_is_of_its_request_alone(server: fastthrift.Server, work: ModuleType, handler: Handler) -> None:
    with connect(server, work) as first, connect(server, work) as second:
        for number in range(50):
            assert first.add(number) == number + 40
            assert second.add(-number, 1) == 1 - number
    assert [call.arguments[0] for call in handler.calls] == [each for number in range(50) for each in (number, -number)]
    assert fastthrift.current_call() is None


def test_a_oneway_call_says_so_and_has_no_reply(server: fastthrift.Server, work: ModuleType, handler: Handler) -> None:
    with connect(server, work) as client:
        client.note("a")
        assert handler.noted.wait(5)
        client.add(1)
    assert [call.is_oneway for call in handler.calls] == [True, False]
    assert handler.calls[0].reply_bytes is None
    assert handler.calls[1].reply_bytes is not None


def test_the_end_of_a_call_is_told_with_its_size(work: ModuleType) -> None:
    ended: list[tuple[str, bool]] = []
    calls: list[fastthrift.Call] = []

    class Ends(Handler):
        def add(self, a: int, b: int) -> int:
            call = fastthrift.current_call()
            assert call is not None
            assert call.reply_bytes is None
            calls.append(call)
            call.on_end(lambda call: ended.append((call.function, call.reply_bytes is not None)))
            if a == 0:
                raise fastthrift.TApplicationException(0, "no")
            return a + b

    with fastthrift.Server(Ends(), "tcp://127.0.0.1:0", service=work.Work) as server, connect(server, work) as client:
        assert client.add(1) == 41
        with pytest.raises(fastthrift.TApplicationException):
            client.add(0)
        assert client.add(1) == 41
    assert ended == [("add", True)] * 3
    calls[0].on_end(lambda call: ended.append(("late", True)))
    assert ended[-1] == ("late", True)


def test_other_threads_of_a_handler_see_no_call_and_may_use_this_one(work: ModuleType) -> None:
    seen: list[Any] = []

    class Spawns(Handler):
        def add(self, a: int, b: int) -> int:
            call = fastthrift.current_call()
            assert call is not None
            thread = threading.Thread(target=lambda: seen.extend([fastthrift.current_call(), call.arguments]))
            thread.start()
            thread.join()
            return a + b

    with fastthrift.Server(Spawns(), "tcp://127.0.0.1:0", service=work.Work) as server:
        connect(server, work).add(1)
    assert seen == [None, (1, 40)]


def test_slow_handlers_at_once_have_each_their_own_call(work: ModuleType) -> None:
    class Slow(Handler):
        def add(self, a: int, b: int) -> int:
            time.sleep(0.02)
            call = fastthrift.current_call()
            assert call is not None
            return int(call.arguments[0]) if call.arguments == (a, b) else -1

    with fastthrift.Server(Slow(), "tcp://127.0.0.1:0", service=work.Work, threads=8) as server:

        def calls(base: int) -> None:
            with connect(server, work) as client:
                results.extend(client.add(number) - number for number in range(base, base + 10))

        results: list[int] = []
        threads = [threading.Thread(target=calls, args=(base,)) for base in range(0, 800, 100)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert results == [0] * 80


def test_a_call_goes_when_nobody_keeps_it(server: fastthrift.Server, work: ModuleType, handler: Handler) -> None:
    with connect(server, work) as client:
        client.add(1)
    reference = weakref.ref(handler.calls[0])
    handler.calls[0].headers["self"] = handler.calls[0]  # type: ignore[assignment]
    handler.calls[0].on_end(lambda call: None)
    handler.calls.clear()
    gc.collect()
    assert reference() is None
