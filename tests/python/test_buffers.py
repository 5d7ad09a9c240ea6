"""What `serialize` and `deserialize` take and give, beside the bytes themselves."""

from __future__ import annotations

import array
import contextlib
import mmap
import sys
import threading
from pathlib import Path
from typing import Any

import fastthrift
import numpy as np
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
        np.frombuffer(data, np.uint8),
        np.frombuffer(bytearray(data), np.uint8),
        np.repeat(np.frombuffer(data, np.uint8), 2)[::2],
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
        fastthrift.deserialize(m.Need, b"{}" if "json" in protocol else b"\0", protocol)


def test_a_failed_write_leaves_nothing_behind(protocol: str) -> None:
    expected = fastthrift.serialize(VALUE, protocol)
    for _ in range(3):
        with pytest.raises(fastthrift.EncodeError):
            fastthrift.serialize(m.S("x" * 1000, leaf=m.Leaf("x")), protocol)
        assert fastthrift.serialize(VALUE, protocol) == expected


def test_large_values_go_through(protocol: str) -> None:
    large = m.S("é" * 500_000, b"\0" * 3_000_000, ["x"] * 100_000, ids=set(range(100_000)))
    assert fastthrift.deserialize(m.S, fastthrift.serialize(large, protocol), protocol) == large


def writable(size: int, folder: Path) -> list[tuple[Any, memoryview]]:
    """Return writable buffers of 0xee, each with a view of its bytes."""
    path = folder / "written"
    path.write_bytes(b"\xee" * size)
    with path.open("r+b") as file:
        mapped = mmap.mmap(file.fileno(), 0)
    numbers = np.full(size, 0xEE, np.uint8)
    square = np.full((size // 4, 4), 0xEE, np.uint8)
    items = array.array("B", b"\xee" * size)
    all_of_them = [memoryview(bytearray(b"\xee" * size)), mapped, numbers, square, items]
    return [(buffer, memoryview(buffer).cast("B")) for buffer in all_of_them]


def test_a_bytearray_is_appended_to(protocol: str) -> None:
    data = fastthrift.serialize(VALUE, protocol)
    buffer = bytearray(b"before")
    for count in range(1, 4):
        assert fastthrift.serialize_into(VALUE, buffer, protocol) == len(data)
        assert buffer == b"before" + data * count
    assert fastthrift.serialize_into(obj=VALUE, buffer=buffer, protocol=protocol, offset=None) == len(data)  # type: ignore[call-overload]


def test_any_other_buffer_is_written_at_an_offset(protocol: str, tmp_path: Path) -> None:
    data = fastthrift.serialize(VALUE, protocol)
    for buffer, view in writable(1000, tmp_path):
        assert fastthrift.serialize_into(VALUE, buffer, protocol) == len(data)
        assert fastthrift.serialize_into(VALUE, buffer, protocol, offset=500) == len(data)
        rest = b"\xee" * (500 - len(data))
        assert view == data + rest + data + rest
        assert fastthrift.serialize_into(VALUE, buffer, protocol, offset=1000 - len(data)) == len(data)


def test_a_buffer_that_is_too_small_stays_as_it_is(protocol: str, tmp_path: Path) -> None:
    size = len(fastthrift.serialize(VALUE, protocol))
    for buffer, view in writable(400, tmp_path):
        text = f"the struct takes {size} bytes, and the buffer has {size - 1} from offset {401 - size} on"
        with pytest.raises(ValueError, match=text):
            fastthrift.serialize_into(VALUE, buffer, protocol, offset=401 - size)
        for offset in (-1, 401, 2**64):
            with pytest.raises(ValueError, match="offset must be from 0 to 400"):
                fastthrift.serialize_into(VALUE, buffer, protocol, offset=offset)
        with pytest.raises(fastthrift.EncodeError):
            fastthrift.serialize_into(m.S("a", leaf=m.Leaf("x")), buffer, protocol)
        assert view == b"\xee" * 400


@pytest.mark.parametrize(
    ("buffer", "text"),
    [
        (b"bytes", "the bytes cannot be written to"),
        (memoryview(b"bytes"), "the memoryview cannot be written to"),
        (np.frombuffer(b"bytes", np.uint8), "the ndarray cannot be written to"),
        (memoryview(bytearray(500))[::2], "the buffer is not contiguous"),
        (np.zeros((100, 10), np.uint8)[:, :5], "the buffer is not contiguous"),
        (np.zeros((100, 10), np.uint8, order="F"), "the buffer is not contiguous"),
        (np.zeros(1000, np.int64), "expected a writable buffer of bytes, got ndarray"),
        (array.array("i", [0] * 1000), "expected a writable buffer of bytes, got array"),
    ],
)
def test_a_buffer_that_cannot_be_written_to_is_a_buffer_error(buffer: Any, text: str) -> None:
    with pytest.raises(BufferError, match=text):
        fastthrift.serialize_into(VALUE, buffer)


def test_a_bytearray_with_a_view_cannot_grow(protocol: str) -> None:
    buffer = bytearray(b"before")
    with memoryview(buffer):
        with pytest.raises(BufferError):
            fastthrift.serialize_into(VALUE, buffer, protocol)
        assert buffer == b"before"
    assert fastthrift.serialize_into(VALUE, buffer, protocol) == len(buffer) - 6


def test_wrong_arguments_of_writing_are_type_errors() -> None:
    with pytest.raises(TypeError, match="takes no offset"):
        fastthrift.serialize_into(VALUE, bytearray(), offset=0)  # type: ignore[call-overload]
    for buffer in (5, "text", None, [1]):
        with pytest.raises(TypeError):
            fastthrift.serialize_into(VALUE, buffer)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="offset must be an int, got"):
        fastthrift.serialize_into(VALUE, memoryview(bytearray(9)), offset="0")  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="at most 3 positional arguments"):
        fastthrift.serialize_into(VALUE, bytearray(), "binary", 0)  # type: ignore[call-overload]
    with pytest.raises(TypeError, match="needs the argument 'buffer'"):
        fastthrift.serialize_into(VALUE)  # type: ignore[call-overload]


