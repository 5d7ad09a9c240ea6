"""Forty kinds of malice in every protocol: a typed error with its place, or a value, in little time and memory."""

from __future__ import annotations

import ctypes
import gc
import math
import random
import re
import struct
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.python.hostile import PROTOCOLS, Wire

m: Any = fastthrift.loads(
    """
    enum Kind { A = 1 }
    struct Empty {}
    union Choice { 1: i32 number, 2: string text, 3: Choice choice }
    struct Key { 1: i64 a, 2: list<i64> l, 3: Key k }
    struct Need { 1: required i32 id }
    struct S {
      1: string text, 2: binary data, 3: list<i64> numbers, 4: set<string> names, 5: map<i32, string> by, 6: S inner
      7: list<bool> flags, 8: uuid id, 9: bool flag, 10: i32 number, 11: list<S> many, 12: Choice choice
      13: map<double, i32> heights, 14: map<Key, i32> keyed, 15: set<i64> ints, 16: Kind kind, 17: double height
      18: i8 tiny, 19: i16 small, 20: i64 big, 21: set<list<i64>> lists, 22: map<map<i32, i32>, i32> maps
      23: list<Empty> empties, 24: Need need, 25: map<uuid, i32> ids, 26: list<list<list<i32>>> deep
      27: list<double> heap
      28: map<string, S> trees, 29: set<uuid> uuids, 30: set<Key> keys
    }
    """,
    name="hostile.thrift",
)
TYPES = {
    1: ("text", "text"), 2: ("data", "blob"), 3: ("numbers", "list"), 4: ("names", "set"), 5: ("by", "map"),
    6: ("inner", "struct"), 7: ("flags", "list"), 8: ("id", "uuid"), 9: ("flag", "bool"), 10: ("number", "i32"),
    11: ("many", "list"), 12: ("choice", "struct"), 13: ("heights", "map"), 14: ("keyed", "map"), 15: ("ints", "set"),
    16: ("kind", "i32"), 17: ("height", "double"), 18: ("tiny", "i8"), 19: ("small", "i16"), 20: ("big", "i64"),
    21: ("lists", "set"), 22: ("maps", "map"), 23: ("empties", "list"), 24: ("need", "struct"), 25: ("ids", "map"),
    26: ("deep", "list"), 27: ("heap", "list"), 28: ("trees", "map"), 29: ("uuids", "set"), 30: ("keys", "set"),
    99: ("unknown", "list"),
}  # fmt: skip
MOST = 2**31 - 1
LEVELS = 100_000
LIMIT = 64
"""How deep values may nest."""
MILLISECONDS = 10
MEMORY = 1 << 20


def field(w: Wire, number: int, value: bytes, kind: str = "") -> bytes:
    """Return a field of `S`, of its own type or another."""
    name, own = TYPES[number]
    return w.field(number, name, kind or own, value)


def one(w: Wire, number: int, value: bytes, kind: str = "") -> bytes:
    """Return a struct of one field."""
    return w.structure(field(w, number, value, kind))


def cut(w: Wire, *fields: bytes) -> bytes:
    """Return a struct that is not closed."""
    return w.structure(*fields)[:-1]


def opening(w: Wire, number: int, value: bytes = b"", kind: str = "") -> bytes:
    """Return what comes before a field's value, in a struct of its own."""
    mark = b"\x55"
    whole = one(w, number, mark, kind)
    return whole[: whole.rindex(mark)] + value


def levels(w: Wire, number: int, head: bytes, kind: str = "") -> bytes:
    """Return a field that holds a list that holds a list, and so on, without an end."""
    return opening(w, number, kind=kind) + head * LEVELS


def head(w: Wire, kind: str, value: str = "") -> bytes:
    """Return the head of a container of one container of the same kind."""
    mark = b"\x55" * 4
    if kind == "map":
        whole = w.mapping("text" if w.is_text else "i8", "map", [(w.text(b"a") if w.is_text else b"\x01", mark)])
    else:
        whole = w.sequence(value or kind, [mark])
    return whole[: whole.index(mark)]


