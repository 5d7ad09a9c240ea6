"""Who waits for whom: slow handlers, many clients, stopping, signals, forks and the interpreter's end."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType
from typing import Any

import fastthrift
import pytest

from tests.python.timing import LATE

IDL = """
service Work {
  i32 quick(1: i32 number)
  double sleep(1: double seconds)
  i64 compute(1: double seconds)
  oneway void later(1: double seconds)
  bool stop()
}
"""


class Handler:
    """Serves `Work`; `server` is the one to stop."""

    server: fastthrift.Server

    def __init__(self) -> None:
        self.done = threading.Event()
        self.started = threading.Event()
        self.threads: set[int] = set()

    def quick(self, number: int) -> int:
        self.threads.add(threading.get_ident())
        return number

    def sleep(self, seconds: float) -> float:
        self.threads.add(threading.get_ident())
        self.started.set()
        time.sleep(seconds)
        self.done.set()
        return seconds

    def compute(self, seconds: float) -> int:
        self.started.set()
        end = time.monotonic() + seconds
        count = 0
        while time.monotonic() < end:
            count += 1
        return count

    def later(self, seconds: float) -> None:
        self.sleep(seconds)

    def stop(self) -> bool:
        return self.server.stop()


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


@pytest.fixture
def handler() -> Handler:
    """A handler of its own for each test."""
    return Handler()


@pytest.fixture
def connect(work: ModuleType) -> Callable[[fastthrift.Server], Any]:
    """Opens a client."""
    return lambda server: fastthrift.connect(work.Work, server.url, timeout=20)


def serving(handler: Handler, work: ModuleType, url: str = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.Server:
    handler.server = fastthrift.Server(handler, url, service=work.Work, **options)
    return handler.server


@pytest.mark.parametrize("slow", ["sleep", "compute", "later"])
def test_a_slow_handler_does_not_hold_up_other_connections(
    handler: Handler, work: ModuleType, connect: Any, url: str, slow: str
) -> None:
    with serving(handler, work, url) as server, connect(server) as busy, connect(server) as other:
        for _ in range(2):
            handler.started.clear()
            call = threading.Thread(target=getattr(busy, slow), args=(1.8,))
            call.start()
            assert handler.started.wait(5)
            start = time.monotonic()
            for number in range(20):
                assert other.quick(number) == number
            assert time.monotonic() - start < 1.7
            call.join()


@pytest.mark.parametrize("threads", [1, 4])
def test_a_reply_does_not_wait_for_the_handler_of_a_request_that_came_with_it(
    handler: Handler, work: ModuleType, connect: Any, threads: int
) -> None:
    quick = bytes.fromhex("00000019 80010001 00000005") + b"quick" + bytes.fromhex("00000001 080001 00000007 00")
    slow = bytes.fromhex("0000001d 80010001 00000005") + b"sleep" + bytes.fromhex("00000001 040001 3fe0000000000000 00")
    with serving(handler, work, threads=threads) as server, connect(server) as client:
        client.quick(0)
        place = ("127.0.0.1", int(server.url.rpartition(":")[2]))
        with contextlib.ExitStack() as stack:
            pairs = [
                [stack.enter_context(contextlib.closing(socket.create_connection(place, 20))) for _ in range(2)]
                for _ in range(3)
            ]
            for first, second in pairs:
                # The two are received together where the server is busy with the third meanwhile.
                client.compute(0.001)
                first.sendall(quick)
                second.sendall(slow)
                start = time.monotonic()
                assert len(first.recv(64)) == 29
                assert time.monotonic() - start < 0.45
                second.recv(64)


def test_as_many_slow_handlers_run_at_once_as_there_are_threads(
    handler: Handler, work: ModuleType, connect: Any
) -> None:
    with serving(handler, work, threads=8) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(8)]
        with ThreadPoolExecutor(8) as pool:
            for _ in range(2):
                start = time.monotonic()
                assert list(pool.map(lambda client: client.sleep(0.4), clients)) == [0.4] * 8
                assert time.monotonic() - start < 3.0
        assert len(handler.threads) <= 8


@pytest.mark.parametrize("threads", [1, 2])
def test_with_all_threads_busy_requests_wait_and_are_served(
    handler: Handler, work: ModuleType, connect: Any, threads: int
) -> None:
    with serving(handler, work, threads=threads) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(12)]
        with ThreadPoolExecutor(12) as pool:
            assert list(pool.map(lambda client: client.sleep(0.02), clients)) == [0.02] * 12
            assert list(pool.map(lambda client: client.quick(1), clients)) == [1] * 12
        assert len(handler.threads) <= threads


def test_slow_handlers_are_handed_out_without_waiting_for_each(
    handler: Handler, work: ModuleType, connect: Any
) -> None:
    with serving(handler, work, threads=16) as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(server)) for _ in range(16)]

        def calls(client: Any) -> None:
            for _ in range(20):
                client.sleep(0.01)

        with ThreadPoolExecutor(16) as pool:
            start = time.monotonic()
            list(pool.map(calls, clients))
            assert time.monotonic() - start < LATE


def test_a_connection_that_is_always_busy_does_not_starve_others(
    handler: Handler, work: ModuleType, connect: Any
) -> None:
    request = bytes.fromhex("80010001 00000005 717569636b 00000001 080001 00000007 00")
    with serving(handler, work) as server, connect(server) as other:
        host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
        ended = threading.Event()

        def flood() -> None:
            with socket.create_connection((host, int(port))) as connection:
                drain = threading.Thread(target=lambda: [None for _ in iter(lambda: connection.recv(1 << 16), b"")])
                drain.start()
                while not ended.is_set():
                    connection.sendall(request * 2000)
                connection.shutdown(socket.SHUT_WR)
                drain.join()

        busy = threading.Thread(target=flood)
        busy.start()
        try:
            times = []
            for number in range(30):
                start = time.monotonic()
                assert other.quick(number) == number
                times.append(time.monotonic() - start)
            assert sorted(times)[15] < 1.5
        finally:
            ended.set()
            busy.join()


def test_many_idle_connections_cost_nothing_but_their_place(handler: Handler, work: ModuleType, connect: Any) -> None:
    with serving(handler, work) as server, contextlib.ExitStack() as stack:
        idle = [stack.enter_context(connect(server)) for _ in range(200)]
        with connect(server) as client:
            assert [client.quick(number) for number in range(100)] == list(range(100))
        time.sleep(0.2)
        before = time.process_time()
        time.sleep(0.5)
        assert time.process_time() - before < 0.1
        assert [client.quick(1) for client in idle] == [1] * 200


def test_threads_of_a_client_pool_get_each_their_own_reply(handler: Handler, work: ModuleType, connect: Any) -> None:
    with serving(handler, work) as server:

        def calls(base: int) -> bool:
            with connect(server) as client:
                return all(client.quick(base + number) == base + number for number in range(300))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(calls, range(0, 80_000, 10_000)))


def test_stop_lets_what_is_in_flight_end(handler: Handler, work: ModuleType, connect: Any, url: str) -> None:
    server = serving(handler, work, url)
    server.start()
    with connect(server) as busy, connect(server), ThreadPoolExecutor(1) as pool:
        reply = pool.submit(busy.sleep, 0.3)
        assert handler.started.wait(5)
        assert server.stop(timeout=10)
        assert reply.result(5) == 0.3
    with pytest.raises(fastthrift.TTransportException):
        connect(server)
    assert server.stop(), "stopping again is nothing"


def test_stop_serves_what_came_before_it(handler: Handler, work: ModuleType) -> None:
    request = bytes.fromhex("80010001 00000005 717569636b 00000001 080001 00000007 00")
    server = serving(handler, work)
    server.start()
    host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(request * 100)
        assert server.stop()
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert received.count(b"quick") == 100


def test_stop_does_not_wait_longer_than_it_is_told(handler: Handler, work: ModuleType, connect: Any) -> None:
    server = serving(handler, work, threads=1)
    server.start()
    with connect(server) as busy, ThreadPoolExecutor(1) as pool:
        reply = pool.submit(busy.sleep, 2.0)
        assert handler.started.wait(5)
        start = time.monotonic()
        assert not server.stop(timeout=0.1)
        assert time.monotonic() - start < 1.8
        assert reply.result(10) == 2.0, "who is being served gets the reply all the same"
        with pytest.raises(fastthrift.TTransportException):
            busy.quick(1)


def test_a_client_that_stopped_inside_a_message_does_not_stop_the_stop(handler: Handler, work: ModuleType) -> None:
    server = serving(handler, work)
    server.start()
    host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"\x80\x01\x00")
        start = time.monotonic()
        assert not server.stop(timeout=0.2)
        assert time.monotonic() - start < 2
        assert connection.recv(1) == b""


def test_a_handler_can_stop_its_server(handler: Handler, work: ModuleType, connect: Any) -> None:
    server = serving(handler, work)
    forever = threading.Thread(target=server.serve_forever)
    forever.start()
    wait_until_it_listens(server)
    with connect(server) as client:
        assert client.stop() is False
    forever.join(5)
    assert not forever.is_alive()


def test_a_handler_can_stop_a_server_whose_start_has_yet_to_return(
    handler: Handler, work: ModuleType, connect: Any
) -> None:
    server = serving(handler, work)
    core = vars(server)["_core"]

    class Slow:
        def __getattr__(self, name: str) -> Any:
            return getattr(core, name)

        def start(self, ended: Any) -> None:
            core.start(ended)
            with connect(server) as client:
                assert client.stop() is False

    vars(server)["_core"] = Slow()
    server.start()
    assert server.stop() is True
    with pytest.raises(fastthrift.TTransportException), connect(server) as client:
        client.quick(1)


def test_a_server_can_start_again(handler: Handler, work: ModuleType, connect: Any, url: str) -> None:
    server = serving(handler, work, url)
    for _ in range(3):
        with server, connect(server) as client:
            assert client.quick(5) == 5
            with pytest.raises(RuntimeError, match="runs already"):
                server.start()


def test_servers_side_by_side_do_not_meet(work: ModuleType, connect: Any) -> None:
    first, second = Handler(), Handler()
    with serving(first, work) as a, serving(second, work) as b, connect(a) as to_a, connect(b) as to_b:
        assert a.url != b.url
        assert (to_a.quick(1), to_b.quick(2)) == (1, 2)
        assert a.stop()
        assert to_b.quick(3) == 3


def test_a_handler_may_call_its_own_server(handler: Handler, work: ModuleType, connect: Any) -> None:
    with serving(handler, work) as server, connect(server) as client, connect(server) as inner:
        handler.quick = lambda number: inner.compute(0.0) * 0 + number  # type: ignore[method-assign]
        with serving(handler, work) as outer, connect(outer) as caller:
            assert caller.quick(7) == 7
        assert client.sleep(0.0) == 0.0


def wait_until_it_listens(server: fastthrift.Server) -> None:
    """Wait for a server that another thread starts."""
    deadline = time.monotonic() + 5
    while server.url.endswith(":0") and time.monotonic() < deadline:
        time.sleep(0.01)


PROGRAM = """
import os, signal, sys, threading, time
import fastthrift

