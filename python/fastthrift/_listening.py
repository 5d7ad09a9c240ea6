"""Listening sockets that several processes serve from."""

from __future__ import annotations

import contextlib
import os
import socket
import stat
from urllib.parse import urlsplit

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TypeAlias

    _Address: TypeAlias = tuple[socket.AddressFamily, tuple[Any, ...]]

_BACKLOG = 1024
_PORTS = {"http": 80, "https": 443}
_REUSE = getattr(socket, "SO_REUSEPORT", None)


class Place:
    """Where to listen, as a URL says it.

    A port has as many sockets as there are processes, and the system spreads clients over them (SO_REUSEPORT). Where it
    cannot do that, and at a path, there is one, which all processes share.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._path = ""
        self._addresses: list[_Address] = []
        self._shared: list[socket.socket] = []
        if url.startswith("unix://"):
            self._path = url.removeprefix("unix://")
            if not self._path:
                raise ValueError(f"the URL {url!r} has no path")
            self._shared.append(_listening_at_path(self._path))
        else:
            self._resolve()

    def open(self) -> list[socket.socket]:
        """Return sockets for one more process; the caller closes them."""
        if not self._shared and _REUSE is None:
            self._shared = [self._listening(address) for address in self._addresses]
        if self._shared:
            return [each.dup() for each in self._shared]
        return [self._listening(address) for address in self._addresses]

    def close(self) -> None:
        """Close what is shared, and remove a socket's file."""
        if self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._path)
        for each in self._shared:
            each.close()
        self._shared.clear()

    def _resolve(self) -> None:
        """Find the addresses, and the port where any free one is asked for."""
        parts = urlsplit(self.url)
        if parts.scheme not in ("tcp", "tls", *_PORTS) or not parts.hostname:
            expected = "tcp://host:port, tls://host:port, unix:///path, or http:// or https:// with a host"
            raise ValueError(f"cannot serve {self.url!r} from processes, expected {expected}")
        port = _PORTS.get(parts.scheme) if parts.port is None else parts.port
        if port is None:
            raise ValueError(f"the URL {self.url!r} has no port")
        found = socket.getaddrinfo(parts.hostname, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        addresses = list(dict.fromkeys((family, address) for family, *_, address in found))
        failure: OSError | None = None
        for family, address in addresses:
            try:
                # This fails when somebody listens there, also where that would allow another to do the same.
                with _bound(family, (address[0], port, *address[2:]), is_alone=len(addresses) == 1) as probe:
                    port = int(probe.getsockname()[1])
            except OSError as error:
                failure = failure or error
            else:
                self._addresses.append((family, (address[0], port, *address[2:])))
        if not self._addresses:
            raise failure or OSError(f"the host {parts.hostname!r} has no address")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self.url = parts._replace(netloc=f"{host}:{port}").geturl()

    def _listening(self, address: _Address) -> socket.socket:
        found = _bound(*address, is_alone=len(self._addresses) == 1, options=[] if _REUSE is None else [_REUSE])
        found.listen(_BACKLOG)
        return found


def _bound(
    family: socket.AddressFamily, address: tuple[Any, ...], *, is_alone: bool, options: list[int] | None = None
) -> socket.socket:
    """Return a socket that is bound and does not listen yet."""
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in (socket.SO_REUSEADDR, *(options or ())):
            bound.setsockopt(socket.SOL_SOCKET, option, 1)
        if family == socket.AF_INET6 and not is_alone:
            # The addresses of IPv4 have sockets of their own.
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.bind(address)
    except BaseException:
        bound.close()
        raise
    return bound


def _listening_at_path(path: str) -> socket.socket:
    _remove_stale(path)
    bound = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        bound.bind(path)
        bound.listen(_BACKLOG)
    except BaseException:
        bound.close()
        raise
    return bound


def _remove_stale(path: str) -> None:
    """Remove a socket's file that nobody listens on."""
    try:
        is_socket = stat.S_ISSOCK(os.lstat(path).st_mode)
    except FileNotFoundError:
        return
    if not is_socket:
        raise FileExistsError(f"{path} exists and is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        else:
            raise OSError(f"another server listens at {path}")
