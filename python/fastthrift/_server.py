"""Serving."""

from __future__ import annotations

import os

from fastthrift import _core
from fastthrift._urls import urls_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from types import TracebackType
    from typing import Any, NoReturn

    from typing_extensions import Self

    from fastthrift._client import Protocol, Transport
    from fastthrift._core import Call
    from fastthrift._service import Service
    from fastthrift.health import Reporter, Status
    from fastthrift.sasl import ServerMechanism

    Interceptor = Callable[[Call, Callable[[], Any]], Any]

_running: set[Server] = set()


class Server:
    """Serves handlers at a URL from a bounded pool of threads.

    A handler is an object whose methods are the functions of a service: an instance of a class that extends the
    service's class, or any object together with ``service``. A dict of handlers serves several services on one port,
    each under its key; the one under ``""``, or the only one, also serves clients that do not name a service.

    A method gets the arguments in the order of the IDL and returns the result, or raises an exception that the IDL
    declares. Any other exception is logged to ``fastthrift.server``, and the client gets a `TApplicationException` that
    tells nothing of it. A `TApplicationException` is sent as it is.

    A connection takes up to about twice ``max_message_size`` for what was received, up to ``max_decoded_size`` for the
    arguments of its request while that is served, and what its replies take until they are sent.

    The server is a context manager: it serves inside the ``with`` block. At the interpreter's exit it is stopped, and
    handlers that still run are waited for, as other threads are.

    Args:
        handler: The handler, or a dict of them.
        url: ``tcp://host:port``, where a port of 0 is one that is free, ``tls://host:port``, which is TCP with TLS,
            ``unix:///path``, ``memory://name`` for clients of this very process, ``http://host[:port]/path`` or
            ``https://host[:port]/path``, where a path of ``/`` stands for any; or several of these, to listen at all of
            them. Of a host's name, each address is listened on; an IPv6 address stands in brackets. Over HTTP, a GET of
            ``/healthz`` and ``/readyz`` tells whether the server is there.
        service: The service that the handler serves, where its class does not say; for a dict, one of the same keys.
        protocol: The only protocol to accept, by its name or with options such as ``Compact(utf8="bytes")``; by default
            each, told apart by a client's first bytes.
        transport: The only transport to accept: "framed", "unframed", "header", "zlib" or "zlib+framed"; by default
            each, told apart likewise.
        tls: The certificate and key for URLs that say TLS. Nothing ever falls back to plaintext.
        sasl: What judges clients, which then have to say who they are before their first call: a mapping from the names
            of mechanisms to callables. That of ``PLAIN`` is called with the username, the password and the name to act
            for, which is mostly empty, and returns whether they are right; that of another mechanism, which has a
            single step, with its response, and returns who the client is or None. Mechanisms of several steps are
            objects such as `fastthrift.sasl.GSSAPIServer`. Messages are framed then. Without TLS, PLAIN shows passwords
            to the network.
        threads: How many handlers may run at once.
        max_connections: How many clients may be connected; others wait until one leaves.
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
        max_in_flight: The calls that may be in hand at once: those whose handlers run, at most ``threads``, and those
            that wait for a thread. One more is answered at once with a `TApplicationException` of the type
            ``LOADSHEDDING``. None for no limit: calls then wait in their connections.
        max_memory: The bytes of memory that all connections together may take for what was received and what waits to
            be sent, sealed by TLS or not. Not counted are the first 128 KiB of each, 64 KiB more for a handshake or a
            record of TLS, and the values of requests, which `max_decoded_size` and `threads` bound. When the total is
            reached, what would take a connection beyond its 128 KiB is not received until others are done,
            except by one connection at a time, so that each gets its turn; the time for a message runs on meanwhile. So
            the total is exceeded by about one message at most, and by replies: when those alone reach it, calls are
            answered as beyond ``max_in_flight``. None for no limit.
        interceptors: What runs around each handler: ``interceptor(call, proceed)`` returns what ``proceed()`` returns,
            or another result instead, or raises. The first is the outermost. A request for which there is no handler or
            no room, that came too late, or whose arguments cannot be read, is answered without them; those that have a
            method ``refused(service, function, error)`` are told, with "" for names that are not served here.

        health: Whether the server also serves `fastthrift.health.Health`, under the name "fastthrift.Health"; see
            `set_health`.

    Raises:
        TypeError: A handler implements no service, or has methods that are coroutine functions or cannot be called with
            the arguments of the IDL; or an interceptor cannot be called, or it or its `refused` is a coroutine
            function.
        ValueError: The URL, or a number, cannot be, or a bound is given here and in the protocol's limits.
    """

    def __init__(
        self,
        handler: object,
        url: str | Sequence[str],
        *,
        service: type[Service] | Mapping[str, type[Service]] | None = None,
        protocol: Protocol | None = None,
        transport: Transport | None = None,
        tls: _core.ServerTLS | None = None,
        sasl: Mapping[str, Callable[..., object] | ServerMechanism] | None = None,
        threads: int | None = None,
        max_connections: int = 10_000,
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
        self._core = _core.ServerCore(
            handlers,
            urls_of(url),
            tls=tls,
            sasl=sasl,
            protocol=protocol,
            transport=transport,
            threads=min(32, (os.cpu_count() or 1) + 4) if threads is None else threads,
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
            interceptors=interceptors,
        )
        self._ended: threading.Event | None = None

    @property
    def url(self) -> str:
        """Where the server listens, the first place of several; before it is started, where it is to listen."""
        return self._core.urls[0]

    @property
    def urls(self) -> list[str]:
        """All places where the server listens; before it is started, where it is to listen."""
        return self._core.urls

    def start(self) -> None:
        """Listen, and serve in background threads until `stop`.

        Raises:
            OSError: The server cannot listen there.
            RuntimeError: It runs already.
        """
        import threading

        ended = threading.Event()

        def end() -> None:
            _running.discard(self)
            ended.set()

        _stop_at_exit()
        if self._reporter is not None:
            self._reporter.note(is_stopping=False)
        self._core.start(end)
        self._ended = ended
        _running.add(self)
        if ended.is_set():
            _running.discard(self)

    def stop(self, timeout: float | None = 5.0) -> bool:
        """Stop accepting, let what is in flight end, and close all connections.

        Called by a handler, it only starts this. A server that does not run is left as it is.

        Args:
            timeout: After how many seconds connections are closed although something is in flight; None for never.
                Handlers that still run then go on, and their replies are sent if they fit at once.

        Returns:
            Whether all ended in time.

        Raises:
            TypeError: The time is no number.
            ValueError: It is NaN.
        """
        return self._drain(patience(timeout), calm=0.0)

    def _drain(self, timeout: float | None, *, calm: float, heir: int | None = None) -> bool:
        """Stop, and let clients that were active within the last ``calm`` seconds have one more reply.

        With the descriptor of a socket to another process, that gets the connections which can be given away.
        """
        if self._reporter is not None:
            self._reporter.note(is_stopping=True)
        if not self._core.is_here():
            return True
        # A handler may ask for it while `start`, in another thread, has yet to note what tells of the end.
        if self._core.is_in_handler():
            self._core.drain(timeout, calm, heir)
            return False
        ended = self._ended
        if ended is None:
            return True
        self._core.drain(None, calm, heir)
        if ended.wait(timeout):
            return True
        self._core.abort()
        # Threads that are in no handler end at once; nothing more is waited for.
        ended.wait(0.05)
        return False

    def _adopt(self, place: int, descriptor: int) -> None:
        """Serve a connection that another process gave, whose descriptor stays the caller's."""
        self._core.adopt(place, descriptor)

    def set_health(self, service: str, status: Status) -> None:
        """Say how a service is: what clients that ask `fastthrift.health.Health` are told from now on.

        At first each service is SERVING, and so is "", which stands for the server as a whole. While the server stops,
        all are told to be NOT_SERVING. Over HTTP, ``GET /healthz`` is answered with 200 while "" is SERVING, else with
        503.

        Args:
            service: The name under which it is served, or that of the IDL where there is none; "" for the server.
            status: One of `fastthrift.health.Status`.

        Raises:
            RuntimeError: The server was made without ``health=True``.
            ValueError: It serves nothing of this name, or there is no such status.
        """
        tell_health(self._core, self._reporter, service, status)

    def serve_forever(self) -> None:
        """Serve until `stop` is called, or until Ctrl-C. Starts the server where that was not done.

        Raises:
            OSError: The server cannot listen there.
            RuntimeError: A handler of the server called this: it would wait for itself.
        """
        if self._core.is_in_handler():
            raise RuntimeError("a handler cannot wait for the end of its own server")
        if self._ended is None or self._ended.is_set() or not self._core.is_here():
            self.start()
        assert self._ended is not None
        try:
            self._ended.wait()
        except KeyboardInterrupt:
            pass
        finally:
            self.stop()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} can be neither copied nor pickled")

    def __repr__(self) -> str:
        return f"<Server at {', '.join(self.urls)}>"


