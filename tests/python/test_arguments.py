"""What clients and servers are made with: the ends of what can be. What cannot is in `test_wrong_arguments`."""

from __future__ import annotations

import gc
import math
import os
import pickle
import threading
import weakref
from typing import Any

import fastthrift
import pytest
from fastthrift import Pool, Retry, RetryBudget, TApplicationException

from tests.python.scripted import Pipe

module = fastthrift.loads("service Echo { string echo(1: string text) }", name="arguments_echo.thrift")
HUGE = 10**400


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


def connect(url: Any = "tcp://127.0.0.1:1", **options: Any) -> Any:
    return fastthrift.connect(module.Echo, url, **options)


def server(url: Any = "tcp://127.0.0.1:0", **options: Any) -> fastthrift.Server:
    return fastthrift.Server(Handler(), url, **options)


def test_the_ends_of_what_can_be_are_taken() -> None:
    assert repr(Pool(2**63 - 1)) == f"<Pool of up to {2**63 - 1} connections>"
    assert repr(Retry(2**40)) == f"<Retry of up to {2**32 - 1} attempts>"
    RetryBudget(HUGE, per_second=math.inf)
    with server() as running, connect(running.url, timeout=10**18) as client:
        assert fastthrift.with_options(client, timeout=10**9).echo("a") == "a"
        with pytest.raises(ValueError, match="timeout must be a positive number of seconds, got inf"):
            fastthrift.with_options(client, timeout=HUGE)


@pytest.mark.parametrize("timeout", [-1, -HUGE, HUGE, None, math.inf])
def test_a_server_stops_in_whatever_time(timeout: float | None) -> None:
    running = server()
    running.start()
    running.stop(timeout)
    running.stop()


@pytest.mark.parametrize("arguments", [("a text", 5), ("a text",), (5, b"text"), (5, 6), (None,)])
def test_an_application_exception_takes_its_type_first(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="takes its type, an int, and then its message"):
        TApplicationException(*arguments)


def test_an_application_exception_is_pickled_and_printed() -> None:
    for error in (TApplicationException(5, "x"), TApplicationException(), TApplicationException(7)):
        again = pickle.loads(pickle.dumps(error))
        assert (again.type, again.message, str(again)) == (error.type, error.message, str(error))


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
