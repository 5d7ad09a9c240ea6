"""What a generated class promises: slots, constructor, equality, text, hash, matching, copies, annotations."""

from __future__ import annotations

import copy
import inspect
import sys
import typing
import uuid

import fastthrift
import pytest

IDL = """
/** Where somebody lives. */
struct Address {
  /** The street, with the number. */
  1: required string street
  2: optional string city = "Bern"
}

enum Kind { FRIEND = 1, FAMILY = 2 }

struct Person {
  1: required string name
  2: i32 age = 7
  3: list<string> tags = ["new"]
  4: map<string, list<i32>> scores = {"a": [1]}
  5: optional Address home = {"street": "Main"}
  6: optional Kind kind = Kind.FRIEND
  7: set<Kind> kinds
  8: binary data
  9: uuid id
  10: double height
  11: bool active
  12: optional Person parent
}

struct Empty {}

struct Other { 1: required string name, 2: i32 age = 7 }

struct Keyed {
  1: map<list<i32>, string> by_list
  2: set<map<string, i32>> maps
  3: set<set<i32>> sets
  4: map<Address, i32> by_address
}

struct Hidden { 1: string str, 2: i32 int, 3: list<string> list_, 4: uuid uuid_, 5: Address Address, 6: binary bytes }
"""
m = fastthrift.loads(IDL, name="classes.thrift")


def test_instances_have_slots_and_no_dict() -> None:
    person = m.Person("Ann")
    assert not hasattr(person, "__dict__")
    assert m.Person.__slots__ == m.Person.__match_args__
    with pytest.raises(AttributeError, match="'Person' object has no attribute 'nmae'"):
        person.nmae = "Bob"


def test_fields_are_given_by_place_or_by_name() -> None:
    person = m.Person("Ann", 30, tags=[], active=True)
    assert (person.name, person.age, person.tags, person.active) == ("Ann", 30, [], True)
    assert m.Address(city=None, street="x") == m.Address("x", None)


def test_fields_that_are_not_given_have_their_default_or_none() -> None:
    person = m.Person()
    assert (person.name, person.age, person.tags, person.data, person.parent) == (None, 7, ["new"], None, None)
    assert person.home == m.Address(street="Main", city="Bern")
    assert person.kind is m.Kind.FRIEND


def test_none_takes_the_place_of_a_default() -> None:
    assert m.Person(age=None).age is None


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: m.Address("a", "b", "c"), r"Address\(\) takes at most 2 positional arguments, got 3"),
        (lambda: m.Address("a", street="b"), r"Address\(\) got several values for 'street'"),
        (lambda: m.Address(stret="b"), r"Address\(\) got an unexpected keyword argument 'stret'"),
        (lambda: m.Address(**{1: 2}), "keywords must be strings"),
        (lambda: m.Empty(1), r"Empty\(\) takes at most 0 positional arguments, got 1"),
    ],
)
def test_wrong_arguments_are_named(make: typing.Callable[[], object], text: str) -> None:
    with pytest.raises(TypeError, match=text):
        make()


def test_keywords_need_not_be_interned() -> None:
    name = "STREET".lower()
    assert m.Address(**{name: "x"}).street == "x"


def test_each_instance_has_defaults_of_its_own() -> None:
    first, second = m.Person(), m.Person()
    first.tags.append("changed")
    first.scores["a"].append(2)
    first.home.street = "elsewhere"
    assert (second.tags, second.scores, second.home.street) == (["new"], {"a": [1]}, "Main")
    assert m.Person().home is not m.Person().home


def test_equality_compares_values_and_types() -> None:
    assert m.Address("x") == m.Address("x")
    assert m.Address("x") != m.Address("y")
    assert m.Other("x") != m.Person("x")
    assert m.Address("x") != ("x", "Bern")
    assert m.Empty() == m.Empty()
    with pytest.raises(TypeError):
        _ = m.Address("x") < m.Address("y")


def test_equality_of_nan_is_that_of_python_containers() -> None:
    nan = float("nan")
    assert m.Person(height=nan) == m.Person(height=nan)
    assert m.Person(height=float("nan")) != m.Person(height=float("nan"))


def test_equality_passes_on_what_an_element_raises() -> None:
    class Rude:
        def __eq__(self, other: object) -> bool:
            raise ZeroDivisionError

        __hash__ = None  # type: ignore[assignment]

    with pytest.raises(ZeroDivisionError):
        _ = m.Address(Rude()) == m.Address(Rude())


