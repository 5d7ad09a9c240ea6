"""Calling plain functions in threads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

    _T = TypeVar("_T")


def plainly(function: Callable[..., _T], *arguments: Any) -> _T:
    """Call a function, and let out no `StopIteration`: no future can hold it, so nobody would hear of it.

    Raises:
        RuntimeError: It raised that, as a generator says in its place.
    """
    try:
        return function(*arguments)
    except StopIteration as error:
        raise RuntimeError(f"{function!r} raised StopIteration") from error
