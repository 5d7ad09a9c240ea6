import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from inspect import Signature
from pathlib import Path
from types import GenericAlias, ModuleType
from typing import Any, Generic, Literal, TypeAlias, TypeVar, final, overload

from typing_extensions import Buffer, Self, disjoint_base

from fastthrift._diagnostics import Diagnostic
from fastthrift._errors import TApplicationException, TException, TransportTimeout
from fastthrift._service import Service
from fastthrift.sasl import Mechanism

_ProtocolName: TypeAlias = Literal["binary", "compact", "json", "simplejson"]
_Protocol: TypeAlias = _ProtocolName | WireProtocol
_Arrays: TypeAlias = Literal["list", "numpy", "array", "memoryview"]
_Binary: TypeAlias = Literal["bytes", "memoryview"]
_Transport: TypeAlias = Literal[
    "framed", "unframed", "buffered", "header", "header+zlib", "header+zstd", "zlib", "zlib+framed"
]
_Dialect: TypeAlias = Literal["extended", "apache"]
_StrPath: TypeAlias = str | os.PathLike[str]
_C = TypeVar("_C", bound=AsyncClient)
_ClientT = TypeVar("_ClientT", bound=Client | AsyncClient)
_S = TypeVar("_S", bound=Struct | Union | ThriftException)

__all__ = [
    "JSON",
    "AsyncClient",
    "AsyncConnections",
    "AsyncIntroduction",
    "AsyncLink",
    "AsyncOptions",
    "AsyncPeer",
    "AsyncServing",
    "Backoff",
    "Binary",
    "Call",
    "Client",
    "ClientConnection",
    "ClientTLS",
    "Compact",
    "GeneratedModule",
    "Limits",
    "Pool",
    "ProcessorCore",
    "Retry",
    "RetryBudget",
    "ServerConnection",
    "ServerCore",
    "ServerTLS",
    "SimpleJSON",
    "Struct",
    "StructIterator",
    "StructMeta",
    "ThriftException",
    "Union",
    "WireProtocol",
    "async_client_class",
    "bind_classes",
    "check_files",
    "check_path",
    "check_report",
    "client_class",
    "connect",
    "current_call",
    "deserialize",
    "deserialize_from",
    "end_call",
    "from_dict",
    "from_json",
    "generate",
    "given_flag",
    "given_function",
    "given_number",
    "given_path",
    "given_text",
    "inherit_sockets",
    "iter_structs",
    "load_files",
    "load_path",
    "serialize",
    "serialize_into",
    "to_dict",
    "to_json",
    "with_options",
]

# ---- what users give as options ----

_F = TypeVar("_F", bound=Callable[..., object])

def given_flag(name: str, given: object) -> bool: ...
def given_function(name: str, given: _F) -> _F: ...
def given_path(name: str, given: object) -> Path: ...
def given_number(name: str, given: object) -> float: ...
def given_text(name: str, given: object) -> str: ...

# ---- classes of loaded IDL files ----

@disjoint_base
class StructMeta(type):
    @property
    def __signature__(cls) -> Signature: ...

class Struct(metaclass=StructMeta):
    __slots__ = ()
    def __init__(self, *args: Any, **fields: Any) -> None: ...
    def __replace__(self, /, **changes: Any) -> Self: ...

class Union(metaclass=StructMeta):
    __slots__ = ()
    def __init__(self, *args: Any, **member: Any) -> None: ...
    @property
    def _which(self) -> str | None: ...
    @property
    def _value(self) -> Any: ...
    def __replace__(self, /, **changes: Any) -> Self: ...

class ThriftException(TException, metaclass=StructMeta):
    __slots__ = ()
    def __init__(self, *args: Any, **fields: Any) -> None: ...
    def __replace__(self, /, **changes: Any) -> Self: ...

@final
class Limits:
    def __new__(
        cls,
        *,
        message: int | None = None,
        string: int | None = None,
        container: int | None = None,
        depth: int | None = None,
        memory: int | None = None,
    ) -> Self: ...
    @property
    def message(self) -> int | None: ...
    @property
    def string(self) -> int | None: ...
    @property
    def container(self) -> int | None: ...
    @property
    def depth(self) -> int | None: ...
    @property
    def memory(self) -> int | None: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]: ...

