"""The memory of all connections of a server together."""

from __future__ import annotations

import contextlib
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest

from tests.python.timing import LATE

IDL = "service Work { i32 size(1: binary data), binary make(1: i32 size), i32 quick(1: i32 number) }"
MIB = 1 << 20


class Handler:
    """Serves `Work`."""

    def size(self, data: bytes) -> int:
        return len(data)

    def make(self, size: int) -> bytes:
        return bytes(size)

    def quick(self, number: int) -> int:
        return number


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


def serving(work: ModuleType, **options: Any) -> fastthrift.Server:
    return fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=work.Work, **options)


def connect(server: fastthrift.Server, work: ModuleType) -> Any:
    return fastthrift.connect(work.Work, server.url, timeout=30)


def raw(server: fastthrift.Server) -> socket.socket:
    host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=5)


def begun(size: int, sent: int) -> bytes:
    """The start of a framed call of `size` with so many bytes."""
    head = b"\x80\x01\x00\x01\x00\x00\x00\x04size\x00\x00\x00\x01\x0b\x00\x01" + size.to_bytes(4, "big")
    return (len(head) + size + 1).to_bytes(4, "big") + head + bytes(sent)


def resident() -> int:
    """The bytes of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def stuff(connection: socket.socket, data: bytes) -> int:
    """Send as much as is taken, and return how much that was."""
    connection.setblocking(False)
    view, quiet = memoryview(data), 0
    while view and quiet < 40:
        try:
            view = view[connection.send(view) :]
            quiet = 0
        except BlockingIOError:
            quiet += 1
            time.sleep(0.005)
    return len(data) - len(view)


def test_large_calls_at_once_all_get_their_turn(work: ModuleType) -> None:
    with serving(work, max_memory=MIB) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server, work)) for _ in range(12)]
        with ThreadPoolExecutor(12) as pool:
            for _ in range(3):
                assert list(pool.map(lambda client: client.size(bytes(3 * MIB)), clients)) == [3 * MIB] * 12
            assert [len(data) for data in pool.map(lambda client: client.make(2 * MIB), clients)] == [2 * MIB] * 12


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory there is from /proc")
def test_messages_that_never_end_take_no_more_than_the_total_and_leave_small_calls_quick(work: ModuleType) -> None:
    with serving(work, max_memory=8 * MIB) as server, contextlib.ExitStack() as stack:
        client = stack.enter_context(connect(server, work))
        client.quick(0)
        before = resident()
        attackers = [stack.enter_context(raw(server)) for _ in range(24)]
        with ThreadPoolExecutor(24) as pool:
            part = begun(90 * MIB, 4 * MIB)
            list(pool.map(lambda attacker: stuff(attacker, part), attackers))
        assert resident() - before < 60 * MIB, (
            "24 times 4 MiB would be 96 and, in buffers that double, up to twice that"
        )
        start = time.monotonic()
        assert [client.quick(number) for number in range(200)] == list(range(200))
        assert client.size(bytes(30_000)) == 30_000
        assert time.monotonic() - start < LATE


def test_who_is_slow_is_cut_off_and_the_next_goes_on(work: ModuleType) -> None:
    with serving(work, max_memory=MIB, message_timeout=0.5) as server, contextlib.ExitStack() as stack:
        slow = [stack.enter_context(raw(server)) for _ in range(4)]
        for connection in slow:
            stuff(connection, begun(50 * MIB, 2 * MIB))
        # All of them are cut off in the end; who comes then is served.
        deadline = time.monotonic() + 10
        while True:
            with connect(server, work) as client, contextlib.suppress(fastthrift.TTransportException):
                assert client.size(bytes(3 * MIB)) == 3 * MIB
                break
            assert time.monotonic() < deadline


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory there is from /proc")
def test_replies_that_nobody_takes_end_in_refusals_and_not_without_end(work: ModuleType) -> None:
    size = 4 * MIB
    call = b"\x80\x01\x00\x01\x00\x00\x00\x04make\x00\x00\x00\x01\x08\x00\x01" + size.to_bytes(4, "big") + b"\x00"
    framed = len(call).to_bytes(4, "big") + call
    with serving(work, max_memory=8 * MIB, message_timeout=2) as server, contextlib.ExitStack() as stack:
        with connect(server, work) as client:
            client.quick(0)
        before = resident()
        greedy = []
        for _ in range(40):
            greedy.append(stack.enter_context(raw(server)))
            greedy[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy[-1].sendall(framed)
            time.sleep(0.01)
        with connect(server, work) as client, pytest.raises(fastthrift.TApplicationException) as refused:
            client.quick(1)
        assert refused.value.type == fastthrift.TApplicationException.LOADSHEDDING
        assert resident() - before < 100 * MIB, "40 replies of 4 MiB are 160"
        # They are cut off, and others are served again.
        deadline = time.monotonic() + 15
        while True:
            with connect(server, work) as client, contextlib.suppress(fastthrift.TApplicationException):
                assert client.quick(2) == 2
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_stopping_does_not_wait_for_what_is_paused_longer_than_it_is_told(work: ModuleType) -> None:
    server = serving(work, max_memory=MIB)
    server.start()
    with contextlib.ExitStack() as stack:
        for _ in range(4):
            stuff(stack.enter_context(raw(server)), begun(50 * MIB, 2 * MIB))
        start = time.monotonic()
        assert not server.stop(0.3)
        assert time.monotonic() - start < LATE


def test_a_limit_that_is_never_reached_changes_nothing(work: ModuleType) -> None:
    with serving(work, max_memory=100 * MIB) as server:

        def calls(base: int) -> bool:
            with connect(server, work) as client:
                return all(client.quick(base + number) == base + number for number in range(200))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(calls, range(0, 8000, 1000)))
        assert threading.active_count() < 100
