"""Apache Thrift's Python library, with the code that its compiler made of `TCLIService.thrift` and impyla ships."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

from impala._thrift_gen.TCLIService import TCLIService, ttypes
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory, TBinaryProtocolFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.server.TServer import TThreadedServer
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TBufferedTransportFactory, TFramedTransportFactory

from examples.demo.hive_server import Warehouse

PROTOCOLS = {
    "binary": TBinaryProtocolAcceleratedFactory,
    "binary, pure Python": TBinaryProtocolFactory,
    "compact": TCompactProtocolAcceleratedFactory,
}
__all__ = ["PROTOCOLS", "client", "serve", "ttypes"]
TRANSPORTS = {"framed": TFramedTransportFactory, "unframed": TBufferedTransportFactory}


@contextmanager
def client(url: str, protocol: str, transport: str) -> Iterator[Any]:
    """Connect Apache's generated client."""
    address = urlsplit(url)
    socket = TRANSPORTS[transport]().getTransport(TSocket(address.hostname, address.port))
    socket.open()
    try:
        yield TCLIService.Client(PROTOCOLS[protocol]().getProtocol(socket))
    finally:
        socket.close()


class ListeningSocket(TServerSocket):  # type: ignore[misc]  # the library has no types
    """A server's socket that listens at once, so that its port is known."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        super().listen()

    def listen(self) -> None:
        pass

    @property
    def url(self) -> str:
        host, port = self.handle.getsockname()
        return f"tcp://{host}:{port}"


def serve(protocol: str, transport: str) -> str:
    """Serve on Apache's server until the program ends, and return the URL."""
    processor, socket = TCLIService.Processor(Warehouse(ttypes)), ListeningSocket()
    server = TThreadedServer(processor, socket, TRANSPORTS[transport](), PROTOCOLS[protocol](), daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    return socket.url
