"""Signatures of classes and functions, made when somebody asks for them."""

from __future__ import annotations

import inspect

from fastthrift._core import Union


def constructor_signature(cls: type, names: tuple[str, ...], defaults: tuple[object, ...]) -> inspect.Signature:
    """Return the signature of a generated class."""
    annotations = inspect.get_annotations(cls)
    by_name = issubclass(cls, Union)
    kind = inspect.Parameter.KEYWORD_ONLY if by_name else inspect.Parameter.POSITIONAL_OR_KEYWORD
    return inspect.Signature(
        [
            inspect.Parameter(name, kind, default=default, annotation=annotations.get(name, inspect.Parameter.empty))
            for name, default in zip(names, defaults, strict=True)
        ]
    )


def function_signature(parameters: tuple[tuple[str, str, object], ...], returns: str) -> inspect.Signature:
    """Return the signature of a service's function, as a method: each parameter with its annotation and default."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    receiver = "self"
    while any(receiver == name for name, _, _ in parameters):
        receiver = f"_{receiver}"
    named = [inspect.Parameter(receiver, inspect.Parameter.POSITIONAL_ONLY)]
    # What has no default must be given, and so, in Python, must all before it.
    needed = max((place for place, (_, _, default) in enumerate(parameters) if default is None), default=-1)
    for place, (name, annotation, default) in enumerate(parameters):
        value = inspect.Parameter.empty if place <= needed else default
        named.append(inspect.Parameter(name, kind, default=value, annotation=annotation))
    return inspect.Signature(named, return_annotation=returns)
