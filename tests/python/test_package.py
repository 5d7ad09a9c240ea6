"""The package itself: its names, and what importing it costs."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType

import fastthrift
import pytest

HEAVY = {
    *(
        "asyncio",
        "collections",
        "contextlib",
        "dataclasses",
        "email",
        "enum",
        "functools",
        "http",
        "importlib.metadata",
    ),
    *("inspect", "logging", "re", "socket", "ssl", "subprocess", "tempfile", "threading", "typing", "uuid"),
}
"""What a program pays for only when it uses it."""


def imported_by(program: str) -> set[str]:
    """Return the modules that a program has loaded at its end, in an interpreter without site."""
    paths = [path for path in sys.path if path]
    text = (
        f"import sys; sys.path[:] = {paths!r}; before = set(sys.modules)\n{program}\nprint(*set(sys.modules) - before)"
    )
    run = subprocess.run([sys.executable, "-I", "-S", "-c", text], check=True, capture_output=True, text=True)
    return set(run.stdout.split())


def test_importing_the_package_imports_nothing_heavy() -> None:
    assert imported_by("import fastthrift") & HEAVY == set()


def test_loading_a_file_and_using_a_struct_imports_nothing_heavy() -> None:
    program = """
import fastthrift
m = fastthrift.loads('struct S { 1: i32 a, 2: list<string> b = ["x"] } service T { void f() }')
assert fastthrift.deserialize(m.S, fastthrift.serialize(m.S(1))).a == 1
"""
    assert imported_by(program) & (HEAVY - {"functools", "collections"}) == set()


def test_public_names_are_sorted_there_and_documented() -> None:
    assert fastthrift.__all__ == sorted(fastthrift.__all__, key=lambda name: (not name.isupper(), name))
    assert len(set(fastthrift.__all__)) == len(fastthrift.__all__)
    for name in fastthrift.__all__:
        assert getattr(fastthrift, name).__doc__, name


def test_nothing_else_is_public() -> None:
    names = {name for name in dir(fastthrift) if not name.startswith("_")} - {"aio"}
    # The modules that are imported by their own names are there once somebody did.
    assert {name for name in names if not isinstance(getattr(fastthrift, name), ModuleType)} == set(fastthrift.__all__)
    with pytest.raises(AttributeError, match="module 'fastthrift' has no attribute 'Serve'"):
        fastthrift.Serve  # type: ignore[attr-defined]  # noqa: B018


def test_importing_the_package_imports_only_what_every_program_needs() -> None:
    ours = {name for name in imported_by("import fastthrift") if name.startswith("fastthrift")}
    assert ours == {"fastthrift", "fastthrift._core", "fastthrift._errors", "fastthrift._load"}


def test_all_public_names_can_be_imported_at_once() -> None:
    program = "from fastthrift import *; import fastthrift; assert set(fastthrift.__all__) <= set(globals())"
    assert "fastthrift._server" in imported_by(program)


def test_submodules_are_there_without_an_import_of_their_own_and_only_once_asked_for() -> None:
    loaded = imported_by("import fastthrift; fastthrift.aio.connect")
    assert {"fastthrift.aio", "asyncio"} <= loaded


@pytest.mark.parametrize("name", fastthrift.__all__)
def test_public_things_say_that_they_are_of_the_package(name: str) -> None:
    assert getattr(fastthrift, name).__module__.split(".")[0] == "fastthrift"


def test_a_subinterpreter_is_told_that_it_cannot_use_the_package() -> None:
    program = f"""
import sys
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
paths = {[path for path in sys.path if path]!r}
tried = "import sys; sys.path[:] = %r\\ntry: import fastthrift\\nexcept ImportError as error: print(error)" % paths
for is_first in (True, False):
    # From 3.12 on there are those that share the lock of the main one, and others.
    if sys.version_info >= (3, 13):
        made = interpreters.create("legacy")
    else:
        made = interpreters.create(isolated=False) if sys.version_info >= (3, 12) else interpreters.create()
    interpreters.run_string(made, tried)
    interpreters.destroy(made)
    sys.path[:] = paths
    import fastthrift
print(fastthrift.loads("struct S {{ 1: i32 a }}").S(1))
"""
    run = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True, timeout=30)
    told = "fastthrift works in the main interpreter alone, and this is a subinterpreter"
    assert [line.partition(":")[0] for line in run.stdout.splitlines()] == [told, told, "S(a=1)"], run.stderr