def chain(w: Wire, depth: int, number: int = 6) -> bytes:
    """Return structs inside each other, as many levels as this."""
    data = w.structure()
    for _ in range(depth - 1):
        data = one(w, number, data, "struct")
    return data


def lists(w: Wire, depth: int) -> bytes:
    """Return lists inside each other in a field that nobody knows; the struct counts as a level."""
    data = w.sequence("i8", [w.number("i8", 1)])
    for _ in range(depth - 2):
        data = w.sequence("list", [data])
    return one(w, 99, data)


def i64s(w: Wire, numbers: list[int]) -> list[bytes]:
    """Return numbers, each as an element."""
    return [w.number("i64", number) for number in numbers]


def empties(w: Wire, count: int) -> list[bytes]:
    """Return structs of nothing."""
    return [w.structure()] * count


def keys(w: Wire, count: int) -> list[bytes]:
    """Return structs that may be keys, all equal."""
    return [w.structure(w.field(1, "a", "i64", w.number("i64", 7)))] * count


def rotated(number: int, bits: int) -> int:
    """Return a number of 64 bits turned to the left."""
    number %= 2**64
    return (number << bits | number >> 64 - bits) % 2**64


def tuples_alike(count: int) -> list[tuple[int, int]]:
    """Return pairs that CPython's hash of tuples takes for the same: the second number makes up for the first."""
    prime, other, seed = 0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x27D4EB2F165667C5
    found: list[tuple[int, int]] = []
    inverse = pow(other, -1, 2**64)
    for first in range(1, 100 * count):
        second = -rotated(seed + first * other, 31) * prime * inverse % 2**64
        signed = second - (second >> 63 << 64)
        if abs(signed) < 2**61 - 1:
            found.append((first, signed))
        if len(found) == count:
            break
    return found


def structs_alike(count: int) -> list[tuple[int, int]]:
    """Return lists of two numbers that make structs with them have the same hash."""
    factor = 1_000_003
    mixed = [rotated(rotated(0x345679, 5) * factor ^ first, 5) * factor % 2**64 for first in range(count)]
    return [(first, number ^ mixed[0]) for first, number in enumerate(mixed)]


def pairs(w: Wire, numbers: list[tuple[int, int]]) -> list[bytes]:
    """Return lists of two numbers."""
    return [w.sequence("i64", i64s(w, [*pair])) for pair in numbers]


ANY = None
"""A value or an error."""
END = r"the input ends|limit|negative|expected"
ALIKE = "more than 64 different keys or elements have the same hash"
DEPTH = f"nesting is deeper than the limit of {LIMIT}"
INTEGERS = {"i8": 18, "i16": 19, "i32": 10, "i64": 20}

