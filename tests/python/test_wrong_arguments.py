"""Every parameter of the public API refuses, at once and in words, what it cannot be.

`TARGETS` says of each parameter which of `VALUES` it takes; each other value has to be an error that names the
parameter. A new public name, or a new parameter, that the table does not have fails the tests of completeness at the
end.
"""

from __future__ import annotations

import asyncio
import inspect
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import fastthrift
import pytest
from fastthrift import aio, health, logs, metrics, sasl, tracing
from prometheus_client import CollectorRegistry

from tests.python.scripted import Pipe

module = fastthrift.loads(
    "struct S { 1: i32 a } service Echo { string echo(1: string text) }", name="wrong_arguments.thrift"
)


class Handler(module.Echo):  # type: ignore[misc, name-defined]
    def echo(self, text: str) -> str:
        return text


async def coroutine_function(*_: object) -> bool:
    return True


VALUES: dict[str, Any] = {
    "none": None,
    "true": True,
    "zero": 0,
    "negative": -1,
    "fraction": 1.5,
    "nan": math.nan,
    "inf": math.inf,
    "huge": 10**400,
    "very many": 10**9,
    "text": "x",
    "empty": "",
    "long": "x" * 100_000,
    "bytes": b"x",
    "list": ["x"],
    "empty list": [],
    "dict": {"x": 1},
    "object": object(),
    "class": int,
    "function": lambda *_: True,
    "coroutine function": coroutine_function,
}
"""What a user might give by mistake, each where something else is meant."""

TEXTS = frozenset({"text", "empty", "long"})
PATHS = TEXTS | {"bytes"}


@dataclass(frozen=True)
class Kind:
    """What a parameter takes of `VALUES`, and what its errors say where that is not its name."""

    takes: frozenset[str] = frozenset()
    says: str | None = None

    def __or__(self, labels: str) -> Kind:
        """Return the same that takes more."""
        return Kind(self.takes | {labels}, self.says)


def takes(*labels: str | Iterable[str], says: str | None = None) -> Kind:
    sets = [{each} if isinstance(each, str) else set(each) for each in labels]
    return Kind(frozenset().union(*sets), says)


COUNT = takes("very many")
BOUND = COUNT | "none"
DEPTH = takes("none")
POSITIVE = takes("fraction", "very many")
TIME_LIMIT = POSITIVE | "none"
NOT_NEGATIVE = POSITIVE | "zero"
FLAG = takes("true")
TEXT = takes(TEXTS)
CHOICE = takes()
OBJECT = takes("none")
INTERCEPTORS = takes("none", "empty list", says="interceptor")
SERVICE = takes()
URL = takes("function", "class", says="URL")
HANDLER = takes(says="service|handler")
DATA = takes("bytes", says="data|bytes-like|buffer")
STRUCT_CLASS = takes(says="class of a loaded IDL file")
STRUCT = takes(says="class of a loaded IDL file")
CALLER: dict[str, Kind] = {
    "service": SERVICE,
    "url": URL,
    "protocol": CHOICE,
    "transport": OBJECT,
    "timeout": TIME_LIMIT,
    "service_name": TEXT | "none",
    "pool": OBJECT,
    "retry": OBJECT,
    "tls": OBJECT,
    "interceptors": INTERCEPTORS,
    "headers": OBJECT,
    "sasl": OBJECT,
    "hedge": OBJECT,
}
AIO_CALLER = {**CALLER, "url": URL | "coroutine function"}
SERVER: dict[str, Kind] = {
    "handler": HANDLER,
    "url": takes(says="URL"),
    "service": OBJECT,
    "protocol": OBJECT,
    "transport": OBJECT,
    "tls": OBJECT,
    "sasl": OBJECT,
    "threads": BOUND,
    "max_connections": COUNT,
    "message_timeout": TIME_LIMIT,
    "idle_timeout": TIME_LIMIT,
    "max_message_size": BOUND,
    "max_decoded_size": BOUND,
    "max_string_size": BOUND,
    "max_container_size": BOUND,
    "max_depth": DEPTH,
    "max_in_flight": BOUND,
    "max_memory": BOUND,
    "interceptors": INTERCEPTORS,
    "health": FLAG,
}
AIO_SERVER = {**SERVER, "inline": takes("true", "empty list"), "max_open": COUNT}
LOADING: dict[str, Kind] = {
    "module_name": TEXT | "none",
    "dialect": CHOICE,
    "allow_missing_includes": FLAG,
}
INCLUDING = {**LOADING, "include_dirs": takes("list", "empty list")}
READING: dict[str, Kind] = {
    "cls": STRUCT_CLASS,
    "data": DATA,
    "protocol": CHOICE,
    "fields": takes("none", "empty list", says="field"),
    "arrays": CHOICE,
    "binary": CHOICE,
}
WIRE: dict[str, Kind] = {"utf8": CHOICE, "limits": OBJECT}


