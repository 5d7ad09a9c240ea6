"""Opening clients on an event loop."""

from __future__ import annotations

import asyncio
import functools
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from fastthrift import _core
from fastthrift._urls import urls_of
from fastthrift.aio._opening import open_connection, start_opening
from fastthrift.aio._reply import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping
    from types import TracebackType
    from typing import TypeAlias, TypedDict

    from typing_extensions import Self, Unpack

    from fastthrift._client import Protocol, Transport
    from fastthrift._service import AsyncClientOf, Service
    from fastthrift.aio._custom import AsyncTransport
    from fastthrift.sasl import Mechanism

    Interceptor = Callable[[_core.Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]

    class _Options(TypedDict, total=False):
        """The options of `connect`."""

        protocol: Protocol
        transport: Transport | None
        timeout: float | None
        service_name: str | None
        pool: _core.Pool | None
        retry: _core.Retry | None
        tls: _core.ClientTLS | None
        headers: Mapping[str, str] | None
        interceptors: Iterable[Interceptor] | None
        sasl: Mechanism | None
        hedge: float | None

    _URL: TypeAlias = str | Iterable[str] | Callable[[], AsyncTransport | Awaitable[AsyncTransport]]

_CLOSING = 1.0
"""How many seconds a closing client takes to send what was written before."""


class TypedClient(_core.AsyncClient):
    """A client of a service on an event loop: its methods are those of the IDL, and what they return is awaited.

    It belongs to the loop that it was opened on. Calls may be made while others wait: they share the connection, and
    each gets its own reply, whatever the order in which they come. To cancel a call ends the waiting, not what the
    server does.
    """

    async def close(self) -> None:
        """Close the connection; calls that wait fail, and so do further ones."""
        # A function of the service may have this name.
        connections: _core.AsyncConnections = _core.AsyncClient._connections.__get__(self)
        opening = connections.opening
        closed = connections.close()
        try:
            await asyncio.wait([closed] if opening is None else [closed, opening], timeout=_CLOSING)
        finally:
            if not closed.done():
                connections.abort()
        await closed

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await TypedClient.close(self)


class Client(TypedClient):
    """A client of a service on an event loop, whose class nobody knows before it is loaded."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


_C = TypeVar("_C", bound=TypedClient)


class Connecting(Generic[_C]):
    """A client that is being opened: ``await`` it for the client, or use ``async with``, which closes that, too."""

    def __init__(
        self,
        service: Any,
        options: _core.AsyncOptions,
    ) -> None:
        self._class: type[_C] = _core.async_client_class(service, Client)  # type: ignore[arg-type]
        self._options = options
        self._client: _C | None = None

    def __await__(self) -> Generator[Any, None, _C]:
        return self._open().__await__()

    async def __aenter__(self) -> _C:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._client is not None:
            await TypedClient.close(self._client)

    async def _open(self) -> _C:
        make_reply = functools.partial(Reply, loop=asyncio.get_running_loop())
        connections = _core.AsyncConnections(self._options, make_reply, start_opening, _conduct)
        await open_connection(connections)
        return self._class(connections)


@overload
def connect(service: AsyncClientOf[_C], url: _URL, **options: Unpack[_Options]) -> Connecting[_C]: ...
@overload
def connect(service: type[Service], url: _URL, **options: Unpack[_Options]) -> Connecting[Client]: ...
def connect(
    service: Any,
    url: _URL,
    *,
    protocol: Protocol = "binary",
    transport: Transport | None = None,
    timeout: float | None = None,
    service_name: str | None = None,
    pool: _core.Pool | None = None,
    retry: _core.Retry | None = None,
    tls: _core.ClientTLS | None = None,
    headers: Mapping[str, str] | None = None,
    interceptors: Iterable[Interceptor] | None = None,
    sasl: Mechanism | None = None,
    hedge: float | None = None,
) -> Connecting[Any]:
    """Connect to a service and return a client whose methods are the functions of the IDL, each to be awaited.

    Use it as ``async with connect(...) as client``, or as ``client = await connect(...)`` and close it yourself.

    Calls share one connection and may overlap. Where it breaks, the calls that wait on it fail, unless `retry` says
    otherwise, and the next one makes a new connection. While none can be written, because one is being made or the
    server does not read, calls wait; their arguments are those of the moment of the call.

    Args:
        service: The service's class, of a loaded IDL file or a generated module.
        url: Where the server is, or several that serve the same, as for `fastthrift.connect`. Or a callable that opens
            a transport of your own: see `AsyncTransport`.
        protocol: How values are encoded: a protocol's name, or a protocol with options such as
            ``Compact(utf8="bytes")``, whose limits bound what a reply may ask of this side and how large a call may be.
        transport: How messages are told apart, as for `fastthrift.connect`; by default "framed".
        timeout: The seconds that a call may take in all, connecting included; None for no limit.
        service_name: The name under which the server knows the service, where it serves several on one port.
        pool: How many connections there may be and how long they are kept; by default one, or 8 over HTTP, where a
            connection carries one call at a time. A call takes the one that has the fewest calls; where each has one,
            another is made for those to come. One that is too old takes no further calls and is closed when it has
            none; meanwhile it does not count.
        retry: When and how often calls are made again, as for `fastthrift.connect`; None for never.
        tls: What TLS goes by, for ``tls://`` and ``https://``; by default the system's roots.
        headers: What travels beside each call, over HTTP or in the Header transport.
        interceptors: What runs around each call: ``async def interceptor(call, proceed)`` returns what
            ``await proceed()`` returns, or another result instead, or raises, as for `fastthrift.connect`. With them
            what a method returns is a coroutine, and nothing is sent before it runs.
        sasl: How this side says who it is before its first call, as for `fastthrift.connect`. The methods of a
            mechanism other than `fastthrift.sasl.Plain` are called in a thread, so they may take their time.
        hedge: After how many seconds without a reply a call is made a second time, over another connection of the pool,
            where that does no harm: the first reply counts, and the other call is given up, as if it were cancelled.
            The budget of `retry` bounds them, too. None for never.

    Raises:
        ConnectError: The connection cannot be made.
        TransportTimeout: It cannot be made in time.
        TypeError: An option is not of its class. This and the next come at once, the others when the client is opened.
        ValueError: A URL, or another option, cannot be.
    """
    opener = url if callable(url) else None
    urls = [] if callable(url) else urls_of(url)
    opening = _core.AsyncOptions(
        service,
        urls,
        protocol,
        transport,
        timeout,
        service_name,
        pool,
        retry,
        tls,
        interceptors,
        headers,
        sasl,
        opener,
        hedge,
    )
    return Connecting(service, opening)


async def _conduct(running: Awaitable[Any], call: _core.Call) -> Any:
    """Await a call that interceptors carry out."""
    try:
        return await running
    finally:
        _core.end_call(call)
