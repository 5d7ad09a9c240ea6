"""Bytes are equal to those of Apache's library, both ways."""

from __future__ import annotations

import struct
from typing import Any

import fastthrift
import pytest
import thriftpy2.transport
from thrift.protocol.TBase import TBase
from thrift.protocol.TBinaryProtocol import TBinaryProtocol, TBinaryProtocolAccelerated
from thrift.protocol.TCompactProtocol import TCompactProtocol, TCompactProtocolAccelerated
from thrift.protocol.TJSONProtocol import TJSONProtocol
from thrift.transport.TTransport import TMemoryBuffer
from thriftpy2.protocol.apache_json import TApacheJSONProtocol
from thriftpy2.thrift import TPayload

from tests.python.apache import SCALARS, Field, JsonProtocol, Oracle, Struct, Type, same, specification
from tests.python.conftest import TYPED

ENUM = Type("enum", "Kind")
SCALAR_TYPES = [ENUM if kind == "enum" else Type(kind) for kind in SCALARS]
LEAF = Type("struct", "Leaf")


def containers_of(inner: Type) -> list[Type]:
    return [
        Type("list", inner=(inner,)),
        Type("set", inner=(inner,)),
        Type("map", inner=(inner, inner)),
        Type("map", inner=(Type("string"), Type("list", inner=(inner,)))),
    ]


CONTAINERS = [container for scalar in SCALAR_TYPES for container in containers_of(scalar)]
DEEP = [
    Type("list", inner=(LEAF,)),
    Type("map", inner=(Type("i32"), Type("map", inner=(Type("string"), Type("list", inner=(LEAF,)))))),
    Type("list", inner=(Type("list", inner=(Type("list", inner=(Type("bool"),)),)),)),
    Type("set", inner=(Type("set", inner=(Type("i32"),)),)),
    Type("map", inner=(Type("list", inner=(Type("i32"),)), Type("set", inner=(Type("string"),)))),
    Type("set", inner=(Type("map", inner=(Type("string"), Type("i64"))),)),
]
STRUCTS = [
    Struct("Leaf", fields=[Field(1, "number", Type("i32")), Field(2, "text", Type("string"))]),
    Struct("Scalars", fields=[Field(place, f"f{place}", of) for place, of in enumerate(SCALAR_TYPES, 1)]),
    Struct("Containers", fields=[Field(place, f"f{place}", of) for place, of in enumerate(CONTAINERS, 1)]),
    Struct("Deep", fields=[Field(place, f"f{place}", of) for place, of in enumerate([*DEEP, LEAF], 1)]),
    Struct(
        "Choice", "union", [Field(1, "number", Type("i64")), Field(20, "flag", Type("bool")), Field(3, "leaf", LEAF)]
    ),
    Struct("Failure", "exception", [Field(1, "message", Type("string")), Field(2, "leaf", LEAF)]),
    Struct(
        "Ids",
        fields=[
            Field(number, f"f{place}", Type("bool") if place % 2 else Type("i16"))
            for place, number in enumerate([16, 1, 2, 17, 33, 300, 32767, 15, -1, -15, -16, -200, -32768, 3])
        ],
    ),
]
IDL = "enum Kind { ZERO = 0, ONE = 1 }\n" + "\n".join(each.idl for each in STRUCTS)
m = fastthrift.loads(IDL, name="codec.thrift")
oracle = Oracle(m, STRUCTS)


def sample(of: Type, *, is_key: bool = False) -> list[Any]:
    """Return values of a type, odd ones among them."""
    if of.kind == "struct":
        return [m.Leaf(), m.Leaf(-1, "x")]
    if not of.inner:
        return [m.Kind(value) for value in SCALARS["enum"]] if of.kind == "enum" else SCALARS[of.kind]
    if of.kind == "list":
        inner = sample(of.inner[0], is_key=is_key)
        return [tuple(each) if is_key else list(each) for each in ([], inner, inner * 5)]
    if of.kind == "set":
        inner = sample(of.inner[0], is_key=True)
        return [frozenset(each) if is_key else set(each) for each in ([], inner[:1], inner)]
    keys, values = sample(of.inner[0], is_key=True), sample(of.inner[1], is_key=is_key)
    maps = [{}, {key: values[place % len(values)] for place, key in enumerate(keys)}]
    return [fastthrift._containers.FrozenDict(each) for each in maps] if is_key else maps  # type: ignore[attr-defined]


