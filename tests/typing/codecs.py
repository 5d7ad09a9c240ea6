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

binary = fastthrift.Binary(strict=True, old=True, utf8="bytes", limits=fastthrift.Limits(message=1, depth=2))
assert_type(binary, fastthrift.Binary)
assert_type(binary.limits.depth, int | None)
assert_type(fastthrift.serialize(point, binary), bytes)
assert_type(fastthrift.serialize_into(point, bytearray(), fastthrift.Compact()), int)
assert_type(fastthrift.serialize_into(point, memoryview(b""), offset=5), int)
assert_type(fastthrift.deserialize(Point, b"", binary, fields=["x"], arrays="numpy", binary="memoryview"), Point)
assert_type(fastthrift.deserialize_from(Point, b"", "compact", 5, fields=("x",)), tuple[Point, int])
points = fastthrift.iter_structs(Point, b"", fields=None)
assert_type(points, fastthrift.StructIterator[Point])
assert_type(points.offset, int)
assert_type([each.x for each in points], list[int])

fastthrift.serialize(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.serialize(point, "xml")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.deserialize(Point, "text")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.deserialize(Point, b"", arrays="tuple")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.deserialize(int, b"")  # type: ignore[type-var]  # pyright: ignore[reportArgumentType]
fastthrift.serialize_into(point, bytearray(), offset="1")  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
fastthrift.serialize_into(point, b"".hex())  # type: ignore[call-overload]  # pyright: ignore[reportCallIssue, reportArgumentType]
fastthrift.deserialize(Point, b"", binary="view")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.Compact(strict=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]

try:
    fastthrift.deserialize(Point, b"")
except fastthrift.DecodeError as error:
    assert_type(error.offset, int | None)

assert_type(fastthrift.to_json(point), str)
assert_type(fastthrift.to_json(Choice(), indent=2, enums="number"), str)
assert_type(fastthrift.from_json(Point, "{}"), Point)
assert_type(fastthrift.from_json(Failure, memoryview(b"{}")), Failure)
assert_type(fastthrift.from_json(Point, "{}", limits=fastthrift.Limits(depth=3)), Point)
assert_type(fastthrift.serialize(point, fastthrift.SimpleJSON(utf8="bytes")), bytes)
assert_type(fastthrift.to_dict(point)["x"], Any)
assert_type(fastthrift.from_dict(Choice, {"a": 1}), Choice)

fastthrift.to_json(point, 2)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
fastthrift.to_json(point, enums="both")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.from_json(Point, 5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.from_dict(Point, [])  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
