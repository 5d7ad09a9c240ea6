"""Results as Markdown: tables, the machine they were measured on, and the files they are kept in."""

from __future__ import annotations

import datetime
import os
import platform
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from benches.measure import Sample

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "benchmarks"
OURS = "fastthrift"
"""The subject whose ratio is one, by the start of its name."""


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table; the first column is text, the others are figures."""
    lines = [_row(head), "|".join(["", "---", *["--:"] * (len(head) - 1), ""]), *map(_row, rows)]
    return "\n".join(lines)


def compare(samples: Mapping[str, Sample], *, scale: float, unit: str, rivals: Mapping[str, str] | None = None) -> str:
    """Return a table of samples: median, spread, and how many times ours.

    Args:
        samples: The measurements by subject; the first one whose name is ours is the measure of the others.
        scale: What to multiply a measurement with to get it in `unit`.
        unit: The unit that the head names.
        rivals: By subject the one of ours that is closest to it; adds a column of ratios to that one.
    """
    head = ["", f"median, {unit}", "p10 - p90", "x ours"]
    rows = [
        [name, figure(sample.median * scale), spread(sample, scale), _ratio(sample, ours(samples))]
        for name, sample in samples.items()
    ]
    if rivals is not None:
        head.append("x ours of its kind")
        for row, (name, sample) in zip(rows, samples.items(), strict=True):
            row.append(_ratio(sample, samples.get(rivals[name])))
    return table(head, rows)


def ours(samples: Mapping[str, Sample]) -> Sample | None:
    """Return the measure of the others: the first sample whose name is ours."""
    return next((sample for name, sample in samples.items() if name.startswith(OURS)), None)


def _ratio(sample: Sample, other: Sample | None) -> str:
    return f"{sample.ratio_to(other):.2f}" if other else ""


def figure(value: float) -> str:
    """Return a number with about three significant digits."""
    digits = 3 if value < 0.1 else 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{digits}f}"


def spread(sample: Sample, scale: float = 1.0) -> str:
    """Return the tenth and the ninetieth percentile of a sample."""
    return f"{figure(sample.quantile(0.1) * scale)} - {figure(sample.quantile(0.9) * scale)}"


def machine() -> str:
    """Return one paragraph that says where and with what the figures were measured."""
    flags = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = "with" if "--enable-optimizations" in flags else "without"
    peers = ", ".join(f"{name} {number}" for name in _DISTRIBUTIONS if (number := _version(name)))
    return (
        f"Measured on {datetime.date.today().isoformat()}: {processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, CPython {platform.python_version()} {optimised} profile-guided "
        f"optimisation. Peers: {peers}."
    )


def publish(name: str, text: str, *, write: bool) -> None:
    """Print a part's report, and keep it in the documentation when asked to."""
    print(text, flush=True)
    if write:
        FOLDER.mkdir(parents=True, exist_ok=True)
        (FOLDER / f"{name}.md").write_text(f"{text.rstrip()}\n")
        print(f"(written to docs/benchmarks/{name}.md)", file=sys.stderr)


_DISTRIBUTIONS = ("thriftpy2", "thrift", "grpcio", "msgspec", "thriftrs2", "protobuf", "orjson", "pyarrow", "numpy")


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None


def processor() -> str:
    """Return the name of the processor, or of its kind where the system does not tell."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
