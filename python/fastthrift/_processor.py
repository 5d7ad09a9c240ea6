"""Serving one message at a time."""

from __future__ import annotations

from fastthrift import _core
from fastthrift._server import named

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from concurrent.futures import Executor

    from fastthrift._client import Protocol, Transport
    from fastthrift._server import Interceptor
    from fastthrift._service import Service


def checked_executor(executor: Executor | None) -> Executor | None:
    """Return what runs in threads.

    Raises:
        TypeError: It cannot do that.
    """
    if executor is not None and not callable(getattr(executor, "submit", None)):
        raise TypeError(f"executor must be a concurrent.futures.Executor or None, got {executor!r:.40}")
    return executor


class Processor:
    """Serves handlers without a socket: bytes of a request in, bytes of the reply out.

    For transports that bring whole messages: a web framework, a message queue, datagrams. Handlers are those of
    `Server`. It may be shared by threads; a handler runs in the thread that asks.

    Args:
        handler: The handler, or a dict of them, as for `Server`.
        service: The service that the handler serves, where its class does not say.
        protocol: The only protocol to accept; by default each, told apart by a message's first bytes.
        transport: The only framing to accept; by default each, told apart likewise.
        limits: What a request may ask of this side; ``message`` bounds a request and a reply.
        interceptors: What runs around each handler, as for `Server`.

    Raises:
        TypeError: As for `Server`.
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
        interceptors: Iterable[Interceptor] | None = None,
    ) -> None:
        self._core = _core.ProcessorCore(
            named(handler, service), protocol=protocol, transport=transport, limits=limits, interceptors=interceptors
        )

    @property
    def max_message_size(self) -> int:
        """The most bytes that a request may have."""
        return self._core.max_message_size

    def process(
        self,
        request: bytes,
        *,
        headers: dict[str, str] | None = None,
        peer: str | None = None,
        reply_headers: dict[str, str] | None = None,
        waited: float = 0.0,
    ) -> bytes | None:
        """Serve what is in a request and return the reply, in the request's own protocol and framing.

        Args:
            request: One message, or several after each other.
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
            ValueError: The time that the request waited cannot be.
            BaseException: What a handler raised that is no `Exception`, such as KeyboardInterrupt.
        """
        return self._core.process(request, headers, peer, reply_headers, waited)
