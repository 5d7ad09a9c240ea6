"""Classes that keep their fields as attributes are walked like those with slots: same bytes, both ways."""

from __future__ import annotations

from typing import Any

import fastthrift
import pytest
from fastthrift import _core
from thrift.protocol.TBase import TBase
from thrift.protocol.TBinaryProtocol import TBinaryProtocol
from thrift.protocol.TCompactProtocol import TCompactProtocol
from thrift.protocol.TJSONProtocol import TJSONProtocol, TSimpleJSONProtocol
from thrift.Thrift import TType
from thrift.transport.TTransport import TMemoryBuffer

IDL = """
enum Kind { A = 1, B = 2 }
struct Address { 1: string street, 2: optional string city = "Bern" }
union Contact { 1: string mail, 2: Address address }
exception Failure { 1: string message, 2: Kind kind }
struct Person {
  1: required string name
  2: Kind kind = Kind.A
  3: set<string> tags
  4: list<set<Kind>> groups
  5: map<string, list<Address>> addresses
  6: Contact contact
  7: bool active
  8: binary data
  9: optional Person parent
  10: double height
  11: Failure failure
  12: i32 from
}
"""
m = fastthrift.loads(IDL, name="layouts.thrift")


class Plain:
    """What has fields as attributes of a `__dict__`, and defaults in its constructor."""

    def __init__(self, **fields: Any) -> None:
        self.__dict__.update(fields)

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and self.__dict__ == other.__dict__

    __hash__ = None  # type: ignore[assignment]


class Address(Plain):
    def __init__(self, street: str | None = None, city: str | None = "Bern") -> None:
        super().__init__(street=street, city=city)


class Contact(Plain):
    def __init__(self, mail: str | None = None, address: Address | None = None) -> None:
        super().__init__(mail=mail, address=address)


