"""Clients that say who they are before their first call."""

from __future__ import annotations

import asyncio
import enum
import logging
import socket
import struct
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import sasl

from tests.faults import rust
from tests.interop.fake_server import Peer, fake_server, frame
from tests.python import stores
from tests.python.certificates import Authority
from tests.python.engines import SERVERS, serving
from tests.python.loops import until
from tests.python.modes import Mode, with_options

module = fastthrift.loads("service Echo { string echo(1: string text) }", name="echo.thrift")


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


def known(username: str, password: str, authorization: str) -> bool:
    return (username, password, authorization) in {("ada", "swordfish", ""), ("ada", "swordfish", "bob")}


def made(url: str = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.Server:
    return fastthrift.Server(Handler(), url, sasl=options.pop("sasl", {"PLAIN": known}), **options)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> Callable[..., AbstractContextManager[Any]]:
    """What serves, by each engine, and gives something with the URL."""

    @contextmanager
    def of(url: str = "tcp://127.0.0.1:0", **options: Any) -> Iterator[Any]:
        options.setdefault("sasl", {"PLAIN": known})
        handler = options.pop("handler", None) or Handler()
        with serving(request.param, handler, url, **options) as (found,):
            yield types.SimpleNamespace(url=found, engine=request.param)

    return of


Connect = Callable[..., Any]


BLOCKING = pytest.mark.parametrize("mode", ["blocking"], indirect=True)


@pytest.fixture
def connect(mode: Mode) -> Connect:
    def connect(url: str, mechanism: Any, **options: Any) -> Any:
        return mode.connect(module.Echo, url, sasl=mechanism, timeout=options.pop("timeout", 5.0), **options)

    return connect


ADA = sasl.Plain("ada", "swordfish")


@pytest.mark.parametrize("mechanism", [ADA, sasl.Plain("ada", "swordfish", "bob")])
def test_a_client_with_the_right_password_is_let_in(
    server: Any, url: str, protocol: Any, mechanism: sasl.Plain, connect: Connect
) -> None:
    with server(url) as running, connect(running.url, mechanism, protocol=protocol) as client:
        for text in ("a", "b" * 100_000):
            assert client.echo(text) == text


@pytest.mark.parametrize("mechanism", [sasl.Plain("ada", "wrong"), sasl.Plain("eve", "swordfish")])
def test_another_is_refused_and_told(server: Any, mechanism: sasl.Plain, connect: Connect) -> None:
    with server() as running:
        with pytest.raises(fastthrift.ConnectError, match="refused") as caught:
            connect(running.url, mechanism)
        assert not caught.value.was_sent
        with connect(running.url, ADA) as client:
            assert client.echo("still there") == "still there"


def test_who_says_nothing_of_itself_is_not_served(server: Any, connect: Connect) -> None:
    with server() as running:
        transports: list[Any] = ["framed", "unframed", "header", "zlib"]
        for transport in transports:
            plain = fastthrift.connect(module.Echo, running.url, timeout=2.0, transport=transport)
            with plain as client, pytest.raises((fastthrift.TTransportException, fastthrift.TApplicationException)):
                client.echo("a")


def test_a_server_that_asks_nobody_is_an_error_for_who_says(connect: Connect) -> None:
    with (
        fastthrift.Server(Handler(), "tcp://127.0.0.1:0", message_timeout=1.0) as running,
        pytest.raises(fastthrift.TTransportException),
    ):
        connect(running.url, ADA, timeout=2.0)


def test_a_check_that_raises_refuses_and_is_logged(
    server: Any, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    def broken(username: str, password: str, authorization: str) -> bool:
        raise RuntimeError("the directory is down")

    caplog.set_level(logging.ERROR, "fastthrift.server")
    with server(sasl={"PLAIN": broken}) as running, pytest.raises(fastthrift.ConnectError) as caught:
        connect(running.url, ADA)
    assert "directory" not in str(caught.value)
    assert "the directory is down" in caplog.text


def test_a_slow_check_holds_up_nobody(server: Any, connect: Connect) -> None:
    asked = threading.Event()
    done = threading.Event()

    def check(username: str, password: str, authorization: str) -> bool:
        if username == "slow":
            asked.set()
            done.wait(10)
        return True

    with server(sasl={"PLAIN": check}) as running, connect(running.url, ADA) as quick:
        waiting = threading.Thread(target=lambda: connect(running.url, sasl.Plain("slow", "x"), timeout=20.0).close())
        waiting.start()
        assert asked.wait(5)
        start = time.monotonic()
        assert quick.echo("a") == "a"
        assert time.monotonic() - start < 2
        done.set()
        waiting.join(10)


def connected(url: str, mechanism: Any, timeout: float = 5.0) -> Any:
    return fastthrift.connect(module.Echo, url, sasl=mechanism, timeout=timeout)


@pytest.mark.parametrize("fails", ["", "raises", "exits"])
def test_a_check_on_a_loop_may_wait_and_holds_up_nobody(fails: str, caplog: pytest.LogCaptureFixture) -> None:
    asked, done = threading.Event(), threading.Event()

    async def check(username: str, password: str, authorization: str) -> bool:
        if username == "slow":
            asked.set()
            await until(done.is_set)
            if fails == "raises":
                raise RuntimeError("the directory is down")
            if fails == "exits":
                sys.exit(3)
        return password == "swordfish"

    caplog.set_level(logging.ERROR, "fastthrift.server")
    outcomes: list[Any] = []

    def wait(url: str) -> None:
        try:
            with connected(url, sasl.Plain("slow", "swordfish"), timeout=20.0) as client:
                outcomes.append(client.echo("late"))
        except fastthrift.ConnectError as error:
            outcomes.append(str(error))

    with serving("asyncio", Handler(), "tcp://127.0.0.1:0", sasl={"PLAIN": check}) as (url,):
        waiting = threading.Thread(target=wait, args=(url,))
        waiting.start()
        assert asked.wait(10)
        with connected(url, ADA) as quick:
            assert quick.echo("a") == "a"
        with pytest.raises(fastthrift.ConnectError, match="refused"):
            connected(url, sasl.Plain("ada", "wrong"))
        done.set()
        waiting.join(10)
        with connected(url, ADA) as quick:
            assert quick.echo("still there") == "still there"
    assert len(outcomes) == 1
    if fails:
        assert "cannot be checked" in outcomes[0]
        assert "a check of SASL failed" in caplog.text
    else:
        assert outcomes == ["late"]


def test_a_check_whose_client_leaves_is_cancelled() -> None:
    asked, cancelled = threading.Event(), threading.Event()

    async def check(username: str, password: str, authorization: str) -> bool:
        asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise
        return True

    with serving("asyncio", Handler(), "tcp://127.0.0.1:0", sasl={"PLAIN": check}) as (url,):
        with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2])), 5) as peer:
            said = b"\0ada\0swordfish"
            peer.sendall(b"\x01\0\0\0\x05PLAIN\x05" + len(said).to_bytes(4, "big") + said)
            assert asked.wait(10)
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert cancelled.wait(10)


