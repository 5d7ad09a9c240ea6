"""thriftpy2: its C extension for Binary, by its public functions and with the buffers of one object used again."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import thriftpy2
from thriftpy2.protocol.cybin import TCyBinaryProtocol, TCyBinaryProtocolFactory
from thriftpy2.transport.memory import TCyMemoryBuffer
from thriftpy2.utils import deserialize, serialize

from benches.measure import Statement
from benches.peers import IDL, Codec


def codecs(work: Path) -> Iterator[Codec]:
    """Yield the codec that users call, and the fastest that its parts allow."""
    module = thriftpy2.load(str(IDL / "bench.thrift"), module_name="bench_thrift")
    names = {"serialize": serialize, "deserialize": deserialize, "factory": TCyBinaryProtocolFactory()}
    yield Codec(
        name="thriftpy2 cybin",
        wire="binary",
        build=lambda struct, fields: getattr(module, struct)(**fields),
        encode=lambda _struct, value: Statement("serialize(value, factory)", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            "deserialize(cls(), data, factory)", {**names, "cls": getattr(module, struct), "data": data}
        ),
    )
    buffer = TCyMemoryBuffer()
    reused = {"buffer": buffer, "protocol": TCyBinaryProtocol(buffer)}
    yield Codec(
        name="thriftpy2 cybin, buffer reused",
        wire="binary",
        build=lambda struct, fields: getattr(module, struct)(**fields),
        encode=lambda _struct, value: Statement(
            "buffer.clean(); value.write(protocol); buffer.getvalue()", {**reused, "value": value}
        ),
        decode=lambda struct, data: Statement(
            "buffer.setvalue(data); value = cls(); value.read(protocol); value",
            {**reused, "cls": getattr(module, struct), "data": data},
        ),
    )
