"""Writing generated code."""

from __future__ import annotations

import os

from fastthrift import _core
from fastthrift._load import directories, paths_of

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

    What a file declares is imported from the package that its ``py`` namespace names, or that is called as the file
    where it has none; there it lies in a module of its own, beside a stub for type checkers. Importing it parses no
    IDL. Its classes are those that loading the IDL gives: while the package is imported, `load` of a file that says the
    same gives the package's own.

    Several runs for one folder give what one run for all files gives. A file that has its text already is left as it
    is, and so is an ``__init__.py`` that is there where only some file has to be. A generated module that lies beside a
    package of its name is removed.

    Args:
        idl: An IDL file, or several.
        output: The folder to write to: one that modules are imported from.
        package: The package that all modules lie in, such as "myapp.idl"; None for none.
        include_dirs: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: Whether an included file may be missing; what needs it is an error all the same.

    Raises:
        ThriftSyntaxError: A file is not right.
        FileNotFoundError: There is no such IDL file.
        FileExistsError: There is a file that was not generated where one is to be written, or that a package would
            hide; or what is there declares a name that would be declared anew, or be a package, too.
        OSError: A file cannot be written.
        ValueError: The package's name cannot be, or a name would mean two things: one that two files of a namespace
            declare, or one that is declared and is a package, too.
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
        allow_missing_includes: Whether an included file may be missing; what needs it is an error all the same.

    Raises:
        ThriftSyntaxError: A file is not right.
        FileNotFoundError: There is no such IDL file.
        FileExistsError: There is a file that was not generated where one is to be written.
        OSError: A file cannot be written.
        ValueError: Two files would have the same stub, since they have the same name.
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
    settings: Sequence[tuple[str, str]] = (),
) -> list[Path]:
    """Write what one of the functions above does, or Rust with these settings."""
    paths = [idl] if isinstance(idl, (str, os.PathLike)) else paths_of("idl", idl)
    directories_ = directories(include_dirs)
    return _core.generate(what, paths, directories_, dialect, allow_missing_includes, package, output, [*settings])
