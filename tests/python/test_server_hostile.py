"""Peers that mean no good: the server answers or closes that connection, and serves the next client all the same."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import fastthrift
import pytest

from tests.python.stores import KINDS, Running, resident, serving
from tests.python.stores import MODULE as STORE
from tests.python.timing import LATE

FRAME_LIMIT = 1 << 20


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    """What the server is written in."""
    return str(request.param)


@pytest.fixture(scope="module")
def server(kind: str) -> Iterator[Running]:
    """One server for all hostile peers."""
    with serving(kind, max_message_size=FRAME_LIMIT, max_container_size=1000) as server:
        yield server


@contextlib.contextmanager
def raw(server: Running, timeout: float = 10) -> Iterator[socket.socket]:
    """A connection without any manners."""
    host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=timeout) as connection:
        yield connection


def all_until_closed(connection: socket.socket) -> bytes:
    """Return what the server still says; fails if it does not close."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while chunk := connection.recv(65536):
            received += chunk
    return received


def call(name: bytes, body: bytes, kind: int = 1) -> bytes:
    """A strict Binary message, unframed."""
    return struct.pack(">HBBi", 0x8001, 0, kind, len(name)) + name + struct.pack(">i", 1) + body


def framed(message: bytes) -> bytes:
    return struct.pack(">i", len(message)) + message


def nested(depth: int) -> bytes:
    """A tree of one branch on another."""
    return b"\x0c\x00\x01" + b"\x0f\x00\x01\x0c\x00\x00\x00\x01" * depth + b"\x00" * (depth + 2)


TEXT = b"\x0b\x00\x01"

BROKEN = {
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(600),
    "zeros": bytes(4096),
    "ones": b"\xff" * 4096,
    "text": b"hello\r\n",
    "frame of nothing": framed(b""),
    "negative frame": struct.pack(">i", -2),
    "frame over the limit": struct.pack(">i", FRAME_LIMIT + 1) + b"\x80\x01",
    "largest frame": struct.pack(">i", 0x7FFFFFFF) + b"\x80\x01",
    "header frame of an unknown protocol": struct.pack(">iHHiHBxxx", 14, 0x0FFF, 0, 1, 1, 3),
    "header frame of an unknown transform": struct.pack(">iHHiHBBBx", 14, 0x0FFF, 0, 1, 1, 0, 1, 3),
    "header frame whose headers do not end": struct.pack(">iHHiHBBBB", 14, 0x0FFF, 0, 1, 1, 0, 0, 1, 9),
    "header frame that is no zlib": struct.pack(">iHHiHBBBx4s", 18, 0x0FFF, 0, 1, 1, 0, 1, 1, b"junk"),
    "frame of garbage": framed(b"\x13\x37" * 20),
    "negative name": struct.pack(">HBBi", 0x8001, 0, 1, -1),
    "name over the limit": struct.pack(">HBBi", 0x8001, 0, 1, FRAME_LIMIT + 1),
    "long name": call(b"n" * 5000, b"\x00"),
    "reply": call(b"echo", b"\x00", kind=2),
    "no message type": call(b"echo", b"\x00", kind=9),
    "negative string": call(b"echo", TEXT + struct.pack(">i", -1)),
    "string over the limit": call(b"echo", TEXT + struct.pack(">i", 0x7FFFFFFF)),
    "no field type": call(b"echo", b"\x63\x00\x01"),
    "negative list": call(b"count", b"\x0c\x00\x01\x0f\x00\x01\x0c\xff\xff\xff\xff"),
    "list over the limit": call(b"count", b"\x0c\x00\x01\x0f\x00\x01\x0c\x7f\xff\xff\xff"),
    "map over the limit": call(b"count", b"\x0c\x00\x01\x0d\x00\x02\x0b\x08\x7f\xff\xff\xff"),
    "deep nesting": call(b"count", nested(5000)),
    "compact varint without end": b"\x82\x21\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    "compact list over the limit": b"\x82\x21\x01\x05count\x1c\x19\xfc\xff\xff\xff\xff\x07",
    "compact deep nesting": b"\x82\x21\x01\x05count\x1c" + b"\x19\x1c" * 5000,
}


