"""Calls that real clients make to a server: ours, thriftpy2's, Apache's protocols by hand."""

from __future__ import annotations

import functools
import logging
import socket
import threading
import types
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest
import thriftpy2
from fastthrift import TApplicationException
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.Thrift import TMessageType, TType
from thrift.transport.TSocket import TSocket
from thrift.transport.TTransport import TBufferedTransport, TFramedTransport
from thriftpy2.protocol.compact import TCompactProtocolFactory
from thriftpy2.protocol.cybin import TCyBinaryProtocolFactory
from thriftpy2.rpc import client_context
from thriftpy2.thrift import TApplicationException as PeerApplicationException
from thriftpy2.transport import TBufferedTransportFactory, TFramedTransportFactory
from thriftpy2.transport.buffered import TCyBufferedTransportFactory
from thriftpy2.transport.framed import TCyFramedTransportFactory

IDL = """
exception NotFound { 1: string what }
exception Denied { 1: i32 code }
struct User { 1: required i64 id, 2: string name, 3: list<string> tags }
service Base { void ping() }
service Users extends Base {
  User get_user(1: i64 id) throws (1: NotFound missing, 2: Denied denied)
  string echo(1: string text)
  i32 add(1: i32 a, 2: i32 b = 40)
  list<i32> grow(1: list<i32> numbers = [1, 2])
  i32 need(1: required i32 a)
  i64 sum(1: i64 a, 2: i64 b, 3: i64 c, 4: i64 d, 5: i64 e, 6: i64 f, 7: i64 g, 8: i64 h, 9: i64 i)
  void fail(1: string how)
  oneway void note(1: string text)
  i32 not_written()
}
service Clock { string now() }
"""

PEER_FACTORIES = {
    ("binary", "framed"): (TCyBinaryProtocolFactory, TCyFramedTransportFactory),
    ("binary", "unframed"): (TCyBinaryProtocolFactory, TCyBufferedTransportFactory),
    ("compact", "framed"): (TCompactProtocolFactory, TFramedTransportFactory),
    ("compact", "unframed"): (TCompactProtocolFactory, TBufferedTransportFactory),
}


@pytest.fixture(scope="module")
def users() -> ModuleType:
    """Our module of the IDL."""
    return fastthrift.loads(IDL, name="users.thrift")


@pytest.fixture(scope="module")
def peer_users(tmp_path_factory: pytest.TempPathFactory) -> ModuleType:
    """thriftpy2's module of the IDL."""
    path = tmp_path_factory.mktemp("idl") / "users.thrift"
    path.write_text(IDL)
    module: ModuleType = thriftpy2.load(str(path), module_name="peer_users_thrift")
    return module


@pytest.fixture(scope="module")
def handler_class(users: ModuleType) -> type[Any]:
    """A handler of `Users`."""

    class Handler(users.Users):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.notes: list[str] = []
            self.noted = threading.Event()

        def ping(self) -> None:
            return None

        def get_user(self, id: int) -> Any:  # noqa: A002 (the IDL's name)
            if id == 0:
                raise users.NotFound(what="user 0")
            if id < 0:
                raise users.Denied(code=id)
            return users.User(id=id, name="zoë", tags=["a", "b"])

        def echo(self, text: str) -> str:
            return text

        def add(self, a: int, b: int) -> Any:
            return a + b if a else "not a number"

        def grow(self, numbers: list[int]) -> list[int]:
            numbers.append(3)
            return numbers

        def need(self, a: int) -> int:
            return a

        def sum(self, *numbers: int) -> int:
            return sum(numbers)

        def fail(self, how: str) -> None:
            raise {
                "value": ValueError("the password is swordfish"),
                "exit": SystemExit(3),
                "interrupt": KeyboardInterrupt(),
                "application": TApplicationException(TApplicationException.INTERNAL_ERROR, "as I say"),
                "undeclared": users.NotFound(what="swordfish"),
            }[how]

        def note(self, text: str) -> None:
            self.notes.append(text)
            self.noted.set()
            if text == "raise":
                raise ValueError("nobody hears this")

    return Handler


