"""Servers that mean no good: the call ends in an error by its deadline, in bounded memory, and the next one works."""

from __future__ import annotations

import itertools
import os
import random
import struct
import time
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import TTransportException

from tests.faults.attacks import header
from tests.interop.fake_server import Peer, fake_server, frame, message
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


def garbage() -> Iterable[bytes]:
    chance = random.Random(1)
    while True:
        yield chance.randbytes(1 << 14)


def then(start: bytes, more: bytes) -> Iterable[bytes]:
    return itertools.chain([start], itertools.repeat(more * max(1, (1 << 14) // max(1, len(more)))))


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


kinds = pytest.mark.parametrize("kind", CLIENTS)


def connect(url: str, protocol: str, transport: Any, *, kind: str, timeout: float = 2.0) -> Any:
    limited = PROTOCOLS[protocol](limits=fastthrift.Limits(message=LIMIT))
    return CLIENTS[kind](ours.Calculator, url, protocol=limited, transport=transport, timeout=timeout)


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@kinds
@pytest.mark.parametrize("name", ENDLESS)
def test_a_reply_without_end_ends_in_an_error(name: str, kind: str) -> None:
    protocol, transport, speech = ENDLESS[name]

    def talk(peer: Peer) -> None:
        peer.sock.recv(1000)
        for said in speech:
            peer.sock.sendall(said)

    with fake_server(talk) as url:
        before = resident(), len(os.listdir("/proc/self/fd"))
        with connect(url, protocol, transport, kind=kind) as client:
            start = time.monotonic()
            with pytest.raises(fastthrift.TException):
                client.add(1, 2)
            assert time.monotonic() - start < 3.5
            assert resident() - before[0] < 4 * LIMIT + (8 << 20)
        # The fake server may still hold its end of the connection.
        assert len(os.listdir("/proc/self/fd")) - before[1] <= 1


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
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(50):
            with pytest.raises(TTransportException):
                client.add(1, 2)
        assert client.add(20, 22) == 42
        assert len(os.listdir("/proc/self/fd")) <= before + 1
