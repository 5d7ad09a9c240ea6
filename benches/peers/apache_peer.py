"""Apache's library with its C extension, over code that Apache's compiler generates."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from thrift.protocol import fastbinary  # noqa: F401  # without it the "accelerated" protocols are plain Python
from thrift.protocol.TBinaryProtocol import TBinaryProtocolAcceleratedFactory
from thrift.protocol.TCompactProtocol import TCompactProtocolAcceleratedFactory
from thrift.TSerialization import deserialize, serialize

from benches.measure import Statement
from benches.peers import IDL, Codec, UnavailableError


def codecs(work: Path) -> Iterator[Codec]:
    """Yield the accelerated codecs of both protocols."""
    types = importlib.import_module(f"{generated(work)}.ttypes")
    factories = {"binary": TBinaryProtocolAcceleratedFactory(), "compact": TCompactProtocolAcceleratedFactory()}
    for wire, factory in factories.items():
        yield _codec(wire, types, factory)


def generated(work: Path) -> str:
    """Generate the code with slots, the faster kind, and return the name of its package, ready to import."""
    compiler = shutil.which("thrift")
    if compiler is None:
        raise UnavailableError("no Apache Thrift compiler on the path (Debian: thrift-compiler)")
    folder = work / "gen-py"
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "--gen", "py:slots", "-out", str(folder), str(IDL / "bench.thrift")], check=True)
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return "bench"


def _codec(wire: str, types: ModuleType, factory: object) -> Codec:
    names = {"serialize": serialize, "deserialize": deserialize, "factory": factory}
    return Codec(
        name=f"Apache {wire}, accelerated",
        wire=wire,
        build=lambda struct, fields: getattr(types, struct)(**fields),
        encode=lambda _struct, value: Statement("serialize(value, factory)", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            "deserialize(cls(), data, factory)", {**names, "cls": getattr(types, struct), "data": data}
        ),
    )
