"""Thrift for Python on a Rust core."""

from __future__ import annotations

from fastthrift._client import Client, connect
from fastthrift._core import Struct, ThriftException, Union, deserialize, serialize
from fastthrift._errors import (
    DecodeError,
    Diagnostic,
    EncodeError,
    TApplicationException,
    TException,
    ThriftSyntaxError,
    TProtocolException,
    TransportTimeout,
    TTransportException,
)
from fastthrift._hook import install_import_hook, remove_import_hook
from fastthrift._load import check, load, load_files, loads
from fastthrift._server import Server, serve
from fastthrift._service import Service

__all__ = [
    "Client",
    "DecodeError",
    "Diagnostic",
    "EncodeError",
    "Server",
    "Service",
    "Struct",
    "TApplicationException",
    "TException",
    "TProtocolException",
    "TTransportException",
    "ThriftException",
    "ThriftSyntaxError",
    "TransportTimeout",
    "Union",
    "check",
    "connect",
    "deserialize",
    "install_import_hook",
    "load",
    "load_files",
    "loads",
    "remove_import_hook",
    "serialize",
    "serve",
]
