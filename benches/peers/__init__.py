"""The subjects of the codec benchmark, each behind one adapter, each in the setting it is fastest in."""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.data import Fields
from benches.measure import Statement

ROOT = Path(__file__).resolve().parent.parent.parent
IDL = ROOT / "benches" / "idl"
SHARED = Path(os.environ.get("FASTTHRIFT_SHARED") or ROOT.parent / "shared")
"""The folder of real IDL, which is no part of the project; without it the cases that need it are left out."""
BENCH = IDL / "bench.thrift"
THRIFT = ("fastthrift_peer", "thriftpy2_peer", "apache_peer")
"""The adapters that take any IDL file: their `codecs(work, idl)`."""
OTHERS = ("thriftrs2_peer", "msgspec_peer", "protobuf_peer", "orjson_peer", "pickle_peer")
"""The adapters that know the structs of `data.STRUCTS` alone: their `codecs(work)`."""


class UnavailableError(Exception):
    """A peer is not here; the text says what is missing."""


@dataclass(frozen=True)
class Codec:
    """One row of the codec tables."""

    name: str
    wire: str
    """The wire format: codecs of one must write the same bytes."""
    type_of: Callable[[str], Callable[..., Any]]
    """The type of a struct, which takes its fields as keywords."""
    encode: Callable[[str, Any], Statement]
    """The statement that encodes a value of a struct."""
    decode: Callable[[str, bytes], Statement]
    """The statement that decodes the bytes of a struct into a new object."""
    rival: str = "binary"
    """The protocol of fastthrift whose time this one's is held against beside Binary: the one of its kind."""
    lacks: Collection[str] = ()
    """The cases that it has no type for."""

    def build(self, struct: str, fields: Fields) -> Any:
        """Return an object of a struct; nested objects are made already."""
        return self.type_of(struct)(**fields)


def codecs(work: Path) -> tuple[list[Codec], list[str]]:
    """Return the codecs of `bench.thrift` that are here, ours first, and a line for each peer that is not.

    Args:
        work: A folder that adapters may put generated code in.
    """
    return _gather([*THRIFT, *OTHERS], lambda module: module.codecs(work))


def thrift_codecs(work: Path, idl: Path) -> tuple[list[Codec], list[str]]:
    """Return the codecs of an IDL file that are here, ours first, and a line for each peer that is not."""
    return _gather(THRIFT, lambda module: module.codecs(work, idl))


def _gather(names: Collection[str], codecs_of: Callable[[Any], Iterator[Codec]]) -> tuple[list[Codec], list[str]]:
    found: list[Codec] = []
    missing: list[str] = []
    for name in names:
        try:
            found += codecs_of(importlib.import_module(f"benches.peers.{name}"))
        except (ImportError, UnavailableError) as error:
            missing.append(f"{name.removesuffix('_peer')}: {error}")
    return found, missing
