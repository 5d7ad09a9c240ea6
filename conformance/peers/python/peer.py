"""Apache's Python library: the arguments of the two programs, and the transports and protocols they name."""

from __future__ import annotations

import argparse
import ssl
from typing import Any
from urllib.parse import urlsplit

from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.protocol.THeaderProtocol import THeaderProtocolFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.transport.THeaderTransport import THeaderClientType, THeaderSubprotocolID
from thrift.transport.THttpClient import THttpClient
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TSSLSocket import TSSLServerSocket, TSSLSocket
from thrift.transport.TTransport import (
    TBufferedTransport,
    TBufferedTransportFactory,
    TFramedTransportFactory,
)
from thrift.transport.TZlibTransport import TZlibTransport

SUBPROTOCOLS = {"binary": THeaderSubprotocolID.BINARY, "compact": THeaderSubprotocolID.COMPACT}
PROTOCOLS = {
    "binary": TBinaryProtocolAcceleratedFactory,
    "compact": TCompactProtocolAcceleratedFactory,
    "json": TJSONProtocolFactory,
}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    for name in ("url", "transport", "protocol"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("ca", "cert", "key", "only"):
        parser.add_argument(f"--{name}")
    return parser.parse_args()


def protocol_factory(asked: argparse.Namespace) -> Any:
    if asked.transport == "header":
        return THeaderProtocolFactory((THeaderClientType.HEADERS,), SUBPROTOCOLS[asked.protocol])
    return PROTOCOLS[asked.protocol]()


class ZlibTransportFactory:
    """Gives each connection streams of its own: Apache's factory keeps the last, which threads would share."""

    def getTransport(self, trans: Any) -> Any:
        # The buffer is needed: read by the accelerated protocols alone, the compressed transport drops what it has
        # decompressed beyond what it was asked for.
        return TBufferedTransport(TZlibTransport(trans))


def transport_factory(asked: argparse.Namespace) -> Any:
    factories = {"framed": TFramedTransportFactory, "zlib": ZlibTransportFactory}
    return factories.get(asked.transport, TBufferedTransportFactory)()


def client_transport(asked: argparse.Namespace) -> Any:
    """Return the transport that a client reads from and writes to, not yet open."""
    url = urlsplit(asked.url)
    if url.scheme in ("http", "https"):
        context = ssl.create_default_context(cafile=asked.ca) if url.scheme == "https" else None
        return THttpClient(asked.url, ssl_context=context)
    if url.scheme == "unix":
        raw = TSocket(unix_socket=url.path)
    elif url.scheme == "tls":
        raw = TSSLSocket(url.hostname, url.port, ca_certs=asked.ca, cert_reqs=ssl.CERT_REQUIRED)
    else:
        raw = TSocket(url.hostname, url.port)
    raw.setTimeout(20_000)
    return transport_factory(asked).getTransport(raw)


def server_socket(asked: argparse.Namespace) -> Any:
    url = urlsplit(asked.url)
    if url.scheme == "unix":
        return TServerSocket(unix_socket=url.path)
    if url.scheme == "tls":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(asked.cert, asked.key)
        return TSSLServerSocket(url.hostname, url.port, ssl_context=context)
    return TServerSocket(url.hostname, url.port)
