"""msgspec: the fastest typed codecs there are for Python, of other formats: MessagePack and JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import msgspec

from benches import data
from benches.measure import Statement
from benches.peers import Codec

PYTHON_TYPES = {
    "i16": "int",
    "i32": "int",
    "i64": "int",
    "double": "float",
    "string": "str",
    "binary": "bytes",
    "map": "dict",
}


def codecs(work: Path) -> Iterator[Codec]:
    """Yield two codecs for each format: structs as maps, and as arrays that the collector does not see."""
    maps, arrays = types(), types(array_like=True, gc=False)
    yield _codec("msgspec msgpack", msgspec.msgpack, maps)
    yield _codec("msgspec msgpack, arrays, gc=False", msgspec.msgpack, arrays)
    yield _codec("msgspec json", msgspec.json, maps, rival="simplejson")
    yield _codec("msgspec json, arrays, gc=False", msgspec.json, arrays, rival="simplejson")


def types(**options: bool) -> SimpleNamespace:
    """Return the structs of the benchmarks as msgspec's, made with these options of its own."""
    made: dict[str, Any] = {}
    for name, fields in data.STRUCTS.items():
        typed = [(field, eval(_annotation(ttype), dict(made))) for field, ttype in fields.items()]
        made[name] = msgspec.defstruct(name, typed, **options)
    return SimpleNamespace(**made)


def _annotation(ttype: str) -> str:
    """Return Python's name of a Thrift type."""
    named = re.sub(r"\w+", lambda word: PYTHON_TYPES.get(word[0], word[0]), ttype)
    return named.replace("<", "[").replace(">", "]")


def _codec(name: str, codec: ModuleType, types: SimpleNamespace, rival: str = "binary") -> Codec:
    return Codec(
        name=name,
        wire=name,
        rival=rival,
        type_of=lambda struct: getattr(types, struct),
        encode=lambda _struct, value: Statement("encode(value)", {"encode": codec.Encoder().encode, "value": value}),
        decode=lambda struct, data: Statement(
            "decode(data)", {"decode": codec.Decoder(getattr(types, struct)).decode, "data": data}
        ),
    )
