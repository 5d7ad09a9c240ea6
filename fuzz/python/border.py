"""Any bytes as a use of the Python package: what must hold, whatever they say. Knows nothing of any fuzzer."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import fastthrift

IDL = """
enum Kind { A = 1, B = 2 }
struct Empty {}
struct Flat { 1: i32 a, 2: string b, 3: bool c, 4: double d }
struct Key { 1: i64 number, 2: list<i64> parts, 3: set<i32> few }
union Link { 1: Link link, 2: i32 end, 3: list<Flat> flats, 4: binary raw }
exception Refused { 1: required string why, 2: Flat flat }
struct Item {
  1: string name, 2: list<string> tags, 3: map<string, i64> counts, 4: Flat flat, 5: Kind kind, 6: uuid id
  7: set<i32> few
  8: Link link, 9: map<Key, Refused> refused, 10: set<list<i64>> lists, 11: binary blob, 12: list<bool> flags
  13: list<double> heights, 14: Item inner, 15: map<map<i32, i32>, set<uuid>> maps, 16: bool is_on, 17: list<i16> small
  18: i8 tiny, 19: i64 big = 5, 20: list<list<list<Item>>> deep, 21: map<double, Kind> by
}
"""
m: Any = fastthrift.loads(IDL, name="border.thrift")
CLASSES = (m.Item, m.Flat, m.Key, m.Link, m.Refused, m.Empty)
NAMES = ("name", "tags", "flat", "a", "b", "link", "end", "number", "parts", "why", "inner", "kind", "by", "few", "?")
LIMITS = fastthrift.Limits(string=5_000, container=500, depth=20, memory=1_000_000)
PROTOCOLS: tuple[Any, ...] = (
    "binary", "compact", "json", "simplejson",
    fastthrift.Binary(utf8="bytes", limits=LIMITS), fastthrift.Compact(utf8="bytes", limits=LIMITS),
    fastthrift.Compact(limits=LIMITS), fastthrift.Binary(strict=True, limits=LIMITS),
)  # fmt: skip


class Choices:
    """Takes decisions from bytes; from none when they are used up."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def below(self, count: int) -> int:
        """Return a number from 0 to below this one."""
        byte = self.data[self.place] if self.place < len(self.data) else 0
        self.place += 1
        return byte % count

    def of(self, things: tuple[Any, ...]) -> Any:
        """Return one of them."""
        return things[self.below(len(things))]

    def some(self) -> bytes:
        """Return the next few bytes."""
        size = self.below(24)
        self.place += size
        return self.data[self.place - size : self.place]

    def rest(self) -> bytes:
        """Return all bytes that are left."""
        return self.data[self.place :]

    def value(self, depth: int = 4) -> Any:
        """Return any Python value: right for some field, nearly right, or nothing that a field can be."""
        kind = self.below(18 if depth else 10)
        if kind < 10:
            return self._scalar(kind)
        items = [self.value(depth - 1) for _ in range(self.below(4))]
        return self._composed(kind, items)

    def _scalar(self, kind: int) -> Any:
        bits = self.some()
        number = int.from_bytes(bits[:9], "little", signed=True)
        return (
            None, number, number % 100, bits, bits.decode("utf-8", "surrogateescape" if 0 in bits else "replace"),
            bool(number), number / 7 if number % 5 else float("nan"), uuid.UUID(int=number % 2**128),
            m.Kind(number % 2**31), bytearray(bits),
        )[kind]  # fmt: skip

    def _composed(self, kind: int, items: list[Any]) -> Any:
        if kind < 12:
            return items
        if kind == 12:
            return tuple(items)
        if kind < 15:
            return {self.of(NAMES): item for item in items}
        if kind == 15:
            return {item for item in items if is_hashable(item)}
        return filled(self.of(CLASSES), self, items)


