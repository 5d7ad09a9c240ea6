"""Apache Thrift's Python library as a peer: its protocols, transports and servers, with types written by hand."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from thrift.protocol.TBase import TBase, TExceptionBase
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAcceleratedFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.protocol.TMultiplexedProtocol import TMultiplexedProtocol
from thrift.server.TServer import TThreadedServer
from thrift.Thrift import TApplicationException, TMessageType, TProcessor, TType
from thrift.TMultiplexedProcessor import TMultiplexedProcessor
from thrift.transport.TSocket import TServerSocket, TSocket
from thrift.transport.TTransport import TBufferedTransportFactory, TFramedTransportFactory

from tests.interop.handler import Calculator

__all__ = ["DivisionByZero", "Entry", "TApplicationException", "connect", "serve"]

PROTOCOLS: dict[str, Callable[[], Any]] = {
    "binary": TBinaryProtocolAcceleratedFactory,
    "compact": TCompactProtocolAcceleratedFactory,
    "json": TJSONProtocolFactory,
}
TRANSPORTS: dict[str, Callable[[], Any]] = {"framed": TFramedTransportFactory, "unframed": TBufferedTransportFactory}

I64 = (TType.I64, None)
TEXT = (TType.STRING, "UTF8")
DOUBLE = (TType.DOUBLE, None)
I32 = (TType.I32, None)


def spec(*fields: tuple[int, str, tuple[int, Any]]) -> tuple[Any, ...]:
    """Lay fields out as Apache's generated code does: the place of each is its id."""
    places: list[Any] = [None] * (max((number for number, _, _ in fields), default=-1) + 1)
    for number, name, (ttype, arguments) in fields:
        places[number] = (number, ttype, name, arguments, None)
    return tuple(places)


class _Record(TBase):  # noqa: PLW1641 (compared, never hashed)
    """A struct whose fields are those of its `thrift_spec`."""

    def __init__(self, **values: Any) -> None:
        for place in self.thrift_spec:
            if place is not None:
                setattr(self, place[2], values.pop(place[2], None))
        assert not values

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.__dict__})"


class DivisionByZero(TExceptionBase):
    thrift_spec = spec((1, "message", TEXT), (2, "code", I32))

    def __init__(self, message: str | None = None, code: int | None = None) -> None:
        self.message, self.code = message, code


class Entry(_Record):
    thrift_spec: tuple[Any, ...] = ()


STRUCT = (TType.STRUCT, [Entry, None])
Entry.thrift_spec = spec(
    (1, "text", TEXT),
    (2, "numbers", (TType.LIST, (TType.DOUBLE, None, False))),
    (3, "marks", (TType.SET, (TType.I32, None, False))),
    (4, "counts", (TType.MAP, (TType.STRING, "UTF8", TType.I64, None, False))),
    (5, "raw", (TType.STRING, "BINARY")),
    (6, "flag", (TType.BOOL, None)),
    (7, "tiny", (TType.BYTE, None)),
    (8, "small", (TType.I16, None)),
    (9, "kind", I32),
    (40, "children", (TType.LIST, (TType.STRUCT, STRUCT[1], False))),
    (41, "flags", (TType.LIST, (TType.BOOL, None, False))),
)
STRUCT[1][1] = Entry.thrift_spec
ERROR = (TType.STRUCT, [DivisionByZero, DivisionByZero.thrift_spec])
ENTRIES = (TType.LIST, (TType.STRUCT, STRUCT[1], False))
TEXTS = (TType.LIST, (TType.STRING, "UTF8", False))

# Of each function: the fields of its arguments and of its result; without result fields it is void, with None oneway.
FUNCTIONS: dict[str, tuple[tuple[Any, ...], tuple[Any, ...] | None]] = {
    "add": (spec((1, "a", I64), (2, "b", I64)), spec((0, "success", I64))),
    "divide": (spec((1, "a", DOUBLE), (2, "b", DOUBLE)), spec((0, "success", DOUBLE), (1, "error", ERROR))),
    "echo": (spec((1, "entry", STRUCT)), spec((0, "success", STRUCT))),
    "nothing": ((), spec((0, "success", ENTRIES))),
    "check": (spec((1, "code", I32)), spec((1, "error", ERROR))),
    "note": (spec((1, "text", TEXT)), None),
    "notes": ((), spec((0, "success", TEXTS))),
    "refuse": (spec((1, "text", TEXT)), ()),
    "crash": ((), ()),
}


CLASSES = {
    name: tuple(None if fields is None else type("Record", (_Record,), {"thrift_spec": fields}) for fields in both)
    for name, both in FUNCTIONS.items()
}
"""Of each function: the classes of its arguments and of its result."""


