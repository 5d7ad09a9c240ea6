"""pickle, protocol 5, of dataclasses with slots: what the standard library offers."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benches.measure import Statement
from benches.peers import Codec


@dataclass(slots=True)
class Small:
    count: int
    id: int
    ratio: float
    active: bool
    kind: int
    name: str


@dataclass(slots=True)
class Phone:
    number: str
    kind: int


@dataclass(slots=True)
class Person:
    name: str
    id: int
    emails: list[str]
    phones: list[Phone]
    labels: dict[str, str]


@dataclass(slots=True)
class Book:
    people: list[Person]


@dataclass(slots=True)
class Doubles:
    values: list[float]


@dataclass(slots=True)
class Longs:
    values: list[int]


@dataclass(slots=True)
class Scores:
    values: dict[str, int]


@dataclass(slots=True)
class Blob:
    data: bytes


TYPES: dict[str, type[Any]] = {cls.__name__: cls for cls in (Small, Phone, Person, Book, Doubles, Longs, Scores, Blob)}


def codecs(work: Path) -> Iterator[Codec]:
    """Yield the codec."""
    yield Codec(
        name="pickle 5, slots dataclass",
        wire="pickle",
        type_of=TYPES.__getitem__,
        encode=lambda _struct, value: Statement("dumps(value, 5)", {"dumps": pickle.dumps, "value": value}),
        decode=lambda _struct, data: Statement("loads(data)", {"loads": pickle.loads, "data": data}),
    )
