"""One process of ``fastthrift serve``: it loads the handler and serves on sockets that it was started with."""

from __future__ import annotations

import functools
import importlib
import inspect
import logging
import os
import signal
import socket
import sys

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
CALM = 1.0
"""For how many seconds a client must be quiet to be cut off without a reply to tell it so."""

_log = logging.getLogger("fastthrift.serve")


def work(options: argparse.Namespace) -> int:
    """Serve until told to stop, and return the exit code."""
    channel = socket.socket(fileno=options.channel)
    configure(options.log_level, worker=os.environ.get("FASTTHRIFT_WORKER", "0"))
    wakeup, signals = socket.socketpair()
    for end in (wakeup, signals):
        end.setblocking(False)
    for ignored in (signal.SIGINT, signal.SIGHUP):
        # A terminal sends these to all processes; the one that watches this one says what they mean.
        signal.signal(ignored, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _ignore)
    signal.set_wakeup_fd(signals.fileno())
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
    _wait(wakeup, channel)
    return _stop(server, options.grace)


def make_server(options: argparse.Namespace) -> Server:
    """Load the handler and make its server."""
    sys.path.insert(0, os.getcwd())
    service = _find(options.service) if options.service else None
    names = ("protocol", "transport", "threads", "max_connections", "max_in_flight", "max_memory")
    settings: Mapping[str, Any] = {name: getattr(options, name) for name in names}
    given = {name: value for name, value in settings.items() if value is not None}
    if options.tls_cert:
        given["tls"] = _core.ServerTLS(options.tls_cert, options.tls_key, client_ca_file=options.tls_client_ca)
    return Server(handler_of(_find(options.handler)), options.listen, service=service, health=options.health, **given)


def _ignore(number: int, frame: object) -> None:
    """Do nothing: that the signal came is read elsewhere."""


def handler_of(found: Any) -> Any:
    """Return the handler that an object of a module stands for: itself, an instance of it, or what it makes."""
    makes = inspect.isclass(found) or inspect.isroutine(found) or isinstance(found, functools.partial)
    return _called(found) if makes else found  # pyright: ignore[reportUnknownVariableType]


def _called(maker: Any) -> Any:
    return maker()


def _find(name: str) -> Any:
    module, _, path = name.partition(":")
    if not module or not path:
        raise ValueError(f"expected module:name, got {name!r}")
    return functools.reduce(getattr, path.split("."), importlib.import_module(module))


def _wait(wakeup: socket.socket, channel: socket.socket) -> None:
    """Wait for the signal to stop, or for the end of the process that watches this one."""
    import select

    while True:
        ready, _, _ = select.select([wakeup, channel], [], [])
        if channel in ready or signal.SIGTERM in wakeup.recv(64):
            return


def _stop(server: Server, grace: float) -> int:
    if server._drain(grace, calm=min(CALM, grace / 2)):  # pyright: ignore[reportPrivateUsage]
        return 0
    _log.warning("cut off what was not done after %g seconds", grace)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    # Handlers that still run would be waited for otherwise.
    os._exit(1)
