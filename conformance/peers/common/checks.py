"""The calls that every client makes, and what it expects: for the clients that are written in Python.

The clients in other languages make the same ones under the same names. Each check has a connection of its own, so that
one that fails takes no other along.
"""

from __future__ import annotations

import math
import sys
import time
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, NamedTuple


class Setting(NamedTuple):
    """What a check needs: a way to connect, and the library that it runs with."""

    connect: Callable[..., AbstractContextManager[Any]]
    """Connects a client of the named IDL service, with the service's name for a multiplexing server if one is given."""
    types: Any
    application_exception: type[Exception]
    """Raised by a call that ended in an application exception; its `type` says which."""


UNKNOWN_METHOD = 1
MULTIPLEXED_NAME = "conformance"
"""What the servers call the service for clients that multiplex."""
USERNAME, PASSWORD = "conformance", "pass wörd"
"""Who may call where clients have to say who they are."""


def equal(came: Any, expected: Any) -> None:
    if type(came) is not type(expected) and not (isinstance(came, int) and isinstance(expected, int)):
        raise AssertionError(f"came {came!r:.200} of {type(came)}, expected {expected!r:.200}")
    if came != expected:
        raise AssertionError(f"came {came!r:.200}, expected {expected!r:.200}")


def echoes(echo: Callable[[Any], Any], *values: Any) -> None:
    for value in values:
        equal(echo(value), value)


def raises(kind: type[Exception], call: Callable[..., Any], *arguments: Any) -> Any:
    try:
        came = call(*arguments)
    except kind as error:
        return error
    raise AssertionError(f"came {came!r}, expected a {kind.__name__}")


def check_void(setting: Setting) -> None:
    with setting.connect() as client:
        for _ in range(3):
            equal(client.nothing(), None)


def check_numbers(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoBool, True, False)
        echoes(client.echoI8, 0, 1, -1, 127, -128)
        echoes(client.echoI16, 0, 1, -1, 2**15 - 1, -(2**15))
        echoes(client.echoI32, 0, 1, -1, 2**31 - 1, -(2**31))
        echoes(client.echoI64, 0, 1, -1, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63))


def check_doubles(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoDouble, 0.0, 1.0, -2.5, 0.1, 1 / 3, 1e300, -1e-300, 5e-324, sys.float_info.max)


def check_special_doubles(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoDouble, math.inf, -math.inf)
        came = client.echoDouble(math.nan)
        assert math.isnan(came), f"came {came}, expected nan"


def check_negative_zero(setting: Setting) -> None:
    with setting.connect() as client:
        came = client.echoDouble(-0.0)
        assert str(came) == "-0.0", f"came {came}, expected -0.0"