Expected = str | None | Callable[[Any], bool]
CASES: dict[str, tuple[Callable[[Wire], bytes], Expected]] = {
    # What is claimed and never comes.
    "a list of 2^31-1": (lambda w: one(w, 3, w.sequence("i64", i64s(w, [1, 2]), MOST)), END),
    "a list of 2^24-1": (lambda w: one(w, 3, w.sequence("i64", i64s(w, [1, 2]), 2**24 - 1)), END),
    "a list of 2^31-1 bools": (lambda w: one(w, 7, w.sequence("bool", [w.flag(True)] * 1000, MOST)), END),
    "a list of 2^31-1 structs": (lambda w: one(w, 11, w.sequence("struct", empties(w, 10), MOST)), END),
    "a list of 2^31-1 empty structs": (lambda w: one(w, 23, w.sequence("struct", empties(w, 1000), MOST)), END),
    "a set of 2^31-1": (lambda w: one(w, 4, w.sequence("text", [w.text(b"a")], MOST)), END),
    "a map of 2^31-1": (
        lambda w: one(w, 5, w.mapping("i32", "text", [(w.number("i32", 1), w.text(b"a"))], MOST)),
        END,
    ),
    "a map of 2^24-1": (
        lambda w: one(w, 5, w.mapping("i32", "text", [(w.number("i32", 1), w.text(b"a"))], 2**24 - 1)),
        END,
    ),
    "a string of 2^31-1": (lambda w: opening(w, 1, w.text(b"abc", MOST)), END),
    "a binary of 2^31-1": (lambda w: opening(w, 2, w.blob(b"abc", MOST)), END),
    "a string of 99 MiB": (lambda w: opening(w, 1, w.text(b"abc", 99 << 20)), END),
    "an unknown list of 2^31-1": (lambda w: one(w, 99, w.sequence("struct", empties(w, 1000), MOST)), END),
    "an unknown map of 2^31-1": (
        lambda w: one(w, 99, w.mapping("i8", "i8", [(w.number("i8", 1), w.number("i8", 2))], MOST), "map"),
        END,
    ),
    "an unknown string of 2^31-1": (lambda w: opening(w, 99, w.text(b"abc", MOST), "text"), END),
    "lists of 2^24-1 inside each other": (
        lambda w: opening(
            w, 26, w.sequence("list", [w.sequence("list", [w.sequence("i32", [], 1 << 23)], 1 << 23)], 1 << 23)
        ),
        END,
    ),
    # Sizes below nothing.
    "a list of -1": (lambda w: one(w, 3, w.sequence("i64", [], -1)), END),
    "a list of -2^31": (lambda w: one(w, 3, w.sequence("i64", [], -(2**31))), END),
    "a set of -1": (lambda w: one(w, 4, w.sequence("text", [], -1)), END),
    "a map of -1": (lambda w: one(w, 5, w.mapping("i32", "text", [], -1)), END),
    "a string of -1": (lambda w: opening(w, 1, w.text(b"" if w.is_text else b"abc", MOST if w.is_text else -1)), END),
    "an unknown list of -1": (lambda w: one(w, 99, w.sequence("list", [], -1)), END),
    # Nesting.
    "known structs 100,000 deep": (lambda w: opening(w, 6) * LEVELS, DEPTH),
    "known structs in lists 100,000 deep": (
        lambda w: opening(w, 11, w.sequence("struct", [b"\x55"]).split(b"\x55")[0]) * LEVELS,
        DEPTH,
    ),
    "known structs in maps 100,000 deep": (
        lambda w: opening(w, 28, w.mapping("text", "struct", [(w.text(b"a"), b"\x55")]).split(b"\x55")[0]) * LEVELS,
        DEPTH,
    ),
    "unions 100,000 deep": (
        lambda w: opening(w, 12) + w.structure(w.field(3, "choice", "struct", b"\x55")).split(b"\x55")[0] * LEVELS,
        DEPTH,
    ),
    "unknown structs 100,000 deep": (lambda w: opening(w, 99, kind="struct") * LEVELS, DEPTH),
    "unknown lists 100,000 deep": (lambda w: levels(w, 99, head(w, "list")), DEPTH),
    "unknown sets 100,000 deep": (lambda w: levels(w, 99, head(w, "set"), "set"), DEPTH),
    "unknown maps 100,000 deep": (lambda w: levels(w, 99, head(w, "map"), "map"), DEPTH),
    "keys 100,000 deep": (
        lambda w: (
            opening(w, 30, head(w, "set", "struct"))
            + w.structure(w.field(3, "k", "struct", b"\x55")).split(b"\x55")[0] * LEVELS
        ),
        DEPTH,
    ),
    "structs at the limit": (lambda w: chain(w, LIMIT), lambda s: depth_of(s) == LIMIT),
    "structs one over the limit": (lambda w: chain(w, LIMIT + 1), DEPTH),
    "unknown structs at the limit": (lambda w: chain(w, LIMIT, 99), lambda s: s == m.S()),
    "unknown structs one over the limit": (lambda w: chain(w, LIMIT + 1, 99), DEPTH),
    "unknown lists at the limit": (lambda w: lists(w, LIMIT), lambda s: s == m.S()),
    "unknown lists one over the limit": (lambda w: lists(w, LIMIT + 1), DEPTH),
    # Text.
    **{
        f"bad UTF-8 {bad.hex()} in {name}": (
            lambda w, bad=bad, number=number: one(  # type: ignore[misc]
                w,
                number,
                w.text(bad)
                if number == 1
                else w.sequence("text", [w.text(b"ok"), w.text(bad)])
                if number == 4
                else w.mapping("i32", "text", [(w.number("i32", 1), w.text(bad))]),
            ),
            "UTF-8",
        )
        for bad in (b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"a\xe2\x82", b"\x80" * 5000)
        for number, name in ((1, "a string"), (4, "a set"), (5, "a map"))
    },
    "bad UTF-8 as a map's key": (
        lambda w: one(w, 28, w.mapping("text", "struct", [(w.text(b"\xff"), w.structure())])),
        "UTF-8",
    ),
    "a string of NULs": (
        lambda w: one(w, 1, w.text((b"\\u0000" if w.is_text else b"\0") * 5)),
        lambda s: s.text == "\0" * 5,
    ),
    "a lone surrogate": (lambda w: one(w, 1, w.text(b"\\ud800" if w.is_text else b"\xed\xa0\x80")), "surrogate|UTF-8"),
    "a lone low surrogate": (
        lambda w: one(w, 1, w.text(b"\\udc00" if w.is_text else b"\xed\xb0\x80")),
        "surrogate|UTF-8|escape",
    ),
    "a surrogate with no other half": (
        lambda w: one(w, 1, w.text(b"\\ud800\\u0041" if w.is_text else b"\xed\xa0\x80A")),
        "surrogate|UTF-8",
    ),
    "escapes without an end": (lambda w: opening(w, 1, b'"' + b"\\u00e9" * 20_000), "."),
    "backslashes without an end": (lambda w: opening(w, 1, b'"' + b"\\" * 100_001), "."),
    "an escape that is cut": (lambda w: opening(w, 1, b'"\\u00'), "."),
    "an escape that is none": (lambda w: one(w, 1, w.text(b"\\x41")), lambda s: s.text == "\\x41"),
    "bad base64": (lambda w: one(w, 2, w.text(b"A===")), lambda s: s.data == b"A==="),
    "base64 of odd length": (lambda w: one(w, 2, w.text(b"AAAAA")), lambda s: s.data == b"AAAAA"),
    "base64 with spaces": (lambda w: one(w, 2, w.text(b"AA A" * 100)), lambda s: s.data == b"AA A" * 100),
    # Numbers.
    **{
        f"a number without an end, {kind}": (
            lambda w, number=number: opening(w, number, (b"9" if w.is_text else b"\xff") * 100_000),  # type: ignore[misc]
            ".",
        )
        for kind, number in INTEGERS.items()
    },
    **{
        f"a number too large, {kind}": (
            lambda w, kind=kind, number=number: one(  # type: ignore[misc]
                w,
                number,
                w.number(kind, 2 ** (8 * struct.calcsize(WIDTH[kind]) - 1) - (not w.is_text and not is_wide(w, kind))),
            ),
            ANY,
        )
        for kind, number in INTEGERS.items()
    },
    "a double without an end": (lambda w: opening(w, 17, b"1" * 100_000), ANY),
    "a double of 100,000 digits": (
        lambda w: one(w, 17, b"0." + b"1" * 100_000 if w.is_text else b"\x7f" * 8),
        ANY,
    ),
    "a double beyond all": (lambda w: one(w, 17, b"1e999999999" if w.is_text else b"\x7f\xf0" * 4), ANY),
    "a field's number beyond i16": (lambda w: w.structure(number_field(w, 2**31)), ANY),
    "zeros before a number": (lambda w: opening(w, 10, (b"0" if w.is_text else b"\x80") * 100_000), "."),
    # Bombs.
    "a bomb of unknown empty structs": (
        lambda w: one(w, 99, w.sequence("struct", empties(w, 30_000))),
        lambda s: s == m.S(),
    ),
    "a bomb of unknown bools": (
        lambda w: one(w, 99, w.sequence("bool", [w.flag(True)] * 30_000)),
        lambda s: s == m.S(),
    ),
    "a bomb of unknown empty lists": (
        lambda w: one(w, 99, w.sequence("list", [w.sequence("i8", [])] * 20_000)),
        lambda s: s == m.S(),
    ),
    "a bomb of unknown empty maps": (
        lambda w: one(w, 99, w.sequence("map", [w.mapping("i8", "i8", [])] * 10_000)),
        lambda s: s == m.S(),
    ),
    "a bomb of known empty structs": (
        lambda w: one(w, 23, w.sequence("struct", empties(w, 20_000))),
        lambda s: len(s.empties) == 20_000,
    ),
    "a bomb of known wide structs": (
        lambda w: one(w, 11, w.sequence("struct", empties(w, 2_000))),
        lambda s: len(s.many) == 2_000,
    ),
    "a bomb of known bools": (
        lambda w: one(w, 7, w.sequence("bool", [w.flag(True)] * 20_000)),
        lambda s: len(s.flags) == 20_000,
    ),
    "a bomb of voids": (lambda w: one(w, 3, void_bomb(w)), ANY),
    "a field that comes 20,000 times": (
        lambda w: w.structure(*[field(w, 10, w.number("i32", place)) for place in range(20_000)]),
        lambda s: s.number == 19_999,
    ),
    "a container that comes 5,000 times": (
        lambda w: w.structure(*[field(w, 3, w.sequence("i64", i64s(w, [1] * 8)))] * 5_000),
        lambda s: s.numbers == [1] * 8,
    ),
    "20,000 unknown fields": (
        lambda w: w.structure(*[field(w, 99, w.number("i32", 1), "i32")] * 20_000),
        lambda s: s == m.S(),
    ),
    "a huge unknown field": (
        lambda w: one(w, 99, w.text(b"x" * 1_000_000), "text"),
        lambda s: s == m.S(),
    ),
    "a huge unknown binary": (lambda w: one(w, 99, w.blob(b"x" * 750_000), "blob"), lambda s: s == m.S()),
    # Keys and elements.
    "keys that are equal": (
        lambda w: one(w, 5, w.mapping("i32", "text", [(w.number("i32", 1), w.text(b"%d" % n)) for n in range(5_000)])),
        lambda s: s.by == {1: "4999"},
    ),
    "elements that are equal": (lambda w: one(w, 15, w.sequence("i64", i64s(w, [7] * 5_000))), lambda s: s.ints == {7}),
    "structs that are equal keys": (
        lambda w: one(w, 14, w.mapping("struct", "i32", [(key, w.number("i32", 1)) for key in keys(w, 500)])),
        lambda s: len(s.keyed) == 1,
    ),
    "keys of NaN": (
        lambda w: one(w, 13, w.mapping("double", "i32", [(w.double(math.nan), w.number("i32", 1))] * 2_000)),
        lambda s: all(math.isnan(key) for key in s.heights),
    ),
    "keys of zeros": (
        lambda w: one(
            w, 13, w.mapping("double", "i32", [(w.double(zero), w.number("i32", 1)) for zero in (0.0, -0.0)])
        ),
        lambda s: s.heights == {0.0: 1},
    ),
    "lists as elements of a set": (
        lambda w: one(w, 21, w.sequence("list", [w.sequence("i64", i64s(w, [n])) for n in (1, 2, 1)])),
        lambda s: s.lists == {(1,), (2,)},
    ),
    "maps as keys": (
        lambda w: one(
            w, 22, w.mapping("map", "i32", [(w.mapping("i32", "i32", [(w.number("i32", 1),) * 2]), w.number("i32", 5))])
        ),
        lambda s: [dict(key) for key in s.maps] == [{1: 1}],
    ),
    "structs with lists as keys": (
        lambda w: one(
            w,
            30,
            w.sequence("struct", [w.structure(w.field(2, "l", "list", w.sequence("i64", i64s(w, [1]))))] * 3),
        ),
        lambda s: s.keys == {m.Key(l=[1])},
    ),
    "numbers that Python hashes alike": (
        lambda w: one(w, 15, w.sequence("i64", i64s(w, [n * (2**61 - 1) for n in range(-4, 5)] * 200))),
        lambda s: len(s.ints) == 9,
    ),
    "numbers with the same low bits": (
        lambda w: one(w, 15, w.sequence("i64", i64s(w, [n << 40 for n in range(5_000)]))),
        lambda s: len(s.ints) == 5_000,
    ),
    "doubles that Python hashes alike": (
        lambda w: one(
            w, 13, w.mapping("double", "i32", [(w.double(2.0 ** (61 * n)), w.number("i32", n)) for n in range(-16, 16)])
        ),
        lambda s: len(s.heights) == 32,
    ),
    "lists that Python hashes alike": (lambda w: one(w, 21, w.sequence("list", pairs(w, tuples_alike(2_000)))), ALIKE),
    "structs that are hashed alike": (
        lambda w: one(
            w,
            30,
            w.sequence(
                "struct", [w.structure(w.field(2, "l", "list", pair)) for pair in pairs(w, structs_alike(2_000))]
            ),
        ),
        ALIKE,
    ),
    "few UUIDs that Python hashes alike": (
        lambda w: one(w, 29, w.sequence("uuid", [w.uuid(n * (2**61 - 1)) for n in range(60)])),
        lambda s: len(s.uuids) == 60,
    ),
    "UUIDs that Python hashes alike": (
        lambda w: one(w, 29, w.sequence("uuid", [w.uuid(n * (2**61 - 1)) for n in range(2_000)])),
        ALIKE,
    ),
    "UUIDs that are keys and that Python hashes alike": (
        lambda w: one(
            w, 25, w.mapping("uuid", "i32", [(w.uuid(n * (2**61 - 1)), w.number("i32", n)) for n in range(2_000)])
        ),
        ALIKE,
    ),
    # Meaning.
    "a union with two members": (
        lambda w: one(
            w,
            12,
            w.structure(w.field(1, "number", "i32", w.number("i32", 1)), w.field(2, "text", "text", w.text(b"a"))),
        ),
        "members",
    ),
    "a union with none": (lambda w: one(w, 12, w.structure()), ANY),
    "a required field that is missing": (lambda w: one(w, 24, w.structure()), "'id'.* is missing"),
    "an enum's number that has no name": (
        lambda w: one(w, 16, w.number("i32", -(2**31))),
        lambda s: s.kind == -(2**31),
    ),
    "nothing": (lambda _: b"", "the input ends"),
    "nothing but spaces": (lambda _: b" " * 100_000, ANY),
    "nothing but NULs": (lambda _: bytes(100_000), ANY),
    "nothing but 0xff": (lambda _: b"\xff" * 100_000, "."),
    "nothing but brackets": (lambda _: b"[" * 100_000, "."),
    "another protocol's bytes": (lambda w: one(Wire("json" if w.protocol != "json" else "binary"), 3, b"\0" * 9), "."),
}

