"""Lists of numbers as numpy arrays, both ways, beside lists and beside a copy of as many bytes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import fastthrift

from benches import data, report
from benches.measure import Statement, cpu_time
from benches.peers import BENCH

CASES = {"10k double": "float64", "10k i64": "int64"}

ABOUT = """\
The field is a numpy array when it is encoded, and `arrays="numpy"` asks for one when it is decoded; {count:,} numbers.
`copy` is `bytes(buffer)` of the same size, the least that either way can cost."""


def section(*, rounds: int, batch_seconds: float) -> str:
    """Measure both types of number in both directions and return the section of the report."""
    title = "## Lists of numbers as numpy arrays"
    try:
        tables = list(_tables(rounds, batch_seconds))
    except (ImportError, NotImplementedError, TypeError, ValueError) as error:
        # The package that is built may be one without arrays; what it says is the reason.
        return f"{title}\n\nNot here: {error}."
    return "\n\n".join([title, ABOUT.format(count=10_000), *tables])


def _tables(rounds: int, batch_seconds: float) -> Iterator[str]:
    import numpy as np

    module = fastthrift.load(BENCH)
    for case, dtype in CASES.items():
        struct, fields = data.cases(data.plain)[case]
        cls = getattr(module, struct)
        array = np.array(fields["values"], dtype=dtype)
        encodes, decodes = _statements(cls, fields["values"], array)
        for direction, statements in (("encode", encodes), ("decode", decodes)):
            samples = cpu_time(statements, rounds=rounds, batch_seconds=batch_seconds)
            yield f"### {direction} {case}"
            yield report.compare(samples, scale=1e6, unit="us")


def _statements(cls: Any, values: list[Any], array: Any) -> tuple[dict[str, Statement], dict[str, Statement]]:
    """Return the statements of both directions, once it is shown that arrays and lists are the same on the wire."""
    serialize: Any = fastthrift.serialize
    deserialize: Any = fastthrift.deserialize
    encodes: dict[str, Statement] = {}
    decodes: dict[str, Statement] = {}
    for protocol in ("binary", "compact"):
        of_list, of_array = cls(values=values), cls(values=array)
        encoded = serialize(of_list, protocol)
        if serialize(of_array, protocol) != encoded:
            raise AssertionError(f"an array is written unlike a list in {protocol}")
        if deserialize(cls, encoded, protocol, arrays="numpy").values.tolist() != values:
            raise AssertionError(f"an array is not read back in {protocol}")
        names = {"serialize": serialize, "deserialize": deserialize, "cls": cls, "data": encoded}
        for kind, value, option in (("numpy", of_array, ", arrays='numpy'"), ("list", of_list, "")):
            name = f"{report.OURS} {protocol}, {kind}"
            encodes[name] = Statement(f"serialize(value, {protocol!r})", {**names, "value": value})
            decodes[name] = Statement(f"deserialize(cls, data, {protocol!r}{option})", names)
    copy = Statement("bytes(buffer)", {"buffer": memoryview(array)})
    return {**encodes, "copy": copy}, {**decodes, "copy": copy}
