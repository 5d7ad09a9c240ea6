"""What generated modules are made of: declarations, of which classes are made when they are first used.

``fastthrift gen python`` writes modules in these words. A class statement whose base is `Struct`, `Union`, `Exception`,
`Enum` or `Service` declares one; it makes no class yet. The last line of a module, `module`, takes the declarations out
of its names; whoever asks for one of them gets the class that loading the IDL would give.
"""

from __future__ import annotations

import sys
import threading
from importlib import import_module, reload

from fastthrift import _core
from fastthrift._core import Client

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from types import ModuleType
    from typing import Any, TypeVar
    from uuid import UUID as uuid  # noqa: N811 (Thrift's name)

    from fastthrift.aio._client import TypedClient as AsyncClient

    _F = TypeVar("_F", bound=Callable[..., Any])
else:
    uuid = "uuid.UUID"

__all__ = [
    "AsyncClient",
    "Client",
    "Enum",
    "Exception",
    "Service",
    "Struct",
    "Union",
    "binary",
    "const",
    "double",
    "field",
    "function",
    "i8",
    "i16",
    "i32",
    "i64",
    "module",
    "package",
    "string",
    "typedef",
    "uuid",
    "value",
]

# Thrift's scalar types, as Python has them. (`bool` is Python's own.)
i8 = i16 = i32 = i64 = int
double = float
string = str
binary = bytes


class _Declaration(tuple):  # type: ignore[type-arg]
    """What is declared under a name: the kind, what it was given or the class's body, and options."""

    __slots__ = ()


class _Declaring(type):
    """Keeps the bodies of class statements instead of making classes."""

    def __new__(
        mcs, name: str, bases: tuple[type, ...], namespace: dict[str, Any], /, **options: Any
    ) -> Any:  # what it is depends on whether it declares
        if bases:
            return _Declaration((bases[0].__name__, namespace, options))
        return super().__new__(mcs, name, bases, namespace)


class Struct(metaclass=_Declaring):
    """Declares a struct."""


class Union(metaclass=_Declaring):
    """Declares a union."""


class Exception(metaclass=_Declaring):  # noqa: A001 (Thrift's word)
    """Declares an exception."""


class Enum(metaclass=_Declaring):
    """Declares an enum."""


class Service(metaclass=_Declaring):
    """Declares a service; its methods are the functions."""


def field(
    id: int,  # noqa: A002 (Thrift's word)
    *,
    default: Any = None,
    required: bool = False,
    optional: bool = False,
    name: str | None = None,
    doc: str | None = None,
    annotations: Mapping[str, str] | None = None,
) -> Any:
    """Declare a field of a struct, or an argument of a function.

    Args:
        id: The number on the wire.
        default: The default value as plain data: an enum's value is its name, a struct a dict, a set a list.
        required: Whether the IDL says ``required``.
        optional: Whether the IDL says ``optional``.
        name: The name in the IDL, where Python cannot have it.
        doc: The doc comment.
        annotations: The annotations.
    """
    return (id, default, 2 if required else int(optional), name, doc, annotations)


def value(number: int, *, name: str) -> Any:
    """Declare a value of an enum whose name in the IDL Python cannot have."""
    return (number, name)


def const(type: str, value: Any, *, name: str | None = None) -> Any:  # noqa: A002 (Thrift's word)
    """Declare a constant, its value as plain data."""
    return _Declaration(("const", (type, value), {"name": name}))


def typedef(type: str, *, name: str | None = None) -> Any:  # noqa: A002 (Thrift's word)
    """Declare another name for a type."""
    return _Declaration(("typedef", (type,), {"name": name}))


def function(
    *,
    oneway: bool = False,
    throws: Mapping[str, tuple[int, str]] | None = None,
    name: str | None = None,
    annotations: Mapping[str, str] | None = None,
    doc: str | None = None,
) -> Callable[[_F], _F]:
    """Declare more of a function than its parameters.

    Args:
        oneway: Whether no reply is sent.
        throws: The exceptions, number and type by name.
        name: The name in the IDL, where Python cannot have it.
        annotations: The annotations.
        doc: The doc comment, where a docstring cannot say it.
    """
    options = {"oneway": oneway, "throws": throws or {}, "name": name, "annotations": annotations, "doc": doc}

    def declare(function: _F) -> _F:
        function.__dict__["__thrift__"] = options
        return function

    return declare


