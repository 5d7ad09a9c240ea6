"""Arbitrary schemas and arbitrary values: what is written is read back, and is what Apache's library writes."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import Any

import fastthrift
from fastthrift._containers import FrozenDict
from hypothesis import given
from hypothesis import strategies as st

from tests.python.apache import Field, Oracle, Struct, Type, same

PROTOCOLS = ("binary", "compact", "json")
SCALARS = ["bool", "i8", "i16", "i32", "i64", "double", "string", "binary", "uuid"]
RANGES = {"i8": 7, "i16": 15, "i32": 31, "i64": 63, "enum": 31}
IDS = st.one_of(st.integers(1, 20), st.sampled_from([-32768, -16, -1, 127, 128, 16383, 32767]))
NAMES = ["a", "value", "from_", "x1", "_y", "type", "list_", "self", "Z", "very_long_name_of_a_field"]


@st.composite
def types(draw: st.DrawFn, named: list[Type], depth: int = 3) -> Type:
    """Draw a type: a scalar, one that has a name already, or a container of such."""
    simple = st.one_of(st.sampled_from(SCALARS).map(Type), st.sampled_from(named) if named else st.nothing())
    if depth == 0 or draw(st.integers(0, 2)):
        return draw(simple)
    kind = draw(st.sampled_from(["list", "set", "map"]))
    count = 2 if kind == "map" else 1
    return Type(kind, inner=tuple(draw(types(named, depth - 1)) for _ in range(count)))


@st.composite
def structs(draw: st.DrawFn, name: str, kind: str, named: list[Type]) -> Struct:
    """Draw a struct of fields whose ids have gaps and go up and down."""
    ids = draw(st.lists(IDS, unique=True, min_size=kind == "union", max_size=6))
    fields = []
    for number, field_name in zip(ids, draw(st.permutations(NAMES)), strict=False):
        requiredness = "" if kind == "union" else draw(st.sampled_from(["", "optional", "required"]))
        fields.append(Field(number, field_name, draw(types(named)), requiredness))
    return Struct(name, kind, fields)


class Schema:
    """A drawn IDL file, and its module."""

    def __init__(self, enums: list[str], typedefs: list[str], structs: list[Struct]) -> None:
        self.structs = structs
        self.idl = "\n".join(
            [*(f"enum {name} {{ A = 1, B = -7 }}" for name in enums), *typedefs, *(s.idl for s in structs)]
        )
        self.module = fastthrift.loads(self.idl, name="drawn.thrift")
        self.oracle = Oracle(self.module, structs)

    def __repr__(self) -> str:
        return self.idl


@st.composite
def schemas(draw: st.DrawFn) -> Schema:
    """Draw a file of enums, typedefs, and structs that refer to what comes before them."""
    enums = ["E1", "E2"][: draw(st.integers(0, 2))]
    named = [Type("enum", name) for name in enums]
    typedefs, found = [], []
    for place in range(draw(st.integers(0, 2))):
        target = draw(types(named, 2))
        typedefs.append(f"typedef {target.idl} T{place}")
        named.append(replace(target, alias=f"T{place}"))
    for place in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(["struct", "struct", "union"]))
        found.append(draw(structs(f"S{place}", kind, named)))
        named.append(Type("struct", f"S{place}"))
    found.append(draw(structs("X", "exception", named)))
    return Schema(enums, typedefs, found)


def values(of: Type, schema: Schema, *, is_key: bool = False) -> st.SearchStrategy[Any]:
    """Return a strategy for values of a type; what is a key cannot be changed, and is equal to itself."""
    if of.kind in RANGES:
        numbers = st.integers(-(2 ** RANGES[of.kind]), 2 ** RANGES[of.kind] - 1)
        return numbers.map(getattr(schema.module, of.name)) if of.kind == "enum" else numbers
    if of.kind == "struct":
        return instances(schema, schema.oracle.structs[of.name])
    if not of.inner:
        return {
            "bool": st.booleans(),
            "double": st.floats(allow_nan=False),
            "string": st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
            "binary": st.binary(max_size=20),
            "uuid": st.integers(0, 2**128 - 1).map(lambda number: uuid.UUID(int=number)),
        }[of.kind]
    if of.kind == "list":
        return st.lists(values(of.inner[0], schema, is_key=is_key), max_size=3).map(tuple if is_key else list)
    if of.kind == "set":
        return st.sets(values(of.inner[0], schema, is_key=True), max_size=3).map(frozenset if is_key else set)
    key, value = of.inner
    entries = st.dictionaries(values(key, schema, is_key=True), values(value, schema, is_key=is_key), max_size=3)
    return entries.map(FrozenDict) if is_key else entries


@st.composite
def instances(draw: st.DrawFn, schema: Schema, struct: Struct) -> Any:
    """Draw an instance: one member of a union, all required fields, any others."""
    fields = struct.fields
    if struct.kind == "union":
        fields = [draw(st.sampled_from(fields))]
    chosen = [
        field for field in fields if struct.kind == "union" or field.requiredness == "required" or draw(st.booleans())
    ]
    given_values = {field.name: draw(values(field.type, schema)) for field in chosen}
    return getattr(schema.module, struct.name)(**given_values)


def outcome(cls: type, data: bytes | bytearray, protocol: str) -> Any:
    """Return what bytes are read as, or the error that says why they are not."""
    try:
        return fastthrift.deserialize(cls, data, protocol)
    except fastthrift.DecodeError as error:
        return error


@given(st.data())
def test_what_is_written_is_read_back_and_is_apaches(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    for struct in schema.structs:
        value = data.draw(instances(schema, struct))
        for protocol in PROTOCOLS:
            encoded = fastthrift.serialize(value, protocol)
            assert encoded == schema.oracle.encode(struct.name, value, protocol)
            read = fastthrift.deserialize(type(value), encoded, protocol)
            assert same(read, value)
            assert same(schema.oracle.decode(struct.name, encoded, protocol), value)


@given(st.data())
def test_any_prefix_is_an_error_and_what_follows_is_ignored(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    struct = data.draw(st.sampled_from(schema.structs))
    value = data.draw(instances(schema, struct))
    protocol = data.draw(st.sampled_from(PROTOCOLS))
    encoded = fastthrift.serialize(value, protocol)
    assert same(fastthrift.deserialize(type(value), encoded + data.draw(st.binary(max_size=9)), protocol), value)
    cut = data.draw(st.integers(0, len(encoded) - 1))
    error = outcome(type(value), encoded[:cut], protocol)
    assert isinstance(error, fastthrift.DecodeError)
    assert 0 <= error.offset <= cut


@given(st.data(), st.binary(max_size=60))
def test_any_bytes_give_a_value_or_a_typed_error(data: st.DataObject, junk: bytes) -> None:
    schema = data.draw(schemas())
    for struct in schema.structs:
        for protocol in PROTOCOLS:
            read = outcome(getattr(schema.module, struct.name), junk, protocol)
            if isinstance(read, fastthrift.DecodeError):
                assert 0 <= read.offset <= len(junk)


@given(st.data(), st.integers(0, 2**16), st.integers(1, 255))
def test_a_changed_byte_gives_a_value_or_a_typed_error(data: st.DataObject, place: int, change: int) -> None:
    schema = data.draw(schemas())
    struct = data.draw(st.sampled_from(schema.structs))
    value = data.draw(instances(schema, struct))
    for protocol in PROTOCOLS:
        encoded = bytearray(fastthrift.serialize(value, protocol))
        encoded[place % len(encoded)] ^= change
        read = outcome(type(value), encoded, protocol)
        if isinstance(read, fastthrift.DecodeError):
            assert 0 <= read.offset <= len(encoded)