def test_a_coroutine_is_no_answer_that_lets_anybody_in(caplog: pytest.LogCaptureFixture) -> None:
    async def check(username: str, password: str, authorization: str) -> bool:
        return False

    with pytest.raises(TypeError, match="a coroutine function, which a blocking server cannot call"):
        made(sasl={"PLAIN": check})

    def hides(*arguments: str) -> Any:
        coroutine = check(*arguments)
        coroutine.close()
        return coroutine

    caplog.set_level(logging.ERROR, "fastthrift.server")
    with made(sasl={"PLAIN": hides}) as running, pytest.raises(fastthrift.ConnectError, match="cannot be checked"):
        connected(running.url, ADA)
    assert "which nobody awaits here" in caplog.text


class Token:
    """A mechanism of one's own, of a single step."""

    name = "TOKEN"

    def __init__(self, token: bytes) -> None:
        self.token = token

    def start(self) -> bytes:
        return self.token

    def step(self, challenge: bytes) -> bytes:
        raise AssertionError(challenge)


def test_a_mechanism_of_ones_own_goes_over_both_sides(server: Any, connect: Connect) -> None:
    def judge(response: bytes) -> str | None:
        return "ada" if response == b"right" else None

    with server(sasl={"TOKEN": judge, "PLAIN": known}) as running:
        for mechanism in (Token(b"right"), ADA):
            with connect(running.url, mechanism) as client:
                assert client.echo("a") == "a"
        with pytest.raises(fastthrift.ConnectError, match="refused"):
            connect(running.url, Token(b"wrong"))


