"""What a server tells of its health."""

from __future__ import annotations

import asyncio
import http.client
import threading
import time
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import aio
from fastthrift.health import NAME, Health, Status

from tests.python import loops

IDL = "service Work { i32 sleep(1: double seconds) }"


class Handler:
    """Serves `Work`."""

    def __init__(self) -> None:
        self.started = threading.Event()

    def sleep(self, seconds: float) -> int:
        self.started.set()
        time.sleep(seconds)
        return 1


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


def asking(server: fastthrift.Server) -> Any:
    return fastthrift.connect(Health, server.url, service_name=NAME, timeout=10)


def test_a_server_and_each_of_its_services_serve_until_something_else_is_said(work: ModuleType) -> None:
    handlers = {"a": Handler(), "b": Handler()}
    with (
        fastthrift.Server(handlers, "tcp://127.0.0.1:0", service=work.Work, health=True) as server,
        asking(server) as client,
    ):
        assert [client.check(name) for name in ("", "a", "b")] == [Status.SERVING] * 3
        assert client.check("c") is Status.SERVICE_UNKNOWN
        server.set_health("a", Status.NOT_SERVING)
        server.set_health("", Status.UNKNOWN)
        answers = [client.check(name) for name in ("", "a", "b", "c")]
        assert answers == [Status.UNKNOWN, Status.NOT_SERVING, Status.SERVING, Status.SERVICE_UNKNOWN]
        with pytest.raises(ValueError, match=r"9 is no status of a service, expected UNKNOWN, SERVING, .* or SERVICE"):
            server.set_health("a", 9)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="no service 'c' is served here, expected '', 'a' or 'b'"):
            server.set_health("c", Status.SERVING)


def test_the_only_service_is_known_by_its_name_and_needs_none_to_be_called(work: ModuleType) -> None:
    for handler in (Handler(), {"Work": Handler()}):
        with (
            fastthrift.Server(handler, "tcp://127.0.0.1:0", service=work.Work, health=True) as server,
            asking(server) as health,
            fastthrift.connect(work.Work, server.url, timeout=10) as client,
        ):
            assert client.sleep(0) == 1
            assert health.check("Work") is Status.SERVING


def test_a_server_that_stops_says_so(work: ModuleType) -> None:
    answers: list[Status] = []

    class Asks(Handler):
        def sleep(self, seconds: float) -> int:
            self.started.set()
            time.sleep(seconds)
            reporter = server._reporter
            assert reporter is not None
            answers.extend([reporter.check(""), reporter.check("Work"), reporter.check("other")])
            return 1

    asks = Asks()
    server = fastthrift.Server(asks, "tcp://127.0.0.1:0", service=work.Work, health=True)
    server.start()
    with fastthrift.connect(work.Work, server.url, timeout=10) as client:
        call = threading.Thread(target=client.sleep, args=(0.3,))
        call.start()
        assert asks.started.wait(5)
        assert server.stop()
        call.join()
    assert answers == [Status.NOT_SERVING, Status.NOT_SERVING, Status.SERVICE_UNKNOWN]
    with server, asking(server) as health:
        assert health.check("") is Status.SERVING, "it serves again"


def test_without_being_asked_for_there_is_no_health(work: ModuleType) -> None:
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=work.Work) as server, asking(server) as client:
        with pytest.raises(fastthrift.TApplicationException, match=r"no service 'fastthrift\.Health'"):
            client.check("")
        with pytest.raises(RuntimeError, match="health=True"):
            server.set_health("", Status.SERVING)


def test_the_names_and_numbers_are_those_of_the_idl() -> None:
    assert [(status.name, int(status)) for status in Status] == [
        ("UNKNOWN", 0),
        ("SERVING", 1),
        ("NOT_SERVING", 2),
        ("SERVICE_UNKNOWN", 3),
    ]


def test_http_tells_the_health_of_the_server_as_a_whole(work: ModuleType) -> None:
    def status(server: fastthrift.Server) -> int:
        host, port = server.url.removeprefix("http://").rstrip("/").rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=5)
        connection.request("GET", "/healthz")
        code = connection.getresponse().status
        connection.close()
        return code

    with fastthrift.Server(Handler(), "http://127.0.0.1:0", service=work.Work, health=True) as server:
        assert status(server) == 200
        server.set_health("", Status.NOT_SERVING)
        assert status(server) == 503
        server.set_health("Work", Status.SERVING)
        assert status(server) == 503
        server.set_health("", Status.SERVING)
        assert status(server) == 200


def test_a_server_that_is_busy_tells_its_health_all_the_same(work: ModuleType) -> None:
    handler = Handler()
    with (
        fastthrift.Server(
            handler, "tcp://127.0.0.1:0", service=work.Work, health=True, threads=1, max_in_flight=1
        ) as server,
        fastthrift.connect(work.Work, server.url, timeout=20) as client,
        asking(server) as probe,
    ):
        busy = threading.Thread(target=client.sleep, args=(1.0,))
        busy.start()
        assert handler.started.wait(10)
        with (
            fastthrift.connect(work.Work, server.url, timeout=20) as other,
            pytest.raises(fastthrift.TApplicationException, match="overloaded"),
        ):
            other.sleep(0.0)
        assert probe.check("") is Status.SERVING
        busy.join()


class OnLoop:
    """Serves `Work` on an event loop."""

    def __init__(self) -> None:
        self.started = asyncio.Event()
        self.may_end = asyncio.Event()

    async def sleep(self, seconds: float) -> int:
        self.started.set()
        await self.may_end.wait()
        return 1


@pytest.mark.parametrize("kind", loops.KINDS)
def test_servers_on_event_loops_tell_their_health_while_they_are_busy(work: ModuleType, kind: str) -> None:
    async def main() -> None:
        handler = OnLoop()
        async with (
            aio.Server(handler, "tcp://127.0.0.1:0", service=work.Work, health=True, max_in_flight=1) as server,
            aio.connect(work.Work, server.url, timeout=20) as client,
            aio.connect(Health, server.url, service_name=NAME, timeout=20) as health,
        ):
            call = asyncio.ensure_future(client.sleep(1.0))
            await handler.started.wait()
            with pytest.raises(fastthrift.TApplicationException, match="overloaded"):
                await client.sleep(0.0)
            assert [await health.check(name) for name in ("", "Work", "c")] == [
                Status.SERVING,
                Status.SERVING,
                Status.SERVICE_UNKNOWN,
            ]
            server.set_health("Work", Status.NOT_SERVING)
            assert [await health.check(name) for name in ("", "Work")] == [Status.SERVING, Status.NOT_SERVING]
            handler.may_end.set()
            assert await call == 1

    loops.run(main(), kind)


def test_servers_on_event_loops_tell_their_health_over_http(work: ModuleType) -> None:
    async def status(server: aio.Server) -> bytes:
        host, port = server.url.removeprefix("http://").rstrip("/").rsplit(":", 1)
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost: here\r\n\r\n")
        line = await reader.readline()
        writer.close()
        await writer.wait_closed()
        return line.split()[1]

    async def main() -> None:
        async with aio.Server(OnLoop(), "http://127.0.0.1:0", service=work.Work, health=True) as server:
            assert await status(server) == b"200"
            server.set_health("", Status.NOT_SERVING)
            assert await status(server) == b"503"
            server.set_health("", Status.SERVING)
            assert await status(server) == b"200"
        async with aio.Server(OnLoop(), "http://127.0.0.1:0", service=work.Work) as server:
            with pytest.raises(RuntimeError, match="health=True"):
                server.set_health("", Status.SERVING)

    loops.run(main())
