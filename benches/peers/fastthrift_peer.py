"""fastthrift: its own public functions, every protocol that the package has."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift

from benches.measure import Statement
from benches.peers import BENCH, Codec, UnavailableError

PROTOCOLS = ("binary", "compact", "json", "simplejson")
EMPTY = "struct Empty {}"


def codecs(work: Path, idl: Path = BENCH) -> Iterator[Codec]:
    """Yield a codec for each protocol."""
    if not hasattr(fastthrift, "load"):
        raise UnavailableError("the package is not built")
    module = fastthrift.load(idl)
    for protocol in filter(has_protocol, PROTOCOLS):
        yield _codec(module, protocol)


def has_protocol(protocol: str) -> bool:
    """Say whether the package that is built knows a protocol by this name."""
    value = fastthrift.loads(EMPTY).Empty()
    serialize: Any = fastthrift.serialize
    try:
        serialize(value, protocol=protocol)
    except ValueError:
        return False
    return True


def _codec(module: ModuleType, protocol: str) -> Codec:
    # Binary is what the functions take when they are told nothing.
    option = "" if protocol == "binary" else f", protocol={protocol!r}"
    names = {"serialize": fastthrift.serialize, "deserialize": fastthrift.deserialize}
    return Codec(
        name=f"fastthrift {protocol}",
        wire=protocol,
        rival=protocol,
        type_of=lambda struct: getattr(module, struct),
        encode=lambda _struct, value: Statement(f"serialize(value{option})", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            f"deserialize(cls, data{option})", {**names, "cls": getattr(module, struct), "data": data}
        ),
    )
