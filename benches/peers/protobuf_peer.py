"""protobuf on upb, its C core: the schema is built at run time, so no compiler is needed.

upb keeps a message in its own memory and makes Python objects when a field is read, so it has two rows: what an
application pays that holds plain data (build and serialize; parse and read every field), and what is left when the
message is there already and nobody reads it (serialize; parse).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.internal import api_implementation

from benches import data
from benches.measure import Statement
from benches.peers import Codec, UnavailableError

PACKAGE = "bench"
FIELD = descriptor_pb2.FieldDescriptorProto
SCALARS = {
    "i16": FIELD.TYPE_INT32,
    "i32": FIELD.TYPE_INT32,
    "i64": FIELD.TYPE_INT64,
    "double": FIELD.TYPE_DOUBLE,
    "bool": FIELD.TYPE_BOOL,
    "string": FIELD.TYPE_STRING,
    "binary": FIELD.TYPE_BYTES,
}


def codecs(work: Path) -> Iterator[Codec]:
    """Yield both rows."""
    if api_implementation.Type() != "upb":
        raise UnavailableError(f"protobuf runs on {api_implementation.Type()} here, not on upb")
    types = _types()
    yield Codec(
        name="protobuf upb, build + serialize / parse + read",
        wire="protobuf, plain",
        type_of=lambda _struct: dict,
        encode=lambda struct, value: Statement(
            "cls(**value).SerializeToString()", {"cls": getattr(types, struct), "value": value}
        ),
        decode=lambda struct, data: Statement(
            "read(parse(data))",
            {"read": READERS[struct], "parse": getattr(types, struct).FromString, "data": data},
        ),
    )
    yield Codec(
        name="protobuf upb, serialize / parse only",
        wire="protobuf",
        type_of=lambda struct: getattr(types, struct),
        encode=lambda _struct, value: Statement("serialize()", {"serialize": value.SerializeToString}),
        decode=lambda struct, data: Statement(
            "parse(data)", {"parse": getattr(types, struct).FromString, "data": data}
        ),
    )


def _types() -> SimpleNamespace:
    """Return the message classes of the benchmarks' structs."""
    file = descriptor_pb2.FileDescriptorProto(name="bench.proto", package=PACKAGE, syntax="proto3")
    for struct, fields in data.STRUCTS.items():
        message = file.message_type.add(name=struct)
        for number, (name, ttype) in enumerate(fields.items(), 1):
            _add_field(message, name, number, ttype)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    named = {name: pool.FindMessageTypeByName(f"{PACKAGE}.{name}") for name in data.STRUCTS}
    return SimpleNamespace(**{name: message_factory.GetMessageClass(found) for name, found in named.items()})


def _add_field(message: Any, name: str, number: int, ttype: str) -> None:
    field = message.field.add(name=name, number=number, label=FIELD.LABEL_OPTIONAL)
    container, *parts = re.findall(r"\w+", ttype)
    if parts:
        field.label = FIELD.LABEL_REPEATED
    if container == "map":
        # A map is a repeated message of key and value, marked as one.
        entry = message.nested_type.add(name=f"{name.title()}Entry")
        entry.options.map_entry = True
        for place, part in enumerate(parts, 1):
            _add_field(entry, ("key", "value")[place - 1], place, part)
        field.type, field.type_name = FIELD.TYPE_MESSAGE, f".{PACKAGE}.{message.name}.{entry.name}"
        return
    of = parts[0] if parts else container
    if of in SCALARS:
        field.type = SCALARS[of]
    else:
        field.type, field.type_name = FIELD.TYPE_MESSAGE, f".{PACKAGE}.{of}"


def _small(read: Any) -> data.Fields:
    return {
        "count": read.count,
        "id": read.id,
        "ratio": read.ratio,
        "active": read.active,
        "kind": read.kind,
        "name": read.name,
    }


def _person(read: Any) -> data.Fields:
    return {
        "name": read.name,
        "id": read.id,
        "emails": list(read.emails),
        "phones": [{"number": phone.number, "kind": phone.kind} for phone in read.phones],
        "labels": dict(read.labels),
    }


READERS: dict[str, Callable[[Any], data.Fields]] = {
    "Small": _small,
    "Book": lambda read: {"people": [_person(person) for person in read.people]},
    "Doubles": lambda read: {"values": list(read.values)},
    "Longs": lambda read: {"values": list(read.values)},
    "Scores": lambda read: {"values": dict(read.values)},
    "Blob": lambda read: {"data": read.data},
}
"""Reads every field of a message into plain data, by the struct's name."""