@pytest.fixture
def handler(handler_class: type[Any]) -> Any:
    """A handler of its own for each test."""
    return handler_class()


@contextmanager
def peer_client(module: ModuleType, url: str, protocol: str, transport: str) -> Iterator[Any]:
    """A client of thriftpy2."""
    if (protocol, transport) not in PEER_FACTORIES:
        pytest.skip("thriftpy2 reads one message a connection in JSON")
    protocol_factory, transport_factory = PEER_FACTORIES[protocol, transport]
    factories = {"proto_factory": protocol_factory(), "trans_factory": transport_factory()}
    if url.startswith("unix://"):
        where: dict[str, Any] = {"unix_socket": url.removeprefix("unix://")}
    else:
        host, port = url.removeprefix("tcp://").rsplit(":", 1)
        where = {"host": host, "port": int(port)}
    with client_context(module.Users, **where, **factories, socket_timeout=10_000) as client:
        yield client


@pytest.fixture
def peer(handler: Any, peer_users: ModuleType, url: str, protocol: str, transport: str) -> Iterator[Any]:
    """A client of thriftpy2 of a server that finds out what it speaks."""
    with fastthrift.Server(handler, url) as server, peer_client(peer_users, server.url, protocol, transport) as client:
        yield client


@pytest.fixture
def client(handler: Any, users: ModuleType, url: str, protocol: Any, transport: Any) -> Iterator[Any]:
    """A client of ours of a server that finds out what it speaks."""
    with (
        fastthrift.Server(handler, url) as server,
        fastthrift.connect(users.Users, server.url, protocol=protocol, transport=transport, timeout=10) as client,
    ):
        yield client


def test_thriftpy2_gets_results_declared_exceptions_and_defaults(peer: Any, peer_users: ModuleType) -> None:
    peer.ping()
    assert peer.get_user(7) == peer_users.User(id=7, name="zoë", tags=["a", "b"])
    with pytest.raises(peer_users.NotFound) as missing:
        peer.get_user(0)
    assert missing.value.what == "user 0"
    with pytest.raises(peer_users.Denied) as denied:
        peer.get_user(-5)
    assert denied.value.code == -5
    assert peer.add(1, 2) == 3
    assert peer.sum(*range(9)) == 36
    assert peer.echo("x" * 100_000) == "x" * 100_000


def test_thriftpy2_gets_application_exceptions_and_goes_on(peer: Any) -> None:
    for how, message in [("value", "internal error in 'fail'"), ("application", "as I say")]:
        with pytest.raises(PeerApplicationException) as raised:
            peer.fail(how)
        assert (raised.value.type, raised.value.message) == (PeerApplicationException.INTERNAL_ERROR, message)
    with pytest.raises(PeerApplicationException) as raised:
        peer.not_written()
    assert raised.value.type == PeerApplicationException.UNKNOWN_METHOD
    assert peer.echo("still here") == "still here"


def test_thriftpy2_gets_nothing_for_a_oneway_although_it_sends_a_call(peer: Any, handler: Any) -> None:
    peer.note("one")
    peer.note("raise")
    assert peer.echo("in order") == "in order"
    assert handler.notes == ["one", "raise"]


def test_our_client_gets_the_same(client: Any, users: ModuleType, handler: Any) -> None:
    client.ping()
    assert client.get_user(7) == users.User(id=7, name="zoë", tags=["a", "b"])
    with pytest.raises(users.NotFound):
        client.get_user(0)
    assert client.sum(*range(9)) == 36
    client.note("hello")
    assert handler.noted.wait(5)
    assert client.echo("in order") == "in order"


def test_a_large_message_goes_both_ways(client: Any) -> None:
    text = "0123456789abcdef" * (20 << 16)
    assert fastthrift.with_options(client, timeout=50).echo(text) == text


