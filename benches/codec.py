"""Encoding and decoding the same values: CPU time of one thread, every peer in the same rounds."""

from __future__ import annotations

from pathlib import Path

from benches import data, report
from benches.measure import Statement, cpu_time
from benches.peers import Codec, codecs

HEADED = ("small", "book")
"""The cases with a table of their own; the others share one."""


def run(work: Path, *, rounds: int, batch_seconds: float) -> str:
    """Measure every case in every codec and return the report."""
    found, missing = codecs(work)
    parts = [
        "# Codec",
        report.machine(),
        "CPU time of one thread for one call, garbage collector off as timeit does; all rows shuffled together in each "
        f"of {rounds} rounds. `small` is six scalar fields; `book` is a hundred people with lists, structs and a map. "
        "msgspec writes another format. `x ours` is against the first row, the median of the rounds' ratios: "
        "above one, fastthrift is faster.",
    ]
    others: dict[str, list[str]] = {codec.name: [codec.name] for codec in found}
    heads = [""]
    for case in data.cases(lambda _struct, fields: fields):
        encodes, decodes = _statements(found, case)
        for word, statements in (("encode", encodes), ("decode", decodes)):
            samples = cpu_time(statements, rounds=rounds, batch_seconds=batch_seconds)
            if case in HEADED:
                parts += f"## {word} {case}", report.compare(samples, scale=1e6, unit="us")
            else:
                heads.append(f"{case}, {word}")
                for name, sample in samples.items():
                    others[name].append(report.figure(sample.median * 1e6))
    parts += "## other shapes, median us", report.table(heads, list(others.values()))
    parts += [f"Not here: {line}." for line in missing]
    return "\n\n".join(parts) + "\n"


def _statements(found: list[Codec], case: str) -> tuple[dict[str, Statement], dict[str, Statement]]:
    """Return what each codec runs to encode and decode a case, once it is shown that they do the same work."""
    encodes: dict[str, Statement] = {}
    decodes: dict[str, Statement] = {}
    written: dict[str, bytes] = {}
    for codec in found:
        struct, fields = data.cases(codec.build)[case]
        encodes[codec.name] = codec.encode(struct, codec.build(struct, fields))
        encoded = bytes(encodes[codec.name].run())
        if written.setdefault(codec.wire, encoded) != encoded:
            raise AssertionError(f"{codec.name} writes {case} unlike the others")
        decodes[codec.name] = codec.decode(struct, encoded)
        if bytes(codec.encode(struct, decodes[codec.name].run()).run()) != encoded:
            raise AssertionError(f"{codec.name} does not read back what it wrote of {case}")
    return encodes, decodes
