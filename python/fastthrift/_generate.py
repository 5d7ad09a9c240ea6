"""Writing generated code."""

from __future__ import annotations

import os

from fastthrift import _core
from fastthrift._load import directories

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Literal

    from fastthrift._load import Dialect, StrPath


def generate_python(
    idl: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    package: str | None = None,
    include_dirs: Sequence[StrPath] = (),
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> list[Path]:
    """Write a package of modules for IDL files and all that they include, and return the paths of its files.

    Each file becomes a module, called as its ``py`` namespace says, or as the file where it has none, and a stub for
    type checkers. Importing one parses no IDL. Its classes are those that loading the IDL gives: while the module is
    imported, `load` of a file that says the same gives the module's own.

    A file that has its text already is left as it is, and so is an ``__init__.py`` that is there where only some file
    has to be.

    Args:
        idl: An IDL file, or several.
        output: The folder to write to: one that modules are imported from.
        package: The package that all modules lie in, such as "myapp.idl"; None for none.
        include_dirs: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: As for `load`.

    Raises:
        ThriftSyntaxError: A file is not right.
        FileNotFoundError: There is no such IDL file.
        FileExistsError: There is a file that was not generated where one is to be written.
        OSError: A file cannot be written.
        ValueError: The package's name cannot be.
    """
    return generate(
        "python",
        idl,
        output,
        include_dirs=include_dirs,
        dialect=dialect,
        allow_missing_includes=allow_missing_includes,
        package=package,
    )


def generate_stubs(
    idl: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    include_dirs: Sequence[StrPath] = (),
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> list[Path]:
    """Write stubs for the modules that loading IDL files makes, and the import hook, and return their paths.

    Args:
        idl: An IDL file, or several; those that they include get stubs, too.
        output: The folder to write to: one where a type checker finds modules.
        include_dirs: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: As for `load`.

    Raises:
        ThriftSyntaxError: A file is not right.
        FileNotFoundError: There is no such IDL file.
        FileExistsError: There is a file that was not generated where one is to be written.
        OSError: A file cannot be written.
    """
    return generate(
        "stubs",
        idl,
        output,
        include_dirs=include_dirs,
        dialect=dialect,
        allow_missing_includes=allow_missing_includes,
        package=None,
    )


def generate(
    what: Literal["python", "rust", "stubs"],
    idl: StrPath | Sequence[StrPath],
    output: StrPath,
    *,
    include_dirs: Sequence[StrPath],
    dialect: Dialect,
    allow_missing_includes: bool,
    package: str | None,
) -> list[Path]:
    """Write what one of the functions above does, or Rust."""
    paths = [idl] if isinstance(idl, (str, os.PathLike)) else list(idl)
    return _core.generate(what, paths, directories(include_dirs), dialect, allow_missing_includes, package, output)
