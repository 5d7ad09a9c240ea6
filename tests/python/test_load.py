"""Loading: from a path, a string, bytes, a dict of files; where includes are searched; what errors say."""

from __future__ import annotations

import inspect
import os
import pickle
import pydoc
import subprocess
import sys
import traceback
from pathlib import Path

import fastthrift
import pytest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def test_a_path_may_be_text_or_a_path_object(tmp_path: Path) -> None:
    write(tmp_path, {"load_point.thrift": "struct Point { 1: i32 x }"})
    path = tmp_path / "load_point.thrift"
    for each in (path, str(path)):
        m = fastthrift.load(each)
        assert m.__name__ == "load_point_thrift"
        assert m.__file__ == str(path)
        assert m.Point(1).x == 1


def test_text_and_bytes_and_a_mark_of_byte_order_are_taken() -> None:
    text = 'const string NAME = "é"'
    for source in (text, text.encode(), b"\xef\xbb\xbf" + text.encode()):
        assert fastthrift.loads(source, name="load_text.thrift").NAME == "é"
    with pytest.raises(TypeError):
        fastthrift.loads(5)  # type: ignore[arg-type]


def test_a_dict_of_files_is_a_world_of_its_own(tmp_path: Path) -> None:
    files: dict[str, str | bytes] = {
        "a/top.thrift": 'include "common.thrift"\ninclude "deep/leaf.thrift"\nstruct T { 1: common.C c, 2: leaf.L l }',
        "a/common.thrift": "struct C { 1: i32 x }",
        "a/deep/leaf.thrift": b"struct L { 1: i32 y }",
    }
    m = fastthrift.load_files(files, "a/top.thrift", module_name="load_world")
    assert m.T(m.common.C(1), m.leaf.L(2)).l.y == 2
    write(tmp_path, {"other.thrift": "struct O {}"})
    outside = {"top.thrift": f'include "{tmp_path}/other.thrift"'}
    with pytest.raises(fastthrift.ThriftSyntaxError):
        fastthrift.load_files(outside, "top.thrift")
    with pytest.raises(FileNotFoundError):
        fastthrift.load_files(files, "top.thrift")


def test_includes_are_searched_beside_the_file_and_then_in_the_directories_in_order(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "main/top.thrift": 'include "where.thrift"\ninclude "sub/next.thrift"\nconst string W = where.W',
            "main/sub/next.thrift": 'include "where.thrift"\nconst string W = where.W',
            "one/where.thrift": 'const string W = "one"',
            "two/where.thrift": 'const string W = "two"',
        },
    )

    def found(*directories: str) -> tuple[str, str]:
        m = fastthrift.load(tmp_path / "main/top.thrift", include_dirs=[tmp_path / each for each in directories])
        return m.W, m.next.W

    assert found("one", "two") == ("one", "one")
    assert found("two", "one") == ("two", "two")
    write(tmp_path, {"main/sub/where.thrift": 'const string W = "sub"'})
    assert found("two") == ("two", "sub")
    write(tmp_path, {"main/where.thrift": 'const string W = "main"'})
    assert found("two") == ("main", "sub")
    assert (
        fastthrift.loads('include "where.thrift"\nconst string W = where.W', include_dirs=[tmp_path / "one"]).W == "one"
    )


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        fastthrift.load(tmp_path / "none.thrift")
    assert caught.value.filename == str(tmp_path / "none.thrift")
    with pytest.raises(FileNotFoundError):
        fastthrift.check(tmp_path / "none.thrift")
    with pytest.raises(OSError, match="directory") as caught_directory:
        fastthrift.load(tmp_path)
    assert not isinstance(caught_directory.value, FileNotFoundError)


def test_a_missing_include_is_an_error_unless_it_is_allowed(tmp_path: Path) -> None:
    write(tmp_path, {"top.thrift": 'include "none.thrift"\nstruct S {}'})
    with pytest.raises(fastthrift.ThriftSyntaxError, match=r"none\.thrift"):
        fastthrift.load(tmp_path / "top.thrift")
    assert fastthrift.load(tmp_path / "top.thrift", allow_missing_includes=True).S() is not None


