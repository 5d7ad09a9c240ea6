"""Classes of users that extend generated ones."""

from __future__ import annotations

import copy
import pickle
from typing import Generic, TypeVar

import fastthrift
import pytest

T = TypeVar("T")
m = fastthrift.loads(
    """
    struct Point { 1: i32 x = 1, 2: i32 y = 2, 3: Point next }
    struct Line { 1: Point start, 2: Point end }
    union Shape { 1: Point point = {"x": 9}, 2: Line line }
    exception Lost { 1: string message, 2: i32 code }
    """,
    name="subclasses.thrift",
)


class Plain(m.Point):
    """Adds a method; its instances have a dict."""

    def length(self) -> int:
        return abs(self.x) + abs(self.y)


class Slotted(m.Point):
    """Adds a slot."""

    __slots__ = ("label",)


class Initialised(m.Point):
    """Has a constructor of its own."""

    def __init__(self, both: int) -> None:
        super().__init__(x=both, y=both)
        self.source = "init"


class Mixin:
    """Adds behaviour alone."""

    __slots__ = ()

    def flipped(self) -> object:
        return self.__replace__(x=self.y, y=self.x)  # type: ignore[attr-defined]


class Mixed(Mixin, m.Point):
    """A mixin first, the generated class second."""


class Typed(m.Point, Generic[T]):
    """A generic class."""


class Failure(m.Lost):
    """An exception with a constructor of its own."""

    def __init__(self, code: int) -> None:
        super().__init__(message=f"failure {code}", code=code)


class Figure(m.Shape):
    """A union."""


def test_a_subclass_takes_fields_and_attributes() -> None:
    plain = Plain(3, y=-4)
    plain.anything = 5  # type: ignore[attr-defined]
    assert (plain.length(), plain.anything, repr(plain)) == (7, 5, "Plain(x=3, y=-4)")  # type: ignore[attr-defined]
    assert Slotted(3).y == 2
    with pytest.raises(AttributeError):
        _ = Slotted(3).label


def test_a_subclass_is_written_as_what_it_extends(protocol: str) -> None:
    expected = fastthrift.serialize(m.Point(3, 4), protocol)
    for instance in (Plain(3, 4), Slotted(3, 4), Mixed(3, 4), Typed[int](3, 4)):
        assert fastthrift.serialize(instance, protocol) == expected
    assert fastthrift.serialize(m.Line(Plain(3, 4)), protocol) == fastthrift.serialize(m.Line(m.Point(3, 4)), protocol)


def test_bytes_are_read_as_the_subclass_that_was_asked_for(protocol: str) -> None:
    data = fastthrift.serialize(m.Point(3, 4, m.Point(5)), protocol)
    for cls in (Plain, Slotted, Mixed, Typed, Initialised):
        found = fastthrift.deserialize(cls, data, protocol)
        assert type(found) is cls
        assert type(found.next) is m.Point
        assert (found.x, found.y, found.next.x) == (3, 4, 5)


def test_a_constructor_of_ones_own_may_call_the_generated_one() -> None:
    point = Initialised(6)
    assert (point.x, point.y, point.next, point.source) == (6, 6, None, "init")
    with pytest.raises(TypeError):
        Initialised(x=1)


def test_a_constructor_that_calls_nothing_leaves_the_defaults() -> None:
    class Silent(m.Point):
        def __init__(self) -> None:
            pass

    assert (Silent().x, Silent().y, Silent().next) == (1, 2, None)


def test_mixins_find_the_fields() -> None:
    assert Mixed(3, 4).flipped() == Mixed(4, 3)
    assert type(Mixed(3, 4).flipped()) is Mixed


def test_two_generated_classes_cannot_be_combined() -> None:
    with pytest.raises(TypeError, match="lay-out conflict"):
        type("Both", (m.Point, m.Line), {})


def test_a_class_cannot_take_the_layout_of_another() -> None:
    point = m.Point()
    with pytest.raises(TypeError):
        point.__class__ = m.Line
    with pytest.raises(TypeError):
        object.__new__(m.Point)


def test_equality_looks_at_the_fields_of_the_generated_class() -> None:
    assert Plain(3) == m.Point(3) == Plain(3)
    assert Plain(3) != m.Point(4)


@pytest.mark.parametrize("version", range(pickle.HIGHEST_PROTOCOL + 1))
def test_copies_and_pickles_keep_fields_attributes_and_slots(version: int) -> None:
    plain, slotted, initialised = Plain(3, next=Plain(4)), Slotted(3), Initialised(5)
    plain.note = ["a"]  # type: ignore[attr-defined]
    slotted.label = "here"
    for original in (plain, slotted, initialised):
        for twin in (copy.copy(original), copy.deepcopy(original), pickle.loads(pickle.dumps(original, version))):
            assert type(twin) is type(original)
            assert twin == original
            assert getattr(twin, "__dict__", None) == getattr(original, "__dict__", None)
    assert pickle.loads(pickle.dumps(slotted, version)).label == "here"


def test_an_exception_with_a_constructor_of_its_own_is_copied() -> None:
    failure = Failure(5)
    for twin in (copy.copy(failure), pickle.loads(pickle.dumps(failure))):
        assert type(twin) is Failure
        assert (twin.message, twin.code) == ("failure 5", 5)


def test_a_union_made_through_a_subclass_holds_one_member() -> None:
    figure = Figure(line=m.Line())
    assert (figure._which, figure.point) == ("line", None)
    assert Figure()._which == "point"
    figure.__init__(point=m.Point(7))  # type: ignore[misc]
    assert (figure._which, figure.line) == ("point", None)


def test_finalizers_run_once_and_may_bring_an_instance_back() -> None:
    saved: list[object] = []

    class Clingy(m.Point):
        def __del__(self) -> None:
            saved.append(self)

    clingy = Clingy(8)
    del clingy
    assert [point.x for point in saved] == [8]  # type: ignore[attr-defined]
    saved.clear()
    assert saved == []


def test_a_constructor_that_is_set_on_a_generated_class_is_used() -> None:
    m = fastthrift.loads("struct P { 1: i32 a, 2: i32 b }", name="own_init.thrift")
    plain = m.P.__init__

    def init(self: object, a: int, *, twice: bool = False) -> None:
        plain(self, a, b=2 * a if twice else 0)

    m.P.__init__ = init
    assert (m.P(3, twice=True).b, m.P(a=4).b) == (6, 0)
    assert fastthrift.deserialize(m.P, fastthrift.serialize(m.P(3, twice=True))).b == 6
    with pytest.raises(TypeError):
        m.P(1, 2)
    del m.P.__init__
    assert m.P(1, 2).b == 2
