"""Apache's library over code that Apache's compiler generates: with its C extension, and its JSON in plain Python."""

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
from thrift.protocol.TJSONProtocol import TJSONProtocolFactory
from thrift.TSerialization import deserialize, serialize

from benches.measure import Statement
from benches.peers import BENCH, Codec, UnavailableError

ACCELERATED = {"binary": TBinaryProtocolAcceleratedFactory(), "compact": TCompactProtocolAcceleratedFactory()}


def codecs(work: Path, idl: Path = BENCH) -> Iterator[Codec]:
    """Yield the accelerated codecs of both kinds of generated code, and JSON with the faster kind."""
    plain, slots = (
        importlib.import_module(f"{generated(work, idl=idl, slots=slots)}.ttypes") for slots in (False, True)
    )
    for wire, factory in ACCELERATED.items():
        yield _codec(f"Apache {wire}, accelerated", wire, plain, factory)
        yield _codec(f"Apache {wire}, accelerated, slots", wire, slots, factory)
    yield _codec("Apache JSON, slots", "json", slots, TJSONProtocolFactory())


def generated(work: Path, *, idl: Path = BENCH, slots: bool = True) -> str:
    """Generate code, with slots or without, and return the name of its package, ready to import."""
    compiler = shutil.which("thrift")
    if compiler is None:
        raise UnavailableError("no Apache Thrift compiler on the path (Debian: thrift-compiler)")
    package, option = ("generated_slots", "py:slots") if slots else ("generated_plain", "py")
    folder = work / package
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run([compiler, "-nowarn", "--gen", option, "-out", str(folder), str(idl)], check=True)
    if str(work) not in sys.path:
        sys.path.append(str(work))
    return f"{package}.{idl.stem}"


def _codec(name: str, wire: str, types: ModuleType, factory: object) -> Codec:
    names = {"serialize": serialize, "deserialize": deserialize, "factory": factory}
    return Codec(
        name=name,
        wire=wire,
        rival=wire,
        type_of=lambda struct: getattr(types, struct),
        encode=lambda _struct, value: Statement("serialize(value, factory)", {**names, "value": value}),
        decode=lambda struct, data: Statement(
            "deserialize(cls(), data, factory)", {**names, "cls": getattr(types, struct), "data": data}
        ),
    )
