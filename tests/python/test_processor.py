"""A processor serves messages that somebody else brings, blocking or on an event loop."""

from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from collections.abc import Callable
from struct import pack
from typing import Any

import fastthrift
import pytest
from fastthrift import aio

from tests.python.loops import until

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


class OnLoops:
    """A processor of event loops, each message of which has a loop of its own."""

    def __init__(self, handler: object, *, interceptors: Any = None, **options: Any) -> None:
        around = [self._around(interceptor) for interceptor in interceptors or ()]
        self.processor = aio.Processor(handler, interceptors=around, **options)
        self.max_message_size = self.processor.max_message_size

    def process(self, request: bytes, **options: Any) -> bytes | None:
        async def once() -> bytes | None:
            try:
                return await self.processor.process(request, **options)
            finally:
                await self.processor.close()
                await until(lambda: len(asyncio.all_tasks()) == 1)

        return asyncio.run(once())

    def _around(self, interceptor: Callable[..., Any]) -> Callable[..., Any]:
        async def run(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
            return await interceptor(call, proceed)

        return run


def with_coroutines(handler: Any, **options: Any) -> OnLoops:
    """Return a processor of a handler whose methods became coroutine functions that wait a moment."""

    def waiting(method: Callable[..., Any]) -> Callable[..., Any]:
        async def run(self: Any, *arguments: Any) -> Any:
            await asyncio.sleep(0)
            return method(self, *arguments)

        return run

    kind = type(handler)
    handler.__class__ = type(kind.__name__, (kind,), {name: waiting(getattr(kind, name)) for name in ("add", "note")})
    return OnLoops(handler, **options)


Make = Callable[..., Any]
KINDS: dict[str, Make] = {"blocking": fastthrift.Processor, "plain": OnLoops, "coroutines": with_coroutines}


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest) -> Make:
    """Return what makes a processor of a handler."""
    return KINDS[request.param]


class Wire:
    """A processor behind the ordinary connection of a client, which checks what it answers."""

    def __init__(self, processor: Any, protocol: Any, transport: Any) -> None:
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
def test_a_message_is_answered_in_its_own_dialect(make: Make, protocol: Any, transport: Any) -> None:
    wire = Wire(make(Desk()), protocol, transport)
    results = fastthrift.loads("struct R { 0: optional i64 success }", module_name="processor_result")
    reply = wire.call("add", encoded(2, 3, protocol))
    assert fastthrift.deserialize(results.R, reply, protocol).success == 5


def test_a_oneway_call_has_no_reply(make: Make) -> None:
    desk = Desk()
    text = fastthrift.loads("struct T { 1: string text }", module_name="processor_text")
    wire = Wire(make(desk), "binary", "framed")
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


def test_headers_go_both_ways_and_the_peer_is_known(make: Make) -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = make(Desk(), interceptors=[look])
    client = fastthrift._core.ClientConnection("binary", "framed")
    client.call("add", encoded(2, 3, "binary"))
    reply_headers: dict[str, str] = {}
    request = client.take_outbound()
    processor.process(request, headers={"who": "me"}, peer="queue://orders", reply_headers=reply_headers)
    assert (seen[0].headers, seen[0].peer, seen[0].protocol) == ({"who": "me"}, "queue://orders", "binary")
    assert reply_headers == {"sum-of": "2 and 3"}


@pytest.mark.parametrize("name", ["client_timeout", "client-timeout"])
def test_a_call_whose_caller_waits_no_longer_is_not_carried_out(make: Make, name: str) -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = make(Desk(), interceptors=[look])
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


def test_the_header_transport_has_headers_of_its_own(make: Make) -> None:
    seen: list[fastthrift.Call] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    processor = make(Desk(), interceptors=[look])
    client = fastthrift._core.ClientConnection("binary", "header")
    client.call("add", encoded(2, 3, "binary"), headers={"who": "me"}, timeout=7.0)
    assert processor.process(client.take_outbound())
    assert seen[0].headers["who"] == "me"
    assert seen[0].remaining is not None
    assert 0 < seen[0].remaining <= 7


@pytest.mark.parametrize(
    "request_", [b"", b"\x00", b"GET / HTTP/1.1\r\n\r\n", pack(">i", 7) + b"\x80\x01", b"\xff" * 64]
)
def test_what_is_no_message_is_an_error_and_the_processor_goes_on(make: Make, request_: bytes) -> None:
    processor = make(Desk())
    if request_:
        with pytest.raises(fastthrift.TTransportException, match="request cannot be read"):
            processor.process(request_)
    else:
        assert processor.process(request_) is None
    assert Wire(processor, "binary", "framed").call("add", encoded(1, 1, "binary"))


def test_limits_bound_a_request(make: Make) -> None:
    processor = make(Desk(), limits=fastthrift.Limits(message=20))
    assert processor.max_message_size == 20
    with pytest.raises(fastthrift.TTransportException, match="limit of 20"):
        Wire(processor, "binary", "framed").call("add", encoded(1, 1, "binary"))


