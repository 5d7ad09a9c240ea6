"""The failures that are known, each with its reason: what `known_failures.txt` says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import NamedTuple

from conformance.cells import Cell

FILE = Path(__file__).with_name("known_failures.txt")


class Entry(NamedTuple):
    """A line of the file: which checks of which cells fail, and why."""

    line: int
    patterns: tuple[tuple[str, ...], ...]
    """For the client, the server, the carrier, the transport, the protocol and the check, what each may be."""
    reason: str
    is_steady: bool = True
    """Whether they fail each time; others may pass."""

    def matches(self, cell: Cell, check: str) -> bool:
        """Return whether the entry says that this check of this cell fails."""
        names = (cell.client, cell.server, *cell.speech, check)
        return all(
            any(fnmatchcase(name, one) for one in alternatives)
            for name, alternatives in zip(names, self.patterns, strict=True)
        )


def read(file: Path = FILE) -> list[Entry]:
    """Read the entries.

    Raises:
        ValueError: A line has not six patterns and a reason.
    """
    return list(_parse(file.read_text(encoding="utf-8").splitlines()))


def _parse(lines: Iterable[str]) -> Iterator[Entry]:
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("#"):
            continue
        patterns, bar, reason = line.partition("|")
        columns = patterns.split()
        if len(columns) != 6 or not bar or not reason.strip():
            raise ValueError(f"{FILE.name}:{number}: expected six patterns, a bar and a reason")
        is_steady = not columns[-1].startswith("~")
        columns[-1] = columns[-1].removeprefix("~")
        yield Entry(number, tuple(tuple(column.split(",")) for column in columns), reason.strip(), is_steady)
