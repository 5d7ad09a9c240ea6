"""IDL files that others wrote, from where pip put them."""

from __future__ import annotations

import enum
import time
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import fastthrift


class Loaded(NamedTuple):
    """A file that was loaded, and how long that took."""

    file: str
    module: ModuleType
    seconds: float

    def count(self, *bases: type) -> int:
        """Return how many classes of the file have one of these bases."""
        members = (getattr(self.module, name) for name in dir(self.module))
        return sum(isinstance(member, type) and issubclass(member, bases) for member in members)

    def __str__(self) -> str:
        structs = self.count(fastthrift.Struct, fastthrift.Union, fastthrift.ThriftException)
        enums, services = self.count(enum.Enum), self.count(fastthrift.Service)
        return f"{self.file:<24}{self.seconds * 1e3:5.1f} ms{structs:>10}{enums:>8}{services:>10}"


def load(package: str, file: str) -> Loaded:
    """Load a file of an installed package."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise SystemExit(f"the demo needs {package}: pip install -r examples/demo/requirements.txt")
    path = Path(spec.origin).parent / file
    start = time.perf_counter()
    module = fastthrift.load(path)
    return Loaded(path.name, module, time.perf_counter() - start)


FILES = [
    load("impala", "thrift/TCLIService.thrift"),
    load("impala", "thrift/hive_metastore.thrift"),
    load("happybase", "Hbase.thrift"),
]
tcli, _, hbase = (loaded.module for loaded in FILES)
