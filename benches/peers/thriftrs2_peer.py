"""thriftrs2: Binary between bytes and its instances, which stay Rust values until an attribute is read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import thriftrs2

from benches.measure import Statement
from benches.peers import IDL, Codec


def codecs(work: Path) -> Iterator[Codec]:
    """Yield the codec of instances, the faster one; its Compact is not Thrift's."""
    module = thriftrs2.load(str(IDL / "bench.thrift"))
    yield Codec(
        name="thriftrs2 binary, lazy instances",
        wire="binary",
        type_of=lambda struct: getattr(module, struct),
        encode=lambda struct, value: Statement(
            "serialize(value)", {"serialize": getattr(module, struct).serialize, "value": value}
        ),
        decode=lambda struct, data: Statement(
            "deserialize(data)", {"deserialize": getattr(module, struct).deserialize, "data": data}
        ),
    )