def is_hashable(value: Any) -> bool:
    """Whether a value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def filled(cls: type, choices: Choices, items: list[Any]) -> Any:
    """Return an instance with values of any type in its fields."""
    made = cls.__new__(cls)
    for item in items:
        name = choices.of(NAMES)
        try:
            setattr(made, name, item)
        except AttributeError:
            assert name not in dir(cls)
    return made


def check_reason(error: fastthrift.EncodeError) -> None:
    """Check that what was read cannot be written for one of the reasons that there are."""
    assert "holds no member" in str(error) or "surrogate" in str(error) or "UTF-8" in str(error), error


def check_kept(value: Any, protocol: Any) -> None:
    """Check that what was read can be written, unless it is a union of nothing, and is then read as before."""
    try:
        written = fastthrift.serialize(value, protocol)
    except fastthrift.EncodeError as error:
        check_reason(error)
        return
    again = fastthrift.deserialize(type(value), written, protocol)
    assert len(fastthrift.serialize(again, protocol)) == len(written)


def check_error(error: fastthrift.DecodeError, cls: type, size: int) -> None:
    """Check that an error says where it happened."""
    assert str(error).startswith(cls.__name__), error
    assert error.offset is not None, error
    assert 0 <= error.offset <= size, error


def check_line(error: fastthrift.ThriftSyntaxError, text: str) -> None:
    """Check that an error in an IDL text names a line of it."""
    assert error.lineno is None or 1 <= error.lineno <= text.count("\n") + text.count("\r") + 1, error


def read(choices: Choices) -> None:
    """Read bytes as a struct."""
    cls, protocol = choices.of(CLASSES), choices.of(PROTOCOLS)
    options: dict[str, Any] = {}
    if choices.below(4) == 1:
        options["binary"] = "memoryview"
    if choices.below(4) == 1 and cls is m.Item:
        options["fields"] = NAMES[: choices.below(3)]
    data = choices.rest()
    try:
        value = fastthrift.deserialize(cls, data, protocol, **options)
    except fastthrift.DecodeError as error:
        check_error(error, cls, len(data))
        return
    if not options:
        check_kept(value, protocol)


def read_many(choices: Choices) -> None:
    """Read as many structs as there are in a buffer."""
    cls, protocol, offset = choices.of(CLASSES), choices.of(PROTOCOLS), choices.below(4)
    data = bytearray(choices.rest())
    offset = min(offset, len(data))
    records = fastthrift.iter_structs(cls, data, protocol, offset=offset)
    try:
        for value in records:
            one, end = fastthrift.deserialize_from(cls, data, protocol, offset)
            assert type(one) is type(value)
            assert offset < end == records.offset <= len(data)
            offset = end
    except fastthrift.DecodeError as error:
        check_error(error, cls, len(data))
    del records
    data.clear()  # nobody holds on to it any more


def read_json(choices: Choices) -> None:
    """Read text as JSON with the names of fields."""
    cls, data = choices.of(CLASSES), choices.rest()
    text: Any = data.decode() if data.isascii() else data
    try:
        value = fastthrift.from_json(cls, text)
    except fastthrift.DecodeError as error:
        check_error(error, cls, len(data))
        return
    try:
        written = fastthrift.to_json(value)
    except fastthrift.EncodeError as error:
        check_reason(error)
        return
    assert len(fastthrift.to_json(fastthrift.from_json(cls, written))) == len(written)


def read_dict(choices: Choices) -> None:
    """Take a dict as a struct."""
    cls = choices.of(CLASSES)
    data = {choices.of(NAMES): choices.value() for _ in range(choices.below(6))}
    try:
        value = fastthrift.from_dict(cls, data)
    except fastthrift.DecodeError:
        return
    for protocol in PROTOCOLS[:4]:
        check_kept(value, protocol)


def write(choices: Choices) -> None:
    """Write an object with anything in its fields."""
    value = filled(choices.of(CLASSES), choices, [choices.value() for _ in range(choices.below(6))])
    protocol = choices.of(PROTOCOLS)
    try:
        written = fastthrift.serialize(value, protocol)
    except fastthrift.EncodeError:
        return
    buffer = bytearray(b"before")
    assert fastthrift.serialize_into(value, buffer, protocol) == len(written)
    assert buffer == b"before" + written
    check_kept(fastthrift.deserialize(type(value), written, protocol), protocol)


def load(choices: Choices) -> None:
    """Load any text as an IDL file, and use what it has."""
    text = choices.rest().decode("utf-8", "replace")
    try:
        module = fastthrift.loads(text, name="any.thrift")
    except fastthrift.ThriftSyntaxError as error:
        check_line(error, text)
        return
    for name in dir(module):
        cls = getattr(module, name)
        if isinstance(cls, type) and issubclass(cls, (fastthrift.Struct, fastthrift.Union)):
            check_kept(cls(), "binary")


USES: tuple[Callable[[Choices], None], ...] = (read, read, read_many, read_json, read_dict, write, load)


def check(data: bytes) -> None:
    """Use the package as the bytes say; an exception that is not raised on purpose is a finding."""
    choices = Choices(data)
    choices.of(USES)(choices)
