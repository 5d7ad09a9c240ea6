"""What loading gives, to a type checker."""

from pathlib import Path
from types import ModuleType

import fastthrift
from typing_extensions import assert_type

assert_type(fastthrift.load("a.thrift"), ModuleType)
assert_type(fastthrift.load(Path("a.thrift"), include_dirs=[Path("x"), "y"], dialect="apache"), ModuleType)
assert_type(fastthrift.loads(b"struct S {}", name="s.thrift", module_name="s"), ModuleType)
assert_type(fastthrift.load_files({"a.thrift": "struct S {}", "b.thrift": b""}, "a.thrift"), ModuleType)
assert_type(fastthrift.check("a.thrift", allow_missing_includes=True), list[fastthrift.Diagnostic])
assert_type(fastthrift.install_import_hook(), None)

try:
    fastthrift.loads("struct")
except fastthrift.ThriftSyntaxError as error:
    assert_type(error.diagnostics, list[fastthrift.Diagnostic])
    assert_type(error.report, str)
    first = error.diagnostics[0]
    assert_type(first.line, int)
    assert_type(first.hint, str | None)
    assert_type(first.related, tuple[tuple[str, int, int, str], ...])

fastthrift.load("a.thrift", dialect="other")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
fastthrift.load(5)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