@disjoint_base
class WireProtocol:
    @property
    def name(self) -> str: ...
    @property
    def utf8(self) -> Literal["strict", "bytes"]: ...
    @property
    def limits(self) -> Limits: ...
    def __eq__(self, other: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, Any]]: ...

@final
class Binary(WireProtocol):
    def __new__(
        cls,
        *,
        strict: bool = False,
        old: bool = False,
        utf8: Literal["strict", "bytes"] = "strict",
        limits: Limits | None = None,
    ) -> Self: ...
    @property
    def strict(self) -> bool: ...
    @property
    def old(self) -> bool: ...

@final
class Compact(WireProtocol):
    def __new__(cls, *, utf8: Literal["strict", "bytes"] = "strict", limits: Limits | None = None) -> Self: ...

@final
class JSON(WireProtocol):
    def __new__(cls, *, utf8: Literal["strict", "bytes"] = "strict", limits: Limits | None = None) -> Self: ...

@final
class SimpleJSON(WireProtocol):
    def __new__(cls, *, utf8: Literal["strict", "bytes"] = "strict", limits: Limits | None = None) -> Self: ...

def serialize(obj: Struct | Union | ThriftException, protocol: _Protocol = "binary") -> bytes: ...
@overload
def serialize_into(
    obj: Struct | Union | ThriftException, buffer: bytearray, protocol: _Protocol = "binary", *, offset: None = None
) -> int: ...
@overload
def serialize_into(
    obj: Struct | Union | ThriftException, buffer: Buffer, protocol: _Protocol = "binary", *, offset: int | None = None
) -> int: ...
def deserialize(
    cls: type[_S],
    data: Buffer,
    protocol: _Protocol = "binary",
    *,
    fields: Iterable[str] | None = None,
    arrays: _Arrays = "list",
    binary: _Binary = "bytes",
) -> _S: ...
def deserialize_from(
    cls: type[_S],
    data: Buffer,
    protocol: _Protocol = "binary",
    offset: int = 0,
    *,
    fields: Iterable[str] | None = None,
    arrays: _Arrays = "list",
    binary: _Binary = "bytes",
) -> tuple[_S, int]: ...
def iter_structs(
    cls: type[_S],
    data: Buffer,
    protocol: _Protocol = "binary",
    *,
    offset: int = 0,
    fields: Iterable[str] | None = None,
    arrays: _Arrays = "list",
    binary: _Binary = "bytes",
) -> StructIterator[_S]: ...

@final
class StructIterator(Generic[_S]):
    @property
    def offset(self) -> int: ...
    def __iter__(self) -> Self: ...
    def __next__(self) -> _S: ...
    @classmethod
    def __class_getitem__(cls, item: Any) -> GenericAlias: ...

def to_json(
    obj: Struct | Union | ThriftException, *, indent: int | None = None, enums: Literal["name", "number"] = "name"
) -> str: ...
def from_json(cls: type[_S], text: str | Buffer, *, limits: Limits | None = None) -> _S: ...
def to_dict(
    obj: Struct | Union | ThriftException, *, enums: Literal["name", "number"] | None = None
) -> dict[str, Any]: ...
def from_dict(cls: type[_S], data: dict[str, Any]) -> _S: ...
def bind_classes(module: ModuleType, classes: dict[str, type]) -> None: ...

# ---- loading ----

def load_path(
    path: _StrPath,
    module_name: str | None,
    include_dirs: Sequence[_StrPath],
    dialect: _Dialect,
    allow_missing_includes: bool,
) -> ModuleType: ...
def load_files(
    files: dict[str, str | bytes],
    root: _StrPath,
    module_name: str | None,
    include_dirs: Sequence[_StrPath] | None,
    dialect: _Dialect,
    allow_missing_includes: bool,
) -> ModuleType: ...
def check_path(
    path: _StrPath, include_dirs: Sequence[_StrPath], dialect: _Dialect, allow_missing_includes: bool
) -> list[Diagnostic]: ...
def check_files(
    files: dict[str, str | bytes],
    root: _StrPath,
    include_dirs: Sequence[_StrPath] | None,
    dialect: _Dialect,
    allow_missing_includes: bool,
) -> list[Diagnostic]: ...
def check_report(
    paths: Sequence[_StrPath],
    include_dirs: Sequence[_StrPath],
    dialect: _Dialect,
    allow_missing_includes: bool,
    format: Literal["text", "json"],  # noqa: A002 (the native name)
) -> tuple[str, int]: ...
def generate(
    what: Literal["python", "rust", "stubs"],
    paths: Sequence[_StrPath],
    include_dirs: Sequence[_StrPath],
    dialect: _Dialect,
    allow_missing_includes: bool,
    package: str | None,
    output: _StrPath,
    settings: Sequence[tuple[str, str]],
) -> list[Path]: ...

