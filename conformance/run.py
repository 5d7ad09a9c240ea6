"""Runs the conformance suite: every peer calls fastthrift and is called by it, in each way that both can speak.

Prints a table and what failed. Exits with 1 when something failed that `known_failures.txt` does not name, or did not
fail although it names it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conformance import known, report
from conformance.build import BuildError, build, build_ours, missing_tool
from conformance.certificates import make_certificates
from conformance.libraries import CRATE, CRATE_BLOCKING, ENGINES, OURS, PEERS
from conformance.suite import Job, Runner, can_speak, jobs

TOLD = 100
"""How many errors are printed; the table has the others' cells."""


def main() -> int:
    """Build what can be built, run what is asked for, and return the exit code."""
    asked = _arguments()
    entries = known.read()
    peers = [name for name in PEERS if not asked.peer or name in asked.peer]
    built, skipped, broken = _build([CRATE.name, *peers])
    ours = [name for name in OURS if name in ENGINES or name in built]
    wanted = [_narrowed(job, asked.only) for job in jobs([name for name in peers if name in built], ours)]
    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder, ThreadPoolExecutor(asked.jobs) as pool:
        runner = Runner(built, make_certificates(Path(folder)))
        groups = pool.map(runner.run, [job for job in wanted if job.cells])
        outcomes = [outcome for group in groups for outcome in group]
    verdict = report.judge(outcomes, entries, is_whole=not (asked.only or skipped or broken or len(peers) < len(PEERS)))
    told = verdict.errors[:TOLD]
    left = [f"and {len(verdict.errors) - TOLD} more"] if len(verdict.errors) > TOLD else []
    for line in [*report.table(verdict.signs), "", *told, *left, *broken, *skipped]:
        print(line)
    checks = sum(len(outcome.checks) for outcome in outcomes)
    print(
        f"conformance: {len(outcomes)} cells, {checks} checks in {time.monotonic() - start:.0f} s: "
        f"{verdict.known} failed as known, {len(verdict.errors) + len(broken)} errors, {len(skipped)} peers skipped"
    )
    return 1 if verdict.errors or broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m conformance.run", description=(__doc__ or "").splitlines()[0])
    parser.add_argument(
        "--only",
        default="",
        metavar="WORDS",
        help="only the cells that have all these words, as in 'cpp tcp framed binary'",
    )
    parser.add_argument("--peer", action="append", choices=PEERS, help="only with this peer; may be given again")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="how many servers run at once")
    return parser.parse_args()


def _build(peers: list[str]) -> tuple[dict[str, Path], list[str], list[str]]:
    """Return where the peers lie, what to say of those whose tools are missing, and of those that do not build."""
    built: dict[str, Path] = {}
    skipped: list[str] = []
    broken: list[str] = []
    for name in peers:
        start = time.monotonic()
        peer = CRATE if name == CRATE.name else PEERS[name]
        missing = missing_tool(peer)
        if missing is not None:
            skipped.append(f"SKIPPED {name}: this fails here: {missing}")
            print(skipped[-1], flush=True)
            continue
        try:
            built[name] = build_ours() if peer is CRATE else build(peer)
            print(f"built {name} in {time.monotonic() - start:.0f} s", flush=True)
        except BuildError as error:
            broken.append(f"BROKEN {name}: {error}")
    if CRATE.name in built:
        built[CRATE_BLOCKING.name] = built[CRATE.name]
    return built, skipped, broken


def _narrowed(job: Job, only: str) -> Job:
    """Leave of a job the cells that both libraries can speak and that were asked for."""
    words = set(only.split())
    cells = tuple(cell for cell in job.cells if can_speak(cell) and words <= set(str(cell).split()))
    return job._replace(cells=cells)


if __name__ == "__main__":
    sys.exit(main())
