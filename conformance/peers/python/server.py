"""Serves with Apache's Python library, and prints where."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

import peer
from checks import MULTIPLEXED_NAME
from generated import Conformance, ttypes
from handler import Handler
from thrift.server.THttpServer import THttpServer
from thrift.server.TServer import TThreadedServer
from thrift.TMultiplexedProcessor import TMultiplexedProcessor


def announce(socket: Any) -> None:
    if url.scheme == "unix":
        print(f"listening {asked.url}", flush=True)
    else:
        print(f"listening {url.scheme}://{url.hostname}:{socket.getsockname()[1]}{url.path}", flush=True)


def announcing(server_socket: Any) -> Any:
    """Let the socket say where it listens once it does."""
    listen = server_socket.listen

    def listen_and_announce() -> None:
        listen()
        announce(server_socket.handle)

    server_socket.listen = listen_and_announce
    return server_socket


logging.getLogger("thrift").addHandler(logging.NullHandler())
asked = peer.arguments()
url = urlsplit(asked.url)
processor = TMultiplexedProcessor()
processor.registerProcessor(MULTIPLEXED_NAME, Conformance.Processor(Handler(ttypes)))
processor.registerDefault(Conformance.Processor(Handler(ttypes)))
protocols = peer.protocol_factory(asked)
if url.scheme in ("http", "https"):
    files = {"cert_file": asked.cert, "key_file": asked.key} if url.scheme == "https" else {}
    http = THttpServer(processor, (url.hostname, url.port), protocols, **files)
    announce(http.httpd.socket)
    http.serve()
else:
    transports = peer.transport_factory(asked)
    socket = announcing(peer.server_socket(asked))
    TThreadedServer(processor, socket, transports, transports, protocols, protocols, daemon=True).serve()
