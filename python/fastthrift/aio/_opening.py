"""How connections of clients on an event loop are made."""

from __future__ import annotations

import asyncio
import errno
import functools
import socket
from typing import TYPE_CHECKING, Any, TypeVar

from fastthrift._errors import ConnectError, TransportTimeout, TTransportException
from fastthrift.aio._custom import CustomTransport
from fastthrift.aio._threads import plainly
from fastthrift.sasl import Plain

if TYPE_CHECKING:
    from collections.abc import Callable

    from fastthrift import _core

    _T = TypeVar("_T")


_LASTING = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}
"""Errors that another attempt to connect would end with, too; besides there is what is not permitted."""


def start_opening(connections: _core.AsyncConnections) -> asyncio.Task[None]:
    """Make a connection for calls that wait already."""
    return asyncio.get_running_loop().create_task(_open_for_calls(connections))


async def _open_for_calls(connections: _core.AsyncConnections) -> None:
    try:
        await open_connection(connections)
    except TTransportException as error:
        make_error = functools.partial(type(error), error.type, error.message, was_sent=False)
        connections.opened(make_error, _is_lasting(error))
    except BaseException:
        connections.opened(
            functools.partial(TTransportException, TTransportException.NOT_OPEN, "the client was closed"),
            is_lasting=True,
        )
        raise
    else:
        connections.opened()


async def open_connection(connections: _core.AsyncConnections) -> None:
    """Make a connection to the first address that takes one.

    Each but the last gets an equal part of the time that is left, so that one that is silent does not use it all up.
    """
    loop = asyncio.get_running_loop()
    timeout = connections.timeout
    end = None if timeout is None else loop.time() + timeout
    places = connections.places()
    for left, place in zip(range(len(places), 0, -1), places, strict=True):
        part = None if end is None else max(0.0, end - loop.time()) / left
        try:
            await asyncio.wait_for(_make(connections, place), part)
            return
        except (TimeoutError, asyncio.TimeoutError):
            if left == 1:
                span = "" if timeout is None else f" within {timeout:g} s"
                text = f"cannot connect to {connections.url}{span}"
                raise TransportTimeout(TTransportException.TIMED_OUT, text, was_sent=False) from None
        except OSError as failure:
            if left == 1:
                text = f"cannot connect to {connections.url}: {failure}"
                cause = failure.__cause__ or failure
                raise ConnectError(TTransportException.NOT_OPEN, text, was_sent=False) from cause


def _is_lasting(error: TTransportException) -> bool:
    """Return whether no call is made again after this: another attempt to connect would end so, too."""
    failure = error.__context__
    is_known = isinstance(failure, PermissionError) or getattr(failure, "errno", None) in _LASTING
    return not isinstance(error, ConnectError) or is_known or getattr(failure, "is_lasting", False)


async def _make(connections: _core.AsyncConnections, place: int) -> None:
    loop = asyncio.get_running_loop()
    ready: asyncio.Future[bytes | None] = loop.create_future()
    introduction = await _ask(connections, connections.introduction, place)
    link = connections.link(place, ready, introduction)
    transport: Any = await _connect(loop, connections, place, link)
    try:
        while (challenge := await ready) is not None and introduction is not None:
            response = await _ask(connections, introduction.step, challenge)
            ready = loop.create_future()
            link.respond(response, ready)
    except BaseException:
        transport.abort()
        raise


async def _ask(connections: _core.AsyncConnections, method: Callable[..., _T], *arguments: Any) -> _T:
    """Call a method of the mechanism of SASL: in a thread, unless it is known to be quick."""
    mechanism = connections.sasl
    try:
        if mechanism is None or type(mechanism) is Plain:
            return method(*arguments)
        return await asyncio.to_thread(plainly, method, *arguments)
    except Exception as error:
        # To say the same again would not help, and a wrong password that is said too often may lock its user out.
        raise PermissionError(f"{type(error).__name__}: {error}") from error


async def _connect(
    loop: Any, connections: _core.AsyncConnections, place: int, link: _core.AsyncLink
) -> asyncio.BaseTransport:
    transport: asyncio.BaseTransport
    if connections.opener is not None:
        return await _open_custom(loop, connections.opener, link)
    address = connections.address(place)
    if isinstance(address, tuple):
        transport, _ = await loop.create_connection(lambda: link, *address)
    elif isinstance(address, int):
        transport, _ = await loop.create_unix_connection(lambda: link, sock=socket.socket(fileno=address))
    else:
        transport, _ = await loop.create_unix_connection(lambda: link, str(address))
    return transport


async def _open_custom(
    loop: asyncio.AbstractEventLoop, opener: Callable[[], Any], link: _core.AsyncLink
) -> CustomTransport:
    try:
        stream = opener()
        if hasattr(stream, "__await__"):
            stream = await stream
    except OSError:
        raise
    except Exception as error:
        raise ConnectionError(str(error)) from error
    for name in ("read", "write", "flush", "close"):
        if not callable(getattr(stream, name, None)):
            raise ConnectionError(f"a transport needs a method {name!r}, got {stream!r}")
    return CustomTransport(loop, stream, link)
