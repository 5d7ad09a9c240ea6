"""Constants and typedefs as Python objects."""

from __future__ import annotations

import uuid

import fastthrift

m = fastthrift.loads(
    """
    enum Kind { A = 1, B = 2 }
    struct Inner { 1: i32 x = 3, 2: list<string> tags = ["t"] }
    struct Outer { 1: Inner inner, 2: map<Kind, list<Inner>> by, 3: optional string name }
    union Either { 1: i32 number, 2: Inner inner }
    typedef i32 UserId
    typedef list<Outer> Outers
    typedef Outers MoreOuters
    typedef map<string, set<UserId>> Index
    typedef uuid Token
    typedef Inner Other
    typedef Kind Sort

    const bool YES = true
    const i8 SMALL = -128
    const i64 LARGE = 0x7fffffffffffffff
    const double HALF = 0.5
    const double WHOLE = 3
    const string TEXT = "h\\"é\\n"
    const binary BYTES = "ab"
    const uuid ID = "00112233-4455-6677-8899-aabbccddeeff"
    const Kind KIND = Kind.B
    const UserId WHO = 7
    const list<Kind> KINDS = [Kind.A, 2]
    const set<i32> NUMBERS = [3, 1]
    const map<list<i32>, set<string>> KEYED = { [1, 2]: ["x"] }
    const set<set<i32>> NESTED = [[1], [2]]
    const map<map<string, i32>, bool> MAPS = { {"a": 1}: true }
    const Outer DEEP = { "inner": { "x": 9 }, "by": { Kind.A: [ {}, {"tags": []} ] } }
    const Either ONE = { "inner": { "x": 1 } }
    const map<Inner, i32> STRUCTS = { {"x": 1}: 5 }
    const i32 ALIAS = SMALL
    """,
    name="constants.thrift",
)


def test_scalars_have_pythons_types() -> None:
    assert m.YES is True
    assert (m.SMALL, m.LARGE, m.WHO, m.ALIAS) == (-128, 2**63 - 1, 7, -128)
    assert (m.HALF, m.WHOLE, type(m.WHOLE)) == (0.5, 3.0, float)
    assert (m.TEXT, m.BYTES) == ('h"é\n', b"ab")
    assert uuid.UUID("00112233-4455-6677-8899-aabbccddeeff") == m.ID
    assert m.KIND is m.Kind.B


def test_containers_nest() -> None:
    assert m.KINDS == [m.Kind.A, m.Kind.B]
    assert {1, 3} == m.NUMBERS
    assert {(1, 2): {"x"}} == m.KEYED
    assert {frozenset({1}), frozenset({2})} == m.NESTED
    assert [dict(key) for key in m.MAPS] == [{"a": 1}]


def test_structs_and_unions_are_instances() -> None:
    assert m.Outer(m.Inner(9), {m.Kind.A: [m.Inner(), m.Inner(tags=[])]}) == m.DEEP
    assert type(m.DEEP.inner) is m.Inner
    assert (m.ONE._which, m.ONE.inner.x) == ("inner", 1)
    assert {m.Inner(1): 5} == m.STRUCTS


def test_a_constant_is_one_object() -> None:
    assert m.DEEP is m.DEEP
    assert m.KINDS is m.KINDS


def test_typedefs_are_classes_or_aliases() -> None:
    assert (m.UserId, m.Token, m.Other, m.Sort) == (int, uuid.UUID, m.Inner, m.Kind)
    assert m.Outers == m.MoreOuters == list[m.Outer]
    assert m.Index == dict[str, set[int]]