def test_repr_shows_what_is_set() -> None:
    assert repr(m.Address("x")) == "Address(street='x', city='Bern')"
    assert repr(m.Address("x", None)) == "Address(street='x', city=None)"
    assert repr(m.Empty()) == "Empty()"
    assert repr(m.Person("Ann", 1, [], {}, None, None, {m.Kind.FRIEND})) == (
        "Person(name='Ann', age=1, tags=[], scores={}, home=None, kind=None, kinds={<Kind.FRIEND: 1>})"
    )


@pytest.mark.parametrize(
    "value",
    [
        "it's",
        "both ' and \"",
        "back\\slash",
        "new\nline",
        "\x7f",
        "é",
        "\U0001f600",
        "\ud800",
        "",
        0,
        -1,
        2**31,
        -(2**63),
        2**63,
        10**30,
        True,
        0.1,
        -0.0,
        1e16,
        1e-5,
        123456789.123,
        float("inf"),
        float("nan"),
        b"x'",
        [1, "x"],
        m.Address("x"),
    ],
)
def test_repr_of_a_value_is_pythons(value: object) -> None:
    assert repr(m.Address(value, None)) == f"Address(street={value!r}, city=None)"


def test_repr_is_that_of_subclasses_of_values_and_of_structs() -> None:
    class Text(str):
        def __repr__(self) -> str:
            return "text"

    class Named(m.Address):  # type: ignore[name-defined, misc]
        pass

    class Loud(m.Address):  # type: ignore[name-defined, misc]
        def __repr__(self) -> str:
            return "Loud!"

    assert repr(m.Address(Text("x"), None)) == "Address(street=text, city=None)"
    nested = m.Person(name=Named("x"), home=Loud("y"), age=1, tags=[], scores={}, kind=None)
    assert (
        repr(nested) == "Person(name=Named(street='x', city='Bern'), age=1, tags=[], scores={}, home=Loud!, kind=None)"
    )


def test_equality_of_values_is_pythons() -> None:
    values = [0, 1, True, 1.0, 2**40, 2**80, "x", "é", "", b"x", None, 0.0, -0.0, [1], (1,), m.Kind.FRIEND]
    again = [
        int("0"),
        int("1"),
        True,
        float("1"),
        1 << 40,
        1 << 80,
        "xy"[:1],
        "éa"[:1],
        "",
        bytes([120]),
        None,
        0.0,
        -0.0,
    ]
    for a in values:
        for b in [*again, [1], (1,), 1]:
            assert (m.Address(a, "c") == m.Address(b, "c")) is (a == b)
            assert (m.Other(a, b) != m.Other(b, a)) is (a != b)


def test_repr_of_a_value_that_holds_itself_ends() -> None:
    person = m.Person("Ann", home=None, tags=[], scores={})
    person.parent = person
    assert repr(person).endswith("parent=Person(...))")
    person.parent = None


def test_equal_values_have_equal_hashes() -> None:
    assert hash(m.Person("Ann", id=uuid.UUID(int=5))) == hash(m.Person("Ann", id=uuid.UUID(int=5)))
    assert len({m.Address("x"), m.Address("x"), m.Address("y")}) == 2
    assert {m.Address("x"): 1}[m.Address("x")] == 1
    assert hash(m.Person(scores={"a": [1], "b": [2]})) == hash(m.Person(scores={"b": [2], "a": [1]}))


def test_hash_of_what_holds_itself_or_is_deep_is_a_recursion_error() -> None:
    loop: list[object] = []
    loop.append(loop)
    deep: list[object] = []
    for _ in range(200_000):
        deep = [deep]
    for value in (loop, deep):
        with pytest.raises(RecursionError):
            hash(m.Person(tags=value))


def test_a_field_that_has_no_hash_is_named_by_python() -> None:
    with pytest.raises(TypeError, match="unhashable type: 'bytearray'"):
        hash(m.Person(data=bytearray(b"x")))


def test_match_takes_fields_by_place_and_by_name() -> None:
    match m.Person("Ann", 30, home=m.Address("x")):
        case m.Person(name, int(age), home=m.Address(street)):
            assert (name, age, street) == ("Ann", 30, "x")
        case _:
            pytest.fail("no case matched")


def test_copies_are_shallow_or_deep() -> None:
    person = m.Person("Ann", home=m.Address("x"))
    shallow, deep = copy.copy(person), copy.deepcopy(person)
    assert shallow == deep == person
    assert shallow.home is person.home
    assert deep.home is not person.home
    assert deep.kind is person.kind


