"""Servers on an event loop: coroutines and plain methods, their contexts, and who sees their calls."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import logging
import sys
import threading
import time
import weakref
from typing import Any

import fastthrift
import fastthrift.aio
import pytest
from fastthrift import TApplicationException

from tests.interop.handler import Calculator
from tests.python.loop_servers import HANDLERS, REPLY, REQUEST, Types, Waiting, connect, ours, port_of, server_of
from tests.python.loops import KINDS, Run, descriptors_given_back, runner, until


class TestCalls:
    def test_each_way_that_a_call_can_end(
        self, run: Run, url: str, protocol: Any, transport: Any, style: Any, caplog: pytest.LogCaptureFixture
    ) -> None:
        handler, options = style

        async def main() -> None:
            async with (
                server_of(handler, url, **options) as server,
                connect(server.url, protocol=protocol, transport=transport) as client,
            ):
                assert await client.add(20, 2) == 22
                with pytest.raises(ours.DivisionByZero, match="division by zero"):
                    await client.divide(1, 0)
                assert await client.check(0) is None
                await client.note("a note")
                await asyncio.sleep(0.02)
                assert await client.notes() == ["a note"]
                with pytest.raises(TApplicationException, match="refused") as refused:
                    await client.refuse("refused")
                assert refused.value.type == 6
                with pytest.raises(TApplicationException, match="internal error in 'crash'"):
                    await client.crash()
                assert len((await client.echo(ours.Entry(raw=bytes(1 << 20)))).raw) == 1 << 20

        with caplog.at_level(logging.ERROR, "fastthrift.server"):
            run(main())
        assert [record.message for record in caplog.records] == ["the call of 'Calculator.crash' failed"]

    def test_thousands_at_once_each_get_their_own_answer(self, run: Run, style: Any) -> None:
        handler, options = style

        async def main() -> None:
            async with server_of(handler, **options) as server, connect(server.url) as one, connect(server.url) as two:
                calls = [(one, two)[i % 2].add(i, i % 3) for i in range(2000)]
                assert await asyncio.gather(*calls) == [i + i % 3 for i in range(2000)]

        run(main())

    def test_quick_ones_overtake_slow_ones_on_one_connection(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting()) as server, connect(server.url) as client:
                slow = client.add(1, 300)
                assert await client.add(2, 0) == 2
                assert not slow.done()
                assert await slow == 301

        run(main())

    def test_no_more_than_max_open_of_one_connection_are_begun(self, run: Run) -> None:
        handler = Waiting()

        async def main() -> None:
            async with server_of(handler, max_open=3) as server, connect(server.url) as client:
                calls = [client.add(i, 200) for i in range(9)]
                await until(lambda: len(handler.begun) >= 3)
                assert len(handler.begun) == 3
                assert await asyncio.gather(*calls) == [i + 200 for i in range(9)]

        run(main())

    def test_a_plain_method_may_return_a_coroutine(self, run: Run) -> None:
        waiting = Waiting()

        class Plain(Calculator):
            def add(self, a: int, b: int) -> Any:
                return waiting.add(a, b)

        async def main(**options: Any) -> None:
            async with server_of(Plain(Types), **options) as server, connect(server.url) as client:
                assert list(await asyncio.gather(client.add(1, 0), client.add(1, 2))) == [1, 3]

        run(main(inline=True))
        run(main())

    def test_all_dialects_are_told_apart_on_one_port(self, run: Run) -> None:
        async def main() -> None:
            async with server_of(Waiting()) as server:
                for protocol in ("binary", "compact", "json"):
                    for transport in ("framed", "unframed"):
                        async with connect(server.url, protocol=protocol, transport=transport) as client:
                            assert await client.add(1, 1) == 2

        run(main())

    def test_blocking_clients_are_served_too(self, run: Run, style: Any) -> None:
        handler, options = style

        def call(url: str) -> list[int]:
            with fastthrift.connect(ours.Calculator, url, timeout=10) as client:
                return [client.add(i, 1) for i in range(50)]

        async def main() -> None:
            async with server_of(handler, **options) as server:
                calls = [asyncio.to_thread(call, server.url) for _ in range(4)]
                assert await asyncio.gather(*calls) == [list(range(1, 51))] * 4

        run(main())

    def test_a_client_that_closes_its_side_gets_its_answers(self, run: Run, style: Any) -> None:
        handler, options = style

        async def main() -> None:
            async with server_of(handler, **options) as server:
                reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server.url))
                writer.write(REQUEST)
                writer.write_eof()
                assert await reader.read() == REPLY
                writer.close()
                await writer.wait_closed()

        run(main())


class TestTasks:
    def test_a_handler_runs_in_a_task_from_its_first_step(self, run: Run) -> None:
        tasks: list[Any] = []

        class Handler(Waiting):
            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                tasks.append(asyncio.current_task())
                assert await asyncio.wait_for(asyncio.sleep(0, a), 5) == a
                if sys.version_info >= (3, 11):
                    async with asyncio.timeout(5), asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]
                        part = group.create_task(asyncio.sleep(0, b))
                    return a + int(part.result())
                return a + b

        async def main() -> None:
            async with server_of(Handler()) as server, connect(server.url) as client:
                assert await asyncio.gather(*[client.add(i, i) for i in range(50)]) == [2 * i for i in range(50)]
            assert None not in tasks
            assert len(set(map(id, tasks))) == 50

        run(main())

    def test_handlers_that_never_wait_make_no_tasks(self, run: Run) -> None:
        async def main() -> None:
            made = []
            loop = asyncio.get_running_loop()

            def factory(loop: Any, coroutine: Any, **options: Any) -> Any:
                task: asyncio.Task[Any] = asyncio.Task(coroutine, loop=loop, **options)
                made.append(task)
                return task

            async with server_of(Waiting()) as server, connect(server.url) as client:
                loop.set_task_factory(factory)
                for i in range(100):
                    assert await client.add(i, 0) == i
                loop.set_task_factory(None)
            assert len(made) <= 3

        run(main())

    def test_contexts_are_copies_of_the_servers_and_of_nobody_else(self, run: Run, style: Any) -> None:
        _, options = style
        variable: contextvars.ContextVar[int] = contextvars.ContextVar("variable")

        class Plain(Calculator):
            def add(self, a: int, b: int) -> int:
                before = variable.get()
                variable.set(a)
                return before

        class Coroutines(Calculator):
            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                before = variable.get()
                variable.set(a)
                if b:
                    await asyncio.sleep(0)
                    assert variable.get() == a
                return before

        handler = Coroutines(Types) if type(style[0]) is Waiting else Plain(Types)

        async def main() -> None:
            variable.set(-1)
            server = server_of(handler, **options)
            await server.start()
            async with connect(server.url) as client:
                assert {await client.add(i, i % 2) for i in range(20)} == {-1}
                assert set(await asyncio.gather(*[client.add(i, i % 2) for i in range(20)])) == {-1}
            await server.stop()

        run(main())

    def test_a_handler_knows_its_call(self, run: Run, style: Any) -> None:
        _, options = style
        found: list[Any] = []

        async def within() -> None:
            found.append(fastthrift.current_call())

        class Plain(Calculator):
            def add(self, a: int, b: int) -> int:
                found.append(fastthrift.current_call())
                return a + b

        class Coroutines(Calculator):
            async def add(self, a: int, b: int) -> int:  # type: ignore[override]
                if b:
                    await asyncio.sleep(0)
                    await asyncio.create_task(within())
                found.append(fastthrift.current_call())
                return a + b

        is_async = type(style[0]) is Waiting

        async def main() -> None:
            handler = (Coroutines if is_async else Plain)(Types)
            async with server_of(handler, **options) as server, connect(server.url) as client:
                await client.add(1, 0)
                await client.add(2, 3)
            first, *others = found
            assert (first.function, first.arguments, first.side) == ("add", (1, 0), "server")
            assert (first.protocol, first.transport) == ("binary", "framed")
            assert first.peer.startswith("tcp://127.0.0.1:")
            assert [each.arguments for each in others] == [(2, 3)] * (2 if is_async else 1)
            assert len(set(map(id, others))) == 1
            assert fastthrift.current_call() is None

        run(main())

    def test_plain_methods_run_in_threads_of_a_bounded_pool(self, run: Run) -> None:
        threads: set[int] = set()
        running = most = 0
        lock = threading.Lock()

        class Slow(Calculator):
            def add(self, a: int, b: int) -> int:
                nonlocal running, most
                with lock:
                    running += 1
                    most = max(most, running)
                threads.add(threading.get_ident())
                time.sleep(0.01)
                with lock:
                    running -= 1
                return a + b

        async def main() -> None:
            async with server_of(Slow(Types), threads=3) as server, connect(server.url) as client:
                assert await asyncio.gather(*[client.add(i, 1) for i in range(30)]) == list(range(1, 31))

        run(main())
        assert threading.get_ident() not in threads
        assert most == len(threads) == 3

    def test_only_named_methods_run_on_the_loop(self, run: Run) -> None:
        threads: dict[str, int] = {}

        class Handler(Calculator):
            def add(self, a: int, b: int) -> int:
                threads["add"] = threading.get_ident()
                return a + b

            def check(self, code: int) -> None:
                threads["check"] = threading.get_ident()

        async def main() -> None:
            async with server_of(Handler(Types), inline={"add"}) as server, connect(server.url) as client:
                await client.add(1, 1)
                await client.check(0)
            assert threads["add"] == threading.get_ident() != threads["check"]
            with pytest.raises(ValueError, match="inline names 'ad', which no service has"):
                await server_of(Handler(Types), inline={"ad"}).start()

        run(main())


class TestInterceptors:
    def test_they_run_around_each_handler(self, run: Run, style: Any) -> None:
        handler, options = style
        seen: list[Any] = []

        async def outer(call: Any, proceed: Any) -> Any:
            seen.append(("outer", call.function, call.arguments))
            known: Any = fastthrift.current_call()
            assert known is call
            await asyncio.sleep(0)
            result = await proceed()
            return result + 1000 if call.function == "add" else result

        async def inner(call: Any, proceed: Any) -> Any:
            seen.append(("inner", call.function))
            if call.function == "crash":
                raise TApplicationException(6, "not today")
            return await proceed()

        async def main() -> None:
            chain = [outer, inner]
            async with server_of(handler, interceptors=chain, **options) as server, connect(server.url) as client:
                assert await client.add(1, 2) == 1003
                with pytest.raises(TApplicationException, match="not today"):
                    await client.crash()
                with pytest.raises(ours.DivisionByZero):
                    await client.divide(1, 0)
            assert seen[:2] == [("outer", "add", (1, 2)), ("inner", "add")]

        run(main())

    def test_they_have_to_be_coroutine_functions(self) -> None:
        with pytest.raises(TypeError, match="must be a coroutine function"):
            server_of(Waiting(), interceptors=[lambda call, proceed: proceed()])


def test_the_task_of_a_handler_shows_what_it_runs_and_where(run: Run, caplog: pytest.LogCaptureFixture) -> None:
    running: list[str] = []

    class Handler(Waiting):
        async def add(self, a: int, b: int) -> int:  # type: ignore[override]
            running.append(repr(asyncio.current_task()))
            await asyncio.sleep(b)
            return a + b

    def told_of(name: str) -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks() if f"{name}()" in repr(task)]

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_debug(True)
        loop.slow_callback_duration = 0.0
        async with server_of(Handler()) as server, connect(server.url) as client:
            assert await client.add(1, 0) == 1
            await until(lambda: told_of("waits_for_a_request"))
            assert told_of("Handler.add") == []
            call = client.add(1, 1000)
            await until(lambda: told_of("Handler.add"))
            (task,) = told_of("Handler.add")
            assert f"running at {__file__}:" in repr(task)
            assert [frame.f_code.co_name for frame in task.get_stack()] == ["add"]
            call.cancel()
            task.cancel()
            await until(task.done)
            assert f"Handler.add() done, defined at {__file__}:" in repr(task)

    with caplog.at_level(logging.WARNING, "asyncio"):
        run(main())
    assert len(running) == 2
    assert all("Handler.add() running at" in each for each in running)
    assert "Carrier" not in caplog.text


def test_two_loops_in_two_threads_serve_each_other(run: Run) -> None:
    failures: list[BaseException] = []
    urls: dict[int, str] = {}
    barrier = threading.Barrier(2, timeout=20)

    async def main(number: int) -> None:
        async with server_of(Waiting()) as server:
            urls[number] = server.url
            await asyncio.to_thread(barrier.wait)
            async with connect(urls[1 - number]) as client:
                for turn in range(5):
                    calls = [client.add(number, i % 2) for i in range(200)]
                    assert await asyncio.gather(*calls) == [number + i % 2 for i in range(200)], turn
            await asyncio.to_thread(barrier.wait)

    def thread(number: int) -> None:
        try:
            run(main(number))
        except BaseException as error:  # noqa: BLE001 (shown by the test's own thread)
            failures.append(error)
            barrier.abort()

    threads = [threading.Thread(target=thread, args=(number,)) for number in (0, 1)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []


def test_nothing_is_left_of_what_was(run: Run, style: Any) -> None:
    _, options = style
    make = next(make for make, known in HANDLERS.values() if known == options and type(make()) is type(style[0]))
    references: list[weakref.ref[Any]] = []

    async def main() -> None:
        handler = make()
        references.append(weakref.ref(handler))
        async with server_of(handler, **options) as server:
            references.append(weakref.ref(server))
            for turn in range(10):
                async with connect(server.url) as client:
                    await asyncio.gather(*[client.add(i, i % 2) for i in range(50)])
                    with pytest.raises(ours.DivisionByZero):
                        await client.divide(1, 0)
                    call = client.add(1, 1000 if options == {} and isinstance(handler, Waiting) else 0)
                    await asyncio.sleep(0.002)
                    call.cancel()
                if turn == 2:
                    gc.collect()
                    before = len(gc.get_objects())
            await asyncio.sleep(0.02)
            gc.collect()
            assert len(gc.get_objects()) - before < 500
        del handler, server

    # The first loop of a kind may open what all others share.
    run(asyncio.sleep(0))
    with descriptors_given_back():
        run(main())
        gc.collect()
    assert [each() for each in references] == [None] * len(references)


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_handler_that_stops_an_iteration_ends_its_call_alone(kind: str) -> None:
    module = fastthrift.loads("service S { i32 first(), i32 ok() }", module_name="aio_stops")

    class Handler(module.S):  # type: ignore[misc, name-defined]
        def first(self) -> int:
            return next(iter(()))

        def ok(self) -> int:
            return 1

    async def main() -> None:
        async with (
            fastthrift.aio.Server(Handler(), "tcp://127.0.0.1:0", max_in_flight=1) as server,
            fastthrift.aio.connect(module.S, server.url, timeout=20) as client,
        ):
            for _ in range(3):
                with pytest.raises(fastthrift.TApplicationException, match="internal error"):
                    await client.first()
            assert await client.ok() == 1

    runner(kind)(main())


def test_a_client_is_closed_whatever_its_functions_are_called() -> None:
    module = fastthrift.loads("service S { void close(), i32 _connections(), i32 ok() }", module_name="aio_close")
    closed = []

    class Handler(module.S):  # type: ignore[misc, name-defined]
        def close(self) -> None:
            closed.append(1)

        def _connections(self) -> int:
            return 2

        def ok(self) -> int:
            return 1

    async def main() -> None:
        async with fastthrift.aio.Server(Handler(), "tcp://127.0.0.1:0") as server:
            async with fastthrift.aio.connect(module.S, server.url, timeout=20) as client:
                assert await client.ok() == 1
            with pytest.raises(fastthrift.TTransportException, match="closed"):
                await client.ok()
        assert not closed

    runner("asyncio")(main())
