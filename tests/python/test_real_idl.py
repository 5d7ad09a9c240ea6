"""Real IDL files load and all they define can be used; wrong ones are refused, and nothing hangs."""

from __future__ import annotations

import enum
import inspect
import typing
from pathlib import Path
from types import ModuleType
from typing import Any

import fastthrift
import pytest
from fastthrift import _core


def includes(folder: Path, path: Path) -> list[Path]:
    """Return the directories where a file's includes are searched: those of its project."""
    project = folder / path.relative_to(folder).parts[0]
    return [project, *sorted({each.parent for each in project.rglob("*.thrift")})]


def load_all(folder: Path) -> list[ModuleType]:
    files = sorted(folder.rglob("*.thrift"))
    assert files
    return [fastthrift.load(path, include_dirs=includes(folder, path)) for path in files]


@pytest.fixture(scope="module")
def modules(shared_idl: Path) -> list[ModuleType]:
    return load_all(shared_idl)


def test_every_definition_can_be_touched(modules: list[ModuleType]) -> None:
    kinds: dict[type, int] = {}
    for module in modules:
        for name in module.__all__:
            thing = getattr(module, name)
            kinds[type(thing)] = kinds.get(type(thing), 0) + 1
            if isinstance(thing, enum.EnumMeta):
                assert all(thing(member.value) is member for member in thing)
    assert kinds[_core.StructMeta] > 1000
    assert kinds[enum.EnumMeta] > 100


def classes(modules: list[ModuleType], base: Any) -> list[Any]:
    things = [getattr(module, name) for module in modules for name in module.__all__]
    return [thing for thing in things if isinstance(thing, type) and issubclass(thing, base)]


def test_annotations_and_signatures_of_every_class_hold(modules: list[ModuleType]) -> None:
    for cls in classes(modules, (fastthrift.Struct, fastthrift.Union, fastthrift.ThriftException)):
        module = inspect.getmodule(cls)
        if module is None or getattr(module, cls.__name__, None) is not cls:
            continue  # another project's file has the same name, and the place in `sys.modules`
        assert set(typing.get_type_hints(cls)) == set(cls.__match_args__) or issubclass(cls, fastthrift.Union)
        assert len(inspect.signature(cls).parameters) == len(cls.__slots__)
    for service in classes(modules, fastthrift.Service):
        for name, function in inspect.getmembers(service, callable):
            if not name.startswith("_") and not isinstance(function, type):
                assert next(iter(inspect.signature(function).parameters)).strip("_") == "self"


def test_default_instances_go_through_both_codecs(modules: list[ModuleType]) -> None:
    written = 0
    for cls in classes(modules, (fastthrift.Struct, fastthrift.ThriftException)):
        instance = cls()
        for protocol in ("binary", "compact", "json"):
            try:
                data = fastthrift.serialize(instance, protocol)
            except fastthrift.EncodeError as error:
                assert "is not set" in str(error) or "holds no member" in str(error)  # noqa: PT017 (most have none)
                continue
            read = fastthrift.deserialize(cls, data, protocol)
            assert repr(read) == repr(instance)
            assert fastthrift.serialize(read, protocol) == data
            written += 1
    assert written > 500


def wrong_files(folder: Path) -> list[tuple[Path, str]]:
    """Return each file with what its first line expects: error, warning or ok; of `warning->error`, the second."""
    found = []
    for path in sorted(folder.rglob("*.thrift")):
        first = path.read_bytes().splitlines()[0].decode("utf-8-sig", "replace") if path.stat().st_size else ""
        if "EXPECT:" in first:
            found.append((path, first.split("EXPECT:")[1].split()[0].split("->")[-1]))
    assert len(found) > 100
    return found


def test_every_wrong_file_gives_what_it_says(shared_idl_bad: Path) -> None:
    different = []
    for path, expected in wrong_files(shared_idl_bad):
        diagnostics = fastthrift.check(path, dialect="apache")
        has_error = any(diagnostic.severity == "error" for diagnostic in diagnostics)
        if has_error != (expected == "error"):
            different.append((path.name, expected, [diagnostic.message for diagnostic in diagnostics]))
        for diagnostic in diagnostics:
            assert diagnostic.line >= 1
            assert diagnostic.column >= 1
            assert diagnostic.text
    assert different == []


def test_every_wrong_file_is_refused_with_its_place(shared_idl_bad: Path) -> None:
    for path, expected in wrong_files(shared_idl_bad):
        if expected != "error":
            fastthrift.load(path, dialect="apache")
            continue
        with pytest.raises(fastthrift.ThriftSyntaxError) as caught:
            fastthrift.load(path, dialect="apache")
        assert caught.value.lineno >= 1
        assert Path(caught.value.filename).suffix == ".thrift"
        assert caught.value.report.count("error[") >= 1