def test_an_object_may_hold_parts_of_the_buffer_that_it_is_written_into(protocol: str) -> None:
    buffer = bytearray(range(200))
    value = m.S(data=memoryview(buffer)[50:150])
    expected = fastthrift.serialize(value, protocol)
    written = fastthrift.serialize_into(value, memoryview(buffer), protocol, offset=20)
    assert buffer[20 : 20 + written] == expected


def test_binary_values_are_views_of_the_input_where_that_is_asked_for(protocol: str, tmp_path: Path) -> None:
    value = m.S("text", b"some data", by={"k": [1]})
    for buffer in buffers(fastthrift.serialize(value, protocol), tmp_path):
        if not memoryview(buffer).contiguous:
            with pytest.raises(BufferError, match="needs a buffer that is contiguous"):
                fastthrift.deserialize(m.S, buffer, protocol, binary="memoryview")
            continue
        read = fastthrift.deserialize(m.S, buffer, protocol, binary="memoryview")
        assert type(read.data) is memoryview
        assert read == value
        assert read.text == "text"
        assert fastthrift.serialize(read, protocol) == fastthrift.serialize(value, protocol)
        # Base64 has to be decoded, so what JSON holds is a copy.
        assert read.data.readonly == ("json" in protocol or memoryview(buffer).readonly)


@pytest.mark.parametrize("protocol", ["binary", "compact"])
def test_a_view_shows_the_input_itself(protocol: str) -> None:
    data = fastthrift.serialize(m.S(data=b"some data"), protocol)
    read = fastthrift.deserialize(m.S, data, protocol, binary="memoryview")
    assert read.data.obj is data
    changing = bytearray(data)
    view = fastthrift.deserialize(m.S, changing, protocol, binary="memoryview").data
    start = changing.index(b"some")
    changing[start : start + 4] = b"SOME"
    assert view == b"SOME data"
    view[:4] = b"else"
    assert changing[start : start + 9] == b"else data"
    with pytest.raises(BufferError):
        changing.append(0)
    del view
    changing.append(0)


