"""Services in WSGI and ASGI applications."""

from __future__ import annotations

import contextlib
import logging

from fastthrift._errors import TTransportException
from fastthrift._processor import Processor, checked_executor

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, MutableMapping
    from concurrent.futures import Executor
    from typing import Any

    from fastthrift.aio import Processor as AsyncProcessor

    Environment = Mapping[str, Any]
    StartResponse = Callable[[str, list[tuple[str, str]]], object]
    Scope = MutableMapping[str, Any]
    Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
    Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

CONTENT_TYPE = "application/x-thrift"
_TEXT = "text/plain; charset=utf-8"
_OWN = {"connection", "content-length", "content-type", "keep-alive", "trailer", "transfer-encoding", "upgrade"}
"""Headers that say where a reply ends and what it is: no handler's business."""
_TOKEN = frozenset("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz")
_CONTROLS = {*map(chr, range(32)), "\x7f"} - {"\t"}
_EMPTY = "expected a message in an HTTP body, got an empty one"
_BAD_REPLY = "the reply has a header that cannot be sent over HTTP"


class WSGI:
    """A WSGI application that serves a service: a POST's body is a request, the response's body is the reply.

    It speaks the unframed protocols, told apart by their first bytes, as Thrift's HTTP clients send them; mount it at
    any path. The request's headers, in lower case, are those of the call, and the time that a client of fastthrift says
    it waits is the call's deadline. What cannot be read is answered with status
    400, what is too large with 413, another method than POST with 405.

    Args:
        processor: Serves the requests; anything else is a handler, of which a `Processor` is made.
    """

    def __init__(self, processor: Processor | object) -> None:
        self._processor = _processor_of(processor)

    def __call__(self, environ: Environment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        if environ["REQUEST_METHOD"] != "POST":
            return _refuse(start_response, "405 Method Not Allowed", "a call is a POST", [("Allow", "POST")])
        limit = self._processor.max_message_size
        length = environ.get("CONTENT_LENGTH") or ""
        if length and not (length.isascii() and length.isdigit()):
            return _refuse(start_response, "400 Bad Request", "the Content-Length is no number")
        # A number of more digits than any limit has is not worth reading.
        if length and (len(length) > 19 or int(length) > limit):
            return _refuse(start_response, "413 Content Too Large", f"a request may have {limit} bytes")
        # A body without a length is chunked: servers that take it say that they end it.
        if not length and not environ.get("wsgi.input_terminated"):
            return _refuse(start_response, "411 Length Required", "a request needs a Content-Length")
        body = environ["wsgi.input"].read(int(length) if length else limit + 1)
        if len(body) > limit:
            return _refuse(start_response, "413 Content Too Large", f"a request may have {limit} bytes")
        if not body:
            return _refuse(start_response, "400 Bad Request", _EMPTY)
        headers = {
            name[5:].replace("_", "-").lower(): _text_of(value.encode("latin-1"))
            for name, value in environ.items()
            if name.startswith("HTTP_")
        }
        reply_headers: dict[str, str] = {}
        try:
            reply = self._processor.process(
                body, headers=headers, peer=_peer(environ.get("REMOTE_ADDR")), reply_headers=reply_headers
            )
        except TTransportException as error:
            return _refuse(start_response, "400 Bad Request", str(error))
        reply = reply or b""
        try:
            kept = [(name, value.decode("latin-1")) for name, value in _checked(reply_headers)]
        except ValueError as error:
            return _refuse(start_response, "500 Internal Server Error", str(error))
        start_response("200 OK", [("Content-Type", CONTENT_TYPE), ("Content-Length", str(len(reply))), *kept])
        return [reply]


class _GoneError(Exception):
    """The client of a request is gone before it was answered."""


class ASGI:
    """An ASGI application that serves a service: as `WSGI`, on the application's event loop.

    A handler is what it is for `fastthrift.aio.Server`: methods that are coroutine functions run on the loop, and are
    cancelled when the client is gone; plain ones run in threads. The end of the application's life ends what is kept
    for further calls.

    Args:
        processor: Serves the requests: a `fastthrift.aio.Processor`; a `Processor`, each of whose calls then runs in a
            thread; anything else is a handler, of which a `fastthrift.aio.Processor` is made.
        executor: Runs what runs in threads; None for the loop's own. A `fastthrift.aio.Processor` has its own.

    Raises:
        TypeError: It is no handler, or the executor is none.
    """

    def __init__(self, processor: AsyncProcessor | Processor | object, *, executor: Executor | None = None) -> None:
        from fastthrift.aio import Processor as AsyncProcessor  # an application that is served has asyncio already

        self._executor = checked_executor(executor)
        if executor is not None and isinstance(processor, AsyncProcessor):
            raise TypeError("executor is not for a fastthrift.aio.Processor, which has its own")
        if not isinstance(processor, (AsyncProcessor, Processor)):
            processor = AsyncProcessor(processor, transport="unframed", executor=executor)
        self._processor: Any = processor
        self._is_async = isinstance(processor, AsyncProcessor)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request, or the messages of the application's start and end."""
        if scope["type"] == "lifespan":
            return await self._live(receive, send)
        if scope["type"] != "http":
            raise ValueError(f"a Thrift service is called by HTTP, not by {scope['type']}")
        if scope["method"] != "POST":
            return await _answer(send, 405, b"a call is a POST", [(b"allow", b"POST")])
        try:
            await self._call(scope, receive, send)
        except _GoneError:
            # What is around the application may insist on an answer.
            await _answer(send, 400, b"the client is gone")

    async def _call(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _body(receive, self._processor.max_message_size)
        if body is None:
            text = f"a request may have {self._processor.max_message_size} bytes"
            return await _answer(send, 413, text.encode())
        if not body:
            return await _answer(send, 400, _EMPTY.encode())
        headers = {name.decode("latin-1").lower(): _text_of(value) for name, value in scope["headers"]}
        client = scope.get("client")
        peer = _peer(client[0] if client else None)
        reply_headers: dict[str, str] = {}
        try:
            if self._is_async:
                call = self._processor.process(body, headers=headers, peer=peer, reply_headers=reply_headers)
                reply = await _unless_gone(call, receive)
            else:
                reply = await self._in_thread(body, headers, peer, reply_headers)
        except TTransportException as error:
            return await _answer(send, 400, str(error).encode())
        try:
            kept = [(name.lower().encode(), value) for name, value in _checked(reply_headers)]
        except ValueError as error:
            return await _answer(send, 500, str(error).encode())
        return await _answer(send, 200, reply or b"", kept, CONTENT_TYPE)

    async def _in_thread(
        self, body: bytes, headers: dict[str, str], peer: str | None, reply_headers: dict[str, str]
    ) -> bytes | None:
        import asyncio
        import contextvars
        import time

        came = time.monotonic()

        processor: Processor = self._processor

        def process() -> bytes | None:
            waited = time.monotonic() - came
            return processor.process(body, headers=headers, peer=peer, reply_headers=reply_headers, waited=waited)

        context = contextvars.copy_context()
        return await asyncio.get_running_loop().run_in_executor(self._executor, context.run, process)

    async def _live(self, receive: Receive, send: Send) -> None:
        while (message := await receive())["type"] != "lifespan.shutdown":
            await send({"type": f"{message['type']}.complete"})
        if self._is_async:
            await self._processor.close()
        await send({"type": "lifespan.shutdown.complete"})


async def _unless_gone(call: Coroutine[Any, Any, bytes | None], receive: Receive) -> bytes | None:
    """Wait for a call's reply; when the client is gone first, cancel the call.

    Raises:
        _GoneError: The client is gone.
    """
    import asyncio

    answered, gone = asyncio.ensure_future(call), asyncio.ensure_future(_gone(receive))
    try:
        await asyncio.wait((answered, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answered.done():
            raise _GoneError
        return answered.result()
    finally:
        for task in (answered, gone):
            task.cancel()
        await asyncio.gather(answered, gone, return_exceptions=True)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        """What else a server may say about a request that was received is not for it."""


def _processor_of(processor: object) -> Processor:
    return processor if isinstance(processor, Processor) else Processor(processor, transport="unframed")


def _checked(headers: Mapping[str, str]) -> list[tuple[str, bytes]]:
    """Return headers whose values are bytes of UTF-8, as a `Server` sends them.

    Raises:
        ValueError: One of them would be another header, or several, on the wire.
    """
    for name, value in headers.items():
        if not name or not _TOKEN.issuperset(name.lower()) or name.lower() in _OWN or not _CONTROLS.isdisjoint(value):
            logging.getLogger("fastthrift.server").error("%s: %r", _BAD_REPLY, name)
            raise ValueError(_BAD_REPLY)
    return [(name, value.encode()) for name, value in headers.items()]


def _text_of(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _peer(address: str | None) -> str | None:
    if not address:
        return None
    return f"http://[{address}]" if ":" in address else f"http://{address}"


def _refuse(
    start_response: StartResponse, status: str, text: str, headers: list[tuple[str, str]] | None = None
) -> list[bytes]:
    body = text.encode()
    start_response(status, [("Content-Type", _TEXT), ("Content-Length", str(len(body))), *(headers or ())])
    return [body]


async def _answer(
    send: Send, status: int, body: bytes, headers: list[tuple[bytes, bytes]] | None = None, content_type: str = _TEXT
) -> None:
    fixed = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
    # That a client takes no answer is no error of the application.
    with contextlib.suppress(OSError):
        await send({"type": "http.response.start", "status": status, "headers": [*fixed, *(headers or ())]})
        await send({"type": "http.response.body", "body": body})


async def _body(receive: Receive, limit: int) -> bytes | None:
    """Return a request's body; None when it is larger than the limit."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > limit:
            return None
        if not message.get("more_body"):
            return bytes(body)