work = fastthrift.loads({idl!r}, name="work.thrift")

started = threading.Event()

class Handler(work.Work):
    def quick(self, number): return number
    def sleep(self, seconds):
        started.set()
        time.sleep(seconds)
        print("handler ended", flush=True)
        return seconds
    def compute(self, seconds):
        started.set()
        end = time.monotonic() + seconds
        while time.monotonic() < end: pass
        print("handler ended", flush=True)
        return 1

def connect(server):
    return fastthrift.connect(work.Work, server.url, timeout=5)

def call(function, *arguments):
    client = connect(server)
    try:
        getattr(client, function)(*arguments)
    except fastthrift.TException as error:
        print(type(error).__name__, flush=True)

server = fastthrift.Server(Handler(), "tcp://127.0.0.1:0")
"""


def run(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program in an interpreter of its own."""
    text = PROGRAM.format(idl=IDL) + textwrap.dedent(program)
    return subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=30, check=False)


def test_the_interpreter_ends_with_a_server_that_nobody_stopped() -> None:
    ended = run("""
        server.start()
        client = connect(server)
        client.quick(1)
    """)
    assert (ended.returncode, ended.stderr) == (0, "")


@pytest.mark.parametrize("function", ["sleep", "compute"])
def test_the_interpreters_end_waits_for_handlers(function: str) -> None:
    ended = run(f"""
        server.start()
        threading.Thread(target=call, args=({function!r}, 0.5), daemon=True).start()
        assert started.wait(20)
    """)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert "handler ended" in ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1])
