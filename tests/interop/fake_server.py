"""A server that does what no good one does: a test writes its side of each connection by hand, in framed Binary."""

from __future__ import annotations

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

REPLY, EXCEPTION, ONEWAY, CALL = 2, 3, 4, 1


class Peer:
    """The server's end of one connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._file = sock.makefile("rb")

    def request(self) -> tuple[str, int]:
        """Wait for a request and return its function's name and sequence id; an `EOFError` says that none comes."""
        header = self._file.read(4)
        if len(header) < 4:
            raise EOFError
        message = self._file.read(struct.unpack(">i", header)[0])
        length = struct.unpack_from(">i", message, 4)[0]
        return message[8 : 8 + length].decode(), struct.unpack_from(">i", message, 8 + length)[0]

    def reply(self, name: str, sequence_id: int, value: int, *, kind: int = REPLY) -> None:
        """Send the reply of a function that returns an i64."""
        self.sock.sendall(frame(message(name, sequence_id, value, kind=kind)))

    def trickle(self, data: bytes, *, pause: float) -> None:
        """Send one byte at a time."""
        for place in range(len(data)):
            self.sock.sendall(data[place : place + 1])
            time.sleep(pause)

    def serve(self) -> None:
        """Answer each request with 42 until the client leaves."""
        while True:
            self.reply(*self.request(), 42)


def message(name: str, sequence_id: int, value: int, *, kind: int = REPLY) -> bytes:
    header = struct.pack(">BBBBi", 0x80, 1, 0, kind, len(name)) + name.encode() + struct.pack(">i", sequence_id)
    return header + struct.pack(">bhqb", 10, 0, value, 0)


def frame(data: bytes) -> bytes:
    return struct.pack(">i", len(data)) + data


Conversation = Callable[[Peer], None]


@contextmanager
def fake_server(*conversations: Conversation) -> Iterator[str]:
    """Serve one connection after the other, each with its conversation; yields the URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def run() -> None:
        for conversation in conversations:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            with sock:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                try:
                    conversation(Peer(sock))
                except (EOFError, OSError):
                    continue  # the client left

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)
        assert not thread.is_alive()
