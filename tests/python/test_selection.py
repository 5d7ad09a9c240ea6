"""Reading some fields of a struct and skipping the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import fastthrift
import pytest
from hypothesis import given
from hypothesis import strategies as st

m = fastthrift.loads(
    """
    enum Kind { HOME = 1, WORK = 2 }
    struct Address { 1: string street, 2: required string city, 3: Kind kind = Kind.HOME }
    union Contact { 1: string mail, 2: Address post }
    struct Person {
      1: required i32 id, 2: string name, 3: Address address, 4: list<list<Address>> visited,
      5: map<string, Address> by_name, 6: map<i32, set<Address>> sets, 7: Contact contact, 8: required binary photo,
      9: bool from, 10: i64 number = 5, 11: list<i32> scores, 12: Person boss, 13: map<Address, i32> keys
    }
    struct Book { 1: list<Person> people, 2: string title }
    """,
    name="selection.thrift",
)
HOME = m.Address("Elm Street", "Springwood", m.Kind.WORK)
PERSON = m.Person(
    7, "Ann", HOME, [[HOME, HOME], []], {"a": HOME}, {1: {HOME}}, m.Contact(post=HOME), b"x" * 100, True, 6, [1, 2],
    m.Person(8, "Bob", HOME, photo=b""), {HOME: 1},
)  # fmt: skip
NAMES = list(m.Person.__slots__)
CITY = m.Address(None, "Springwood")
STREET = m.Address("Elm Street")


def read(fields: Iterable[str], protocol: Any, value: Any = PERSON, cls: Any = m.Person) -> Any:
    return fastthrift.deserialize(cls, fastthrift.serialize(value, protocol), protocol, fields=fields)


@pytest.mark.parametrize("name", NAMES)
def test_each_field_can_be_read_alone(name: str, protocol: str) -> None:
    assert read([name], protocol) == m.Person(**{name: getattr(PERSON, name)})


@given(st.sets(st.sampled_from(NAMES)))
def test_the_fields_that_are_asked_for_are_read_and_no_others(names: set[str]) -> None:
    for protocol in ("binary", "compact", "json", "simplejson"):
        assert read(names, protocol) == m.Person(**{name: getattr(PERSON, name) for name in names})


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("address.city", m.Person(address=CITY)),
        ("address.street", m.Person(address=STREET)),
        ("visited.city", m.Person(visited=[[CITY, CITY], []])),
        ("by_name.city", m.Person(by_name={"a": CITY})),
        ("sets.city", m.Person(sets={1: {CITY}})),
        ("contact.post.city", m.Person(contact=m.Contact(post=CITY))),
        ("boss.address.city", m.Person(boss=m.Person(address=CITY))),
        ("boss.id", m.Person(boss=m.Person(8))),
    ],
)
def test_paths_go_through_structs_and_containers(path: str, expected: Any, protocol: str) -> None:
    assert read([path], protocol) == expected
    book = m.Book([PERSON, PERSON], "Book")
    assert read([f"people.{path}"], protocol, book, m.Book) == m.Book([expected, expected])


def test_a_union_whose_member_is_not_asked_for_holds_none(protocol: str) -> None:
    read_back = read(["contact.mail"], protocol).contact
    assert read_back == m.Contact()
    assert read_back._which is None


def test_fields_that_are_not_asked_for_are_at_their_defaults(protocol: str) -> None:
    person = read(["name", "address.street"], protocol)
    assert (person.id, person.photo, person.number, person.address.kind) == (None, None, 5, m.Kind.HOME)


def test_required_fields_are_missed_only_where_they_are_asked_for(protocol: str) -> None:
    empty = b"{}" if "json" in protocol else b"\0"
    assert fastthrift.deserialize(m.Person, empty, protocol, fields=["name"]) == m.Person()
    with pytest.raises(fastthrift.DecodeError, match="Person: required field 'photo' is missing"):
        fastthrift.deserialize(m.Person, empty, protocol, fields=["photo"])


def test_no_fields_read_a_struct_over(protocol: str) -> None:
    assert read([], protocol) == m.Person()
    assert read((), protocol) == m.Person()
    assert read(None, protocol) == PERSON  # type: ignore[arg-type]


def test_the_order_and_the_number_of_times_do_not_matter(protocol: str) -> None:
    expected = m.Person(7, "Ann", HOME)
    assert read(["name", "id", "address", "name", "address.city"], protocol) == expected
    assert read(iter(["address.city", "address", "id", "name"]), protocol) == expected
    assert read({"address": 1, "id": 2, "name": 3}, protocol) == expected


def test_a_field_goes_by_its_name_in_python(protocol: str) -> None:
    assert "from_" in NAMES
    assert read(["from_"], protocol) == m.Person(from_=True)


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("nam", "field 'nam': 'Person' has no field 'nam', did you mean 'name'?"),
        ("Name", "did you mean 'name'?"),
        ("address.citi", "field 'address.citi': 'Address' has no field 'citi', did you mean 'city'?"),
        ("from", "'Person' has no field 'from', did you mean 'from_'?"),
        ("name.first", "field 'name.first': 'name' of 'Person' holds no struct"),
        ("scores.first", "'scores' of 'Person' holds no struct"),
        ("keys.city", "'keys' of 'Person' holds no struct"),
        ("", "'Person' has no field ''"),
        ("address.", "'Address' has no field ''"),
        (".name", "'Person' has no field ''"),
        ("\0", "'Person' has no field"),
        ("boss." * 600 + "id", "a field's path has more than 512 names"),
    ],
)
def test_a_path_that_leads_nowhere_is_a_value_error(path: str, text: str, protocol: str) -> None:
    with pytest.raises(ValueError, match="field") as caught:
        read(["name", path], protocol)
    assert text in str(caught.value)


@pytest.mark.parametrize("fields", ["name", 5, [5], [b"name"], [None], [["name"]], object()])
def test_what_is_no_list_of_names_is_a_type_error(fields: Any) -> None:
    with pytest.raises(TypeError, match="fields must be an iterable of names"):
        read(fields, "binary")


def test_a_lone_surrogate_is_no_name() -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (the text is Python's)
        read(["\ud800"], "binary")


def test_an_error_in_fields_is_the_callers() -> None:
    def names() -> Iterable[str]:
        yield "name"
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        read(names(), "binary")


def test_a_name_that_is_no_plain_str_counts_by_its_text(protocol: str) -> None:
    class Name(str):
        __slots__ = ()

        def __eq__(self, other: object) -> bool:
            raise AssertionError("compared")

        __hash__ = None  # type: ignore[assignment]

    assert read([Name("name")], protocol) == m.Person(name="Ann")


def test_many_choices_of_fields_are_kept_apart(protocol: str) -> None:
    data = fastthrift.serialize(PERSON, protocol)
    for _ in range(3):
        for count in range(len(NAMES)):
            for shift in range(len(NAMES)):
                names = (NAMES[shift:] + NAMES[:shift])[:count]
                expected = m.Person(**{name: getattr(PERSON, name) for name in names})
                assert fastthrift.deserialize(m.Person, data, protocol, fields=names) == expected
        assert read(["title"], protocol, m.Book([], "Book"), m.Book) == m.Book(title="Book")


def test_what_is_skipped_is_not_checked_but_bounded(protocol: str) -> None:
    data = fastthrift.serialize(m.Person(1, "\x7f\x7f", photo=b""), protocol).replace(b"\x7f\x7f", b"\xff\xff")
    assert fastthrift.deserialize(m.Person, data, protocol, fields=["id"]) == m.Person(1)
    for end in range(len(data)):
        with pytest.raises(fastthrift.DecodeError):
            fastthrift.deserialize(m.Person, data[:end], protocol, fields=["id"])


def test_an_error_names_the_path_of_what_was_selected(protocol: str) -> None:
    data = fastthrift.serialize(m.Book([m.Person(1, "\x7f\x7f", photo=b"")]), protocol).replace(
        b"\x7f\x7f", b"\xff\xff"
    )
    with pytest.raises(fastthrift.DecodeError, match=r"Book\.people\[0\]\.name: string is not valid UTF-8"):
        fastthrift.deserialize(m.Book, data, protocol, fields=["people.name"])


def test_a_subclass_is_made_of_what_is_selected(protocol: str) -> None:
    class Mine(m.Person):  # type: ignore[name-defined, misc]
        pass

    mine = fastthrift.deserialize(Mine, fastthrift.serialize(PERSON, protocol), protocol, fields=["id"])
    assert type(mine) is Mine
    assert (mine.id, mine.name) == (7, None)
