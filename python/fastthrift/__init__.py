"""Thrift for Python and Rust, on one Rust core: the Python package."""

from fastthrift._core import (
    JSON,
    Backoff,
    Binary,
    Call,
    ClientTLS,
    Compact,
    Limits,
    Pool,
    Retry,
    RetryBudget,
    ServerTLS,
    SimpleJSON,
    Struct,
    StructIterator,
    ThriftException,
    Union,
    current_call,
    deserialize,
    deserialize_from,
    from_dict,
    from_json,
    iter_structs,
    serialize,
    serialize_into,
    to_dict,
    to_json,
)
from fastthrift._errors import (
    ConnectError,
    ConnectionLost,
    DecodeError,
    EncodeError,
    PeerError,
    TApplicationException,
    TException,
    TProtocolException,
    TransportTimeout,
    TTransportException,
)
from fastthrift._load import check, load, load_files, loads

TYPE_CHECKING = False
if TYPE_CHECKING:
    from fastthrift._client import Client, connect, with_options
    from fastthrift._diagnostics import Diagnostic, ThriftSyntaxError
    from fastthrift._enum import ThriftEnum
    from fastthrift._generate import generate_python, generate_stubs
    from fastthrift._hook import install_import_hook, remove_import_hook
    from fastthrift._processor import Processor
    from fastthrift._server import Server, serve
    from fastthrift._service import Service
    from fastthrift._web import ASGI, WSGI
del TYPE_CHECKING

__all__ = [
    "ASGI",
    "JSON",
    "WSGI",
    "Backoff",
    "Binary",
    "Call",
    "Client",
    "ClientTLS",
    "Compact",
    "ConnectError",
    "ConnectionLost",
    "DecodeError",
    "Diagnostic",
    "EncodeError",
    "Limits",
    "PeerError",
    "Pool",
    "Processor",
    "Retry",
    "RetryBudget",
    "Server",
    "ServerTLS",
    "Service",
    "SimpleJSON",
    "Struct",
    "StructIterator",
    "TApplicationException",
    "TException",
    "TProtocolException",
    "TTransportException",
    "ThriftEnum",
    "ThriftException",
    "ThriftSyntaxError",
    "TransportTimeout",
    "Union",
    "check",
    "connect",
    "current_call",
    "deserialize",
    "deserialize_from",
    "from_dict",
    "from_json",
    "generate_python",
    "generate_stubs",
    "install_import_hook",
    "iter_structs",
    "load",
    "load_files",
    "loads",
    "remove_import_hook",
    "serialize",
    "serialize_into",
    "serve",
    "to_dict",
    "to_json",
    "with_options",
]

_MODULES = {
    "ASGI": "_web",
    "WSGI": "_web",
    "Client": "_client",
    "Diagnostic": "_diagnostics",
    "Processor": "_processor",
    "Server": "_server",
    "Service": "_service",
    "ThriftEnum": "_enum",
    "ThriftSyntaxError": "_diagnostics",
    "connect": "_client",
    "generate_python": "_generate",
    "generate_stubs": "_generate",
    "install_import_hook": "_hook",
    "remove_import_hook": "_hook",
    "serve": "_server",
    "with_options": "_client",
}
"""Where the names are that not every program needs: a module is imported when the first of its names is asked for."""


_SUBPACKAGES = ("aio", "generated")
"""Modules of the package that are public by themselves, and are imported when they are asked for."""


def __getattr__(name: str) -> object:
    if name in _SUBPACKAGES:
        return __import__(f"{__name__}.{name}", fromlist=("*",))
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(__import__(f"{__name__}.{module}", fromlist=(name,)), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_SUBPACKAGES})
