"""A server of the RPC benchmark, in a process of its own: `python -m benches.echo_server KIND PORT CORE WORK`.

Each kind answers `Echo.echo` with the message it was given, framed Binary over TCP, in the setting it is fastest in;
`Echo.rest` does the same after a sleep. WORK is a folder for generated code, in which `floor` leads to the C program.
"""

from __future__ import annotations

import asyncio
import importlib
import os
import socket
import sys
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from benches.peers import IDL

HOST = "127.0.0.1"
THREADS = 64
"""How many handlers the servers with a pool may run at once: more than there are connections."""
REST = 0.05
"""The seconds that `rest` takes."""


class Handler:
    """What every kind calls; the peers take any object with the methods."""

    def echo(self, message: Any) -> Any:
        """Return what was given."""
        return message

    def rest(self, message: Any) -> Any:
        """Return what was given, later."""
        time.sleep(REST)
        return message


class AsyncHandler:
    """The same for a loop."""

    async def echo(self, message: Any) -> Any:
        """Return what was given."""
        return message

    async def rest(self, message: Any) -> Any:
        """Return what was given, later."""
        await asyncio.sleep(REST)
        return message


class MixedHandler(Handler):
    """Plain where nothing waits, and a coroutine where something does."""

    rest = AsyncHandler.rest


def serve_fastthrift(port: int, work: Path) -> None:
    """Serve by fastthrift, which finds out framing and protocol by itself."""
    import fastthrift

    module = fastthrift.load(IDL / "bench.thrift")
    handler = type("EchoHandler", (Handler, module.Echo), {})
    fastthrift.serve(handler(), f"tcp://{HOST}:{port}", threads=THREADS)


def serve_fastthrift_asyncio(handler: Callable[[], Any], options: Mapping[str, Any], port: int) -> None:
    """Serve by fastthrift on asyncio's own loop."""
    import fastthrift
    from fastthrift import aio

    service = fastthrift.load(IDL / "bench.thrift").Echo

    async def serve() -> None:
        await aio.serve(handler(), f"tcp://{HOST}:{port}", service=service, **options)

    asyncio.run(serve())


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


def serve_thriftpy2_asyncio(port: int, work: Path) -> None:
    """Serve by thriftpy2 on asyncio's loop, for which it has no C extension."""
    import thriftpy2
    from thriftpy2.contrib.aio.protocol.binary import TAsyncBinaryProtocolFactory
    from thriftpy2.contrib.aio.rpc import make_server
    from thriftpy2.contrib.aio.transport.framed import TAsyncFramedTransportFactory

    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    make_server(
        module.Echo,
        AsyncHandler(),
        HOST,
        port,
        proto_factory=TAsyncBinaryProtocolFactory(),
        trans_factory=TAsyncFramedTransportFactory(),
        client_timeout=None,
        loop=loop,
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
    server.setNumThreads(THREADS)
    server.serve()


def serve_thriftrs2(port: int, work: Path) -> None:
    """Serve by thriftrs2."""
    import thriftrs2

    module = thriftrs2.load(str(IDL / "bench.thrift"))
    server = thriftrs2.make_server(module.Echo, Handler(), thriftrs2.TFramedTransport.transport_type)
    server.serve_forever(HOST, port)


def serve_grpc(port: int, work: Path) -> None:
    """Serve by gRPC's threads."""
    import grpc

    from benches import grpc_echo

    handler = Handler()
    methods = {
        "echo": lambda message, _context: handler.echo(message),
        "rest": lambda message, _context: handler.rest(message),
    }
    server = grpc.server(ThreadPoolExecutor(THREADS), handlers=(grpc_echo.handlers(methods),))
    server.add_insecure_port(f"{HOST}:{port}")
    server.start()
    server.wait_for_termination()


def serve_grpc_asyncio(port: int, work: Path) -> None:
    """Serve by gRPC on asyncio's loop."""
    import grpc

    from benches import grpc_echo

    class Methods:
        async def echo(self, message: Any, _context: Any) -> Any:
            return message

        async def rest(self, message: Any, _context: Any) -> Any:
            await asyncio.sleep(REST)
            return message

    async def serve() -> None:
        methods = Methods()
        server = grpc.aio.server(handlers=(grpc_echo.handlers({"echo": methods.echo, "rest": methods.rest}),))
        server.add_insecure_port(f"{HOST}:{port}")
        await server.start()
        await server.wait_for_termination()

    asyncio.run(serve())


def serve_raw(port: int, work: Path) -> None:
    """Echo bytes from a thread for each connection: what the interpreter and the kernel cost without any Thrift."""

    def echo(connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while data := connection.recv(4096):
            connection.sendall(data)

    with socket.create_server((HOST, port), backlog=128) as listener:
        while True:
            threading.Thread(target=echo, args=(listener.accept()[0],), daemon=True).start()


class EchoProtocol(asyncio.Protocol):
    """Sends back what comes."""

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        """Send the same bytes back."""
        self.transport.write(data)


def serve_protocol(port: int, work: Path) -> None:
    """Echo bytes by an asyncio.Protocol."""

    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(EchoProtocol, HOST, port)
        await server.serve_forever()

    asyncio.run(serve())


def serve_c(port: int, work: Path) -> None:
    """Echo bytes by the C program."""
    os.execv(work / "floor", ["echo", HOST, str(port), "same"])


def serve_replies(port: int, work: Path) -> None:
    """Answer the calls of the benchmark by the C program, for the clients to be measured against."""
    os.execv(work / "floor", ["echo", HOST, str(port), "reply"])


BLOCKING: Mapping[str, Callable[[int, Path], None]] = {
    "fastthrift": serve_fastthrift,
    "thriftpy2 threaded, cybin": serve_thriftpy2,
    "Apache thread pool, accelerated": serve_apache,
    "thriftrs2": serve_thriftrs2,
    "grpcio": serve_grpc,
    "floor: Python socket echo, threads": serve_raw,
    "floor: C epoll echo": serve_c,
}
INLINE: Mapping[str, Any] = {"inline": True}
"""The options with which a plain handler is called on the loop itself, as an `asyncio.Protocol` does its work."""
ASYNCIO: Mapping[str, Callable[[int, Path], None]] = {
    "fastthrift asyncio, plain handler": lambda port, _work: serve_fastthrift_asyncio(MixedHandler, INLINE, port),
    "fastthrift asyncio, async handler": lambda port, _work: serve_fastthrift_asyncio(AsyncHandler, {}, port),
    "thriftpy2 asyncio": serve_thriftpy2_asyncio,
    "grpcio asyncio": serve_grpc_asyncio,
    "floor: asyncio.Protocol echo": serve_protocol,
}
KINDS = {**BLOCKING, **ASYNCIO}
HELPERS: Mapping[str, Callable[[int, Path], None]] = {"replies": serve_replies}


def main() -> None:
    """Serve until the process is ended."""
    kind, port, core, work = sys.argv[1:]
    os.sched_setaffinity(0, {int(core)})
    {**KINDS, **HELPERS}[kind](int(port), Path(work))


if __name__ == "__main__":
    main()