WIDTH = {"i8": "b", "i16": "h", "i32": "i", "i64": "q"}


def is_wide(w: Wire, kind: str) -> bool:
    """Whether the protocol can say a number that does not fit."""
    return w.protocol == "compact" and kind != "i8"


def number_field(w: Wire, number: int) -> bytes:
    """Return a field with a number that no field has."""
    if w.protocol == "compact":
        return b"\x05" + b"\xff" * 9
    return w.field(number, "x", "i32", b"1") if w.is_text else b"\x08\xff\xff\x00\x00\x00\x01"


def void_bomb(w: Wire) -> bytes:
    """Return a list of many elements of a type that takes no bytes."""
    if w.protocol == "binary":
        return struct.pack(">bI", 1, MOST)
    if w.protocol == "compact":
        return b"\xf0" + b"\xff\xff\xff\xff\x07"
    return b'["tf",2147483647]' if w.protocol == "json" else b"[" + b"null," * 10_000


def depth_of(value: Any) -> int:
    """Return how many structs lie inside each other."""
    depth = 0
    while value is not None:
        value, depth = value.inner, depth + 1
    return depth


def outcome(data: bytes, protocol: str, cls: Any = m.S) -> Any:
    """Return what bytes are read as, or why they are not; any other exception is the test's failure."""
    try:
        return fastthrift.deserialize(cls, data, protocol)  # type: ignore[arg-type]
    except fastthrift.DecodeError as error:
        return error