@final
class GeneratedModule:
    def __new__(
        cls,
        name: str,
        public: str,
        program: str,
        source: str,
        doc: str | None,
        namespaces: dict[str, str] | None,
        includes: Sequence[tuple[str, ModuleType | str]],
        declared: dict[str, tuple[str, object, dict[str, Any]]],
        globals: dict[str, Any],  # noqa: A002 (the native name)
    ) -> Self: ...
    def publish(self) -> None: ...
    def __call__(self, name: str) -> Any: ...
    def names(self) -> list[str]: ...

# ---- calls ----

@disjoint_base
class Client:
    def __new__(cls, opening: object) -> Self: ...
    def close(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exception: object) -> None: ...

def connect(
    service: type[Service],
    urls: Sequence[str],
    protocol: _Protocol,
    transport: _Transport | None,
    timeout: float | None,
    service_name: str | None,
    pool: Pool | None,
    retry: Retry | None,
    tls: ClientTLS | None,
    interceptors: Iterable[Callable[[Call, Callable[[], Any]], Any]] | None,
    headers: Mapping[str, str] | None,
    sasl: object | None,
    opener: Callable[[], object] | None,
    hedge: float | None,
) -> Client: ...
def client_class(service: type[Service]) -> type[Client]: ...
def with_options(client: _ClientT, timeout: object, headers: object, idempotent: object) -> _ClientT: ...

@final
class Pool:
    def __new__(
        cls,
        size: int = 1,
        *,
        idle_timeout: float | None = None,
        max_age: float | None = None,
        health_check: str | None = None,
        check_after: float = 10.0,
        check_timeout: float = 1.0,
    ) -> Self: ...

@final
class RetryBudget:
    def __new__(cls, ratio: float = 0.2, *, per_second: float = 10.0, burst: float = 100.0) -> Self: ...

@final
class Backoff:
    def __new__(cls, first: float = 0.01, *, most: float = 1.0, factor: float = 2.0, jitter: float = 1.0) -> Self: ...

@final
class Retry:
    def __new__(
        cls, attempts: int = 3, *, budget: RetryBudget | None = None, backoff: Backoff | None = None
    ) -> Self: ...

@final
class Call:
    @property
    def side(self) -> Literal["client", "server"]: ...
    @property
    def service(self) -> str: ...
    @property
    def function(self) -> str: ...
    @property
    def is_oneway(self) -> bool: ...
    @property
    def arguments(self) -> tuple[Any, ...]: ...
    @property
    def headers(self) -> dict[str, str]: ...
    @property
    def reply_headers(self) -> dict[str, str]: ...
    @property
    def peer(self) -> str | None: ...
    @property
    def user(self) -> str | None: ...
    @property
    def protocol(self) -> str: ...
    @property
    def transport(self) -> str: ...
    @property
    def deadline(self) -> float | None: ...
    @property
    def remaining(self) -> float | None: ...
    @property
    def request_bytes(self) -> int | None: ...
    @property
    def reply_bytes(self) -> int | None: ...
    @property
    def internal_error(self) -> BaseException | None: ...
    def on_end(self, callback: Callable[[Call], object]) -> None: ...

def current_call() -> Call | None: ...
def inherit_sockets(descriptors: Sequence[int]) -> None: ...

@final
class ProcessorCore:
    def __new__(
        cls,
        handlers: Sequence[tuple[str, object, object]],
        *,
        protocol: _Protocol | None,
        transport: _Transport | None,
        limits: Limits | None,
        interceptors: Iterable[Callable[[Call, Callable[[], Any]], Any]] | None,
    ) -> Self: ...
    def process(
        self,
        request: bytes,
        headers: dict[str, str] | None,
        peer: str | None,
        reply_headers: dict[str, str] | None,
        waited: float,
    ) -> bytes | None: ...
    @property
    def max_message_size(self) -> int: ...

