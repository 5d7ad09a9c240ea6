"""Packages of real IDL: they import, and their values and those of loading are the same."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import fastthrift
import pytest

PROGRAM = """
import enum, importlib, sys, typing, uuid
import fastthrift
from fastthrift import _core

sys.path.insert(0, sys.argv[1])
package, files = sys.argv[2], sys.argv[3:]
directories = files[:files.index("--")]
files = files[files.index("--") + 1:]


def value(hint, depth):
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is list:
        return [value(arguments[0], depth)]
    if origin is tuple:
        return (value(arguments[0], depth),)
    if origin in (set, frozenset):
        return origin([value(arguments[0], depth)])
    if origin is dict:
        return {value(arguments[0], depth): value(arguments[1], depth)}
    if arguments:  # T | None
        return value(arguments[0], depth)
    if isinstance(hint, enum.EnumMeta):
        return list(hint)[-1] if len(hint) else hint(0)
    if isinstance(hint, _core.StructMeta):
        return filled(hint, depth + 1)
    return {bool: True, int: 7, float: 1.5, str: "text", bytes: b"bytes", uuid.UUID: uuid.UUID(int=5)}[hint]


def filled(cls, depth=0):
    hints = typing.get_type_hints(cls)
    if issubclass(cls, fastthrift.Union):
        name = next(iter(hints), None)
        return cls(**{name: value(hints[name], depth)}) if name else cls()
    return cls(**{name: value(hint, depth) for name, hint in hints.items() if depth < 3 or is_needed(hint)})


def is_needed(hint):
    return type(None) not in typing.get_args(hint)


def structs(module):
    things = ((name, getattr(module, name)) for name in module.__all__)
    return {name: thing for name, thing in things if isinstance(thing, _core.StructMeta)}


PROTOCOLS = ("binary", "compact", "json")


def written(module):
    # What instances of a module's classes look like, in Python and on the wire.
    made = {}
    for name, cls in structs(module).items():
        try:
            instance = filled(cls)
        except (NameError, AttributeError):
            continue  # a type of a file that is included by an included one has no name here
        made[name] = (cls, repr(instance), [fastthrift.serialize(instance, protocol) for protocol in PROTOCOLS])
    return made


loaded = []
for file in files:
    # Annotations name modules by `sys.modules`, which keeps those of the first load.
    for name in [name for name in sys.modules if name.endswith("_thrift")]:
        del sys.modules[name]
    loaded.append(written(fastthrift.load(file, include_dirs=directories)))
modules = [importlib.import_module(name) for name in package.split(",")]
for module in modules:
    assert not any(isinstance(thing, type) for name, thing in vars(module).items() if name in module.__all__)
count = 0
for before, module in zip(loaded, modules):
    now = written(module)
    assert [*now] == [*before]
    for name, (cls, shown, texts) in before.items():
        assert now[name][0] is not cls
        assert now[name][1:] == (shown, texts), name
        for protocol, data in zip(PROTOCOLS, texts):
            assert repr(fastthrift.deserialize(cls, data, protocol)) == shown
            assert repr(fastthrift.deserialize(now[name][0], data, protocol)) == shown
        count += 1
for file, module in zip(files, modules):
    again = fastthrift.load(file, include_dirs=directories)
    for name in again.__all__:
        thing = getattr(again, name)
        if isinstance(thing, type) and thing.__module__ != "builtins":
            assert thing is getattr(module, name), name
        elif not isinstance(thing, type):
            assert repr(thing) == repr(getattr(module, name)), name
print(count)
"""


@pytest.mark.timeout(200)
@pytest.mark.parametrize(
    "project", ["cassandra", "hbase-thrift1-happybase", "impala", "jaeger", "parquet", "storm", "zipkin"]
)
def test_values_go_between_a_package_and_what_is_loaded(project: str, shared_idl: Path, tmp_path: Path) -> None:
    folder = shared_idl / project
    # Of files of one name and namespace only the first is taken: they would be one module.
    files = [*{path.name: path for path in sorted(folder.rglob("*.thrift"), reverse=True)}.values()][::-1]
    if not files:
        pytest.skip("no such project beside the checkout")
    directories = [str(folder), *sorted({str(path.parent) for path in files})]
    written = fastthrift.generate_python(files, tmp_path, package="real", include_dirs=directories)
    again = fastthrift.generate_python(files, tmp_path / "again", package="real", include_dirs=directories)
    assert [path.read_bytes() for path in written] == [path.read_bytes() for path in again]
    sources: dict[str, str] = {}
    for path in written:
        source = re.search(r'^    source="(.*)",$|source="([^"]*)"', path.read_text(), re.MULTILINE)
        if path.suffix == ".py" and source:
            sources[source[1] or source[2]] = path.parent.relative_to(tmp_path).as_posix().replace("/", ".")
    names = [sources[path.name] for path in files]
    command = [sys.executable, "-c", PROGRAM, tmp_path, ",".join(names), *directories, "--", *files]
    done = subprocess.run([str(part) for part in command], check=False, capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout) > 2
