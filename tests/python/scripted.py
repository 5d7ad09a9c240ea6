"""Servers that break what they are told to, and plans for them: for clients that call again, hedge and pool."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator

import fastthrift
from fastthrift import Backoff

from tests.interop.fake_server import Peer

Plan = Callable[[Peer, str, int], None]
"""What a server does with a request: it gets its end of the connection, the function's name and the sequence id."""

SHOP = fastthrift.loads("""
service Shop {
  i64 add(1: i64 a, 2: i64 b) (idempotent = "true")
  i64 take(1: i64 a) (idempotent = "false")
  i64 buy(1: i64 a)
  i64 plain(1: i64 a) (idempotent)
  oneway void note(1: string text)
}
""")

QUICK = Backoff(0.001, most=0.01)


class Pipe:
    """A transport that leads nowhere."""

    def read(self, size: int) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


class Listening:
    """Gives each connection that comes a thread of its own."""

    def __init__(self) -> None:
        self.made: list[socket.socket] = []
        self.changed = threading.Condition()
        self.listen()

    def listen(self, port: int = 0) -> None:
        """Take connections until `close`, at this port or at one that is free."""
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                self.made.append(sock)
                number = len(self.made)
                self.changed.notify_all()
            threading.Thread(target=self._serve, args=(sock, number), daemon=True).start()

    def _serve(self, sock: socket.socket, number: int) -> None:
        with sock, contextlib.suppress(EOFError, OSError):
            self.converse(sock, number)

    def converse(self, sock: socket.socket, number: int) -> None:
        """Serve the connection of this number, from 1; an `EOFError` ends it."""
        raise NotImplementedError

    def close(self) -> None:
        """Take no further connections."""
        with contextlib.suppress(OSError):  # it may be closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(10)


class Faulty(Listening):
    """A server that does with each request what a plan says, in framed Binary."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.requests: Counter[int] = Counter()
        self.names: list[str] = []
        super().__init__()

    def converse(self, sock: socket.socket, number: int) -> None:
        peer = Counting(sock, self)
        while True:
            name, sequence_id = peer.request()
            self.plan(peer, name, sequence_id)

    def note(self, name: str, argument: int) -> None:
        with self.changed:
            self.names.append(name)
            self.requests[argument] += 1


class Counting(Peer):
    """A server's end of a connection that keeps each request's first argument."""

    def __init__(self, sock: socket.socket, server: Faulty) -> None:
        super().__init__(sock)
        self.server = server

    def request(self) -> tuple[str, int]:
        header = self._file.read(4)
        if len(header) < 4:
            raise EOFError
        body = self._file.read(struct.unpack(">i", header)[0])
        length = struct.unpack_from(">i", body, 4)[0]
        name = body[8 : 8 + length].decode()
        kind, _, argument = struct.unpack_from(">bhq", body + bytes(8), 12 + length)
        self.server.note(name, argument if kind == 10 else -1)
        return name, struct.unpack_from(">i", body, 8 + length)[0]


class Connections(Listening):
    """A framed Binary server that answers with 42 on every connection and keeps count of them."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, str]] = []
        self.closed: set[int] = set()
        self.silent: set[int] = set()
        super().__init__()

    def converse(self, sock: socket.socket, number: int) -> None:
        try:
            peer = Peer(sock)
            while True:
                name, sequence_id = peer.request()
                with self.changed:
                    self.calls.append((number, name))
                if number not in self.silent:
                    peer.reply(name, sequence_id, 42)
        finally:
            with self.changed:
                self.closed.add(number)
                self.changed.notify_all()

    def wait_until_closed(self, *numbers: int, timeout: float = 5.0) -> None:
        with self.changed:
            assert self.changed.wait_for(lambda: self.closed >= set(numbers), timeout), self.closed


def failing(times: int) -> Plan:
    """Close the connection in place of the first answers."""
    left = [times]

    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise EOFError
        peer.reply(name, sequence_id, 42)

    return plan


def in_turn(*plans: Plan) -> Plan:
    """Do with each request what the next plan says; the last one stays."""
    left = list(plans)
    lock = threading.Lock()

    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        with lock:
            current = left.pop(0) if len(left) > 1 else left[0]
        current(peer, name, sequence_id)

    return plan


def after(seconds: float, value: int = 42) -> Plan:
    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        time.sleep(seconds)
        peer.reply(name, sequence_id, value)

    return plan


def cut(peer: Peer, name: str, sequence_id: int) -> None:
    """Close the connection."""
    raise EOFError


@contextlib.contextmanager
def faulty_servers() -> Iterator[Callable[[Plan], Faulty]]:
    """Give what makes faulty servers, and close them in the end."""
    made: list[Faulty] = []

    def make(plan: Plan) -> Faulty:
        made.append(Faulty(plan))
        return made[-1]

    try:
        yield make
    finally:
        for server in made:
            server.close()


@contextlib.contextmanager
def counted_connections() -> Iterator[Connections]:
    """Run a server that counts its connections, and end those that are left."""
    server = Connections()
    try:
        yield server
    finally:
        server.close()
        for sock in server.made:
            # Its thread closes a connection that has ended at its own time, so it may be gone by now.
            with server.changed, contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
