"""Peers that mean no good, in a process of their own: `python -m tests.faults.attacks NAME PORT`.

An attack says one line once it is under way, and goes on until it is killed. It is paced: what is tested is that the
server gives it no more than its share, not that a machine with few cores has time for everybody.
"""

from __future__ import annotations

import contextlib
import itertools
import random
import socket
import ssl
import struct
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Mapping

from tests.faults import tokens

HOST = "127.0.0.1"
MESSAGE_LIMIT = 1 << 20
"""What the server is told to take at most: the attacks stay just within it, where that is worse."""
Attack = Callable[[int], Iterator[None]]
"""Attacks a port; it yields each time that it has done its worst once over."""


def call(name: bytes, body: bytes, sequence_id: int = 1) -> bytes:
    """Return a Binary call without a frame."""
    return struct.pack(">HBBi", 0x8001, 0, 1, len(name)) + name + struct.pack(">i", sequence_id) + body


def framed(message: bytes) -> bytes:
    """Return a message in a frame."""
    return struct.pack(">i", len(message)) + message


def header(content: bytes, transforms: bytes = b"", infos: bytes = b"", words: int | None = None) -> bytes:
    """Return a frame of the Header transport; its content is transformed already, its words may be a lie."""
    block = bytes([0, len(transforms)]) + transforms + infos
    block += bytes(-len(block) % 4)
    words = len(block) // 4 if words is None else words
    return framed(struct.pack(">HHIH", 0x0FFF, 0, 1, words) + block + content)


def ask(padding: int) -> bytes:
    """Return a sound request whose reply is as long as itself."""
    token = tokens.make(1, padding)
    text = token.text.encode()
    fields = b"\x0a\x00\x01" + struct.pack(">q", token.number) + b"\x0b\x00\x02" + struct.pack(">i", len(text)) + text
    return framed(call(b"ask", b"\x0c\x00\x01" + fields + b"\x00\x00"))


def connected(port: int) -> socket.socket:
    """Return a connection that waits for nothing."""
    connection = socket.create_connection((HOST, port), timeout=10)
    connection.setblocking(False)
    return connection


def sealed(port: int) -> socket.socket:
    """Return the same within TLS."""
    connection = socket.create_connection((HOST, port), timeout=10)
    try:
        within = _trusting().wrap_socket(connection)
    except OSError:
        connection.close()
        raise
    within.setblocking(False)
    return within


class Held:
    """A connection that is kept, and what is still to be sent on it."""

    dial: Callable[[int], socket.socket] = staticmethod(connected)
    """What makes connections."""

    def __init__(self, port: int, pieces: Iterator[bytes]) -> None:
        self._connection = self.dial(port)
        self._pieces = pieces
        self._rest = b""

    def go_on(self) -> bool:
        """Send the next piece, as far as there is room for it; return whether the server keeps the connection."""
        self._rest = self._rest or next(self._pieces, b"")
        try:
            if not self._rest:
                flags = 0 if isinstance(self._connection, ssl.SSLSocket) else socket.MSG_PEEK
                return self._connection.recv(1, flags) != b""
            self._rest = self._rest[self._connection.send(self._rest) :]
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return True
        except OSError:
            self._connection.close()
            return False
        return True


def keep_up(port: int, count: int, data: Callable[[], Iterator[bytes]], pause: float) -> Iterator[None]:
    """Hold so many connections and send the pieces of each in turn; one that the server closes is opened again."""
    held: list[Held | None] = [None] * count
    while True:
        for place, entry in enumerate(held):
            with contextlib.suppress(OSError):
                held[place] = entry if entry is not None and entry.go_on() else Held(port, data())
        yield
        time.sleep(pause)


def slow_loris(port: int) -> Iterator[None]:
    """Send a byte of a request now and then, on very many connections."""
    request = ask(5_000)
    return keep_up(port, 400, lambda: (request[place : place + 1] for place in range(len(request))), 0.1)


def endless_frames(port: int) -> Iterator[None]:
    """Send the largest frames that are allowed, but for their last byte."""
    frame = framed(call(b"ask", b"\x0c\x00\x01\x0b\x00\x02" + struct.pack(">i", MESSAGE_LIMIT)))[4:]
    head = struct.pack(">i", MESSAGE_LIMIT - 1) + frame

    def pieces() -> Iterator[bytes]:
        yield head
        left = MESSAGE_LIMIT - 2 - len(frame)
        while left > 0:
            yield bytes(min(left, 1 << 15))
            left -= 1 << 15

    return keep_up(port, 40, pieces, 0.03)


def endless_struct(port: int) -> Iterator[None]:
    """Send field after field, without a frame that would end it."""

    def pieces() -> Iterator[bytes]:
        yield call(b"ask", b"\x0c\x00\x01")
        while True:
            yield b"\x0a\x00\x63\x00\x00\x00\x00\x00\x00\x00\x01" * 400

    return keep_up(port, 20, pieces, 0.01)


