"""A client of the RPC benchmark, in a process of its own.

`python -m benches.echo_client KIND PORT WORK FUNCTION CONNECTIONS CALLERS SECONDS` prints a line of JSON: the requests
that were measured, the calls that there were in all, seconds, the CPU time of the process for a request, and the 50th,
99th and 99.9th percentile of their times, all in microseconds. Each caller makes one call after another; blocking
ones are threads with a connection each.
"""

from __future__ import annotations

import asyncio
import functools
import importlib
import json
import os
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from benches import data
from benches.echo_server import HOST
from benches.peers import IDL

Call = Callable[[], Any]
AsyncCall = Callable[[], Awaitable[Any]]


@functools.cache
def _generated(work: Path) -> str:
    from benches.peers import apache_peer

    return apache_peer.generated(work)


def checked(reply: Any) -> None:
    """Fail unless a reply holds the message that was sent."""
    if any(getattr(reply, name) != value for name, value in data.message().items()):
        raise AssertionError(f"not the message: {reply!r}")


def fastthrift_call(port: int, work: Path, function: str) -> Call:
    """Call by fastthrift."""
    import fastthrift

    module = fastthrift.load(IDL / "bench.thrift")
    called = getattr(fastthrift.connect(module.Echo, f"tcp://{HOST}:{port}"), function)
    message = module.Message(**data.message())
    checked(called(message))
    return lambda: called(message)


def thriftpy2_call(port: int, work: Path, function: str) -> Call:
    """Call by thriftpy2 with its C extensions."""
    import thriftpy2
    from thriftpy2.protocol.cybin import TCyBinaryProtocolFactory
    from thriftpy2.rpc import make_client
    from thriftpy2.transport.framed import TCyFramedTransportFactory

    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    factories = {"proto_factory": TCyBinaryProtocolFactory(), "trans_factory": TCyFramedTransportFactory()}
    called = getattr(make_client(module.Echo, HOST, port, timeout=None, **factories), function)
    message = module.Message(**data.message())
    checked(called(message))
    return lambda: called(message)


def apache_call(port: int, work: Path, function: str) -> Call:
    """Call by Apache's library with its C extension."""
    package = _generated(work)
    from thrift.protocol.TBinaryProtocol import TBinaryProtocolAccelerated
    from thrift.transport.TSocket import TSocket
    from thrift.transport.TTransport import TFramedTransport

    transport = TFramedTransport(TSocket(HOST, port))
    transport.open()
    client = importlib.import_module(f"{package}.Echo").Client(TBinaryProtocolAccelerated(transport, fallback=False))
    called = getattr(client, function)
    message = importlib.import_module(f"{package}.ttypes").Message(**data.message())
    checked(called(message))
    return lambda: called(message)


def grpc_call(port: int, work: Path, function: str) -> Call:
    """Call by gRPC."""
    import grpc

    from benches import grpc_echo

    channel = grpc.insecure_channel(f"{HOST}:{port}", options=grpc_echo.OWN_CONNECTION)
    called, message = grpc_echo.call_of(channel, function)
    checked(called(message))
    return lambda: called(message)


def raw_call(port: int, work: Path, function: str) -> Call:
    """Send a request's bytes and receive a reply's, with Python's own sockets."""
    request, size = (work / "echo.request").read_bytes(), len((work / "echo.reply").read_bytes())
    connection = socket.create_connection((HOST, port))
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def call() -> None:
        connection.sendall(request)
        left = size
        while left:
            left -= len(connection.recv(left))

    return call


async def fastthrift_asyncio_call(port: int, work: Path, function: str) -> AsyncCall:
    """Call by fastthrift on asyncio's loop; calls share the connection."""
    import fastthrift
    from fastthrift import aio

    module = fastthrift.load(IDL / "bench.thrift")
    client = await aio.connect(module.Echo, f"tcp://{HOST}:{port}")
    called = getattr(client, function)
    message = module.Message(**data.message())
    checked(await called(message))
    return lambda: called(message)


async def thriftpy2_asyncio_call(port: int, work: Path, function: str) -> AsyncCall:
    """Call by thriftpy2's asyncio client, which needs a lock where callers share it."""
    import thriftpy2
    from thriftpy2.contrib.aio.protocol.binary import TAsyncBinaryProtocolFactory
    from thriftpy2.contrib.aio.rpc import make_client
    from thriftpy2.contrib.aio.transport.framed import TAsyncFramedTransportFactory

    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    factories = {"proto_factory": TAsyncBinaryProtocolFactory(), "trans_factory": TAsyncFramedTransportFactory()}
    client = await make_client(module.Echo, HOST, port, timeout=None, **factories)
    called = getattr(client, function)
    message = module.Message(**data.message())
    checked(await called(message))
    lock = asyncio.Lock()

    async def call() -> None:
        async with lock:
            await called(message)

    return call