class Counted:
    """A server's mechanism that asks some times for the next number, and then knows who it is."""

    def __init__(self, rounds: int, end: object = "ada") -> None:
        self.left = rounds
        self.end = end

    def step(self, response: bytes) -> object:
        if response != b"%d" % self.left:
            return None
        self.left -= 1
        return b"%d" % self.left if self.left >= 0 else self.end


class Counting:
    """What answers it."""

    name = "COUNT"

    def __init__(self, start: int) -> None:
        self.first = start
        self.heard: list[bytes] = []

    def start(self) -> bytes:
        return b"%d" % self.first

    def step(self, challenge: bytes) -> bytes:
        self.heard.append(challenge)
        return challenge


@pytest.mark.parametrize("rounds", [0, 1, 5, 31])
def test_a_servers_mechanism_may_ask_further(server: Any, rounds: int, connect: Connect) -> None:
    with server(sasl={"COUNT": Counted(rounds), "PLAIN": known}) as running:
        for _ in range(2):
            with connect(running.url, Counting(rounds)) as client:
                assert client.echo("a") == "a"
        with pytest.raises(fastthrift.ConnectError, match="the credentials were refused"):
            connect(running.url, Counting(rounds + 1))


def test_a_client_may_hear_something_at_last(server: Any, connect: Connect) -> None:
    client_side = Counting(1)
    with (
        server(sasl={"COUNT": Counted(1, ("ada", b"the server's proof"))}) as running,
        connect(running.url, client_side) as client,
    ):
        assert client.echo("a") == "a"
    assert client_side.heard == [b"0", b"the server's proof"]


def test_rounds_have_an_end(server: Any, connect: Connect) -> None:
    with server(sasl={"COUNT": Counted(100)}) as running, pytest.raises(fastthrift.ConnectError):
        connect(running.url, Counting(100))