def deep_nesting(port: int) -> Iterator[None]:
    """Send structs in structs, without an end."""

    def pieces() -> Iterator[bytes]:
        yield call(b"ask", b"")
        while True:
            yield b"\x0c\x00\x01" * 2000

    return keep_up(port, 20, pieces, 0.01)


def garbage(port: int) -> Iterator[None]:
    """Connect, send what is nothing, and go."""
    chance = random.Random(1)
    starts = (
        b"",
        b"\x80\x01",
        b"\x82\x21",
        b"[1,",
        b"\x00\x00\x01\x00",
        b"\x0f\xff",
        b"\x16\x03\x01",
        b"GET / HTTP/1.1\r\n",
    )
    for start in itertools.cycle(starts):
        with contextlib.suppress(OSError), connected(port) as connection:
            connection.send(start + chance.randbytes(chance.choice((1, 30, 3_000))))
        yield
        time.sleep(0.003)


def connection_flood(port: int) -> Iterator[None]:
    """Connect and go, many times, now and then with a reset."""
    for number in itertools.count():
        with contextlib.suppress(OSError), connected(port) as connection:
            if number % 2:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if number % 4 == 0:
            yield
            time.sleep(0.004)


def idle_flood(port: int) -> Iterator[None]:
    """Hold very many connections and say nothing."""
    return keep_up(port, 800, lambda: iter(()), 0.1)


def half_closed(port: int) -> Iterator[None]:
    """Ask, say that nothing more comes, and then neither read nor close."""
    held: list[socket.socket] = []
    while True:
        with contextlib.suppress(OSError):
            connection = connected(port)
            connection.send(ask(20_000))
            connection.shutdown(socket.SHUT_WR)
            held.append(connection)
            if len(held) > 300:
                held.pop(0).close()
        yield
        time.sleep(0.005)


def never_reads(port: int) -> Iterator[None]:
    """Ask for much, and read nothing of it."""
    request = ask(200_000)
    return keep_up(port, 20, lambda: itertools.repeat(request), 0.03)


def header_bombs(port: int) -> Iterator[None]:
    """Send headers without number, headers without end, and heads larger than their frames."""
    message = ask(100)[4:]
    pair = b"\x01k\x01v"
    said = [
        header(message, infos=b"\x01\xff\xff\xff\xff\x07" + pair * 60_000),
        header(message, infos=b"\x01\xe0\xd4\x03" + pair * 60_000),
        header(message, infos=b"\x01\x01\xff\xff\x0f" + bytes(200_000)),
        header(message, infos=(b"\x01\x01" + pair) * 30_000),
        header(message, words=0xFFFF),
        header(message, transforms=bytes([1] * 127)),
        header(message, infos=b"\x01\x80\x02" + pair * 256),
    ]
    turns = itertools.cycle(said)
    return keep_up(port, 20, lambda: iter([next(turns)] * 10), 0.02)


def zlib_bombs(port: int) -> Iterator[None]:
    """Send little that becomes much: far more than the limit, just within it, and packed twice."""
    much = zlib.compress(bytes(32 << 20), 9)
    within = zlib.compress(ask(MESSAGE_LIMIT - 500)[4:], 9)
    said = [
        header(much, b"\x01"),
        header(within, b"\x01"),
        header(zlib.compress(much, 9), b"\x01\x01"),
        header(zlib.compress(zlib.compress(much, 9), 9), b"\x01\x01\x01"),
        much,
        framed(much),
    ]
    turns = itertools.cycle(said)
    return keep_up(port, 20, lambda: iter([next(turns)] * 3), 0.1)