def samples() -> list[Any]:
    """Return instances of all structs: empty, and with each value of each field."""
    made = []
    for each in STRUCTS:
        cls = getattr(m, each.name)
        made += [cls(**{field.name: value}) for field in each.fields for value in sample(field.type)]
        if each.kind != "union":
            made.append(cls())
            made.append(cls(**{field.name: sample(field.type)[-1] for field in each.fields}))
    return made


def named(value: Any) -> str:
    """Return what a test's name says of a value."""
    return type(value).__name__


@pytest.mark.parametrize("value", samples(), ids=named)
@TYPED
def test_bytes_are_apaches_and_are_read_back(value: Any, protocol: str) -> None:
    name = type(value).__name__
    data = fastthrift.serialize(value, protocol)
    assert data == oracle.encode(name, value, protocol)
    assert same(oracle.decode(name, data, protocol), value)
    assert same(fastthrift.deserialize(type(value), data, protocol), value)


@pytest.mark.parametrize("protocol", ["binary", "compact"])
@pytest.mark.parametrize("bits", ["7ff8000000000000", "fff8000000000001", "7ff0000000000001"])
def test_nan_keeps_its_bits(bits: str, protocol: str) -> None:
    (nan,) = struct.unpack(">d", bytes.fromhex(bits))
    field = f"f{list(SCALARS).index('double') + 1}"
    data = fastthrift.serialize(m.Scalars(**{field: nan}), protocol)
    assert data == oracle.encode("Scalars", m.Scalars(**{field: nan}), protocol)
    assert (
        struct.pack(">d", getattr(fastthrift.deserialize(m.Scalars, data, protocol), field)).hex()
        == struct.pack(">d", nan).hex()
    )


def apache_classes() -> dict[str, type]:
    """Make classes as Apache's compiler writes them, for the structs whose ids it would number likewise."""
    classes: dict[str, type] = {}
    for each in STRUCTS:
        if all(field.id > 0 for field in each.fields):
            unset = dict.fromkeys([field.name for field in each.fields])
            fill = {"__init__": lambda self, **fields: self.__dict__.update(fields)}
            cls = type(each.name, (TBase,), {**unset, **fill})
            cls.thrift_spec = specification(cls, each.fields, classes)  # type: ignore[attr-defined]
            classes[each.name] = cls
    return classes


APACHE = apache_classes()


def to_apache(value: Any) -> Any:
    """Return one of our values as Apache's library has it."""
    match value:
        case fastthrift.Struct() | fastthrift.Union() | fastthrift.ThriftException():
            fields = {name: to_apache(getattr(value, name)) for name in value.__slots__}
            return APACHE[type(value).__name__](**fields)
        case list() | tuple():
            return [to_apache(each) for each in value]
        case dict():
            return {key: to_apache(each) for key, each in value.items()}
    return value


ACCELERATED = {
    ("binary", False): TBinaryProtocol,
    ("binary", True): TBinaryProtocolAccelerated,
    ("compact", False): TCompactProtocol,
    ("compact", True): TCompactProtocolAccelerated,
    ("json", False): JsonProtocol,
}