class Failure(Exception):
    def __init__(self, message: str | None = None, kind: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind


class Person(Plain):
    def __init__(self, name: str | None = None, kind: int = 1, **fields: Any) -> None:
        super().__init__(name=name, kind=kind, **fields)


CLASSES: dict[str, type] = {"Address": Address, "Contact": Contact, "Failure": Failure, "Person": Person}
_core.bind_classes(m, CLASSES)

PAIRS: list[tuple[Any, Any]] = [
    (Person("Ann"), m.Person("Ann")),
    (Person("Ann", 2), m.Person("Ann", m.Kind.B)),
    (Person("Ann", 77, tags=["x"]), m.Person("Ann", m.Kind(77), {"x"})),
    (
        Person("Ann", tags=[], groups=[[1], [], [2]]),
        m.Person("Ann", tags=set(), groups=[{m.Kind.A}, set(), {m.Kind.B}]),
    ),
    (
        Person("Ann", addresses={"home": [Address("Main"), Address("Side", "Biel")], "work": []}),
        m.Person("Ann", addresses={"home": [m.Address("Main"), m.Address("Side", "Biel")], "work": []}),
    ),
    (Person("Ann", contact=Contact("a@b")), m.Person("Ann", contact=m.Contact(mail="a@b"))),
    (
        Person("Ann", contact=Contact(address=Address("Main"))),
        m.Person("Ann", contact=m.Contact(address=m.Address("Main"))),
    ),
    (Person("Ann", active=True, data=b"\0", height=-0.5), m.Person("Ann", active=True, data=b"\0", height=-0.5)),
    (Person("Ann", parent=Person("Bob", 2)), m.Person("Ann", parent=m.Person("Bob", m.Kind.B))),
    (Person("Ann", from_=7), m.Person("Ann", from_=7)),
]


@pytest.mark.parametrize(("plain", "slotted"), PAIRS)
def test_both_layouts_have_the_same_bytes(plain: Any, slotted: Any, protocol: str) -> None:
    data = fastthrift.serialize(slotted, protocol)
    assert fastthrift.serialize(plain, protocol) == data
    assert fastthrift.deserialize(Person, data, protocol) == plain
    assert fastthrift.deserialize(m.Person, fastthrift.serialize(plain, protocol), protocol) == slotted


def test_enums_are_ints_and_sets_are_lists_there(protocol: str) -> None:
    data = fastthrift.serialize(m.Person("Ann", m.Kind.B, {"x"}, groups=[{m.Kind.A}]), protocol)
    read = fastthrift.deserialize(Person, data, protocol)
    assert (type(read.kind), type(read.tags), type(read.groups[0]), type(read.groups[0][0])) == (int, list, list, int)


def test_exceptions_may_have_attributes(protocol: str) -> None:
    data = fastthrift.serialize(m.Failure("bad", m.Kind.B), protocol)
    assert fastthrift.serialize(Failure("bad", 2), protocol) == data
    read = fastthrift.deserialize(Failure, data, protocol)
    assert (type(read), read.message, read.kind) == (Failure, "bad", 2)


def test_required_fields_and_single_members_hold_there_too(protocol: str) -> None:
    with pytest.raises(fastthrift.EncodeError, match="required field 'name' of 'Person' is not set"):
        fastthrift.serialize(Person(), protocol)
    with pytest.raises(fastthrift.EncodeError, match=r"Person\.contact: union 'Contact' holds 2 members"):
        fastthrift.serialize(Person("Ann", contact=Contact("a", Address("b"))), protocol)
    with pytest.raises(fastthrift.DecodeError, match="required field 'name' is missing"):
        fastthrift.deserialize(Person, b"{}" if "json" in protocol else b"\0", protocol)


def test_wrong_values_are_named_by_their_path(protocol: str) -> None:
    with pytest.raises(
        fastthrift.EncodeError, match=r"Person\.addresses\[value 0\]\[0\]\.street: expected str, got int"
    ):
        fastthrift.serialize(Person("Ann", addresses={"a": [Address(5)]}), protocol)  # type: ignore[arg-type]


def test_attributes_may_be_computed(protocol: str) -> None:
    module = fastthrift.loads("struct Point { 1: i32 x, 2: i32 y, 3: list<i32> path }", name="layouts_computed.thrift")

    class Point:
        def __init__(self) -> None:
            self.both = (0, 0)
            self.path = None

        @property
        def x(self) -> int:
            return self.both[0]

        @x.setter
        def x(self, value: int) -> None:
            self.both = (value, self.both[1])

        @property
        def y(self) -> int:
            return self.both[1]

        @y.setter
        def y(self, value: int) -> None:
            self.both = (self.both[0], value)

    _core.bind_classes(module, {"Point": Point})
    data = fastthrift.serialize(module.Point(3, 4, [1]), protocol)
    point = fastthrift.deserialize(Point, data, protocol)
    assert (point.both, point.path) == ((3, 4), [1])
    assert fastthrift.serialize(point, protocol) == data


def test_code_that_runs_meanwhile_may_change_what_is_written(protocol: str) -> None:
    module = fastthrift.loads(
        "struct Bag { 1: list<Item> items } struct Item { 1: i32 a }", name="layouts_changing.thrift"
    )
    bag = type("Bag", (), {"items": None})()

    class Item:
        @property
        def a(self) -> int:
            bag.items.clear()
            return 5

    _core.bind_classes(module, {"Bag": type(bag), "Item": Item})
    bag.items = [Item() for _ in range(50)]
    read = fastthrift.deserialize(module.Bag, fastthrift.serialize(bag, protocol), protocol)
    assert read.items == [module.Item(5)] * 50


def test_what_an_attribute_raises_is_raised(protocol: str) -> None:
    module = fastthrift.loads("struct Sour { 1: i32 a }", name="layouts_sour.thrift")

    class Sour:
        @property
        def a(self) -> int:
            raise ZeroDivisionError("sour")

    _core.bind_classes(module, {"Sour": Sour})
    with pytest.raises((ZeroDivisionError, fastthrift.EncodeError), match="sour"):
        fastthrift.serialize(Sour(), protocol)


def test_classes_as_apaches_compiler_writes_them_can_be_bound(protocol: str) -> None:
    module = fastthrift.loads(
        "struct Row { 1: i32 id, 2: set<string> tags, 4: list<Row> rows }", name="layouts_apache.thrift"
    )

    class Row(TBase):
        def __init__(self, id: int | None = None, tags: Any = None, rows: Any = None) -> None:  # noqa: A002
            self.id = id
            self.tags = tags
            self.rows = rows

    Row.thrift_spec = (
        None,
        (1, TType.I32, "id", None, None),
        (2, TType.SET, "tags", (TType.STRING, "UTF8", False), None),
        None,
        (4, TType.LIST, "rows", (TType.STRUCT, [Row, None], False), None),
    )
    Row.thrift_spec[4][3][1][1] = Row.thrift_spec
    _core.bind_classes(module, {"Row": Row})
    row = Row(1, {"a", "b"}, [Row(2), Row(3, set())])
    data = fastthrift.serialize(row, protocol)
    buffer = TMemoryBuffer()
    protocols = {
        "binary": TBinaryProtocol,
        "compact": TCompactProtocol,
        "json": TJSONProtocol,
        "simplejson": TSimpleJSONProtocol,
    }
    row.write(protocols[protocol](buffer))
    assert buffer.getvalue() == data
    read = fastthrift.deserialize(Row, data, protocol)
    assert (read.id, sorted(read.tags), [each.id for each in read.rows]) == (1, ["a", "b"], [2, 3])


def test_binding_is_checked() -> None:
    with pytest.raises(KeyError, match="'Nobody' is no struct of the file"):
        _core.bind_classes(m, {"Nobody": Plain})
    with pytest.raises(TypeError):
        fastthrift.serialize(Plain())
    with pytest.raises(TypeError):
        fastthrift.deserialize(Plain, b"\0")
