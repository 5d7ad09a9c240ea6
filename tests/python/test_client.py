"""What a client does when things go wrong: no call ever gets another call's reply, and the next call works."""

from __future__ import annotations

import functools
import operator
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import TransportTimeout, TTransportException

from tests.interop.fake_server import CALL, ONEWAY, Conversation, Peer, fake_server, frame, message
from tests.interop.handler import Calculator
from tests.python.timing import LATE

ours = fastthrift.load(Path(__file__).parents[1] / "interop" / "calculator.thrift")


class Types:
    DivisionByZero, TApplicationException = ours.DivisionByZero, fastthrift.TApplicationException


def server_at(url: str) -> fastthrift.Server:
    return fastthrift.Server(Calculator(Types), url, service=ours.Calculator)


def connect(url: str, timeout: float | None = 5.0, **options: Any) -> Any:
    return fastthrift.connect(ours.Calculator, url, timeout=timeout, **options)


@pytest.fixture
def client(url: str, protocol: Any, transport: Any) -> Iterator[Any]:
    with server_at(url) as server, connect(server.url, protocol=protocol, transport=transport) as client:
        yield client


def silent(peer: Peer) -> None:
    while True:
        peer.request()


def slow(seconds: float) -> Conversation:
    def conversation(peer: Peer) -> None:
        name, sequence_id = peer.request()
        time.sleep(seconds)
        peer.reply(name, sequence_id, 666)
        peer.serve()

    return conversation


class TestDeadlines:
    def test_a_call_without_a_reply_ends_at_its_deadline(self) -> None:
        with fake_server(silent) as url, connect(url, timeout=0.2) as client:
            start = time.monotonic()
            with pytest.raises(
                TransportTimeout, match=r"add: no reply from tcp://127\.0\.0\.1:\d+ within 200ms"
            ) as caught:
                client.add(1, 2)
            assert 0.2 <= time.monotonic() - start < LATE
            assert isinstance(caught.value, TimeoutError)
            assert isinstance(caught.value, TTransportException)
            assert caught.value.type == TTransportException.TIMED_OUT

    def test_a_late_reply_never_reaches_the_next_call(self) -> None:
        is_late = threading.Event()

        def slow(peer: Peer) -> None:
            name, sequence_id = peer.request()
            is_late.wait(30)
            peer.reply(name, sequence_id, 666)
            peer.serve()

        with fake_server(slow, Peer.serve) as url, connect(url, timeout=0.2) as client:
            with pytest.raises(TransportTimeout):
                client.add(1, 2)
            is_late.set()
            for _ in range(5):
                assert client.add(20, 22) == 42
                time.sleep(0.03)

    def test_a_slow_trickle_of_bytes_gains_the_peer_no_time(self) -> None:
        def trickle(peer: Peer) -> None:
            name, sequence_id = peer.request()
            peer.trickle(frame(message(name, sequence_id, 666)), pause=0.05)

        with fake_server(trickle, Peer.serve) as url, connect(url, timeout=0.3) as client:
            start = time.monotonic()
            with pytest.raises(TransportTimeout):
                client.add(1, 2)
            assert 0.3 <= time.monotonic() - start < LATE
            assert client.add(20, 22) == 42

    def test_a_trickle_that_ends_in_time_is_a_reply(self) -> None:
        def trickle(peer: Peer) -> None:
            name, sequence_id = peer.request()
            peer.trickle(frame(message(name, sequence_id, 7)), pause=0.001)
            peer.serve()

        with fake_server(trickle) as url, connect(url) as client:
            assert [client.add(3, 4), client.add(20, 22)] == [7, 42]

    def test_a_peer_that_takes_no_bytes_gains_no_time_either(self) -> None:
        is_over = threading.Event()

        def deaf(_: Peer) -> None:
            is_over.wait(30)

        with fake_server(deaf) as url, connect(url, timeout=0.3) as client:
            start = time.monotonic()
            with pytest.raises(TransportTimeout):
                client.echo(ours.Entry(raw=bytes(32 << 20)))
            is_over.set()
            assert 0.3 <= time.monotonic() - start < LATE

    def test_a_unix_socket_has_deadlines_too(self, tmp_path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(tmp_path / "socket"))
            listener.listen()
            with connect(f"unix://{tmp_path}/socket", timeout=0.2) as client, pytest.raises(TransportTimeout):
                client.add(1, 2)

    def test_a_server_that_accepts_nobody_gains_no_time(self, tmp_path: Path) -> None:
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
            start = time.monotonic()
            with pytest.raises(TransportTimeout, match="cannot connect to unix://"):
                connect(f"unix://{tmp_path}/socket", timeout=0.2)
            assert 0.2 <= time.monotonic() - start < LATE
            for each in waiting:
                each.close()

    @pytest.mark.parametrize("timeout", [0, -1.0, float("nan"), float("inf")])
    def test_a_timeout_that_is_no_duration_is_refused(self, timeout: float) -> None:
        with pytest.raises(ValueError, match="timeout"):
            connect("tcp://127.0.0.1:1", timeout=timeout)


