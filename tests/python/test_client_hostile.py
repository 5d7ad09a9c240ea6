"""Servers that mean no good: the call ends in an error by its deadline, in bounded memory, and the next one works."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import struct
import time
import zlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import TTransportException

from tests.faults.attacks import header
from tests.interop.fake_server import Peer, fake_server, frame, message
from tests.python import rust_clients
from tests.python.engines import CLIENTS

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")
LIMIT = 1 << 20
PROTOCOLS: dict[str, Callable[..., Any]] = {
    "binary": fastthrift.Binary,
    "compact": fastthrift.Compact,
    "json": fastthrift.JSON,
}

BINARY = b"\x80\x01\x00\x02\x00\x00\x00\x03add\x00\x00\x00\x01"
COMPACT = b"\x82\x41\x01\x03add"
JSON = b'[1,"add",2,1,{"0":'
LEAF = b"\x0a\x00\x63" + bytes(8)
"""A field that no result has, and a reader skips."""


class Speech:
    """What is said again to each client."""

    def __init__(self, begin: Callable[[], Iterator[bytes]]) -> None:
        self._begin = begin

    def __iter__(self) -> Iterator[bytes]:
        return self._begin()


def garbage() -> Speech:
    def begin() -> Iterator[bytes]:
        chance = random.Random(1)
        while True:
            yield chance.randbytes(1 << 14)

    return Speech(begin)


def then(start: bytes, more: bytes) -> Speech:
    repeated = more * max(1, (1 << 14) // max(1, len(more)))
    return Speech(lambda: itertools.chain([start], itertools.repeat(repeated)))


INFO = b"\x01k\x01v"
BOMB = zlib.compress(BINARY + bytes(32 << 20), 9)


def bomb(times: int) -> bytes:
    """Return a frame of the Header transport whose content is packed so many times."""
    packed = BOMB
    for _ in range(times - 1):
        packed = zlib.compress(packed, 9)
    return header(packed, b"\x01" * times)


ENDLESS: dict[str, tuple[str, str, Iterable[bytes]]] = {
    "replies to nobody": ("binary", "framed", then(b"", frame(message("add", 77, 666)))),
    "empty frames": ("binary", "framed", then(b"", bytes(4))),
    "frame at the limit": ("binary", "framed", then(struct.pack(">i", LIMIT) + BINARY, bytes(1))),
    "frame over the limit": ("binary", "framed", then(struct.pack(">i", LIMIT + 1) + BINARY, bytes(1))),
    "frame of fields": ("binary", "framed", then(struct.pack(">i", LIMIT) + BINARY, LEAF)),
    "fields": ("binary", "unframed", then(BINARY, LEAF)),
    "structs in structs": ("binary", "unframed", then(BINARY, b"\x0c\x00\x63")),
    "string": ("binary", "unframed", then(BINARY + b"\x0b\x00\x63" + struct.pack(">i", LIMIT - 100), b"x")),
    "list of empty structs": ("binary", "unframed", then(BINARY + b"\x0f\x00\x63\x0c\x7f\xff\xff\xff", bytes(1))),
    "name": ("binary", "unframed", then(b"\x80\x01\x00\x02\x00\x0f\x00\x00", b"n")),
    "varint": ("compact", "unframed", then(COMPACT + b"\x16", b"\xff")),
    "compact fields": ("compact", "unframed", then(COMPACT, b"\x16\x00")),
    "compact map": ("compact", "unframed", then(COMPACT + b"\x1b\xff\xff\xff\xff\x07\x88", b"\x00")),
    "json digits": ("json", "unframed", then(JSON + b'{"i64":', b"7")),
    "json spaces": ("json", "unframed", then(JSON, b" ")),
    "json nesting": ("json", "unframed", then(JSON + b'{"lst":["lst",1,', b'["lst",1,')),
    "json text": ("json", "unframed", then(JSON + b'{"str":"', b"\\u00e9")),
    "garbage": ("binary", "framed", garbage()),
    "garbage without frames": ("binary", "unframed", garbage()),
    "frames with headers to nobody": ("binary", "header", then(b"", header(BINARY[:-1] + b"\x4d" + bytes(1)))),
    "headers without number": (
        "binary",
        "header",
        then(b"", header(b"", infos=b"\x01\xff\xff\xff\x7f" + INFO * 50_000)),
    ),
    "many headers": ("binary", "header", then(b"", header(BINARY, infos=b"\x01\xd0\x86\x03" + INFO * 50_000))),
    "a head larger than its frame": ("binary", "header", then(b"", header(BINARY, words=0xFFFF))),
    "zlib bomb in a frame": ("binary", "header+zlib", then(b"", bomb(1))),
    "zlib bomb that nobody asked for": ("binary", "header", then(b"", bomb(1))),
    "zlib bomb in a zlib bomb": ("binary", "header+zlib", then(b"", bomb(2))),
    "zlib bomb in a stream": ("binary", "zlib", then(BOMB, bytes(1))),
    "zlib stream of nothing": ("binary", "zlib", then(b"\x78\x9c", b"\x00\x00\x00\xff\xff")),
    "garbage for zlib": ("binary", "zlib", garbage()),
    "web page": ("binary", "framed", then(b"HTTP/1.1 200 OK\r\n\r\n", b"<p>")),
    "TLS alerts": ("binary", "framed", then(b"", b"\x15\x03\x01\x00\x02\x02\x28")),
}


OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/x-thrift\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
ON_HTTP: dict[str, Iterable[bytes]] = {
    "status line": then(b"HTTP/1.1 200 ", b"O"),
    "headers": then(OK, b"X-More: y\r\n"),
    "header": then(OK + b"X-Long: ", b"z"),
    "name of a header": then(OK, b"N"),
    "blank lines": then(b"", b"\r\n"),
    "responses on the way": then(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "responses on the way with headers": then(b"", b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"),
    "body over the limit": then(OK + b"Content-Length: 99999999999\r\n\r\n" + BINARY, LEAF),
    "body at the limit": then(OK + b"Content-Length: %d\r\n\r\n" % LIMIT + BINARY, LEAF),
    "length that no number holds": then(OK + b"Content-Length: 99999999999999999999\r\n\r\n", b"x"),
    "length of digits without end": then(OK + b"Content-Length: ", b"1"),
    "body until the end of the connection": then(OK + b"\r\n" + BINARY, LEAF),
    "chunks": then(CHUNKED + b"%x\r\n%s\r\n" % (len(BINARY), BINARY), b"b\r\n" + LEAF + b"\r\n"),
    "chunks of one byte": then(CHUNKED, b"1\r\nx\r\n"),
    "chunk size of zeros": then(CHUNKED, b"0"),
    "chunk that no number holds": then(CHUNKED + b"FFFFFFFFFFFFFFFFF\r\n", b"x"),
    "chunk over the limit": then(CHUNKED + b"7FFFFFFF\r\n" + BINARY, LEAF),
    "chunk size that is none": then(CHUNKED + b"-1\r\n", b"x"),
    "chunk without its end": then(CHUNKED + b"1\r\n", b"x"),
    "extension of a chunk": then(CHUNKED + b"1;", b"e"),
    "trailers": then(CHUNKED + b"0\r\n", b"X: y\r\n"),
    "page of an error": then(b"HTTP/1.1 500 Oh\r\n\r\n", b"<p>"),
    "garbage": garbage(),
}
"""What servers of HTTP say without an end."""

kinds = pytest.mark.parametrize("kind", [*CLIENTS, *rust_clients.parameters()])


def connect(url: str, protocol: str, transport: Any, *, kind: str, timeout: float = 2.0) -> Any:
    if kind in rust_clients.CLIENTS:
        client = rust_clients.RustClient(
            kind, url, protocol=protocol, transport=transport or "framed", timeout=timeout / 2, limit=LIMIT
        )
        return contextlib.closing(client)
    limited = PROTOCOLS[protocol](limits=fastthrift.Limits(message=LIMIT))
    return CLIENTS[kind](ours.Calculator, url, protocol=limited, transport=transport, timeout=timeout)


def held(kind: str) -> tuple[int, int]:
    """Return the bytes of memory and the descriptors that the process of a client has."""
    if kind in rust_clients.CLIENTS:
        said = rust_clients.program().tell("held")
        return said["bytes"], said["descriptors"]
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096, len(os.listdir("/proc/self/fd"))


@kinds
@pytest.mark.parametrize("name", ENDLESS)
def test_a_reply_without_end_ends_in_an_error(name: str, kind: str) -> None:
    protocol, transport, speech = ENDLESS[name]
    outlasts("tcp", protocol, transport, speech, kind)


@kinds
@pytest.mark.parametrize("name", ON_HTTP)
def test_a_response_without_end_ends_in_an_error(name: str, kind: str) -> None:
    outlasts("http", "binary", None, ON_HTTP[name], kind)


def outlasts(scheme: str, protocol: str, transport: Any, speech: Iterable[bytes], kind: str) -> None:
    """Call a server that speaks so without an end, of which nothing is left in the end."""

    def talk(peer: Peer) -> None:
        peer.sock.recv(1000)
        for said in speech:
            peer.sock.sendall(said)

    with fake_server(talk) as url:
        before = held(kind)
        with connect(url.replace("tcp", scheme, 1), protocol, transport, kind=kind) as client:
            start = time.monotonic()
            with pytest.raises(fastthrift.TException):
                client.add(1, 2)
            assert time.monotonic() - start < 3.5
            assert held(kind)[0] - before[0] < 4 * LIMIT + (8 << 20)
        # The fake server may still hold its end of the connection.
        assert held(kind)[1] - before[1] <= 1


@pytest.mark.parametrize("pause", [0, 0.05], ids=["at once", "after a while"])
@kinds
def test_a_reply_that_comes_before_its_request_answers_nothing(pause: float, kind: str) -> None:
    def prophet(peer: Peer) -> None:
        for sequence_id in range(5):
            peer.reply("add", sequence_id, 666)
        peer.serve()

    with fake_server(prophet, Peer.serve) as url, connect(url, "binary", "framed", kind=kind) as client:
        time.sleep(pause)
        try:
            assert client.add(20, 22) == 42
        except TTransportException:
            assert client.add(20, 22) == 42


@kinds
def test_a_server_that_closes_over_and_over_costs_an_error_each_and_nothing_more(kind: str) -> None:
    def close(peer: Peer) -> None:
        peer.request()

    with fake_server(*[close] * 50, Peer.serve) as url, connect(url, "binary", "framed", kind=kind) as client:
        before = held(kind)[1]
        for _ in range(50):
            with pytest.raises(TTransportException):
                client.add(1, 2)
        assert client.add(20, 22) == 42
        assert held(kind)[1] <= before + 1
