"""Calls that are made a second time when no reply comes for a while: the first reply counts."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import fastthrift
import pytest
from fastthrift import ConnectionLost, Pool, Retry, RetryBudget, TransportTimeout

from tests.interop.fake_server import Peer, frame, message
from tests.python.certificates import Authority
from tests.python.modes import Mode, with_options
from tests.python.scripted import QUICK, SHOP, Plan, after, cut, in_turn
from tests.python.timing import LATE

Connect = Callable[..., Any]
BLOCKING = pytest.mark.parametrize("mode", ["blocking"], indirect=True)


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: Any, *, timeout: float | None = 5.0, hedge: float = 0.1, size: int = 2, **options: Any) -> Any:
        return mode.connect(SHOP.Shop, url, timeout=timeout, hedge=hedge, pool=Pool(size), **options)

    return connect


def once(event: threading.Event, value: int) -> Plan:
    """Reply when something happened."""

    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        assert event.wait(30)
        peer.reply(name, sequence_id, value)

    return plan


def telling(event: threading.Event, then: Plan) -> Plan:
    """Tell that the request came, and do as another plan says."""

    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        event.set()
        then(peer, name, sequence_id)

    return plan


def cut_later(peer: Peer, name: str, sequence_id: int) -> None:
    time.sleep(0.25)
    raise EOFError


def silent(peer: Peer, name: str, sequence_id: int) -> None:
    # Nobody waits for the end of it; a client that waited so long would be told of an end, not of its deadline.
    time.sleep(2)
    raise EOFError


def in_parts(peer: Peer, name: str, sequence_id: int) -> None:
    """Reply in bytes with pauses, longer in all than a call is waited for before it is made again."""
    peer.trickle(frame(message(name, sequence_id, 7)), pause=0.01)


class TestWhoWins:
    def test_a_quick_reply_is_the_only_one(self, faulty: Any, connect: Connect) -> None:
        server = faulty(after(0))
        with connect(server.url) as client:
            for number in range(20):
                assert client.add(number, 0) == 42
        assert set(server.requests.values()) == {1}
        assert len(server.made) == 1

    def test_the_second_request_wins_over_a_silent_first(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(silent, after(0, 7)))
        with connect(server.url) as client:
            start = time.monotonic()
            assert client.add(1, 2) == 7
            assert time.monotonic() - start >= 0.1
        assert server.requests == {1: 2}

    def test_the_first_request_wins_when_it_is_answered_first(self, faulty: Any, connect: Connect) -> None:
        second = threading.Event()
        server = faulty(in_turn(once(second, 7), telling(second, silent), after(0, 8)))
        with connect(server.url) as client:
            assert client.add(1, 2) == 7
            assert client.add(3, 4) == 8
        assert server.requests == {1: 2, 3: 1}

    def test_a_late_reply_never_reaches_another_call(self, faulty: Any, connect: Connect) -> None:
        second = threading.Event()
        server = faulty(in_turn(once(second, 1), telling(second, after(0, 2)), after(0, 3)))
        with connect(server.url, hedge=0.1) as client:
            assert client.add(1, 0) in (1, 2)
            for number in range(30):
                assert client.add(number + 2, 0) == 3
                time.sleep(0.005)

    def test_a_reply_that_trickles_is_read_whichever_it_is(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(in_parts, in_parts))
        with connect(server.url, hedge=0.05) as client:
            assert client.add(1, 2) == 7
        server = faulty(in_turn(silent, in_parts))
        with connect(server.url, hedge=0.05) as client:
            assert client.add(1, 2) == 7


class TestWhatMayBeHedged:
    def test_a_function_that_is_not_idempotent_is_called_once(self, faulty: Any, connect: Connect) -> None:
        server = faulty(after(0.3))
        with connect(server.url, hedge=0.05) as client:
            assert client.buy(1) == 42
            assert client.take(2) == 42
            assert with_options(client, idempotent=False).add(3, 3) == 42
            client.note("x")
            assert with_options(client, idempotent=True).buy(4) == 42
        assert [server.requests[number] for number in (1, 2, 3)] == [1, 1, 1]
        assert server.requests[4] == 2

    def test_the_budget_bounds_it(self, faulty: Any, connect: Connect) -> None:
        server = faulty(after(0.06))
        retry = Retry(1, budget=RetryBudget(0, per_second=0, burst=3))
        with connect(server.url, hedge=0.02, retry=retry) as client:
            for number in range(8):
                assert client.add(number, 0) == 42
        assert server.requests.total() == 8 + 3

    @BLOCKING
    def test_a_pool_whose_connections_are_all_in_use_hedges_nothing(self, faulty: Any, connect: Connect) -> None:
        server = faulty(after(0.3))
        with connect(server.url, hedge=0.05) as client:
            threads = [threading.Thread(target=client.add, args=(number, 0)) for number in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert server.requests == {0: 1, 1: 1}

    def test_one_connection_cannot_hedge(self, mode: Mode, connect: Connect) -> None:
        with pytest.raises(ValueError, match="second connection"):
            mode.connect(SHOP.Shop, "tcp://127.0.0.1:1", hedge=0.1)
        for bad in (0, -1, float("nan")):
            with pytest.raises(ValueError, match="hedge"):
                connect("tcp://127.0.0.1:1", hedge=bad)

    @pytest.mark.parametrize("seconds", [1e9, 1e19])
    def test_a_delay_beyond_all_clocks_hedges_nothing(self, faulty: Any, seconds: float, connect: Connect) -> None:
        server = faulty(after(0.02, 7))
        with connect(server.url, hedge=seconds) as client:
            assert client.add(1, 2) == 7
        assert server.requests == {1: 1}


class TestFailures:
    def test_a_first_that_breaks_leaves_the_race_to_the_second(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(cut_later, after(0.3, 7)))
        with connect(server.url) as client:
            assert client.add(1, 2) == 7

    def test_a_second_that_breaks_leaves_the_race_to_the_first(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(after(0.4, 7), cut))
        with connect(server.url) as client:
            assert client.add(1, 2) == 7

    def test_two_that_break_are_an_error_and_may_be_tried_again(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(cut_later, cut, after(0, 7)))
        with connect(server.url) as client, pytest.raises(ConnectionLost) as caught:
            client.add(1, 2)
        assert caught.value.was_sent
        server = faulty(in_turn(cut_later, cut, after(0, 7)))
        with connect(server.url, retry=Retry(2, backoff=QUICK)) as client:
            assert client.add(1, 2) == 7
        assert server.requests == {1: 3}

    def test_a_break_before_the_second_request_is_an_error_at_once(self, faulty: Any, connect: Connect) -> None:
        server = faulty(in_turn(cut, after(0)))
        with connect(server.url) as client:
            with pytest.raises(ConnectionLost):
                client.add(1, 2)
            assert client.add(1, 2) == 42

    def test_the_deadline_holds_for_both(self, faulty: Any, connect: Connect) -> None:
        server = faulty(silent)
        with connect(server.url, timeout=0.8) as client:
            start = time.monotonic()
            with pytest.raises(TransportTimeout) as caught:
                client.add(1, 2)
            assert time.monotonic() - start >= 0.79
            assert caught.value.was_sent
        assert server.requests == {1: 2}

    def test_a_deadline_before_the_second_request_comes_first(self, faulty: Any, connect: Connect) -> None:
        server = faulty(silent)
        with connect(server.url, timeout=0.1, hedge=0.3) as client, pytest.raises(TransportTimeout):
            client.add(1, 2)
        assert server.requests == {1: 1}


def test_threads_that_hedge_get_their_own_answers(connect: Connect) -> None:
    turns = 0

    class Handler(SHOP.Shop):  # type: ignore[name-defined, misc]
        def add(self, a: int, b: int) -> int:
            nonlocal turns
            turns += 1
            if turns % 5 == 0:
                time.sleep(0.02)
            return a + b

    wrong: list[object] = []

    def work(client: Any, number: int) -> None:
        for turn in range(100):
            try:
                found = client.add(number * 1000, turn)
                if found != number * 1000 + turn:
                    wrong.append((number, turn, found))
            except Exception as error:  # noqa: BLE001 (the test shows it)
                wrong.append(error)

    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=SHOP.Shop, threads=16) as server:
        retry = Retry(1, budget=RetryBudget(1, per_second=1000, burst=1000))
        with connect(server.url, hedge=0.005, size=8, retry=retry) as client:
            threads = [threading.Thread(target=work, args=(client, number)) for number in range(6)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
    assert wrong == []


@BLOCKING
@pytest.mark.parametrize("delay", [0.05, 0.3], ids=["before the second request", "while both wait"])
def test_control_c_ends_a_call_that_waits(faulty: Any, delay: float, connect: Connect) -> None:
    server = faulty(silent)
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with connect(server.url, hedge=0.15) as client:
            timer = threading.Timer(delay, os.kill, (os.getpid(), signal.SIGINT))
            timer.start()
            start = time.monotonic()
            with pytest.raises(KeyboardInterrupt):
                client.add(1, 2)
            assert time.monotonic() - start < LATE
            timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)


def test_tls_connections_race_too(tmp_path: Any, connect: Connect) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    turns = 0

    class Handler(SHOP.Shop):  # type: ignore[name-defined, misc]
        def add(self, a: int, b: int) -> int:
            nonlocal turns
            turns += 1
            if turns % 3 == 0:
                time.sleep(0.3)
            return a + b

    tls = fastthrift.ServerTLS(certificate, key)
    with fastthrift.Server(Handler(), "tls://localhost:0", service=SHOP.Shop, tls=tls, threads=4) as server:
        options = {"tls": fastthrift.ClientTLS(ca_file=authority.file), "hedge": 0.05}
        with connect(server.url, **options) as client:
            start = time.monotonic()
            for number in range(10):
                assert client.add(number, 1) == number + 1
            assert time.monotonic() - start < 2
    assert turns > 10


def test_what_tls_says_by_itself_does_not_hold_up_the_second_call(tmp_path: Any, connect: Connect) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("server")
    may_end = threading.Event()
    calls = 0

    class Handler(SHOP.Shop):  # type: ignore[name-defined, misc]
        def add(self, a: int, b: int) -> int:
            nonlocal calls
            calls += 1
            if calls == 1:
                may_end.wait(5)
            return a + b

    tls = fastthrift.ServerTLS(certificate, key)
    with fastthrift.Server(Handler(), "tls://localhost:0", service=SHOP.Shop, tls=tls, threads=4) as server:
        # The server's tickets for further sessions come behind the handshake, when the first call waits for its reply.
        with connect(server.url, tls=fastthrift.ClientTLS(ca_file=authority.file), hedge=0.05) as client:
            start = time.monotonic()
            assert client.add(1, 2) == 3
            assert time.monotonic() - start < 3
        may_end.set()
    assert calls == 2