def wrong_name(peer: Peer) -> None:
    _, sequence_id = peer.request()
    peer.reply("subtract", sequence_id, 666)
    peer.serve()


def wrong_sequence_id(peer: Peer) -> None:
    name, sequence_id = peer.request()
    peer.reply(name, sequence_id + 1, 666)
    peer.serve()


def wrong_type(peer: Peer) -> None:
    peer.reply(*peer.request(), 666, kind=CALL)
    peer.serve()


def oneway_type(peer: Peer) -> None:
    peer.reply(*peer.request(), 666, kind=ONEWAY)
    peer.serve()


def cut_off(peer: Peer) -> None:
    peer.sock.sendall(frame(message(*peer.request(), 666))[:-3])


def closed(peer: Peer) -> None:
    peer.request()


def huge_frame(peer: Peer) -> None:
    peer.request()
    peer.sock.sendall(b"\x7f\xff\xff\xff" + bytes(100))
    peer.serve()


def negative_frame(peer: Peer) -> None:
    peer.request()
    peer.sock.sendall(b"\xff\xff\xff\xff")
    peer.serve()


def http(peer: Peer) -> None:
    peer.request()
    peer.sock.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    peer.serve()


def unframed(peer: Peer) -> None:
    peer.sock.sendall(message(*peer.request(), 666))
    peer.serve()


WRONG_REPLIES: list[tuple[Conversation, str]] = [
    (wrong_name, "expected the reply to 'add', got one to 'subtract'"),
    (wrong_sequence_id, "sequence id 2, which no call waits for"),
    (wrong_type, "type Call"),
    (oneway_type, "type Oneway"),
    (cut_off, "closed the connection inside a message"),
    (closed, "closed the connection before it answered the call"),
    (huge_frame, "2147483647 bytes is over the limit"),
    (negative_frame, "-1"),
    (http, "HTTP"),
    (unframed, "unframed Binary"),
]


@pytest.mark.parametrize(("conversation", "text"), WRONG_REPLIES, ids=[each[0].__name__ for each in WRONG_REPLIES])
def test_a_wrong_reply_is_an_error_and_the_next_call_has_a_new_connection(
    conversation: Conversation, text: str
) -> None:
    with fake_server(conversation, Peer.serve) as url, connect(url) as client:
        with pytest.raises(TTransportException) as caught:
            client.add(1, 2)
        assert text in str(caught.value)
        assert not isinstance(caught.value, TimeoutError)
        assert client.add(20, 22) == 42


def test_a_body_that_is_not_what_the_idl_says_is_a_decode_error(protocol: str) -> None:
    def garbage(peer: Peer) -> None:
        data = bytearray(message(*peer.request(), 666))
        data[-12] = 99  # no type has this number
        peer.sock.sendall(frame(bytes(data)))
        peer.serve()

    with fake_server(garbage, Peer.serve) as url, connect(url) as client:
        with pytest.raises(fastthrift.DecodeError, match="add"):
            client.add(1, 2)
        assert client.add(20, 22) == 42


def test_a_reply_without_a_result_is_an_application_exception() -> None:
    def empty(peer: Peer) -> None:
        data = message(*peer.request(), 666)
        peer.sock.sendall(frame(data[:-12] + b"\0"))
        peer.serve()

    with fake_server(empty) as url, connect(url) as client:
        with pytest.raises(fastthrift.TApplicationException) as caught:
            client.add(1, 2)
        assert caught.value.type == fastthrift.TApplicationException.MISSING_RESULT
        assert client.add(20, 22) == 42