def test_a_request_whose_values_take_too_much_memory_is_refused(kind: str) -> None:
    count = 100_000
    trees = call(b"count", b"\x0c\x00\x01\x0f\x00\x01\x0c" + struct.pack(">i", count) + bytes(count + 2))
    with serving(kind, max_decoded_size=FRAME_LIMIT) as server:
        with raw(server) as connection:
            for _ in range(2):
                connection.sendall(framed(trees))
                (size,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
                reply = connection.recv(size, socket.MSG_WAITALL)
                assert reply[:4] == b"\x80\x01\x00\x03"
                assert reply.endswith(b"\x08\x00\x02\x00\x00\x00\x07\x00"), reply
                assert b"limit" in reply
        assert server.works()
    with serving(kind) as server, raw(server) as connection:
        connection.sendall(framed(trees))
        assert struct.pack(">i", count) in connection.recv(100)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_bytes_end_their_connection_alone(server: Running, name: str) -> None:
    with raw(server) as connection:
        connection.sendall(BROKEN[name])
        if name in {"text", "frame over the limit", "name over the limit"}:
            with contextlib.suppress(OSError):  # the server may have ended it already
                connection.shutdown(socket.SHUT_WR)
        all_until_closed(connection)
    assert server.works()


ANSWERED = {
    "no such function": (call(b"destroy", b"\x00"), b"'destroy'"),
    "name that is not text": (call(b"\xff\x00\n", b"\x00"), rb"\n'"),
    "argument of another type": (call(b"echo", b"\x08\x00\x01\x00\x00\x00\x01\x00"), b"success"),
    "unknown fields": (call(b"echo", b"\x08\x7f\xff\x00\x00\x00\x01" + TEXT + b"\x00\x00\x00\x02hi\x00"), b"hi"),
    "text that is not UTF-8": (call(b"echo", TEXT + b"\x00\x00\x00\x02\xc3\x28\x00"), b"UTF-8"),
    "nesting just over the limit": (call(b"count", nested(40)), b"nesting"),
}


@pytest.mark.parametrize("name", ANSWERED)
def test_a_sound_frame_is_answered_whatever_is_in_it(server: Running, name: str) -> None:
    request, expected = ANSWERED[name]
    with raw(server) as connection:
        connection.sendall(framed(request))
        size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
        answer = connection.recv(size, socket.MSG_WAITALL)
        if name != "argument of another type":
            assert expected in answer
        connection.sendall(framed(call(b"echo", TEXT + b"\x00\x00\x00\x05again\x00")))
        size = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))[0]
        assert b"again" in connection.recv(size, socket.MSG_WAITALL)


def test_a_broken_unframed_message_is_answered_before_the_connection_ends(server: Running) -> None:
    with raw(server) as connection:
        # More than the server wants to read: closing over it must not lose the answer.
        connection.sendall(BROKEN["negative string"] + b"x" * 200_000)
        answer = all_until_closed(connection)
    assert answer.startswith(b"\x80\x01\x00\x03\x00\x00\x00\x04echo")
    assert b"negative" in answer


@pytest.mark.parametrize("cut", [1, 3, 4, 7, 20, 28])
def test_a_cut_off_message_is_forgotten(server: Running, cut: int) -> None:
    for message in [
        framed(call(b"echo", TEXT + b"\x00\x00\x00\x05hello\x00")),
        call(b"echo", TEXT + b"\0\0\0\5hello\0"),
    ]:
        with raw(server) as connection:
            connection.sendall(message[:cut])
            connection.shutdown(socket.SHUT_WR)
            assert all_until_closed(connection) == b""
    assert server.works()


