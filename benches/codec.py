"""Encoding and decoding the same values: CPU time of one thread, every peer in the same rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from benches import arrays, data, footer, large, plot, report
from benches.measure import Sample, cpu_time
from benches.pairs import Pairs, checked
from benches.peers import Codec, codecs

HEADED = ("small", "book")
"""The cases with a table of their own and a panel in the plot; the others share two tables."""

ABOUT = """\
CPU time of one thread for one call, garbage collector off as timeit does; all rows shuffled together in each of
{rounds} rounds. A row whose call takes long takes part in fewer of them, in three at least. `small` is six scalar
fields; `book` is a hundred people with lists, structs and a map. Every codec is shown to read back what it wrote before
it is timed, and those of one wire format to write the same bytes. msgspec, protobuf, orjson and pickle write other
formats.

`x ours` is against the first row, the median of the rounds' ratios: above one, fastthrift is faster. `x ours of its
kind` is against the row of ours that comes closest: Compact for Compact, `json` for Thrift's JSON, `simplejson` for
other JSON."""


@dataclass(frozen=True)
class Measured:
    """The samples of one case in one direction, in seconds, by codec."""

    case: str
    direction: str
    samples: Mapping[str, Sample]


def run(work: Path, *, rounds: int, batch_seconds: float, quick: bool, write: bool) -> str:
    """Measure every case in every codec and return the report.

    Args:
        work: A folder for generated code.
        rounds: How often each codec is measured.
        batch_seconds: About how long one measurement repeats a call.
        quick: Whether the large message is to be a small one.
        write: Whether to keep the plot in the documentation.
    """
    found, missing = codecs(work)
    rivals = {codec.name: f"{report.OURS} {codec.rival}" for codec in found}
    parts = ["# Codec", report.machine(), ABOUT.format(rounds=rounds)]
    headed: list[Measured] = []
    others: list[Measured] = []
    for case in data.cases(data.plain):
        pairs = _pairs(found, case)
        for direction, statements in (("encode", pairs.encodes), ("decode", pairs.decodes)):
            samples = cpu_time(statements, rounds=rounds, batch_seconds=batch_seconds)
            (headed if case in HEADED else others).append(Measured(case, direction, samples))
        if case in HEADED:
            parts += (_headed(measured, rivals) for measured in headed[-2:])
    if write:
        plot.draw([_panel(measured) for measured in headed])
    parts += (_others(direction, others, list(rivals)) for direction in ("encode", "decode"))
    parts.append(footer.section(work, rounds=rounds, batch_seconds=batch_seconds))
    parts.append(arrays.section(rounds=rounds, batch_seconds=batch_seconds))
    parts.append(large.section(work, quick=quick))
    parts += [f"Not here: {line}." for line in missing]
    return "\n\n".join(parts) + "\n"


def _pairs(found: list[Codec], case: str) -> Pairs:
    able = [codec for codec in found if case not in codec.lacks]
    struct = data.cases(data.plain)[case][0]
    return checked(able, struct, lambda codec: codec.build(struct, data.cases(codec.build)[case][1]))


def _headed(measured: Measured, rivals: Mapping[str, str]) -> str:
    return f"## {measured.direction} {measured.case}\n\n" + report.compare(
        measured.samples, scale=1e6, unit="us", rivals=rivals
    )


def _panel(measured: Measured) -> plot.Panel:
    ours = report.ours(measured.samples)
    ratios = [(name, sample.ratio_to(ours)) for name, sample in measured.samples.items()] if ours else []
    return plot.Panel(f"{measured.direction} {measured.case}", ratios)


def _others(direction: str, measured: list[Measured], names: list[str]) -> str:
    columns = [each for each in measured if each.direction == direction]
    rows = [[name, *(_cell(name, column.samples) for column in columns)] for name in names]
    title = f"## {direction} other shapes: median us, and in brackets x ours"
    return f"{title}\n\n" + report.table(["", *(column.case for column in columns)], rows)


def _cell(name: str, samples: Mapping[str, Sample]) -> str:
    if name not in samples:
        return ""
    ours = report.ours(samples)
    ratio = f" ({report.figure(samples[name].ratio_to(ours))})" if ours else ""
    return report.figure(samples[name].median * 1e6) + ratio
