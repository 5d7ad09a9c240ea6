"""The footer of a real Parquet file: Compact, deep, many small structs, in the peers that take any IDL file."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

from benches import report
from benches.measure import cpu_time
from benches.pairs import checked
from benches.peers import SHARED, thrift_codecs

IDL = SHARED / "idl" / "parquet" / "src" / "main" / "thrift" / "parquet.thrift"
COLUMNS, ROW_GROUPS, ROWS = 40, 20, 50


def section(work: Path, *, rounds: int, batch_seconds: float) -> str:
    """Measure the footer and return its section of the report."""
    try:
        footer = _footer()
    except (ImportError, FileNotFoundError) as error:
        return f"## Parquet footer\n\nNot here: {error}."
    found, missing = thrift_codecs(work, IDL)
    compact = [codec for codec in found if codec.wire == "compact"]
    struct = "FileMetaData"
    pairs = checked(compact, struct, lambda codec: codec.decode(struct, footer).run())
    parts = [
        "## Parquet footer",
        f"The `FileMetaData` of a file that pyarrow wrote: {COLUMNS} columns, {ROW_GROUPS} row groups, {len(footer):,} "
        "bytes of Compact, read with the format's own IDL; every codec writes it back alike.",
    ]
    for direction, statements in (("encode", pairs.encodes), ("decode", pairs.decodes)):
        samples = cpu_time(statements, rounds=rounds, batch_seconds=batch_seconds)
        parts += f"### {direction} Parquet footer", report.compare(samples, scale=1e6, unit="us")
    parts += [f"Not here: {line}." for line in missing]
    return "\n\n".join(parts)


def _footer() -> bytes:
    """Return the footer, without the length and the magic bytes that follow it in a file.

    Raises:
        ImportError: pyarrow is not installed.
        FileNotFoundError: The IDL of the format is not there.
    """
    import pyarrow
    from pyarrow import parquet

    if not IDL.is_file():
        raise FileNotFoundError("the IDL of Parquet (FASTTHRIFT_SHARED)")
    table: Any = pyarrow.table({f"column_{number}": _column(number) for number in range(COLUMNS)})
    out = io.BytesIO()
    parquet.write_table(table, out, row_group_size=ROWS)
    written = out.getvalue()
    length = int.from_bytes(written[-8:-4], "little")
    return written[-8 - length : -8]


def _column(number: int) -> list[object]:
    """Return a column's values, of one of four types by its number."""
    rows = range(ROW_GROUPS * ROWS)
    kinds: list[list[object]] = [
        [row * number for row in rows],
        [row / (number + 1) for row in rows],
        [f"text {row % 17}" for row in rows],
        [row % 3 == 0 for row in rows],
    ]
    return kinds[number % len(kinds)]
