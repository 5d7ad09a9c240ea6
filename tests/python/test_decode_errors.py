"""Bytes that are not what they should be: a typed error with its place, in bounded time and memory."""

from __future__ import annotations

import time
import tracemalloc
from typing import Any

import fastthrift
import pytest
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

from tests.python.conftest import TYPED
from tests.python.timing import LATE

m = fastthrift.loads(
    """
    union Choice { 1: i32 number, 2: string text, 3: Choice choice }
    struct Need { 1: required i32 id }
    struct S {
      1: string text, 2: binary data, 3: list<i64> numbers, 4: set<string> names, 5: map<i32, string> by, 6: S inner
      7: list<bool> flags, 8: uuid id, 9: bool flag, 10: i32 number, 11: list<list<list<S>>> deep, 12: list<S> many
      13: Choice choice, 14: Need need, 15: i16 small, 16: list<Need> empties, 17: double height
    }
    struct Empty {}
    """,
    name="decode_errors.thrift",
)

CASES: list[tuple[str, str | bytes, str]] = [
    # Sizes
    ("binary", "0b0001 ffffffff", "negative"),
    ("binary", "0b0001 80000000", "negative"),
    ("binary", "0b0001 7fffffff 61", r"limit of 104857600|the input ends"),
    ("binary", "0b0001 00000005 61626364", "the input ends"),
    ("binary", "0f0003 0a ffffffff", "negative"),
    ("binary", "0f0003 0a 7fffffff", r"limit|the input ends"),
    ("binary", "0f0003 0a 00ffffff", "the input ends"),
    ("binary", "0d0005 080b 7fffffff", r"limit|the input ends"),
    ("binary", "0e0004 0b 00fffffe", "the input ends"),
    ("binary", "0f0063 02 7fffffff", r"limit|the input ends"),
    ("binary", "0f0063 0c 00ffffff", "the input ends"),
    ("compact", "18 ffffffff0f", r"limit|negative|the input ends"),
    ("compact", "18 ffffffff7f", "variable-length integer"),
    ("compact", "39 f6 ffffffff07", r"limit|the input ends"),
    ("compact", "5b ffffff07 58", "the input ends"),
    ("compact", "09 06 f1 ffffffff07", r"limit|the input ends"),
    # Numbers
    ("compact", "a5 ffffffffff01", "variable-length integer"),
    ("compact", "a5 ffffffffffffffffffff01", "variable-length integer"),
    ("compact", "39 16 ffffffffffffffffff7f", "variable-length integer"),
    ("compact", "f4 80808004", "4194304 is outside the range of its type"),
    # Types
    ("binary", "05 0001", "type"),
    ("binary", "ff 0001", "type"),
    ("binary", "0f0003 07 00000001", "type"),
    ("binary", "0d0063 ff0b 00000001", "type"),
    ("compact", "1e", "type"),
    ("compact", "1f", "type"),
    ("compact", "39 1e 00", "type"),
    # Text
    ("binary", "0b0001 00000001 ff 00", "UTF-8"),
    ("binary", "0b0001 00000003 eda080 00", "UTF-8"),
    ("binary", "0b0001 00000002 c080 00", "UTF-8"),
    ("binary", "0b0001 00000004 61626364 0e0004 0b 00000001 00000002 61ff 00", "UTF-8"),
    ("compact", "18 01 80 00", "UTF-8"),
    # Structure
    ("binary", "0c000e 00 00", "required field 'id' is missing"),
    ("binary", "0f0010 0c 00000002 080001 00000001 00 00 00", "required field 'id' is missing"),
    ("compact", "0c 1c 00 00", "required field 'id' is missing"),
    ("binary", "0c000d 08000100000001 0b000200000000 00 00", "members"),
    ("compact", "dc 15 02 18 00 00 00", "members"),
    # JSON
    ("json", b"", "the input ends"),
    ("json", b"[]", "expected '{' of a struct, got '\\['"),
    ("json", b'{"1":{"str":"abc', "the input ends"),
    ("json", b'{"1":{"str":"abc"}', "the input ends"),
    ("json", b'{"1":{"str":"abc"}]', "expected ',' or '}' after the field, got '\\]'"),
    ("json", b'{"1":{"str":"\xff"}}', "UTF-8"),
    ("json", b'{"1":{"str":"\\ud800"}}', "the second half of a surrogate pair"),
    ("json", b'{"1":{"str":"\\x"}}', "an escape that JSON has, got 'x'"),
    ("json", b'{"99":{"wat":1}}', "'wat' is no type"),
    ("json", b'{"1.5":{"str":"a"}}', "a quote after the number"),
    ("json", b'{"3":{"lst":["i64",2147483647,1]}}', "limit|the input ends"),
    ("json", b'{"3":{"lst":["i64",-1]}}', "negative"),
    ("json", b'{"3":{"lst":["i64",1,1,2]}}', "expected '\\]' after the last element"),
    ("json", b'{"3":{"lst":["i64",1,9223372036854775808]}}', "an integer of at most 64 bits"),
    ("json", b'{"14":{"rec":{}}}', "required field 'id' is missing"),
]


