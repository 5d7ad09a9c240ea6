"""How calls and servers on an event loop end: cancelled, by an exit, at a limit, and when the server stops."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import socket
import struct
import subprocess
import sys
import time
from typing import Any

import fastthrift
import fastthrift.aio
import pytest
from fastthrift import TApplicationException, TTransportException

from tests.interop.handler import Calculator
from tests.python.loop_servers import REQUEST, Types, Waiting, connect, ours, port_of, server_of
from tests.python.loops import KINDS, Run, descriptors_given_back, until
from tests.python.timing import LATE


class TestCancelling:
    def test_handlers_of_a_client_whose_connection_breaks_are_cancelled(self, run: Run) -> None:
        handler = Waiting()
        arguments = fastthrift.loads("struct A { 1: i64 a, 2: i64 b }", module_name="aio_server_broken")
        connection = fastthrift._core.ClientConnection("binary", "framed")
        for number in range(10):
            connection.call("add", fastthrift.serialize(arguments.A(number, 5000)))

        async def main() -> None:
            async with server_of(handler) as server, connect(server.url) as other:
                _, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
                writer.write(connection.take_outbound())
                await until(lambda: len(handler.begun) == 10)
                # Closed so, it is reset.
                writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                writer.transport.abort()
                await until(lambda: sorted(handler.cancelled) == list(range(10)))
                assert await other.add(1, 1) == 2

        run(main())

    def test_a_handler_that_cancels_itself_is_answered_for(self, run: Run) -> None:
        class Handler(Waiting):
            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                task = asyncio.current_task()
                assert task is not None
                task.cancel()
                if b:
                    await asyncio.sleep(1)
                raise asyncio.CancelledError

        async def main() -> None:
            async with server_of(Handler()) as server, connect(server.url) as client:
                for b in (0, 1, 0, 1):
                    with pytest.raises(TApplicationException, match="cancelled on the server"):
                        await client.add(1, b)
                assert await client.notes() == []

        run(main())


class TestExits:
    def test_a_handler_that_exits_ends_its_call_and_not_the_loop(
        self, run: Run, style: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        _, options = style

        class Plain(Calculator):
            def add(self, a: int, b: int) -> int:
                if a < 0:
                    sys.exit(b)
                return a + b

        class Coroutines(Waiting):
            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                if a < -1:
                    await asyncio.sleep(0)
                if a < 0:
                    sys.exit(b)
                return a + b

        async def main() -> None:
            handler: Any = Coroutines() if type(style[0]) is Waiting else Plain(Types)
            async with server_of(handler, **options) as server, connect(server.url) as client:
                for a in (-1, -2, -1):
                    with pytest.raises(TApplicationException, match="internal error in 'add'") as raised:
                        await client.add(a, 3)
                    assert raised.value.type == TApplicationException.INTERNAL_ERROR
                    assert await client.add(1, 2) == 3

        with caplog.at_level(logging.ERROR, "fastthrift.server"):
            run(main())
        assert [record.message for record in caplog.records] == ["the call of 'Calculator.add' failed"] * 3
        errors: list[Any] = [record.exc_info and record.exc_info[1] for record in caplog.records]
        assert [error.code for error in errors] == [3] * 3
        peers: list[Any] = [vars(record)["peer"] for record in caplog.records]
        assert all(peer.startswith("tcp://127.0.0.1:") for peer in peers)

    @pytest.mark.parametrize("waits", [False, True])
    def test_ctrl_c_in_a_handler_ends_the_loop_as_it_does_elsewhere(self, waits: bool) -> None:
        # In a process of its own, for asyncio leaves tasks behind.
        done = subprocess.run(
            [sys.executable, "-c", INTERRUPTED, str(int(waits))],
            capture_output=True,
            text=True,
            timeout=50,
            check=False,
        )
        assert done.stdout.splitlines() == ["interrupted"], done.stderr


INTERRUPTED = """
import asyncio, sys
import fastthrift
from fastthrift import aio