@dataclass
class Target:
    """A public function or class, what it is called with when all is right, and what its parameters take."""

    callable: Callable[..., Any]
    right: dict[str, Any]
    kinds: dict[str, Kind]
    by_place: tuple[str, ...] = ()
    """The parameters that have no names."""
    tolerates: tuple[type[Exception], ...] = field(default=())
    """What is raised instead where the value could be, but is not there."""

    def call(self, **wrong: Any) -> object:
        given = {**self.right, **wrong}
        return self.callable(*[given.pop(name) for name in self.by_place], **given)


def health_server() -> fastthrift.Server:
    return fastthrift.Server(Handler(), "memory://wrong-arguments", health=True)


def unstarted(options: dict[str, Any]) -> dict[str, Any]:
    return {"handler": Handler(), "url": "tcp://127.0.0.1:0", **options}


FILE = str(Path(health.__file__).parent / "health.thrift")
STRUCT_BYTES = fastthrift.serialize(module.S(1))
A_CLIENT: list[Any] = []


def with_options(**given: Any) -> object:
    """Give options to a client that is never called."""
    if not A_CLIENT:
        A_CLIENT.append(fastthrift.connect(module.Echo, Pipe))
    return fastthrift.with_options(given.pop("client", A_CLIENT[0]), **given)


def aio_process(
    request: Any, headers: Any = None, peer: Any = None, reply_headers: Any = None, waited: Any = 0.0
) -> object:
    """Serve a message on a loop."""

    async def process() -> object:
        processor = aio.Processor(Handler())
        try:
            return await processor.process(
                request, headers=headers, peer=peer, reply_headers=reply_headers, waited=waited
            )
        finally:
            await processor.close()

    return asyncio.run(process())


def aio_stop(timeout: Any = None) -> object:
    """Stop a server that never ran."""

    async def stop() -> object:
        return await aio.Server(Handler(), "memory://wrong-arguments").stop(timeout)

    return asyncio.run(stop())


def call_object() -> fastthrift.Call:
    """Return a call as an interceptor sees it."""
    seen: list[fastthrift.Call] = []

    def keep(call: fastthrift.Call, proceed: Callable[[], Any]) -> Any:
        seen.append(call)
        return proceed()

    server = fastthrift.Server(Handler(), "memory://wrong-arguments-call", interceptors=[keep])
    with server, fastthrift.connect(module.Echo, server.url) as client:
        client.echo("a")
    return seen[0]


