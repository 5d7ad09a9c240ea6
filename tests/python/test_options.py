"""Clients over the same connections whose calls differ in their options."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import fastthrift
import pytest
from fastthrift import Pool, TransportTimeout, with_options

from tests.python.timing import LATE

m = fastthrift.loads("""
service Clock {
  i64 wait(1: double seconds)
  double left(1: string onward, 2: double seconds)
  map<string, string> headers()
}
""")


ended: list[tuple[float, str]] = []
"""How long the calls of handlers took that their callers' deadlines ended, and what was said of that."""


class Handler(m.Clock):  # type: ignore[name-defined, misc]
    def wait(self, seconds: float) -> int:
        time.sleep(seconds)
        return 42

    def left(self, onward: str, seconds: float) -> float:
        """Wait as a client of another server, and return how many seconds that took."""
        with fastthrift.connect(m.Clock, onward, timeout=5.0) as client:
            start = time.monotonic()
            try:
                client.wait(seconds)
            except TransportTimeout as error:
                ended.append((time.monotonic() - start, str(error)))
            return time.monotonic() - start

    def headers(self) -> dict[str, str]:
        call = fastthrift.current_call()
        assert call is not None
        return call.headers


@pytest.fixture
def server() -> Iterator[fastthrift.Server]:
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        yield server


def connect(server: fastthrift.Server, **options: Any) -> Any:
    return fastthrift.connect(m.Clock, server.url, **options)


def seconds_of(call: Any) -> float:
    start = time.monotonic()
    with pytest.raises(TransportTimeout):
        call()
    return time.monotonic() - start


class TestTimeouts:
    @pytest.mark.parametrize("base", [None, 5.0, 0.05])
    def test_a_call_ends_by_its_own_timeout_whatever_the_clients_is(
        self, server: fastthrift.Server, base: float | None
    ) -> None:
        with connect(server, timeout=base) as client:
            own = with_options(client, timeout=0.6)
            assert 0.59 <= seconds_of(lambda: own.wait(1.5)) < LATE
            assert own.wait(0.1) == 42

    def test_none_takes_the_limit_away(self, server: fastthrift.Server) -> None:
        with connect(server, timeout=0.1) as client:
            assert with_options(client, timeout=None).wait(0.3) == 42
            assert 0.09 <= seconds_of(lambda: client.wait(1.0)) < LATE

    def test_clients_in_turn_over_one_connection_keep_their_own_timeouts(self, server: fastthrift.Server) -> None:
        with connect(server, timeout=1.5) as client:
            for _ in range(3):
                assert 0.09 <= seconds_of(lambda: with_options(client, timeout=0.1).wait(1.0)) < LATE
                assert client.wait(0.2) == 42
                assert with_options(client, timeout=None).wait(0.0) == 42

    @pytest.mark.parametrize("timeout", [0, -1.0, float("nan")])
    def test_a_timeout_that_is_no_duration_is_refused(self, server: fastthrift.Server, timeout: float) -> None:
        with connect(server) as client, pytest.raises(ValueError, match="timeout"):
            with_options(client, timeout=timeout)

    def test_the_message_tells_the_timeout_of_the_call(self, server: fastthrift.Server) -> None:
        with connect(server, timeout=5) as client, pytest.raises(TransportTimeout, match="within 100ms"):
            with_options(client, timeout=0.1).wait(1.0)