# Their table of fields has no place for negative ids.
@pytest.mark.parametrize("value", [each for each in samples() if type(each).__name__ in APACHE], ids=named)
@pytest.mark.parametrize(
    ("protocol", "is_accelerated"), ACCELERATED, ids=lambda part: {False: "pure", True: "accelerated"}.get(part, part)
)
def test_apaches_own_walk_reads_and_writes_the_same(value: Any, protocol: str, is_accelerated: bool) -> None:
    data = fastthrift.serialize(value, protocol)
    buffer = TMemoryBuffer()
    codec = ACCELERATED[protocol, is_accelerated](buffer)
    assert (getattr(codec, "_fast_encode", None) is not None) == is_accelerated
    to_apache(value).write(codec)
    assert buffer.getvalue() == data
    read = APACHE[type(value).__name__]()
    read.read(ACCELERATED[protocol, is_accelerated](TMemoryBuffer(data)))
    buffer = TMemoryBuffer()
    read.write(ACCELERATED[protocol, is_accelerated](buffer))
    again = fastthrift.deserialize(type(value), buffer.getvalue(), protocol)
    assert same(again, value)


@pytest.mark.parametrize("text", ['"NaN"', "NaN", "nan", '"nan"'])
def test_json_reads_nan_however_it_is_written(text: str) -> None:
    field = list(SCALARS).index("double") + 1
    read = fastthrift.deserialize(m.Scalars, f'{{"{field}":{{"dbl":{text}}}}}'.encode(), "json")
    assert getattr(read, f"f{field}") != getattr(read, f"f{field}")
    assert fastthrift.serialize(read, "json") == f'{{"{field}":{{"dbl":"NaN"}}}}'.encode()


def test_json_reads_what_apaches_python_writes_for_infinities_and_control_characters() -> None:
    value = m.Scalars(f6=float("-inf"), f7="tab\t nul\0 bell\a")
    buffer = TMemoryBuffer()
    to_apache(value).write(TJSONProtocol(buffer))
    assert b"-inf" in buffer.getvalue()
    assert b"\0" in buffer.getvalue()
    assert fastthrift.deserialize(m.Scalars, buffer.getvalue(), "json") == value
    assert fastthrift.serialize(value, "json") == (
        rb'{"6":{"dbl":"-Infinity"},"7":{"str":"tab\t nul\u0000 bell\u0007"}}'
    )


def test_json_is_read_with_whitespace_quoted_numbers_and_base64_without_padding() -> None:
    text = b' { "3" : { "i16" : "300" } , "6" :\n{ "dbl" : "1.5" } ,\t"8" : { "str" : "AA" } }'
    assert fastthrift.deserialize(m.Scalars, text, "json") == m.Scalars(f3=300, f6=1.5, f8=b"\0")


def thriftpy2_leaf(value: Any) -> bytes:
    """Return one of our leaves as thriftpy2 writes it in Apache's JSON, in a message."""
    leaf = type("Leaf", (TPayload,), {"thrift_spec": {1: (8, "number", False), 2: (11, "text", False)}})()
    leaf.number, leaf.text = value.number, value.text
    transport = thriftpy2.transport.TMemoryBuffer()
    codec = TApacheJSONProtocol(transport)
    codec.write_message_begin("call", 1, 7)
    codec.write_struct(leaf)
    return bytes(transport.getvalue())


@pytest.mark.parametrize("text", ["", "plain", 'é \U0001f600 " \\ / \n\0'])
def test_what_thriftpy2_writes_in_apaches_json_is_read(text: str) -> None:
    leaf = m.Leaf(-5, text)
    message = thriftpy2_leaf(leaf)
    body = message.removeprefix(b'[1,"call",1,7,').removesuffix(b"]")
    assert fastthrift.deserialize(m.Leaf, body, "json") == leaf


def test_thriftpy2_reads_what_is_written_in_json() -> None:
    leaf = m.Leaf(-5, 'é \U0001f600 " \\ / \n\0')
    transport = thriftpy2.transport.TMemoryBuffer(b'[1,"call",1,7,' + fastthrift.serialize(leaf, "json") + b"]")
    codec = TApacheJSONProtocol(transport)
    assert codec.read_message_begin() == ["call", 1, 7]
    theirs = type("Leaf", (TPayload,), {"thrift_spec": {1: (8, "number", False), 2: (11, "text", False)}})()
    codec.read_struct(theirs)
    assert (theirs.number, theirs.text) == (leaf.number, leaf.text)
