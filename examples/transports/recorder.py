"""A transport that keeps what passes through another one: to see a conversation, or to play it again in a test."""

from __future__ import annotations

import socket
from typing import BinaryIO

import fastthrift


class Recorder:
    """A TCP connection whose bytes are also written to two files."""

    def __init__(self, address: tuple[str, int], sent: BinaryIO, received: BinaryIO) -> None:
        self._socket = socket.create_connection(address)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._sent = sent
        self._received = received

    def read(self, size: int) -> bytes:
        data = self._socket.recv(size)
        self._received.write(data)
        return data

    def write(self, data: bytes) -> None:
        self._socket.sendall(data)
        self._sent.write(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        self._socket.close()

    def set_timeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)


class Replayer:
    """The server's side of a recorded conversation, without a server."""

    def __init__(self, received: BinaryIO) -> None:
        self._received = received

    def read(self, size: int) -> bytes:
        return self._received.read(size)

    def write(self, data: bytes) -> None:
        """What is asked is not looked at."""

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """The file is its owner's."""


def main() -> None:
    import io

    module = fastthrift.loads("service Echo { string say(1: string text) }", module_name="recorded_echo")

    class Handler(module.Echo):  # type: ignore[misc, name-defined]
        def say(self, text: str) -> str:
            return text.upper()

    sent, received = io.BytesIO(), io.BytesIO()
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        host, _, port = server.url.removeprefix("tcp://").rpartition(":")
        with fastthrift.connect(module.Echo, lambda: Recorder((host, int(port)), sent, received)) as client:
            print(client.say("recorded"))
    received.seek(0)
    with fastthrift.connect(module.Echo, lambda: Replayer(received)) as client:
        print(client.say("recorded"))
    print(f"{len(sent.getvalue())} bytes went out, {len(received.getvalue())} came back")


if __name__ == "__main__":
    main()
