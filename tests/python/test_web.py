"""A service inside a web application, called by Apache's HTTP client and by broken ones."""

from __future__ import annotations

import ast
import asyncio
import contextlib
import http.client
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import fastthrift
import pytest
import uvicorn
from fastthrift import aio
from thrift.transport.THttpClient import THttpClient

from tests.interop import peer_apache
from tests.interop.handler import Calculator

IDL = Path(__file__).parents[1] / "interop" / "calculator.thrift"


@pytest.fixture(scope="module")
def calculator() -> ModuleType:
    return fastthrift.load(IDL, module_name="web_calculator")


class Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *arguments: Any) -> None:  # noqa: A002 (the base's name)
        pass


@pytest.fixture
def wsgi(calculator: ModuleType) -> Iterator[str]:
    application = fastthrift.WSGI(_processor(calculator))
    with make_server("127.0.0.1", 0, application, handler_class=Quiet) as server:  # type: ignore[arg-type]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def asgi(calculator: ModuleType) -> Iterator[str]:
    with _serving(fastthrift.ASGI(_processor(calculator))) as place:
        yield place


@pytest.fixture
def asgi_on_a_loop(calculator: ModuleType) -> Iterator[str]:
    with _serving(fastthrift.ASGI(_loop_processor(calculator))) as place:
        yield place


@contextlib.contextmanager
def _serving(application: Any) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="on"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listener])))
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


LIMITS = fastthrift.Limits(message=100_000)