def test_what_a_step_cannot_return_refuses_and_is_logged(
    server: Any, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    with (
        server(sasl={"COUNT": Counted(0, 5)}) as running,
        pytest.raises(fastthrift.ConnectError, match="cannot be checked"),
    ):
        connect(running.url, Counting(0))
    assert "a step of SASL must return bytes to ask further" in caplog.text


class Wordy(Counting):
    """A client's mechanism that says text where it has to say bytes."""

    def __init__(self, where: str) -> None:
        super().__init__(1)
        self.where = where

    def start(self) -> Any:
        return "1" if self.where == "start" else super().start()

    def step(self, challenge: bytes) -> Any:
        return "0" if self.where == "step" else super().step(challenge)


@pytest.mark.parametrize("where", ["start", "step"])
def test_a_mechanism_that_says_text_is_told_to_say_bytes(server: Any, connect: Connect, where: str) -> None:
    text = rf"{where}\(\) of a mechanism of SASL must return bytes, got '[01]'"
    with (
        server(sasl={"COUNT": Counted(1)}) as running,
        pytest.raises(fastthrift.ConnectError, match=text) as caught,
    ):
        connect(running.url, Wordy(where))
    assert not caught.value.was_sent


@pytest.mark.parametrize("error", [sasl.Refused("come back tomorrow"), KeyError("come back tomorrow")])
def test_a_client_is_told_what_a_refusal_says_and_nothing_else(
    server: Any, error: Exception, caplog: pytest.LogCaptureFixture, connect: Connect
) -> None:
    def check(username: str, password: str, authorization: str) -> bool:
        raise error

    with server(sasl={"PLAIN": check}) as running, pytest.raises(fastthrift.ConnectError) as caught:
        connect(running.url, ADA)
    is_refusal = isinstance(error, sasl.Refused)
    assert ("come back tomorrow" in str(caught.value)) == is_refusal
    assert ("come back tomorrow" in caplog.text) != is_refusal


@pytest.mark.parametrize(("mechanism", "user"), [(ADA, "ada"), (sasl.Plain("ada", "swordfish", "bob"), "bob")])
@pytest.mark.parametrize("engine", SERVERS)
@BLOCKING
def test_handlers_and_interceptors_know_who_calls(
    mechanism: sasl.Plain, user: str, connect: Connect, engine: str
) -> None:
    seen: list[str | None] = []

    class Watched(Handler):
        def echo(self, text: str) -> str:
            call = fastthrift.current_call()
            assert call is not None
            seen.append(call.user)
            return text

    def intercept(call: fastthrift.Call, proceed: Any) -> Any:
        seen.append(call.user)
        return proceed()

    async def intercept_on_loop(call: fastthrift.Call, proceed: Any) -> Any:
        seen.append(call.user)
        return await proceed()

    interceptor = intercept if engine == "threads" else intercept_on_loop
    options: Any = {"sasl": {"PLAIN": known}, "interceptors": [interceptor]}
    with (
        serving(engine, Watched(), "tcp://127.0.0.1:0", **options) as (url,),
        connect(url, mechanism, interceptors=[intercept]) as client,
    ):
        client.echo("a")
    assert seen == [None, user, user]


def test_a_refusal_is_not_asked_for_again(tmp_path: Path, connect: Connect) -> None:
    judged: list[str] = []

    def check(username: str, password: str, authorization: str) -> bool:
        judged.append(username)
        return len(judged) == 1

    with (
        made(f"unix://{tmp_path}/server.sock", sasl={"PLAIN": check}) as running,
        connect(running.url, ADA, retry=fastthrift.Retry(4)) as client,
    ):
        assert client.echo("a") == "a"
        running.stop()
        running.start()
        with pytest.raises(fastthrift.ConnectError, match="credentials were refused"):
            with_options(client, idempotent=True).echo("a")
    assert judged == ["ada", "ada"]


@pytest.mark.parametrize("mode", ["asyncio"], indirect=True)
def test_connections_beside_one_that_is_good_are_not_asked_for_again_and_again(mode: Mode) -> None:
    judged: list[str] = []

    def check(username: str, password: str, authorization: str) -> bool:
        judged.append(username)
        return len(judged) == 1

    with made(sasl={"PLAIN": check}) as running:
        client = mode.connect(module.Echo, running.url, sasl=ADA, timeout=20.0, pool=fastthrift.Pool(4))

        def call(number: int) -> None:
            for more in range(20):
                assert client.echo(f"{number} {more}") == f"{number} {more}"

        threads = [threading.Thread(target=call, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert judged == ["ada", "ada"]


@BLOCKING
def test_what_ends_a_program_is_not_taken_for_a_refusal(server: Any, connect: Connect) -> None:
    class Interrupted(Token):
        def start(self) -> bytes:
            raise KeyboardInterrupt

    with server() as running, pytest.raises(KeyboardInterrupt):
        connect(running.url, Interrupted(b""))


def test_impyla_reads_a_table_by_password() -> None:
    from tests.python.impyla import read_table, warehouse

    with warehouse({"PLAIN": known}) as (running, users):
        read_table(running.url, auth_mechanism="PLAIN", user="ada", password="swordfish")
    assert users == {"ada"}


class Asked:
    """A mechanism of one's own that is asked, and that looks at what the server says last."""

    name = "ASKED"

    def __init__(self, answers: list[bytes]) -> None:
        self.answers = answers
        self.host: str | None = None
        self.threads: set[str] = set()

    def start(self) -> bytes:
        self.answers = list(self.answers)
        self.threads.add(threading.current_thread().name)
        return f"hello {self.host}".encode()

    def step(self, challenge: bytes) -> bytes:
        self.threads.add(threading.current_thread().name)
        if challenge == b"forged":
            raise ValueError("the server is not who it says")
        return self.answers.pop(0)


def sasl_frames(peer: Peer) -> Callable[[], tuple[int, bytes]]:
    def receive() -> tuple[int, bytes]:
        head = peer.sock.recv(5, socket.MSG_WAITALL)
        if len(head) < 5:
            raise EOFError
        status, size = struct.unpack(">Bi", head)
        return status, peer.sock.recv(size, socket.MSG_WAITALL) if size else b""

    return receive


def send(peer: Peer, status: int, content: bytes) -> None:
    peer.sock.sendall(struct.pack(">Bi", status, len(content)) + content)


def test_a_mechanism_is_asked_until_the_server_is_content(mode: Mode, connect: Connect) -> None:
    seen: list[tuple[int, bytes]] = []

    def asking(peer: Peer) -> None:
        receive = sasl_frames(peer)
        seen.extend([receive(), receive()])
        for question in (b"one", b"", b"three"):
            send(peer, 2, question)
            seen.append(receive())
        send(peer, 5, b"it is me")
        name, sequence_id = peer.request()
        header = struct.pack(">BBBBi", 0x80, 1, 0, 2, len(name)) + name.encode()
        peer.sock.sendall(frame(header + struct.pack(">ibhi", sequence_id, 11, 0, 2) + b"ok\0"))

    mechanism = Asked([b"1", b"", b"3", b""])
    with fake_server(asking) as url, connect(url, mechanism) as client:
        assert client.echo("a") == "ok"
    assert seen == [(1, b"ASKED"), (2, b"hello 127.0.0.1"), (2, b"1"), (2, b""), (2, b"3")]
    # What may take its time does not hold up a loop.
    assert all(("asyncio" in name) == (mode.name == "asyncio") for name in mechanism.threads)


@pytest.mark.parametrize(
    ("content", "why"), [(b"forged", "ValueError: the server is not who it says"), (None, "closed the connection")]
)
def test_a_handshake_that_ends_too_early_is_an_error(connect: Connect, content: bytes | None, why: str) -> None:
    def ending(peer: Peer) -> None:
        receive = sasl_frames(peer)
        receive(), receive()
        if content is not None:
            send(peer, 2, content)
            receive()

    with fake_server(ending) as url, pytest.raises(fastthrift.ConnectError, match=why) as caught:
        connect(url, Asked([]))
    assert not caught.value.was_sent


def test_a_server_that_asks_and_never_ends_gains_no_time(connect: Connect) -> None:
    def silent(peer: Peer) -> None:
        receive = sasl_frames(peer)
        while receive():
            pass

    with fake_server(silent) as url, pytest.raises(fastthrift.TransportTimeout, match="cannot connect"):
        connect(url, ADA, timeout=0.3)


def test_credentials_go_over_tls(server: Any, connect: Connect, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    tls = fastthrift.ClientTLS(ca_file=authority.file)
    with server("tls://localhost:0", tls=fastthrift.ServerTLS(*authority.issue("server"))) as running:
        with connect(running.url, ADA, tls=tls) as client:
            for text in ("a", "b" * 100_000):
                assert client.echo(text) == text
        with pytest.raises(fastthrift.ConnectError, match="refused"):
            connect(running.url, sasl.Plain("ada", "wrong"), tls=tls)


def test_each_connection_says_who_it_is(server: Any, connect: Connect) -> None:
    with server() as running, connect(running.url, ADA, pool=fastthrift.Pool(4)) as client:
        wrong: list[int] = []

        def call(number: int) -> None:
            wrong.extend(more for more in range(20) if client.echo(f"{number} {more}") != f"{number} {more}")

        threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert wrong == []


def test_what_makes_no_sense_is_refused(connect: Connect) -> None:
    with pytest.raises(ValueError, match="Authorization"):
        connect("http://127.0.0.1:1/", ADA)
    with pytest.raises(ValueError, match="frames of its own"):
        connect("tcp://127.0.0.1:1", ADA, transport="header")
    with pytest.raises(ValueError, match="frames of its own"):
        made(transport="unframed")
    with pytest.raises(ValueError, match="Authorization"):
        made("http://127.0.0.1:0/")
    with pytest.raises(ValueError, match="no mechanism"):
        made(sasl={})
    for wrong in ("swordfish", Counted):
        with pytest.raises(TypeError, match=r"callables, or to objects with step\(response\)"):
            made(sasl={"PLAIN": wrong})
    with pytest.raises(TypeError, match="name: str"):
        connect("tcp://127.0.0.1:1", object())
    with pytest.raises(ValueError, match="zero byte"):
        sasl.Plain("a\0b", "c")
    assert "swordfish" not in repr(ADA)


# What builds the program takes its time, once.
@pytest.mark.timeout(900)
@pytest.mark.skipif(not rust.is_possible(), reason="there is no cargo here")
def test_a_server_in_rust_lets_in_who_has_an_account(mode: Mode) -> None:
    def connect(url: str, mechanism: Any) -> Any:
        return mode.connect(stores.MODULE.Store, url, sasl=mechanism, timeout=20.0)

    with stores.serving("rust", accounts={"ada": "swordfish"}) as running:
        with connect(running.url, ADA) as client:
            assert client.echo("good") == "good"
        for wrong in (sasl.Plain("ada", "wrong"), sasl.Plain("eve", "swordfish")):
            with pytest.raises(fastthrift.ConnectError, match="the name or the password is wrong"):
                connect(running.url, wrong)


def test_kerberos_goes_through_its_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    class Context:
        complete = False

        def __init__(self, name: str, usage: str, flags: int) -> None:
            assert (name, usage) == ("hive@db.example", "initiate")
            self.actual_flags = flags

        def step(self, token: bytes | None = None) -> bytes | None:
            self.complete = token is not None
            return None if token else b"first"

        def unwrap(self, message: bytes) -> Any:
            return types.SimpleNamespace(message=message.removeprefix(b"sealed"))

        def wrap(self, message: bytes, encrypt: bool) -> Any:
            assert not encrypt
            return types.SimpleNamespace(message=b"sealed" + message)

    class Flags(enum.IntFlag):
        mutual_authentication = 2
        out_of_sequence_detection = 8
        integrity = 32

    fake: Any = types.ModuleType("gssapi")
    fake.RequirementFlag = Flags
    fake.SecurityContext = Context
    fake.Name = lambda name, kind: name
    fake.NameType = types.SimpleNamespace(hostbased_service=1)
    monkeypatch.setitem(sys.modules, "gssapi", fake)
    mechanism = sasl.GSSAPI("hive", "db.example")
    assert mechanism.start() == b"first"
    assert mechanism.step(b"second") == b""
    assert mechanism.step(b"sealed\x07\0\xff\xff") == b"sealed\x01\0\0\0"
    with pytest.raises(ValueError, match="insists on a protection"):
        mechanism.step(b"sealed\x04\0\xff\xff")
    monkeypatch.setattr(mechanism._context, "actual_flags", Flags.integrity)
    with pytest.raises(ValueError, match="did not prove who it is"):
        mechanism.step(b"sealed\x07\0\xff\xff")


def test_without_the_package_kerberos_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gssapi", None)
    with pytest.raises(ImportError, match=r"pip install fastthrift\[gssapi\]"):
        sasl.GSSAPI("hive")
    with pytest.raises(ImportError, match=r"pip install fastthrift\[gssapi\]"):
        sasl.GSSAPIServer("hive")
