"""Structs that stand one after another in one buffer, or somewhere in one."""

from __future__ import annotations

import gc
import mmap
import weakref
from pathlib import Path
from typing import Any

import fastthrift
import pytest

m = fastthrift.loads(
    """
    struct Record { 1: required i32 id, 2: string name, 3: binary data }
    struct Empty {}
    union Choice { 1: i32 a, 2: Record record }
    """,
    name="iter_structs.thrift",
)
RECORDS = [m.Record(place, "r" * place, bytes(place)) for place in range(200)]


def joined(protocol: str) -> tuple[bytes, list[int]]:
    """Return the records in one buffer, and where each ends."""
    parts = [fastthrift.serialize(record, protocol) for record in RECORDS]
    return b"".join(parts), [sum(map(len, parts[: place + 1])) for place in range(len(parts))]


def test_structs_come_one_after_another_with_their_offsets(protocol: str) -> None:
    data, ends = joined(protocol)
    for buffer in (data, bytearray(data), memoryview(b"x" + data)[1:], memoryview(data * 2)[: len(data)]):
        iterator = fastthrift.iter_structs(m.Record, buffer, protocol)
        assert iter(iterator) is iterator
        assert iterator.offset == 0
        for record, end in zip(RECORDS, ends, strict=True):
            assert next(iterator) == record
            assert iterator.offset == end
        assert list(iterator) == []
        assert iterator.offset == len(data)


def test_a_mapped_file_is_read_as_far_as_it_is_asked_for(tmp_path: Path, protocol: str) -> None:
    data, ends = joined(protocol)
    large = m.Record(1, "large", bytes(1 << 20))
    path = tmp_path / "records"
    path.write_bytes(data + fastthrift.serialize(large, protocol) + data)
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        iterator = fastthrift.iter_structs(m.Record, mapped, protocol)
        assert [next(iterator) for _ in ends] == RECORDS
        with pytest.raises(BufferError):
            mapped.close()
        assert [*iterator] == [large, *RECORDS]
        del iterator


@pytest.mark.parametrize("text", ["json", "simplejson"])
@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_white_space_may_stand_between_structs_of_text(text: Any, kind: Any) -> None:
    parts = [fastthrift.serialize(record, text) for record in RECORDS[1:30]]
    for space in (b"", b"\n", b" \r\n\t "):
        data = kind(space + space.join(parts) + space)
        iterator = fastthrift.iter_structs(m.Record, data, text)
        assert list(iterator) == RECORDS[1:30]
        assert iterator.offset == len(data)
    with pytest.raises(fastthrift.DecodeError):
        list(fastthrift.iter_structs(m.Record, b",".join(parts), text))


def test_the_fields_and_the_start_can_be_chosen(protocol: str) -> None:
    data, ends = joined(protocol)
    iterator = fastthrift.iter_structs(m.Record, data, protocol, offset=ends[9], fields=["name"])
    assert [record.name for record in iterator] == [record.name for record in RECORDS[10:]]
    assert list(fastthrift.iter_structs(m.Record, data, protocol, offset=len(data))) == []
    assert list(fastthrift.iter_structs(m.Record, b"", protocol)) == []


def test_empty_structs_and_unions_are_records_too(protocol: str) -> None:
    data = fastthrift.serialize(m.Empty(), protocol) * 1000
    assert list(fastthrift.iter_structs(m.Empty, data, protocol)) == [m.Empty()] * 1000
    choices = [m.Choice(a=1), m.Choice(record=m.Record(2)), m.Choice(a=3)]
    data = b"".join(fastthrift.serialize(choice, protocol) for choice in choices)
    assert list(fastthrift.iter_structs(m.Choice, data, protocol)) == choices


@pytest.mark.parametrize("kind", [bytes, bytearray])
def test_a_cut_off_record_is_an_error_that_names_the_place(kind: Any, protocol: str) -> None:
    data, ends = joined(protocol)
    for end in range(ends[20] + 1, ends[21]):
        iterator = fastthrift.iter_structs(m.Record, kind(data[:end]), protocol)
        assert [next(iterator) for _ in range(21)] == RECORDS[:21]
        with pytest.raises(fastthrift.DecodeError) as caught:
            next(iterator)
        assert caught.value.offset is not None
        assert ends[20] <= caught.value.offset <= end
        assert f"(at byte {caught.value.offset})" in str(caught.value)
        assert iterator.offset == ends[20]
        assert list(iterator) == []


@pytest.mark.parametrize("protocol", ["binary", "compact"])
def test_an_error_ends_the_iteration_and_says_where(protocol: str) -> None:
    first = fastthrift.serialize(m.Record(1, "a"), protocol)
    second = fastthrift.serialize(m.Record(2, "\x7f\x7f"), protocol).replace(b"\x7f\x7f", b"a\xff")
    place = len(first) + second.index(b"\xff")
    iterator = fastthrift.iter_structs(m.Record, first + second + first, protocol)
    next(iterator)
    with pytest.raises(fastthrift.DecodeError, match=rf"Record\.name: .* \(at byte {place}\)"):
        next(iterator)
    assert next(iterator, None) is None


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((int, b""), TypeError),
        ((5, b""), TypeError),
        ((RECORDS[0], b""), TypeError),
        ((m.Record, "text"), TypeError),
        ((m.Record, b"", "xml"), ValueError),
        ((m.Record,), TypeError),
        ((m.Record, b"", "binary", 0), TypeError),
    ],
)
def test_wrong_arguments_are_refused_before_the_first_struct(arguments: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        fastthrift.iter_structs(*arguments)


@pytest.mark.parametrize(
    ("offset", "error"), [(-1, ValueError), (4, ValueError), (2**70, ValueError), ("1", TypeError)]
)
def test_an_offset_lies_in_the_buffer(offset: Any, error: type[Exception]) -> None:
    for call in (fastthrift.iter_structs, fastthrift.deserialize_from):
        with pytest.raises(error, match="offset must be"):
            call(m.Empty, bytes(3), offset=offset)  # type: ignore[operator]


def test_an_iterator_keeps_its_buffer_and_its_class_and_gives_them_back(protocol: str) -> None:
    class Mine(m.Record):  # type: ignore[name-defined, misc]
        pass

    data = bytearray(joined(protocol)[0])
    iterator = fastthrift.iter_structs(Mine, data, protocol)
    with pytest.raises(BufferError):
        data.append(0)
    assert type(next(iterator)) is Mine
    Mine.iterator = iterator
    gone = weakref.ref(Mine)
    del iterator, Mine
    gc.collect()
    assert gone() is None
    data.append(0)


def test_an_iterator_is_made_by_its_function_alone() -> None:
    with pytest.raises(TypeError):
        fastthrift.StructIterator()  # type: ignore[call-arg]
    assert fastthrift.StructIterator[int].__origin__ is fastthrift.StructIterator  # type: ignore[type-var]


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_a_struct_is_read_from_the_middle_of_a_buffer(kind: Any, protocol: str) -> None:
    data, ends = joined(protocol)
    for place, record in enumerate(RECORDS[1:50], 1):
        found = fastthrift.deserialize_from(m.Record, kind(data), protocol, ends[place - 1])
        assert found == (record, ends[place])
    assert fastthrift.deserialize_from(m.Record, kind(data), protocol, fields=["id"]) == (m.Record(0), ends[0])
    with pytest.raises(fastthrift.DecodeError, match=rf"at byte {len(data)}\)"):
        fastthrift.deserialize_from(m.Record, kind(data), protocol, offset=len(data))