@final
class ServerCore:
    def __new__(
        cls,
        handlers: Sequence[tuple[str, object, object]],
        urls: Sequence[str],
        *,
        tls: ServerTLS | None,
        sasl: Mapping[str, object] | None,
        protocol: _Protocol | None,
        transport: _Transport | None,
        threads: int,
        max_connections: int,
        message_timeout: float | None,
        idle_timeout: float | None,
        max_message_size: int | None,
        max_decoded_size: int | None,
        max_string_size: int | None,
        max_container_size: int | None,
        max_depth: int | None,
        max_in_flight: int | None,
        max_memory: int | None,
        interceptors: Iterable[Callable[[Call, Callable[[], Any]], Any]] | None,
        max_open: int = ...,
        inline: bool | Iterable[str] = ...,
    ) -> Self: ...
    def start(self, on_end: Callable[[], object]) -> None: ...
    def drain(self, timeout: float | None, calm: float = 0.0, heir: int | None = None) -> None: ...
    def adopt(self, place: int, descriptor: int) -> None: ...
    def set_serving(self, is_serving: bool) -> None: ...
    def abort(self) -> None: ...
    def is_in_handler(self) -> bool: ...
    def is_here(self) -> bool: ...
    @property
    def max_message_size(self) -> int: ...
    @property
    def urls(self) -> list[str]: ...

# ---- TLS ----

@final
class ClientTLS:
    def __new__(
        cls,
        *,
        ca_file: _StrPath | None = None,
        cert_file: _StrPath | None = None,
        key_file: _StrPath | None = None,
        server_name: str | None = None,
        insecure: bool = False,
    ) -> Self: ...

@final
class ServerTLS:
    def __new__(cls, cert_file: _StrPath, key_file: _StrPath, *, client_ca_file: _StrPath | None = None) -> Self: ...
    def reload(self) -> None: ...

# ---- calls on an event loop ----

@disjoint_base
class AsyncClient:
    def __new__(cls, opening: object) -> Self: ...
    @property
    def _connections(self) -> AsyncConnections: ...

@final
class AsyncOptions:
    def __new__(
        cls,
        service: type[Service],
        urls: list[str],
        protocol: _Protocol,
        transport: _Transport | None,
        timeout: float | None,
        service_name: str | None,
        pool: Pool | None,
        retry: Retry | None,
        tls: ClientTLS | None,
        interceptors: Iterable[Callable[[Call, Callable[[], Awaitable[Any]]], Awaitable[Any]]] | None,
        headers: Mapping[str, str] | None,
        sasl: Mechanism | None,
        opener: Callable[[], object] | None,
        hedge: float | None,
    ) -> Self: ...

@final
class AsyncConnections:
    def __new__(
        cls,
        options: AsyncOptions,
        make_reply: Callable[[], asyncio.Future[Any]],
        starter: Callable[[AsyncConnections], asyncio.Task[None]],
        conductor: Callable[[Awaitable[Any], Call], Awaitable[Any]],
    ) -> Self: ...
    @property
    def opening(self) -> asyncio.Task[None] | None: ...
    @property
    def opener(self) -> Callable[[], Any] | None: ...
    @property
    def sasl(self) -> Mechanism | None: ...
    def places(self) -> list[int]: ...
    def introduction(self, place: int) -> AsyncIntroduction | None: ...
    def link(
        self, place: int, ready: asyncio.Future[bytes | None], introduction: AsyncIntroduction | None
    ) -> AsyncLink: ...
    def address(self, place: int) -> tuple[str, int] | Path | int: ...
    @property
    def url(self) -> str: ...
    @property
    def timeout(self) -> float | None: ...
    def opened(self, make_error: Callable[[], Exception] | None = None, is_lasting: bool = False) -> None: ...
    def close(self) -> asyncio.Future[None]: ...
    def abort(self) -> None: ...
    def abandon(self, key: int) -> None: ...
    def _expire(self) -> None: ...

@final
class AsyncIntroduction:
    def step(self, challenge: bytes) -> bytes: ...