def module(
    namespace: dict[str, Any],
    *,
    program: str,
    source: str,
    package: str | None = None,
    namespaces: dict[str, str] | None = None,
    includes: Mapping[str, ModuleType | str] | None = None,
) -> None:
    """Make a module of the declarations among its names; this ends it.

    Args:
        namespace: The module's names: ``globals()``.
        program: The name of the IDL file without its extension.
        source: The name of the IDL file.
        package: The package that hands the classes on, which they are of: ``__package__``; None for the module itself.
        namespaces: The ``namespace`` headers by their scope.
        includes: The modules of included files, or their names, by the names under which the declarations know them.
            Those that are named are imported when the import that is going on has come to its end.

    Raises:
        TypeError: An included module is not a generated one.
    """
    # In the order of the file: what a module had before it was loaded anew keeps its place among its names.
    names = [*namespace.get("__all__", ()), *namespace]
    declared = {name: namespace[name] for name in names if type(namespace.get(name)) is _Declaration}
    for name in declared:
        del namespace[name]
    included = [*(includes or {}).items()]
    for _, found in included:
        if not isinstance(found, str) and "__thrift_generated__" not in vars(found):
            raise TypeError(f"{found.__name__} is no generated module")
    made = _core.GeneratedModule(
        namespace["__name__"],
        package or namespace["__name__"],
        program,
        source,
        namespace.get("__doc__"),
        namespaces,
        included,
        declared,
        namespace,
    )
    shown = sorted([*declared, *(name for name in includes or () if not name.startswith("_"))])
    namespace["__thrift_generated__"] = made
    namespace["__thrift_namespaces__"] = namespaces or {}
    namespace["__thrift_includes__"] = dict(included)
    namespace["__getattr__"] = made
    namespace["__dir__"] = lambda: list(shown)
    made.publish()
    _import([(namespace, alias, found) for alias, found in included if isinstance(found, str)])


class _Waiting(threading.local):
    """The modules that a thread will import, and where their names go; None while it imports none."""

    names: list[tuple[dict[str, Any], str, str]] | None = None


_waiting = _Waiting()


def _import(names: list[tuple[dict[str, Any], str, str]]) -> None:
    """Import modules one after another, however long the chain is in which they include one another."""
    if _waiting.names is not None:
        _waiting.names.extend(names)
        return
    _waiting.names = names
    try:
        # The list grows meanwhile.
        for namespace, alias, name in _waiting.names:
            namespace.setdefault(alias, import_module(name))
    finally:
        _waiting.names = None


def package(name: str, *files: str) -> None:
    """Make a namespace's package hand on what the modules of its files declare, and what they include; this ends it.

    Args:
        name: The package's name: ``__name__``.
        files: The names of the modules in the package.
    """
    namespace = vars(sys.modules[name])
    before: dict[str, ModuleType] | None = namespace.get("__thrift_files__")
    homes: dict[str, ModuleType] = {}
    included: dict[str, str] = {}
    namespaces: dict[str, str] = {}
    loaded = {file: import_module(f"{name}.{file}") for file in files}
    for file, found in loaded.items():
        if before and before.get(file) is found:
            reload(found)
        for declared in found.__all__:
            homes.setdefault(declared, found)
            namespace.pop(declared, None)  # what there was before the package was loaded anew
        included = {**found.__thrift_includes__, **included}
        namespaces = {**found.__thrift_namespaces__, **namespaces}
        namespace["__doc__"] = namespace.get("__doc__") or found.__doc__
    # How the package knew this module is no name of its own.
    for own in [own for own, known in namespace.items() if known is sys.modules[__name__]]:
        del namespace[own]

    def get(wanted: str) -> object:
        if wanted not in homes:
            raise AttributeError(f"module {name!r} has no attribute {wanted!r}")
        namespace[wanted] = found = getattr(homes[wanted], wanted)
        return found

    shown = sorted({*homes, *(alias for alias in included if not alias.startswith("_"))})
    namespace["__all__"] = [*homes]
    namespace["__thrift_files__"] = loaded
    namespace["__thrift_namespaces__"] = namespaces
    namespace["__getattr__"] = get
    namespace["__dir__"] = lambda: list(shown)
    _import([(namespace, alias, known) for alias, known in included.items() if alias not in homes])


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "AsyncClient":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from fastthrift.aio._client import TypedClient

        setattr(sys.modules[__name__], name, TypedClient)
        return TypedClient
