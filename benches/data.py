"""The logical data of the benchmarks: plain Python, from which each peer builds its own objects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Fields = Mapping[str, Any]
"""A struct as its field names and values; nested structs are `Fields` too."""

Build = Callable[[str, Fields], Any]
"""Makes a peer's object of a struct's name and its fields, nested objects already made."""

STRUCTS: Mapping[str, Mapping[str, str]] = {
    "Small": {"count": "i32", "id": "i64", "ratio": "double", "active": "bool", "kind": "i16", "name": "string"},
    "Phone": {"number": "string", "kind": "i32"},
    "Person": {
        "name": "string",
        "id": "i32",
        "emails": "list<string>",
        "phones": "list<Phone>",
        "labels": "map<string,string>",
    },
    "Book": {"people": "list<Person>"},
    "Doubles": {"values": "list<double>"},
    "Longs": {"values": "list<i64>"},
    "Scores": {"values": "map<string,i32>"},
    "Blob": {"data": "binary"},
}
"""The structs of `bench.thrift` for peers that do not read it, each after those it holds: field names to types."""


def plain(_struct: str, fields: Fields) -> Fields:
    """Build nothing: a struct stays its fields."""
    return fields


def small() -> Fields:
    """Six scalar fields, one of each common kind."""
    return {"count": 7, "id": 1234567890123, "ratio": 2.5, "active": True, "kind": 300, "name": "twelve chars"}


def book(build: Build, people: int = 100) -> Fields:
    """Return an address book of so many people, nested objects made by `build`."""
    return {"people": [_person(build, number) for number in range(people)]}


def _person(build: Build, number: int) -> Any:
    phones = [
        build("Phone", {"number": f"+31 20 555 {number:04}", "kind": 1}),
        build("Phone", {"number": f"+31 6 5555 {number:04}", "kind": 2}),
    ]
    fields = {
        "name": f"Person Number {number}",
        "id": 100_000 + number,
        "emails": [f"person{number}@example.com", f"p{number}@mail.example.org"],
        "phones": phones,
        "labels": {"team": f"team {number % 7}", "city": "Amsterdam", "role": "engineer"},
    }
    return build("Person", fields)


def message() -> Fields:
    """What the echo calls carry: a hundred bytes in Binary."""
    return {"id": 1234567890123, "value": 2.5, "flag": True, "name": "twenty characters ab", "text": "x" * 39}


def cases(build: Build) -> dict[str, tuple[str, Fields]]:
    """Return every codec case: its name to the struct's name and fields."""
    return {
        "small": ("Small", small()),
        "book": ("Book", book(build)),
        "10k double": ("Doubles", {"values": [number * 1.1 for number in range(10_000)]}),
        "10k i64": ("Longs", {"values": [number << 20 for number in range(10_000)]}),
        "1k map": ("Scores", {"values": {f"key number {number}": number * 3 for number in range(1_000)}}),
        "1 MiB": ("Blob", {"data": bytes(range(256)) * 4096}),
    }