class ApacheClient:
    """Writes and reads messages by Apache's protocol, as its generated code does."""

    def __init__(self, url: str, transport: Callable[[Any], Any], service: str | None = None) -> None:
        host, port = url.removeprefix("tcp://").rsplit(":", 1)
        self.transport = transport(TSocket(host, int(port)))
        self.transport.open()
        self.plain = TBinaryProtocol(self.transport)
        self.protocol = TMultiplexedProtocol(self.plain, service) if service else self.plain

    def call(self, function: str, **numbers: int) -> tuple[int, str, int]:
        self.send(function, **numbers)
        return self.receive()

    def send(self, function: str, kind: int = TMessageType.CALL, sequence: int = 1, **numbers: int) -> None:
        self.protocol.writeMessageBegin(function, kind, sequence)
        for place, (name, number) in enumerate(numbers.items(), 1):
            self.protocol.writeFieldBegin(name, TType.I32, place)
            self.protocol.writeI32(number)
        self.protocol.writeFieldStop()
        self.transport.flush()

    def receive(self) -> tuple[int, str, int]:
        name, kind, sequence = self.plain.readMessageBegin()
        self.plain.skip(TType.STRUCT)
        return kind, name, sequence


@pytest.mark.parametrize("make_transport", [TFramedTransport, TBufferedTransport])
def test_apaches_protocol_gets_an_answer(handler: Any, make_transport: Callable[[Any], Any]) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0") as server:
        peer = ApacheClient(server.url, make_transport)
        assert peer.call("add", a=1, b=2) == (TMessageType.REPLY, "add", 1)
        assert peer.call("unknown") == (TMessageType.EXCEPTION, "unknown", 1)
        peer.transport.close()


def test_a_oneway_message_is_not_answered_whatever_it_names(handler: Any) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0") as server:
        peer = ApacheClient(server.url, TFramedTransport)
        peer.send("note", TMessageType.ONEWAY, sequence=1)
        peer.send("add", TMessageType.ONEWAY, sequence=2, a=1)
        peer.send("unknown", TMessageType.ONEWAY, sequence=3)
        peer.send("ping", sequence=4)
        assert peer.receive() == (TMessageType.REPLY, "ping", 4)
        peer.transport.close()


def test_pipelined_requests_are_answered_in_order(handler: Any) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0") as server:
        peer = ApacheClient(server.url, TBufferedTransport)
        for sequence in range(1000):
            peer.send("add", sequence=sequence, a=1, b=sequence)
        assert [peer.receive()[2] for _ in range(1000)] == list(range(1000))
        peer.transport.close()


def test_a_half_closed_client_gets_its_replies(handler: Any) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0") as server:
        peer = ApacheClient(server.url, TBufferedTransport)
        for sequence in range(3):
            peer.send("add", sequence=sequence, a=1)
        connection = peer.transport._TBufferedTransport__trans.handle
        connection.shutdown(socket.SHUT_WR)
        assert [peer.receive()[2] for _ in range(3)] == [0, 1, 2]
        assert connection.recv(1) == b""
        peer.transport.close()


def test_arguments_that_do_not_come_have_their_default(handler: Any, users: ModuleType) -> None:
    older = fastthrift.loads("service Users { i32 add(1: i32 a), list<i32> grow(), i32 need() }", name="older.thrift")
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(older.Users, server.url, timeout=10) as client,
    ):
        assert client.add(2) == 42
        assert [client.grow(), client.grow()] == [[1, 2, 3], [1, 2, 3]], "a default is fresh for each call"
        with pytest.raises(TApplicationException, match="'a'") as raised:
            client.need()
        assert raised.value.type == TApplicationException.PROTOCOL_ERROR
        assert client.add(2) == 42


