"""Calls that are made again: only where that is allowed, within the budget, and never after the deadline."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import fastthrift
import pytest
from fastthrift import Backoff, ConnectError, ConnectionLost, Pool, Retry, RetryBudget, TransportTimeout

from tests.interop.fake_server import Peer, frame, message
from tests.python.modes import Mode, with_options
from tests.python.scripted import QUICK, SHOP, failing
from tests.python.timing import LATE

Connect = Callable[..., Any]


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: Any, *, timeout: float | None = 5.0, retry: Retry | None = None, **options: Any) -> Any:
        retry = Retry(backoff=QUICK) if retry is None else retry
        return mode.connect(SHOP.Shop, url, timeout=timeout, retry=retry, **options)

    return connect


class TestWhatMayBeMadeAgain:
    @pytest.mark.parametrize("name", ["add", "plain"])
    def test_an_idempotent_function_is_called_again(self, faulty: Any, name: str, connect: Connect) -> None:
        server = faulty(failing(2))
        with connect(server.url) as client:
            assert getattr(client, name)(*([7, 1] if name == "add" else [7])) == 42
        assert server.requests == {7: 3}

    @pytest.mark.parametrize("name", ["buy", "take"])
    def test_another_function_is_not(self, faulty: Any, name: str, connect: Connect) -> None:
        server = faulty(failing(1))
        with connect(server.url) as client:
            with pytest.raises(ConnectionLost) as caught:
                getattr(client, name)(7)
            assert caught.value.was_sent
            assert getattr(client, name)(8) == 42
        assert server.requests == {7: 1, 8: 1}

    def test_an_option_counts_more_than_the_annotation(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(1))
        with connect(server.url) as client:
            with pytest.raises(ConnectionLost):
                with_options(client, idempotent=False).add(2, 2)
            server.plan = failing(1)
            assert with_options(client, idempotent=True).buy(3) == 42
            server.plan = failing(1)
            assert with_options(with_options(client, idempotent=False), idempotent=None).add(4, 4) == 42
        assert (server.requests[2], server.requests[3], server.requests[4]) == (1, 2, 2)

    def test_without_retry_nothing_is_made_again(self, faulty: Any, mode: Mode, connect: Connect) -> None:
        server = faulty(failing(1))
        with mode.connect(SHOP.Shop, server.url) as client:
            with pytest.raises(ConnectionLost):
                client.add(1, 2)
            assert client.add(3, 4) == 42
        assert server.requests == {1: 1, 3: 1}

    def test_no_call_is_made_more_often_than_attempts(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(100))
        with connect(server.url, retry=Retry(4, backoff=QUICK)) as client, pytest.raises(ConnectionLost):
            client.add(1, 2)
        assert server.requests == {1: 4}

    def test_a_server_that_is_away_for_a_moment_is_waited_for(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(0))
        client = connect(server.url, retry=Retry(20, backoff=Backoff(0.05, most=0.05, jitter=0)))
        assert client.buy(1) == 42
        port = int(server.url.rsplit(":", 1)[1])
        server.close()
        client_side = threading.Event()

        def come_back() -> None:
            client_side.wait(5)
            time.sleep(0.2)
            server.listen(port)

        back = threading.Thread(target=come_back)
        back.start()
        server.plan = failing(1)
        with pytest.raises(ConnectionLost):
            client.buy(2)  # over the connection that is there still
        client_side.set()
        assert client.buy(3) == 42  # not idempotent, but no connection could be made, so nothing was sent
        back.join()
        client.close()
        assert server.requests == {1: 1, 2: 1, 3: 1}


class TestWhatIsAnAnswer:
    def test_an_exception_of_the_server_is_one(self, faulty: Any, connect: Connect) -> None:
        def refuse(peer: Peer, name: str, sequence_id: int) -> None:
            header = struct.pack(">BBBBi", 0x80, 1, 0, 3, len(name)) + name.encode() + struct.pack(">i", sequence_id)
            peer.sock.sendall(frame(header + struct.pack(">bhib", 8, 2, 6, 0)))

        server = faulty(refuse)
        with connect(server.url) as client, pytest.raises(fastthrift.TApplicationException):
            client.add(1, 2)
        assert server.requests == {1: 1}

    def test_a_reply_that_breaks_the_protocol_is_one(self, faulty: Any, connect: Connect) -> None:
        server = faulty(lambda peer, name, sequence_id: peer.reply(name, sequence_id + 1, 666))
        with connect(server.url) as client, pytest.raises(fastthrift.PeerError):
            client.add(1, 2)
        assert server.requests == {1: 1}

    def test_a_reply_that_cannot_be_decoded_is_one(self, faulty: Any, connect: Connect) -> None:
        def garbage(peer: Peer, name: str, sequence_id: int) -> None:
            data = bytearray(message(name, sequence_id, 666))
            data[-12] = 99
            peer.sock.sendall(frame(bytes(data)))

        server = faulty(garbage)
        with connect(server.url) as client, pytest.raises(fastthrift.DecodeError):
            client.add(1, 2)
        assert server.requests == {1: 1}

    def test_arguments_that_cannot_be_encoded_are_not_tried_twice(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(0))
        with connect(server.url) as client, pytest.raises(fastthrift.EncodeError):
            client.add("x", 1)
        assert server.requests == {}


class TestDeadlines:
    def test_all_attempts_share_one_deadline(self, faulty: Any, connect: Connect) -> None:
        def slow(_: Peer, _name: str, _id: int) -> None:
            time.sleep(0.12)
            raise EOFError

        server = faulty(slow)
        with connect(server.url, timeout=1.0, retry=Retry(100, backoff=QUICK)) as client:
            start = time.monotonic()
            with pytest.raises((ConnectionLost, TransportTimeout)):
                client.add(1, 2)
            assert 0.5 < time.monotonic() - start < LATE
        assert 2 <= server.requests[1] <= 9

    def test_a_wait_that_ends_after_the_deadline_is_not_begun(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(1))
        with connect(server.url, timeout=3.0, retry=Retry(3, backoff=Backoff(9.0, most=9.0, jitter=0))) as client:
            start = time.monotonic()
            with pytest.raises(ConnectionLost):
                client.add(1, 2)
            assert time.monotonic() - start < 2.5

    def test_a_silent_server_is_asked_once(self, faulty: Any, connect: Connect) -> None:
        server = faulty(lambda _peer, _name, _id: None)
        with connect(server.url, timeout=0.2) as client, pytest.raises(TransportTimeout):
            client.add(1, 2)
        assert server.requests == {1: 1}


class TestBudget:
    def test_it_stops_a_storm(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(10**9))
        budget = RetryBudget(0.1, per_second=0, burst=5)
        with connect(server.url, retry=Retry(10, budget=budget, backoff=QUICK)) as client:
            for number in range(200):
                with pytest.raises(ConnectionLost):
                    client.add(number, 0)
        again = server.requests.total() - 200
        assert 20 <= again <= 26

    def test_clients_share_a_budget(self, faulty: Any, connect: Connect) -> None:
        server = faulty(failing(10**9))
        retry = Retry(10, budget=RetryBudget(0, per_second=0, burst=5), backoff=QUICK)
        for _ in range(4):
            with connect(server.url, retry=retry) as client, pytest.raises(ConnectionLost):
                client.add(1, 2)
        assert server.requests == {1: 9}

    def test_a_connect_storm_is_stopped_too(self, connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            url = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
            client = connect(url, retry=Retry(50, budget=RetryBudget(0, per_second=0, burst=3), backoff=QUICK))
            peer, _ = unused.accept()
            peer.close()
        time.sleep(0.01)
        start = time.monotonic()
        with pytest.raises(ConnectError):
            client.buy(1)
        assert time.monotonic() - start < LATE
        client.close()


def test_a_function_that_is_not_idempotent_is_never_sent_twice(faulty: Any, mode: Mode, connect: Connect) -> None:
    """Over thousands of connections that are cut at any place of a call, by threads that share a pool."""
    chance = random.Random(4)

    def cut(peer: Peer, name: str, sequence_id: int) -> None:
        what = chance.random()
        if what < 0.25:
            raise EOFError
        if what < 0.35:
            peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            raise EOFError
        data = frame(message(name, sequence_id, 42))
        if what < 0.5:
            peer.sock.sendall(data[: chance.randrange(1, len(data))])
            raise EOFError
        peer.sock.sendall(data)
        if what < 0.8:
            raise EOFError  # the connection is closed after the reply, so it is stale in the pool

    server = faulty(cut)
    unknown: Counter[int] = Counter()
    surely_not: list[int] = []
    wrong: list[object] = []

    def work(first: int) -> None:
        for number in range(first, first + 500):
            try:
                if client.buy(number) != 42:
                    wrong.append(number)
            except fastthrift.TTransportException as error:
                if error.was_sent:
                    unknown[number] += 1
                else:
                    surely_not.append(number)

    retry = Retry(4, budget=RetryBudget(1, per_second=1e6, burst=1e6), backoff=Backoff(0, most=0))
    with connect(server.url, timeout=20, retry=retry, pool=Pool(4)) as client:
        threads = [threading.Thread(target=work, args=(number * 1000,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert max(server.requests.values()) == 1
    assert not {number for number in surely_not if server.requests[number]}
    assert len(server.made) > (1000 if mode.name == "blocking" else 100)  # on a loop, calls share them
    assert len(unknown) > 500


@pytest.mark.parametrize(
    "make",
    [
        lambda: Retry(0),
        lambda: RetryBudget(-1),
        lambda: RetryBudget(per_second=float("nan")),
        lambda: Backoff(-1),
        lambda: Backoff(factor=0.5),
        lambda: Backoff(jitter=2),
        lambda: Backoff(most=float("inf")),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"must|at least"):
        make()