@pytest.mark.parametrize("pause", [0, 0.05], ids=["at once", "after a while"])
def test_a_second_reply_to_a_call_never_reaches_the_next(pause: float) -> None:
    def twice(peer: Peer) -> None:
        name, sequence_id = peer.request()
        peer.sock.sendall(2 * frame(message(name, sequence_id, 7)))
        peer.serve()

    with fake_server(twice, Peer.serve) as url, connect(url) as client:
        assert client.add(3, 4) == 7
        time.sleep(pause)
        try:
            assert client.add(20, 22) == 42
        except TTransportException:
            assert not pause  # it was seen only while the call waited
        assert client.add(20, 22) == 42


class TestConnecting:
    def test_a_refused_connection_says_where(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with pytest.raises(TTransportException, match=rf"cannot connect to tcp://127\.0\.0\.1:{port}") as caught:
            connect(f"tcp://127.0.0.1:{port}")
        assert caught.value.type == TTransportException.NOT_OPEN

    def test_a_socket_file_that_is_not_there_says_so(self, tmp_path: Path) -> None:
        with pytest.raises(TTransportException) as caught:
            connect(f"unix://{tmp_path}/nothing")
        assert caught.value.type == TTransportException.NOT_OPEN

    @pytest.mark.parametrize(
        "bad", ["", "127.0.0.1:9090", "tcp://127.0.0.1", "ftp://127.0.0.1:1", "tcp://:1", "unix://"]
    )
    def test_a_url_that_is_none_is_refused(self, bad: str) -> None:
        with pytest.raises(ValueError, match="URL"):
            connect(bad)

    def test_a_call_after_the_server_was_restarted_works(self, url: str) -> None:
        with server_at(url) as server:
            url = server.url
            client = connect(url)
            assert client.add(1, 2) == 3
        time.sleep(0.01)  # within a few milliseconds of the last call it is not looked whether the connection is there
        with pytest.raises(TTransportException) as caught:
            client.add(1, 2)
        assert caught.value.type == TTransportException.NOT_OPEN
        with server_at(url):
            assert client.add(1, 2) == 3
        client.close()


class TestClosing:
    def test_a_closed_client_makes_no_calls(self, client: Any) -> None:
        assert client.add(1, 2) == 3
        client.close()
        client.close()
        with pytest.raises(TTransportException, match="closed") as caught:
            client.add(1, 2)
        assert caught.value.type == TTransportException.NOT_OPEN

    def test_a_context_manager_closes_the_client(self) -> None:
        with server_at("tcp://127.0.0.1:0") as server:
            with connect(server.url) as client:
                assert client.add(1, 2) == 3
            with pytest.raises(TTransportException, match="closed"):
                client.add(1, 2)

    def test_a_dropped_client_closes_its_connection(self) -> None:
        left = threading.Event()

        def conversation(peer: Peer) -> None:
            try:
                peer.serve()
            finally:
                left.set()

        with fake_server(conversation) as url:
            client = connect(url)
            assert client.add(20, 22) == 42
            del client
            assert left.wait(5)


class TestArguments:
    @pytest.mark.parametrize(
        ("call", "text"),
        [
            (lambda client: client.add(1), "missing the argument 'b'"),
            (lambda client: client.add(b=1), "missing the argument 'a'"),
            (lambda client: client.add(1, 2, 3), "at most 2 arguments, got 3"),
            (lambda client: client.add(1, 2, c=3), "unexpected keyword argument 'c'"),
            (lambda client: client.add(1, a=2), "several values for 'a'"),
            (lambda client: client.nothing(1), "at most 0 arguments, got 1"),
        ],
    )
    def test_arguments_that_do_not_fit_the_signature_are_type_errors(
        self, call: Callable[[Any], Any], text: str
    ) -> None:
        with server_at("tcp://127.0.0.1:0") as server, connect(server.url) as client:
            with pytest.raises(TypeError, match=text):
                call(client)
            assert client.add(1, b=2) == client.add(b=2, a=1) == 3

    def test_a_function_can_be_called_in_every_way_that_a_method_can(self, client: Any) -> None:
        bound, function = client.add, type(client).add
        ways: list[Callable[[], Any]] = [
            lambda: bound(20, 22),
            lambda: bound(*(20,), b=22),
            lambda: function(client, 20, 22),
            lambda: function(client, b=22, a=20),
            lambda: function.__call__(client, 20, 22),
            functools.partial(bound, 20, 22),
            functools.partial(function, client, a=20, b=22),
            lambda: operator.methodcaller("add", 20, 22)(client),
        ]
        assert [way() for way in ways] == [42] * len(ways)
        for wrong in (function, lambda: function(object(), 20, 22), lambda: function(a=20, b=22)):
            with pytest.raises(TypeError):
                wrong()
        assert client.add(20, 22) == 42

    def test_a_wrong_value_names_its_path_and_nothing_is_sent(self) -> None:
        names: list[str] = []

        def watch(peer: Peer) -> None:
            while True:
                name, sequence_id = peer.request()
                names.append(name)
                peer.reply(name, sequence_id, 42)

        with fake_server(watch) as url, connect(url) as client:
            with pytest.raises(fastthrift.EncodeError, match="expected int, got str") as caught:
                client.add(1, "2")
            assert str(caught.value).startswith("add")
            with pytest.raises(fastthrift.EncodeError, match=r"children\[1\]\.numbers\[0\]"):
                client.echo(ours.Entry(children=[ours.Entry(), ours.Entry(numbers=["x"])]))
            with pytest.raises(fastthrift.EncodeError):
                client.add(1, 2**63)
            assert client.add(20, 22) == 42
        assert names == ["add"]


def test_threads_may_share_a_client(client: Any) -> None:
    wrong: list[object] = []

    def work(number: int) -> None:
        for round_ in range(50):
            found = client.add(number, round_)
            if found != number + round_:
                wrong.append((number, round_, found))

    threads = [threading.Thread(target=work, args=(number * 1000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


FORKING = """
import os, sys, fastthrift
m = fastthrift.loads("service Calculator { i64 add(1: i64 a, 2: i64 b) }")
class Handler(m.Calculator):
    def add(self, a, b):
        return a + b
with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
    client = fastthrift.connect(m.Calculator, server.url, timeout=5.0)
    assert client.add(1, 2) == 3
    child = os.fork()
    number = 1000 if child else 2000
    right = all(client.add(number, more) == number + more for more in range(500))
    if not child:
        os._exit(0 if right else 1)
    assert right
    assert os.waitpid(child, 0)[1] == 0
"""


def test_a_forked_process_never_gets_the_replies_of_its_parent() -> None:
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr


def test_other_threads_run_while_a_call_waits() -> None:
    with fake_server(slow(0.3)) as url, connect(url) as client:
        thread = threading.Thread(target=client.add, args=(1, 2))
        start = time.monotonic()
        thread.start()
        turns = 0
        while thread.is_alive():
            turns += 1
            time.sleep(0.001)
        assert time.monotonic() - start < 5
        assert turns > 20


@pytest.fixture
def control_c() -> Iterator[None]:
    """Let Ctrl-C be heard: a shell's background jobs, and so tests run there, start with it ignored."""
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, previous)


@pytest.mark.usefixtures("control_c")
@pytest.mark.parametrize("timeout", [None, 5.0])
def test_control_c_ends_a_call_that_waits(timeout: float | None) -> None:
    with fake_server(silent, Peer.serve) as url, connect(url, timeout=timeout) as client:
        interrupt = threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT))
        interrupt.start()
        start = time.monotonic()
        with pytest.raises(KeyboardInterrupt):
            client.add(1, 2)
        assert 0.1 < time.monotonic() - start < 2
        interrupt.join()
        assert client.add(20, 22) == 42


def test_a_signal_whose_handler_does_not_object_changes_nothing() -> None:
    seen: list[int] = []
    previous = signal.signal(signal.SIGUSR1, lambda number, _: seen.append(number))
    try:
        with fake_server(slow(0.3)) as url, connect(url) as client:
            timer = threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGUSR1))
            timer.start()
            assert client.add(1, 2) == 666
            timer.join()
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert seen == [signal.SIGUSR1]
