"""What `serialize` and `deserialize` take and give, beside the bytes themselves."""

from __future__ import annotations

import array
import mmap
from pathlib import Path
from typing import Any

import fastthrift
import pytest

m = fastthrift.loads(
    """
    enum Kind { A = 1 }
    struct Leaf { 1: i32 a }
    struct S {
      1: string text, 2: binary data, 3: list<string> tags, 4: map<string, list<i8>> by, 5: set<i64> ids, 6: Leaf leaf
      7: bool flag, 8: i8 tiny, 9: i16 small, 10: i64 large, 11: double height, 12: uuid id, 13: list<Leaf> leaves
    }
    struct Need { 1: required string name, 2: optional Need inner }
    """,
    name="buffers.thrift",
)
VALUE = m.S("text", b"data", ["a", "b"], {"k": [1, -1]}, {1, 2}, m.Leaf(5), True)


def buffers(data: bytes, folder: Path) -> list[Any]:
    path = folder / "data"
    path.write_bytes(data)
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    spread = bytearray(2 * len(data))
    spread[::2] = data
    return [
        data,
        bytearray(data),
        memoryview(data),
        memoryview(bytearray(data)),
        memoryview(b"xx" + data)[2:],
        memoryview(spread)[::2],
        mapped,
        array.array("B", data),
        type("Bytes", (bytes,), {})(data),
    ]


def test_any_buffer_of_bytes_is_read(protocol: str, tmp_path: Path) -> None:
    for buffer in buffers(fastthrift.serialize(VALUE, protocol), tmp_path):
        assert fastthrift.deserialize(m.S, buffer, protocol) == VALUE


def test_a_buffer_can_be_changed_afterwards(protocol: str) -> None:
    buffer = bytearray(fastthrift.serialize(VALUE, protocol))
    read = fastthrift.deserialize(m.S, buffer, protocol)
    buffer[:] = b"\xff" * len(buffer)
    buffer.clear()
    assert read == VALUE


@pytest.mark.parametrize("data", ["text", 5, None, [1, 2], array.array("i", [1])])
def test_what_holds_no_bytes_is_a_type_error(data: object) -> None:
    with pytest.raises((TypeError, BufferError)):
        fastthrift.deserialize(m.S, data)  # type: ignore[arg-type]


def test_arguments_go_by_place_or_by_name() -> None:
    data = fastthrift.serialize(obj=VALUE, protocol="compact")
    assert data == fastthrift.serialize(VALUE, "compact")
    assert fastthrift.deserialize(cls=m.S, data=data, protocol="compact") == VALUE
    assert fastthrift.serialize(VALUE) == fastthrift.serialize(VALUE, protocol="binary")


@pytest.mark.parametrize(
    "call",
    [
        fastthrift.serialize,
        lambda: fastthrift.serialize(VALUE, "binary", 1),  # type: ignore[call-arg]
        lambda: fastthrift.serialize(VALUE, proto="binary"),  # type: ignore[call-arg]
        lambda: fastthrift.serialize(VALUE, obj=VALUE),  # type: ignore[misc]
        lambda: fastthrift.serialize(VALUE, 5),  # type: ignore[arg-type]
        lambda: fastthrift.serialize(m.S),
        lambda: fastthrift.serialize(5),
        lambda: fastthrift.deserialize(VALUE, b""),
        lambda: fastthrift.deserialize(int, b""),
        lambda: fastthrift.deserialize(m.Kind, b""),
        lambda: fastthrift.deserialize(fastthrift.Struct, b""),
        lambda: fastthrift.deserialize(m.S),  # type: ignore[call-arg]
    ],
)
def test_wrong_arguments_are_type_errors(call: Any) -> None:
    with pytest.raises(TypeError):
        call()