TARGETS: dict[str, Target] = {
    # Clients.
    "connect": Target(fastthrift.connect, {"service": module.Echo, "url": "tcp://127.0.0.1:1"}, CALLER),
    "aio.connect": Target(aio.connect, {"service": module.Echo, "url": "tcp://127.0.0.1:1"}, AIO_CALLER),
    "with_options": Target(
        with_options,
        {},
        {
            "client": takes(),
            "timeout": TIME_LIMIT,
            "headers": OBJECT,
            "idempotent": FLAG | "none",
        },
    ),
    "Pool": Target(
        fastthrift.Pool,
        {},
        {
            "size": COUNT,
            "idle_timeout": TIME_LIMIT,
            "max_age": TIME_LIMIT,
            "health_check": TEXT | "none",
            "check_after": NOT_NEGATIVE,
            "check_timeout": POSITIVE,
        },
    ),
    "Retry": Target(fastthrift.Retry, {}, {"attempts": COUNT, "budget": OBJECT, "backoff": OBJECT}),
    "RetryBudget": Target(
        fastthrift.RetryBudget,
        {},
        dict.fromkeys(("ratio", "per_second", "burst"), takes(NOT_NEGATIVE.takes, "inf", "huge")),
    ),
    "Backoff": Target(
        fastthrift.Backoff,
        {},
        {"first": NOT_NEGATIVE, "most": NOT_NEGATIVE, "factor": POSITIVE, "jitter": takes("zero")},
    ),
    "ClientTLS": Target(
        fastthrift.ClientTLS,
        {},
        {
            "ca_file": takes("none", PATHS),
            "cert_file": takes("none"),
            "key_file": takes("none"),
            "server_name": takes("none", "text"),
            "insecure": FLAG,
        },
    ),
    # Servers.
    "Server": Target(fastthrift.Server, unstarted({}), SERVER),
    "serve": Target(fastthrift.serve, unstarted({}), {name: kind | "true" for name, kind in SERVER.items()}),
    "aio.Server": Target(aio.Server, unstarted({}), AIO_SERVER),
    "Server.stop": Target(
        fastthrift.Server(Handler(), "memory://wrong-arguments").stop,
        {},
        {"timeout": takes("none", "zero", "negative", "fraction", "inf", "huge", "very many")},
    ),
    "aio.Server.stop": Target(
        aio_stop,
        {},
        {"timeout": takes("none", "zero", "negative", "fraction", "inf", "huge", "very many")},
    ),
    "Server.set_health": Target(
        health_server().set_health,
        {"service": "", "status": health.Status.SERVING},
        {"service": takes("empty"), "status": takes("zero")},
    ),
    "aio.Server.set_health": Target(
        aio.Server(Handler(), "memory://wrong-arguments", health=True).set_health,
        {"service": "", "status": health.Status.SERVING},
        {"service": takes("empty"), "status": takes("zero")},
    ),
    "ServerTLS": Target(
        fastthrift.ServerTLS,
        {"cert_file": "no such file", "key_file": "no such file"},
        {"cert_file": takes(PATHS), "key_file": takes(PATHS), "client_ca_file": takes("none", PATHS)},
    ),
    "Processor": Target(
        fastthrift.Processor,
        {"handler": Handler()},
        {
            "handler": HANDLER,
            "service": OBJECT,
            "protocol": OBJECT,
            "transport": OBJECT,
            "limits": OBJECT,
            "interceptors": INTERCEPTORS,
        },
    ),
    "Processor.process": Target(
        fastthrift.Processor(Handler()).process,
        {"request": b""},
        {
            "request": takes("bytes"),
            "headers": takes("none"),
            "peer": TEXT | "none",
            "reply_headers": takes("none", "dict"),
            "waited": NOT_NEGATIVE,
        },
    ),
    "aio.Processor": Target(
        aio.Processor,
        {"handler": Handler()},
        {
            "handler": HANDLER,
            "service": OBJECT,
            "protocol": OBJECT,
            "transport": OBJECT,
            "limits": OBJECT,
            "inline": takes("true", "empty list"),
            "executor": OBJECT,
            "max_in_flight": BOUND,
            "interceptors": INTERCEPTORS,
        },
    ),
    "aio.Processor.process": Target(
        aio_process,
        {"request": b""},
        {
            "request": takes("bytes"),
            "headers": takes("none"),
            "peer": TEXT | "none",
            "reply_headers": takes("none", "dict"),
            "waited": NOT_NEGATIVE,
        },
    ),
    "WSGI": Target(fastthrift.WSGI, {"processor": Handler()}, {"processor": HANDLER}),
    "ASGI": Target(fastthrift.ASGI, {"processor": Handler()}, {"processor": HANDLER, "executor": OBJECT}),
    "Call.on_end": Target(call_object().on_end, {}, {"callback": takes("function", "class")}, by_place=("callback",)),
    # Who clients are.
    "sasl.Plain": Target(
        sasl.Plain,
        {"username": "ada", "password": "secret"},
        {"username": takes("text", "long"), "password": takes("text", "long"), "authorization": TEXT},
    ),
    "sasl.GSSAPI": Target(
        sasl.GSSAPI, {"service": "hive"}, {"service": TEXT, "host": TEXT | "none", "authorization": TEXT}
    ),
    "sasl.GSSAPIServer": Target(
        sasl.GSSAPIServer,
        {"service": "hive"},
        {
            "service": TEXT | "none",
            "host": TEXT | "none",
            "keytab": takes("none", PATHS),
            "authorize": takes("none", "function", "class"),
        },
    ),
    # Protocols and codecs.
    "Limits": Target(
        fastthrift.Limits,
        {},
        {"message": BOUND, "string": BOUND, "container": BOUND, "depth": DEPTH, "memory": BOUND},
    ),
    "Binary": Target(fastthrift.Binary, {}, {"strict": FLAG, "old": FLAG, **WIRE}),
    "Compact": Target(fastthrift.Compact, {}, WIRE),
    "JSON": Target(fastthrift.JSON, {}, WIRE),
    "SimpleJSON": Target(fastthrift.SimpleJSON, {}, WIRE),
    "serialize": Target(fastthrift.serialize, {"obj": module.S(1)}, {"obj": STRUCT, "protocol": CHOICE}),
    "serialize_into": Target(
        fastthrift.serialize_into,
        {"obj": module.S(1), "buffer": memoryview(bytearray(64))},
        {
            "obj": STRUCT,
            "buffer": takes(says="bytes-like|buffer|written"),
            "protocol": CHOICE,
            "offset": takes("none", "zero"),
        },
        tolerates=(BufferError,),
    ),
    "deserialize": Target(fastthrift.deserialize, {"cls": module.S, "data": STRUCT_BYTES}, READING),
    "deserialize_from": Target(
        fastthrift.deserialize_from,
        {"cls": module.S, "data": STRUCT_BYTES},
        {**READING, "offset": takes("zero")},
    ),
    "iter_structs": Target(
        fastthrift.iter_structs, {"cls": module.S, "data": STRUCT_BYTES}, {**READING, "offset": takes("zero")}
    ),
    "to_json": Target(
        fastthrift.to_json,
        {"obj": module.S(1)},
        {"obj": STRUCT, "indent": takes("none", "zero"), "enums": CHOICE},
    ),
    "from_json": Target(
        fastthrift.from_json,
        {"cls": module.S, "text": "{}"},
        {"cls": STRUCT_CLASS, "text": takes(PATHS), "limits": OBJECT},
    ),
    "to_dict": Target(fastthrift.to_dict, {"obj": module.S(1)}, {"obj": STRUCT, "enums": OBJECT}),
    "from_dict": Target(
        fastthrift.from_dict, {"cls": module.S, "data": {}}, {"cls": STRUCT_CLASS, "data": takes("dict", says="")}
    ),
    # IDL.
    "load": Target(fastthrift.load, {"path": FILE}, {"path": takes(PATHS), **INCLUDING}),
    "loads": Target(fastthrift.loads, {"source": "struct S {}"}, {"source": takes(PATHS), "name": TEXT, **INCLUDING}),
    "load_files": Target(
        fastthrift.load_files,
        {"files": {"a.thrift": "struct S {}"}, "root": "a.thrift"},
        {"files": takes(), "root": takes(TEXTS), **LOADING},
    ),
    "check": Target(
        fastthrift.check,
        {"path": FILE},
        {"path": takes(PATHS), **{name: kind for name, kind in INCLUDING.items() if name != "module_name"}},
    ),
    "generate_python": Target(
        fastthrift.generate_python,
        {"idl": "no such file", "output": "no such folder"},
        {
            "idl": takes(TEXTS, "list", "empty list"),
            "output": takes(PATHS),
            "package": TEXT | "none",
            **{name: kind for name, kind in INCLUDING.items() if name != "module_name"},
        },
    ),
    "generate_stubs": Target(
        fastthrift.generate_stubs,
        {"idl": "no such file", "output": "no such folder"},
        {
            "idl": takes(TEXTS, "list", "empty list"),
            "output": takes(PATHS),
            **{name: kind for name, kind in INCLUDING.items() if name != "module_name"},
        },
    ),
    # What watches calls.
    "metrics.PrometheusMetrics": Target(
        metrics.PrometheusMetrics,
        {"registry": CollectorRegistry()},
        {"registry": takes(), "prefix": TEXT, "seconds": takes()},
    ),
    "tracing.OpenTelemetryTracing": Target(tracing.OpenTelemetryTracing, {}, {"provider": OBJECT}),
    "logs.CallLog": Target(
        logs.CallLog,
        {},
        {
            "logger": OBJECT,
            **dict.fromkeys(("level", "failure_level"), takes("zero", "negative", "very many", "huge")),
        },
    ),
    # Exceptions that a program makes itself.
    "TApplicationException": Target(
        fastthrift.TApplicationException,
        {},
        {
            "type": takes("true", "zero", "negative", "very many", "huge"),
            "message": TEXT | "none",
        },
    ),
    "TTransportException": Target(
        fastthrift.TTransportException,
        {},
        {
            "type": takes("true", "zero", "negative", "very many", "huge"),
            "message": TEXT | "none",
            "was_sent": takes(VALUES),
        },
    ),
}

