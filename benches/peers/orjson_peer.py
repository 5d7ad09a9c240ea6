"""orjson: the fastest JSON of plain dicts, without a schema."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from benches.measure import Statement
from benches.peers import Codec


def codecs(work: Path) -> Iterator[Codec]:
    """Yield the codec; it has no type for bytes."""
    yield Codec(
        name="orjson, dicts",
        wire="orjson",
        rival="simplejson",
        type_of=lambda _struct: dict,
        encode=lambda _struct, value: Statement("dumps(value)", {"dumps": orjson.dumps, "value": value}),
        decode=lambda _struct, data: Statement("loads(data)", {"loads": orjson.loads, "data": data}),
        lacks=("1 MiB",),
    )