@final
class AsyncLink:
    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> None: ...
    def connection_lost(self, error: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def flush(self) -> None: ...
    def respond(self, response: bytes, ready: asyncio.Future[bytes | None]) -> None: ...
    def abandon(self, key: int) -> None: ...

@final
class AsyncServing:
    def __new__(
        cls,
        core: ServerCore,
        plain: Callable[..., Awaitable[Any]],
        check: Callable[..., Awaitable[Any]],
        listens: bool,
    ) -> Self: ...
    def peer(self, port: int) -> AsyncPeer: ...
    def packet(
        self, headers: dict[str, str] | None, peer: str | None, reply_headers: dict[str, str] | None, waited: float
    ) -> AsyncPeer: ...
    def accept(self, port: int) -> int | None: ...
    @property
    def descriptors(self) -> list[tuple[int, bool]]: ...
    @property
    def urls(self) -> list[str]: ...
    @property
    def ended(self) -> asyncio.Future[None]: ...
    def drain(self) -> None: ...
    def is_in_handler(self) -> bool: ...
    def abort(self) -> None: ...
    def forsake(self) -> None: ...
    def _sweep(self) -> None: ...

@final
class AsyncPeer:
    def connection_made(self, transport: asyncio.Transport) -> None: ...
    def data_received(self, data: bytes) -> None: ...
    def eof_received(self) -> bool: ...
    def connection_lost(self, error: Exception | None) -> None: ...
    def pause_writing(self) -> None: ...
    def resume_writing(self) -> None: ...
    def raise_failure(self) -> None: ...
    def _settle(self) -> None: ...

def end_call(call: Call) -> None: ...
def async_client_class(service: type[Service], base: type[_C]) -> type[_C]: ...

# ---- connections without IO, for drivers ----

@final
class ClientConnection:
    def __new__(
        cls,
        protocol: _ProtocolName,
        transport: Literal["framed", "unframed", "buffered", "header", "zlib", "zlib+framed", "http"],
        *,
        service: str | None = None,
        message_limit: int | None = None,
        max_abandoned: int | None = None,
        first_sequence_id: int | None = None,
        transforms: Sequence[str] = ...,
        http: tuple[str, str] | None = None,
        sasl: tuple[str, bytes] | None = None,
    ) -> Self: ...
    def call(
        self,
        function: str,
        body: bytes,
        *,
        service: str | None = None,
        oneway: bool = False,
        deadline: float | None = None,
        timeout: float | None = None,
        headers: dict[str, str] | None = None,
    ) -> int: ...
    def cancel(self, call: int) -> bool: ...
    def take_outbound(self) -> bytes: ...
    def receive(self, bytes: bytes) -> None: ...  # noqa: A002 (the native name)
    def receive_eof(self) -> None: ...
    def poll_event(self, now: float) -> tuple[int, bytes | TApplicationException | TransportTimeout] | None: ...
    def reply_headers(self) -> dict[str, str]: ...
    def is_handshaking(self) -> bool: ...
    def challenge(self) -> bytes | None: ...
    def respond(self, response: bytes) -> None: ...
    def next_deadline(self) -> float | None: ...
    def drain_failed(self) -> list[int]: ...

@final
class ServerConnection:
    def __new__(
        cls,
        *,
        message_limit: int | None = None,
        max_open: int | None = None,
        carrier: Literal["direct", "zlib", "http"] | None = None,
        path: str | None = None,
        sasl: Sequence[str] | None = None,
    ) -> Self: ...
    def receive(self, bytes: bytes) -> None: ...  # noqa: A002 (the native name)
    def receive_eof(self) -> None: ...
    def credentials(self) -> tuple[str, bytes] | None: ...
    def accept_peer(self, identity: str, last: bytes) -> None: ...
    def challenge_peer(self, challenge: bytes) -> None: ...
    def refuse_peer(self, text: str) -> None: ...
    def peer_identity(self) -> str | None: ...
    def wants_read(self) -> bool: ...
    def poll_event(self) -> tuple[int, bytes | None, bytes, bytes, bool] | None: ...
    def request_headers(self) -> dict[str, str]: ...
    def request_timeout(self) -> float | None: ...
    def reply(self, request: int, body: bytes, *, headers: dict[str, str] | None = None) -> None: ...
    def reply_exception(self, request: int, kind: int, message: str) -> None: ...
    def finish_oneway(self, request: int) -> None: ...
    def take_outbound(self) -> bytes: ...
    def is_finished(self) -> bool: ...