def test_arguments_of_other_types_are_type_errors_that_name_them(tmp_path: Path) -> None:
    write(tmp_path, {"top.thrift": "struct S {}"})
    path, one = tmp_path / "top.thrift", str(tmp_path)
    wrong: dict[str, Callable[[], object]] = {
        "include_dirs must be a sequence of paths, such as": lambda: fastthrift.load(path, include_dirs=one),
        "not a single one": lambda: fastthrift.check(path, include_dirs=tmp_path),  # type: ignore[arg-type]
        "include_dirs must be .* not int": lambda: fastthrift.loads("", include_dirs=3),  # type: ignore[arg-type]
        r"include_dirs\[1\] must be .* not NoneType": lambda: fastthrift.load(path, include_dirs=[one, None]),  # type: ignore[list-item]
        "source must be str or bytes, not int": lambda: fastthrift.loads(3),  # type: ignore[arg-type]
        "name must be a str, not bytes": lambda: fastthrift.loads("", name=b"x"),  # type: ignore[arg-type]
        "names of files must be str, not int: 1": lambda: fastthrift.load_files({1: ""}, "a"),  # type: ignore[dict-item]
        r"files\['a'\] must be str or bytes, not int": lambda: fastthrift.load_files({"a": 1}, "a"),  # type: ignore[dict-item]
        "files must be a mapping .* not str": lambda: fastthrift.load_files("abc", "a"),  # type: ignore[arg-type]
        "root must be a str, not NoneType": lambda: fastthrift.load_files({"a": ""}, None),  # type: ignore[arg-type]
    }
    for message, call in wrong.items():
        with pytest.raises(TypeError, match=message):
            call()


BAD = "struct S {\n  1: i32 a\n  /* é */ 2: Strng b\n}\nenum E { A = 99999999999 }\n"


def test_an_error_is_a_syntax_error_with_its_place() -> None:
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.loads(BAD, name="bad.thrift")
    error = caught.value
    assert isinstance(error, SyntaxError)
    assert (error.filename, error.lineno, error.offset, error.text) == ("bad.thrift", 3, 14, "  /* é */ 2: Strng b")
    assert (error.end_lineno, error.end_offset) == (3, 19)
    assert [diagnostic.line for diagnostic in error.diagnostics] == [3, 5]
    first = error.diagnostics[0]
    assert (first.severity, first.filename, first.line, first.column) == ("error", "bad.thrift", 3, 14)
    assert first.code.startswith("E")
    assert "Strng" in first.message
    assert first.text in error.report
    assert str(error) == error.report
    assert "  /* é */ 2: Strng b" in "".join(traceback.format_exception_only(type(error), error))


def test_several_errors_are_all_in_a_traceback_and_warnings_are_counted() -> None:
    warnings = "struct W { i32 a }\nstruct V { i32 b }\n"
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.loads(warnings + BAD, name="many.thrift")
    error = caught.value
    assert [diagnostic.severity for diagnostic in error.diagnostics] == ["warning", "warning", "error", "error"]
    assert str(error).startswith("error[")
    assert "warning[" not in str(error)
    assert str(error).endswith("\n2 errors, 2 warnings\n")
    if sys.version_info >= (3, 11):
        text = "".join(traceback.format_exception(error))
        assert all(diagnostic.text.splitlines()[0] in text for diagnostic in error.diagnostics[2:])
        assert pickle.loads(pickle.dumps(error)).__notes__ == error.__notes__ == [error.report]
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.loads(warnings + "struct {}")
    assert not hasattr(caught.value, "__notes__")


def test_text_that_is_not_utf_8_is_an_error_with_its_place() -> None:
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.loads(b'struct S {}\nconst string X = "\xff"')
    assert caught.value.lineno == 2


