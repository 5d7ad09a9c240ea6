"""Values of every struct of the real IDL: generated Rust reads what Python wrote, and writes the same bytes."""

from __future__ import annotations

import enum
import inspect
import random
import shutil
import subprocess
import sys
import types
import typing
import uuid
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import fastthrift
import pytest

from tests.python.conftest import ROOT
from tests.python.test_real_idl import includes

DEEP, MANY = 4, 60
"""From this depth on, and after so many structs, containers are empty. Fields are left out only where a struct would
hold itself: annotations do not tell optional fields from those that generated Rust gives their defaults."""

BITS = (63, 31, 15, 7)
"""How large numbers are tried, since hints do not say how large they may be."""


class Maker:
    """Makes values from annotations: all fields are set, so that nobody has to give one its default."""

    def __init__(self, rng: random.Random, bits: int) -> None:
        self.rng = rng
        self.bits = bits
        self.open: list[type] = []
        self.made_so_far = 0

    def is_enough(self) -> bool:
        return len(self.open) >= DEEP or self.made_so_far >= MANY

    def value(self, hint: Any) -> Any:
        """Make a value of an annotated type."""
        origin, inner = typing.get_origin(hint), typing.get_args(hint)
        if origin in (typing.Union, types.UnionType):
            return self.value(next(one for one in inner if one is not type(None)))
        if origin in (list, tuple):
            return origin(self.value(inner[0]) for _ in range(self.count(inner[0])))
        if origin in (set, frozenset):
            # The order of a set is Python's own affair: with one element there is but one.
            return origin(self.value(inner[0]) for _ in range(min(1, self.count(inner[0]))))
        if origin is not None and issubclass(origin, Mapping):
            return self.entries(*inner)
        if issubclass(hint, enum.Enum):
            return self.rng.choice(list(hint))
        if issubclass(hint, (fastthrift.Struct, fastthrift.Union, fastthrift.ThriftException)):
            return self.instance(hint)
        return self.scalar(hint)

    def scalar(self, hint: type) -> Any:
        makers: dict[type, Callable[[], Any]] = {
            bool: lambda: self.rng.random() < 0.5,
            int: lambda: self.rng.choice([0, 1, -1, 2**self.bits - 1, -(2**self.bits)]),
            float: lambda: self.rng.choice([0.0, -0.0, 1.5, -1e300, float("inf")]),
            str: lambda: self.rng.choice(["", "text", "Äöü €", "a longer text of more than thirty-two bytes"]),
            bytes: lambda: self.rng.randbytes(self.rng.randrange(6)),
            uuid.UUID: lambda: uuid.UUID(int=self.rng.getrandbits(128)),
        }
        return makers[hint]()

    def count(self, hint: Any) -> int:
        return 0 if self.is_enough() or hint in self.open else self.rng.choice([0, 1, 1, 2])

    def entries(self, key: Any, value: Any) -> dict[Any, Any]:
        """Make a map in the order that generated Rust gives it."""
        made = {self.value(key): self.value(value) for _ in range(self.count(value))}
        return {name: made[name] for name in sorted(made, key=rank)}

    def instance(self, cls: Any) -> Any:
        hints = typing.get_type_hints(cls)
        if issubclass(cls, fastthrift.Union):
            name = self.rng.choice(list(hints))
            return self.made(cls, {name: hints[name]})
        defaults = inspect.signature(cls).parameters.values()
        given = {}
        for (name, hint), parameter in zip(hints.items(), defaults, strict=True):
            is_optional = type(None) in typing.get_args(hint) and parameter.default is None
            leaf = next((one for one in typing.get_args(hint) if one is not type(None)), hint)
            if is_optional and leaf in self.open:
                continue
            given[name] = hint
        return self.made(cls, given)

    def made(self, cls: Any, given: dict[str, Any]) -> Any:
        self.open.append(cls)
        self.made_so_far += 1
        values = {name: self.value(hint) for name, hint in given.items()}
        self.open.pop()
        return cls(**values)


def rank(value: Any) -> Any:
    """Say where a key stands among its like, as generated Rust orders them."""
    if isinstance(value, fastthrift.Struct):
        return tuple(rank(getattr(value, name)) for name in value.__match_args__)
    return value.encode() if isinstance(value, str) else value


def written(cls: Any, seed: str, protocol: str) -> bytes:
    """Write an arbitrary value with numbers as large as its fields take."""
    for bits in BITS:
        value = Maker(random.Random(seed), bits).instance(cls)
        try:
            return fastthrift.serialize(value, protocol)
        except fastthrift.EncodeError as error:
            if bits == BITS[-1]:
                raise AssertionError(f"{cls}: {error}") from error
    raise AssertionError


def structs(folder: Path) -> Iterator[tuple[str, str, Any]]:
    """Find every struct, union and exception, with the file that declares it.

    Annotations are looked up in the modules that Python knows, so each file has to be the first of its name that it is
    told of.
    """
    for path in sorted(folder.rglob("*.thrift")):
        for name in [name for name in sys.modules if name.endswith("_thrift")]:
            del sys.modules[name]
        module = fastthrift.load(path, include_dirs=includes(folder, path))
        for name in module.__all__:
            thing = getattr(module, name)
            if isinstance(thing, type) and issubclass(
                thing, (fastthrift.Struct, fastthrift.Union, fastthrift.ThriftException)
            ):
                yield str(path.relative_to(folder)), thing.__name__, thing


def written_cases(folder: Path) -> Iterator[tuple[str, str, str, str]]:
    """Write two values of each struct in both protocols: protocol, file, name, and bytes in hexadecimal."""
    for file, name, cls in structs(folder):
        if issubclass(cls, fastthrift.Union) and not typing.get_type_hints(cls):
            continue  # no value of it can be made
        for protocol in ("binary", "compact"):
            for place in range(2):
                yield protocol, file, name, written(cls, f"{name}{place}", protocol).hex()


@pytest.mark.timeout(1800)
def test_generated_rust_writes_the_bytes_that_python_wrote(shared_idl: Path) -> None:
    if shutil.which("cargo") is None:
        pytest.skip("no cargo to build the generated Rust with")
    with mock.patch.dict(sys.modules):
        cases = list(written_cases(shared_idl))
    assert len(cases) > 2000
    done = subprocess.run(
        ["cargo", "run", "--quiet", "--locked", "-p", "fastthrift-generated"],
        cwd=ROOT,
        input="".join("\t".join(case) + "\n" for case in cases),
        check=True,
        capture_output=True,
        text=True,
        timeout=1500,
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(cases)
    wrong = [(case, answer) for case, answer in zip(cases, answers, strict=True) if case[3] != answer]
    assert not wrong, f"{len(wrong)} of {len(cases)}; the first: {wrong[0]}"