def test_copies_keep_what_was_deleted_and_what_was_set_to_none() -> None:
    address = m.Address("x", None)
    assert copy.copy(address).city is None
    assert copy.deepcopy(address) == address


def test_replace_gives_a_copy_with_other_values() -> None:
    address = m.Address("x", None)
    changed = address.__replace__(street="y")
    assert (changed.street, changed.city, address.street) == ("y", None, "x")
    with pytest.raises(TypeError, match="unexpected keyword argument 'nope'"):
        address.__replace__(nope=1)
    with pytest.raises(TypeError):
        address.__replace__("y")


@pytest.mark.skipif(sys.version_info < (3, 13), reason="copy.replace came with Python 3.13")
def test_copy_replace_works() -> None:
    assert copy.replace(m.Address("x"), city="Basel") == m.Address("x", "Basel")


def test_a_deleted_field_is_as_one_that_was_never_set() -> None:
    address = m.Address("x")
    del address.city
    with pytest.raises(AttributeError):
        _ = address.city
    with pytest.raises(AttributeError):
        del address.city
    assert repr(address) == "Address(street='x')"
    assert address == copy.copy(address)
    assert address == m.Address("x", None)
    assert hash(address) == hash(m.Address("x", None))
    assert fastthrift.serialize(address) == fastthrift.serialize(m.Address("x", None))
    address.city = "again"
    assert address.city == "again"


def test_annotations_say_what_fields_hold() -> None:
    hints = typing.get_type_hints(m.Person)
    assert hints["name"] is str
    assert hints["age"] is int
    assert hints["tags"] == list[str]
    assert hints["scores"] == dict[str, list[int]]
    assert hints["home"] == m.Address
    assert hints["kinds"] == typing.Optional[set[m.Kind]]  # noqa: UP045 (`|` needs a class on both sides in Python 3.10)
    assert hints["id"] == uuid.UUID | None
    assert hints["parent"] == m.Person | None


def test_annotations_of_keys_say_that_they_cannot_be_changed() -> None:
    hints = typing.get_type_hints(m.Keyed)
    assert hints["by_list"] == typing.Optional[dict[tuple[int, ...], str]]  # noqa: UP045
    assert hints["sets"] == typing.Optional[set[frozenset[int]]]  # noqa: UP045
    assert hints["by_address"] == typing.Optional[dict[m.Address, int]]  # noqa: UP045


def test_annotations_hold_where_fields_go_by_the_names_of_builtins() -> None:
    hints = typing.get_type_hints(m.Hidden)
    assert hints["str"] == str | None
    assert hints["int"] == int | None
    assert hints["bytes"] == bytes | None
    assert hints["list_"] == typing.Optional[list[str]]  # noqa: UP045
    assert hints["Address"] == m.Address | None


def test_annotations_hold_across_includes() -> None:
    files = {
        "top.thrift": 'include "sub/shared.thrift"\nstruct Top { 1: shared.Item item, 2: list<shared.E> es }',
        "sub/shared.thrift": "struct Item { 1: i32 a }\nenum E { A }",
    }
    top = fastthrift.load_files(files, "top.thrift", module_name="classes_top")
    hints = typing.get_type_hints(top.Top)
    assert hints["item"] == top.shared.Item | None
    assert hints["es"] == typing.Optional[list[top.shared.E]]  # noqa: UP045


def test_documentation_comes_from_the_idl() -> None:
    assert m.Address.__doc__ == ("Where somebody lives.\n\nAttributes:\n    street: The street, with the number.")
    assert m.Empty.__doc__ == f"struct `Empty` of {m.__file__}"


def test_the_signature_names_the_fields() -> None:
    signature = inspect.signature(m.Address)
    assert str(signature) == "(street: 'str' = None, city: 'str' = 'Bern')"
    assert signature.bind("x").arguments == {"street": "x"}
    assert list(inspect.signature(m.Person).parameters) == list(m.Person.__match_args__)


def test_a_class_knows_its_module_and_its_name() -> None:
    assert (m.Person.__module__, m.Person.__qualname__, m.Person.__name__) == ("classes_thrift", "Person", "Person")
    assert sys.modules["classes_thrift"] is m
    assert issubclass(m.Person, fastthrift.Struct)


def test_a_base_cannot_be_made() -> None:
    for base in (fastthrift.Struct, fastthrift.Union):
        with pytest.raises(TypeError, match="this class is only a base"):
            base()
