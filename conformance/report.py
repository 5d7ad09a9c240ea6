"""Judges what came of a run by what is known to fail, and lays it out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from conformance.cells import PROTOCOLS, TRANSPORTS, Cell, Speech
from conformance.known import FILE, Entry
from conformance.suite import Outcome

LEGEND = "+ passes   k fails as known   F fails   U passes although known to fail   . not spoken by both"


class Verdict(NamedTuple):
    """What is to be said of a run."""

    signs: dict[Cell, str]
    errors: list[str]
    """What makes the run fail, a line each."""
    known: int
    """How many checks failed as known."""


def judge(outcomes: Iterable[Outcome], entries: Sequence[Entry], *, is_whole: bool) -> Verdict:
    """Compare what happened with what is known; lines that name nothing are errors where the run was whole."""
    signs: dict[Cell, str] = {}
    errors: list[str] = []
    used: set[int] = set()
    known = 0
    for cell, checks in outcomes:
        signs[cell] = "+"
        if len(told := set(checks.values())) == 1 and len(checks) > 1 and None not in told:
            signs[cell] = "F"
            errors.append(f"FAIL {cell}: each check: {told.pop()}")
            continue
        for check, message in checks.items():
            entry = next((entry for entry in entries if entry.matches(cell, check)), None)
            if entry is not None:
                used.add(entry.line)
            if message is not None and entry is not None:
                known += 1
                signs[cell] = max(signs[cell], "k", key="+kUF".index)
            elif message is not None:
                signs[cell] = "F"
                errors.append(f"FAIL {cell}: {check}: {message}")
            elif entry is not None and entry.is_steady:
                signs[cell] = max(signs[cell], "U", key="+kUF".index)
                errors.append(f"PASS {cell}: {check} passes, although {FILE.name}:{entry.line} says that it fails")
    if is_whole:
        errors += [f"STALE {FILE.name}:{entry.line} names nothing" for entry in entries if entry.line not in used]
    return Verdict(signs, errors, known)


def table(signs: dict[Cell, str]) -> Iterator[str]:
    """Yield the lines of the table: a row for each pair of libraries and carrier, a letter for each protocol."""
    titles = "  ".join(f"{transport:8}" for transport in TRANSPORTS)
    letters = "  ".join(f"{' '.join(protocol[0].upper() for protocol in PROTOCOLS):8}" for _ in TRANSPORTS)
    yield f"{'client':24} {'server':15} {'carrier':7}  {titles}"
    yield f"{'':48}  {letters}"
    rows = dict.fromkeys((cell.client, cell.server, cell.speech.carrier) for cell in signs)
    for client, server, carrier in sorted(rows):
        groups = [
            " ".join(signs.get(Cell(client, server, Speech(carrier, transport, name)), ".") for name in PROTOCOLS)
            for transport in TRANSPORTS
        ]
        yield f"{client:24} {server:15} {carrier:7}  " + "  ".join(f"{group:8}" for group in groups).rstrip()
    yield LEGEND