class TestSharing:
    def test_it_is_a_client_of_the_same_class_over_the_same_connections(self, server: fastthrift.Server) -> None:
        with connect(server) as client:
            twin = with_options(client, timeout=1)
            assert type(twin) is type(client)
            assert twin is not client
            twin.close()
            with pytest.raises(fastthrift.TTransportException, match="closed"):
                client.wait(0.0)

    def test_a_twin_outlives_the_client_that_it_came_from(self, server: fastthrift.Server) -> None:
        client = connect(server)
        twin = with_options(with_options(client, timeout=5), idempotent=True)
        del client
        assert twin.wait(0.0) == 42
        twin.close()

    def test_threads_may_each_have_their_own_options(self, server: fastthrift.Server) -> None:
        wrong: list[object] = []

        def work(client: Any, number: int) -> None:
            for turn in range(20):
                try:
                    if with_options(client, timeout=1 + number + turn / 100).wait(0.001) != 42:
                        wrong.append(number)
                except Exception as error:  # noqa: BLE001 (the test shows it)
                    wrong.append(error)

        with connect(server, pool=Pool(3)) as client:
            threads = [threading.Thread(target=work, args=(client, number)) for number in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        assert wrong == []

    def test_what_is_no_client_is_refused(self) -> None:
        with pytest.raises(TypeError):
            with_options(object(), timeout=1)  # type: ignore[type-var]


class TestDeadlinesOfHandlers:
    def test_a_handlers_own_call_ends_by_the_deadline_of_the_call_that_it_serves(
        self, server: fastthrift.Server
    ) -> None:
        ended.clear()
        with connect(server, transport="header", timeout=1.0) as client:
            start = time.monotonic()
            with suppress(TransportTimeout, fastthrift.TApplicationException):
                client.left(server.url, 3.0)  # whose time ends first is a matter of chance
            assert 0.8 < time.monotonic() - start < LATE
            end = time.monotonic() + 3
            while not ended and time.monotonic() < end:
                time.sleep(0.01)
        ((seconds, text),) = ended
        assert 0.1 < seconds < 2.9
        # It was neither the end of what it called nor the 5 seconds of the call's own.
        assert text.endswith("before the deadline")

    def test_without_one_it_has_its_own_timeout_only(self, server: fastthrift.Server) -> None:
        with connect(server, timeout=5.0) as client:
            assert client.left(server.url, 0.3) >= 0.3


class TestHeaders:
    def test_a_transport_that_carries_none_refuses_them(self, server: fastthrift.Server) -> None:
        with connect(server) as client:
            with pytest.raises(ValueError, match="carries no headers"):
                with_options(client, headers={"a": "b"})
            assert with_options(client, headers={}).wait(0.0) == 42
            assert with_options(client, headers=None).wait(0.0) == 42

    @pytest.mark.parametrize("headers", [{"a": 1}, {1: "a"}, {"a": b"b"}, [("a", "b")], "ab"])
    def test_headers_that_are_not_text_are_refused(self, server: fastthrift.Server, headers: Any) -> None:
        with connect(server) as client, pytest.raises(TypeError, match="mapping of str to str"):
            with_options(client, headers=headers)

    @pytest.fixture
    def client(self, server: fastthrift.Server) -> Iterator[Any]:
        with connect(server, transport="header", timeout=5.0) as client:
            yield client

    def test_they_travel_and_are_added_to(self, client: Any) -> None:
        one = with_options(client, headers={"a": "1", "b": "ü"})
        two = with_options(one, headers={"b": "2", "c": ""})
        for _ in range(2):
            assert {"a": "1", "b": "ü"}.items() <= one.headers().items()
            assert {"a": "1", "b": "2", "c": ""}.items() <= two.headers().items()
            assert not {"a", "b", "c"} & client.headers().keys()
            assert not {"a", "b", "c"} & with_options(two, headers=None).headers().keys()

    def test_the_server_is_told_how_long_the_client_waits(self, client: Any) -> None:
        assert 4000 < int(client.headers()["client_timeout"]) <= 5000
        assert int(with_options(client, timeout=LATE).headers()["client_timeout"]) <= 1000 * LATE
        assert "client_timeout" not in with_options(client, timeout=None).headers()

    def test_more_than_may_travel_are_refused_before_anything_is_sent(self, client: Any) -> None:
        many = with_options(client, headers={str(number): "" for number in range(300)})
        with pytest.raises(fastthrift.TTransportException, match="limit") as caught:
            many.headers()
        assert not caught.value.was_sent
        assert client.wait(0.0) == 42
