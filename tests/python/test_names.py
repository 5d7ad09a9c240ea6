"""Names of an IDL file that Python cannot take, or has for itself."""

from __future__ import annotations

import inspect
import keyword
import typing

import fastthrift
import pytest

KEYWORDS = [word for word in keyword.kwlist if word not in ("True", "False")]
"""Those that an IDL file may use as names; `true` and `false` mean something there however they are written."""


def test_keywords_as_fields_get_an_underscore(protocol: str) -> None:
    fields = "\n".join(f"{place}: i32 {word}" for place, word in enumerate(KEYWORDS, 1))
    m = fastthrift.loads(f"struct S {{ {fields} }}", name="names_fields.thrift")
    assert m.S.__match_args__ == tuple(f"{word}_" for word in KEYWORDS)
    made = m.S(**{f"{word}_": place for place, word in enumerate(KEYWORDS)})
    assert fastthrift.deserialize(m.S, fastthrift.serialize(made, protocol), protocol) == made
    assert typing.get_type_hints(m.S)["from_"] == int | None


@pytest.mark.parametrize("word", ["class", "None", "lambda", "await", "with", "pass"])
def test_keywords_as_definitions_get_an_underscore(word: str) -> None:
    kinds = {
        "struct": f"struct {word} {{ 1: {word} next }}",
        "enum": f"enum {word} {{ A }} struct Use {{ 1: {word} next }}",
        "service": f"service {word} {{ i32 {word}(1: i32 {word}) }}",
        "const": f"const i32 {word} = 4",
        "typedef": f"typedef i32 {word} struct Use {{ 1: {word} next }}",
    }
    for kind, idl in kinds.items():
        m = fastthrift.loads(idl, name=f"names_{kind}.thrift")
        assert f"{word}_" in dir(m)
        assert getattr(m, f"{word}_") is not None
        with pytest.raises(AttributeError):
            getattr(m, word)
        for cls in (value for value in vars(m).values() if isinstance(value, type) and hasattr(value, "__slots__")):
            typing.get_type_hints(cls)


def test_escaped_names_keep_clear_of_others() -> None:
    m = fastthrift.loads(
        "struct S { 1: i32 from, 2: i32 from_, 3: i32 from__, 4: i32 __init__, 5: i32 __x }", name="n.thrift"
    )
    assert m.S.__match_args__ == ("from___", "from_", "from__", "x__init__", "x__x")
    made = m.S(1, 2, 3, 4, 5)
    assert (made.from___, made.from_, made.from__, made.x__init__, made.x__x) == (1, 2, 3, 4, 5)


def test_soft_keywords_and_builtins_stay() -> None:
    m = fastthrift.loads(
        "struct S { 1: i32 match, 2: i32 type, 3: i32 self, 4: i32 cls, 5: i32 print }", name="n.thrift"
    )
    assert m.S(match=1, type=2, self=3, cls=4, print=5) == m.S(1, 2, 3, 4, 5)
    assert [*inspect.signature(m.S).parameters] == ["match", "type", "self", "cls", "print"]


def test_functions_keep_their_names_on_the_wire_and_signatures_stay_valid() -> None:
    m = fastthrift.loads(
        "service S { string import(1: string from, 2: i32 self, 3: i32 def = 5), oneway void print(1: binary x) }",
        name="names_service.thrift",
    )
    assert str(inspect.signature(m.S.import_)) == "(_self, /, from_: 'str', self: 'int', def_: 'int' = 5) -> 'str'"
    early = fastthrift.loads("service E { void f(1: i32 a = 1, 2: i32 b, 3: i32 c = 3) }", name="early.thrift")
    # What follows a default would have to have one, too.
    assert str(inspect.signature(early.E.f)) == "(self, /, a: 'int', b: 'int', c: 'int' = 3) -> 'None'"
    assert str(inspect.signature(m.S.print)) == "(self, /, x: 'bytes') -> 'None'"
    assert str(inspect.signature(m.S().print)) == "(x: 'bytes') -> 'None'"
    assert (m.S.import_.__name__, m.S.import_.__qualname__) == ("import_", "S.import_")


def test_a_stub_says_that_it_is_not_implemented() -> None:
    m = fastthrift.loads(
        "service Base { /** Adds. */ i32 add(1: i32 a) } service S extends Base { void ping() }",
        name="names_stub.thrift",
    )

    class Handler(m.S):
        def ping(self) -> None:
            self.pinged = True

    handler = Handler()
    handler.ping()
    assert handler.pinged
    assert issubclass(m.S, m.Base)
    assert issubclass(m.Base, fastthrift.Service)
    assert m.S.add.__doc__ == "Adds."
    with pytest.raises(NotImplementedError, match=r"does not implement 'Base\.add'"):
        handler.add(1)


def test_definitions_may_go_by_the_names_of_builtins() -> None:
    m = fastthrift.loads(
        "struct str { 1: string list_, 2: int b } struct int { 1: i32 a, 2: list<str> c }", name="names_b.thrift"
    )
    hints = typing.get_type_hints(m.str)
    assert hints["list_"] == str | None
    assert hints["b"] == m.int | None
    assert typing.get_type_hints(m.int)["a"] == int | None


def test_a_definition_may_go_by_the_name_of_its_module() -> None:
    idl = "struct Row { 1: i32 a } struct Table { 1: list<Row> rows, 2: Row first } service Hbase { void f() }"
    m = fastthrift.loads(idl, name="Hbase.thrift", module_name="Hbase")
    assert typing.get_type_hints(m.Table)["first"] == m.Row | None


def test_two_included_files_may_have_one_name() -> None:
    files = {
        "top.thrift": 'include "a/shared.thrift"\ninclude "b/user.thrift"\nstruct T { 1: shared.A a, 2: user.U u }',
        "a/shared.thrift": "struct A { 1: i32 x }",
        "b/user.thrift": 'include "shared.thrift"\nstruct U { 1: shared.B b }',
        "b/shared.thrift": "struct B { 1: i32 y }",
    }
    m = fastthrift.load_files(files, "top.thrift", module_name="names_top")
    made = m.T(m.shared.A(1), m.user.U(m.user.shared.B(2)))
    assert fastthrift.deserialize(m.T, fastthrift.serialize(made)) == made
    hints = typing.get_type_hints(m.user.U)
    assert hints["b"] == m.user.shared.B | None
    assert typing.get_type_hints(m.T)["a"] == m.shared.A | None


def test_escaped_names_make_room_for_names_that_look_like_them() -> None:
    idl = (
        "struct class { 1: i32 a } struct class_ { 1: string b, 2: class other }"
        " service S { i32 from(), i32 from_(1: i32 x) }"
    )
    m = fastthrift.loads(idl, name="names_c.thrift")
    assert m.__all__ == ["class__", "class_", "S"]
    assert (m.class__.__name__, m.class_.__name__) == ("class__", "class_")
    assert typing.get_type_hints(m.class_)["other"] == m.class__ | None
    assert list(inspect.signature(m.S.from__).parameters) == ["self"]
    assert list(inspect.signature(m.S.from_).parameters) == ["self", "x"]
