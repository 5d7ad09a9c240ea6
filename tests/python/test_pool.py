"""The pool of a blocking client: several connections, none of them stale, and the deadlines of those who wait."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift import ConnectError, Pool, TransportTimeout, TTransportException

from tests.python.modes import Mode
from tests.python.scripted import Connections, counted_connections
from tests.python.timing import LATE

m = fastthrift.loads("""
service Shop {
  i64 add(1: i64 a, 2: i64 b) (idempotent = "true")
  string wait(1: double seconds, 2: string text)
  void ping()
  void hello(1: string name)
  oneway void note(1: string text)
}
""")


class Handler(m.Shop):  # type: ignore[name-defined, misc]
    def add(self, a: int, b: int) -> int:
        return a + b

    def wait(self, seconds: float, text: str) -> str:
        time.sleep(seconds)
        return text

    def ping(self) -> None: ...

    def hello(self, name: str) -> None: ...

    def note(self, text: str) -> None: ...


@contextlib.contextmanager
def serving(**options: Any) -> Iterator[fastthrift.Server]:
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", threads=16, **options) as server:
        yield server


Connect = Callable[..., Any]
BLOCKING = pytest.mark.parametrize("mode", ["blocking"], indirect=True)
"""For what is different where calls share a connection."""


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: Any, *, timeout: float | None = 5.0, **options: Any) -> Any:
        return mode.connect(m.Shop, url, timeout=timeout, **options)

    return connect


def together(work: Any, count: int) -> list[BaseException]:
    """Run something in threads, with the number of each, and return what they raised."""
    errors: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as error:  # noqa: BLE001 (the test shows it)
            errors.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


class TestSharing:
    def test_threads_over_fewer_connections_get_their_own_answers(self, connect: Connect) -> None:
        def work(number: int) -> None:
            for turn in range(100):
                assert client.add(number * 1000, turn) == number * 1000 + turn
                if turn % 10 == 0:
                    assert client.wait(0.001, f"{number}/{turn}") == f"{number}/{turn}"

        with serving() as server, connect(server.url, pool=Pool(4)) as client:
            assert together(work, 16) == []

    def test_a_pool_makes_no_more_connections_than_it_may(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(3)) as client:
            assert together(lambda _: [client.add(1, 2) for _ in range(50)], 12) == []
            assert 1 <= len(connections.made) <= 3

    def test_calls_of_one_thread_use_one_connection(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(8)) as client:
            for _ in range(20):
                client.add(1, 2)
        assert len(connections.made) == 1

    def test_slow_calls_run_side_by_side(self, connect: Connect) -> None:
        with serving() as server, connect(server.url, pool=Pool(4)) as client:
            # On a loop, calls go over what is there already while further connections are made.
            assert together(lambda number: client.wait(0.1, str(number)), 4) == []
            start = time.monotonic()
            assert together(lambda number: client.wait(0.8, str(number)), 4) == []
            assert time.monotonic() - start < 3.0

    @BLOCKING
    def test_who_waits_for_a_connection_waits_no_longer_than_the_deadline(
        self, connections: Connections, connect: Connect
    ) -> None:
        connections.silent = set(range(20))
        with connect(connections.url, timeout=0.3, pool=Pool(2)) as client:
            start = time.monotonic()
            errors = together(lambda _: client.add(1, 2), 6)
            assert 0.3 <= time.monotonic() - start < LATE
        assert [type(error) for error in errors] == [TransportTimeout] * 6
        assert sum(error.was_sent for error in errors if isinstance(error, TTransportException)) >= 2

    @BLOCKING
    def test_a_call_inside_of_a_call_takes_another_connection_or_fails(self, connect: Connect) -> None:
        inner: list[object] = []

        def handler(*_: object) -> None:
            inner.append(client.add(20, 22))

        previous = signal.signal(signal.SIGUSR1, handler)
        try:
            with serving() as server:
                for size in (2, 1):
                    with connect(server.url, pool=Pool(size)) as client:
                        timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
                        timer.start()
                        if size == 2:
                            assert client.wait(0.8, "outer") == "outer"
                        else:
                            with pytest.raises(RuntimeError, match="on this very thread"):
                                client.wait(0.8, "outer")
                        timer.join()
        finally:
            signal.signal(signal.SIGUSR1, previous)
        assert inner == [42]


class TestEnding:
    def test_a_stale_connection_is_noticed_before_it_is_used(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(2)) as client:
            assert client.add(1, 2) == 42
            for turn in range(5):
                connections.made[-1].shutdown(socket.SHUT_RDWR)
                connections.wait_until_closed(turn + 1)
                time.sleep(0.01)
                assert client.add(1, 2) == 42
            assert len(connections.made) == 6

    def test_an_idle_connection_is_closed_though_nobody_calls(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(4, idle_timeout=0.2)) as client:
            assert together(lambda _: client.add(1, 2), 4) == []
            connections.wait_until_closed(*range(1, len(connections.made) + 1), timeout=10)
            count = len(connections.made)
            assert client.add(1, 2) == 42
            assert len(connections.made) == count + 1
            connections.wait_until_closed(count + 1, timeout=10)

    def test_a_connection_in_use_is_not_idle(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(idle_timeout=0.8)) as client:
            end = time.monotonic() + 1.2
            while time.monotonic() < end:
                client.add(1, 2)
                time.sleep(0.02)
            assert len(connections.made) == 1

    def test_an_old_connection_is_replaced_though_it_is_busy(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(max_age=0.2)) as client:
            end = time.monotonic() + 0.9
            while time.monotonic() < end:
                assert client.add(1, 2) == 42
            assert 3 <= len(connections.made) <= 6

    @BLOCKING
    def test_the_thread_that_closes_idle_connections_ends_with_the_client(
        self, connections: Connections, connect: Connect
    ) -> None:
        def names() -> list[str]:
            tasks = f"/proc/{os.getpid()}/task"
            found = []
            for task in os.listdir(tasks):
                try:
                    with open(f"{tasks}/{task}/comm") as file:
                        found.append(file.read().strip())
                except FileNotFoundError:
                    continue
            return found

        if not os.path.isdir("/proc/self/task"):
            pytest.skip("this system does not list threads")

        def wait_for(count: int) -> None:
            end = time.monotonic() + 5
            while names().count("fastthrift-pool") != count and time.monotonic() < end:
                time.sleep(0.01)
            assert names().count("fastthrift-pool") == count

        before = names().count("fastthrift-pool")
        client = connect(connections.url, pool=Pool(idle_timeout=60))
        client.add(1, 2)
        wait_for(before + 1)
        del client
        wait_for(before)

    @BLOCKING
    def test_a_connection_with_an_error_is_never_used_again(self, connections: Connections, connect: Connect) -> None:
        connections.silent = {1}
        with connect(connections.url, timeout=0.1, pool=Pool(2)) as client:
            with pytest.raises(TransportTimeout):
                client.add(1, 2)
            connections.wait_until_closed(1)
            assert client.add(1, 2) == 42
        assert [number for number, _ in connections.calls] == [1, 2]

    @BLOCKING
    def test_close_ends_the_waiting_of_others(self, connections: Connections, connect: Connect) -> None:
        connections.silent = {1}
        client = connect(connections.url, timeout=None)
        errors: list[BaseException] = []

        def call() -> None:
            try:
                client.add(1, 2)
            except TTransportException as error:
                errors.append(error)

        threads = [threading.Thread(target=call) for _ in range(3)]
        for thread in threads:
            thread.start()
        with connections.changed:
            while not connections.calls:
                connections.changed.wait(0.01)
        client.close()
        connections.made[0].shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(5)
        assert len(errors) == 3
        assert sum("closed" in str(error) and not error.was_sent for error in errors) == 2  # type: ignore[attr-defined]


class TestHealth:
    def test_a_connection_that_was_idle_is_checked_by_a_call(self, connections: Connections, connect: Connect) -> None:
        with connect(connections.url, pool=Pool(health_check="ping", check_after=0.5)) as client:
            client.add(1, 2)
            client.add(1, 2)
            time.sleep(0.6)
            client.add(1, 2)
        assert [name for _, name in connections.calls] == ["add", "add", "ping", "add"]

    def test_a_connection_that_fails_its_check_is_replaced_in_time(
        self, connections: Connections, connect: Connect
    ) -> None:
        pool = Pool(health_check="ping", check_after=0.05, check_timeout=0.1)
        with connect(connections.url, timeout=2, pool=pool) as client:
            client.add(1, 2)
            time.sleep(0.1)
            connections.silent = {1}
            start = time.monotonic()
            assert client.add(1, 2) == 42
            assert time.monotonic() - start >= 0.1
        assert connections.calls == [(1, "add"), (1, "ping"), (2, "add")]

    @pytest.mark.parametrize(
        ("name", "text"),
        [("nothing", 'no function "nothing"'), ("hello", "without arguments"), ("note", "without arguments")],
    )
    def test_a_function_that_cannot_check_is_refused(self, name: str, text: str, connect: Connect) -> None:
        with pytest.raises(ValueError, match=text):
            connect("tcp://127.0.0.1:1", pool=Pool(health_check=name))


class TestAddresses:
    def test_an_address_that_refuses_is_passed_over(self, connections: Connections, connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            dead = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with connect([dead, connections.url]) as client:
            assert client.add(1, 2) == 42
            assert dead in repr(client)
            assert connections.url in repr(client)

    def test_new_connections_go_to_each_address_in_turn(self, connections: Connections, connect: Connect) -> None:
        with (
            counted_connections() as other,
            connect([connections.url, other.url], pool=Pool(max_age=0.001)) as client,
        ):
            for _ in range(10):
                time.sleep(0.005)
                client.add(1, 2)
            assert abs(len(connections.made) - len(other.made)) <= 1
        other.listener.close()

    def test_a_silent_address_leaves_time_for_the_others(
        self, connections: Connections, tmp_path: Any, connect: Connect
    ) -> None:
        waiting = []
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "socket"))
            listener.listen(0)
            try:
                while True:
                    waiting.append(socket.socket(socket.AF_UNIX))
                    waiting[-1].setblocking(False)
                    waiting[-1].connect(str(tmp_path / "socket"))
            except BlockingIOError:
                pass  # no more connections may wait
            with connect([f"unix://{tmp_path}/socket", connections.url], timeout=1.0) as client:
                assert client.add(1, 2) == 42
            for each in waiting:
                each.close()

    def test_no_address_that_answers_is_one_error(self, connect: Connect) -> None:
        with socket.create_server(("127.0.0.1", 0)) as unused:
            dead = f"tcp://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ConnectError, match=r"cannot connect to tcp://.*, tcp://"):
            connect([dead, dead])
        with pytest.raises(ValueError, match="at least one URL"):
            connect([])


@pytest.mark.parametrize(
    "make",
    [
        lambda: Pool(0),
        lambda: Pool(idle_timeout=0),
        lambda: Pool(max_age=-1),
        lambda: Pool(health_check="ping", check_after=-1),
        lambda: Pool(check_timeout=float("nan")),
    ],
)
def test_a_pool_that_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ValueError, match=r"must be (from 1|a)"):
        make()


def test_something_else_than_a_pool_is_refused(connect: Connect) -> None:
    with pytest.raises(TypeError, match=r"pool must be a fastthrift\.Pool or None"):
        connect("tcp://127.0.0.1:1", pool=4)


FORKING = """
import os, sys, threading, time, fastthrift
m = fastthrift.loads("service S { string echo(1: string s) }")
class Handler(m.S):
    def echo(self, s):
        time.sleep(0.002)
        return s
