"""One process of ``fastthrift serve``: it loads the handler and serves on sockets that it was started with."""

from __future__ import annotations

import contextlib
import functools
import importlib
import inspect
import logging
import os
import signal
import socket
import sys
import threading

from fastthrift import _core
from fastthrift._log_lines import configure
from fastthrift._server import Server

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping
    from typing import Any

CANNOT_START = 3
"""The exit code when the handler cannot be loaded or served."""
READY = b"R"
"""What is sent to the process that watches this one, once this one serves."""
HEIR = b"H"
"""What comes from there, before the signal to end, with a socket to the process that gets this one's connections."""
LEGACY = b"L"
"""What comes from there with a socket to the process whose connections this one gets."""
CALM = 1.0
"""For how many seconds a client must be quiet to be cut off without a reply to tell it so."""

_SETTINGS = (
    "protocol",
    "transport",
    "threads",
    "message_timeout",
    "idle_timeout",
    "max_message_size",
    "max_connections",
    "max_in_flight",
    "max_memory",
)
"""The options of the command that are the server's own."""

_log = logging.getLogger("fastthrift.serve")


def work(options: argparse.Namespace) -> int:
    """Serve until told to stop, and return the exit code."""
    configure(options.log_level, worker=os.environ.get("FASTTHRIFT_WORKER", "0"))
    wakeup, signals = socket.socketpair()
    with socket.socket(fileno=options.channel) as channel, wakeup, signals:
        for end in (wakeup, signals):
            end.setblocking(False)
        for ignored in (signal.SIGINT, signal.SIGHUP):
            # A terminal sends these to all processes; the one that watches this one says what they mean.
            signal.signal(ignored, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, _ignore)
        signal.set_wakeup_fd(signals.fileno())
        try:
            return _serve(options, channel, wakeup)
        finally:
            signal.set_wakeup_fd(-1)


def _serve(options: argparse.Namespace, channel: socket.socket, wakeup: socket.socket) -> int:
    try:
        server = make_server(options)
        inherited = [int(number) for number in options.inherit.split(",")]
        _core.inherit_sockets(inherited)
        server.start()
        # Now the server alone has them: when it closes them, nobody is queued in vain.
        _core.inherit_sockets([])
        for number in inherited:
            os.close(number)
    except (Exception, SystemExit):  # noqa: BLE001 (whatever the handler's module raises is said)
        _log.exception("cannot serve %s", options.handler)
        return CANNOT_START
    channel.sendall(READY)
    heir = _wait(wakeup, channel, server)
    with heir or contextlib.nullcontext():
        return _stop(server, options.grace, heir)


def make_server(options: argparse.Namespace) -> Server:
    """Load the handler and make its server."""
    sys.path.insert(0, os.getcwd())
    service = _find(options.service) if options.service else None
    settings: Mapping[str, Any] = {name: getattr(options, name) for name in _SETTINGS}
    given = {name: value for name, value in settings.items() if value is not None}
    if options.tls_cert:
        given["tls"] = _core.ServerTLS(options.tls_cert, options.tls_key, client_ca_file=options.tls_client_ca)
    if options.sasl:
        given["sasl"] = {name: _instance_of(_find(place)) for name, place in options.sasl}
    if options.interceptor:
        given["interceptors"] = [_instance_of(_find(place)) for place in options.interceptor]
    return Server(handler_of(_find(options.handler)), options.listen, service=service, health=options.health, **given)


def _ignore(number: int, frame: object) -> None:
    """Do nothing: that the signal came is read elsewhere."""


def handler_of(found: Any) -> Any:
    """Return the handler that an object of a module stands for: itself, an instance of it, or what it makes."""
    makes = inspect.isclass(found) or inspect.isroutine(found) or isinstance(found, functools.partial)
    return _called(found) if makes else found  # pyright: ignore[reportUnknownVariableType]


def _instance_of(found: Any) -> Any:
    """Return what is called later: a function or an object as it is, an instance of a class."""
    return _called(found) if inspect.isclass(found) else found


def _called(maker: Any) -> Any:
    return maker()


def _find(name: str) -> Any:
    module, _, path = name.partition(":")
    if not module or not path:
        raise ValueError(f"expected module:name, got {name!r}")
    return functools.reduce(getattr, path.split("."), importlib.import_module(module))


def _wait(wakeup: socket.socket, channel: socket.socket, server: Server) -> socket.socket | None:
    """Wait for the signal to stop, or for the end of the process that watches this one.

    Returns:
        A socket to the process that gets the connections, where there is one.
    """
    import select

    is_told = False
    while True:
        # What was sent before the signal is there when the signal is.
        ready, _, _ = select.select([wakeup, channel], [], [], 0 if is_told else None)
        if channel in ready:
            said, given = _hear(channel)
            if said == HEIR or not said:
                return given
            if given is not None:
                threading.Thread(target=_inherit, args=(server, given), daemon=True).start()
        elif is_told:
            return None
        if wakeup in ready:
            is_told |= signal.SIGTERM in wakeup.recv(64)


def _hear(channel: socket.socket) -> tuple[bytes, socket.socket | None]:
    """Return what the process that watches this one says, nothing if it is gone, and the socket that came with it."""
    said, descriptors, _, _ = socket.recv_fds(channel, 1, 1)
    return said, socket.socket(fileno=descriptors[0]) if descriptors else None


def _inherit(server: Server, legacy: socket.socket) -> None:
    """Take the connections of the process at the other end, until it ends."""
    with legacy:
        while True:
            place, descriptors, _, _ = socket.recv_fds(legacy, 1, 1)
            if not place:
                return
            for descriptor in descriptors:
                try:
                    server._adopt(place[0], descriptor)  # pyright: ignore[reportPrivateUsage]
                except (OSError, ValueError):
                    _log.exception("cannot take a connection over")
                finally:
                    os.close(descriptor)


def _stop(server: Server, grace: float, heir: socket.socket | None) -> int:
    number = None if heir is None else heir.fileno()
    is_done = server._drain(grace, calm=min(CALM, grace / 2), heir=number)  # pyright: ignore[reportPrivateUsage]
    if is_done:
        return 0
    _log.warning("cut off what was not done after %g seconds", grace)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Handlers that still run would be waited for otherwise.
    os._exit(1)
