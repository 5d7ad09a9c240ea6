"""The subjects of the codec benchmark, each behind one adapter, each in the setting it is fastest in."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.data import Build
from benches.measure import Statement

IDL = Path(__file__).resolve().parent.parent / "idl"
MODULES = ("fastthrift_peer", "msgspec_peer", "thriftpy2_peer", "apache_peer", "thriftrs2_peer")


class UnavailableError(Exception):
    """A peer is not here; the text says what is missing."""


@dataclass(frozen=True)
class Codec:
    """One row of the codec tables."""

    name: str
    wire: str
    """The wire format: codecs of one must write the same bytes."""
    build: Build
    encode: Callable[[str, Any], Statement]
    """The statement that encodes a value of a struct."""
    decode: Callable[[str, bytes], Statement]
    """The statement that decodes the bytes of a struct into a new object."""


def codecs(work: Path) -> tuple[list[Codec], list[str]]:
    """Return the codecs that are here, ours first, and a line for each peer that is not.

    Args:
        work: A folder that adapters may put generated code in.
    """
    found: list[Codec] = []
    missing: list[str] = []
    for name in MODULES:
        try:
            found += _codecs_of(name, work)
        except (ImportError, UnavailableError) as error:
            missing.append(f"{name.removesuffix('_peer')}: {error}")
    return found, missing


def _codecs_of(module: str, work: Path) -> Iterator[Codec]:
    yield from importlib.import_module(f"benches.peers.{module}").codecs(work)