class Client:
    """Calls functions as Apache's generated clients do."""

    def __init__(self, protocol: Any) -> None:
        self._protocol = protocol
        self._sequence_id = 0

    def __getattr__(self, name: str) -> Callable[..., Any]:
        arguments, result = CLASSES[name]

        def call(*values: Any) -> Any:
            names = [place[2] for place in arguments.thrift_spec if place is not None]
            self._send(name, arguments(**dict(zip(names, values, strict=True))), is_oneway=result is None)
            return None if result is None else self._receive(name, result())

        return call

    def _send(self, name: str, arguments: Any, *, is_oneway: bool) -> None:
        self._sequence_id += 1
        kind = TMessageType.ONEWAY if is_oneway else TMessageType.CALL
        self._protocol.writeMessageBegin(name, kind, self._sequence_id)
        arguments.write(self._protocol)
        self._protocol.writeMessageEnd()
        self._protocol.trans.flush()

    def _receive(self, name: str, result: Any) -> Any:
        found, kind, sequence_id = self._protocol.readMessageBegin()
        assert (found, sequence_id) == (name, self._sequence_id)
        if kind == TMessageType.EXCEPTION:
            result = TApplicationException()
        result.read(self._protocol)
        self._protocol.readMessageEnd()
        if kind == TMessageType.EXCEPTION:
            raise result
        if getattr(result, "error", None) is not None:
            raise result.error
        return getattr(result, "success", None)


class Processor(TProcessor):  # type: ignore[misc]  # the library has no types
    """Serves a handler as Apache's generated processors do."""

    def __init__(self, handler: Any) -> None:
        self._handler = handler

    def process(self, iprot: Any, oprot: Any) -> None:
        name, _, sequence_id = iprot.readMessageBegin()
        arguments_class, result_class = CLASSES[name]
        arguments = arguments_class()
        arguments.read(iprot)
        iprot.readMessageEnd()
        kind, result = self._call(name, arguments, result_class)
        if result is not None:
            oprot.writeMessageBegin(name, kind, sequence_id)
            result.write(oprot)
            oprot.writeMessageEnd()
            oprot.trans.flush()

    def _call(self, name: str, arguments: Any, result_class: Any) -> tuple[int, Any]:
        values = [getattr(arguments, place[2]) for place in arguments.thrift_spec if place is not None]
        try:
            value = getattr(self._handler, name)(*values)
        except DivisionByZero as error:
            return TMessageType.REPLY, result_class(error=error)
        except TApplicationException as error:
            return TMessageType.EXCEPTION, error
        except Exception:  # noqa: BLE001 (what generated processors catch)
            return TMessageType.EXCEPTION, TApplicationException(TApplicationException.INTERNAL_ERROR, "Internal error")
        if result_class is None:
            return TMessageType.ONEWAY, None
        return TMessageType.REPLY, result_class() if value is None else result_class(success=value)


@contextmanager
def connect(url: str, protocol: str, transport: str, service_name: str | None = None) -> Iterator[Client]:
    """Connect a client; "old binary" is Binary without a version."""
    address = urlsplit(url)
    socket = TSocket(unix_socket=address.path) if address.scheme == "unix" else TSocket(address.hostname, address.port)
    stream = TRANSPORTS[transport]().getTransport(socket)
    stream.open()
    try:
        if protocol == "old binary":
            speaking = TBinaryProtocol(stream, strictRead=False, strictWrite=False)
        else:
            speaking = PROTOCOLS[protocol]().getProtocol(stream)
        yield Client(TMultiplexedProtocol(speaking, service_name) if service_name else speaking)
    finally:
        stream.close()


class ListeningSocket(TServerSocket):  # type: ignore[misc]  # the library has no types
    """A server's socket that listens at once, so that its port is known."""

    def __init__(self) -> None:
        super().__init__("127.0.0.1", 0)
        super().listen()

    def listen(self) -> None:
        pass


@cache
def serve(protocol: str, transport: str, service_name: str | None = None) -> str:
    """Serve until the tests end, and return the URL; with a name, the service is one of several."""
    processor: Any = Processor(Calculator(sys.modules[__name__]))
    if service_name:
        several = TMultiplexedProcessor()
        several.registerProcessor(service_name, processor)
        processor = several
    socket = ListeningSocket()
    server = TThreadedServer(processor, socket, TRANSPORTS[transport](), PROTOCOLS[protocol](), daemon=True)
    threading.Thread(target=server.serve, daemon=True).start()
    host, port = socket.handle.getsockname()
    return f"tcp://{host}:{port}"