def test_views_are_right_however_far_into_the_input_they_are(protocol: str) -> None:
    blobs = [bytes([place % 256]) * (place * 37 % 5000) for place in range(300)]
    data = bytearray(b"".join(fastthrift.serialize(m.S(data=blob), protocol) for blob in blobs))
    iterator = fastthrift.iter_structs(m.S, data, protocol, binary="memoryview")
    for blob, read in zip(blobs, iterator, strict=True):
        assert type(read.data) is memoryview
        assert read.data == blob
    assert (
        fastthrift.deserialize(m.S, fastthrift.serialize(m.S(data=b""), protocol), protocol, binary="memoryview").data
        == b""
    )
    square = np.frombuffer(data[: len(data) // 4 * 4], np.uint8).reshape(-1, 4)
    assert fastthrift.deserialize_from(m.S, square, protocol, binary="memoryview")[0] == m.S(data=blobs[0])


def test_many_empty_views_are_bounded_in_memory() -> None:
    blobs = fastthrift.loads("struct Blobs { 1: list<binary> all }", name="blobs.thrift").Blobs
    data = fastthrift.serialize(blobs([b""] * 1000))
    limited = fastthrift.Binary(limits=fastthrift.Limits(memory=150_000))
    assert len(fastthrift.deserialize(blobs, data, limited).all) == 1000
    with pytest.raises(fastthrift.DecodeError, match="limit of 150000"):
        fastthrift.deserialize(blobs, data, limited, binary="memoryview")


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"binary": "buffer"}, ValueError),
        ({"binary": None}, TypeError),
        ({"arrays": "tuple"}, ValueError),
        ({"arrays": 5}, TypeError),
        ({"other": 5}, TypeError),
    ],
)
def test_unknown_options_of_reading_are_refused(options: Any, error: type[Exception]) -> None:
    for call in (fastthrift.deserialize, fastthrift.deserialize_from, fastthrift.iter_structs):
        with pytest.raises(error):
            call(m.S, b"\0", **options)  # type: ignore[operator]
    assert fastthrift.deserialize(m.S, b"\0", arrays="list", binary="bytes", fields=None) == m.S()
    with pytest.raises(TypeError, match="at most 3 positional arguments, got 4"):
        fastthrift.deserialize(m.S, b"\0", "binary", None)  # type: ignore[misc]


def test_buffers_that_other_threads_write_to_are_read_and_written_safely(protocol: str) -> None:
    value = m.S("text" * 10, b"d" * 50, ["a"] * 50, {"key": [1, 2]}, {1, 2}, m.Leaf(5))
    data = fastthrift.serialize(value, protocol)
    buffer = np.frombuffer(bytearray(data), np.uint8)
    grown = bytearray()
    stop = threading.Event()

    def scribble() -> None:
        random = np.random.default_rng(1)
        while not stop.is_set():
            buffer[random.integers(0, len(buffer), 64)] = random.integers(0, 256, 64, np.uint8)
            buffer[:] = np.frombuffer(data, np.uint8)
            value.tags = ["b"] * 20
            value.by = {"other": [3]}
            grown.clear()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    thread = threading.Thread(target=scribble)
    thread.start()
    try:
        for _ in range(2000):
            for options in ({}, {"binary": "memoryview"}, {"fields": ["tags", "data"]}):
                with contextlib.suppress(fastthrift.DecodeError):
                    fastthrift.deserialize(m.S, buffer, protocol, **options)  # type: ignore[arg-type]
            fastthrift.serialize_into(value, grown, protocol)
    finally:
        stop.set()
        thread.join()
        sys.setswitchinterval(interval)
