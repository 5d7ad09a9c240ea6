"""What runs around the calls of a blocking client."""

from __future__ import annotations

import gc
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import fastthrift
import pytest
from fastthrift import Call, TransportTimeout

from tests.interop.fake_server import Peer
from tests.python.scripted import QUICK, Faulty

m = fastthrift.loads("""
exception Bad { 1: string text }
service Shop {
  i64 add(1: i64 a, 2: i64 b = 5) throws (1: Bad bad)
  string wait(1: double seconds)
  oneway void note(1: string text)
}
service Sale extends Shop { void sell() }
""")


class Handler(m.Sale):  # type: ignore[name-defined, misc]
    def add(self, a: int, b: int) -> int:
        if a < 0:
            raise m.Bad("negative")
        return a + b

    def wait(self, seconds: float) -> str:
        time.sleep(seconds)
        return "done"

    def note(self, text: str) -> None: ...

    def sell(self) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        yield server.url


Interceptor = Callable[[Call, Callable[[], Any]], Any]


def connect(url: str, *interceptors: Interceptor, **options: Any) -> Any:
    return fastthrift.connect(m.Sale, url, interceptors=interceptors, **options)


def test_the_first_is_the_outermost_and_each_sees_the_result(url: str) -> None:
    seen: list[str] = []

    def named(name: str) -> Interceptor:
        def interceptor(call: Call, proceed: Callable[[], Any]) -> Any:
            seen.append(f"{name} {call.function}")
            result = proceed()
            seen.append(f"{name} {result}")
            return result

        return interceptor

    with connect(url, named("a"), named("b")) as client:
        assert client.add(1, b=2) == 3
    assert seen == ["a add", "b add", "b 3", "a 3"]


def test_a_call_tells_what_is_called(url: str) -> None:
    calls: list[Call] = []

    def keep(call: Call, proceed: Callable[[], Any]) -> Any:
        assert call.request_bytes is None
        assert call.reply_bytes is None
        calls.append(call)
        return proceed()

    with connect(url, keep, timeout=5.0, protocol="compact") as client:
        start = time.monotonic()
        client.add(1)
        client.sell()
        client.note("x")
    add, sell, note = calls
    assert (add.side, add.service, add.function, add.is_oneway) == ("client", "Sale", "add", False)
    assert add.arguments == (1, 5)
    assert (add.peer, add.protocol, add.transport) == (url, "compact", "framed")
    assert add.deadline is not None
    assert start + 4.9 < add.deadline < start + 5.2
    assert add.remaining is not None
    assert 4 < add.remaining <= 5
    assert (add.request_bytes, sell.request_bytes) == (5, 1)
    assert add.reply_bytes is not None
    assert sell.reply_bytes is not None
    assert add.reply_bytes > sell.reply_bytes > 4
    assert (note.is_oneway, note.reply_bytes) == (True, None)
    assert add.headers == add.reply_headers == {}


def test_an_interceptor_may_answer_by_itself(url: str) -> None:
    def cached(call: Call, proceed: Callable[[], Any]) -> Any:
        return 7 if call.arguments == (1, 2) else proceed()

    with connect(url, cached) as client:
        assert (client.add(1, 2), client.add(2, 2)) == (7, 4)


def test_errors_pass_through_and_may_be_replaced(url: str) -> None:
    def replace(_: Call, proceed: Callable[[], Any]) -> Any:
        try:
            return proceed()
        except m.Bad as bad:
            raise LookupError(bad.text) from bad

    with connect(url, replace) as client:
        with pytest.raises(LookupError, match="negative"):
            client.add(-1, 1)
        assert client.add(1, 1) == 2


def test_it_may_proceed_again(url: str) -> None:
    def again(_: Call, proceed: Callable[[], Any]) -> Any:
        return (proceed(), proceed())

    with connect(url, again) as client:
        assert client.add(1, 2) == (3, 3)


