"""What is to be run: each carrier with each transport and each protocol, as far as they go together."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

CARRIERS = ("tcp", "unix", "tls", "http", "https")
TRANSPORTS = ("framed", "buffered", "header", "zlib", "sasl")
"""The last are frames behind a handshake in which the client says by PLAIN who it is."""
PROTOCOLS = ("binary", "compact", "json")


class Speech(NamedTuple):
    """One way to talk: what carries the bytes, how messages are set apart in them, and how values are written."""

    carrier: str
    transport: str
    protocol: str

    @property
    def makes_sense(self) -> bool:
        """Whether anybody talks so: HTTP sets messages apart itself, and the header transport has no JSON."""
        if self.carrier in ("http", "https"):
            return self.transport == "buffered"
        return (self.transport, self.protocol) != ("header", "json")


class Cell(NamedTuple):
    """One program of a library that calls one of another."""

    client: str
    server: str
    speech: Speech

    def __str__(self) -> str:
        """Return what `--only` and the known failures match."""
        return " ".join((self.client, self.server, *self.speech))


def all_speeches() -> Iterator[Speech]:
    """Yield all that make sense, those of one carrier together."""
    for carrier in CARRIERS:
        for transport in TRANSPORTS:
            for protocol in PROTOCOLS:
                speech = Speech(carrier, transport, protocol)
                if speech.makes_sense:
                    yield speech
