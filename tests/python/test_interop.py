"""The same calls between fastthrift and two other libraries, each as client and as server."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import fastthrift
import pytest

from tests.interop import handler, peer_apache, peer_thriftpy2

CALCULATOR = Path(handler.__file__).with_name("calculator.thrift")
SERVICE = "calc"
ours = fastthrift.load(CALCULATOR)


class OurPeer:
    """fastthrift with the faces of the other peers."""

    DivisionByZero, Entry = ours.DivisionByZero, ours.Entry
    TApplicationException = fastthrift.TApplicationException

    @staticmethod
    @contextmanager
    def connect(url: str, protocol: Any, transport: Any, service_name: str | None = None) -> Iterator[Any]:
        with fastthrift.connect(
            ours.Calculator, url, protocol=protocol, transport=transport, timeout=5.0, service_name=service_name
        ) as client:
            yield client


class Conversation(NamedTuple):
    """A client, the types that it speaks in, and the library that serves it."""

    client: Any
    types: Any
    server: Any


def our_server(url: str = "tcp://127.0.0.1:0") -> fastthrift.Server:
    return fastthrift.Server(handler.Calculator(OurPeer), url, service=ours.Calculator)


PEERS = {"apache": peer_apache, "thriftpy2": peer_thriftpy2}


@pytest.fixture(autouse=True)
def _only_peers_that_speak_it(request: pytest.FixtureRequest) -> None:
    """Leave out the protocols that a peer does not speak."""
    name = request.node.name
    if "simplejson" in name and "we call us" not in name:
        pytest.skip("Apache's library writes SimpleJSON and cannot read it, thriftpy2 has none")
    if "json" in name and "thriftpy2" in name:
        # There it answers each call of a connection as if it were the first.
        pytest.skip("thriftpy2 serves one message a connection in JSON")


@pytest.fixture(params=["apache calls us", "thriftpy2 calls us", "we call apache", "we call thriftpy2", "we call us"])
def conversation(request: pytest.FixtureRequest, protocol: str, transport: str) -> Iterator[Conversation]:
    caller, _, called = request.param.split()
    client = PEERS.get(caller, OurPeer)
    if called == "us":
        with our_server() as server, client.connect(server.url, protocol, transport) as connected:
            yield Conversation(connected, client, OurPeer)
    else:
        with OurPeer.connect(PEERS[called].serve(protocol, transport), protocol, transport) as connected:
            yield Conversation(connected, OurPeer, PEERS[called])


def test_a_call_returns_what_the_handler_returned(conversation: Conversation) -> None:
    client = conversation.client
    assert [client.add(number, -7) for number in (0, 7, 2**62, -(2**63) + 7)] == [-7, 0, 2**62 - 7, -(2**63)]
    assert client.divide(1.0, 4.0) == 0.25
    assert client.nothing() == []


def test_a_struct_of_every_type_comes_back_as_it_went(conversation: Conversation) -> None:
    entry = conversation.types.Entry
    sent = entry(
        text="größe \U0001f409",
        numbers=[0.5, -0.0, 1e300],
        marks={1, -1, 2**31 - 1},
        counts={"a": 2**63 - 1, "": -1},
        raw=bytes(range(256)),
        flag=True,
        tiny=-128,
        small=-32768,
        kind=2,
        children=[entry(text="", flag=False, children=[]), entry(flags=[True, False] * 9)],
        flags=[],
    )
    came = conversation.client.echo(sent)
    if conversation.types is peer_thriftpy2:  # its sets are lists
        came.marks = set(came.marks)
    assert came == sent


def test_a_declared_exception_is_raised_with_its_fields(conversation: Conversation) -> None:
    with pytest.raises(conversation.types.DivisionByZero) as caught:
        conversation.client.divide(1.0, 0.0)
    assert (caught.value.message, caught.value.code) == ("division by zero", -7)
    with pytest.raises(conversation.types.DivisionByZero) as caught:
        conversation.client.check(9)
    assert (caught.value.message, caught.value.code) == ("checked", 9)
    assert conversation.client.add(1, 2) == 3


def test_a_function_that_returns_nothing_returns_none(conversation: Conversation) -> None:
    assert conversation.client.check(0) is None


def test_a_oneway_call_is_done_and_the_next_gets_its_own_reply(conversation: Conversation) -> None:
    text = f"note {time.monotonic_ns()}"
    assert conversation.client.note(text) is None
    assert conversation.client.add(20, 22) == 42
    assert text in conversation.client.notes()


def test_an_application_exception_keeps_its_type_and_text(conversation: Conversation) -> None:
    with pytest.raises(conversation.types.TApplicationException) as caught:
        conversation.client.refuse("not today")
    assert (caught.value.type, caught.value.message) == (handler.REFUSED, "not today")
    assert conversation.client.add(1, 2) == 3


def test_an_undeclared_exception_tells_nothing(conversation: Conversation) -> None:
    if conversation.server is peer_thriftpy2:
        with pytest.raises(fastthrift.TTransportException):  # it closes the connection instead
            conversation.client.crash()
    else:
        with pytest.raises(conversation.types.TApplicationException) as caught:
            conversation.client.crash()
        assert caught.value.type == fastthrift.TApplicationException.INTERNAL_ERROR
        assert handler.SECRET not in str(caught.value)
    assert conversation.client.add(1, 2) == 3


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
class TestMultiplexed:
    def test_we_call_one_of_several_services(self, peer: Any, protocol: str, transport: str) -> None:
        url = peer.serve(protocol, transport, SERVICE)
        with OurPeer.connect(url, protocol, transport, SERVICE) as client:
            assert client.add(1, 2) == 3
            with pytest.raises(ours.DivisionByZero):
                client.check(5)
            client.note("of one of several")
            assert "of one of several" in client.notes()

    def test_we_serve_several_services(self, peer: Any, protocol: str, transport: str) -> None:
        handlers = {SERVICE: handler.Calculator(OurPeer), "": handler.Calculator(OurPeer)}
        with fastthrift.Server(handlers, "tcp://127.0.0.1:0", service=ours.Calculator) as server:
            with peer.connect(server.url, protocol, transport, SERVICE) as client:
                client.note("to the named one")
                assert client.notes() == ["to the named one"]
                with pytest.raises(peer.DivisionByZero):
                    client.check(5)
            with peer.connect(server.url, protocol, transport) as client:
                assert client.notes() == []
            with peer.connect(server.url, protocol, transport, "other") as client:
                with pytest.raises(peer.TApplicationException) as caught:
                    client.add(1, 2)
                assert caught.value.type == fastthrift.TApplicationException.UNKNOWN_METHOD


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_a_client_that_writes_binary_without_a_version_is_served(peer: Any, transport: str) -> None:
    with our_server() as server, peer.connect(server.url, "old binary", transport) as client:
        assert [client.add(1, 2), client.add(3, 4)] == [3, 7]
        assert client.echo(peer.Entry(text="old")).text == "old"
        with pytest.raises(peer.DivisionByZero):
            client.check(1)
        with pytest.raises(peer.TApplicationException):
            client.refuse("no")


@pytest.mark.parametrize("peer", PEERS.values(), ids=PEERS)
def test_a_peer_calls_us_over_a_unix_socket(peer: Any, protocol: str, transport: str, tmp_path: Path) -> None:
    with our_server(f"unix://{tmp_path}/socket") as server, peer.connect(server.url, protocol, transport) as client:
        assert client.add(1, 2) == 3
