"""fastthrift: its own public functions, Binary and Compact."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import fastthrift

from benches.measure import Statement
from benches.peers import IDL, Codec, UnavailableError


def codecs(work: Path) -> Iterator[Codec]:
    """Yield a codec for each protocol."""
    if not hasattr(fastthrift, "load"):
        raise UnavailableError("the package is not built")
    module = fastthrift.load(IDL / "bench.thrift")
    yield _codec(module, "binary", option="")
    yield _codec(module, "compact", option=', protocol="compact"')


def _codec(module: ModuleType, protocol: str, *, option: str) -> Codec:
    names = {"serialize": fastthrift.serialize, "deserialize": fastthrift.deserialize}
    return Codec(
        name=f"fastthrift {protocol}",
        wire=protocol,
        build=lambda struct, fields: getattr(module, struct)(**fields),
        encode=lambda _struct, value: Statement(f"serialize(value{option})", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            f"deserialize(cls, data{option})", {**names, "cls": getattr(module, struct), "data": data}
        ),
    )