def test_the_deadline_covers_interceptors_too(url: str) -> None:
    def slow(_: Call, proceed: Callable[[], Any]) -> Any:
        time.sleep(pause)
        return proceed()

    with connect(url, slow, timeout=1.0) as client:
        pause = 0.1
        assert client.wait(0.0) == "done"
        pause = 1.1
        with pytest.raises(TransportTimeout):
            client.wait(0.0)


def test_wrong_arguments_reach_no_interceptor_but_wrong_values_do(url: str) -> None:
    seen: list[str] = []

    def keep(call: Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call.function)
        return proceed()

    with connect(url, keep) as client:
        with pytest.raises(TypeError):
            client.add()
        with pytest.raises(fastthrift.EncodeError):
            client.add("x")
        assert client.add(1, 2) == 3
    assert seen == ["add", "add"]


def test_the_end_of_a_call_is_told(url: str) -> None:
    ended: list[tuple[str, int | None]] = []

    def watch(call: Call, proceed: Callable[[], Any]) -> Any:
        call.on_end(lambda call: ended.append((call.function, call.reply_bytes)))
        result = proceed()
        assert ended == []
        return result

    with connect(url, watch) as client:
        client.sell()
    assert len(ended) == 1
    assert ended[0][0] == "sell"


def test_clients_with_other_options_have_the_same_interceptors(url: str) -> None:
    seen: list[float | None] = []

    def keep(call: Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call.deadline)
        return proceed()

    with connect(url, keep) as client:
        fastthrift.with_options(client, timeout=5).sell()
        client.sell()
    assert [deadline is None for deadline in seen] == [False, True]


def test_what_cannot_intercept_is_refused(url: str) -> None:
    async def later(_: Call, proceed: Callable[[], Any]) -> Any:
        return proceed()

    for bad in (7, later):
        with pytest.raises(TypeError, match="interceptor"):
            connect(url, bad)  # type: ignore[arg-type]


def test_a_client_that_its_interceptor_refers_to_is_collected(url: str) -> None:
    class Watching:
        client: Any

        def __call__(self, _: Call, proceed: Callable[[], Any]) -> Any:
            return proceed()

    watching = Watching()
    watching.client = connect(url, watching)
    watching.client.sell()
    gone = weakref.ref(watching)
    del watching
    gc.collect()
    assert gone() is None


def test_headers_go_out_and_come_back(url: str) -> None:
    seen: list[dict[str, str]] = []

    def serve(call: Call, proceed: Callable[[], Any]) -> Any:
        seen.append(dict(call.headers))
        call.reply_headers["answered"] = call.headers.get("trace", "nothing")
        return proceed()

    def trace(call: Call, proceed: Callable[[], Any]) -> Any:
        assert call.headers == {"base": "yes"}
        call.headers["trace"] = "abc"
        assert call.reply_headers == {}
        result = proceed()
        assert call.reply_headers["answered"] == "abc"
        return result

    server = fastthrift.Server(Handler(), "tcp://127.0.0.1:0", interceptors=[serve])
    with server, connect(server.url, trace, transport="header") as client:
        fastthrift.with_options(client, headers={"base": "yes"}).sell()
    assert seen[0]["base"] == "yes"
    assert seen[0]["trace"] == "abc"


def test_an_interceptor_sees_one_call_however_often_it_is_made() -> None:
    seen: list[str] = []

    def keep(call: Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call.function)
        return proceed()

    left = [3]

    def cut(peer: Peer, name: str, sequence_id: int) -> None:
        if left[0]:
            left[0] -= 1
            raise EOFError
        peer.reply(name, sequence_id, 42)

    server = Faulty(cut)
    try:
        with connect(server.url, keep, retry=fastthrift.Retry(5, backoff=QUICK)) as client:
            assert fastthrift.with_options(client, idempotent=True).add(1, 2) == 42
    finally:
        server.close()
    assert seen == ["add"]
    assert server.requests == {1: 4}
