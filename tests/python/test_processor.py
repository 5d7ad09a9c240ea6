"""A processor serves messages that somebody else brings."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from struct import pack
from typing import Any

import fastthrift
import pytest

MODULE = fastthrift.loads(
    """
    exception Refused { 1: string why }
    service Desk {
        i64 add(1: i64 a, 2: i64 b) throws (1: Refused refused)
        oneway void note(1: string text)
    }
    """,
    module_name="processor_desk",
)


class Desk(MODULE.Desk):  # type: ignore[misc, name-defined]
    """Counts what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def add(self, a: int, b: int) -> int:
        if a < 0:
            raise MODULE.Refused("negative")
        call = fastthrift.current_call()
        assert call is not None
        call.reply_headers["sum-of"] = f"{a} and {b}"
        return a + b

    def note(self, text: str) -> None:
        self.notes.append(text)


class Wire:
    """A processor behind the ordinary connection of a client, which checks what it answers."""

    def __init__(self, processor: fastthrift.Processor, protocol: Any, transport: Any) -> None:
        self.client = fastthrift._core.ClientConnection(protocol, transport)
        self.processor = processor

    def call(self, function: str, body: bytes, *, oneway: bool = False) -> Any:
        self.client.call(function, body, oneway=oneway)
        reply = self.processor.process(self.client.take_outbound())
        if reply is None:
            return None
        self.client.receive(reply)
        event = self.client.poll_event(0.0)
        assert event is not None
        return event[1]


def encoded(a: int, b: int, protocol: Any) -> bytes:
    arguments = fastthrift.loads("struct A { 1: i64 a, 2: i64 b }", module_name="processor_arguments")
    return fastthrift.serialize(arguments.A(a, b), protocol)


@pytest.mark.parametrize("transport", ["framed", "unframed"])
@pytest.mark.parametrize("protocol", ["binary", "compact", "json"])
def test_a_message_is_answered_in_its_own_dialect(protocol: Any, transport: Any) -> None:
    wire = Wire(fastthrift.Processor(Desk()), protocol, transport)
    results = fastthrift.loads("struct R { 0: optional i64 success }", module_name="processor_result")
    reply = wire.call("add", encoded(2, 3, protocol))
    assert fastthrift.deserialize(results.R, reply, protocol).success == 5


def test_a_oneway_call_has_no_reply() -> None:
    desk = Desk()
    text = fastthrift.loads("struct T { 1: string text }", module_name="processor_text")
    wire = Wire(fastthrift.Processor(desk), "binary", "framed")
    assert wire.call("note", fastthrift.serialize(text.T("hello")), oneway=True) is None
    assert desk.notes == ["hello"]


def test_several_messages_have_their_replies_in_order() -> None:
    client = fastthrift._core.ClientConnection("binary", "framed")
    calls = [client.call("add", encoded(number, 1, "binary")) for number in range(5)]
    reply = fastthrift.Processor(Desk()).process(client.take_outbound())
    assert reply is not None
    client.receive(reply)
    events = [client.poll_event(0.0) for _ in calls]
    assert [event[0] for event in events if event is not None] == calls


def test_headers_go_both_ways_and_the_peer_is_known() -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = fastthrift.Processor(Desk(), interceptors=[look])
    client = fastthrift._core.ClientConnection("binary", "framed")
    client.call("add", encoded(2, 3, "binary"))
    reply_headers: dict[str, str] = {}
    request = client.take_outbound()
    processor.process(request, headers={"who": "me"}, peer="queue://orders", reply_headers=reply_headers)
    assert (seen[0].headers, seen[0].peer, seen[0].protocol) == ({"who": "me"}, "queue://orders", "binary")
    assert reply_headers == {"sum-of": "2 and 3"}