def test_one_byte_at_a_time_is_a_message_all_the_same(server: Running) -> None:
    for message in [
        framed(call(b"echo", TEXT + b"\x00\x00\x00\x05hello\x00")),
        call(b"echo", TEXT + b"\0\0\0\5hello\0"),
    ]:
        with raw(server) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for byte in message:
                connection.sendall(bytes([byte]))
                time.sleep(0.001)
            assert b"hello" in connection.recv(1000)


def test_announced_sizes_take_no_memory(kind: str) -> None:
    with (
        serving(kind) as server,
        contextlib.ExitStack() as stack,
    ):
        assert server.works()
        before = server.resident()
        for place in range(100):
            connection = stack.enter_context(raw(server))
            size = 100 << 20
            announce = [
                struct.pack(">i", size) + call(b"echo", TEXT),
                call(b"echo", TEXT + struct.pack(">i", size)),
                b"\x82\x21\x01\x04echo\x18\x80\x80\x80\x32",
            ]
            connection.sendall(announce[place % 3] + b"x" * 1000)
        assert server.works()
        assert server.resident() - before < 20 << 20


def test_connections_and_failures_leave_no_memory_behind(kind: str) -> None:
    with serving(kind) as server:

        def some() -> None:
            for name in ("http", "negative string", "deep nesting", "long name"):
                with raw(server) as connection:
                    connection.sendall(BROKEN[name])
                    all_until_closed(connection)
            with fastthrift.connect(STORE.Store, server.url, timeout=10) as client:
                for number in range(50):
                    client.echo("x" * number * 100)
                    client.count(STORE.Tree(branches=[STORE.Tree()], leaves={str(number): 1}))

        for _ in range(20):
            some()
        before = server.resident()
        for _ in range(80):
            some()
        assert server.resident() - before < 2 << 20


def test_a_reply_over_the_limit_takes_neither_its_memory_nor_its_time() -> None:
    idl = """
        struct Tree { 1: list<Tree> branches }
        service Giants { list<binary> blobs(1: i32 count) Tree tree(1: i32 depth) }
    """
    module = fastthrift.loads(idl, name="giants.thrift")
    blob = bytes(1 << 20)

    class Giants(module.Giants):  # type: ignore[misc, name-defined]
        def blobs(self, count: int) -> list[bytes]:
            return [blob] * count

        def tree(self, depth: int) -> Any:
            """Return few objects that stand for 2 ** depth."""
            tree = module.Tree(branches=[])
            for _ in range(depth):
                tree = module.Tree(branches=[tree, tree])
            return tree

    with (
        fastthrift.Server(Giants(), "tcp://127.0.0.1:0", max_message_size=8 << 20) as server,
        fastthrift.connect(module.Giants, server.url, timeout=30) as client,
    ):
        assert client.blobs(7) == [blob] * 7
        before = resident()
        for ask in (lambda: client.blobs(2000), lambda: client.tree(25)):
            with pytest.raises(fastthrift.TApplicationException, match="internal error") as caught:
                ask()
            assert caught.value.type == fastthrift.TApplicationException.INTERNAL_ERROR
        assert resident() - before < 64 << 20
        assert client.tree(2) == Giants().tree(2)


def test_a_call_over_the_limit_is_not_made_and_the_client_goes_on(server: Running) -> None:
    protocol = fastthrift.Binary(limits=fastthrift.Limits(message=1000))
    with fastthrift.connect(STORE.Store, server.url, protocol=protocol, timeout=10) as client:
        with pytest.raises(fastthrift.TTransportException, match="over the limit of 1000"):
            client.echo("x" * 1000)
        assert client.echo("y") == "y"


def test_a_client_that_never_reads_is_not_served_without_end(kind: str) -> None:
    with serving(kind) as server:
        assert server.works()
        before = server.resident()
        request = framed(call(b"blob", b"\x08\x00\x01" + struct.pack(">i", 1 << 20) + b"\x00"))
        with raw(server, timeout=1) as connection:
            connection.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                for _ in range(100_000):
                    connection.send(request)
            time.sleep(0.3)
            assert server.works()
            assert server.resident() - before < 64 << 20


