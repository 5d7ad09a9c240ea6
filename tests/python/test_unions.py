"""Unions hold one member and say which."""

from __future__ import annotations

import copy
import gc
import inspect
import sys

import fastthrift
import pytest

m = fastthrift.loads(
    """
    struct Leaf { 1: i32 a }
    union Value { 1: i32 number, 2: string text, 3: list<Value> many, 4: Leaf leaf }
    union Preset { 1: string text, 2: i32 number = 5, 3: list<i32> many }
    union Tricky { 1: i32 _which, 2: i32 _value, 3: i32 _which_ }
    struct Holder { 1: Value value }
    union Nothing {}
    """,
    name="unions.thrift",
)


def test_a_union_says_which_member_it_holds() -> None:
    value = m.Value(text="x")
    assert (value._which, value._value) == ("text", "x")
    assert (value.number, value.text, value.many, value.leaf) == (None, "x", None, None)
    assert (m.Value()._which, m.Value()._value) == (None, None)


def test_setting_a_member_clears_the_one_before() -> None:
    value = m.Value(text="x")
    value.number = 3
    assert (value._which, value.text) == ("number", None)
    value.number = None
    assert value._which is None
    value.leaf = m.Leaf(1)
    value.number = None
    assert value._which == "leaf"
    del value.leaf
    assert (value._which, value.leaf) == (None, None)


def test_a_members_descriptor_clears_the_one_before_as_an_attribute_does() -> None:
    class Wide(m.Value):  # type: ignore[name-defined, misc]
        pass

    for cls in (m.Value, Wide):
        value = cls(text="x")
        m.Value.number.__set__(value, 3)
        assert (value._which, value.text, m.Value.number.__get__(value)) == ("number", None, 3)
        object.__setattr__(value, "text", "y")
        assert (value._which, value.number) == ("text", None)
        m.Value.number.__set__(value, None)
        assert value._which == "text"
        m.Value.text.__delete__(value)
        assert value._which is None
    with pytest.raises(TypeError, match=r"'number' .* doesn't apply to"):
        m.Value.number.__set__(m.Leaf(1), 3)


def test_a_members_descriptor_outlives_its_module() -> None:
    cls = fastthrift.loads("union Short { 1: i32 number, 2: string text }", name="unions_short.thrift").Short
    descriptor, value = cls.number, cls(text="x")
    del cls
    sys.modules.pop("unions_short_thrift", None)
    gc.collect()
    descriptor.__set__(value, 5)
    assert (descriptor.__name__, value._which, value._value) == ("number", "number", 5)


def test_what_a_union_says_of_itself_cannot_be_set() -> None:
    with pytest.raises(AttributeError):
        m.Value()._which = "text"
    with pytest.raises(AttributeError):
        m.Value().nothing = 1


def test_two_members_are_refused() -> None:
    with pytest.raises(TypeError, match=r"Value\(\) takes one member at most, got 2"):
        m.Value(text="x", number=1)
    assert m.Value(text="x", number=None)._which == "text"
    with pytest.raises(TypeError, match="positional"):
        m.Value(1)


def test_a_default_gives_way_to_the_member_that_is_given() -> None:
    assert m.Preset()._which == "number"
    assert (m.Preset(text="x")._which, m.Preset(text="x").number) == ("text", None)


def test_false_values_count_as_members(protocol: str) -> None:
    for value in (m.Value(number=0), m.Value(text=""), m.Value(many=[])):
        assert fastthrift.deserialize(m.Value, fastthrift.serialize(value, protocol), protocol) == value


def test_match_sees_member_and_value() -> None:
    def shown(value: object) -> str:
        match value:
            case m.Value("number", number):
                return f"number {number}"
            case m.Value("leaf", m.Leaf(a)):
                return f"leaf {a}"
            case m.Value(text=str(text)):
                return f"text {text}"
            case m.Value(None):
                return "nothing"
        return "other"

    cases = [m.Value(number=1), m.Value(leaf=m.Leaf(2)), m.Value(text="x"), m.Value(), m.Value(many=[])]
    assert [shown(case) for case in cases] == ["number 1", "leaf 2", "text x", "nothing", "other"]


def test_unions_are_values() -> None:
    assert m.Value(number=1) == m.Value(number=1) != m.Value(text="1")
    assert hash(m.Value(many=[m.Value(number=1)])) == hash(m.Value(many=[m.Value(number=1)]))
    assert repr(m.Value(many=[m.Value(number=1)])) == "Value(many=[Value(number=1)])"
    assert repr(m.Value()) == "Value()"
    assert copy.deepcopy(m.Value(leaf=m.Leaf(1))) == m.Value(leaf=m.Leaf(1))
    assert m.Value(number=1).__replace__(text="x") == m.Value(text="x")
    assert m.Value(number=1).__replace__() == m.Value(number=1)


@pytest.mark.parametrize("made", [m.Preset(text="x"), m.Preset(many=[1]), m.Preset(number=2)])
def test_copies_of_unions_with_a_default_hold_the_same_member(made: object) -> None:
    for twin in (copy.copy(made), copy.deepcopy(made), made.__replace__()):  # type: ignore[attr-defined]
        assert (twin._which, twin._value) == (made._which, made._value)  # type: ignore[attr-defined]


def test_an_empty_union_cannot_be_written(protocol: str) -> None:
    with pytest.raises(fastthrift.EncodeError, match=r"Holder\.value: union 'Value' holds no member"):
        fastthrift.serialize(m.Holder(m.Value()), protocol)
    with pytest.raises(fastthrift.EncodeError, match="union 'Nothing' holds no member"):
        fastthrift.serialize(m.Nothing(), protocol)


def test_a_member_that_the_idl_does_not_know_leaves_the_union_empty() -> None:
    newer = fastthrift.loads("union Value { 9: i32 later }", name="unions_newer.thrift")
    for protocol in ("binary", "compact", "json"):
        data = fastthrift.serialize(newer.Value(later=1), protocol)
        assert fastthrift.deserialize(m.Value, data, protocol)._which is None


def test_members_cannot_take_the_names_that_every_union_has() -> None:
    tricky = m.Tricky(_value_=3)
    assert (tricky._which, tricky._value) == ("_value_", 3)
    assert m.Tricky.__slots__ == ("_which__", "_value_", "_which_")


def test_the_signature_takes_keywords_alone() -> None:
    parameters = inspect.signature(m.Value).parameters.values()
    assert {parameter.kind for parameter in parameters} == {inspect.Parameter.KEYWORD_ONLY}
    assert issubclass(m.Value, fastthrift.Union)
    assert not issubclass(m.Leaf, fastthrift.Union)
