"""Every transport on an event loop, between both engines: TLS, HTTP, Header, compressed streams, memory."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastthrift
import fastthrift.aio
import pytest
from fastthrift import ClientTLS, ConnectError, ServerTLS, TransportTimeout, TTransportException

from tests.interop.handler import Calculator
from tests.python.loop_servers import Types, Waiting, ours
from tests.python.loops import Run
from tests.python.timing import LATE

URLS = ["tcp", "unix", "memory", "tls", "http", "https"]
TRANSPORTS = [None, "unframed", "header", "header+zlib", "zlib", "zlib+framed"]


@pytest.fixture(params=URLS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], tuple[str, dict[str, Any], dict[str, Any]]]:
    """A URL to listen on, and the options of the server and of the client for it."""

    def of() -> tuple[str, dict[str, Any], dict[str, Any]]:
        url = {
            "tcp": "tcp://127.0.0.1:0",
            "unix": f"unix://{tmp_path}/socket",
            "memory": f"memory://{tmp_path.name}",
            "tls": "tls://127.0.0.1:0",
            "http": "http://127.0.0.1:0/thrift",
            "https": "https://127.0.0.1:0/thrift",
        }[request.param]
        if request.param not in ("tls", "https"):
            return url, {}, {}
        identity, trusting = map(request.getfixturevalue, ("identity", "trusting"))
        return url, {"tls": ServerTLS(*identity)}, {"tls": trusting}

    return of


def names_of(url: str) -> list[Any]:
    return [None] if url.startswith("http") else TRANSPORTS


def test_both_engines_speak_each_transport_at_each_url(run: Run, place: Any) -> None:
    def blocking(url: str, **options: Any) -> list[int]:
        with fastthrift.connect(ours.Calculator, url, timeout=10, **options) as client:
            return [client.add(i, 1) for i in range(20)]

    async def main() -> None:
        url, server_options, client_options = place()
        async with fastthrift.aio.Server(Waiting(), url, service=ours.Calculator, **server_options) as server:
            for name in names_of(url):
                options = {"transport": name, **client_options}
                async with fastthrift.aio.connect(ours.Calculator, server.url, timeout=10, **options) as client:
                    calls = [client.add(i, i % 2) for i in range(100)]
                    assert await asyncio.gather(*calls) == [i + i % 2 for i in range(100)]
                    with pytest.raises(ours.DivisionByZero):
                        await client.divide(1, 0)
                    await client.note("a note")
                    large = ours.Entry(raw=bytes(range(256)) * 8192)
                    assert await client.echo(large) == large
                found = await asyncio.to_thread(blocking, server.url, **options)
                assert found == list(range(1, 21))

        if not url.startswith("unix"):
            url, server_options, client_options = place()
        with fastthrift.Server(Calculator(Types), url, service=ours.Calculator, **server_options) as other:
            for name in names_of(url):
                options = {"transport": name, **client_options}
                async with fastthrift.aio.connect(ours.Calculator, other.url, timeout=10, **options) as client:
                    assert await asyncio.gather(*[client.add(i, 1) for i in range(50)]) == list(range(1, 51))

    run(main())


def test_several_urls_are_served_at_once(run: Run, tmp_path: Path) -> None:
    async def main() -> None:
        urls = ["tcp://127.0.0.1:0", f"unix://{tmp_path}/socket", f"memory://{tmp_path.name}"]
        async with fastthrift.aio.Server(Waiting(), urls, service=ours.Calculator) as server:
            assert len(server.urls) == 3
            for url in server.urls:
                async with fastthrift.aio.connect(ours.Calculator, url) as client:
                    assert await client.add(1, 1) == 2

    run(main())


class TestTLS:
    def test_a_server_that_is_not_trusted_gets_no_call(self, run: Run, identity: tuple[Path, Path]) -> None:
        async def main() -> None:
            async with fastthrift.aio.Server(
                Waiting(), "tls://127.0.0.1:0", service=ours.Calculator, tls=ServerTLS(*identity)
            ) as server:
                with pytest.raises(ConnectError, match=r"cannot connect to tls://.*certificate"):
                    await fastthrift.aio.connect(ours.Calculator, server.url, timeout=5)

        run(main())

    def test_nothing_falls_back_to_plaintext(self, run: Run, identity: tuple[Path, Path], trusting: ClientTLS) -> None:
        async def main() -> None:
            with pytest.raises(ValueError, match="needs a certificate"):
                fastthrift.aio.Server(Waiting(), "tls://127.0.0.1:0", service=ours.Calculator)
            with pytest.raises(ValueError, match="is plaintext"):
                await fastthrift.aio.connect(ours.Calculator, "tcp://127.0.0.1:1", tls=trusting)
            secure = fastthrift.aio.Server(
                Waiting(), "tls://127.0.0.1:0", service=ours.Calculator, tls=ServerTLS(*identity)
            )
            async with secure, fastthrift.aio.Server(Waiting(), "tcp://127.0.0.1:0", service=ours.Calculator) as plain:
                with pytest.raises(ConnectError, match="TLS"):
                    await fastthrift.aio.connect(
                        ours.Calculator, plain.url.replace("tcp", "tls"), timeout=5, tls=trusting
                    )
                async with fastthrift.aio.connect(
                    ours.Calculator, secure.url.replace("tls", "tcp"), timeout=5
                ) as client:
                    with pytest.raises(TTransportException):
                        await client.add(1, 1)

        run(main())

    def test_a_server_that_says_nothing_gains_no_time(self, run: Run, trusting: ClientTLS) -> None:
        async def main(port: int) -> None:
            start = time.monotonic()
            with pytest.raises(TransportTimeout, match="cannot connect"):
                await fastthrift.aio.connect(ours.Calculator, f"tls://127.0.0.1:{port}", timeout=0.2, tls=trusting)
            assert time.monotonic() - start < LATE

        with socket.create_server(("127.0.0.1", 0)) as silent:
            run(main(silent.getsockname()[1]))


class TestHTTP:
    def test_calls_share_as_many_connections_as_the_pool_has(self, run: Run) -> None:
        handler = Waiting()

        async def main() -> None:
            async with fastthrift.aio.Server(handler, "http://127.0.0.1:0/", service=ours.Calculator) as server:
                pool = fastthrift.Pool(4)
                async with fastthrift.aio.connect(ours.Calculator, server.url, timeout=10, pool=pool) as client:
                    calls = [client.add(i, 100) for i in range(12)]
                    await asyncio.sleep(0.05)
                    assert len(handler.begun) == 4
                    assert await asyncio.gather(*calls) == [i + 100 for i in range(12)]

        run(main())

    def test_a_call_that_is_given_up_takes_its_connection_with_it(self, run: Run) -> None:
        async def main() -> None:
            async with fastthrift.aio.Server(Waiting(), "http://127.0.0.1:0/", service=ours.Calculator) as server:
                pool = fastthrift.Pool(1)
                async with fastthrift.aio.connect(ours.Calculator, server.url, timeout=10, pool=pool) as client:
                    for i in range(5):
                        with pytest.raises(asyncio.TimeoutError):
                            await asyncio.wait_for(client.add(i, 2000), 0.05)
                        assert await client.add(i, 0) == i

        run(main())


@pytest.mark.parametrize(("url", "transport"), [("http://127.0.0.1:0/", None), ("tcp://127.0.0.1:0", "header")])
def test_the_deadline_of_a_call_travels_to_the_server_and_ends_the_handler(run: Run, url: str, transport: Any) -> None:
    handler = Waiting()

    async def main() -> None:
        async with fastthrift.aio.Server(handler, url, service=ours.Calculator) as server:
            options = {"transport": transport, "timeout": 0.2}
            async with fastthrift.aio.connect(ours.Calculator, server.url, **options) as client:
                with pytest.raises((TransportTimeout, fastthrift.TApplicationException)):
                    await client.add(1, 5000)
                await asyncio.sleep(0.1)
                assert handler.cancelled == [1]

    run(main())