def test_a_signal_ends_serving(number: signal.Signals) -> None:
    program = PROGRAM.format(idl=IDL) + textwrap.dedent("""
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
        signal.signal(signal.SIGUSR1, lambda *_: server.stop())
        # A shell's background jobs, and so tests run there, start with it ignored.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        server.start()
        print(server.url, flush=True)
        server.serve_forever()
        print("returned", flush=True)
    """)
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("tcp://")
        time.sleep(0.3)
        process.send_signal(number)
        output = process.stdout.read()
        status = process.wait(10)
    assert (status, output) == ((7, "") if number == signal.SIGTERM else (0, "returned\n"))


def test_without_room_for_a_connection_accepting_rests_and_goes_on() -> None:
    program = PROGRAM.format(idl=IDL) + textwrap.dedent("""
        import resource
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))
        server.start()
        print(server.url, flush=True)
        sys.stdin.read()
        server.stop()
        print(time.process_time())
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        host, port = process.stdout.readline().strip().removeprefix("tcp://").rsplit(":", 1)
        request = bytes.fromhex("80010001 00000005 717569636b 00000001 080001 00000007 00")
        with contextlib.ExitStack() as stack:
            connections = [stack.enter_context(socket.create_connection((host, int(port)))) for _ in range(60)]
            time.sleep(1)
            first, *_, last = connections
            last.settimeout(0.1)
            last.sendall(request)
            with pytest.raises(TimeoutError):
                last.recv(100)
            first.sendall(request)
            assert b"quick" in first.recv(100)
            for connection in connections[:-1]:
                connection.close()
            last.settimeout(5)
            assert b"quick" in last.recv(100)
        seconds, _ = process.communicate(timeout=10)
    assert float(seconds) < 0.8


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads how much memory is mapped from /proc")
def test_a_message_that_memory_is_too_small_for_ends_its_connection_alone() -> None:
    ended = run("""
        import resource, socket
        server.start()
        client = connect(server)
        client.quick(1)
        host, port = server.url.removeprefix("tcp://").rsplit(":", 1)
        size = 100 << 20
        chunk = bytes(1 << 20)
        with socket.create_connection((host, int(port)), timeout=10) as peer:
            with open("/proc/self/statm") as statm:
                mapped = int(statm.read().split()[0]) * resource.getpagesize()
            resource.setrlimit(resource.RLIMIT_AS, (mapped + (60 << 20), resource.RLIM_INFINITY))
            peer.sendall(size.to_bytes(4, "big") + bytes.fromhex("80010001 00000005"))
            try:
                for _ in range(99):
                    peer.sendall(chunk)
                print("read", peer.recv(1))
            except (BrokenPipeError, ConnectionResetError):
                print("closed")
        print(client.quick(2), connect(server).quick(3))
        server.stop()
    """)
    assert (ended.returncode, ended.stdout) == (0, "closed\n2 3\n"), ended.stderr


def test_a_forked_child_leaves_its_parents_server_alone() -> None:
    ended = run("""
        server.start()
        client = connect(server)
        client.quick(1)
        child = os.fork()
        if child == 0:
            assert server.stop()
            own = fastthrift.Server(Handler(), "tcp://127.0.0.1:0")
            own.start()
            assert connect(own).quick(3) == 3
            sys.exit(0)
        _, status = os.waitpid(child, 0)
        assert client.quick(2) == 2 and connect(server).quick(2) == 2
        print("status", status)
    """)
    assert (ended.returncode, ended.stdout) == (0, "status 0\n"), ended.stderr


def test_importing_the_package_imports_neither_threads_nor_logging() -> None:
    program = "import sys, fastthrift; print({'threading', 'logging', 'asyncio', 'ssl'} & set(sys.modules))"
    ended = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False)
    if ended.returncode:
        pytest.skip("the package is not importable without site")
    assert ended.stdout == "set()\n"