def test_what_a_client_is_slow_to_read_comes_whole(server: Running) -> None:
    size = FRAME_LIMIT - 100
    request = framed(call(b"blob", b"\x08\x00\x01" + struct.pack(">i", size) + b"\x00"))
    with raw(server) as connection:
        connection.sendall(request * 5)
        for _ in range(5):
            (length,) = struct.unpack(">i", connection.recv(4, socket.MSG_WAITALL))
            received = 0
            while received < length:
                received += len(connection.recv(min(50_000, length - received)))
                time.sleep(0.0005)
            assert length > size


def test_a_client_that_stops_inside_a_message_is_cut_off(kind: str) -> None:
    with (
        serving(kind, message_timeout=0.2) as server,
        raw(server) as silent,
        raw(server) as idle,
        raw(server) as trickle,
    ):
        silent.sendall(framed(call(b"echo", TEXT))[:10])
        start = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - start < 5:
                trickle.sendall(struct.pack(">i", 1000) if trickle.gettimeout() == 10 else b"x")
                trickle.settimeout(9)
                time.sleep(0.02)
        assert time.monotonic() - start < 3, "a trickle of bytes gains no time"
        assert all_until_closed(silent) == b""
        idle.sendall(framed(call(b"echo", TEXT + b"\x00\x00\x00\x05hello\x00")))
        assert b"hello" in idle.recv(1000), "a client that waits between messages is left alone"


def test_a_client_that_stops_reading_is_cut_off(kind: str) -> None:
    with (
        serving(kind, message_timeout=0.2) as server,
        raw(server) as connection,
    ):
        connection.sendall(framed(call(b"blob", b"\x08\x00\x01" + struct.pack(">i", 50 << 20) + b"\x00")))
        time.sleep(0.8)
        assert len(all_until_closed(connection)) < 50 << 20


def test_an_idle_client_is_closed_when_that_is_asked_for(kind: str) -> None:
    with (
        serving(kind, idle_timeout=1.0) as server,
        raw(server) as connection,
    ):
        for _ in range(5):
            time.sleep(0.25)
            connection.sendall(framed(call(b"echo", TEXT + b"\x00\x00\x00\x05hello\x00")))
            assert b"hello" in connection.recv(1000)
        start = time.monotonic()
        assert connection.recv(1) == b""
        assert 0.5 < time.monotonic() - start < LATE


def test_the_time_of_a_slow_handler_is_not_counted_as_the_clients_silence() -> None:
    module = fastthrift.loads("service Naps { i32 nap(1: i32 milliseconds) }", name="naps.thrift")

    class Napping(module.Naps):  # type: ignore[misc, name-defined]
        def nap(self, milliseconds: int) -> int:
            time.sleep(milliseconds / 1e3)
            return milliseconds

    with (
        fastthrift.Server(Napping(), "tcp://127.0.0.1:0", threads=1, idle_timeout=0.8) as server,
        raw(server) as connection,
    ):
        for milliseconds in (1000, 0):
            body = b"\x08\x00\x01" + milliseconds.to_bytes(4, "big") + b"\x00"
            connection.sendall(framed(call(b"nap", body)))
            assert milliseconds.to_bytes(4, "big") in connection.recv(1000)
            time.sleep(0.1)


def test_more_clients_than_allowed_wait_their_turn(kind: str) -> None:
    with serving(kind, max_connections=2) as server:
        request = framed(call(b"echo", TEXT + b"\x00\x00\x00\x05hello\x00"))
        with raw(server) as first, raw(server) as second, raw(server, timeout=0.2) as third:
            for connection in (first, second, third):
                connection.sendall(request)
            assert b"hello" in first.recv(1000)
            assert b"hello" in second.recv(1000)
            with pytest.raises(TimeoutError):
                third.recv(1000)
            third.settimeout(10)
            first.close()
            assert b"hello" in third.recv(1000)