def test_an_error_in_an_included_file_names_that_file() -> None:
    files = {"top.thrift": 'include "bad.thrift"\nstruct T {}', "bad.thrift": "struct {}"}
    with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
        fastthrift.load_files(files, "top.thrift")
    assert (caught.value.filename, caught.value.lineno) == ("bad.thrift", 1)


def test_the_apache_dialect_takes_no_more_than_apaches_compiler() -> None:
    text = "namespace py x;\nstruct S { 1: i32 a };"
    assert fastthrift.loads(text, name="load_dialect.thrift").S(1).a == 1
    with pytest.raises(fastthrift.ThriftSyntaxError):
        fastthrift.loads(text, dialect="apache")
    with pytest.raises(ValueError, match="dialect must be one of 'extended', 'apache', got \"other\""):
        fastthrift.loads(text, dialect="other")  # type: ignore[arg-type]


def test_check_returns_warnings_and_errors(tmp_path: Path) -> None:
    write(tmp_path, {"warn.thrift": "struct S { i32 a }", "bad.thrift": BAD, "good.thrift": "struct S { 1: i32 a }"})
    assert fastthrift.check(tmp_path / "good.thrift") == []
    warnings = fastthrift.check(tmp_path / "warn.thrift")
    assert [diagnostic.severity for diagnostic in warnings] == ["warning"]
    assert {diagnostic.severity for diagnostic in fastthrift.check(tmp_path / "bad.thrift")} == {"error"}
    assert repr(warnings[0]).startswith("<warning[")
    assert warnings == fastthrift.check(tmp_path / "warn.thrift")
    assert len({*warnings, *fastthrift.check(tmp_path / "warn.thrift")}) == 1


def test_a_file_may_be_loaded_again(tmp_path: Path) -> None:
    path = tmp_path / "load_again.thrift"
    path.write_text("struct S { 1: i32 a }")
    first = fastthrift.load(path)
    path.write_text("struct S { 1: i32 a, 2: i32 b }")
    second = fastthrift.load(path)
    assert first.S is not second.S
    assert first.S(1) != second.S(1)
    assert (first.S.__match_args__, second.S.__match_args__) == (("a",), ("a", "b"))
    assert sys.modules["load_again_thrift"] is second
    holder = fastthrift.loads("struct S {} struct H { 1: S s }", name="load_holder.thrift")
    with pytest.raises(fastthrift.EncodeError, match=r"expected S of load_holder_thrift, got S of load_again_thrift"):
        fastthrift.serialize(holder.H(first.S(1)))


def test_a_module_never_takes_the_place_of_another() -> None:
    before = sys.modules["os"]
    m = fastthrift.loads("struct S {}", module_name="os")
    assert m.S() is not None
    assert sys.modules["os"] is before


def test_classes_are_made_when_they_are_touched() -> None:
    m = fastthrift.loads("struct A { 1: B b } struct B {} enum E { X } const A C = {}", name="load_lazy.thrift")
    assert not {"A", "B", "E", "C"} & set(vars(m))
    made = m.A()
    assert "A" in vars(m)
    assert "B" not in vars(m)
    assert fastthrift.deserialize(m.A, bytes([12, 0, 1, 0, 0])).b == vars(m)["B"]()
    assert made == m.A()
    assert dir(m) == sorted(dir(m))
    assert set(m.__all__) == {"A", "B", "E", "C"} <= set(dir(m))


def test_a_module_tells_what_is_not_there_and_what_it_is() -> None:
    m = fastthrift.loads(
        "/** About points. */\nnamespace py geo\nnamespace * all\nstruct S {}", name="load_tells.thrift"
    )
    with pytest.raises(AttributeError, match="module 'load_tells_thrift' has no attribute 'Nope'"):
        _ = m.Nope
    assert not hasattr(m, "nope")
    assert m.__thrift_namespaces__ == {"py": "geo", "*": "all"}
    assert m.__doc__ == "About points."
    assert inspect.ismodule(m)


