"""Opening clients."""

from __future__ import annotations

from fastthrift import _core
from fastthrift._urls import urls_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from types import EllipsisType
    from typing import Any, Literal, TypeAlias, TypedDict, TypeVar, overload
    from typing import Protocol as Protocol_

    from typing_extensions import Unpack

    from fastthrift._core import Call, Pool, Retry
    from fastthrift._service import ClientOf, Service
    from fastthrift.sasl import Mechanism

    Protocol: TypeAlias = Literal["binary", "compact", "json", "simplejson"] | _core.WireProtocol
    Transport: TypeAlias = Literal[
        "framed", "unframed", "buffered", "header", "header+zlib", "header+zstd", "zlib", "zlib+framed"
    ]

    Interceptor: TypeAlias = Callable[[Call, Callable[[], Any]], Any]

    class CustomTransport(Protocol_):
        """What moves the bytes of a connection, where no URL does: a class of your own with these methods.

        It may also have ``set_timeout(seconds)``, which is told how long the next reads and writes may wait, or None; a
        `TimeoutError` of them then ends the call as its own time-out does. Any other exception breaks the connection.
        """

        def read(self, size: int, /) -> bytes:
            """Wait for bytes and return at least one and at most `size`; nothing at the end."""
            ...

        def write(self, data: bytes, /) -> object:
            """Take all of these bytes."""
            ...

        def flush(self) -> object:
            """Send what was written: it is a whole message, or several."""
            ...

        def close(self) -> object:
            """Let go of what the transport holds."""
            ...

    class Client(_core.Client):
        """A client of a service: its methods are those of the IDL."""

        def __getattr__(self, name: str) -> Any: ...

    class _Options(TypedDict, total=False):
        """The options of `connect`."""

        protocol: Protocol
        transport: Transport | None
        timeout: float | None
        service_name: str | None
        pool: Pool | None
        retry: Retry | None
        tls: _core.ClientTLS | None
        interceptors: Iterable[Interceptor] | None
        headers: Mapping[str, str] | None
        sasl: Mechanism | None
        hedge: float | None

    _ClientT = TypeVar("_ClientT", bound=_core.Client | _core.AsyncClient)
    _C = TypeVar("_C")
    _URL: TypeAlias = str | Iterable[str] | Callable[[], CustomTransport]

else:
    from fastthrift._core import Client

    def overload(function):
        return function


@overload
def connect(service: ClientOf[_C], url: _URL, **options: Unpack[_Options]) -> _C: ...
@overload
def connect(service: type[Service], url: _URL, **options: Unpack[_Options]) -> Client: ...  # noqa: F811


def connect(  # noqa: F811
    service: Any,
    url: _URL,
    *,
    protocol: Protocol = "binary",
    transport: Transport | None = None,
    timeout: float | None = None,
    service_name: str | None = None,
    pool: Pool | None = None,
    retry: Retry | None = None,
    tls: _core.ClientTLS | None = None,
    interceptors: Iterable[Interceptor] | None = None,
    headers: Mapping[str, str] | None = None,
    sasl: Mechanism | None = None,
    hedge: float | None = None,
) -> Any:
    """Connect to a service and return a client whose methods are the functions of the IDL.

    The client is a context manager. Threads may share it; it makes as many calls at a time as its pool has connections.
    When a connection breaks, the call that it broke under fails and is not made again, unless `retry` says so; the
    connection is closed, so no call ever gets the reply of another.

    A call that the handler of a `Server` makes ends by the deadline of the call that the handler serves, too.

    Args:
        service: The service's class, of a loaded IDL file or a generated module.
        url: ``tcp://host:port``, ``tls://host:port``, which is TCP with TLS, ``unix:///path``, or ``memory://name`` for
            a server of this very process; ``http://host[:port]/path`` or ``https://host[:port]/path``; or several that
            serve the same. Of those each new connection goes to the next one, and to the others when that takes none;
            of the time that is left, each but the last gets an equal part. Each address of a host is tried; an IPv6
            address stands in brackets. Or a callable that opens a transport of your own: see `CustomTransport`.
        protocol: How values are encoded: a protocol's name, or a protocol with options such as
            ``Compact(utf8="bytes")``, whose limits bound what a reply may ask of this side and how large a call may be.
        transport: "framed", which is the default, puts a length before each message; "unframed", or "buffered", does
            not. "header" is the Header transport, which carries headers and the call's deadline; "header+zlib" and
            "header+zstd" compress its messages. "zlib" is a compressed stream of unframed messages, "zlib+framed" one
            of framed ones. Over HTTP it is left out: each body is one unframed message.
        timeout: The seconds that a call may take in all: connecting, waiting for a connection and making it again
            included; None for no limit.
        service_name: The name under which the server knows the service, where it serves several on one port.
        pool: How many connections there may be and how long they are kept; None for one, which calls use in turns.
        retry: When and how often calls are made again; None for never.
        tls: Whom to trust, and who this side is, where the URL says TLS; by default the system's roots, and the host's
            name is verified. Nothing ever falls back to plaintext.
        interceptors: What runs around each call: ``interceptor(call, proceed)`` returns what ``proceed()`` returns, or
            another result instead, or raises. Before it proceeds it may add to ``call.headers``; after that it finds
            the reply's in ``call.reply_headers``. The first is the outermost, and the last proceeds to the call itself:
            repeating it, where `retry` or `hedge` allow that, happens inside of that one ``proceed()``.
        headers: What travels beside each call, over HTTP or in the Header transport.
        sasl: How this side says who it is before its first call: `fastthrift.sasl.Plain`, `fastthrift.sasl.GSSAPI`, or
            an object of your own that has a name and can start and step. Messages are framed then.
        hedge: After how many seconds without a reply a call is made a second time, over another connection of the pool:
            the first reply counts, and the connection of the other call is closed. Only calls that do no harm when they
            are carried out twice are made so, as `with_options` tells, and the budget of `retry` bounds them, too. None
            for never.

    Raises:
        ConnectError: The connection cannot be made.
        TransportTimeout: It cannot be made in time.
        TypeError: An option is not of its class.
        ValueError: A URL, or another option, cannot be.
    """
    opener = url if callable(url) else None
    urls = [] if callable(url) else urls_of(url)
    return _core.connect(
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


def with_options(
    client: _ClientT,
    *,
    timeout: float | EllipsisType | None = ...,
    headers: Mapping[str, str] | EllipsisType | None = ...,
    idempotent: bool | EllipsisType | None = ...,
) -> _ClientT:
    """Return a client of the same class over the same connections, whose calls differ as said.

    It costs next to nothing, so it may be made for a single call. What is not given stays as it is. Closing either
    client closes the connections of both.

    Args:
        client: A client, or what this function returned before.
        timeout: The seconds that a call may take in all; None for no limit. Where headers travel, the server is told
            what is left of it.
        headers: What travels beside each call, added to what did already; None takes all away. The client's transport
            has to carry headers.
        idempotent: Whether calls may be made again even if they may have been carried out: True and False count more
            than the annotation of a function, None leaves it to that.

    Raises:
        TypeError: It is no client, or headers are not text.
        ValueError: The time-out cannot be, or the transport carries no headers.
    """
    twin: _ClientT = _core.with_options(client, timeout, headers, idempotent)
    return twin
