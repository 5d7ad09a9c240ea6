"""What a reader makes of data that a peer with another version of the IDL wrote."""

from __future__ import annotations

from types import ModuleType

import fastthrift
import pytest

from tests.python.conftest import TYPED

_IDL = "struct S {{ 1: {} a, 2: i32 last }}"


def _load(ty: str, name: str) -> ModuleType:
    return fastthrift.loads(_IDL.format(ty), name=name)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("list<i16>", "list<i32>"),
        ("list<i8>", "list<i64>"),
        ("set<i32>", "set<i64>"),
        ("map<i16, i8>", "map<i64, i16>"),
    ],
)
def test_narrower_integers_in_containers_are_read_as_the_wider_ones(written: str, read: str, protocol: str) -> None:
    writer, reader = _load(written, "narrow.thrift"), _load(read, "wide.thrift")
    values = {"list": [1, -2, 100], "set": {1, -2, 100}, "map": {1: 2, -3: -4}}[written.partition("<")[0]]
    data = fastthrift.serialize(writer.S(values, 7), protocol)
    assert fastthrift.deserialize(reader.S, data, protocol) == reader.S(values, 7)


@pytest.mark.parametrize(
    ("written", "read"), [("list<i64>", "list<i32>"), ("list<i32>", "list<string>"), ("set<i16>", "set<E>")]
)
@TYPED
def test_elements_of_another_type_are_an_error_and_not_lost(written: str, read: str, protocol: str) -> None:
    writer = _load(written, "other.thrift")
    reader = fastthrift.loads("enum E { A = 1 } " + _IDL.format(read), name="mine.thrift")
    values = {1} if written.startswith("set") else [1]
    with pytest.raises(fastthrift.DecodeError, match=r"S\.a: expected elements of type \w+, got \w+"):
        fastthrift.deserialize(reader.S, fastthrift.serialize(writer.S(values, 7), protocol), protocol)


@TYPED
def test_a_field_of_another_type_is_skipped(protocol: str) -> None:
    writer, reader = _load("string", "text.thrift"), _load("list<i32>", "list.thrift")
    data = fastthrift.serialize(writer.S("x", 7), protocol)
    assert fastthrift.deserialize(reader.S, data, protocol) == reader.S(None, 7)
