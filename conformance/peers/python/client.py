"""Calls a server with Apache's Python library, and checks every reply."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import checks
import peer
from generated import Conformance, Later, ttypes
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TApplicationException

SERVICES = {"Conformance": Conformance, "Later": Later}


@contextmanager
def connect(service: str = "Conformance", multiplexed: str | None = None) -> Iterator[Any]:
    transport = peer.client_transport(asked)
    protocol = peer.protocol_factory(asked).getProtocol(transport)
    if multiplexed is not None:
        protocol = TMultiplexedProtocol(protocol, multiplexed)
    transport.open()
    try:
        yield SERVICES[service].Client(protocol)
    finally:
        transport.close()


asked = peer.arguments()
sys.exit(checks.run(checks.Setting(connect, ttypes, TApplicationException), asked.only))
