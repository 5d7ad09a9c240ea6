"""Pools, retries and hedges where calls share connections and can be cancelled.

What is the same for blocking clients is in their tests, which run for both.
"""

from __future__ import annotations

import asyncio
import gc
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any

import fastthrift
import pytest
from fastthrift import Backoff, ConnectionLost, Pool, Retry, TransportTimeout, TTransportException, aio

from tests.interop.fake_server import Peer
from tests.python.loops import Run, descriptors, until
from tests.python.scripted import QUICK, SHOP, Connections, after, cut, failing, in_turn
from tests.python.test_aio_options import MODULE, Loop


def connect(url: Any, *, timeout: float | None = 20.0, **options: Any) -> Any:
    return aio.connect(SHOP.Shop, url, timeout=timeout, **options)


def silent(peer: Peer, name: str, sequence_id: int) -> None:
    """Leave the request without a reply, and read on."""


class Waits:
    """Does not answer before it may."""

    def __init__(self) -> None:
        self.may = threading.Event()

    def __call__(self, peer: Peer, name: str, sequence_id: int) -> None:
        self.may.wait(20)
        peer.reply(name, sequence_id, 7)


class TestCancelling:
    def test_a_call_that_waits_to_be_made_again_is_not(self, run: Run, faulty: Any) -> None:
        server = faulty(failing(10**9))

        async def main() -> None:
            retry = Retry(100, backoff=Backoff(20.0, most=20.0, jitter=0))
            async with connect(server.url, timeout=None, retry=retry) as client:
                call = client.add(1, 2)
                await until(lambda: bool(server.requests[1]))
                await asyncio.sleep(0.05)
                assert not call.done()
                call.cancel()
                await asyncio.sleep(0)
                # Nothing is left that would make it again.
                kept = weakref.ref(call)
                del call
                gc.collect()
                assert kept() is None
                server.plan = failing(0)
                assert await client.add(3, 4) == 42

        run(main())
        assert server.requests == {1: 1, 3: 1}

    def test_both_attempts_of_a_race_are_given_up_and_their_connections_stay_good(self, run: Run, faulty: Any) -> None:
        first, second = Waits(), Waits()
        server = faulty(in_turn(first, second, after(0)))

        async def main() -> None:
            async with connect(server.url, pool=Pool(2), hedge=0.05) as client:
                call = client.add(1, 2)
                await until(lambda: server.requests[1] == 2)
                call.cancel()
                first.may.set()
                second.may.set()
                replies = await asyncio.gather(*(client.add(number, 0) for number in range(2, 40)))
                assert replies == [42] * 38
                with pytest.raises(asyncio.CancelledError):
                    await call

        run(main())
        assert len(server.made) == 2

    def test_a_call_that_waits_for_a_connection_is_forgotten(self, run: Run, faulty: Any) -> None:
        server = faulty(failing(0))

        async def main() -> None:
            async with connect(server.url, retry=Retry(3)) as client:
                client._connections.abort()
                await asyncio.sleep(0.01)
                calls = [client.add(number, 0) for number in range(3)]
                calls[1].cancel()
                assert await asyncio.gather(calls[0], calls[2]) == [42, 42]

        run(main())
        assert server.requests == {0: 1, 2: 1}

    def test_an_awaiting_task_that_times_out_ends_the_attempts(self, run: Run, faulty: Any) -> None:
        server = faulty(silent)

        async def main() -> None:
            async with connect(server.url, pool=Pool(3), hedge=0.05, retry=Retry(3)) as client:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.add(1, 2), 0.2)
                server.plan = after(0)
                assert await client.add(3, 4) == 42

        run(main())
        assert 1 <= server.requests[1] <= 2


