"""The time that a client gives a call, as its server knows it, and the headers that go with calls."""

from __future__ import annotations

import contextlib
import itertools
import logging
import socket
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import TApplicationException

IDL = "exception Denied { 1: string why } service Work { i32 wait(1: i32 number) throws (1: Denied denied) }"


class Handler:
    """Serves `Work` by what a test says."""

    def __init__(self) -> None:
        self.calls: list[fastthrift.Call] = []
        self.go = threading.Event()

    def wait(self, number: int) -> int:
        call = fastthrift.current_call()
        assert call is not None
        self.calls.append(call)
        if number < 0:
            assert self.go.wait(10)
        return number


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


@pytest.fixture
def handler() -> Iterator[Handler]:
    """A handler of its own for each test."""
    handler = Handler()
    yield handler
    handler.go.set()


def serving(handler: Handler, work: ModuleType, **options: Any) -> fastthrift.Server:
    return fastthrift.Server(handler, "tcp://127.0.0.1:0", service=work.Work, **options)


def connect(server: fastthrift.Server, work: ModuleType, **options: Any) -> Any:
    return fastthrift.connect(work.Work, server.url, **{"transport": "header", "timeout": 10, **options})


def message(number: int, timeout: str, sequence: int) -> bytes:
    """A call of `wait` by the Header transport, with a time-out."""
    name, value = b"client_timeout", timeout.encode()
    info = b"\x01\x01" + bytes([len(name)]) + name + bytes([len(value)]) + value
    header = b"\x00\x00" + info
    header += bytes(-len(header) % 4)
    body = b"\x80\x01\x00\x01\x00\x00\x00\x04wait" + sequence.to_bytes(4, "big")
    body += b"\x08\x00\x01" + number.to_bytes(4, "big", signed=True) + b"\x00"
    fixed = b"\x0f\xff\x00\x00" + sequence.to_bytes(4, "big") + (len(header) // 4).to_bytes(2, "big")
    return (len(fixed) + len(header) + len(body)).to_bytes(4, "big") + fixed + header + body


def exchange(server: fastthrift.Server, *messages: bytes) -> list[bytes]:
    """Send all at once and return the replies."""
    host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(b"".join(messages))
        stream = connection.makefile("rb")
        return [stream.read(int.from_bytes(stream.read(4), "big")) for _ in messages]


def test_a_handler_knows_how_much_time_its_caller_gives(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work) as server, connect(server, work, timeout=7) as client:
        start = time.monotonic()
        assert client.wait(1) == 1
        end = time.monotonic()
    (call,) = handler.calls
    assert call.deadline is not None
    assert start + 6.9 < call.deadline <= end + 7
    assert call.remaining is not None
    assert 6 < call.remaining <= 7


def test_the_time_that_is_announced_shrinks_from_server_to_server(work: ModuleType) -> None:
    announced: list[int] = []

    class HandsOn:
        def __init__(self, client: Any) -> None:
            self.client = client

        def wait(self, number: int) -> int:
            call = fastthrift.current_call()
            assert call is not None
            announced.append(int(call.headers["client_timeout"]))
            return self.client.wait(number) if self.client else number

    with contextlib.ExitStack() as stack:
        client = None
        for _ in range(4):
            handler = HandsOn(client)
            server = stack.enter_context(fastthrift.Server(handler, "tcp://127.0.0.1:0", service=work.Work))
            client = stack.enter_context(connect(server, work))
        assert client is not None
        assert client.wait(1) == 1
    assert len(announced) == 4
    assert all(one > next_one for one, next_one in itertools.pairwise(announced)), announced


def test_without_a_timeout_there_is_no_deadline(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work) as server, connect(server, work, timeout=None) as client:
        assert client.wait(1) == 1
    assert (handler.calls[0].deadline, handler.calls[0].remaining) == (None, None)


def test_a_request_whose_time_is_over_is_not_carried_out(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work) as server:
        threading.Timer(0.3, handler.go.set).start()
        replies = exchange(server, message(-1, "5000", 1), message(2, "100", 2), message(3, "5000", 3))
    assert [call.arguments[0] for call in handler.calls] == [-1, 3]
    assert b"the deadline passed" in replies[1]
    assert TApplicationException.TIMEOUT.to_bytes(4, "big") in replies[1]
    assert b"the deadline" not in replies[0] + replies[2]


def test_what_waits_for_a_thread_too_long_is_not_carried_out(handler: Handler, work: ModuleType) -> None:
    with serving(handler, work, threads=1, max_in_flight=5) as server, connect(server, work) as busy:
        first = threading.Thread(target=busy.wait, args=(-1,))
        first.start()
        while not handler.calls:
            time.sleep(0.01)
        threading.Timer(0.3, handler.go.set).start()
        (reply,) = exchange(server, message(2, "100", 1))
        first.join()
    assert b"the deadline passed" in reply
    assert [call.arguments[0] for call in handler.calls] == [-1]


def test_a_reply_that_is_late_is_sent_all_the_same_and_noted(
    handler: Handler, work: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "fastthrift.server")
    with serving(handler, work) as server:
        threading.Timer(0.2, handler.go.set).start()
        (reply,) = exchange(server, message(-1, "50", 1))
    assert b"wait" in reply
    assert b"the deadline" not in reply
    assert "the reply of 'wait' is late" in caplog.text


@pytest.mark.parametrize("timeout", ["0", "-1", "soon", "", "1e3", "99999999999999999999999"])
def test_a_timeout_that_is_none_is_ignored(handler: Handler, work: ModuleType, timeout: str) -> None:
    with serving(handler, work) as server:
        (reply,) = exchange(server, message(5, timeout, 1))
    assert b"the deadline" not in reply
    assert handler.calls[0].arguments == (5,)


def test_headers_go_both_ways(handler: Handler, work: ModuleType) -> None:
    seen: list[Any] = []

    def answering(call: fastthrift.Call, proceed: Any) -> Any:
        call.reply_headers["outcome"] = "good"
        result = proceed()
        call.reply_headers["number"] = str(result)
        return result

    def asking(call: fastthrift.Call, proceed: Any) -> Any:
        call.headers["tenant"] = "zoë"
        result = proceed()
        seen.append(dict(call.reply_headers))
        return result

    with (
        serving(handler, work, interceptors=[answering]) as server,
        connect(server, work, interceptors=[asking]) as client,
    ):
        assert client.wait(4) == 4
    assert handler.calls[0].headers["tenant"] == "zoë"
    assert seen == [{"outcome": "good", "number": "4"}]


@pytest.mark.parametrize("raised", ["Denied", "TApplicationException", "ValueError"])
def test_exceptions_carry_headers_too(handler: Handler, work: ModuleType, raised: str) -> None:
    seen: list[Any] = []

    def failing(call: fastthrift.Call, proceed: Any) -> Any:
        call.reply_headers["why"] = "because"
        errors = {
            "Denied": work.Denied(why="x"),
            "TApplicationException": TApplicationException(0, "x"),
            "ValueError": ValueError(),
        }
        raise errors[raised]

    def asking(call: fastthrift.Call, proceed: Any) -> Any:
        try:
            return proceed()
        finally:
            seen.append(dict(call.reply_headers))

    with (
        serving(handler, work, interceptors=[failing]) as server,
        connect(server, work, interceptors=[asking]) as client,
        pytest.raises(work.Denied if raised == "Denied" else TApplicationException),
    ):
        client.wait(4)
    assert seen == [{"why": "because"}]


@pytest.mark.parametrize("wrong", [{"a": 1}, {"a": "x" * (1 << 17)}])
def test_reply_headers_that_cannot_be_sent_are_an_internal_error(
    handler: Handler, work: ModuleType, wrong: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def adding(call: fastthrift.Call, proceed: Any) -> Any:
        if call.arguments == (1,):
            call.reply_headers.update(wrong)
        return proceed()

    with serving(handler, work, interceptors=[adding]) as server, connect(server, work) as client:
        with pytest.raises(TApplicationException, match="internal error in 'wait'"):
            client.wait(1)
        assert client.wait(2) == 2
    assert "headers" in caplog.text


def test_a_record_says_what_failed_and_who_called(
    handler: Handler, work: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    handler.wait = lambda number: 1 // 0  # type: ignore[method-assign, assignment]
    with (
        serving(handler, work) as server,
        connect(server, work) as client,
        pytest.raises(TApplicationException),
    ):
        client.wait(1)
    (record,) = caplog.records
    fields = vars(record)
    assert (fields["service"], fields["function"], fields["error"]) == ("Work", "wait", "ZeroDivisionError")
    assert fields["peer"].startswith("tcp://127.0.0.1:")
