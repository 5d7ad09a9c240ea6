"""The base of the stub classes of services."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol, TypeVar

    _C_co = TypeVar("_C_co", covariant=True)

    class ClientOf(Protocol[_C_co]):
        """A service's class, which says what its clients are; generated stubs have that."""

        def _thrift_client(self) -> type[_C_co]: ...

    class AsyncClientOf(Protocol[_C_co]):
        """The same of clients on an event loop."""

        def _thrift_async_client(self) -> type[_C_co]: ...


class _ClientClass:
    """The class of a service's clients, as an attribute of the service's class."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: object, owner: type) -> type:
        find = _find_async_client if self._name == "AsyncClient" else _find_client
        try:
            return find(owner)
        except TypeError:
            raise AttributeError(f"{owner.__name__!r} is no service, so it has no {self._name}") from None


def _find_client(service: type) -> type:
    from fastthrift import _core

    return _core.client_class(service)


def _find_async_client(service: type) -> type:
    from fastthrift import _core
    from fastthrift.aio import Client

    return _core.async_client_class(service, Client)


class Service:
    """Base of the classes of Thrift services: extend one and write its methods to handle calls.

    A service's class has the classes of its clients: ``Client``, which `fastthrift.connect` makes, and ``AsyncClient``,
    which `fastthrift.aio.connect` does.
    """

    __slots__ = ()

    if not TYPE_CHECKING:
        Client = _ClientClass("Client")
        AsyncClient = _ClientClass("AsyncClient")

        @classmethod
        def _thrift_client(cls):
            return _find_client(cls)

        @classmethod
        def _thrift_async_client(cls):
            return _find_async_client(cls)