@pytest.mark.parametrize("name", ["client_timeout", "client-timeout"])
def test_a_call_whose_caller_waits_no_longer_is_not_carried_out(name: str) -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = fastthrift.Processor(Desk(), interceptors=[look])
    client = fastthrift._core.ClientConnection("binary", "framed")
    client.call("add", encoded(2, 3, "binary"))
    request = client.take_outbound()
    reply = processor.process(request, headers={name: "5000"}, waited=6.0)
    assert reply is not None
    client.receive(reply)
    event = client.poll_event(0.0)
    assert event is not None
    assert isinstance(event[1], fastthrift.TApplicationException)
    assert event[1].type == fastthrift.TApplicationException.TIMEOUT
    assert seen == []

    for said in ("5000", "0", "soon"):
        processor.process(request, headers={name: said}, waited=1.0)
    assert seen[0].remaining is not None
    assert 0 < seen[0].remaining <= 4
    assert [call.remaining for call in seen[1:]] == [None, None]
    for waited in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="waited must be a number of seconds that is not negative"):
            processor.process(request, waited=waited)


def test_the_header_transport_has_headers_of_its_own() -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = fastthrift.Processor(Desk(), interceptors=[look])
    client = fastthrift._core.ClientConnection("binary", "header")
    client.call("add", encoded(2, 3, "binary"), headers={"who": "me"}, timeout=7.0)
    assert processor.process(client.take_outbound())
    assert seen[0].headers["who"] == "me"
    assert seen[0].remaining is not None
    assert 0 < seen[0].remaining <= 7


@pytest.mark.parametrize(
    "request_", [b"", b"\x00", b"GET / HTTP/1.1\r\n\r\n", pack(">i", 7) + b"\x80\x01", b"\xff" * 64]
)
def test_what_is_no_message_is_an_error_and_the_processor_goes_on(request_: bytes) -> None:
    processor = fastthrift.Processor(Desk())
    if request_:
        with pytest.raises(fastthrift.TTransportException, match="request cannot be read"):
            processor.process(request_)
    else:
        assert processor.process(request_) is None
    assert Wire(processor, "binary", "framed").call("add", encoded(1, 1, "binary"))


def test_limits_bound_a_request() -> None:
    processor = fastthrift.Processor(Desk(), limits=fastthrift.Limits(message=20))
    assert processor.max_message_size == 20
    with pytest.raises(fastthrift.TTransportException, match="limit of 20"):
        Wire(processor, "binary", "framed").call("add", encoded(1, 1, "binary"))


def test_a_declared_exception_and_an_unknown_function_are_answered() -> None:
    wire = Wire(fastthrift.Processor(Desk()), "binary", "framed")
    results = fastthrift.loads(
        "exception E { 1: string why } struct R { 0: optional i64 success, 1: optional E refused }",
        module_name="processor_refused",
    )
    assert fastthrift.deserialize(results.R, wire.call("add", encoded(-1, 3, "binary"))).refused.why == "negative"
    unknown = wire.call("sub", b"\0")
    assert isinstance(unknown, fastthrift.TApplicationException)
    assert unknown.type == fastthrift.TApplicationException.UNKNOWN_METHOD


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_who_asks_to_stop_asks_the_thread_that_called(error: type[BaseException]) -> None:
    class Stopping(Desk):
        def add(self, a: int, b: int) -> int:
            raise error

    with pytest.raises(error):
        Wire(fastthrift.Processor(Stopping()), "binary", "framed").call("add", encoded(1, 1, "binary"))


def test_threads_share_a_processor() -> None:
    processor = fastthrift.Processor(Desk())
    results = fastthrift.loads("struct R { 0: optional i64 success }", module_name="processor_threads")
    wrong: list[int] = []

    def work(first: int) -> None:
        wire = Wire(processor, "binary", "framed")
        for number in range(200):
            reply = wire.call("add", encoded(first, number, "binary"))
            if fastthrift.deserialize(results.R, reply).success != first + number:
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(1000 * index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_processor_that_its_handler_refers_to_is_collected() -> None:
    desk = Desk()
    desk.processor = fastthrift.Processor(desk)  # type: ignore[attr-defined]
    gone = weakref.ref(desk)
    del desk
    gc.collect()
    assert gone() is None
