"""Clients on an event loop: many calls at once, each with its own answer, whatever goes wrong."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import random
import socket
import struct
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fastthrift
import fastthrift.aio
import pytest
from fastthrift import TransportTimeout, TTransportException

from tests.interop.fake_server import Conversation, Peer, fake_server, frame, message
from tests.interop.handler import SECRET, Calculator
from tests.python.loops import Run, descriptors_given_back
from tests.python.timing import LATE

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")


class Types:
    DivisionByZero, TApplicationException = ours.DivisionByZero, fastthrift.TApplicationException


@contextmanager
def serving(url: str = "tcp://127.0.0.1:0", handler: Any = None) -> Iterator[str]:
    with fastthrift.Server(handler or Calculator(Types), url, service=ours.Calculator) as server:
        yield server.url


def connect(url: str, timeout: float | None = 10.0, **options: Any) -> Any:
    return fastthrift.aio.connect(ours.Calculator, url, timeout=timeout, **options)


class TestCalls:
    def test_each_way_that_a_call_can_end(self, run: Run, url: str, protocol: Any, transport: Any) -> None:
        async def main(url: str) -> None:
            async with connect(url, protocol=protocol, transport=transport) as client:
                assert await client.add(20, 22) == 42
                assert await client.add(a=20, b=22) == 42
                with pytest.raises(ours.DivisionByZero, match="division by zero"):
                    await client.divide(1, 0)
                assert await client.check(0) is None
                with pytest.raises(ours.DivisionByZero, match="checked"):
                    await client.check(3)
                assert await client.note("a note") is None
                assert await client.notes() == ["a note"]
                with pytest.raises(fastthrift.TApplicationException, match="internal error in 'crash'") as caught:
                    await client.crash()
                assert SECRET not in str(caught.value)

        with serving(url) as url:
            run(main(url))

    def test_thousands_at_once_each_get_their_own_answer(self, run: Run, protocol: Any, transport: Any) -> None:
        async def main(url: str) -> None:
            async with connect(url, protocol=protocol, transport=transport) as client:
                assert await asyncio.gather(*[client.add(i, 1) for i in range(3000)]) == list(range(1, 3001))

        with serving() as url:
            run(main(url))

    def test_large_and_small_ones_share_a_connection(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                large = [client.echo(ours.Entry(raw=bytes([i]) * (3 << 20))) for i in range(5)]
                small = [client.add(i, i) for i in range(500)]
                assert await asyncio.gather(*small) == [2 * i for i in range(500)]
                assert [entry.raw for entry in await asyncio.gather(*large)] == [
                    bytes([i]) * (3 << 20) for i in range(5)
                ]

        with serving() as url:
            run(main(url))

    def test_replies_are_matched_by_their_ids_in_whatever_order_they_come(self, run: Run) -> None:
        def shuffled(peer: Peer) -> None:
            while True:
                requests = [peer.request() for _ in range(100)]
                random.Random(7).shuffle(requests)
                for name, sequence_id in requests:
                    peer.reply(name, sequence_id, sequence_id)

        async def main(url: str) -> None:
            async with connect(url) as client:
                for first in (1, 101, 201):
                    replies = await asyncio.gather(*[client.add(0, 0) for _ in range(100)])
                    assert replies == list(range(first, first + 100))

        with fake_server(shuffled) as url:
            run(main(url))

    def test_calls_of_one_round_of_the_loop_go_out_together(self, run: Run) -> None:
        sizes: list[int] = []

        def counting(peer: Peer) -> None:
            sizes.append(len(peer.sock.recv(1 << 20)))
            time.sleep(0.05)
            sizes.append(len(peer.sock.recv(1 << 20)))

        async def main(url: str) -> None:
            async with connect(url) as client:
                calls = [client.add(i, i) for i in range(50)]
                await asyncio.sleep(0.2)
                for call in calls:
                    call.cancel()

        with fake_server(counting) as url:
            run(main(url))
        assert sizes in ([42, 49 * 42], [50 * 42, 0])  # the first goes out at once

    def test_arguments_are_those_of_the_moment_of_the_call(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                client._connections.abort()
                await asyncio.sleep(0.01)
                entry = ours.Entry(text="as called")
                call = client.echo(entry)
                entry.text = "changed"
                assert (await call).text == "as called"

        with serving() as url:
            run(main(url))

    def test_a_value_that_is_not_what_the_idl_says_is_an_error_at_once_and_harms_nothing(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                before = client.add(1, 1)
                with pytest.raises(fastthrift.EncodeError, match="add"):
                    client.add("one", 2)
                with pytest.raises(TypeError, match="missing the argument 'b'"):
                    client.add(1)
                assert [await before, await client.add(1, 2)] == [2, 3]

        with serving() as url:
            run(main(url))

    @pytest.mark.skipif(sys.version_info < (3, 11), reason="TaskGroup is new in 3.11")
    def test_a_call_is_a_coroutine_for_those_that_insist(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                async with asyncio.TaskGroup() as group:  # type: ignore[attr-defined,unused-ignore]
                    tasks = [group.create_task(client.add(i, 0)) for i in range(20)]
                assert [task.result() for task in tasks] == list(range(20))
                task = asyncio.create_task(client.divide(1, 0))
                with pytest.raises(ours.DivisionByZero):
                    await task
                assert await asyncio.wait_for(client.add(1, 1), 5) == 2

        with serving() as url:
            run(main(url))


class TestCancelling:
    def test_a_cancelled_call_is_forgotten_and_the_connection_goes_on(self, run: Run) -> None:
        def late(peer: Peer) -> None:
            first = peer.request()
            second = peer.request()
            peer.reply(*first, 666)
            peer.reply(*second, 42)

        async def main(url: str) -> None:
            async with connect(url) as client:
                with pytest.raises(asyncio.TimeoutError):
                    await asyncio.wait_for(client.add(1, 2), 0.05)
                assert await client.add(20, 22) == 42

        with fake_server(late) as url:
            run(main(url))

    def test_storms_of_cancelled_calls_leave_the_others_right(self, run: Run) -> None:
        async def main(url: str) -> None:
            chance = random.Random(3)
            async with connect(url) as client:

                async def caller(number: int) -> int:
                    ended = 0
                    for turn in range(100):
                        call = client.add(number, turn)
                        if chance.random() < 0.5:
                            asyncio.get_running_loop().call_later(chance.random() * 0.002, call.cancel)
                        try:
                            assert await call == number + turn
                            ended += 1
                        except asyncio.CancelledError:
                            pass
                    return ended

                ended = await asyncio.gather(*[caller(number) for number in range(40)])
                assert sum(ended) > 500
                assert await client.add(1, 2) == 3

        with serving() as url:
            run(main(url))

    def test_a_call_that_waits_for_a_connection_can_be_cancelled(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                client._connections.abort()
                await asyncio.sleep(0.01)
                calls = [client.add(i, 0) for i in range(10)]
                for call in calls[::2]:
                    assert call.cancel()
                    assert not call.cancel()
                assert await asyncio.gather(*calls[1::2]) == [1, 3, 5, 7, 9]

        with serving() as url:
            run(main(url))


def silent(peer: Peer) -> None:
    while True:
        peer.request()


class TestDeadlines:
    def test_a_call_without_a_reply_ends_at_its_deadline_and_a_late_reply_reaches_nobody(self, run: Run) -> None:
        is_late = threading.Event()

        def slow(peer: Peer) -> None:
            first = peer.request()
            is_late.wait(30)
            peer.reply(*first, 666)
            peer.serve()

        async def main(url: str) -> None:
            async with connect(url, timeout=0.2) as client:
                start = time.monotonic()
                with pytest.raises(TransportTimeout, match=r"add: no reply from tcp://127\.0\.0\.1:\d+ within 200ms"):
                    await client.add(1, 2)
                assert 0.2 <= time.monotonic() - start < LATE
                is_late.set()
                await asyncio.sleep(0.2)
                for _ in range(5):
                    assert await client.add(20, 22) == 42

        with fake_server(slow) as url:
            run(main(url))

    def test_many_deadlines_take_one_timer(self, run: Run) -> None:
        async def main(url: str) -> None:
            loop = asyncio.get_running_loop()
            async with connect(url, timeout=0.3) as client:
                made = 0
                call_later = loop.call_later

                def counted(*args: Any, **kwargs: Any) -> Any:
                    nonlocal made
                    made += 1
                    return call_later(*args, **kwargs)

                client_calls = []
                with contextlib.suppress(AttributeError):  # not on this loop
                    setattr(loop, "call_later", counted)  # noqa: B010 (mypy minds else)
                for _ in range(20):
                    client_calls += [client.add(1, 2) for _ in range(50)]
                    await asyncio.sleep(0.005)
                start = time.monotonic()
                ended = await asyncio.gather(*client_calls, return_exceptions=True)
                assert time.monotonic() - start < LATE
                assert all(isinstance(each, TransportTimeout) for each in ended)
                assert made < 60

        with fake_server(silent) as url:
            run(main(url))

    def test_connecting_is_bounded_too(self, run: Run, tmp_path: Path) -> None:
        async def main(url: str) -> None:
            start = time.monotonic()
            with pytest.raises(TransportTimeout, match="cannot connect"):
                await connect(url, timeout=0.2)
            assert 0.15 <= time.monotonic() - start < LATE

        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            listener.listen(0)
            waiting = []
            try:
                for _ in range(3):  # no more connections may wait
                    waiting.append(socket.socket())
                    waiting[-1].setblocking(False)
                    waiting[-1].connect_ex(listener.getsockname())
                time.sleep(0.05)
                run(main(f"tcp://127.0.0.1:{listener.getsockname()[1]}"))
            finally:
                for each in waiting:
                    each.close()

    def test_a_call_waits_for_a_new_connection_no_longer_than_it_may(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url, timeout=0.3) as client:
                entry = ours.Entry(raw=bytes(8 << 20))
                calls = [client.echo(entry) for _ in range(4)]  # the peer reads nothing, so most wait here
                start = time.monotonic()
                ended = await asyncio.gather(*calls, client.add(1, 2), return_exceptions=True)
                assert all(isinstance(each, TransportTimeout) for each in ended)
                assert 0.25 <= time.monotonic() - start < LATE
            is_over.set()

        is_over = threading.Event()

        def deaf(_: Peer) -> None:
            is_over.wait(30)

        with fake_server(deaf) as url:
            run(main(url))


def wrong_name(peer: Peer) -> None:
    peer.reply("subtract", peer.request()[1], 666)
    peer.serve()


def wrong_sequence_id(peer: Peer) -> None:
    name, sequence_id = peer.request()
    peer.reply(name, sequence_id + 1000, 666)
    peer.serve()


def cut_off(peer: Peer) -> None:
    requests = [peer.request() for _ in range(10)]  # to leave one unread would reset the connection
    peer.sock.sendall(frame(message(*requests[0], 666))[:-3])


def closed(peer: Peer) -> None:
    for _ in range(10):
        peer.request()


def reset(peer: Peer) -> None:
    peer.request()
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.sock.close()


def huge_frame(peer: Peer) -> None:
    peer.request()
    peer.sock.sendall(b"\x7f\xff\xff\xff" + bytes(100))
    peer.serve()


def http(peer: Peer) -> None:
    peer.request()
    peer.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.serve()


@pytest.mark.parametrize(
    ("conversation", "text"),
    [
        (wrong_name, "expected the reply to 'add', got one to 'subtract'"),
        (wrong_sequence_id, "which no call waits for"),
        (cut_off, "closed the connection inside a message"),
        (closed, "closed the connection before it answered"),
        (reset, ""),
        (huge_frame, "2147483647 bytes is over the limit"),
        (http, "HTTP"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_connection_ends_all_its_calls_and_the_next_has_a_new_one(
    run: Run, conversation: Conversation, text: str
) -> None:
    async def main(url: str) -> None:
        async with connect(url) as client:
            ended = await asyncio.gather(*[client.add(1, 2) for _ in range(10)], return_exceptions=True)
            assert all(isinstance(each, TTransportException) for each in ended), ended
            assert text in str(ended[0])
            assert len(set(map(id, ended))) == 10
            assert await asyncio.gather(*[client.add(20, 22) for _ in range(10)]) == [42] * 10

    with fake_server(conversation, Peer.serve) as url:
        run(main(url))


def test_a_body_that_is_not_what_the_idl_says_fails_its_call_alone(run: Run) -> None:
    def broken_text(peer: Peer) -> None:
        (first, first_id), second = peer.request(), peer.request()
        not_utf8 = struct.pack(">bhbii", 15, 0, 11, 1, 2) + b"\xff\xfe\0"
        data = message(first, first_id, 0)[:-12] + not_utf8
        peer.sock.sendall(frame(data))
        peer.reply(*second, 42)
        peer.serve()

    async def main(url: str) -> None:
        async with connect(url) as client:
            first, second = client.notes(), client.add(1, 2)
            with pytest.raises(fastthrift.DecodeError, match="notes"):
                await first
            assert await second == 42
            assert await client.add(1, 2) == 42

    with fake_server(broken_text) as url:
        run(main(url))


def test_a_body_without_an_end_fails_its_connection(run: Run) -> None:
    def garbage(peer: Peer) -> None:
        data = bytearray(message(*peer.request(), 666))
        data[-12] = 99  # no type has this number
        peer.request()
        peer.sock.sendall(frame(bytes(data)))
        peer.serve()

    async def main(url: str) -> None:
        async with connect(url) as client:
            first, second = client.add(1, 2), client.add(3, 4)
            with pytest.raises(fastthrift.DecodeError, match="add"):
                await first
            with pytest.raises(TTransportException):
                await second
            assert await client.add(20, 22) == 42

    with fake_server(garbage, Peer.serve) as url:
        run(main(url))


def test_a_server_that_is_stopped_in_the_middle_ends_each_call_by_an_answer_or_an_error(run: Run) -> None:
    async def main() -> None:
        with serving() as url:
            async with connect(url, timeout=5) as client:
                right = failed = 0

                async def caller(number: int) -> None:
                    nonlocal right, failed
                    for turn in range(200):
                        try:
                            assert await client.add(number, turn) == number + turn
                            right += 1
                        except TTransportException:
                            failed += 1

                callers = asyncio.gather(*[caller(number) for number in range(20)])
                for _ in range(10):
                    await asyncio.sleep(0.01)
                    client._connections.abort()
                await callers
                assert right + failed == 20 * 200
                assert right > 0

    run(main())


class TestReconnecting:
    def test_callers_that_find_no_connection_share_one_attempt(self, run: Run) -> None:
        accepted = []

        def first(peer: Peer) -> None:
            accepted.append(1)

        def counting(peer: Peer) -> None:
            accepted.append(1)
            peer.serve()

        async def main(url: str) -> None:
            async with connect(url) as client:
                await asyncio.sleep(0.1)
                assert await asyncio.gather(*[client.add(20, 22) for _ in range(100)]) == [42] * 100

        with fake_server(first, counting) as url:
            run(main(url))
        assert len(accepted) == 2

    def test_a_server_that_is_gone_fails_each_call_by_an_exception_of_its_own(self, run: Run) -> None:
        async def main() -> None:
            with serving() as url:
                client = await connect(url)
            await asyncio.sleep(0.05)
            for _ in range(2):
                ended = await asyncio.gather(*[client.add(1, 2) for _ in range(5)], return_exceptions=True)
                assert all(isinstance(each, TTransportException) for each in ended)
                assert "cannot connect" in str(ended[0])
                assert len(set(map(id, ended))) == 5
            await client.close()

        run(main())


class TestClosing:
    def test_calls_that_wait_fail_and_so_do_later_ones(self, run: Run) -> None:
        async def main(url: str) -> None:
            client = await connect(url)
            call = client.add(1, 2)
            await client.close()
            with pytest.raises(TTransportException, match="add: the client was closed"):
                await call
            with pytest.raises(TTransportException, match="add: the client was closed"):
                await client.add(1, 2)
            await client.close()

        with fake_server(silent) as url:
            run(main(url))

    def test_what_was_written_before_is_sent(self, run: Run) -> None:
        handler = Calculator(Types)

        async def main(url: str) -> None:
            async with connect(url) as client:
                for number in range(100):
                    client.note(str(number))

        with serving(handler=handler) as url:
            run(main(url))
        assert handler.notes() == [str(number) for number in range(100)]

    def test_a_peer_that_reads_nothing_does_not_hold_it_up(self, run: Run) -> None:
        async def main(url: str) -> None:
            client = await connect(url)
            call = client.echo(ours.Entry(raw=bytes(32 << 20)))
            await asyncio.sleep(0.01)
            start = time.monotonic()
            await client.close()
            assert time.monotonic() - start < 2.0
            with pytest.raises(TTransportException):
                await call

        with fake_server(lambda peer: time.sleep(2.5)) as url:
            run(main(url))

    def test_closing_while_it_connects_anew(self, run: Run) -> None:
        async def main(url: str) -> None:
            client = await connect(url)
            client._connections.abort()
            await asyncio.sleep(0.01)
            call = client.add(1, 2)
            await client.close()
            with pytest.raises(TTransportException, match="closed"):
                await call
            await asyncio.sleep(0)

        with serving() as url:
            run(main(url))


class TestBelonging:
    def test_each_loop_in_its_thread_has_its_own_client(self, run: Run) -> None:
        failures: list[BaseException] = []

        async def main(url: str, number: int) -> None:
            async with connect(url) as client:
                for turn in range(20):
                    calls = [client.add(number, turn * 100 + i) for i in range(100)]
                    assert await asyncio.gather(*calls) == [number + turn * 100 + i for i in range(100)]

        def thread(url: str, number: int) -> None:
            try:
                run(main(url, number))
            except BaseException as error:  # noqa: BLE001 (shown by the test's own thread)
                failures.append(error)

        with serving() as url:
            threads = [threading.Thread(target=thread, args=(url, number)) for number in (1000, 2000)]
            for each in threads:
                each.start()
            for each in threads:
                each.join()
        assert failures == []

    def test_a_client_is_of_no_use_outside_of_its_loop(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                failures: list[BaseException] = []

                def elsewhere() -> None:
                    try:
                        client.add(1, 2)
                    except RuntimeError as error:
                        failures.append(error)

                async def other_loop() -> None:
                    with pytest.raises(RuntimeError, match="belongs to another event loop"):
                        client.add(1, 2)

                await asyncio.to_thread(elsewhere)
                assert len(failures) == 1
                await asyncio.to_thread(lambda: asyncio.run(other_loop()))
                assert await client.add(1, 2) == 3

        with serving() as url:
            run(main(url))

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
    @pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
    def test_a_forked_child_does_not_write_on_its_parents_socket(self, run: Run) -> None:
        async def main(url: str) -> None:
            async with connect(url) as client:
                assert await client.add(1, 2) == 3
                child = os.fork()
                if child == 0:
                    status = 1
                    try:
                        client.add(1, 2)
                    except RuntimeError:
                        status = 0
                    finally:
                        os._exit(status)
                assert os.waitpid(child, 0)[1] == 0  # noqa: ASYNC222
                assert await client.add(1, 2) == 3

        with serving() as url:
            run(main(url))


def test_nothing_is_left_of_what_was(run: Run) -> None:
    references: list[weakref.ref[Any]] = []

    async def main(url: str) -> None:
        async with connect(url, timeout=30) as client:
            references.extend([weakref.ref(client), weakref.ref(client._connections)])
            before = len(gc.get_objects())
            for _ in range(20):
                calls = [client.add(i, i) for i in range(100)]
                references.append(weakref.ref(calls[0]))
                calls[1].cancel()
                await asyncio.gather(*calls, return_exceptions=True)
                with pytest.raises(ours.DivisionByZero):
                    await client.divide(1, 0)
                client._connections.abort()
                await asyncio.sleep(0.005)
            del calls
            gc.collect()
            assert len(gc.get_objects()) - before < 1000

    with serving() as url, descriptors_given_back():
        run(main(url))
        gc.collect()
        assert [each() for each in references] == [None] * len(references)


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"url": "ftp://host:1"}, ValueError),
        ({"timeout": -1}, ValueError),
        ({"protocol": "thrift"}, ValueError),
        ({"transport": "carrier pigeon"}, ValueError),
        ({"service_name": "a:b"}, ValueError),
    ],
)
def test_options_that_cannot_be_are_refused(options: dict[str, Any], error: type[Exception]) -> None:
    async def main() -> None:
        with pytest.raises(error):
            await connect(**{"url": "tcp://127.0.0.1:1", **options})

    asyncio.run(main())


def test_a_client_needs_a_running_loop_and_a_service() -> None:
    with pytest.raises(TypeError, match="service must be the class"):
        fastthrift.aio.connect(int, "tcp://127.0.0.1:1")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"fastthrift\.aio\.connect"):
        fastthrift.aio.Client(None)
