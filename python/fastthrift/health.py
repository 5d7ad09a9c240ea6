"""The health of a server's services, as a service beside them.

``Server(handler, url, health=True)`` serves `Health` under the name `NAME`, and ``server.set_health`` says what it
answers. A client asks with ``connect(health.Health, url, service_name=health.NAME).check("")``. The IDL lies beside
this file, for clients in other languages.
"""

from __future__ import annotations

import os

from fastthrift._load import load

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from enum import IntEnum

    from fastthrift._service import Service

    class Status(IntEnum):
        """How a service is."""

        UNKNOWN = 0
        SERVING = 1
        NOT_SERVING = 2
        SERVICE_UNKNOWN = 3

    class Health(Service):
        """Tells how a server's services are."""

        def check(self, service: str) -> Status:
            """Return how a service is; "" stands for the server as a whole."""
            ...

else:
    _idl = load(os.path.join(os.path.dirname(__file__), "health.thrift"))
    Status = _idl.Status
    Health = _idl.Health

__all__ = ["NAME", "Health", "Status"]

NAME = "fastthrift.Health"
"""The name under which servers serve it."""


def _either(choices: Iterable[str]) -> str:
    *others, last = choices
    return f"{', '.join(others)} or {last}" if others else last


class Reporter(Health):
    """What a server answers with."""

    def __init__(self, services: Iterable[str]) -> None:
        self._known = dict.fromkeys(("", *services), Status.SERVING)
        self._is_stopping = False

    def check(self, service: str) -> Status:
        """Return how a service is."""
        status = self._known.get(service, Status.SERVICE_UNKNOWN)
        is_ending = self._is_stopping and status is not Status.SERVICE_UNKNOWN
        return Status.NOT_SERVING if is_ending else status

    def set(self, service: str, status: Status) -> None:
        """Say how a service is from now on."""
        given: object = status
        if isinstance(given, bool) or status not in tuple(Status):
            raise ValueError(
                f"{status!r:.40} is no status of a service, expected {_either(each.name for each in Status)}"
            )
        if service not in self._known:
            raise ValueError(f"no service {service!r:.40} is served here, expected {_either(map(repr, self._known))}")
        self._known[service] = Status(status)

    def note(self, *, is_stopping: bool) -> None:
        """Say whether the server is about to stop: then nothing of it is serving."""
        self._is_stopping = is_stopping
