"""A server of the RPC benchmark, in a process of its own: `python -m benches.echo_server KIND PORT CORE WORK`.

Each kind answers `Echo.echo` with the message it was given, framed Binary over TCP, in the setting it is fastest in.
"""

from __future__ import annotations

import importlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benches.peers import IDL

HOST = "127.0.0.1"


class Handler:
    """What every kind calls; the peers take any object with the method."""

    def echo(self, message: Any) -> Any:
        """Return what was given."""
        return message


def serve_fastthrift(port: int, work: Path) -> None:
    """Serve by fastthrift, which finds out framing and protocol by itself."""
    import fastthrift

    module = fastthrift.load(IDL / "bench.thrift")
    handler = type("EchoHandler", (Handler, module.Echo), {})
    fastthrift.serve(handler(), f"tcp://{HOST}:{port}")


def serve_thriftpy2(port: int, work: Path) -> None:
    """Serve by thriftpy2's thread for each connection, with its C extensions."""
    import thriftpy2
    from thriftpy2.protocol.cybin import TCyBinaryProtocolFactory
    from thriftpy2.rpc import make_server
    from thriftpy2.transport.framed import TCyFramedTransportFactory

    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    make_server(
        module.Echo,
        Handler(),
        HOST,
        port,
        proto_factory=TCyBinaryProtocolFactory(),
        trans_factory=TCyFramedTransportFactory(),
        client_timeout=None,
    ).serve()


def serve_apache(port: int, work: Path) -> None:
    """Serve by Apache's pool of threads, its fastest server in Python, with its C extension."""
    from benches.peers import apache_peer

    service = importlib.import_module(f"{apache_peer.generated(work)}.Echo")
    from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
    from thrift.server.TServer import TThreadPoolServer
    from thrift.transport.TSocket import TServerSocket
    from thrift.transport.TTransport import TFramedTransportFactory

    server = TThreadPoolServer(
        service.Processor(Handler()),
        TServerSocket(HOST, port),
        TFramedTransportFactory(),
        TBinaryProtocolAcceleratedFactory(),
        daemon=True,
    )
    server.setNumThreads(64)
    server.serve()


def serve_thriftrs2(port: int, work: Path) -> None:
    """Serve by thriftrs2."""
    import thriftrs2

    module = thriftrs2.load(str(IDL / "bench.thrift"))
    server = thriftrs2.make_server(module.Echo, Handler(), thriftrs2.TFramedTransport.transport_type)
    server.serve_forever(HOST, port)


def serve_raw(port: int, work: Path) -> None:
    """Echo bytes from a thread for each connection: what the interpreter and the kernel cost without any Thrift."""

    def echo(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := connection.recv(4096):
            connection.sendall(data)

    with socket.create_server((HOST, port), backlog=128) as listener:
        while True:
            threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


KINDS: Mapping[str, Callable[[int, Path], None]] = {
    "fastthrift": serve_fastthrift,
    "thriftpy2 threaded, cybin": serve_thriftpy2,
    "Apache thread pool, accelerated": serve_apache,
    "thriftrs2": serve_thriftrs2,
    "floor: Python socket echo, threads": serve_raw,
}


def main() -> None:
    """Serve until the process is ended."""
    kind, port, core, work = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    KINDS[kind](int(port), Path(work))


if __name__ == "__main__":
    main()
