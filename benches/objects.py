"""Objects in use: making one, comparing, printing, reading and setting a field, and the memory that one takes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benches import data, memory, report
from benches.measure import Statement, cpu_time
from benches.peers import Codec, codecs

KINDS: Mapping[str, str] = {
    "fastthrift binary": "fastthrift",
    "msgspec msgpack": "msgspec Struct",
    "msgspec msgpack, arrays, gc=False": "msgspec Struct, gc=False",
    "thriftpy2 cybin": "thriftpy2",
    "Apache binary, accelerated": "Apache",
    "Apache binary, accelerated, slots": "Apache, slots",
    "thriftrs2 binary, lazy instances": "thriftrs2",
    "protobuf upb, serialize / parse only": "protobuf upb",
    "pickle 5, slots dataclass": "dataclass, slots",
    "orjson, dicts": "dict",
}
"""The kinds of object: the codec that makes each, and its name in the report."""

USES = ("construct", "==", "repr", "get", "set")

ABOUT = """\
The struct `small`: six scalar fields. CPU time of one thread, garbage collector off; all rows shuffled together in each
of {rounds} rounds. `construct` passes every field by keyword (a dict: a display). `==` compares two objects of equal
fields; where it is empty, the objects compare by identity alone. `get` and `set` are one attribute (a dict: one item),
the loop around it included. The figures are medians with the tenth and ninetieth percentile; `x ours` is the median of
the rounds' ratios: above one, fastthrift is faster."""

ABOUT_MEMORY = """\
{count:,} objects in a list, each row in a fresh process: the resident memory that they add, over their number.
`shared values`: all hold the same six values, so it is the object alone. `decoded`: each is decoded from bytes and has
values of its own (thriftrs2 and protobuf keep them in memory of their own, and make Python's when asked)."""


def run(work: Path, *, rounds: int, batch_seconds: float) -> str:
    """Measure every use of every kind of object, then the memory, and return the report.

    Args:
        work: A folder for generated code.
        rounds: How often each use is measured.
        batch_seconds: About how long one measurement repeats it.
    """
    found, missing = codecs(work)
    kinds = {KINDS[codec.name]: codec for codec in found if codec.name in KINDS}
    parts = ["# Objects", report.machine(), ABOUT.format(rounds=rounds)]
    for use in USES:
        statements = {name: statement for name, codec in kinds.items() if (statement := _statement(codec, use))}
        samples = cpu_time(statements, rounds=rounds, batch_seconds=batch_seconds)
        parts += f"## {use}", report.compare(samples, scale=1e9, unit="ns")
    parts += "## Memory of one object", ABOUT_MEMORY.format(count=memory.OBJECTS), _memory(kinds, work)
    parts += [f"Not here: {line}." for line in missing]
    return "\n\n".join(parts) + "\n"


def _statement(codec: Codec, use: str) -> Statement | None:
    """Return the statement of a use, or nothing where the objects have no such thing."""
    value, other = (codec.build("Small", data.small()) for _ in range(2))
    is_dict = isinstance(value, dict)
    if use == "construct":
        return _construct(codec.type_of("Small"), is_dict=is_dict)
    if use == "==" and value != other:
        return None
    place = "value['id']" if is_dict else "value.id"
    code = {"==": "value == other", "repr": "repr(value)", "get": place, "set": f"{place} = 5"}[use]
    return Statement(code, {"value": value, "other": other})


def _construct(cls: Callable[..., Any], *, is_dict: bool) -> Statement:
    fields = data.small()
    pairs = ", ".join(f"{name!r}: {name}" if is_dict else f"{name}={name}" for name in fields)
    return Statement(f"{{{pairs}}}" if is_dict else f"cls({pairs})", {**fields, "cls": cls})


def _memory(kinds: Mapping[str, Codec], work: Path) -> str:
    rows = [
        [name, *(f"{memory.of_one(codec.name, way, work):.0f}" for way in memory.WAYS)] for name, codec in kinds.items()
    ]
    return report.table(["bytes", "shared values", "decoded"], rows)
