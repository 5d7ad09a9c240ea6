"""msgspec's MessagePack: the fastest typed decoder there is for Python, of another format."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec

from benches.measure import Statement
from benches.peers import Codec

FIELDS: dict[str, list[tuple[str, str]]] = {
    "Small": [
        ("count", "int"),
        ("id", "int"),
        ("ratio", "float"),
        ("active", "bool"),
        ("kind", "int"),
        ("name", "str"),
    ],
    "Phone": [("number", "str"), ("kind", "int")],
    "Person": [
        ("name", "str"),
        ("id", "int"),
        ("emails", "list[str]"),
        ("phones", "list[Phone]"),
        ("labels", "dict[str, str]"),
    ],
    "Book": [("people", "list[Person]")],
    "Doubles": [("values", "list[float]")],
    "Longs": [("values", "list[int]")],
    "Scores": [("values", "dict[str, int]")],
    "Blob": [("data", "bytes")],
}


def codecs(work: Path) -> Iterator[Codec]:
    """Yield a codec for structs as maps, and one for structs as arrays that the collector does not see."""
    yield _codec("msgspec msgpack", _types())
    yield _codec("msgspec msgpack, arrays, gc=False", _types(array_like=True, gc=False))


def _types(**options: bool) -> SimpleNamespace:
    made: dict[str, Any] = {}
    for name, fields in FIELDS.items():
        typed = [(field, eval(annotation, dict(made))) for field, annotation in fields]
        made[name] = msgspec.defstruct(name, typed, **options)
    return SimpleNamespace(**made)


def _codec(name: str, types: SimpleNamespace) -> Codec:
    return Codec(
        name=name,
        wire=name,
        build=lambda struct, fields: getattr(types, struct)(**fields),
        encode=lambda _struct, value: Statement(
            "encode(value)", {"encode": msgspec.msgpack.Encoder().encode, "value": value}
        ),
        decode=lambda struct, data: Statement(
            "decode(data)", {"decode": msgspec.msgpack.Decoder(getattr(types, struct)).decode, "data": data}
        ),
    )
