"""What the codecs take and give, to a type checker."""

from typing import Any

import fastthrift
from typing_extensions import assert_type


class Point(fastthrift.Struct):
    """Stands for a generated class, which is `Any` to a type checker."""

    x: int


class Choice(fastthrift.Union):
    """Stands for a generated union."""


class Failure(fastthrift.ThriftException):
    """Stands for a generated exception."""


point = Point(x=1)
assert_type(fastthrift.serialize(point), bytes)
assert_type(fastthrift.serialize(obj=Choice(), protocol="compact"), bytes)
assert_type(fastthrift.serialize(Failure("text")), bytes)
assert_type(fastthrift.deserialize(Point, b""), Point)
assert_type(fastthrift.deserialize(Point, bytearray(), "compact").x, int)
assert_type(fastthrift.deserialize(cls=Failure, data=memoryview(b"")), Failure)
assert_type(point.__replace__(x=2), Point)

fastthrift.serialize(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.serialize(point, "xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.deserialize(Point, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.deserialize(int, b"")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]

try:
    fastthrift.deserialize(Point, b"")
except fastthrift.DecodeError as error:
    assert_type(error.offset, int | None)

assert_type(fastthrift.to_json(point), str)
assert_type(fastthrift.to_json(Choice(), indent=2, enums="number"), str)
assert_type(fastthrift.from_json(Point, "{}"), Point)
assert_type(fastthrift.from_json(Failure, memoryview(b"{}")), Failure)
assert_type(fastthrift.to_dict(point)["x"], Any)
assert_type(fastthrift.from_dict(Choice, {"a": 1}), Choice)

fastthrift.to_json(point, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fastthrift.to_json(point, enums="both")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.from_json(Point, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.from_dict(Point, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