def serve(
    handler: object,
    url: str | Sequence[str],
    *,
    service: type[Service] | Mapping[str, type[Service]] | None = None,
    protocol: Protocol | None = None,
    transport: Transport | None = None,
    tls: _core.ServerTLS | None = None,
    sasl: Mapping[str, Callable[..., object] | ServerMechanism] | None = None,
    threads: int | None = None,
    max_connections: int = 10_000,
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
    """Serve at a URL until Ctrl-C.

    The arguments are those of `Server`, which can also be stopped and can serve in the background.

    Raises:
        OSError: The server cannot listen there.
        TypeError: As for `Server`.
        ValueError: As for `Server`.
    """
    Server(
        handler,
        url,
        service=service,
        protocol=protocol,
        transport=transport,
        tls=tls,
        sasl=sasl,
        threads=threads,
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
        interceptors=interceptors,
        health=health,
    ).serve_forever()


def named(
    handler: object, service: type[Service] | Mapping[str, type[Service]] | None
) -> list[tuple[str, object, object]]:
    """Return each handler with the name that clients call it by and the service that it serves."""
    from collections.abc import Mapping  # not at the top: few programs that import the package serve

    if not isinstance(handler, Mapping):
        if isinstance(service, Mapping):
            raise TypeError("a dict of services needs a dict of handlers")
        return [("", handler, _service_of(handler, service))]
    handlers: Mapping[str, object] = handler  # pyright: ignore[reportUnknownVariableType]
    if not handlers:
        raise ValueError("there is no handler to serve")
    services = service if isinstance(service, Mapping) else dict.fromkeys(handlers, service)
    for name in handlers:
        _core.given_text("a name of a handler", name)
    for name in services:
        if name not in handlers:
            raise ValueError(f"service has a class for {name!r}, which no handler is named")
    return [(name, each, _service_of(each, services.get(name))) for name, each in handlers.items()]


def reporter_of(handlers: list[tuple[str, object, object]]) -> Reporter:
    """Add the service that tells how the others are."""
    from fastthrift import health

    if any(name == health.NAME for name, _, _ in handlers):
        raise ValueError(f"{health.NAME!r} is the name of the health service: with health=True no handler can have it")
    handles = [(name, getattr(service, "__thrift_service__", None)) for name, _, service in handlers]
    reporter = health.Reporter([name or getattr(handle, "name", "") for name, handle in handles])
    handlers.append((health.NAME, reporter, health.Health))
    return reporter


def tell_health(core: _core.ServerCore, reporter: Reporter | None, service: str, status: Status) -> None:
    """Tell clients from now on how a service is."""
    _core.given_text("service", service)
    if reporter is None:
        raise RuntimeError("the server does not tell its health; make it with health=True")
    reporter.set(service, status)
    if not service:
        core.set_serving(status == 1)


def _service_of(handler: object, service: object) -> object:
    if service is not None:
        return service
    if not hasattr(handler, "__thrift_service__"):
        raise TypeError(f"{handler!r:.40} extends no service's class; say which one it serves: service=module.Service")
    return handler


def patience(timeout: float | None) -> float | None:
    """Return how long is waited for the end; what no clock can measure is for ever."""
    import threading

    if timeout is None:
        return None
    seconds = _core.given_number("timeout", timeout)
    if seconds != seconds:
        raise ValueError("timeout must be a number of seconds, got nan")
    return max(0.0, seconds) if seconds <= threading.TIMEOUT_MAX else None


def _stop_at_exit() -> None:
    """Stop, at the interpreter's exit, what still runs: its threads must not meet an interpreter that is taken down."""
    import atexit

    atexit.unregister(_stop_all)
    atexit.register(_stop_all)


def _stop_all() -> None:
    for server in list(_running):
        ended = server._ended  # pyright: ignore[reportPrivateUsage]
        is_here = server._core.is_here()  # pyright: ignore[reportPrivateUsage]
        if is_here and not server.stop() and ended is not None:
            ended.wait()
