"""Calls that are made again: only where that is allowed, within the budget, and never after the deadline."""

from __future__ import annotations

import contextlib
import random
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift import Backoff, ConnectError, ConnectionLost, Pool, Retry, RetryBudget, TransportTimeout

from tests.interop.fake_server import Peer, frame, message
from tests.python.modes import Mode, with_options
from tests.python.timing import LATE

m = fastthrift.loads("""
service Shop {
  i64 add(1: i64 a, 2: i64 b) (idempotent = "true")
  i64 take(1: i64 a) (idempotent = "false")
  i64 buy(1: i64 a)
  i64 plain(1: i64 a) (idempotent)
  oneway void note(1: string text)
}
""")

QUICK = Backoff(0.001, most=0.01)


class Faulty:
    """A server that does with each request what a plan says, in framed Binary."""

    def __init__(self, plan: Callable[[Peer, str, int], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.plan = plan
        self.requests: Counter[int] = Counter()
        self.names: list[str] = []
        self.connections = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        peer = Counting(sock, self)
        try:
            while True:
                name, sequence_id = peer.request()
                self.plan(peer, name, sequence_id)
        except (EOFError, OSError):
            pass
        finally:
            sock.close()

    def note(self, name: str, argument: int) -> None:
        with self._lock:
            self.names.append(name)
            self.requests[argument] += 1

    def close(self) -> None:
        with contextlib.suppress(OSError):  # it may be closed already
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self._thread.join(10)


class Counting(Peer):
    """A server's end of a connection that keeps each request's first argument."""

    def __init__(self, sock: socket.socket, server: Faulty) -> None:
        super().__init__(sock)
        self.server = server

    def request(self) -> tuple[str, int]:
        header = self._file.read(4)
        if len(header) < 4:
            raise EOFError
        body = self._file.read(struct.unpack(">i", header)[0])
        length = struct.unpack_from(">i", body, 4)[0]
        name = body[8 : 8 + length].decode()
        kind, _, argument = struct.unpack_from(">bhq", body + bytes(8), 12 + length)
        self.server.note(name, argument if kind == 10 else -1)
        return name, struct.unpack_from(">i", body, 8 + length)[0]


@pytest.fixture
def faulty() -> Iterator[Callable[..., Faulty]]:
    made: list[Faulty] = []

    def make(plan: Callable[[Peer, str, int], None]) -> Faulty:
        made.append(Faulty(plan))
        return made[-1]

    yield make
    for server in made:
        server.close()


Connect = Callable[..., Any]


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: Any, *, timeout: float | None = 5.0, retry: Retry | None = None, **options: Any) -> Any:
        retry = Retry(backoff=QUICK) if retry is None else retry
        return mode.connect(m.Shop, url, timeout=timeout, retry=retry, **options)

    return connect


def failing(times: int) -> Callable[[Peer, str, int], None]:
    """Close the connection in place of the first answers."""
    left = [times]

    def plan(peer: Peer, name: str, sequence_id: int) -> None:
        if left[0] > 0:
            left[0] -= 1
            raise EOFError
        peer.reply(name, sequence_id, 42)

    return plan


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
        with mode.connect(m.Shop, server.url) as client:
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
            server.listener = socket.create_server(("127.0.0.1", port), backlog=128)
            server._thread = threading.Thread(target=server._run)
            server._thread.start()

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
    assert server.connections > (1000 if mode.name == "blocking" else 100)  # on a loop, calls share them
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
