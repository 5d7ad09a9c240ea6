"""`to_dict` and `from_dict`: nested plain data, each value of which is checked."""

from __future__ import annotations

import subprocess
import sys
import uuid
from typing import Any

import fastthrift
import pytest
from fastthrift import _core
from hypothesis import given
from hypothesis import strategies as st

from tests.python.apache import same
from tests.python.test_properties import instances, schemas

IDL = """
enum Color { RED = 1, GREEN = 2 }
struct Person { 1: required i32 id; 2: optional string from; 3: Color color = Color.RED }
union Contact { 1: Person person; 2: string mail }
exception Refused { 1: string why }
struct Book {
  1: list<Person> people; 2: map<Person, list<i8>> ages; 3: set<string> tags; 4: map<i32, bool> flags; 5: binary blob;
  6: uuid key; 7: Contact contact; 8: double score; 9: Book next; 10: map<list<i32>, set<set<i64>>> deep
}
"""
MODULE: Any = fastthrift.loads(IDL, name="dicts.thrift")
KEY = uuid.UUID(int=5)
BOOK = MODULE.Book(
    people=[MODULE.Person(1, "ann")],
    ages={MODULE.Person(3): [40]},
    tags={"a"},
    flags={1: True},
    blob=b"\0",
    key=KEY,
    contact=MODULE.Contact(mail="m"),
    score=1.5,
    next=MODULE.Book(score=0.0),
    deep={(1, 2): {frozenset({3})}},
)
DATA = {
    "people": [{"id": 1, "from": "ann", "color": MODULE.Color.RED}],
    "ages": {MODULE.Person(3): [40]},
    "tags": {"a"},
    "flags": {1: True},
    "blob": b"\0",
    "key": KEY,
    "contact": {"mail": "m"},
    "score": 1.5,
    "next": {"score": 0.0},
    "deep": {(1, 2): {frozenset({3})}},
}


def test_structs_become_dicts_and_come_back() -> None:
    made = fastthrift.to_dict(BOOK)
    assert made == DATA
    assert list(made) == list(DATA)
    assert type(made["people"][0]["color"]) is MODULE.Color
    assert same(fastthrift.from_dict(MODULE.Book, made), BOOK)


def test_what_is_made_shares_no_containers() -> None:
    made = fastthrift.to_dict(BOOK)
    made["people"].clear()
    made["tags"].add("b")
    assert fastthrift.to_dict(BOOK) == DATA
    again = fastthrift.from_dict(MODULE.Book, made)
    again.flags[2] = False
    assert made["flags"] == {1: True}


def test_enums_are_members_names_or_numbers() -> None:
    person = MODULE.Person(1, color=MODULE.Color.GREEN)
    for enums, color in [("name", "GREEN"), ("number", 2), (None, MODULE.Color.GREEN)]:
        made = fastthrift.to_dict(person, enums=enums)  # type: ignore[arg-type]
        assert made == {"id": 1, "color": color}
        assert type(made["color"]) is type(color)
        assert fastthrift.from_dict(MODULE.Person, made) == person
    assert fastthrift.to_dict(MODULE.Person(1, color=MODULE.Color(9)), enums="name")["color"] == 9
    with pytest.raises(ValueError, match="enums must be one of 'name', 'number'"):
        fastthrift.to_dict(person, enums="x")  # type: ignore[arg-type]


def test_unions_exceptions_and_subclasses_are_taken() -> None:
    class Friend(MODULE.Person):  # type: ignore[misc]
        """A subclass."""

    assert type(fastthrift.from_dict(Friend, {"id": 1})) is Friend
    assert fastthrift.to_dict(MODULE.Book(people=[Friend(1)])) == {"people": [{"id": 1, "color": MODULE.Color.RED}]}
    assert fastthrift.from_dict(MODULE.Contact, {"mail": "m", "person": None}) == MODULE.Contact(mail="m")
    assert fastthrift.from_dict(MODULE.Refused, fastthrift.to_dict(MODULE.Refused("no"))).why == "no"
    person = MODULE.Person(4)
    assert fastthrift.from_dict(MODULE.Book, {"people": [person]}).people[0] is person


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"peple": []}, "Book: 'Book' has no field 'peple', did you mean 'people'?"),
        ({"people": [{"id": 1}, {"id": "x"}]}, "Book.people[1].id: expected int, got str"),
        ({"people": [{"id": 2**31}]}, "Book.people[0].id: 2147483648 is outside the range of i32"),
        ({"people": [{"id": None}]}, "Book.people[0]: required field 'id' of 'Person' is not set"),
        ({"people": [{"id": 1, "color": "BLUE"}]}, "Book.people[0].color: enum 'Color' has no value 'BLUE'"),
        ({"people": {"id": 1}}, "Book.people: expected list, got dict"),
        ({"people": [5]}, "Book.people[0]: expected dict or Person, got int"),
        ({"ages": {MODULE.Person(1): [128]}}, "Book.ages[value 0][0]: 128 is outside the range of i8"),
        ({"tags": ["a"]}, "Book.tags: expected set, got list"),
        ({"flags": {"1": True}}, "Book.flags[key 0]: expected int, got str"),
        ({"flags": {1: 1}}, "Book.flags[value 0]: expected bool, got int"),
        ({"blob": "text"}, "Book.blob: expected bytes, got str"),
        ({"key": "text"}, "Book.key: expected UUID, got str"),
        ({"contact": {}}, "Book.contact: union 'Contact' holds no member, expected one"),
        (
            {"contact": {"mail": "m", "person": {"id": 1}}},
            "Book.contact: union 'Contact' holds 2 members, expected one",
        ),
        ({5: 1}, "Book: expected names of fields of 'Book' as keys, got int"),
        ([], "Book: expected dict, got list"),
        (BOOK, "Book: expected dict, got Book"),
    ],
)
def test_data_that_is_no_such_struct_is_refused_with_its_place(data: Any, message: str) -> None:
    with pytest.raises(fastthrift.DecodeError) as raised:
        fastthrift.from_dict(MODULE.Book, data)
    assert (str(raised.value), raised.value.offset) == (message, None)