@pytest.mark.parametrize(("protocol", "data", "text"), CASES)
def test_malformed_bytes_are_an_error_with_its_place(protocol: str, data: str | bytes, text: str) -> None:
    raw = data if isinstance(data, bytes) else bytes.fromhex(data)
    with pytest.raises(fastthrift.DecodeError, match=text) as caught:
        fastthrift.deserialize(m.S, raw, protocol)
    assert 0 <= caught.value.offset <= len(raw)
    assert str(caught.value).startswith("S")


def test_the_text_names_the_path_and_the_offset() -> None:
    data = fastthrift.serialize(m.S(inner=m.S(many=[m.S(), m.S(by={7: "x"})])))
    place = data.index(b"x")
    with pytest.raises(fastthrift.DecodeError) as caught:
        fastthrift.deserialize(m.S, data.replace(b"x", b"\xff"))
    assert caught.value.offset == place
    assert str(caught.value).startswith("S.inner.many[1].by")
    assert f"(at byte {place})" in str(caught.value)


def full() -> Any:
    """Return an instance with all fields set."""
    need = [m.Need(1), m.Need(2)]
    inner = m.S("inner", b"\0", [1, -1], {"a"}, {1: "b"}, flags=[True], choice=m.Choice(choice=m.Choice(text="c")))
    return m.S(
        "text", b"data", [2**40], {"n"}, {5: "five"}, inner, [True, False], None, True, 3, [[[inner]]], [inner, inner],
        m.Choice(number=1), need[0], -5, need, 0.5,
    )  # fmt: skip


def test_every_prefix_is_an_error(protocol: str) -> None:
    data = fastthrift.serialize(full(), protocol)
    assert fastthrift.deserialize(m.S, data, protocol) == full()
    for end in range(len(data)):
        with pytest.raises(fastthrift.DecodeError) as caught:
            fastthrift.deserialize(m.S, data[:end], protocol)
        assert caught.value.offset <= end


def test_every_prefix_is_an_error_for_who_knows_none_of_the_fields(protocol: str) -> None:
    data = fastthrift.serialize(full(), protocol)
    assert fastthrift.deserialize(m.Empty, data, protocol) == m.Empty()
    for end in range(len(data)):
        with pytest.raises(fastthrift.DecodeError):
            fastthrift.deserialize(m.Empty, data[:end], protocol)


def test_every_changed_byte_is_a_value_or_an_error(protocol: str) -> None:
    data = fastthrift.serialize(full(), protocol)
    outcomes = set()
    for place in range(len(data)):
        for change in (0x01, 0x80, 0xFF):
            bad = bytearray(data)
            bad[place] ^= change
            try:
                outcomes.add(type(fastthrift.deserialize(m.S, bad, protocol)))
            except fastthrift.DecodeError as error:
                outcomes.add(type(error))
    assert outcomes == {m.S, fastthrift.DecodeError}


def nested(protocol: str, depth: int, number: int) -> bytes:
    """Return a struct in a struct in a struct, by the field with this number."""
    if protocol == "json":
        return f'{{"{number}":{{"rec":'.encode() * depth + b"{}" + b"}}" * depth
    if protocol == "simplejson":
        name = {6: "inner", 7: "unknown"}[number]
        return f'{{"{name}":'.encode() * depth + b"{}" + b"}" * depth
    if protocol == "binary":
        return bytes([12, 0, number]) * depth + b"\0" * (depth + 1)
    return bytes([number << 4 | 12]) * depth + b"\0" * (depth + 1)


