"""Serving on an event loop."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from fastthrift import _core
from fastthrift._server import named, patience, reporter_of, tell_health
from fastthrift._urls import urls_of
from fastthrift.aio._working import Working

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import NoReturn

    from typing_extensions import Self

    from fastthrift._client import Protocol, Transport
    from fastthrift._service import Service
    from fastthrift.health import Status
    from fastthrift.sasl import ServerMechanism

    Interceptor = Callable[[_core.Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]


_ACCEPTS = 64
"""How many connections are accepted before others get their turn."""
_ACCEPT_REST = 0.1
"""The seconds that accepting rests when the system has no room for another connection."""


class Server:
    """Serves handlers at one or several URLs on the running event loop.

    A handler is what it is for `fastthrift.Server`, and its methods may be coroutine functions. The requests of one
    connection are served together, and each is answered when its method is done: replies may come in another order than
    the requests, as their ids allow.

    A coroutine function begins at once, within the loop's callback that received its request, and in a task; when it
    waits for nothing, nothing else was scheduled. The task is cancelled when the connection is lost, or when the
    deadline that the client announced has passed; a client that ends only its own side still gets its replies. A plain
    method runs in a thread of a bounded pool, unless `inline` says otherwise. Each call has a context of its own, a
    copy of the one that the server was started in.

    An exception that the IDL does not declare ends its call alone and is logged, `SystemExit` too; `KeyboardInterrupt`
    ends the loop.

    The server is an asynchronous context manager: it serves inside the ``async with`` block.

    Args:
        handler: The handler, or a dict of them.
        url: Where to listen, as for `fastthrift.Server`; or several URLs.
        service: The service that the handler serves, where its class does not say; for a dict, one of the same keys.
        tls: The certificate for the URLs that say ``tls://`` or ``https://``.
        protocol: The only protocol to accept, by its name or with options such as ``Compact(utf8="bytes")``; by default
            each, told apart by a client's first bytes.
        transport: The only transport to accept; by default each, told apart likewise.
        sasl: What judges clients, which then have to say who they are before their first call, as for
            `fastthrift.Server`. A check may be a coroutine function; any other runs in a thread.
        inline: Which plain methods run on the loop's own thread, where they hold up everything else while they run:
            True for all, or the names of functions. That is right for those that take microseconds and wait for
            nothing.
        threads: How many plain methods may run at once in threads.
        max_connections: How many clients are served; up to 1024 others wait until one leaves.
        max_open: How many requests of one connection are served together; what comes beyond waits.
        message_timeout: The seconds that a client may take to send a message, or to take the next part of a reply,
            before it is cut off; None for no limit.
        idle_timeout: The seconds that a client may be silent between two calls; None for no limit.
        max_message_size: The bytes of the largest request and reply; None for what the protocol's limits say, or
            100 MiB.
        max_decoded_size: The bytes of memory that the values of one request may take: a byte of a message can stand for
            an object of a hundred. None for what the protocol's limits say, or 512 MiB.
        max_string_size: The bytes of the largest text or binary in a request; None for what the protocol's limits say,
            or as many as the message may have.
        max_container_size: The elements of the largest list, set or map in a request; None for what the protocol's
            limits say, or 16,777,216.
        max_depth: How deep the values of a request may nest; None for what the protocol's limits say, or 64.
        max_in_flight: The calls that may be in hand at once, of all connections, those that wait for a thread included.
            One more is answered at once with a `TApplicationException` of the type ``LOADSHEDDING``. None for no limit.
        max_memory: The bytes of memory that all connections together may take for what was received and what waits to
            be sent, as for `fastthrift.Server`. Not counted are the first 128 KiB of each, 64 KiB more for a handshake
            or a record of TLS, what the loop hands over at once, which is 64 KiB on asyncio and 256 KiB on uvloop, and
            the values of requests, which `max_decoded_size` and `max_in_flight` bound. None for no limit.
        interceptors: What runs around each handler: ``async def interceptor(call, proceed)`` returns what
            ``await proceed()`` returns, or another result instead, or raises. The first is the outermost. Those that
            have a plain method ``refused`` are told of requests that are answered without them, as for
            `fastthrift.Server`.
        health: Whether the server also serves `fastthrift.health.Health`, under the name "fastthrift.Health"; see
            `set_health`.

    Raises:
        TypeError: A handler implements no service, or has methods that cannot be called with the arguments of the IDL;
            or an interceptor is no coroutine function, or its `refused` is one.
        ValueError: The URL, or a number, cannot be, or a bound is given here and in the protocol's limits.
    """

    def __init__(
        self,
        handler: object,
        url: str | Sequence[str],
        *,
        service: type[Service] | Mapping[str, type[Service]] | None = None,
        tls: _core.ServerTLS | None = None,
        protocol: Protocol | None = None,
        transport: Transport | None = None,
        sasl: Mapping[str, Callable[..., object] | ServerMechanism] | None = None,
        inline: bool | Collection[str] = False,
        threads: int | None = None,
        max_connections: int = 10_000,
        max_open: int = 128,
        message_timeout: float | None = 60.0,
        idle_timeout: float | None = None,
        max_message_size: int | None = None,
        max_decoded_size: int | None = None,
        max_string_size: int | None = None,
        max_container_size: int | None = None,
        max_depth: int | None = None,
        max_in_flight: int | None = None,
        max_memory: int | None = None,
        interceptors: Iterable[Interceptor] | None = None,
        health: bool = False,
    ) -> None:
        handlers = named(handler, service)
        self._reporter = reporter_of(handlers) if _core.given_flag("health", health) else None
        self._threads = min(32, (os.cpu_count() or 1) + 4) if threads is None else threads
        self._given = urls_of(url)
        self._core = _core.ServerCore(
            handlers,
            self._given,
            tls=tls,
            protocol=protocol,
            transport=transport,
            threads=self._threads,
            max_connections=max_connections,
            message_timeout=message_timeout,
            idle_timeout=idle_timeout,
            max_message_size=max_message_size,
            max_decoded_size=max_decoded_size,
            max_string_size=max_string_size,
            max_container_size=max_container_size,
            max_depth=max_depth,
            max_in_flight=max_in_flight,
            max_memory=max_memory,
            sasl=sasl,
            interceptors=interceptors,
            max_open=max_open,
            inline=inline,
        )
        self._running: _Running | None = None

    @property
    def url(self) -> str:
        """Where the server listens; before it is started, where it is to listen."""
        return self.urls[0]

    @property
    def urls(self) -> list[str]:
        """Where the server listens, in the order in which it was told."""
        return self._given if self._running is None else self._running.urls

    async def start(self) -> None:
        """Listen, and serve until `stop`, or until the loop is closed, which ends all at once.

        Raises:
            OSError: The server cannot listen there.
            RuntimeError: It runs already.
        """
        if self._runs() is not None:
            raise RuntimeError("the server runs already")
        running = _Running(self._core, self._threads)
        running.listen()
        if self._reporter is not None:
            self._reporter.note(is_stopping=False)
        self._running = running

    async def stop(self, timeout: float | None = 5.0) -> bool:
        """Stop accepting, let what is in flight end, and close all connections.

        Called by a handler, it only starts this. A server that does not run is left as it is.

        Args:
            timeout: After how many seconds connections are closed although something is in flight, and their handlers
                cancelled; None for never.

        Returns:
            Whether all ended in time.

        Raises:
            TypeError: The time is no number.
            ValueError: It is NaN.
        """
        seconds = patience(timeout)
        if self._reporter is not None:
            self._reporter.note(is_stopping=True)
        running = self._runs()
        return True if running is None else await running.stop(seconds)

    def set_health(self, service: str, status: Status) -> None:
        """Say how a service is, as for `fastthrift.Server`.

        Args:
            service: The name under which it is served, or that of the IDL where there is none; "" for the server.
            status: One of `fastthrift.health.Status`.

        Raises:
            RuntimeError: The server was made without ``health=True``.
            ValueError: It serves nothing of this name, or there is no such status.
        """
        tell_health(self._core, self._reporter, service, status)

    async def serve_forever(self) -> None:
        """Serve until `stop` is called, or until this is cancelled. Starts the server where that was not done.

        Raises:
            OSError: The server cannot listen there.
        """
        if self._runs() is None:
            await self.start()
        assert self._running is not None
        try:
            await asyncio.shield(self._running.serving.ended)
        finally:
            await self.stop()

    def _runs(self) -> _Running | None:
        """What serves now. What served on a loop that was closed since is let go."""
        running = self._running
        if running is None or running.serving.ended.done():
            return None
        if running.loop.is_closed():
            running.forsake()
            self._running = None
        return self._running

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can be neither copied nor pickled")

    def __repr__(self) -> str:
        return f"<Server at {', '.join(self.urls)}>"


async def serve(handler: object, url: str | Sequence[str], **options: Any) -> None:
    """Serve at a URL until this is cancelled, as Ctrl-C does to what `asyncio.run` runs.

    The arguments are those of `Server`, which can also be stopped.

    Raises:
        OSError: The server cannot listen there.
        TypeError: As for `Server`.
        ValueError: As for `Server`.
    """
    await Server(handler, url, **options).serve_forever()


class _Running(Working):
    """A server between its start and its end."""

    def __init__(self, core: _core.ServerCore, threads: int) -> None:
        self._threads = ThreadPoolExecutor(threads, "fastthrift-handler")
        super().__init__(core, self._threads, listens=True)
        self.urls = self.serving.urls
        self.serving.ended.add_done_callback(lambda _: self._threads.shutdown(wait=False))
        self._listening: dict[int, socket.socket] = {}
        """The listening sockets by the numbers of their listeners; those in memory only tell that somebody waits."""
        self._in_memory: set[int] = set()
        self._accepting: set[asyncio.Task[Any]] = set()
        self._is_open = True

    def listen(self) -> None:
        try:
            for port, (descriptor, is_in_memory) in enumerate(self.serving.descriptors):
                listening = self._listening[port] = socket.socket(fileno=os.dup(descriptor))
                listening.setblocking(False)
                if is_in_memory:
                    self._in_memory.add(port)
                self._watch(port)
        except BaseException:
            self._close()
            raise

    async def stop(self, timeout: float | None) -> bool:
        serving = self.serving
        if serving.ended.done():
            return True
        self._close()
        if self._accepting:
            # They are let go as soon as they are there.
            await asyncio.wait(self._accepting)
        if serving.is_in_handler():
            if timeout is not None:
                self.loop.call_later(timeout, serving.abort)
            return False
        await asyncio.wait([serving.ended], timeout=timeout)
        in_time = serving.ended.done()
        if not in_time:
            serving.abort()
            await serving.ended
        return in_time

    def forsake(self) -> None:
        """Let go of everything, now that the loop is closed and calls nothing any more."""
        self._is_open = False
        for listening in self._listening.values():
            listening.close()
        self._threads.shutdown(wait=False)
        self.serving.forsake()

    def _watch(self, port: int) -> None:
        if self._is_open:
            self.loop.add_reader(self._listening[port], self._accept, port)

    def _accept(self, port: int) -> None:
        """Take connections that wait.

        A server of the loop's own is not used for that: what it accepted when it is closed, it never closes.
        """
        for _ in range(_ACCEPTS):
            try:
                connection = self._next(port)
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError:
                # The system has no room for another connection, and would say so again at once.
                self.loop.remove_reader(self._listening[port])
                self.loop.call_later(_ACCEPT_REST, self._watch, port)
                return
            if connection is None:
                return
            peer: Any = functools.partial(self.serving.peer, port)
            task = self.loop.create_task(self.loop.connect_accepted_socket(peer, connection))
            self._accepting.add(task)
            task.add_done_callback(self._accepted)

    def _next(self, port: int) -> socket.socket | None:
        """Return the next connection; None, or an exception, where none waits."""
        if port in self._in_memory:
            descriptor = self.serving.accept(port)
            return None if descriptor is None else socket.socket(fileno=descriptor)
        connection, _ = self._listening[port].accept()
        connection.setblocking(False)
        if connection.family in (socket.AF_INET, socket.AF_INET6):
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _accepted(self, task: asyncio.Task[Any]) -> None:
        self._accepting.discard(task)
        if not task.cancelled():
            # A peer that is gone by now is no news.
            task.exception()

    def _close(self) -> None:
        self._is_open = False
        for listening in self._listening.values():
            self.loop.remove_reader(listening)
            listening.close()
        self._listening.clear()
        self.serving.drain()
