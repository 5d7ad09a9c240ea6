"""Thrift over UDP: one datagram is one message, as tracing agents take them.

A datagram can be lost, so a call needs a time-out, and only functions that may be carried out twice should be called
again.
"""

from __future__ import annotations

import socket

import fastthrift

LARGEST = 65_507
"""The bytes that a datagram of IPv4 can carry."""


class Datagrams:
    """A client's transport: what is written until a flush goes out as one datagram."""

    def __init__(self, host: str, port: int) -> None:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, kind)
        self._socket.connect(address)
        self._written = bytearray()
        self._received = memoryview(b"")

    def read(self, size: int) -> bytes:
        if not self._received:
            self._received = memoryview(self._socket.recv(LARGEST))
        data, self._received = self._received[:size], self._received[size:]
        return bytes(data)

    def write(self, data: bytes) -> None:
        self._written += data

    def flush(self) -> None:
        # What is left of an earlier reply is of no use to the next call.
        self._received = memoryview(b"")
        self._socket.send(self._written)
        self._written.clear()

    def close(self) -> None:
        self._socket.close()

    def set_timeout(self, seconds: float | None) -> None:
        self._socket.settimeout(seconds)


def serve(processor: fastthrift.Processor, server: socket.socket) -> None:
    """Answer datagrams until the socket is shut down."""
    while True:
        request, sender = server.recvfrom(LARGEST)
        if not request:
            return
        try:
            reply = processor.process(request, peer=f"udp://{sender[0]}:{sender[1]}")
        except fastthrift.TTransportException as error:
            print(f"a datagram from {sender} is no message: {error}")
            continue
        if reply is not None:
            server.sendto(reply, sender)


def main() -> None:
    module = fastthrift.loads("service Echo { string say(1: string text) }", module_name="udp_echo")

    class Handler(module.Echo):  # type: ignore[misc, name-defined]
        def say(self, text: str) -> str:
            return text.upper()

    import threading

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        host, port = server.getsockname()
        thread = threading.Thread(target=serve, args=(fastthrift.Processor(Handler()), server))
        thread.start()
        with fastthrift.connect(
            module.Echo, lambda: Datagrams(host, port), transport="unframed", protocol="compact", timeout=2.0
        ) as client:
            print(client.say("over datagrams"))
        server.sendto(b"", (host, port))
        thread.join()


if __name__ == "__main__":
    main()
