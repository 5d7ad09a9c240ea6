"""Loading IDL files."""

from __future__ import annotations

import os

from fastthrift import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType
    from typing import Literal, TypeAlias

    from fastthrift._diagnostics import Diagnostic

    StrPath: TypeAlias = str | os.PathLike[str]
    Dialect: TypeAlias = Literal["extended", "apache"]


def load(
    path: StrPath,
    *,
    module_name: str | None = None,
    include_dirs: Sequence[StrPath] = (),
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> ModuleType:
    """Load an IDL file and return a module of its types, constants and services.

    Classes are made when they are first touched. The module, and those of the included files, are put into
    ``sys.modules`` where their names are free, so that instances can be pickled. Loading a file again makes new classes
    and gives the name to the new module: instances of the classes before can then no longer be pickled.

    Args:
        path: The file.
        module_name: The name of the module; by default the file's name with ``_thrift`` for its extension.
        include_dirs: Where included files are searched after the directory of the including file.
        dialect: "extended" takes more than Apache's compiler does, such as a semicolon after a header; "apache" does
            not.
        allow_missing_includes: Whether an included file may be missing.

    Raises:
        ThriftSyntaxError: The file, or an included one, is not right; it has all errors of the run.
        FileNotFoundError: There is no such file.
    """
    return _core.load_path(path, module_name, directories(include_dirs), dialect, allow_missing_includes)


def loads(
    source: str | bytes,
    *,
    name: str = "string.thrift",
    module_name: str | None = None,
    include_dirs: Sequence[StrPath] = (),
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> ModuleType:
    """Load IDL text and return a module, as `load` does. Its includes are searched in ``include_dirs``.

    Args:
        source: The text; bytes are UTF-8.
        name: The file name that errors show.
        module_name: As for `load`.
        include_dirs: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: As for `load`.

    Raises:
        ThriftSyntaxError: The text is not right.
    """
    _require_text("source", source)
    if not isinstance(name, str):
        raise TypeError(f"name must be a str, not {type(name).__name__}")
    return _core.load_files(
        {name: source}, name, module_name, directories(include_dirs), dialect, allow_missing_includes
    )


def load_files(
    files: Mapping[str, str | bytes],
    root: str,
    *,
    module_name: str | None = None,
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> ModuleType:
    """Load one of several IDL files that are in memory; nothing is read from disk.

    Args:
        files: Text by file name; ``/`` separates directories.
        root: The name of the file to load; it may include the others.
        module_name: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: As for `load`.

    Raises:
        ThriftSyntaxError: A file is not right.
        FileNotFoundError: ``root`` is none of the files.
    """
    texts = _texts(files)
    if not isinstance(root, str):
        raise TypeError(f"root must be a str, not {type(root).__name__}")
    return _core.load_files(texts, root, module_name, None, dialect, allow_missing_includes)


def check(
    path: StrPath,
    *,
    include_dirs: Sequence[StrPath] = (),
    dialect: Dialect = "extended",
    allow_missing_includes: bool = False,
) -> list[Diagnostic]:
    """Return all that is to be said about an IDL file, errors and warnings.

    Args:
        path: As for `load`.
        include_dirs: As for `load`.
        dialect: As for `load`.
        allow_missing_includes: As for `load`.

    Raises:
        FileNotFoundError: There is no such file.
    """
    return _core.check_path(path, directories(include_dirs), dialect, allow_missing_includes)


def directories(include_dirs: Sequence[StrPath]) -> list[StrPath]:
    """Return include directories as a list of their own."""
    if isinstance(include_dirs, (str, bytes, os.PathLike)):
        raise TypeError(f"include_dirs must be a sequence of paths, such as [{include_dirs!r:.40}], not a single one")
    return paths_of("include_dirs", include_dirs)


def paths_of(argument: str, paths: Sequence[StrPath]) -> list[StrPath]:
    """Return paths as a list of their own."""
    if not hasattr(paths, "__iter__") or isinstance(paths, dict):
        raise TypeError(f"{argument} must be a sequence of paths, not {type(paths).__name__}")
    listed = list(paths)
    for place, path in enumerate(listed):
        if not isinstance(path, (str, os.PathLike)):
            raise TypeError(f"{argument}[{place}] must be a str or a path, not {type(path).__name__}")
    return listed


def _texts(files: Mapping[str, str | bytes]) -> dict[str, str | bytes]:
    if not hasattr(files, "keys"):
        raise TypeError(f"files must be a mapping of names to texts, not {type(files).__name__}")
    texts = dict(files)
    for name, text in texts.items():
        if not isinstance(name, str):
            raise TypeError(f"the names of files must be str, not {type(name).__name__}: {name!r}")
        _require_text(f"files[{name!r}]", text)
    return texts


def _require_text(argument: str, text: object) -> None:
    if not isinstance(text, (str, bytes)):
        raise TypeError(f"{argument} must be str or bytes, not {type(text).__name__}")