module = fastthrift.loads("service S { i32 f() }")

class Handler(module.S):
    async def f(self):
        if int(sys.argv[1]):
            await asyncio.sleep(0)
        raise KeyboardInterrupt

async def main():
    async with aio.Server(Handler(), "tcp://127.0.0.1:0") as server, aio.connect(module.S, server.url) as client:
        await asyncio.wait_for(client.f(), 30)

try:
    asyncio.run(main())
except KeyboardInterrupt:
    print("interrupted")
"""
"""A program whose handler is interrupted."""


class TestLimits:
    def test_more_calls_than_allowed_are_refused_at_once(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting(), max_in_flight=5) as server, connect(server.url) as client:
                ended = await asyncio.gather(*[client.add(i, 100) for i in range(20)], return_exceptions=True)
                assert ended[:5] == [100, 101, 102, 103, 104]
                assert {getattr(each, "type", None) for each in ended[5:]} == {11}
                assert await client.add(1, 1) == 2

        run(main())

    def test_more_connections_than_allowed_wait_for_one_to_leave(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting(), max_connections=2) as server:
                clients = [await connect(server.url) for _ in range(3)]
                assert [await client.add(1, 1) for client in clients[:2]] == [2, 2]
                third = clients[2].add(1, 1)
                await asyncio.sleep(0.05)
                assert not third.done()
                await clients[0].close()
                assert await third == 2
                for client in clients:
                    await client.close()

        run(main())

    def test_silent_and_slow_peers_are_closed_and_others_are_not(self, run: Run) -> None:
        async def closed_after(reader: asyncio.StreamReader) -> float:
            start = time.monotonic()
            assert await reader.read() == b""
            return time.monotonic() - start

        async def main() -> None:
            async with server_of(Waiting(), message_timeout=0.2, idle_timeout=1.5) as server:
                slow, slow_writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
                idle, idle_writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
                slow_writer.write(REQUEST[:10])
                async with connect(server.url) as client:
                    reply, after, long_after = await asyncio.gather(
                        client.add(1, 2000), closed_after(slow), closed_after(idle)
                    )
                assert reply == 2001
                assert after < 1.4 < long_after < LATE
                for writer in (slow_writer, idle_writer):
                    writer.close()
                    await writer.wait_closed()

        run(main())

    def test_a_peer_that_does_not_read_is_not_read_from_and_closed_in_the_end(self, run: Run) -> None:
        text = b"x" * (1 << 20)
        echo = struct.pack(">BBBBi4si", 0x80, 1, 0, 1, 4, b"echo", 1)
        echo += struct.pack(">bhbhi", 12, 1, 11, 5, len(text)) + text + b"\0\0"
        sent = 0

        async def send(sock: socket.socket) -> None:
            nonlocal sent
            for _ in range(200):
                await asyncio.get_running_loop().sock_sendall(sock, echo)
                sent += 1

        async def main() -> None:
            async with server_of(Waiting(), message_timeout=0.5) as server:
                with socket.create_connection(("127.0.0.1", port_of(server.url))) as sock:
                    sock.setblocking(False)
                    with pytest.raises(OSError):  # noqa: PT011 (it is reset, one way or another)
                        await asyncio.wait_for(send(sock), 10)
                    assert sent < 100

        run(main())

    def test_what_is_too_large_or_no_thrift_ends_its_connection_alone(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting(), max_message_size=1000) as server, connect(server.url) as client:
                for data in (
                    b"GET / HTTP/1.0\r\n\r\n",
                    b"\x7f\xff\xff\xff" * 10,
                    bytes(range(100, 200)),
                    b"\x80\x01\0\x01\0",
                ):
                    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
                    writer.write(data)
                    writer.write_eof()
                    await reader.read()
                    writer.close()
                    await writer.wait_closed()
                assert await client.add(1, 1) == 2
                with pytest.raises((TApplicationException, TTransportException)):
                    await client.echo(ours.Entry(raw=bytes(2000)))

        run(main())


class TestStopping:
    def test_what_is_in_flight_is_answered_first(self, run: Run, style: Any) -> None:
        handler, options = style

        async def main() -> None:
            server = server_of(handler, **options)
            await server.start()
            client, idle = await connect(server.url), await connect(server.url)
            call = client.add(1, 100)
            await asyncio.sleep(0.03)
            assert await server.stop() is True
            assert await call == 101
            with pytest.raises(TTransportException):
                await idle.add(1, 1)
            await client.close()
            await idle.close()
            assert await server.stop() is True

        run(main())

    def test_what_takes_too_long_is_cancelled(self, run: Run) -> None:
        handler = Waiting()

        async def main() -> None:
            server = server_of(handler)
            await server.start()
            async with connect(server.url) as client:
                call = client.add(1, 60_000)
                await until(lambda: handler.begun)
                start = time.monotonic()
                assert await server.stop(0.1) is False
                assert time.monotonic() - start < LATE
                with pytest.raises(TTransportException):
                    await call
            await until(lambda: handler.cancelled)

        run(main())

    def test_a_handler_may_stop_its_server_and_is_answered(self, run: Run) -> None:
        class Handler(Waiting):
            server: fastthrift.aio.Server

            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                if b:
                    await asyncio.sleep(0)
                assert await self.server.stop() is False
                return a + b

        async def main(b: int) -> None:
            handler = Handler()
            handler.server = server = server_of(handler)
            await server.start()
            async with connect(server.url) as client:
                assert await client.add(1, b) == 1 + b
            assert await server.stop() is True

        run(main(0))
        run(main(1))

    def test_a_server_can_be_started_again_and_serves_until_it_is_cancelled(self, run: Run, url: str) -> None:
        async def main() -> None:
            server = server_of(Waiting(), url)
            for _ in range(2):
                async with server:
                    with pytest.raises(RuntimeError, match="runs already"):
                        await server.start()
                    async with connect(server.url) as client:
                        assert await client.add(1, 1) == 2
                with pytest.raises((TTransportException, OSError)):
                    await connect(server.url)
            serving = asyncio.ensure_future(server.serve_forever())
            client = None
            while client is None:  # it does not tell when it listens
                with contextlib.suppress(fastthrift.ConnectError):
                    client = await connect(server.url)
                await asyncio.sleep(0.005)
            assert await client.add(1, 1) == 2
            await client.close()
            serving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await serving

        run(main())

    @pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
    @pytest.mark.parametrize("kind", KINDS)
    def test_one_whose_loop_was_closed_can_be_started_on_another(self, kind: str, url: str) -> None:
        server = server_of(Waiting(), url)
        left: list[socket.socket] = []

        def talk() -> socket.socket:
            sock = socket.socket(socket.AF_INET if url.startswith("tcp") else socket.AF_UNIX)
            sock.settimeout(20)
            sock.connect(("127.0.0.1", port_of(server.url)) if url.startswith("tcp") else server.url[len("unix://") :])
            sock.sendall(REQUEST)
            assert sock.recv(100)
            return sock

        async def leave() -> None:
            await server.start()
            left.append(await asyncio.to_thread(talk))

        async def serve() -> None:
            async with server, connect(server.url) as client:
                assert await client.add(1, 1) == 2

        async def stop() -> None:
            assert await server.stop() is True

        with descriptors_given_back():
            for main in (leave, leave, serve, leave, stop, serve):
                pytest.importorskip(kind).run(main())
            gc.collect()
            for sock in left:
                with sock, contextlib.suppress(ConnectionResetError):
                    assert sock.recv(1) == b""

    def test_a_port_that_is_taken_is_an_error(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting()) as server:
                with pytest.raises(OSError, match="cannot listen on tcp://"):
                    await server_of(Waiting(), server.url).start()

        run(main())