def test_values_that_hold_themselves_are_refused() -> None:
    book = MODULE.Book()
    book.next = book
    with pytest.raises(fastthrift.EncodeError, match="nesting is deeper than the limit of 64"):
        fastthrift.to_dict(book)
    data: dict[str, Any] = {}
    data["next"] = data
    with pytest.raises(fastthrift.DecodeError, match="nesting is deeper than the limit of 64"):
        fastthrift.from_dict(MODULE.Book, data)


def test_a_value_that_the_idl_does_not_allow_is_an_error() -> None:
    with pytest.raises(fastthrift.EncodeError, match=r"^Book.people\[0\]: required field 'id'"):
        fastthrift.to_dict(MODULE.Book(people=[MODULE.Person()]))
    with pytest.raises(TypeError, match="expected a class of a loaded IDL file"):
        fastthrift.to_dict(5)  # type: ignore[arg-type]


@given(st.data())
def test_any_value_comes_back(data: st.DataObject) -> None:
    schema = data.draw(schemas())
    for struct in schema.structs:
        value = data.draw(instances(schema, struct))
        for enums in (None, "name", "number"):
            made = fastthrift.to_dict(value, enums=enums)  # type: ignore[arg-type]
            assert type(made) is dict
            assert same(fastthrift.from_dict(type(value), made), value)


_MEDDLING = """
import gc, fastthrift
m = fastthrift.loads(
    "struct K { 1: i32 a } struct A { 1: list<string> l; 2: map<K, string> d; 3: set<K> s; 4: A next; 5: list<A> all }"
)
class Evil(m.K):
    def __hash__(self):
        for target in targets:
            if isinstance(target, dict):
                target.clear()
            else:
                for name in ("l", "d", "s", "all"):
                    value = getattr(target, name)
                    if value:
                        value.clear()
                target.next = None
        return 1
targets = []
def make():
    a = m.A(l=[str(i) * 50 for i in range(100)], s=set(), all=[m.A(l=["y" * 60]) for _ in range(50)])
    a.d = {Evil(1): "x" * 90, m.K(2): "z" * 90}
    a.s = {Evil(3), m.K(4)}
    a.next = m.A(d={Evil(5): "q" * 90, Evil(6): "r" * 90})
    return a
for _ in range(30):
    targets = []
    a = make()
    plain = fastthrift.to_dict(make())
    targets = [a, a.next, *a.all]
    fastthrift.to_dict(a)
    targets = [plain, plain["next"], *plain["all"]]
    fastthrift.from_dict(m.A, plain)
    targets = []
gc.collect()

class Cycle:
    def __init__(self): self.me = self
    def __del__(self):
        for name in ("l", "d", "s", "all"):
            if target is not None and getattr(target, name): getattr(target, name).clear()
target = None
for _ in range(30):
    target = None
    a = make()
    gc.collect(); gc.disable()
    Cycle()
    target = a
    gc.set_threshold(1); gc.enable()
    fastthrift.to_dict(a)
    fastthrift.to_json(a)
"""


def test_python_code_in_the_middle_breaks_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", _MEDDLING], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr


def test_bound_classes_are_taken() -> None:
    class Point:
        x: int
        tags: list[str]

    module = fastthrift.loads("struct Point { 1: required i32 x; 2: set<string> tags }")
    _core.bind_classes(module, {"Point": Point})
    point = fastthrift.from_dict(Point, {"x": 1, "tags": ["a"]})  # type: ignore[type-var]
    assert (type(point), point.x, point.tags) == (Point, 1, ["a"])
    assert fastthrift.to_dict(point) == {"x": 1, "tags": ["a"]}  # type: ignore[arg-type]
    assert fastthrift.to_json(point) == '{"x":1,"tags":["a"]}'  # type: ignore[arg-type]
    assert fastthrift.from_json(Point, '{"x":1}').x == 1  # type: ignore[type-var]
