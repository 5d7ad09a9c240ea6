"""Enums are `IntEnum`s, with a way for numbers that the IDL does not name."""

from __future__ import annotations

import copy
import enum

import fastthrift
import pytest

m = fastthrift.loads(
    """
    /** What a colour is. */
    enum Colour { RED = 1, GREEN, BLUE = 10, AZURE = 10, DARK = -3 }
    enum Wide { LOW = -2147483648, HIGH = 2147483647 }
    enum Bare { A, B }
    enum Nothing {}
    enum Clash { name = 1, value, mro, real, None, def, _x_, from_bytes, is_unknown, class, class_ }
    struct Holder { 1: Colour colour = Colour.GREEN, 2: list<Colour> many, 3: map<Colour, Wide> by, 4: Nothing nothing }
    """,
    name="enums.thrift",
)


def test_members_are_ints_with_names() -> None:
    assert issubclass(m.Colour, enum.IntEnum)
    assert [(member.name, member.value) for member in m.Colour] == [
        ("RED", 1),
        ("GREEN", 2),
        ("BLUE", 10),
        ("DARK", -3),
    ]
    assert m.Colour.AZURE is m.Colour.BLUE
    assert m.Colour(2) is m.Colour["GREEN"] is m.Colour.GREEN
    assert m.Colour.RED == 1
    assert {m.Colour.RED: "x"}[1] == "x"
    assert list(m.Bare) == [0, 1]
    assert m.Colour.__doc__ == "What a colour is."
    assert (m.Colour.__module__, m.Colour.__qualname__) == ("enums_thrift", "Colour")


def test_a_number_without_a_name_says_so() -> None:
    unknown = m.Colour(77)
    assert (unknown, unknown.value, unknown.name, unknown.is_unknown) == (77, 77, "UNKNOWN_77", True)
    assert isinstance(unknown, m.Colour)
    assert (m.Colour(-77).name, m.Colour.RED.is_unknown) == ("UNKNOWN_MINUS_77", False)
    assert 77 not in list(m.Colour)
    assert repr(unknown) == "<Colour.UNKNOWN_77: 77>"
    assert copy.copy(unknown) == copy.deepcopy(unknown) == unknown == m.Colour(77)
    assert hash(unknown) == hash(77)


@pytest.mark.parametrize("value", [2**31, -(2**31) - 1, "RED", 1.5, None])
def test_what_no_peer_can_send_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="is not a valid Colour"):
        m.Colour(value)


def test_numbers_without_names_are_written_back_as_they_came(protocol: str) -> None:
    newer = fastthrift.loads(
        "enum Colour { X = 77, Y = -2 } struct Holder { 1: Colour colour, 2: list<Colour> many }",
        name="enums_newer.thrift",
    )
    data = fastthrift.serialize(newer.Holder(newer.Colour.X, [newer.Colour.Y, newer.Colour.X]), protocol)
    read = fastthrift.deserialize(m.Holder, data, protocol)
    assert (read.colour.name, [member.name for member in read.many]) == (
        "UNKNOWN_77",
        ["UNKNOWN_MINUS_2", "UNKNOWN_77"],
    )
    assert fastthrift.serialize(read, protocol) == data


def test_fields_read_as_members(protocol: str) -> None:
    written = m.Holder(m.Colour.DARK, [m.Colour.RED], {m.Colour.BLUE: m.Wide.LOW, m.Colour.RED: m.Wide.HIGH})
    read = fastthrift.deserialize(m.Holder, fastthrift.serialize(written, protocol), protocol)
    assert read == written
    assert read.colour is m.Colour.DARK
    assert read.by[10] is m.Wide.LOW


def test_ints_stand_for_members_when_written(protocol: str) -> None:
    assert fastthrift.serialize(m.Holder(10, [1]), protocol) == fastthrift.serialize(
        m.Holder(m.Colour.BLUE, [m.Colour.RED]), protocol
    )
    with pytest.raises(fastthrift.EncodeError, match=r"Holder\.colour: expected int, got str"):
        fastthrift.serialize(m.Holder("RED"), protocol)
    with pytest.raises(fastthrift.EncodeError, match="2147483648 is outside the range of i32"):
        fastthrift.serialize(m.Holder(2**31), protocol)


def test_an_enum_without_members_can_be_read(protocol: str) -> None:
    data = fastthrift.serialize(m.Holder(None, nothing=4), protocol)
    assert fastthrift.deserialize(m.Holder, data, protocol).nothing == 4


def test_names_that_python_wants_for_itself_get_an_underscore() -> None:
    names = ["name", "value", "mro_", "real", "None_", "def_", "_x__", "from_bytes", "is_unknown_", "class__", "class_"]
    assert list(m.Clash.__members__) == names
    assert [m.Clash(number).name for number in range(1, 12)] == names
    assert (m.Clash.name.name, m.Clash.value.value) == ("name", 2)
