"""What clients and servers are made with: what cannot be is an error that says what can."""

from __future__ import annotations

import asyncio
import gc
import math
import os
import pickle
import threading
import weakref
from collections.abc import Callable
from typing import Any

import fastthrift
import fastthrift.aio
import pytest
from fastthrift import Backoff, Pool, Retry, RetryBudget, TApplicationException

module = fastthrift.loads("service Echo { string echo(1: string text) }", name="arguments_echo.thrift")
HUGE = 10**400


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


def connect(url: Any = "tcp://127.0.0.1:1", **options: Any) -> Any:
    return fastthrift.connect(module.Echo, url, **options)


def aio_connect(url: Any = "tcp://127.0.0.1:1", **options: Any) -> Any:
    async def connect() -> Any:
        return await fastthrift.aio.connect(module.Echo, url, **options)

    return asyncio.run(connect())


def server(url: Any = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.Server:
    return fastthrift.Server(Handler(), url, **options)


def aio_server(url: Any = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.aio.Server:
    return fastthrift.aio.Server(Handler(), url, **options)


COUNTS: list[Callable[[Any], object]] = [
    Pool,
    Retry,
    lambda number: server(threads=number),
    lambda number: server(max_connections=number),
    lambda number: server(max_in_flight=number),
    lambda number: aio_server(max_open=number),
    lambda number: fastthrift.Limits(container=number),
]
TIMES: list[Callable[[Any], object]] = [
    lambda number: connect(timeout=number),
    lambda number: connect(pool=Pool(2), hedge=number),
    lambda number: aio_connect(timeout=number),
    lambda number: Pool(idle_timeout=number),
    lambda number: Pool(max_age=number),
    lambda number: Pool(check_after=number),
    lambda number: Pool(check_timeout=number),
    Backoff,
    lambda number: Backoff(most=number),
    lambda number: Backoff(factor=number),
    lambda number: Backoff(jitter=number),
    lambda number: server(message_timeout=number),
    lambda number: aio_server(idle_timeout=number),
]


@pytest.mark.parametrize("make", COUNTS)
@pytest.mark.parametrize("number", [-1, 0, -HUGE, 2**64, HUGE])
def test_a_count_that_cannot_be_is_a_value_error(make: Callable[[Any], object], number: int) -> None:
    with pytest.raises(ValueError, match="must be from 1 to") as caught:
        make(number)
    assert len(str(caught.value)) < 150


@pytest.mark.parametrize("make", COUNTS)
@pytest.mark.parametrize("number", [1.5, "2", None])
def test_a_count_that_is_no_int_is_a_type_error(make: Callable[[Any], object], number: object) -> None:
    if number is None and make not in COUNTS[:2]:
        return
    with pytest.raises(TypeError, match="must be an int, got"):
        make(number)


@pytest.mark.parametrize("make", TIMES)
@pytest.mark.parametrize("number", [-1, -HUGE, HUGE, math.nan, math.inf])
def test_a_time_that_cannot_be_is_a_value_error(make: Callable[[Any], object], number: float) -> None:
    with pytest.raises(ValueError, match=r"must be (a positive number|a number of seconds|at least 1|from 0 to 1)"):
        make(number)


@pytest.mark.parametrize("make", TIMES)
def test_a_time_that_is_no_number_is_a_type_error(make: Callable[[Any], object]) -> None:
    with pytest.raises(TypeError, match=r"must be a number.*got '5'"):
        make("5")


def test_the_ends_of_what_can_be_are_taken() -> None:
    assert repr(Pool(2**63 - 1)) == f"<Pool of up to {2**63 - 1} connections>"
    assert repr(Retry(2**40)) == f"<Retry of up to {2**32 - 1} attempts>"
    RetryBudget(HUGE, per_second=math.inf)
    with server() as running, connect(running.url, timeout=True) as client:
        assert fastthrift.with_options(client, timeout=10**9).echo("a") == "a"
        with pytest.raises(ValueError, match="a timeout must be a positive number of seconds, got inf"):
            fastthrift.with_options(client, timeout=HUGE)


@pytest.mark.parametrize("timeout", [-1, -HUGE, HUGE, None, math.inf])
def test_a_server_stops_in_whatever_time(timeout: float | None) -> None:
    running = server()
    running.start()
    running.stop(timeout)
    running.stop()


@pytest.mark.parametrize("take", [connect, server, aio_server, aio_connect])
@pytest.mark.parametrize("url", [5, b"tcp://127.0.0.1:1", [b"tcp://127.0.0.1:1"], ["tcp://127.0.0.1:1", None]])
def test_a_url_that_is_no_text_is_a_type_error(take: Callable[[Any], object], url: object) -> None:
    with pytest.raises(TypeError, match=r"a URL is a str.* got"):
        take(url)


@pytest.mark.parametrize("take", [connect, server, aio_server, aio_connect])
@pytest.mark.parametrize("given", [lambda call, proceed: proceed(), 5])
def test_interceptors_are_a_list(take: Callable[..., object], given: object) -> None:
    with pytest.raises(TypeError, match="interceptors must be a list of them, got"):
        take(interceptors=given)


@pytest.mark.parametrize("arguments", [("a text", 5), ("a text",), (5, b"text"), (5, 6), (None,)])
def test_an_application_exception_takes_its_type_first(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="takes its type, an int, and then its text"):
        TApplicationException(*arguments)


def test_an_application_exception_is_pickled_and_printed() -> None:
    for error in (TApplicationException(5, "x"), TApplicationException(), TApplicationException(7)):
        again = pickle.loads(pickle.dumps(error))
        assert (again.type, again.message, str(again)) == (error.type, error.message, str(error))


class Pipe:
    """A transport that leads nowhere."""

    def read(self, size: int) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        pass

    def flush(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_an_opener_that_refers_to_its_client_is_collected() -> None:
    class Opener:
        client: Any = None

        def __call__(self) -> Pipe:
            return Pipe()

    opener = Opener()
    opener.client = connect(opener)
    opener.client = fastthrift.with_options(opener.client, timeout=1.0)
    gone = weakref.ref(opener)
    gc.collect()
    assert gone() is opener
    del opener
    gc.collect()
    assert gone() is None


def test_an_opener_is_kept_as_long_as_any_of_its_clients() -> None:
    opened: list[str] = []

    def make() -> Any:
        def open_pipe() -> Pipe:
            opened.append("a")
            return Pipe()

        return fastthrift.with_options(connect(open_pipe), timeout=1.0)

    client = make()
    gc.collect()
    for _ in range(2):
        with pytest.raises(fastthrift.TTransportException):
            client.echo("a")
    assert len(opened) == 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_process_does_not_wait_for_a_lock_of_its_parent() -> None:
    """Threads of the parent look up names all the time; a child has names of its own, whoever held the lock."""
    is_over = threading.Event()

    def look() -> None:
        while not is_over.is_set():
            with pytest.raises(fastthrift.ConnectError):
                connect("memory://nobody")

    threads = [threading.Thread(target=look) for _ in range(3)]
    with server("memory://forked") as running:
        for thread in threads:
            thread.start()
        try:
            for _ in range(20):
                child = os.fork()
                if child == 0:
                    os._exit(_serve_and_call())
                assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        finally:
            is_over.set()
            for thread in threads:
                thread.join()
        with connect(running.url) as client:
            assert client.echo("still here") == "still here"


def _serve_and_call() -> int:
    """Serve in a child under a name that its parent has, too. A signal ends it where it hangs."""
    import signal

    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(20)
    with server("memory://forked") as running, connect(running.url) as client:
        return 0 if client.echo("a") == "a" else 1