def other_languages(port: int) -> Iterator[None]:
    """Speak TLS and HTTP to a port that speaks neither, and keep the connection."""
    hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(507)
    said = itertools.cycle((hello, b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n", b"EHLO x\r\n"))
    return keep_up(port, 50, lambda: iter((next(said), bytes(100))), 0.02)


def client_hello() -> bytes:
    """Return what a client of TLS says first."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with contextlib.suppress(ssl.SSLWantReadError):
        _trusting().wrap_bio(incoming, outgoing).do_handshake()
    return outgoing.read()


def slow_posts(port: int) -> Iterator[None]:
    """Send the head of a request byte by byte, or its body, or headers without end."""
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-thrift\r\nContent-Length: 1000000\r\n"
    bodies = (
        [head[place : place + 1] for place in range(len(head))],
        [head + b"\r\n", *[b"x"] * 100_000],
        [head, *[b"X-More: " + b"y" * 50 + b"\r\n"] * 100_000],
        [head + b"X-Long: ", *[b"z" * 1_000] * 100_000],
        [head[:-25] + b"Transfer-Encoding: chunked\r\n\r\n", *[b"1\r\nx\r\n"] * 100_000],
        [head[:-25] + b"Transfer-Encoding: chunked\r\n\r\n", b"FFFFFFFFFFFFFFFF\r\n", *[b"x" * 5_000] * 1_000],
    )
    turns = itertools.cycle(bodies)
    return keep_up(port, 200, lambda: iter(next(turns)), 0.05)


def http_bombs(port: int) -> Iterator[None]:
    """Send requests that cannot be, and bodies as large as may be."""
    post = b"POST / HTTP/1.1\r\nHost: x\r\n"
    said = (
        post + b"Content-Length: 99999999999999999999\r\n\r\n",
        post + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
        post + b"Content-Length: 1048000\r\n\r\n" + bytes(1_048_000),
        post + b"\r\n".join(b"X-%d: y" % number for number in range(20_000)),
        b"GET /" + b"a" * 100_000,
        b"\r\n" * 50_000,
        b"GET / HTTP/1.1\r\n\r\n" * 2_000,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(5_000),
    )
    turns = itertools.cycle(said)
    return keep_up(port, 20, lambda: iter([next(turns)] * 2), 0.03)


def slow_handshakes(port: int) -> Iterator[None]:
    """Say hello byte by byte, or say it and nothing more."""
    hello = client_hello()
    slowly = [hello[place : place + 1] for place in range(len(hello))]
    turns = itertools.cycle((slowly, [hello]))
    return keep_up(port, 200, lambda: iter(next(turns)), 0.1)


def handshakes(port: int) -> Iterator[None]:
    """Shake hands and go, over and over."""
    trusting = _trusting()
    while True:
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=5) as connection:
            trusting.wrap_socket(connection).close()
        yield
        time.sleep(0.04)


def within_tls(attack: Attack) -> Attack:
    """Return an attack by peers that speak TLS as they should."""

    def within(port: int) -> Iterator[None]:
        Held.dial = staticmethod(sealed)
        return attack(port)

    return within


def plaintext(port: int) -> Iterator[None]:
    """Speak to a port of TLS without it."""
    turns = itertools.cycle((ask(5_000), b"GET / HTTP/1.1\r\n\r\n", client_hello()[:50] + bytes(500), bytes(20_000)))
    return keep_up(port, 50, lambda: iter([next(turns)] * 5), 0.02)


def _trusting() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


ATTACKS: Mapping[str, tuple[Attack, int]] = {
    "slow loris": (slow_loris, 16 << 20),
    "endless frames": (endless_frames, 40 * 2 * MESSAGE_LIMIT),
    "endless struct": (endless_struct, 20 * 2 * MESSAGE_LIMIT),
    "deep nesting": (deep_nesting, 8 << 20),
    "garbage": (garbage, 8 << 20),
    "connection flood": (connection_flood, 8 << 20),
    "idle flood": (idle_flood, 16 << 20),
    "half closed": (half_closed, 16 << 20),
    "never reads": (never_reads, 20 * 2 * MESSAGE_LIMIT),
    "header bombs": (header_bombs, 20 * 2 * MESSAGE_LIMIT),
    "zlib bombs": (zlib_bombs, 20 * 3 * MESSAGE_LIMIT),
    "other languages": (other_languages, 8 << 20),
}
"""Each attack, and the bytes that the server may take for it by what it says of itself: twice the largest message for a
connection that sends or is sent one, and little for any other."""
ON_HTTP: Mapping[str, tuple[Attack, int]] = {
    "slow posts": (slow_posts, 200 * 80 << 10),
    "HTTP bombs": (http_bombs, 20 * 2 * MESSAGE_LIMIT),
    "HTTP garbage": (garbage, 8 << 20),
}
"""The attacks on a port of HTTP, likewise."""
ON_TLS: Mapping[str, tuple[Attack, int]] = {
    "slow handshakes": (slow_handshakes, 32 << 20),
    "handshakes": (handshakes, 8 << 20),
    "plaintext": (plaintext, 8 << 20),
}
"""The attacks on a port of TLS, likewise."""
WITHIN_TLS: Mapping[str, tuple[Attack, int]] = {
    f"{name} within TLS": (within_tls(attack), memory + (40 * 192 << 10))
    for name, (attack, memory) in {**ATTACKS, **ON_HTTP}.items()
    if name in ("endless frames", "never reads", "zlib bombs", "slow posts", "HTTP bombs")
}
"""The attacks by peers that speak TLS to a port of it."""


def main() -> None:
    """Attack until killed."""
    name, port = sys.argv[1:]
    for number, _ in enumerate({**ATTACKS, **ON_HTTP, **ON_TLS, **WITHIN_TLS}[name][0](int(port))):
        if number == 1:
            print("under way", flush=True)


if __name__ == "__main__":
    main()