def test_what_has_no_doc_comment_tells_what_it_is_and_can_be_shown(tmp_path: Path) -> None:
    kinds = "struct S { 1: i32 a = 1 } union U { 1: i32 a } exception X {} enum E { A } service V { void f(1: S s) }"
    write(tmp_path, {"load_help.thrift": kinds + "\nconst S C = {}\ntypedef list<S> L\n"})
    m = fastthrift.load(tmp_path / "load_help.thrift")
    expected = {"S": "struct", "U": "union", "X": "exception", "E": "enum", "V": "service"}
    for name, kind in expected.items():
        assert getattr(m, name).__doc__ == f"{kind} `{name}` of load_help.thrift"
        assert f"{kind} `{name}` of load_help.thrift" in pydoc.render_doc(getattr(m, name))
    shown = pydoc.render_doc(m)
    assert all(f"{kind} `{name}` of load_help.thrift" in shown for name, kind in expected.items())


HOOK = """
import sys
sys.path.insert(0, sys.argv[1])
import fastthrift
try:
    import shapes_thrift
except ModuleNotFoundError:
    pass
fastthrift.install_import_hook()
fastthrift.install_import_hook()
import shapes_thrift
from shapes_thrift import Circle
from pack.inner import nested_thrift
import pack.inner.nested_thrift as same
import pickle
assert same is nested_thrift and nested_thrift.__name__ == "pack.inner.nested_thrift"
assert pickle.loads(pickle.dumps(nested_thrift.Box(Circle(2)))).circle.radius == 2
assert shapes_thrift.__spec__.origin.endswith("shapes.thrift") and shapes_thrift.__file__.endswith("shapes.thrift")
import typing
assert typing.get_type_hints(nested_thrift.Box)["circle"] is not None
for missing in ("none_thrift", "shapes_thrifty", "_thrift"):
    try: __import__(missing)
    except ModuleNotFoundError: pass
    else: raise AssertionError(missing)
try: import broken_thrift
except fastthrift.ThriftSyntaxError as error: assert error.lineno == 1
else: raise AssertionError
assert "broken_thrift" not in sys.modules
fastthrift.remove_import_hook()
fastthrift.remove_import_hook()
try: import later_thrift
except ModuleNotFoundError: print("done")
"""


def test_the_import_hook_finds_files_on_the_path_and_in_packages(tmp_path: Path) -> None:
    write(
        tmp_path,
        {
            "shapes.thrift": "struct Circle { 1: i32 radius }",
            "pack/__init__.py": "",
            "pack/inner/__init__.py": "",
            "pack/inner/nested.thrift": 'include "shapes.thrift"\nstruct Box { 1: shapes.Circle circle }',
            "broken.thrift": "struct {",
            "later.thrift": "struct L {}",
        },
    )
    run = subprocess.run(
        [sys.executable, "-X", "dev", "-c", HOOK, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stdout.strip()) == (0, "done"), run.stderr


def test_paths_with_odd_names_make_valid_module_names(tmp_path: Path) -> None:
    write(tmp_path, {"odd-name.v2.thrift": "struct S {}", "class.thrift": "struct S { 1: S s }"})
    assert fastthrift.load(tmp_path / "odd-name.v2.thrift").__name__.isidentifier()
    m = fastthrift.load(os.fspath(tmp_path / "class.thrift"))
    assert m.__name__.isidentifier()


def test_a_value_of_a_class_of_the_same_name_is_refused_by_the_names_of_the_modules() -> None:
    idl = "struct Item { 1: i32 a } struct Box { 1: Item item }"
    mine, other = (fastthrift.loads(idl, name=f"{name}_items.thrift") for name in ("mine", "other"))
    with pytest.raises(fastthrift.EncodeError) as caught:
        fastthrift.serialize(mine.Box(item=other.Item(a=1)))
    assert str(caught.value).endswith("item: expected Item of mine_items_thrift, got Item of other_items_thrift")
    again = fastthrift.loads(idl, name="mine_items.thrift")
    with pytest.raises(
        fastthrift.EncodeError, match=r"Item of mine_items_thrift, got Item of another load of the same"
    ):
        fastthrift.serialize(again.Box(item=mine.Item(a=1)))
