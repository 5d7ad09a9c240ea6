"""thriftpy2: its C extension for Binary, by its public functions and with the buffers of one object used again.

Its other protocols are plain Python; `json` is a format of its own, `apache_json` is Thrift's.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import thriftpy2
from thriftpy2.protocol.apache_json import TApacheJSONProtocol
from thriftpy2.protocol.compact import TCompactProtocolFactory
from thriftpy2.protocol.cybin import TCyBinaryProtocol, TCyBinaryProtocolFactory
from thriftpy2.protocol.json import TJSONProtocolFactory
from thriftpy2.transport import TMemoryBuffer
from thriftpy2.transport.memory import TCyMemoryBuffer
from thriftpy2.utils import deserialize, serialize

from benches.measure import Statement
from benches.peers import BENCH, Codec


def codecs(work: Path, idl: Path = BENCH) -> Iterator[Codec]:
    """Yield the codecs that users call, and for Binary the fastest that its parts allow."""
    module = thriftpy2.load(str(idl), module_name=f"{idl.stem}_thrift")
    yield _codec(module, "cybin", TCyBinaryProtocolFactory(), wire="binary", rival="binary")
    yield _reusing(module)
    yield _codec(module, "compact", TCompactProtocolFactory(), wire="compact", rival="compact")
    yield _codec(module, "json", TJSONProtocolFactory(), wire="thriftpy2 json", rival="json")
    yield _in_message(module)


def _codec(module: ModuleType, name: str, factory: object, *, wire: str, rival: str) -> Codec:
    names = {"serialize": serialize, "deserialize": deserialize, "factory": factory}
    return Codec(
        name=f"thriftpy2 {name}",
        wire=wire,
        rival=rival,
        type_of=lambda struct: getattr(module, struct),
        encode=lambda _struct, value: Statement("serialize(value, factory)", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            "deserialize(cls(), data, factory)", {**names, "cls": getattr(module, struct), "data": data}
        ),
    )


def _reusing(module: ModuleType) -> Codec:
    buffer = TCyMemoryBuffer()
    reused = {"buffer": buffer, "protocol": TCyBinaryProtocol(buffer)}
    return Codec(
        name="thriftpy2 cybin, buffer reused",
        wire="binary",
        type_of=lambda struct: getattr(module, struct),
        encode=lambda _struct, value: Statement(
            "buffer.clean(); value.write(protocol); buffer.getvalue()", {**reused, "value": value}
        ),
        decode=lambda struct, data: Statement(
            "buffer.setvalue(data); value = cls(); value.read(protocol); value",
            {**reused, "cls": getattr(module, struct), "data": data},
        ),
    )


def _in_message(module: ModuleType) -> Codec:
    """Return the codec of Thrift's JSON, which thriftpy2 writes and reads in a message only."""
    names = {"memory": TMemoryBuffer, "protocol_on": TApacheJSONProtocol}
    return Codec(
        name="thriftpy2 apache_json, in a message",
        wire="thriftpy2 apache_json",
        rival="json",
        type_of=lambda struct: getattr(module, struct),
        encode=lambda _struct, value: Statement(
            "buffer = memory(); protocol = protocol_on(buffer); protocol.write_message_begin('', 1, 0); "
            "value.write(protocol); buffer.getvalue()",
            {**names, "value": value},
        ),
        decode=lambda struct, data: Statement(
            "protocol = protocol_on(memory(data)); protocol.read_message_begin(); value = cls(); "
            "value.read(protocol); value",
            {**names, "cls": getattr(module, struct), "data": data},
        ),
    )
