"""Opening clients."""

from __future__ import annotations

from fastthrift import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Literal, TypeAlias

    from fastthrift._service import Service

    Protocol: TypeAlias = Literal["binary", "compact", "json", "simplejson"] | _core.WireProtocol
    Transport: TypeAlias = Literal["framed", "unframed"]

    class Client(_core.Client):
        """A client of a service: its methods are those of the IDL."""

        def __getattr__(self, name: str) -> Any: ...

else:
    from fastthrift._core import Client


def connect(
    service: type[Service],
    url: str,
    *,
    protocol: Protocol = "binary",
    transport: Transport = "framed",
    timeout: float | None = None,
    service_name: str | None = None,
) -> Client:
    """Connect to a service and return a client whose methods are the functions of the IDL.

    The client is a context manager. Threads may share it; it makes one call at a time. When the connection breaks, the
    call that it broke under fails and the next one makes a new connection, so no call ever gets the reply of another.

    Args:
        service: The service's class, of a loaded IDL file.
        url: ``tcp://host:port`` or ``unix:///path``.
        protocol: How values are encoded: a protocol's name, or a protocol with options such as
            ``Compact(utf8="bytes")``, whose limits bound what a reply may ask of this side and how large a call may be.
        transport: "framed" puts a length before each message, "unframed" does not (others call it buffered).
        timeout: The seconds that a call may take in all, connecting and waiting for other threads included; None for no
            limit.
        service_name: The name under which the server knows the service, where it serves several on one port.

    Raises:
        TTransportException: The connection cannot be made.
        TransportTimeout: It cannot be made in time.
    """
    client: Client = _core.connect(service, url, protocol, transport, timeout, service_name)  # type: ignore[assignment]
    return client