@pytest.mark.parametrize("how", ["value", "exit", "interrupt", "undeclared"])
def test_an_undeclared_exception_tells_the_client_nothing_and_the_log_all(
    handler: Any, users: ModuleType, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(users.Users, server.url, timeout=10) as client,
    ):
        with pytest.raises(TApplicationException) as raised:
            client.fail(how)
        assert (raised.value.type, raised.value.message) == (6, "internal error in 'fail'")
        assert client.echo("up") == "up"
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("fastthrift.server", logging.ERROR)
    assert "Users.fail" in record.getMessage()
    assert record.exc_info is not None
    assert record.exc_info[2] is not None


def test_the_exception_of_a_oneway_is_logged(handler: Any, users: ModuleType, caplog: pytest.LogCaptureFixture) -> None:
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(users.Users, server.url, timeout=10) as client,
    ):
        client.note("raise")
        assert client.echo("up") == "up"
    assert "nobody hears this" in caplog.text


def test_a_result_that_is_not_what_the_idl_says_is_an_internal_error(
    handler: Any, users: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    handler.get_user = lambda number: users.User(id=1, name="x", tags=["a", 7])
    handler.echo = lambda text: None
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(users.Users, server.url, timeout=10) as client,
    ):
        calls: list[Callable[[], object]] = [
            lambda: client.add(0, 1),
            lambda: client.get_user(1),
            lambda: client.echo("x"),
        ]
        for call in calls:
            with pytest.raises(TApplicationException) as raised:
                call()
            assert raised.value.type == TApplicationException.INTERNAL_ERROR
        assert client.add(1, 1) == 2
    logged = [str(record.exc_info[1]) for record in caplog.records if record.exc_info]
    assert logged == [
        "add.success: expected int, got str",
        "get_user.success.tags[1]: expected str, got int",
        "echo.success: expected str, got NoneType",
    ]


def test_a_reply_over_the_limit_is_an_internal_error(handler: Any, users: ModuleType) -> None:
    handler.echo = lambda text: "x" * 5000
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0", max_message_size=2000) as server,
        fastthrift.connect(users.Users, server.url, timeout=10) as client,
    ):
        with pytest.raises(TApplicationException, match="internal error in 'echo'"):
            client.echo("")
        assert client.add(1, 1) == 2


def test_arguments_that_cannot_be_read_are_a_protocol_error(handler: Any, users: ModuleType, transport: Any) -> None:
    other = fastthrift.loads("service Users { string echo(1: binary text) }", name="other.thrift")
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0") as server,
        fastthrift.connect(other.Users, server.url, transport=transport, timeout=10) as client,
    ):
        with pytest.raises(TApplicationException, match=r"echo\.text: .*UTF-8") as raised:
            client.echo(b"\xff")
        assert raised.value.type == TApplicationException.PROTOCOL_ERROR
        assert client.echo(b"good") == "good"


def test_services_share_a_port_under_their_names(handler: Any, users: ModuleType, transport: Any) -> None:
    class Clock(users.Clock):  # type: ignore[misc, name-defined]
        def now(self) -> str:
            return "noon"

    with fastthrift.Server({"people": handler, "time": Clock()}, "tcp://127.0.0.1:0") as server:

        def connect(service: Any, name: str | None) -> Any:
            return fastthrift.connect(service, server.url, transport=transport, timeout=10, service_name=name)

        with connect(users.Users, "people") as people, connect(users.Clock, "time") as time:
            assert (people.add(1, 2), time.now()) == (3, "noon")
        for name in [None, "nobody"]:
            with connect(users.Users, name) as stranger, pytest.raises(TApplicationException) as raised:
                stranger.ping()
            assert raised.value.type == TApplicationException.UNKNOWN_METHOD


def test_one_of_several_services_can_serve_clients_that_name_none(handler: Any, users: ModuleType) -> None:
    class Clock:
        def now(self) -> str:
            return "noon"

    services = {"": users.Users, "time": users.Clock}
    with (
        fastthrift.Server({"": handler, "time": Clock()}, "tcp://127.0.0.1:0", service=services) as server,
        fastthrift.connect(users.Users, server.url, timeout=10) as plain,
        fastthrift.connect(users.Clock, server.url, timeout=10, service_name="time") as time,
    ):
        assert (plain.add(1, 2), time.now()) == (3, "noon")