def test_a_declared_exception_and_an_unknown_function_are_answered(make: Make) -> None:
    wire = Wire(make(Desk()), "binary", "framed")
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


def test_threads_share_a_processor(make: Make) -> None:
    processor = make(Desk())
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


def test_a_processor_that_its_handler_refers_to_is_collected(make: Make) -> None:
    desk = Desk()
    desk.processor = make(desk)  # type: ignore[attr-defined]
    gone = weakref.ref(desk)
    del desk
    gc.collect()
    assert gone() is None


def test_several_messages_are_served_together_on_a_loop() -> None:
    class Meeting(Desk):
        def __init__(self) -> None:
            super().__init__()
            self.all_there = asyncio.Event()
            self.there = 0

        async def add(self, a: int, b: int) -> int:  # type: ignore[override]
            self.there += 1
            if self.there == 5:
                self.all_there.set()
            await self.all_there.wait()
            return a + b

    client = fastthrift._core.ClientConnection("binary", "framed")
    calls = {client.call("add", encoded(number, 1, "binary")) for number in range(5)}

    async def main() -> bytes | None:
        return await asyncio.wait_for(aio.Processor(Meeting()).process(client.take_outbound()), 30)

    reply = asyncio.run(main())
    assert reply is not None
    client.receive(reply)
    events = [client.poll_event(0.0) for _ in calls]
    assert {event[0] for event in events if event is not None} == calls


class Sleeping(Desk):
    """Waits for ever, and says when it is cancelled."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.cancelled: list[int] = []

    async def add(self, a: int, b: int) -> int:  # type: ignore[override]
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(a)
            raise
        return b


def request_of_add(a: int) -> tuple[Any, bytes]:
    client = fastthrift._core.ClientConnection("binary", "framed")
    client.call("add", encoded(a, 1, "binary"))
    return client, client.take_outbound()


def test_a_deadline_ends_a_handler_on_a_loop() -> None:
    client, request = request_of_add(7)

    async def main() -> list[int]:
        desk = Sleeping()
        processor = aio.Processor(desk)
        reply = await asyncio.wait_for(processor.process(request, headers={"client_timeout": "30"}), 30)
        assert reply is not None
        client.receive(reply)
        await processor.close()
        return desk.cancelled

    assert asyncio.run(main()) == [7]
    event = client.poll_event(0.0)
    assert event[1].type == fastthrift.TApplicationException.TIMEOUT


def test_who_gives_a_message_up_gives_its_handlers_up() -> None:
    async def main() -> list[int]:
        desk = Sleeping()
        processor = aio.Processor(desk)
        asked = asyncio.create_task(processor.process(request_of_add(8)[1]))
        await desk.begun.wait()
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        await processor.close()
        await until(lambda: desk.cancelled)
        return desk.cancelled

    assert asyncio.run(main()) == [8]


def test_calls_beyond_the_limit_are_refused_on_a_loop() -> None:
    async def main() -> tuple[Any, Any]:
        desk = Sleeping()
        processor = aio.Processor(desk, max_in_flight=1)
        first = asyncio.create_task(processor.process(request_of_add(1)[1]))
        await desk.begun.wait()
        client, request = request_of_add(2)
        client.receive(await asyncio.wait_for(processor.process(request), 30))
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        await processor.close()
        return client.poll_event(0.0)[1], desk.cancelled

    refusal, cancelled = asyncio.run(main())
    assert refusal.type == fastthrift.TApplicationException.LOADSHEDDING
    assert cancelled == [1]


def test_who_asks_to_stop_ends_the_loop() -> None:
    class Stopping(Desk):
        async def add(self, a: int, b: int) -> int:  # type: ignore[override]
            raise KeyboardInterrupt

    async def main() -> None:
        await aio.Processor(Stopping()).process(request_of_add(1)[1])

    with pytest.raises(KeyboardInterrupt):
        asyncio.run(main())


def test_closing_lets_calls_in_hand_end_and_others_begin_anew() -> None:
    async def main() -> list[bytes | None]:
        processor = with_coroutines(Desk()).processor
        _, request = request_of_add(1)
        asked = [asyncio.create_task(processor.process(request)) for _ in range(3)]
        await asyncio.sleep(0)
        await processor.close()
        assert all(each.done() for each in asked)
        return [*(each.result() for each in asked), await processor.process(request)]

    replies = asyncio.run(main())
    assert len({*replies}) == 1
    assert replies[0] is not None


@pytest.mark.parametrize("request_", [None, "text", bytearray(b"text"), 5])
def test_a_request_on_a_loop_is_bytes(request_: Any) -> None:
    with pytest.raises(TypeError, match="request must be bytes, got"):
        asyncio.run(aio.Processor(Desk()).process(request_))