UNTOUCHED = {
    *("Call", "Client", "Service", "Struct", "StructIterator", "ThriftEnum", "ThriftException", "Union"),
    *("aio.AsyncTransport", "aio.Client", "health.Health", "health.NAME", "health.Status"),
    # Made by the package, for a program to catch.
    *("ConnectError", "ConnectionLost", "DecodeError", "Diagnostic", "EncodeError", "PeerError", "TException"),
    *("TProtocolException", "ThriftSyntaxError", "TransportTimeout", "sasl.Refused"),
    # They take nothing, or hand all on.
    *("aio.serve", "current_call", "install_import_hook", "remove_import_hook"),
}
"""Public names that take nothing from a user but values of the IDL, whose own tests say what they may be."""


@pytest.mark.parametrize(
    ("name", "parameter"), [(name, parameter) for name, target in TARGETS.items() for parameter in target.kinds]
)
def test_what_a_parameter_cannot_be_is_an_error_that_names_it(name: str, parameter: str) -> None:
    target = TARGETS[name]
    kind = target.kinds[parameter]
    says = parameter if kind.says is None else kind.says
    wrong: list[str] = []
    for label, value in VALUES.items():
        if label in kind.takes:
            continue
        try:
            target.call(**{parameter: value})
        except (TypeError, ValueError, *target.tolerates) as error:
            text = str(error)
            if not any(each.lower() in text.lower() for each in says.split("|")):
                wrong.append(f"{label}: {text[:200]!r} does not say {says!r}")
            if len(text) > 300:
                wrong.append(f"{label}: {len(text)} characters")
        except Exception as error:  # noqa: BLE001 (the test shows it)
            wrong.append(f"{label}: {error!r:.200}")
        else:
            wrong.append(f"{label}: taken")
    assert not wrong, "\n".join(wrong)


def public_names() -> Iterator[str]:
    yield from fastthrift.__all__
    for part in (aio, health, logs, metrics, sasl, tracing):
        for name in part.__all__:
            yield f"{part.__name__.removeprefix('fastthrift.')}.{name}"


def test_every_public_name_is_in_the_table() -> None:
    assert {*TARGETS, *UNTOUCHED} >= set(public_names())


@pytest.mark.parametrize("name", TARGETS)
def test_every_parameter_is_in_the_table(name: str) -> None:
    target = TARGETS[name]
    function = fastthrift.with_options if name == "with_options" else target.callable
    assert set(target.kinds) == set(inspect.signature(function).parameters)


@pytest.mark.parametrize("name", [name for name in TARGETS if name not in ("serve", "ServerTLS")])
def test_what_the_table_calls_right_is(name: str) -> None:
    """Otherwise the errors above might be of something else."""
    target = TARGETS[name]
    if target.by_place:
        target.right[target.by_place[0]] = print
    expected = (fastthrift.ConnectError, FileNotFoundError, ImportError, ValueError)
    try:
        target.call()
    except expected as error:
        assert name in ("connect", "generate_python", "generate_stubs", "sasl.GSSAPI", "sasl.GSSAPIServer"), error  # noqa: PT017