def test_an_unknown_protocol_is_a_value_error() -> None:
    with pytest.raises(ValueError, match='unknown protocol "xml", expected one of binary, compact, json'):
        fastthrift.serialize(VALUE, "xml")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"text": 5}, "S.text: expected str, got int"),
        ({"text": b"x"}, "S.text: expected str, got bytes"),
        ({"text": "\ud800"}, "S.text: text holds a lone surrogate"),
        ({"data": "x"}, "S.data: expected bytes, got str"),
        ({"tags": ["a", 5]}, "S.tags[1]: expected str, got int"),
        ({"tags": "ab"}, "S.tags: expected list, got str"),
        ({"tags": {"a"}}, "S.tags: expected list, got set"),
        ({"tags": iter(["a"])}, "S.tags: expected list, got list_iterator"),
        ({"by": {"k": [1, 128]}}, "S.by[value 0][1]: 128 is outside the range of i8"),
        ({"by": {5: []}}, "expected str, got int"),
        ({"by": [("k", [])]}, "S.by: expected dict, got list"),
        ({"ids": [1]}, "S.ids: expected set, got list"),
        ({"ids": {2**63}}, "is outside the range of i64"),
        ({"ids": {None}}, "expected int, got NoneType"),
        ({"leaf": VALUE}, "S.leaf: expected Leaf, got S"),
        ({"leaf": {"a": 1}}, "S.leaf: expected Leaf, got dict"),
        ({"leaf": m.Leaf("x")}, "S.leaf.a: expected int, got str"),
        ({"leaves": [m.Leaf(), None]}, "S.leaves[1]: expected Leaf, got NoneType"),
        ({"flag": 1}, "S.flag: expected bool, got int"),
        ({"tiny": -129}, "S.tiny: -129 is outside the range of i8"),
        ({"small": 2**15}, "S.small: 32768 is outside the range of i16"),
        ({"large": 2**200}, "is outside the range of i64"),
        ({"large": 1.0}, "S.large: expected int, got float"),
        ({"height": "1"}, "S.height: expected float, got str"),
        ({"height": 10**400}, "is outside the range of double"),
        ({"id": "00112233-4455-6677-8899-aabbccddeeff"}, "S.id: expected UUID, got str"),
    ],
)
def test_a_wrong_value_is_an_error_that_names_its_path(fields: dict[str, Any], text: str, protocol: str) -> None:
    with pytest.raises(fastthrift.EncodeError) as caught:
        fastthrift.serialize(m.S(**fields), protocol)
    assert text in str(caught.value)


def test_values_of_related_types_are_taken(protocol: str) -> None:
    class Text(str):
        __slots__ = ()

    class Number(int):
        pass

    lenient = m.S(
        Text("x"), bytearray(b"d"), ("a",), {"k": (1,)}, frozenset({Number(3)}), None, None, True, Number(4), height=3,
        leaves=(),
    )  # fmt: skip
    strict = m.S("x", b"d", ["a"], {"k": [1]}, {3}, tiny=1, small=4, height=3.0, leaves=[])
    assert fastthrift.deserialize(m.S, fastthrift.serialize(lenient, protocol), protocol) == strict
    view = m.S(data=memoryview(b"0d1")[1:2])
    assert fastthrift.serialize(view, protocol) == fastthrift.serialize(m.S(data=b"d"), protocol)


def test_required_fields_must_be_there_to_write_and_to_read(protocol: str) -> None:
    with pytest.raises(fastthrift.EncodeError, match=r"Need: required field 'name' of 'Need' is not set"):
        fastthrift.serialize(m.Need(), protocol)
    with pytest.raises(fastthrift.EncodeError, match=r"Need\.inner\.inner: required field 'name' of 'Need' is not set"):
        fastthrift.serialize(m.Need("a", m.Need("b", m.Need())), protocol)
    with pytest.raises(fastthrift.DecodeError, match=r"Need: required field 'name' is missing \(at byte [12]\)"):
        fastthrift.deserialize(m.Need, b"{}" if protocol == "json" else b"\0", protocol)


def test_a_failed_write_leaves_nothing_behind(protocol: str) -> None:
    expected = fastthrift.serialize(VALUE, protocol)
    for _ in range(3):
        with pytest.raises(fastthrift.EncodeError):
            fastthrift.serialize(m.S("x" * 1000, leaf=m.Leaf("x")), protocol)
        assert fastthrift.serialize(VALUE, protocol) == expected


def test_large_values_go_through(protocol: str) -> None:
    large = m.S("é" * 500_000, b"\0" * 3_000_000, ["x"] * 100_000, ids=set(range(100_000)))
    assert fastthrift.deserialize(m.S, fastthrift.serialize(large, protocol), protocol) == large
