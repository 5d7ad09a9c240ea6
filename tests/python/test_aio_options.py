"""What clients on an event loop can be told: options, headers, interceptors, transports of one's own."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from typing import Any

import fastthrift
import pytest
from fastthrift import aio
from fastthrift.metrics import PrometheusMetrics
from prometheus_client import CollectorRegistry

MODULE = fastthrift.loads(
    """
    exception Refused { 1: string why }
    service Desk {
        i64 add(1: i64 a, 2: i64 b) throws (1: Refused refused)
        oneway void note(1: string text)
        map<string, string> headers()
        void sleep(1: double seconds)
    }
    """,
    module_name="aio_options_desk",
)


class Desk(MODULE.Desk):  # type: ignore[misc, name-defined]
    def add(self, a: int, b: int) -> int:
        if a < 0:
            raise MODULE.Refused("negative")
        return a + b

    def note(self, text: str) -> None:
        pass

    def headers(self) -> dict[str, str]:
        call = fastthrift.current_call()
        assert call is not None
        call.reply_headers["answered-by"] = "desk"
        return dict(call.headers)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


@pytest.fixture
def server() -> Any:
    with fastthrift.Server(Desk(), "tcp://127.0.0.1:0") as server:
        yield server


def test_options_make_a_client_over_the_same_connections(server: fastthrift.Server) -> None:
    async def main() -> None:
        async with aio.connect(MODULE.Desk, server.url, transport="header", headers={"who": "me"}) as client:
            other = fastthrift.with_options(client, headers={"what": "this"}, timeout=5.0)
            assert type(other) is type(client)
            assert "who" in await client.headers()
            found = await other.headers()
            assert (found["who"], found["what"]) == ("me", "this")
            assert 4000 < int(found["client_timeout"]) <= 5000
            assert "what" not in await client.headers()
            start = time.monotonic()
            with pytest.raises(fastthrift.TransportTimeout, match="within 100ms"):
                await fastthrift.with_options(client, timeout=0.1).sleep(0.5)
            assert time.monotonic() - start < 5
            assert await client.add(2, 3) == 5

    asyncio.run(main())


def test_headers_need_a_transport_that_carries_them(server: fastthrift.Server) -> None:
    async def main() -> None:
        async with aio.connect(MODULE.Desk, server.url) as client:
            with pytest.raises(ValueError, match="carries no headers"):
                fastthrift.with_options(client, headers={"a": "b"})

    asyncio.run(main())


@pytest.mark.parametrize("retry", [None, fastthrift.Retry(2)], ids=["once", "again"])
def test_interceptors_run_around_each_call(server: fastthrift.Server, retry: fastthrift.Retry | None) -> None:
    seen: list[Any] = []

    async def outer(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        call.headers["trace"] = "17"
        try:
            return await proceed()
        except MODULE.Refused as error:
            return -len(error.why)

    async def inner(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        result = await proceed()
        seen.append(
            (
                *(call.side, call.service, call.function, call.arguments, dict(call.reply_headers)),
                *(call.request_bytes, call.reply_bytes),
            )
        )
        return result

    async def main() -> None:
        interceptors = [outer, inner]
        options: dict[str, Any] = {"transport": "header", "interceptors": interceptors, "retry": retry}
        async with aio.connect(MODULE.Desk, server.url, **options) as client:
            assert (await client.headers())["trace"] == "17"
            assert await asyncio.gather(*(client.add(number, 1) for number in range(50))) == list(range(1, 51))
            assert await client.add(-1, 1) == -8
            await client.note("x")

    asyncio.run(main())
    assert len(seen) == 52
    assert seen[0][:4] == ("client", "Desk", "headers", ())
    assert seen[0][4]["answered-by"] == "desk"
    # The struct of no arguments and that of a text of one byte; a oneway call has no reply.
    assert seen[0][5] == 1
    assert seen[0][6] > 20
    assert seen[-1][5:] == (9, None)


def test_a_call_through_interceptors_can_be_cancelled_and_timed_out(server: fastthrift.Server) -> None:
    ended: list[str] = []

    async def watch(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        call.on_end(lambda call: ended.append(call.function))
        return await proceed()

    async def main() -> None:
        async with aio.connect(MODULE.Desk, server.url, timeout=0.3, interceptors=[watch]) as client:
            with pytest.raises(fastthrift.TransportTimeout):
                await client.sleep(1.0)
            running = asyncio.ensure_future(client.sleep(1.0))
            await asyncio.sleep(0.05)
            running.cancel()
            with pytest.raises(asyncio.CancelledError):
                await running

    asyncio.run(main())
    assert ended == ["sleep", "sleep"]


def test_metrics_work_on_an_event_loop(server: fastthrift.Server) -> None:
    registry = CollectorRegistry()

    async def main() -> None:
        metrics = PrometheusMetrics(registry=registry)
        async with aio.connect(MODULE.Desk, server.url, interceptors=[metrics]) as client:
            assert await client.add(2, 3) == 5
            with pytest.raises(MODULE.Refused):
                await client.add(-2, 3)

    asyncio.run(main())
    labels = {"side": "client", "service": "Desk", "function": "add"}
    assert registry.get_sample_value("thrift_calls_total", {**labels, "outcome": "ok"}) == 1
    assert registry.get_sample_value("thrift_calls_total", {**labels, "outcome": "exception"}) == 1
    assert registry.get_sample_value("thrift_calls_in_flight", labels) == 0


class Loop:
    """A transport whose other end is a processor."""

    def __init__(self, piece: int = 1 << 20) -> None:
        self.processor = fastthrift.Processor(Desk())
        self.piece = piece
        self.written = bytearray()
        self.received = bytearray()
        self.has_more = asyncio.Event()
        self.is_closed = False

    async def read(self, size: int) -> bytes:
        while not self.received:
            if self.is_closed:
                return b""
            self.has_more.clear()
            await self.has_more.wait()
        data = bytes(self.received[: min(size, self.piece)])
        del self.received[: len(data)]
        return data

    async def write(self, data: bytes) -> None:
        self.written += data

    async def flush(self) -> None:
        self.received += self.processor.process(bytes(self.written)) or b""
        self.written.clear()
        self.has_more.set()

    async def close(self) -> None:
        self.is_closed = True
        self.has_more.set()


@pytest.mark.parametrize("piece", [1, 1 << 20])
@pytest.mark.parametrize("transport", ["framed", "unframed", "header+zstd"])
def test_calls_go_through_a_transport_of_ones_own(transport: Any, piece: int) -> None:
    async def main() -> None:
        loops: list[Loop] = []

        async def open_transport() -> Loop:
            loops.append(Loop(piece))
            return loops[-1]

        async with aio.connect(MODULE.Desk, open_transport, transport=transport, timeout=20.0) as client:
            assert await client.add(2, 3) == 5
            replies = await asyncio.gather(*(client.add(number, 1) for number in range(100)))
            assert replies == list(range(1, 101))
            await client.note("x" * 100_000)
            assert await client.add(40, 2) == 42
        await asyncio.sleep(0)
        assert [loop.is_closed for loop in loops] == [True]

    asyncio.run(main())


def test_an_exception_of_the_transport_ends_its_calls_and_the_next_opens_another() -> None:
    class Broken(Loop):
        async def read(self, size: int) -> bytes:
            await super().read(size)
            raise RuntimeError("the cable is out")

    async def main() -> None:
        opened: list[Loop] = []

        def open_transport() -> Loop:
            opened.append(Loop() if opened else Broken())
            return opened[-1]

        async with aio.connect(MODULE.Desk, open_transport, timeout=20.0) as client:
            with pytest.raises(fastthrift.ConnectionLost, match="the cable is out"):
                await client.add(2, 3)
            assert await client.add(2, 3) == 5
        assert len(opened) == 2

    asyncio.run(main())


def test_addresses_of_which_one_refuses_are_one_to_the_caller(server: fastthrift.Server) -> None:
    seen: list[str | None] = []

    async def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call.peer)
        return await proceed()

    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            dead = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        async with aio.connect(MODULE.Desk, [dead, server.url], timeout=20.0, interceptors=[look]) as client:
            for _ in range(4):
                assert await client.add(2, 3) == 5
                client._connections.abort()
                await asyncio.sleep(0)
            assert repr(client) == f"<DeskClient of {dead}, {server.url}>"
        with pytest.raises(fastthrift.ConnectError, match=f"cannot connect to {dead}, {dead}: "):
            await aio.connect(MODULE.Desk, [dead, dead], timeout=20.0)
        with pytest.raises(ValueError, match="at least one URL"):
            await aio.connect(MODULE.Desk, [])

    asyncio.run(main())
    assert seen == [None] * 4


def test_each_address_of_a_host_is_tried(server: fastthrift.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    port = int(server.url.rsplit(":", 1)[1])
    hosts = ["127.0.0.2", "127.0.0.3", "127.0.0.1"]  # the server listens at the last alone

    def resolve(host: str, port: int, *_: Any, **options: Any) -> list[Any]:
        assert host == "many.example"
        return [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (each, port)) for each in hosts]

    async def main() -> None:
        async with aio.connect(MODULE.Desk, f"tcp://many.example:{port}", timeout=20.0) as client:
            assert await client.add(2, 3) == 5

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    asyncio.run(main())


def test_a_call_goes_through_another_transport_of_ones_own_when_the_first_is_silent() -> None:
    class Silent(Loop):
        async def flush(self) -> None:
            self.written.clear()

    opened: list[Loop] = []

    def open_transport() -> Loop:
        opened.append(Loop() if opened else Silent())
        return opened[-1]

    async def main() -> None:
        options: Any = {"timeout": 20.0, "pool": fastthrift.Pool(2), "hedge": 0.05}
        async with aio.connect(MODULE.Desk, open_transport, **options) as client:
            assert await fastthrift.with_options(client, idempotent=True).add(2, 3) == 5
        await asyncio.sleep(0)
        assert [transport.is_closed for transport in opened] == [True, True]

    asyncio.run(main())


@pytest.mark.parametrize("function", ["read", "write", "flush"])
@pytest.mark.parametrize(
    ("raised", "told"), [(asyncio.CancelledError, "what the transport waited for was cancelled"), (OSError, "OSError")]
)
def test_whatever_a_transport_raises_and_says_ends_its_calls(function: str, raised: type, told: str) -> None:
    async def fail(*_: Any) -> None:
        raise raised

    async def main() -> None:
        opened: list[Loop] = []

        def open_transport() -> Loop:
            opened.append(Loop() if opened else type("Broken", (Loop,), {function: fail})())
            return opened[-1]

        async with aio.connect(MODULE.Desk, open_transport) as client:
            with pytest.raises(fastthrift.ConnectionLost, match=told):
                # Without a limit of its own, the call would wait for ever.
                await asyncio.wait_for(client.add(2, 3), 20)
            assert await client.add(2, 3) == 5
        assert opened[0].is_closed

    asyncio.run(main())


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_what_a_transport_reads_may_be_any_buffer(kind: type) -> None:
    class Other(Loop):
        async def read(self, size: int) -> bytes:
            return kind(await super().read(size))  # type: ignore[no-any-return]

    async def main() -> None:
        async with aio.connect(MODULE.Desk, Other, timeout=20.0) as client:
            assert await client.add(2, 3) == 5

    asyncio.run(main())


def test_what_is_no_buffer_is_not_taken_for_the_end() -> None:
    class Empty(Loop):
        async def read(self, size: int) -> Any:
            await super().read(size)

    async def main() -> None:
        async with aio.connect(MODULE.Desk, Empty, timeout=20.0) as client:
            with pytest.raises(fastthrift.ConnectionLost, match="a bytes-like object is required, not 'NoneType'"):
                await client.add(2, 3)

    asyncio.run(main())


def test_what_cannot_be_a_transport_is_refused_at_once() -> None:
    async def main(opener: Any, text: str) -> None:
        with pytest.raises(fastthrift.ConnectError, match=text):
            await aio.connect(MODULE.Desk, opener)

    def fail() -> Any:
        raise OSError("nothing there")

    asyncio.run(main(object, "needs a method 'read'"))
    asyncio.run(main(fail, "nothing there"))


class AsyncDesk(MODULE.Desk):  # type: ignore[misc, name-defined]
    async def add(self, a: int, b: int) -> int:
        await asyncio.sleep(0.05)
        return a + b

    async def headers(self) -> dict[str, str]:
        call = fastthrift.current_call()
        assert call is not None
        await asyncio.sleep(0)
        call.reply_headers["answered-by"] = "loop"
        return dict(call.headers)

    def note(self, text: str) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        call = fastthrift.current_call()
        assert call is not None
        assert call.headers["who"] == "me"


@pytest.mark.parametrize("inline", [True, False])
@pytest.mark.parametrize("url", ["tcp://127.0.0.1:0", "http://127.0.0.1:0/"])
def test_headers_go_both_ways_on_an_event_loop(url: str, inline: bool) -> None:
    async def tell(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        found.append(call)
        return await proceed()

    found: list[fastthrift.Call] = []

    async def main() -> None:
        transport: Any = "header" if url.startswith("tcp") else None
        async with (
            aio.Server(AsyncDesk(), url, inline=inline) as server,
            aio.connect(
                MODULE.Desk, server.url, transport=transport, headers={"who": "me"}, interceptors=[tell]
            ) as client,
        ):
            assert (await client.headers())["who"] == "me"
            await client.sleep(0.0)

    asyncio.run(main())
    assert found[0].reply_headers["answered-by"] == "loop"


def test_a_client_that_ends_its_own_side_gets_its_replies() -> None:
    async def main() -> None:
        arguments = fastthrift.loads("struct A { 1: i64 a, 2: i64 b }", module_name="aio_half_closed")
        connection = fastthrift._core.ClientConnection("binary", "framed")
        call = connection.call("add", fastthrift.serialize(arguments.A(2, 3)))
        async with aio.Server(AsyncDesk(), "tcp://127.0.0.1:0") as server:
            host, _, port = server.url.removeprefix("tcp://").rpartition(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(connection.take_outbound())
            writer.write_eof()
            connection.receive(await reader.read())
            writer.close()
            await writer.wait_closed()
        event = connection.poll_event(0.0)
        assert event is not None
        assert event[0] == call
        assert isinstance(event[1], bytes)

    asyncio.run(main())