class TestHedging:
    def test_the_loser_leaves_its_connection_to_others(self, run: Run, faulty: Any) -> None:
        late = Waits()
        server = faulty(in_turn(late, after(0, 8), after(0)))

        async def main() -> None:
            async with connect(server.url, pool=Pool(2), hedge=0.05) as client:
                assert await client.add(1, 2) == 8
                late.may.set()
                for number in range(20):
                    assert await client.add(number + 2, 0) == 42

        run(main())
        assert len(server.made) == 2

    def test_over_http_the_loser_takes_its_connection_with_it(self, run: Run) -> None:
        calls = 0

        class Handler(SHOP.Shop):  # type: ignore[name-defined, misc]
            async def add(self, a: int, b: int) -> int:
                nonlocal calls
                calls += 1
                if calls == 1:
                    await asyncio.sleep(0.5)
                return a + b

        async def main() -> None:
            async with (
                aio.Server(Handler(), "http://127.0.0.1:0/", service=SHOP.Shop) as server,
                connect(server.url, hedge=0.05) as client,
            ):
                assert await client.add(1, 2) == 3
                replies = await asyncio.gather(*(client.add(number, 1) for number in range(30)))
                assert replies == list(range(1, 31))

        run(main())

    def test_a_second_connection_that_cannot_be_made_leaves_the_first_attempt(self, run: Run, faulty: Any) -> None:
        server = faulty(in_turn(after(0), after(0.3, 7)))

        async def main() -> None:
            async with connect(server.url, pool=Pool(2), hedge=0.05) as client:
                assert await client.add(1, 2) == 42
                server.close()
                assert await client.add(3, 4) == 7

        run(main())
        assert server.requests == {1: 1, 3: 1}

    def test_each_of_many_calls_at_once_gets_its_own_answer(self, run: Run) -> None:
        class Handler(SHOP.Shop):  # type: ignore[name-defined, misc]
            async def add(self, a: int, b: int) -> int:
                if (a + b) % 7 == 0:
                    await asyncio.sleep(0.03)
                return a + b

        async def main() -> None:
            async with aio.Server(Handler(), "tcp://127.0.0.1:0", service=SHOP.Shop) as server:
                retry = Retry(3, budget=fastthrift.RetryBudget(1, burst=1e6))
                async with connect(server.url, pool=Pool(4), hedge=0.005, retry=retry) as client:
                    for first in range(0, 3000, 500):
                        calls = [client.add(first, number) for number in range(500)]
                        assert await asyncio.gather(*calls) == [first + number for number in range(500)]

        run(main())

    def test_interceptors_see_one_call(self, run: Run, faulty: Any) -> None:
        seen: list[object] = []
        server = faulty(in_turn(cut, silent, after(0, 7)))

        async def watch(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
            seen.append(call.function)
            seen.append(await proceed())
            seen.append(call.reply_bytes)
            return seen[1]

        async def main() -> None:
            options = {"hedge": 0.3, "retry": Retry(3, backoff=QUICK), "interceptors": [watch]}
            async with connect(server.url, pool=Pool(2), **options) as client:
                assert await client.add(1, 2) == 7

        run(main())
        assert seen[:2] == ["add", 7]
        assert isinstance(seen[2], int)
        assert server.requests == {1: 3}


class TestClosing:
    def test_calls_that_wait_to_be_made_again_fail(self, run: Run, faulty: Any) -> None:
        server = faulty(failing(10**9))

        async def main() -> None:
            client = await connect(server.url, retry=Retry(100, backoff=Backoff(5.0, most=5.0, jitter=0)))
            calls = [client.add(number, 2) for number in range(3)]
            await until(lambda: len(server.requests) >= 1)
            await asyncio.sleep(0.1)
            start = time.monotonic()
            await client.close()
            assert time.monotonic() - start < 3
            for call in calls:
                with pytest.raises(TTransportException, match="the client was closed"):
                    await call
            with pytest.raises(TTransportException, match="the client was closed"):
                client.add(1, 2)

        run(main())

    def test_calls_in_a_race_fail(self, run: Run, faulty: Any) -> None:
        server = faulty(silent)

        async def main() -> None:
            client = await connect(server.url, pool=Pool(2), hedge=0.05, retry=Retry(3))
            call = client.add(1, 2)
            await until(lambda: server.requests[1] == 2)
            await client.close()
            with pytest.raises(TTransportException, match="the client was closed"):
                await call

        run(main())
        assert server.requests == {1: 2}

    def test_nothing_is_left_of_what_was(self, run: Run, faulty: Any) -> None:
        server = faulty(failing(0))
        references: list[weakref.ref[Any]] = []

        async def main() -> None:
            pool = Pool(2, idle_timeout=30, max_age=30, health_check="ping", check_after=10)
            with pytest.raises(ValueError, match="no function"):
                await connect(server.url, pool=pool)
            pool = Pool(2, idle_timeout=30, max_age=30)
            async with connect(server.url, pool=pool, hedge=0.01, retry=Retry(3, backoff=QUICK)) as client:
                references.extend([weakref.ref(client), weakref.ref(client._connections)])
                for turn in range(10):
                    server.plan = failing(turn)
                    calls = [client.add(number, turn) for number in range(30)]
                    calls[3].cancel()
                    await asyncio.gather(*calls, return_exceptions=True)
                    references.append(weakref.ref(calls[0]))
                del calls

        run(main())
        gc.collect()
        assert [each() for each in references] == [None] * len(references)


class TestPools:
    def test_a_pool_grows_with_the_calls_that_overlap_up_to_its_size(self, run: Run, connections: Connections) -> None:
        connections.silent = {1, 2, 3, 4}

        async def main() -> None:
            async with connect(connections.url, pool=Pool(3)) as client:
                calls = [client.add(1, 2) for _ in range(2)]
                await until(lambda: len(connections.made) == 2)
                await asyncio.sleep(0.05)
                assert len(connections.made) == 2
                while len(calls) < 1000 and {number for number, _ in connections.calls} != {1, 2, 3}:
                    calls.append(client.add(1, 2))
                    await asyncio.sleep(0.005)
                assert {number for number, _ in connections.calls} == {1, 2, 3}
                calls += [client.add(1, 2) for _ in range(30)]
                await until(lambda: len(connections.calls) == len(calls))
                for call in calls:
                    call.cancel()

        run(main())
        assert len(connections.made) == 3

    def test_a_further_connection_that_cannot_be_made_is_no_failure(self, run: Run, connections: Connections) -> None:
        async def main() -> None:
            async with connect(connections.url, pool=Pool(4)) as client:
                assert await client.add(1, 2) == 42
                connections.close()
                for _ in range(5):
                    assert await asyncio.gather(*(client.add(1, 2) for _ in range(50))) == [42] * 50

        run(main())
        assert len(connections.made) == 1

    def test_an_old_connection_takes_no_calls_but_ends_those_it_has(self, run: Run, faulty: Any) -> None:
        held = Waits()
        server = faulty(in_turn(held, after(0)))

        async def main() -> None:
            async with connect(server.url, pool=Pool(max_age=0.1)) as client:
                call = client.add(1, 2)
                await until(lambda: server.requests[1] == 1)
                await asyncio.sleep(0.15)
                assert await client.add(3, 4) == 42  # would wait behind the other one
                held.may.set()
                assert await call == 7

        run(main())

    def test_a_connection_is_not_idle_while_a_call_waits_on_it(self, run: Run, faulty: Any) -> None:
        held = Waits()
        server = faulty(in_turn(held, after(0)))

        async def main() -> None:
            async with connect(server.url, pool=Pool(idle_timeout=0.05)) as client:
                call = client.add(1, 2)
                await asyncio.sleep(0.2)
                held.may.set()
                assert await call == 7

        run(main())

    def test_callers_wait_for_one_check_and_for_another_connection_if_it_fails(
        self, run: Run, connections: Connections
    ) -> None:
        shop = fastthrift.loads("service Shop { i64 add(1: i64 a, 2: i64 b), void ping() }")

        async def main() -> None:
            pool = Pool(health_check="ping", check_after=0.1, check_timeout=0.6)
            async with aio.connect(shop.Shop, connections.url, timeout=20.0, pool=pool) as client:
                assert await client.add(1, 2) == 42
                for last in (len(connections.made), 0):
                    await asyncio.sleep(0.2)
                    connections.silent = set() if last else {len(connections.made)}
                    del connections.calls[:]
                    assert await asyncio.gather(*(client.add(1, 2) for _ in range(3))) == [42] * 3
                    assert [name for _, name in connections.calls] == ["ping", "add", "add", "add"]
                    assert (connections.calls[0][0] == connections.calls[1][0]) == bool(last)

        run(main())

    def test_a_call_waits_for_a_check_no_longer_than_it_may(self, run: Run, connections: Connections) -> None:
        shop = fastthrift.loads("service Shop { i64 add(1: i64 a, 2: i64 b), void ping() }")

        async def main() -> None:
            pool = Pool(health_check="ping", check_after=0.05, check_timeout=20.0)
            async with aio.connect(shop.Shop, connections.url, timeout=20.0, pool=pool) as client:
                assert await client.add(1, 2) == 42
                await asyncio.sleep(0.1)
                connections.silent = {1}
                with pytest.raises(TransportTimeout) as caught:
                    await fastthrift.with_options(client, timeout=0.3).add(1, 2)
                assert not caught.value.was_sent

        run(main())

    def test_descriptors_of_connections_that_ended_are_given_back(self, run: Run, connections: Connections) -> None:
        if not descriptors():
            pytest.skip("this system does not list descriptors")

        async def main() -> None:
            async with connect(connections.url, pool=Pool(2, idle_timeout=0.02)) as client:
                await client.add(1, 2)
                before = len(descriptors())
                for turn in range(5):
                    await until(lambda turn=turn: len(connections.closed) > turn)  # type: ignore[misc]
                    await client.add(1, 2)
                await until(lambda: len(descriptors()) <= before + 2)

        run(main())
        assert len(connections.made) >= 6


class TestRetries:
    def test_a_function_that_is_not_idempotent_is_made_again_when_nothing_was_sent(self, run: Run) -> None:
        opened: list[Loop] = []
        refusals = 0

        def open_transport() -> Loop:
            nonlocal refusals
            if opened and refusals % 3 < 2:
                refusals += 1
                raise OSError("not yet")
            refusals += 1
            opened.append(Loop())
            return opened[-1]

        async def main() -> None:
            options: Any = {"timeout": 20.0, "retry": Retry(3, backoff=QUICK)}
            async with aio.connect(MODULE.Desk, open_transport, **options) as client:
                for turn in range(4):
                    client._connections.abort()
                    await asyncio.sleep(0)
                    calls = [client.add(turn, number) for number in range(3)]
                    assert await client.note("x") is None
                    assert await asyncio.gather(*calls) == [turn, turn + 1, turn + 2]
            with pytest.raises(fastthrift.ConnectError, match="not yet"):
                async with aio.connect(MODULE.Desk, open_transport, timeout=20.0) as client:
                    pass

        run(main())
        assert len(opened) == 5

    def test_a_break_fails_each_of_the_calls_that_may_not_be_made_again(self, run: Run, faulty: Any) -> None:
        def cut_at(peer: Peer, name: str, sequence_id: int) -> None:
            if server.requests.total() < 20:
                return
            server.plan = failing(0)
            raise EOFError

        server = faulty(cut_at)

        async def main() -> None:
            async with connect(server.url, retry=Retry(3, backoff=QUICK)) as client:
                calls = [client.add(number, 0) if number % 2 else client.buy(number) for number in range(20)]
                ended = await asyncio.gather(*calls, return_exceptions=True)
                assert ended[1::2] == [42] * 10
                assert all(isinstance(each, ConnectionLost) and each.was_sent for each in ended[::2])

        run(main())
        assert [server.requests[number] for number in range(20)] == [1, 2] * 10

    def test_arguments_are_those_of_the_moment_of_the_call(self, run: Run) -> None:
        lists = fastthrift.loads('service S { list<i32> echo(1: list<i32> a) (idempotent = "true") }')

        class Handler(lists.S):  # type: ignore[name-defined, misc]
            calls = 0

            async def echo(self, a: list[int]) -> list[int]:
                Handler.calls += 1
                if Handler.calls == 1:
                    await asyncio.sleep(0.5)
                return a

        async def main() -> None:
            async with (
                aio.Server(Handler(), "tcp://127.0.0.1:0") as server,
                aio.connect(lists.S, server.url, timeout=20, pool=Pool(2), hedge=0.05) as client,
            ):
                argument = [1, 2, 3]
                call = client.echo(argument)
                argument.append(4)
                assert await call == [1, 2, 3]

        run(main())