async def grpc_asyncio_call(port: int, work: Path, function: str) -> AsyncCall:
    """Call by gRPC on asyncio's loop; calls share the connection."""
    import grpc

    from benches import grpc_echo

    channel = grpc.aio.insecure_channel(f"{HOST}:{port}", options=grpc_echo.OWN_CONNECTION)
    called, message = grpc_echo.call_of(channel, function)
    checked(await called(message))

    async def call() -> None:
        await called(message)

    return call


class RawProtocol(asyncio.Protocol):
    """Gives each reply's bytes to the oldest caller that waits."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._received = 0
        self._waiting: deque[asyncio.Future[None]] = deque()

    def connection_made(self, transport: Any) -> None:
        """Take the transport."""
        self._transport = transport
        self._loop = asyncio.get_running_loop()

    def data_received(self, data: bytes) -> None:
        """Wake a caller for each whole reply."""
        self._received += len(data)
        while self._received >= self._size:
            self._received -= self._size
            self._waiting.popleft().set_result(None)

    def call(self, request: bytes) -> asyncio.Future[None]:
        """Send a request; the future is done when its reply is there."""
        future = self._loop.create_future()
        self._waiting.append(future)
        self._transport.write(request)
        return future


async def raw_asyncio_call(port: int, work: Path, function: str) -> AsyncCall:
    """Send and receive bytes by an asyncio.Protocol."""
    request, size = (work / "echo.request").read_bytes(), len((work / "echo.reply").read_bytes())
    _, protocol = await asyncio.get_running_loop().create_connection(lambda: RawProtocol(size), HOST, port)
    return lambda: protocol.call(request)


BLOCKING: Mapping[str, Callable[[int, Path, str], Call]] = {
    "fastthrift": fastthrift_call,
    "thriftpy2, cybin": thriftpy2_call,
    "Apache, accelerated": apache_call,
    "grpcio": grpc_call,
    "floor: Python sockets": raw_call,
}
ASYNCIO: Mapping[str, Callable[[int, Path, str], Awaitable[AsyncCall]]] = {
    "fastthrift asyncio": fastthrift_asyncio_call,
    "thriftpy2 asyncio": thriftpy2_asyncio_call,
    "grpcio asyncio": grpc_asyncio_call,
    "floor: asyncio.Protocol": raw_asyncio_call,
}


def run_threads(calls: list[Call], seconds: float) -> list[int]:
    """Let a thread for each connection call until the time is up; return the nanoseconds that each call took."""
    end = time.perf_counter_ns() + int(seconds * 1e9)
    found: list[list[int]] = [[] for _ in calls]

    def work(call: Call, times: list[int]) -> None:
        before = time.perf_counter_ns()
        while before < end:
            call()
            now = time.perf_counter_ns()
            times.append(now - before)
            before = now

    if len(calls) == 1:
        work(calls[0], found[0])
        return found[0]
    threads = [threading.Thread(target=work, args=pair) for pair in zip(calls, found, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [took for times in found for took in times]


async def run_tasks(calls: list[AsyncCall], callers: int, seconds: float) -> list[int]:
    """Let tasks call until the time is up; return the nanoseconds that each call took."""
    end = time.perf_counter_ns() + int(seconds * 1e9)
    times: list[int] = []

    async def work(call: AsyncCall) -> None:
        before = time.perf_counter_ns()
        while before < end:
            await call()
            now = time.perf_counter_ns()
            times.append(now - before)
            before = now

    await asyncio.gather(*(work(calls[place % len(calls)]) for place in range(callers)))
    return times


def measure(kind: str, port: int, work: Path, function: str, connections: int, callers: int, seconds: float) -> str:
    """Open the connections, call for some time, and return what was measured."""

    def timed(run: Callable[[], list[int]]) -> tuple[list[int], float, float]:
        start, cpu = time.perf_counter(), time.process_time()
        times = run()
        return times, time.perf_counter() - start, time.process_time() - cpu

    if kind in BLOCKING:
        calls = [BLOCKING[kind](port, work, function) for _ in range(connections)]
        warm = run_threads(calls, seconds / 10)
        times, took, cpu = timed(lambda: run_threads(calls, seconds))
    else:
        with_loop = asyncio.new_event_loop()
        opened = [with_loop.run_until_complete(ASYNCIO[kind](port, work, function)) for _ in range(connections)]
        warm = with_loop.run_until_complete(run_tasks(opened, callers, seconds / 10))
        times, took, cpu = timed(lambda: with_loop.run_until_complete(run_tasks(opened, callers, seconds)))
    found: dict[str, float] = {
        "requests": len(times),
        "calls": len(warm) + len(times) + connections,
        "seconds": took,
        "cpu_us": cpu / len(times) * 1e6,
    }
    times.sort()
    for name, part in (("p50_us", 0.5), ("p99_us", 0.99), ("p999_us", 0.999)):
        found[name] = times[min(len(times) - 1, int(part * len(times)))] / 1e3
    return json.dumps(found)


def main() -> None:
    """Measure, and leave without closing: what a peer's clean-up takes is nobody's concern here."""
    kind, port, work, function, connections, callers, seconds = sys.argv[1:]
    sys.path.append(work)
    print(measure(kind, int(port), Path(work), function, int(connections), int(callers), float(seconds)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
