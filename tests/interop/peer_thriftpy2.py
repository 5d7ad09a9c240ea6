"""thriftpy2 as a peer: its loader, clients and servers, with the Cython protocol for Binary."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import thriftpy2
from thriftpy2.protocol.binary import TBinaryProtocol
from thriftpy2.protocol.compact import TCompactProtocolFactory
from thriftpy2.protocol.cybin import TCyBinaryProtocolFactory
from thriftpy2.protocol.multiplex import TMultiplexedProtocol
from thriftpy2.server import TThreadedServer
from thriftpy2.thrift import TApplicationException, TClient, TMultiplexedProcessor, TProcessor
from thriftpy2.transport import TServerSocket, TSocket
from thriftpy2.transport.buffered import TBufferedTransportFactory, TCyBufferedTransportFactory
from thriftpy2.transport.framed import TCyFramedTransportFactory, TFramedTransportFactory

from tests.interop.handler import Calculator

module = thriftpy2.load(str(Path(__file__).with_name("calculator.thrift")), module_name="peer_calculator_thrift")
DivisionByZero, Entry = module.DivisionByZero, module.Entry

__all__ = ["DivisionByZero", "Entry", "TApplicationException", "connect", "serve"]

PROTOCOLS = {"binary": TCyBinaryProtocolFactory, "compact": TCompactProtocolFactory}
CYTHON_TRANSPORTS = {"framed": TCyFramedTransportFactory, "unframed": TCyBufferedTransportFactory}
TRANSPORTS = {"framed": TFramedTransportFactory, "unframed": TBufferedTransportFactory}


@contextmanager
def connect(url: str, protocol: str, transport: str, service_name: str | None = None) -> Iterator[Any]:
    """Connect a client; "old binary" is Binary without a version."""
    address = urlsplit(url)
    socket = TSocket(unix_socket=address.path) if address.scheme == "unix" else TSocket(address.hostname, address.port)
    if protocol == "old binary":
        stream = TRANSPORTS[transport]().get_transport(socket)
        speaking: Any = TBinaryProtocol(stream, strict_read=False, strict_write=False)
    else:
        stream = CYTHON_TRANSPORTS[transport]().get_transport(socket)
        speaking = PROTOCOLS[protocol]().get_protocol(stream)
    stream.open()
    try:
        yield TClient(module.Calculator, TMultiplexedProtocol(speaking, service_name) if service_name else speaking)
    finally:
        stream.close()


class ListeningSocket(TServerSocket):  # type: ignore[misc]  # the library has no types
    """A server's socket that listens at once, so that its port is known."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        super().listen()

    def listen(self) -> None:
        pass


@cache
def serve(protocol: str, transport: str, service_name: str | None = None) -> str:
    """Serve until the tests end, and return the URL; with a name, the service is one of several."""
    types = SimpleNamespace(DivisionByZero=DivisionByZero, TApplicationException=TApplicationException)
    processor: Any = TProcessor(module.Calculator, Calculator(types))
    if service_name:
        several = TMultiplexedProcessor()
        several.register_processor(service_name, processor)
        processor = several
    socket = ListeningSocket()
    transports, protocols = CYTHON_TRANSPORTS[transport](), PROTOCOLS[protocol]()
    server = TThreadedServer(processor, socket, itrans_factory=transports, iprot_factory=protocols, daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    host, port = socket.sock.getsockname()
    return f"tcp://{host}:{port}"