def test_a_single_handler_is_also_known_by_the_services_name(handler: Any) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0") as server:
        peer = ApacheClient(server.url, TFramedTransport, service="Users")
        assert peer.call("add", a=1) == (TMessageType.REPLY, "add", 1)
        peer.transport.close()


def test_only_the_configured_dialect_is_accepted(handler: Any, users: ModuleType) -> None:
    with fastthrift.Server(handler, "tcp://127.0.0.1:0", protocol="compact", transport="framed") as server:
        with fastthrift.connect(users.Users, server.url, protocol="compact", timeout=10) as client:
            client.ping()
        choices: list[dict[str, Any]] = [{"protocol": "binary"}, {"protocol": "compact", "transport": "unframed"}]
        for options in choices:
            with (
                fastthrift.connect(users.Users, server.url, timeout=10, **options) as client,
                pytest.raises(fastthrift.TTransportException),
            ):
                client.ping()


def test_any_object_serves_a_service_that_is_named(users: ModuleType) -> None:
    class Plain:
        def now(self) -> str:
            return "noon"

    with (
        fastthrift.Server(Plain(), "tcp://127.0.0.1:0", service=users.Clock) as server,
        fastthrift.connect(users.Clock, server.url, timeout=10) as client,
    ):
        assert client.now() == "noon"


@pytest.mark.parametrize(
    "name",
    [
        *("threads", "max_connections", "max_message_size", "max_decoded_size"),
        *("max_string_size", "max_container_size", "max_depth"),
    ],
)
@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (1 << 64, ValueError), ("2", TypeError)]
)
def test_a_number_that_cannot_be_is_refused_by_its_name(
    handler: Any, name: str, value: object, error: type[Exception]
) -> None:
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(error, match=f"^{name} must be .*, got {value!r}$"):
        fastthrift.Server(handler, "tcp://127.0.0.1:0", **arguments)


@pytest.mark.parametrize("name", ["message_timeout", "idle_timeout"])
@pytest.mark.parametrize(
    ("value", "error"),
    [(0, ValueError), (-0.5, ValueError), (float("nan"), ValueError), (float("inf"), ValueError), ("2", TypeError)],
)
def test_a_timeout_that_cannot_be_is_refused_by_its_name(
    handler: Any, name: str, value: object, error: type[Exception]
) -> None:
    arguments: dict[str, Any] = {name: value}
    with pytest.raises(error, match=f"^{name} must be a .*number.*, got {value!r}$"):
        fastthrift.Server(handler, "tcp://127.0.0.1:0", **arguments)


