"""Serving one message at a time, on an event loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

from fastthrift import _core
from fastthrift._processor import checked_executor
from fastthrift._server import named
from fastthrift.aio._working import Working

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from concurrent.futures import Executor

    from fastthrift._client import Protocol, Transport
    from fastthrift._service import Service
    from fastthrift.aio._server import Interceptor

_ANYWHERE = "memory://messages"
"""A server has a URL; nothing listens there."""
_NO_LIMIT = 2**31
_TOGETHER = 128
"""How many requests of one message run at the same time."""


class Processor:
    """Serves handlers without a socket: bytes of a request in, bytes of the reply out.

    As `fastthrift.Processor`, on the running loop, with the handlers of `fastthrift.aio.Server`: methods may be
    coroutine functions, which run in tasks; plain ones run in threads. It may be shared by loops, each in a thread of
    its own.

    Args:
        handler: The handler, or a dict of them, as for `Server`.
        service: The service that the handler serves, where its class does not say.
        protocol: The only protocol to accept; by default each, told apart by a message's first bytes.
        transport: The only framing to accept; by default each, told apart likewise.
        limits: What a request may ask of this side; ``message`` bounds a request and a reply.
        inline: Which plain methods run on the loop's own thread, as for `Server`.
        executor: Runs the other plain methods; None for the loop's own.
        max_in_flight: How many calls may be in hand at once; one more is answered with a `TApplicationException` of the
            type ``LOADSHEDDING``. None for no limit.
        interceptors: What runs around each handler, as for `Server`.

    Raises:
        TypeError: As for `Server`, or the executor is none.
        ValueError: As for `Server`.
    """

    def __init__(
        self,
        handler: object,
        *,
        service: type[Service] | Mapping[str, type[Service]] | None = None,
        protocol: Protocol | None = None,
        transport: Transport | None = None,
        limits: _core.Limits | None = None,
        inline: bool | Collection[str] = False,
        executor: Executor | None = None,
        max_in_flight: int | None = None,
        interceptors: Iterable[Interceptor] | None = None,
    ) -> None:
        self._executor = checked_executor(executor)
        if not isinstance(limits, (_core.Limits, type(None))):
            raise TypeError(f"limits must be fastthrift.Limits or None, got {limits!r:.40}")
        bounds = _core.Limits() if limits is None else limits
        self._core = _core.ServerCore(
            named(handler, service),
            [_ANYWHERE],
            tls=None,
            sasl=None,
            protocol=protocol,
            transport=transport,
            threads=1,
            max_connections=_NO_LIMIT,
            message_timeout=None,
            idle_timeout=None,
            max_message_size=bounds.message,
            max_decoded_size=bounds.memory,
            max_string_size=bounds.string,
            max_container_size=bounds.container,
            max_depth=bounds.depth,
            max_in_flight=max_in_flight,
            max_memory=None,
            interceptors=interceptors,
            max_open=_TOGETHER,
            inline=inline,
        )
        # A thread has one loop at a time.
        self._here = threading.local()

    @property
    def max_message_size(self) -> int:
        """The most bytes that a request may have."""
        return self._core.max_message_size

    async def process(
        self,
        request: bytes,
        *,
        headers: dict[str, str] | None = None,
        peer: str | None = None,
        reply_headers: dict[str, str] | None = None,
        waited: float = 0.0,
    ) -> bytes | None:
        """Serve what is in a request and return the reply, in the request's own protocol and framing.

        When this is cancelled, so are the handlers. A handler whose call's deadline passes is cancelled, too, and the
        call is answered with a `TApplicationException` of the type ``TIMEOUT``.

        Args:
            request: One message, or several after each other, which are served together.
            headers: What handlers and interceptors see as the headers of the call; by default those of the Header
                transport. Where one of them is ``client_timeout``, the milliseconds that the caller waits, that is the
                call's deadline, and a call whose time is over is answered so and not carried out.
            peer: Who sent it, a URL.
            reply_headers: A dict that gets the headers that a handler or an interceptor set.
            waited: How many seconds ago the request came.

        Returns:
            The replies; None when there are none because the calls are oneway.

        Raises:
            TTransportException: The bytes are no message to which there is an answer.
            TypeError: An argument is of another type.
            ValueError: The time that the request waited cannot be.
            BaseException: What a handler raised that is to end the program, such as KeyboardInterrupt.
        """
        if not isinstance(request, bytes):
            raise TypeError(f"request must be bytes, got {request!r:.40}")
        working = self._at_work()
        peer_core = working.serving.packet(headers, peer, reply_headers, waited)
        packet = _Packet(working.loop.create_future())
        peer_core.connection_made(packet)
        try:
            peer_core.data_received(request)
            if not peer_core.eof_received():
                packet.close()
            await packet.closed
            peer_core.raise_failure()
        finally:
            peer_core.connection_lost(None)
        return b"".join(packet.written) or None

    async def close(self) -> None:
        """End what is kept for further calls on the running loop, once the calls in hand are over.

        Without it, a task that waits for work ends with the loop. A call that is made later begins anew.
        """
        working = self._kept()
        if working is not None:
            del self._here.working
            working.serving.drain()
            await working.serving.ended

    def _at_work(self) -> Working:
        working = self._kept()
        if working is None:
            working = self._here.working = Working(self._core, self._executor, listens=False)
        return working

    def _kept(self) -> Working | None:
        working: Working | None = getattr(self._here, "working", None)
        return working if working is not None and working.loop is asyncio.get_running_loop() else None


class _Packet(asyncio.Transport):
    """Where the replies to one message go."""

    def __init__(self, closed: asyncio.Future[None]) -> None:
        super().__init__()
        self.closed = closed
        self.written: list[bytes] = []

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def close(self) -> None:
        if not self.closed.done():
            self.closed.set_result(None)

    def abort(self) -> None:
        self.close()

    def can_write_eof(self) -> bool:
        return False

    def get_write_buffer_size(self) -> int:
        return 0

    def pause_reading(self) -> None:
        """Nothing more comes."""

    def resume_reading(self) -> None:
        """Nothing more comes."""
