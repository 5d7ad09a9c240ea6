"""What generated modules are made of: declarations, of which classes are made when they are first used.

``fastthrift gen python`` writes modules in these words. A class statement whose base is `Struct`, `Union`, `Exception`,
`Enum` or `Service` declares one; it makes no class yet. The last line of a module, `module`, takes the declarations out
of its names; whoever asks for one of them gets the class that loading the IDL would give.
"""

from __future__ import annotations

import sys

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
    namespaces: dict[str, str] | None = None,
    includes: Mapping[str, ModuleType] | None = None,
) -> None:
    """Make a module of the declarations among its names; this ends it.

    Args:
        namespace: The module's names: ``globals()``.
        program: The name of the IDL file without its extension.
        source: The name of the IDL file.
        namespaces: The ``namespace`` headers by their scope.
        includes: The modules of included files by the names under which the declarations know them.

    Raises:
        TypeError: An included module is not a generated one.
    """
    # In the order of the file: what a module had before it was loaded anew keeps its place among its names.
    names = [*namespace.get("__all__", ()), *namespace]
    declared = {name: namespace[name] for name in names if type(namespace.get(name)) is _Declaration}
    for name in declared:
        del namespace[name]
    included: list[tuple[str, _core.GeneratedModule]] = []
    for name, found in (includes or {}).items():
        generated = vars(found).get("__thrift_generated__")
        if generated is None:
            raise TypeError(f"{found.__name__} is no generated module")
        included.append((name, generated))
    made = _core.GeneratedModule(
        namespace["__name__"],
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
    namespace["__getattr__"] = made
    namespace["__dir__"] = lambda: list(shown)
    made.publish()


if not TYPE_CHECKING:

    def __getattr__(name: str) -> object:
        if name != "AsyncClient":
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from fastthrift.aio._client import TypedClient

        setattr(sys.modules[__name__], name, TypedClient)
        return TypedClient