def has_place(error: fastthrift.DecodeError, data: bytes) -> bool:
    """Whether an error names the path and the offset."""
    return str(error).startswith("S") and error.offset is not None and 0 <= error.offset <= len(data) + 1


def seconds(data: bytes, protocol: str) -> float:
    """Return the processor's time of one reading."""
    start = time.thread_time()
    outcome(data, protocol)
    return time.thread_time() - start


def memory(data: bytes, protocol: str) -> int:
    """Return how many bytes one reading adds to the most that the process had."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    before = resident("VmRSS")
    outcome(data, protocol)
    return resident("VmHWM") - before


def resident(name: str) -> int:
    found = re.search(rf"{name}:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def best(measure: Callable[[], float], enough: float) -> float:
    """Return the least of up to ten measurements; other work makes them larger, so one that is small will do."""
    least = math.inf
    for _ in range(10):
        least = min(least, measure())
        if least < enough:
            break
    return least


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("name", CASES)
def test_malice_ends_soon_with_an_error_and_its_place(name: str, protocol: str) -> None:
    make, expected = CASES[name]
    data = make(Wire(protocol))
    result = outcome(data, protocol)
    if isinstance(result, fastthrift.DecodeError):
        assert has_place(result, data), str(result)
    is_texts_own = protocol in ("json", "simplejson") and name in TEXT_ERRORS
    if is_texts_own:
        assert re.search(TEXT_ERRORS[name], str(result))
    elif isinstance(expected, str):
        assert isinstance(result, fastthrift.DecodeError)
        assert re.search(expected, str(result)), str(result)
    elif expected is not None:
        assert not isinstance(result, fastthrift.DecodeError), str(result)
        assert expected(result)
    assert best(lambda: seconds(data, protocol), MILLISECONDS / 1000) < MILLISECONDS / 1000
    assert best(lambda: memory(data, protocol), MEMORY) < MEMORY + VALUES.get(name, 0)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_prefix_of_a_rich_message_is_an_error_and_its_place(protocol: str) -> None:
    data = fastthrift.serialize(rich(), protocol)  # type: ignore[arg-type]
    assert outcome(data, protocol) == rich()
    for cls in (m.S, m.Empty):
        name = cls.__name__
        for end in range(len(data)):
            error = outcome(data[:end], protocol, cls)
            assert isinstance(error, fastthrift.DecodeError), end
            assert str(error).startswith(name)
            assert error.offset is not None
            assert 0 <= error.offset <= end


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_field_with_every_other_type_is_passed_over_or_an_error(protocol: str) -> None:
    w = Wire(protocol)
    values = {
        "bool": w.flag(True), "i8": w.number("i8", 1), "i16": w.number("i16", 1), "i32": w.number("i32", 1),
        "i64": w.number("i64", 1), "double": w.double(0.5), "text": w.text(b"aaaa"), "struct": w.structure(),
        "uuid": w.uuid(1), "list": w.sequence("i8", [w.number("i8", 1)]),
        "set": w.sequence("double", [w.double(0.5)]),
        "map": w.mapping("text", "i8", [(w.text(b"a"), w.number("i8", 1))]),
    }  # fmt: skip
    for number, (name, own) in TYPES.items():
        for kind, value in values.items():
            if kind in (own, "text" if own == "blob" else own) or number == 10:
                continue
            data = w.structure(field(w, number, value, kind), field(w, 10, w.number("i32", 5)))
            result = outcome(data, protocol)
            if isinstance(result, fastthrift.DecodeError):
                assert has_place(result, data)
                assert protocol == "simplejson"
            else:
                assert result.number == 5
                assert protocol == "simplejson" or getattr(result, name, None) in (None, 1), (name, kind)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_bytes_put_anywhere_are_a_value_or_an_error_and_its_place(protocol: str) -> None:
    data, rng = fastthrift.serialize(rich(), protocol), random.Random(1)  # type: ignore[arg-type]
    outcomes = set()
    for _ in range(5_000):
        place, size = rng.randrange(len(data)), rng.randrange(5)
        bad = data[:place] + rng.randbytes(size) + data[place + rng.randrange(5) :]
        result = outcome(bad, protocol)
        outcomes.add(type(result))
        if isinstance(result, fastthrift.DecodeError):
            assert has_place(result, bad), str(result)
    assert outcomes == {m.S, fastthrift.DecodeError}


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_values_beyond_the_limit_on_memory_are_an_error_and_its_place(protocol: str) -> None:
    w = Wire(protocol)
    if protocol == "simplejson":
        pytest.skip("it has no options")
    data = one(w, 11, w.sequence("struct", empties(w, 10_000)))
    with pytest.raises(fastthrift.DecodeError, match="over the limit of 100000 for a decoded message") as caught:
        fastthrift.deserialize(m.S, data, options(protocol, memory=100_000))
    assert caught.value.offset is not None
    assert 0 < caught.value.offset <= len(data)


def test_sets_in_keys_are_hashed_apart() -> None:
    small = fastthrift.loads("struct K { 1: set<i32> s, 2: map<i32, i32> m } struct S { 1: map<K, i32> by }")
    several = [{n for n in range(12) if bits >> n & 1} for bits in range(4096)]
    value = small.S({small.K(s=one): 1 for one in several} | {small.K(m=dict.fromkeys(one, 1)): 1 for one in several})
    assert len({hash(key) for key in value.by}) > 8_000
    assert fastthrift.deserialize(small.S, fastthrift.serialize(value)) == value
    assert hash(small.K({1, 2})) == hash(small.K(frozenset({2, 1})))


def options(protocol: str, **limits: int) -> Any:
    """Return a protocol with limits."""
    kinds: Any = {"binary": fastthrift.Binary, "compact": fastthrift.Compact, "json": getattr(fastthrift, "JSON", None)}
    return kinds[protocol](limits=fastthrift.Limits(**limits))


def rich() -> Any:
    """Return a value with all fields set."""
    key, inner = m.Key(5, [1, 2], m.Key(6)), m.S("é😀", b"\0\xff", flag=False)
    return m.S(
        "text", b"data", [2**40, -1], {"n"}, {5: "five"}, inner, [True, False], uuid.UUID(int=9), True, 3,
        [inner, inner], m.Choice(choice=m.Choice(text="c")), {0.5: 1}, {key: 2}, {2**50}, m.Kind.A, -0.5, -5, 300,
        -(2**63), {(1, 2), ()},
        {}, [m.Empty()], m.Need(1), {uuid.UUID(int=3): 1}, [[[1], []]], [1e300], {"a": inner},
        {uuid.UUID(int=1)}, {key},
    )  # fmt: skip


TEXT_ERRORS = {
    "an escape that is none": "an escape that JSON has",
    "bad base64": "base64",
    "base64 of odd length": "base64",
    "base64 with spaces": "base64",
    "a string of -1": ".",
}
"""What means something else in JSON."""
VALUES = {"a bomb of known empty structs": 1 << 20}
"""The bytes of values that are large and right."""
