"""The memory of all connections of a server together."""

from __future__ import annotations

import contextlib
import socket
import ssl
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import ClientTLS, ServerTLS

from tests.python.engines import serving
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


class Place:
    """A server of some engine, and how to talk to it."""

    def __init__(
        self, work: ModuleType, engine: str, scheme: str, certified: ServerTLS | None, trusting: ClientTLS | None
    ) -> None:
        self._work, self._engine, self._url = work, engine, f"{scheme}://127.0.0.1:0"
        self._client_tls, self._server_tls = trusting, certified
        self.url = ""

    @contextlib.contextmanager
    def serving(self, **options: Any) -> Iterator[None]:
        """Serve."""
        options = {"service": self._work.Work, "tls": self._server_tls, **options}
        with serving(self._engine, Handler(), self._url, **options) as (self.url,):
            yield

    def connect(self) -> Any:
        """Return a client."""
        return fastthrift.connect(self._work.Work, self.url, timeout=30, tls=self._client_tls)

    def raw(self) -> socket.socket:
        """Return a connection that says nothing by itself."""
        port = int(self.url.rpartition(":")[2])
        connection = socket.create_connection(("127.0.0.1", port), timeout=20)
        if self._client_tls is None:
            return connection
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(connection)


@pytest.fixture(params=["threads-tcp", "threads-tls", "asyncio-tcp", "asyncio-tls"])
def place(work: ModuleType, request: pytest.FixtureRequest) -> Place:
    """Where is served, by each engine, with TLS and without."""
    engine, scheme = request.param.split("-")
    if scheme != "tls":
        return Place(work, engine, scheme, None, None)
    identity, trusting = map(request.getfixturevalue, ("identity", "trusting"))
    return Place(work, engine, scheme, ServerTLS(*identity), trusting)


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
        except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
            quiet += 1
            time.sleep(0.005)
    return len(data) - len(view)


def test_large_calls_at_once_all_get_their_turn(place: Place) -> None:
    with place.serving(max_memory=MIB), contextlib.ExitStack() as stack:
        clients = [stack.enter_context(place.connect()) for _ in range(12)]
        with ThreadPoolExecutor(12) as pool:
            for _ in range(3):
                assert list(pool.map(lambda client: client.size(bytes(3 * MIB)), clients)) == [3 * MIB] * 12
            assert [len(data) for data in pool.map(lambda client: client.make(2 * MIB), clients)] == [2 * MIB] * 12


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory there is from /proc")
def test_messages_that_never_end_take_no_more_than_the_total_and_leave_small_calls_quick(place: Place) -> None:
    with place.serving(max_memory=8 * MIB), contextlib.ExitStack() as stack:
        client = stack.enter_context(place.connect())
        client.quick(0)
        before = resident()
        attackers = [stack.enter_context(place.raw()) for _ in range(24)]
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


def test_who_is_slow_is_cut_off_and_the_next_goes_on(place: Place) -> None:
    with place.serving(max_memory=MIB, message_timeout=0.5), contextlib.ExitStack() as stack:
        slow = [stack.enter_context(place.raw()) for _ in range(4)]
        for connection in slow:
            stuff(connection, begun(50 * MIB, 2 * MIB))
        # All of them are cut off in the end; who comes then is served.
        deadline = time.monotonic() + 10
        while True:
            with place.connect() as client, contextlib.suppress(fastthrift.TTransportException):
                assert client.size(bytes(3 * MIB)) == 3 * MIB
                break
            assert time.monotonic() < deadline


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory there is from /proc")
def test_replies_that_nobody_takes_end_in_refusals_and_not_without_end(place: Place) -> None:
    size = 4 * MIB
    call = b"\x80\x01\x00\x01\x00\x00\x00\x04make\x00\x00\x00\x01\x08\x00\x01" + size.to_bytes(4, "big") + b"\x00"
    framed = len(call).to_bytes(4, "big") + call
    with place.serving(max_memory=8 * MIB, message_timeout=2), contextlib.ExitStack() as stack:
        with place.connect() as client:
            client.quick(0)
        before = resident()
        greedy = []
        for _ in range(40):
            greedy.append(stack.enter_context(place.raw()))
            greedy[-1].setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            greedy[-1].sendall(framed)
            time.sleep(0.01)
        with place.connect() as client, pytest.raises(fastthrift.TApplicationException) as refused:
            client.quick(1)
        assert refused.value.type == fastthrift.TApplicationException.LOADSHEDDING
        assert resident() - before < 100 * MIB, "40 replies of 4 MiB are 160"
        # They are cut off, and others are served again.
        deadline = time.monotonic() + 15
        while True:
            with place.connect() as client, contextlib.suppress(fastthrift.TApplicationException):
                assert client.quick(2) == 2
                break
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_stopping_does_not_wait_for_what_is_paused_longer_than_it_is_told(place: Place) -> None:
    with contextlib.ExitStack() as stack:
        with place.serving(max_memory=MIB, patience=0.3):
            for _ in range(4):
                stuff(stack.enter_context(place.raw()), begun(50 * MIB, 2 * MIB))
            start = time.monotonic()
        assert time.monotonic() - start < LATE


def test_a_limit_that_is_never_reached_changes_nothing(place: Place) -> None:
    with place.serving(max_memory=100 * MIB):

        def calls(base: int) -> bool:
            with place.connect() as client:
                return all(client.quick(base + number) == base + number for number in range(200))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(calls, range(0, 8000, 1000)))
        assert threading.active_count() < 100