def _tell(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
    call.reply_headers["X-Asked-By"] = call.headers.get("x-name", "nobody")
    call.reply_headers["X-Remaining"] = str(call.remaining)
    if "x-bad" in call.headers:
        call.reply_headers.update([ast.literal_eval(call.headers["x-bad"])])
    return proceed()


def _handler(calculator: ModuleType) -> Any:
    if not hasattr(calculator, "TApplicationException"):
        calculator.TApplicationException = fastthrift.TApplicationException  # type: ignore[attr-defined]
    return Calculator(calculator)


def _processor(calculator: ModuleType) -> fastthrift.Processor:
    service = calculator.Calculator
    return fastthrift.Processor(_handler(calculator), service=service, limits=LIMITS, interceptors=[_tell])


def _loop_processor(calculator: ModuleType) -> aio.Processor:
    """Return one whose handler has coroutines and plain methods."""

    class Handler:
        def __init__(self) -> None:
            self.plain = _handler(calculator)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.plain, name)

        async def add(self, a: int, b: int) -> Any:
            await asyncio.sleep(0)
            return self.plain.add(a, b)

        async def divide(self, dividend: float, divisor: float) -> Any:
            await asyncio.sleep(0)
            return self.plain.divide(dividend, divisor)

    async def tell(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        return await _tell(call, proceed)

    service = calculator.Calculator
    return aio.Processor(Handler(), service=service, transport="unframed", limits=LIMITS, interceptors=[tell])


@pytest.fixture(params=["wsgi", "asgi", "asgi_on_a_loop"])
def place(request: pytest.FixtureRequest) -> str:
    return str(request.getfixturevalue(request.param))


@pytest.mark.parametrize("protocol", ["binary", "compact", "json"])
def test_apaches_http_client_is_served(place: str, protocol: str) -> None:
    transport = THttpClient(f"http://{place}/thrift")
    client = peer_apache.Client(peer_apache.PROTOCOLS[protocol]().getProtocol(transport))
    try:
        assert client.add(2, 3) == 5
        assert client.divide(1.0, 4.0) == 0.25
        with pytest.raises(peer_apache.DivisionByZero) as caught:
            client.divide(1.0, 0.0)
        assert caught.value.code == -7
        entry = peer_apache.Entry(text="größe", numbers=[0.5], marks={1, 2}, counts={"a": 1}, raw=b"\0\xff", flag=True)
        assert client.echo(entry) == entry
        client.note("remember")
        assert client.notes() == ["remember"]
    finally:
        transport.close()


def post(place: str, body: bytes, **headers: str) -> tuple[int, bytes, http.client.HTTPMessage]:
    connection = http.client.HTTPConnection(place, timeout=10)
    try:
        connection.request("POST", "/", body, {name.replace("_", "-"): value for name, value in headers.items()})
        response = connection.getresponse()
        return response.status, response.read(), response.headers
    finally:
        connection.close()


def request_of_add() -> bytes:
    arguments = fastthrift.loads("struct A { 1: i64 a, 2: i64 b }", module_name="web_arguments")
    client = fastthrift._core.ClientConnection("binary", "unframed")
    client.call("add", fastthrift.serialize(arguments.A(2, 3)))
    return client.take_outbound()


def test_headers_are_those_of_the_call(place: str) -> None:
    status, body, headers = post(place, request_of_add(), X_Name="Ada")
    assert (status, headers["content-type"], headers["x-asked-by"]) == (200, "application/x-thrift", "Ada")
    assert body.endswith(b"\0\0\0\0\0\0\0\x05\0")


def test_the_deadline_of_a_call_travels_into_the_application(place: str, calculator: ModuleType) -> None:
    told: list[str] = []

    def look(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        result = proceed()
        told.append(call.reply_headers["x-remaining"])
        return result

    for timeout in (30.0, None):
        url = f"http://{place}/"
        with fastthrift.connect(calculator.Calculator, url, timeout=timeout, interceptors=[look]) as client:
            assert client.add(2, 3) == 5
    assert 0 < float(told[0]) <= 30
    assert told[1] == "None"


def test_headers_may_hold_all_of_unicode(place: str) -> None:
    status, _, headers = post(place, request_of_add(), X_Name="Zoë ☃".encode().decode("latin-1"))
    assert (status, headers["x-asked-by"].encode("latin-1").decode()) == (200, "Zoë ☃")


@pytest.mark.parametrize(
    "header",
    [
        ("x-a", "b\r\nSet-Cookie: c"),
        ("x-a\r\nSet-Cookie", "c"),
        ("", "c"),
        ("x a", "c"),
        ("Content-Length", "1"),
        ("Transfer-Encoding", "chunked"),
    ],
)
def test_a_reply_header_that_would_be_another_on_the_wire_is_not_sent(
    place: str, header: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    status, text, headers = post(place, request_of_add(), X_Bad=ascii(header))
    assert (status, text) == (500, b"the reply has a header that cannot be sent over HTTP")
    assert (headers["set-cookie"], headers["content-length"]) == (None, str(len(text)))
    assert repr(header[0]) in caplog.text
    assert post(place, request_of_add())[0] == 200


def test_what_is_no_header_at_all_makes_the_call_fail(place: str) -> None:
    status, body, headers = post(place, request_of_add(), X_Bad="('x-a', 5)")
    assert (status, headers["x-a"]) == (200, None)
    assert b"internal error in 'add'" in body


def test_a_length_of_any_number_of_digits_is_too_large(calculator: ModuleType) -> None:
    answers: list[str] = []
    environ = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "9" * 5000}
    fastthrift.WSGI(_processor(calculator))(environ, lambda status, _: answers.append(status))
    assert answers == ["413 Content Too Large"]


def test_what_is_no_call_is_refused_and_the_application_goes_on(place: str) -> None:
    connection = http.client.HTTPConnection(place, timeout=10)
    connection.request("GET", "/")
    response = connection.getresponse()
    assert (response.status, response.headers["allow"]) == (405, "POST")
    connection.close()
    status, text, _ = post(place, b"nonsense, and plenty of it")
    assert status == 400
    assert text.startswith(b"the request cannot be read")
    status, text, _ = post(place, b"\x80\x01\0\x01" + bytes(200_000))
    assert (status, text) == (413, b"a request may have 100000 bytes")
    assert post(place, b"")[:2] == (400, b"expected a message in an HTTP body, got an empty one")
    assert post(place, request_of_add())[0] == 200


def test_a_wsgi_server_that_ends_the_input_needs_no_length(calculator: ModuleType) -> None:
    class Input:
        def __init__(self, data: bytes) -> None:
            self.data = data

        def read(self, size: int) -> bytes:
            return self.data[:size]

    application = fastthrift.WSGI(_processor(calculator))
    environ: dict[str, Any] = {"REQUEST_METHOD": "POST", "wsgi.input": Input(request_of_add())}
    statuses: list[str] = []
    application(environ, lambda status, _headers: statuses.append(status))
    application({**environ, "wsgi.input_terminated": True}, lambda status, _headers: statuses.append(status))
    huge = {**environ, "wsgi.input_terminated": True, "wsgi.input": Input(bytes(100_001))}
    application(huge, lambda status, _headers: statuses.append(status))
    application({**environ, "CONTENT_LENGTH": "-5"}, lambda status, _headers: statuses.append(status))
    expected = ["411 Length Required", "200 OK", "413 Content Too Large", "400 Bad Request"]
    assert statuses == expected


def test_an_asgi_application_takes_no_other_scope(calculator: ModuleType) -> None:
    application = fastthrift.ASGI(_processor(calculator))

    async def nothing(*_arguments: Any) -> Any:
        raise AssertionError("nothing is received or sent")

    with pytest.raises(ValueError, match="websocket"):
        asyncio.run(application({"type": "websocket"}, nothing, nothing))


class GoneError(OSError):
    """What servers raise when something is sent to a client that is gone."""


@pytest.mark.parametrize("is_refused", [False, True])
def test_that_the_client_of_an_application_is_gone_ends_its_call_and_is_no_error(is_refused: bool) -> None:
    module = fastthrift.loads("service S { i64 add(1: i64 a, 2: i64 b) }", module_name="web_waiting")

    async def main() -> list[str]:
        begun, ended = asyncio.Event(), []

        class Waiting(module.S):  # type: ignore[misc, name-defined]
            async def add(self, a: int, b: int) -> int:
                begun.set()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    ended.append("cancelled")
                    raise
                return a + b

        coming = asyncio.Queue[dict[str, Any]]()

        async def send(message: Any) -> None:
            ended.append(message["type"])
            if is_refused and message["type"] == "http.response.start":
                raise GoneError

        application = fastthrift.ASGI(Waiting())
        scope = {"type": "http", "method": "POST", "headers": [], "client": ("127.0.0.1", 5)}
        coming.put_nowait({"type": "http.request", "body": request_of_add()})
        answering = asyncio.create_task(application(scope, coming.get, send))
        await asyncio.wait_for(begun.wait(), 30)
        coming.put_nowait({"type": "http.disconnect"})
        await asyncio.wait_for(answering, 30)
        coming.put_nowait({"type": "http.disconnect"})
        await application(scope, coming.get, send)
        coming.put_nowait({"type": "lifespan.shutdown"})
        await application({"type": "lifespan"}, coming.get, send)
        return ended

    answer = ["http.response.start"] if is_refused else ["http.response.start", "http.response.body"]
    assert asyncio.run(main()) == ["cancelled", *answer, *answer, "lifespan.shutdown.complete"]