@pytest.mark.parametrize("name", ["a:b", ":", "users:"])
def test_a_services_name_with_a_colon_is_refused(handler: Any, name: str) -> None:
    with pytest.raises(ValueError, match="cannot hold a colon"):
        fastthrift.Server({name: handler}, "tcp://127.0.0.1:0")


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda users, url: fastthrift.Server(object(), url), TypeError, "service=module.Service"),
        (lambda users, url: fastthrift.Server(users.Clock(), url), TypeError, "implements no function"),
        (lambda users, url: fastthrift.Server(users.Clock, url), TypeError, "handler must be an object"),
        (lambda users, url: fastthrift.Server({}, url), ValueError, "no handler"),
        (lambda users, url: fastthrift.Server(Async(), url, service=users.Clock), TypeError, "coroutine"),
        (lambda users, url: fastthrift.Server(TooMany(), url, service=users.Clock), TypeError, "with the 0 arguments"),
        (lambda users, url: fastthrift.Server(TooFew(), url, service=users.Clock), TypeError, "with the 0 arguments"),
        (lambda users, url: fastthrift.Server(ByName(), url, service=users.Clock), TypeError, "with the 0 arguments"),
        (lambda users, url: fastthrift.Server(Sync(), "ftp://x", service=users.Clock), ValueError, "tcp://host:port"),
        (lambda users, url: fastthrift.Server(Sync(), url, service=users.Clock, threads=0), ValueError, "threads"),
        (lambda users, url: fastthrift.Server(Sync(), url, **_speaking("xml", users.Clock)), ValueError, "xml"),
        (lambda users, url: fastthrift.Server(Sync(), url, service=users.Clock, idle_timeout=0), ValueError, "timeout"),
    ],
)
def test_what_cannot_be_served_is_refused_at_once(
    users: ModuleType, make: Callable[[ModuleType, str], object], error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        make(users, "tcp://127.0.0.1:0")


def _speaking(protocol: str, service: Any) -> dict[str, Any]:
    return {"service": service, "protocol": protocol}


class Sync:
    """A handler of `Clock`."""

    def now(self) -> str:
        return "noon"


class TooMany:
    """Takes an argument that the IDL does not have."""

    def now(self, zone: str) -> str:
        return zone


class TooFew:
    """Does not take itself."""

    def now() -> str:  # type: ignore[misc]
        return "noon"


class ByName:
    """Takes an argument that comes by its name alone."""

    def now(self, *, zone: str) -> str:
        return zone


@pytest.mark.parametrize(
    "now",
    [
        lambda: "noon",
        lambda zone="UTC": "noon",
        lambda *zones, zone="UTC", **more: "noon",
        functools.partial(str, "noon"),
        "noon".lower,
    ],
    ids=["no arguments", "a default", "any arguments", "a partial", "a method of C"],
)
def test_whatever_can_be_called_with_the_arguments_of_the_idl_is_a_method(
    users: ModuleType, now: Callable[[], str]
) -> None:
    handler = types.SimpleNamespace(now=now)
    with (
        fastthrift.Server(handler, "tcp://127.0.0.1:0", service=users.Clock) as server,
        fastthrift.connect(users.Clock, server.url, timeout=10) as client,
    ):
        assert client.now() == "noon"
        assert repr(client) == f"<ClockClient of {server.url}>"


class Async:
    """No handler for a server that blocks."""

    async def now(self) -> str:
        return "noon"


def test_a_unix_sockets_file_goes_with_the_server(users: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "clock.sock"
    with fastthrift.Server(Sync(), f"unix://{path}", service=users.Clock) as server:
        assert server.url == f"unix://{path}"
        with pytest.raises(OSError, match="another server"):
            fastthrift.Server(Sync(), f"unix://{path}", service=users.Clock).start()
    assert not path.exists()


def test_a_stale_unix_socket_is_replaced_and_any_other_file_is_not(users: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "clock.sock"
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(path))
    with (
        fastthrift.Server(Sync(), f"unix://{path}", service=users.Clock) as server,
        fastthrift.connect(users.Clock, server.url, timeout=10) as client,
    ):
        assert client.now() == "noon"
    path.write_text("precious")
    with pytest.raises(OSError, match="no socket"):
        fastthrift.Server(Sync(), f"unix://{path}", service=users.Clock).start()
    assert path.read_text() == "precious"


def test_a_port_that_is_taken_is_an_error(users: ModuleType) -> None:
    with fastthrift.Server(Sync(), "tcp://127.0.0.1:0", service=users.Clock) as server:
        with pytest.raises(OSError, match="cannot listen on") as raised:
            fastthrift.Server(Sync(), server.url, service=users.Clock).start()
        assert raised.value.errno is not None


def test_the_ipv6_loopback_can_be_served(users: ModuleType) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    with (
        fastthrift.Server(Sync(), "tcp://[::1]:0", service=users.Clock) as server,
        fastthrift.connect(users.Clock, server.url, timeout=10) as client,
    ):
        assert client.now() == "noon"