def check_strings(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(
            client.echoString,
            "",
            "plain",
            "größe \u20ac \U0001f409",
            'quote " slash / back \\ \b\f\n\r\t',
            "é" * 50_000,
        )


def check_control_characters(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoString, "\x01\x1f\x7f", "\u2028\ufeff")


def check_nul(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoString, "a\0b")


def check_binary(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoBinary, b"", b"\0", b"\xff\xfe", b"abc", bytes(range(256)), bytes(range(250)) * 800)


def check_enum(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoColour, setting.types.Colour.RED, setting.types.Colour.BLUE)


def check_containers(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoList, [], [1], [-1] * 14, [7] * 15, list(range(-1000, 1000)))
        echoes(client.echoSet, set(), {""}, {f"name {number}" for number in range(100)})
        echoes(client.echoMap, {}, {"": 0}, {f"name {number}": -number for number in range(100)})


def check_flags(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoFlags, [], [True], [True, False, True], [False] * 20)


def check_lists(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoLists, {"some": [1, 2, 3]}, {"none": []}, {"none": [], "some": [1], "more": [2, 3]})


def check_struct(setting: Setting) -> None:
    with setting.connect() as client:
        echoes(client.echoEverything, everything(setting.types), with_empty_containers(setting.types))


def check_union(setting: Setting) -> None:
    types = setting.types
    with setting.connect() as client:
        echoes(client.echoChoice, types.Choice(text="chosen"), types.Choice(number=-(2**40)))
        echoes(client.echoChoice, types.Choice(inner=types.Inner(text="in", number=1)), types.Choice(numbers=[1, 2]))


def check_recursion(setting: Setting) -> None:
    tree = setting.types.Tree(value=0, children=[])
    for value in range(1, 25):
        tree = setting.types.Tree(value=value, children=[tree, setting.types.Tree(value=-value, children=[])])
    with setting.connect() as client:
        echoes(client.echoTree, tree)


def check_defaults(setting: Setting) -> None:
    with setting.connect() as client:
        came = client.defaults()
    equal((came.number, came.text, list(came.numbers), came.flag), (42, "preset", [1, 2, 3], True))
    equal(came.nothing, None)


def check_arguments(setting: Setting) -> None:
    with setting.connect() as client:
        equal(client.several(2, 3, 4), -10)


def check_exceptions(setting: Setting) -> None:
    with setting.connect() as client:
        equal(client.check(7), 7)
        refused = raises(setting.types.Refused, client.check, -5)
        equal((refused.reason, refused.code), ("below zero", -5))
        equal(raises(setting.types.TooLate, client.check, 101).since, 101)
        equal(raises(setting.types.Refused, client.checkNothing, -1).code, -1)
        equal(client.checkNothing(0), None)


def check_crash(setting: Setting) -> None:
    with setting.connect() as client:
        raises(setting.application_exception, client.crash)
        equal(client.echoI32(1), 1)


def check_unknown_function(setting: Setting) -> None:
    with setting.connect("Later") as client:
        for _ in range(2):
            equal(raises(setting.application_exception, client.notYet).type, UNKNOWN_METHOD)


def check_later_version(setting: Setting) -> None:
    types = setting.types
    inner = types.Inner(text="inner", number=3)
    later = types.LaterInner(
        text="known",
        number=-9,
        flag=True,
        places={"place": [inner, inner], "none": []},
        reals={0.5, -1e300},
        raw=bytes(range(256)),
        choice=types.Choice(inner=inner),
        flags=[True, False, True],
        tiny=-128,
        large=-(2**63),
    )
    with setting.connect("Later") as client:
        came = client.echoInner(later, {1: later, 2: later})
    equal((came.text, came.number), ("known", -9))
    equal((came.flag, came.places, came.large), (None, None, None))


def check_oneway(setting: Setting) -> None:
    text = str(uuid.uuid4())
    with setting.connect() as client:
        equal(client.note(text), None)
        equal(client.echoI32(5), 5)
        until = time.monotonic() + 5
        while not client.wasNoted(text):
            assert time.monotonic() < until, "the server never got the note"
            time.sleep(0.01)


def check_many(setting: Setting) -> None:
    with setting.connect() as client:
        for number in range(200):
            equal(client.echoI32(number), number)


def check_multiplexed(setting: Setting) -> None:
    with setting.connect(multiplexed=MULTIPLEXED_NAME) as client:
        equal(client.echoI32(-3), -3)
        equal(raises(setting.types.Refused, client.check, -5).code, -5)


CHECKS: dict[str, Callable[[Setting], None]] = {
    name.removeprefix("check_").replace("_", "-"): check
    for name, check in list(globals().items())
    if name.startswith("check_")
}


def everything(types: Any) -> Any:
    inner = types.Inner(text="größe", number=-1)
    return types.Everything(
        yes=True,
        no=False,
        tiny=-128,
        small=-(2**15),
        medium=2**31 - 1,
        large=-(2**63),
        real=0.1,
        text="text \U0001f409",
        raw=bytes(range(256)),
        colour=types.Colour.GREEN,
        inner=inner,
        choice=types.Choice(number=5),
        numbers=[1, -1, 2**31 - 1],
        inners=[inner, types.Inner(text="", number=0)],
        marks={1, -1, 2**31 - 1},
        names={"a", "größe", ""},
        counts={"a": 1, "": -(2**63)},
        places={-1: inner, 2**31 - 1: types.Inner(text="x", number=9)},
        lists={"one": [1], "some": [1, 2, 3]},
        rows=[["a", "b"], [], ["c"]],
        far=True,
        here=-7,
    )


def with_empty_containers(types: Any) -> Any:
    value = everything(types)
    value.numbers, value.inners, value.rows = [], [], [[]]
    value.marks, value.names = set(), set()
    value.counts, value.places, value.lists = {}, {}, {}
    return value


def run(setting: Setting, only: str | None = None) -> int:
    """Make all checks, print a line for each, and return the exit code."""
    failed = False
    for name, check in CHECKS.items():
        if only in (None, name):
            try:
                check(setting)
            except Exception as error:  # noqa: BLE001 (whatever a library raises fails the check and no other)
                failed = True
                print(f"FAIL {name}: {type(error).__name__}: {str(error)[:300]!r}", flush=True)
            else:
                print(f"ok {name}", flush=True)
    return int(failed)