@pytest.mark.parametrize("number", [6, 7], ids=["known", "unknown"])
def test_nesting_has_a_limit(protocol: str, number: int) -> None:
    assert fastthrift.deserialize(m.S, nested(protocol, 63, number), protocol) is not None
    for depth in (64, 65, 1_000_000):
        with pytest.raises(fastthrift.DecodeError, match="nesting is deeper than the limit of 64"):
            fastthrift.deserialize(m.S, nested(protocol, depth, number), protocol)


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        ("binary", "0f0003 0a 00ffffff"),
        ("binary", "0e0004 0b 00ffffff"),
        ("binary", "0d0005 080b 00ffffff"),
        ("binary", "0b0001 06000000"),
        ("binary", "0f000b" + "0f 00ffffff" * 3),
        ("compact", "39 f6 ffffff07"),
        ("compact", "59 8b ffffff07"),
        ("compact", "18 ffffff2f"),
        ("json", b'{"3":{"lst":["i64",16777215,'.hex()),
        ("json", b'{"4":{"set":["str",16777215,'.hex()),
        ("json", b'{"5":{"map":["i32","str",16777215,{'.hex()),
    ],
)
def test_sizes_that_a_peer_announces_take_no_memory(protocol: str, data: str) -> None:
    raw = bytes.fromhex(data) + bytes(1000)
    tracemalloc.start()
    try:
        with pytest.raises(fastthrift.DecodeError):
            fastthrift.deserialize(m.S, raw, protocol)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100_000


@pytest.mark.parametrize(
    ("protocol", "data"),
    [
        # Elements that take no bytes: empty structs of an unknown list would be free to a peer and dear to us.
        ("binary", b"\x0f\x00\x63\x0c\x7f\xff\xff\xff" + b"\0" * 100_000),
        ("compact", b"\x09\xc6\x01\xfc\xff\xff\xff\xff\x07" + b"\0" * 100_000),
        ("binary", b"\x0f\x00\x63" + b"\x0f\x00\x00\xff\xff" * 60),
        ("compact", b"\x08" * 100_000),
        ("binary", b"\x02\x00\x09\x01" * 100_000),
        ("json", b'{"99":{"lst":["rec",2147483647' + b",{}" * 30_000),
        ("json", b'{"1":{"str":"' + b"\\u00e9" * 20_000),
        ("json", b'{"10":{"i32":' + b"0" * 100_000),
        ("json", b"[" * 100_000),
        ("json", b" " * 100_000),
    ],
)
def test_bad_bytes_take_little_time(protocol: str, data: bytes) -> None:
    start = time.perf_counter()
    with pytest.raises(fastthrift.DecodeError):
        fastthrift.deserialize(m.S, data, protocol)
    assert time.perf_counter() - start < LATE


def test_a_field_that_comes_twice_keeps_the_last(protocol: str) -> None:
    one, two = (fastthrift.serialize(m.S(number=number, text="x" * number), protocol)[:-1] for number in (1, 2))
    if protocol == "compact":  # after field 10, field 1 needs its whole id
        two = b"\x08\x02" + two[1:]
    both = one + b"," + two[1:] + b"}" if "json" in protocol else one + two + b"\0"
    read = fastthrift.deserialize(m.S, both, protocol)
    assert (read.number, read.text) == (2, "xx")


@TYPED
def test_a_field_of_another_type_is_skipped(protocol: str) -> None:
    other = fastthrift.loads(
        "struct S { 1: i32 text, 3: string numbers, 4: list<string> names, 6: list<i32> inner, 10: double number }",
        name="decode_other.thrift",
    )
    data = fastthrift.serialize(other.S(1, "x", ["a"], [1], 2.5), protocol)
    assert fastthrift.deserialize(m.S, data, protocol) == m.S()


@pytest.mark.parametrize(("name", "make"), [("binary", TBinaryProtocol), ("compact", TCompactProtocol)])
def test_what_apache_writes_of_fields_that_are_not_known_is_skipped(name: str, make: Any) -> None:
    buffer = TMemoryBuffer()
    out = make(buffer)
    out.writeStructBegin("S")
    for number in (100, 10):
        out.writeFieldBegin("number", TType.I32, number)
        out.writeI32(number)
        out.writeFieldEnd()
    out.writeFieldBegin("more", TType.MAP, 200)
    out.writeMapBegin(TType.STRING, TType.UUID, 0)
    out.writeMapEnd()
    out.writeFieldEnd()
    out.writeFieldStop()
    assert fastthrift.deserialize(m.S, buffer.getvalue(), name) == m.S(number=10)