with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", threads=16) as server:
    client = fastthrift.connect(m.S, server.url, timeout=5.0, pool=fastthrift.Pool(3, idle_timeout=10))
    stop = False
    def work():
        while not stop: assert client.echo("parent") == "parent"
    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads: thread.start()
    time.sleep(0.1)
    for _ in range(5):
        child = os.fork()
        if not child:
            def run(): right.append(all(client.echo("child") == "child" for _ in range(20)))
            right = []
            threads = [threading.Thread(target=run) for _ in range(5)]
            for thread in threads: thread.start()
            for thread in threads: thread.join(10)
            os._exit(0 if right == [True] * 5 else 1)
        assert os.waitpid(child, 0)[1] == 0
    stop = True
    for thread in threads: thread.join()
"""


def test_a_forked_process_has_a_pool_of_its_own() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr


@BLOCKING
def test_control_c_ends_the_waiting_for_a_connection(connections: Connections, connect: Connect) -> None:
    connections.silent = {1}
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        client = connect(connections.url, timeout=3)
        first = threading.Thread(target=together, args=(lambda _: client.add(1, 2), 1))
        first.start()
        timer = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        timer.start()
        time.sleep(0.05)
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.add(1, 2)
        assert time.monotonic() - start < 2
        client.close()
        connections.made[0].shutdown(socket.SHUT_RDWR)
        first.join()
        timer.join()
    finally:
        signal.signal(signal.SIGINT, previous)
