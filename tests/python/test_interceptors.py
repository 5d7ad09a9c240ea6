"""What runs around a server's handlers."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import Call, TApplicationException

Proceed = Callable[[], Any]

IDL = """
exception Denied { 1: string why }
service Work {
  i32 add(1: i32 a, 2: i32 b) throws (1: Denied denied)
  void nothing()
  oneway void note(1: string text)
}
"""


class Handler:
    """Serves `Work`."""

    def __init__(self) -> None:
        self.served: list[Any] = []

    def add(self, a: int, b: int) -> int:
        self.served.append((a, b))
        if a < 0:
            raise ValueError("too small")
        return a + b

    def nothing(self) -> None:
        self.served.append(())

    def note(self, text: str) -> None:
        self.served.append(text)


@pytest.fixture(scope="module")
def work() -> ModuleType:
    """The module of the IDL."""
    return fastthrift.loads(IDL, name="work.thrift")


@pytest.fixture
def handler() -> Handler:
    """A handler of its own for each test."""
    return Handler()


@pytest.fixture
def serving(handler: Handler, work: ModuleType) -> Callable[..., fastthrift.Server]:
    """Makes a server with these interceptors."""
    return lambda *interceptors, **options: fastthrift.Server(
        handler, "tcp://127.0.0.1:0", service=work.Work, interceptors=interceptors, **options
    )


def connect(server: fastthrift.Server, work: ModuleType) -> Any:
    return fastthrift.connect(work.Work, server.url, timeout=10)


def test_interceptors_run_around_the_handler_from_the_first_to_the_last(
    work: ModuleType, handler: Handler, serving: Any
) -> None:
    steps: list[Any] = []

    def tracing(name: str) -> Callable[[Call, Proceed], Any]:
        def interceptor(call: Call, proceed: Proceed) -> Any:
            steps.append((name, call.function, call.arguments))
            result = proceed()
            steps.append((name, result, list(handler.served)))
            return result

        return interceptor

    with serving(tracing("outer"), tracing("inner")) as server, connect(server, work) as client:
        assert client.add(1, 2) == 3
        assert client.nothing() is None
    assert steps[:4] == [
        ("outer", "add", (1, 2)),
        ("inner", "add", (1, 2)),
        ("inner", 3, [(1, 2)]),
        ("outer", 3, [(1, 2)]),
    ]
    assert [step[:2] for step in steps[4:]] == [
        ("outer", "nothing"),
        ("inner", "nothing"),
        ("inner", None),
        ("outer", None),
    ]


def test_an_interceptor_sees_the_call_that_the_handler_sees(work: ModuleType, handler: Handler, serving: Any) -> None:
    calls: list[Any] = []

    def interceptor(call: Call, proceed: Proceed) -> Any:
        calls.append((call, fastthrift.current_call()))
        return proceed()

    handler.nothing = lambda: calls.append((fastthrift.current_call(),))  # type: ignore[method-assign]
    with serving(interceptor) as server, connect(server, work) as client:
        client.nothing()
    (call, current), (inside,) = calls
    assert call is current is inside


def test_an_interceptor_may_answer_instead_of_the_handler(work: ModuleType, handler: Handler, serving: Any) -> None:
    with serving(lambda call, proceed: sum(call.arguments) * 100) as server, connect(server, work) as client:
        assert client.add(1, 2) == 300
    assert handler.served == []


def test_an_interceptor_may_change_the_result(work: ModuleType, serving: Any) -> None:
    with serving(lambda call, proceed: proceed() + 1) as server, connect(server, work) as client:
        assert client.add(1, 2) == 4


def test_what_an_interceptor_raises_is_what_the_client_gets(
    work: ModuleType, handler: Handler, serving: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def interceptor(call: Call, proceed: Proceed) -> Any:
        match call.arguments[0]:
            case 1:
                raise work.Denied(why="not today")
            case 2:
                raise TApplicationException(TApplicationException.INVALID_PROTOCOL, "as I say")
            case 3:
                raise ValueError("a secret")
        return proceed()

    with serving(interceptor) as server, connect(server, work) as client:
        with pytest.raises(work.Denied) as denied:
            client.add(1, 0)
        assert denied.value.why == "not today"
        with pytest.raises(TApplicationException, match="as I say") as raised:
            client.add(2, 0)
        assert raised.value.type == TApplicationException.INVALID_PROTOCOL
        assert caplog.records == []
        with pytest.raises(TApplicationException, match=r"^internal error in 'add'$") as raised:
            client.add(3, 0)
        assert raised.value.type == TApplicationException.INTERNAL_ERROR
        assert client.add(4, 0) == 4
    assert handler.served == [(4, 0)]
    assert "a secret" in caplog.text


def test_an_interceptor_may_catch_what_the_handler_raises(work: ModuleType, serving: Any) -> None:
    def interceptor(call: Call, proceed: Proceed) -> Any:
        try:
            return proceed()
        except ValueError as error:
            raise work.Denied(why=str(error)) from None

    with serving(interceptor) as server, connect(server, work) as client:
        with pytest.raises(work.Denied) as denied:
            client.add(-1, 0)
        assert denied.value.why == "too small"


def test_an_interceptor_may_proceed_again(work: ModuleType, handler: Handler, serving: Any) -> None:
    with serving(lambda call, proceed: proceed() + proceed()) as server, connect(server, work) as client:
        assert client.add(1, 2) == 6
    assert handler.served == [(1, 2)] * 2


def test_a_result_that_the_function_does_not_return_is_an_internal_error(work: ModuleType, serving: Any) -> None:
    with (
        serving(lambda call, proceed: "text") as server,
        connect(server, work) as client,
        pytest.raises(TApplicationException, match="internal error in 'add'"),
    ):
        client.add(1, 2)


def test_a_oneway_call_goes_through_interceptors_too(work: ModuleType, handler: Handler, serving: Any) -> None:
    seen: list[str] = []

    def interceptor(call: Call, proceed: Proceed) -> Any:
        seen.append(call.function)
        return proceed()

    with serving(interceptor) as server, connect(server, work) as client:
        client.note("a")
        client.nothing()
    assert (seen, handler.served) == (["note", "nothing"], ["a", ()])


def test_a_slow_interceptor_holds_up_its_own_call_alone(work: ModuleType, serving: Any) -> None:
    go = threading.Event()

    def interceptor(call: Call, proceed: Proceed) -> Any:
        if call.function == "note":
            assert go.wait(30)
        return proceed()

    with serving(interceptor) as server, connect(server, work) as busy, connect(server, work) as other:
        busy.note("slow")
        assert [other.add(number, 0) for number in range(1, 20)] == list(range(1, 20))
        go.set()


def test_a_call_without_a_handler_does_not_reach_interceptors(work: ModuleType, handler: Handler) -> None:
    other = fastthrift.loads("service Work { void unknown(), i32 add(1: string a) }", name="other.thrift")
    seen: list[Call] = []

    class Typed:
        add = handler.add

    options: Any = {"service": work.Work, "interceptors": [lambda call, proceed: seen.append(call)]}
    with fastthrift.Server(Typed(), "tcp://127.0.0.1:0", **options) as server, connect(server, other) as client:
        for call in (client.unknown,):
            with pytest.raises(TApplicationException):
                call()
    assert seen == []


@pytest.mark.parametrize("wrong", [7, [None], ["name"]])
def test_what_cannot_be_called_is_no_interceptor(work: ModuleType, wrong: Any) -> None:
    with pytest.raises(TypeError):
        fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=work.Work, interceptors=wrong)


def test_a_coroutine_function_is_no_interceptor_of_a_blocking_server(work: ModuleType) -> None:
    async def interceptor(call: Call, proceed: Proceed) -> Any:
        return await proceed()

    class Callable:
        async def __call__(self, call: Call, proceed: Proceed) -> Any:
            return await proceed()

    for wrong in (interceptor, Callable()):
        with pytest.raises(TypeError, match="coroutine function"):
            fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=work.Work, interceptors=[wrong])


def test_no_interceptors_are_none(work: ModuleType, handler: Handler, serving: Any) -> None:
    with serving() as server, connect(server, work) as client:
        assert client.add(1, 2) == 3


def test_what_an_interceptor_keeps_is_no_leak(work: ModuleType) -> None:
    class Keeps:
        def __init__(self) -> None:
            self.kept: list[Any] = []

        def __call__(self, call: Call, proceed: Proceed) -> Any:
            self.kept.append((self, call, proceed))
            return proceed()

    interceptor = Keeps()
    server = fastthrift.Server(Handler(), "tcp://127.0.0.1:0", service=work.Work, interceptors=[interceptor])
    with server, connect(server, work) as client:
        client.add(1, 2)
    reference = weakref.ref(interceptor)
    del server, interceptor
    gc.collect()
    assert reference() is None
