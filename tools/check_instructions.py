"""The speed gate: how many instructions the Rust walk takes for fixed values, against counts that the repository keeps.

It builds an example of fastthrift-dynamic, runs it under callgrind and counts what the example's own code executes:
the C library is left out, whose `memcpy` differs from processor to processor. So the counts depend on the sources and
on the compiler alone, and a run on a busy machine is as good as any. Prints one line a finding, and exits with 1 if a
case takes more than it may. Where callgrind is not installed it says so and exits with 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEPT = ROOT / "crates" / "fastthrift-dynamic" / "instructions.tsv"
CRATE, EXAMPLE, FUNCTION = "fastthrift-dynamic", "instructions", "instructions::measured"
MACHINE = "x86_64"
TOLERANCE = 3
"""By how many percent of the kept count one may differ."""
TOLERANCE_OF_OTHER_COMPILER = 15
"""The same where another compiler made the kept counts."""
UPDATE = "`make check-instructions UPDATE=1` keeps the new counts"


@dataclass(frozen=True)
class Counts:
    """The instructions of each case, and the compiler whose code they are of."""

    compiler: str
    cases: Mapping[str, int]

    def text(self) -> str:
        """Return what the kept file holds."""
        lines = [f"# {self.compiler}", *(f"{case}\t{count}" for case, count in self.cases.items())]
        return "\n".join(lines) + "\n"

    @classmethod
    def parse(cls, text: str) -> Counts:
        """Read what `text` wrote."""
        head, *lines = text.splitlines()
        pairs = (line.split("\t") for line in lines)
        return cls(head.removeprefix("# "), {case: int(count) for case, count in pairs})


@dataclass(frozen=True)
class Finding:
    """A case that differs, and whether that fails the check."""

    text: str
    fails: bool


def compare(kept: Counts, found: Counts) -> Iterator[Finding]:
    """Yield a finding for each case that takes more or fewer instructions than it may, is new, or is gone."""
    tolerance = TOLERANCE
    if kept.compiler != found.compiler:
        tolerance = TOLERANCE_OF_OTHER_COMPILER
        yield Finding(f"the kept counts are of {kept.compiler}, these of {found.compiler}: {UPDATE}", fails=False)
    for case in kept.cases.keys() - found.cases.keys():
        yield Finding(f"{case}: no such case any more: {UPDATE}", fails=True)
    for case, count in found.cases.items():
        before = kept.cases.get(case)
        if before is None:
            yield Finding(f"{case}: {count:,}, a new case: {UPDATE}", fails=True)
            continue
        change = 100 * (count - before)
        said = f"{case}: {before:,} -> {count:,} instructions, {count / before - 1:+.1%}"
        if change > tolerance * before:
            yield Finding(f"{said}: more than {tolerance} %; if it pays for something, {UPDATE}", fails=True)
        elif change < -tolerance * before:
            yield Finding(f"{said}: better, so that it stays so: {UPDATE}", fails=False)


def own_instructions(profile: str, program: Path) -> int:
    """Return how many instructions of a program's own file a callgrind profile counts.

    Args:
        profile: A profile with whole names (`--compress-strings=no`).
        program: The file.
    """
    total, ours, is_call = 0, False, False
    for line in profile.splitlines():
        if line.startswith("ob="):
            ours = line == f"ob={program}"
        elif line.startswith("calls="):
            # The next line says what the call cost with all that it called, which is counted where it happened.
            is_call = True
        elif cost := re.fullmatch(r"(?:[+-]?\d+|\*) (\d+)", line):
            total += int(cost[1]) if ours and not is_call else 0
            is_call = False
    return total


def build() -> Path:
    """Build the example and return its file."""
    command = ["cargo", "build", "--locked", "--release", "--quiet", "-p", CRATE, "--example", EXAMPLE]
    done = subprocess.run([*command, "--message-format=json"], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True)
    messages = (json.loads(line) for line in done.stdout.splitlines())
    files = [message["executable"] for message in messages if message.get("target", {}).get("name") == EXAMPLE]
    return Path(next(file for file in files if file))


def count(valgrind: str, program: Path) -> dict[str, int]:
    """Run the example under callgrind and return the instructions of each case, in its order."""
    with tempfile.TemporaryDirectory(prefix="fastthrift-instructions-") as folder:
        out = Path(folder) / "profile"
        switches = [f"--toggle-collect={FUNCTION}", f"--zero-before={FUNCTION}", f"--dump-after={FUNCTION}"]
        command = [valgrind, "--quiet", "--tool=callgrind", "--compress-strings=no", f"--callgrind-out-file={out}"]
        ran = subprocess.run([*command, *switches, str(program)], check=True, stdout=subprocess.PIPE, text=True)
        cases = ran.stdout.splitlines()
        profiles = [Path(f"{out}.{number}") for number in range(1, len(cases) + 1)]
        if not all(profile.is_file() for profile in profiles) or Path(f"{out}.{len(cases) + 1}").exists():
            raise RuntimeError(f"callgrind wrote another number of profiles than there are cases ({len(cases)})")
        counts = [own_instructions(profile.read_text(), program) for profile in profiles]
    if not all(counts):
        raise RuntimeError("callgrind counted nothing for a case")
    return dict(zip(cases, counts, strict=True))


def main() -> int:
    """Compare, or with `--update` keep what is found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--update", action="store_true", help="keep the counts of this run")
    options = parser.parse_args()
    valgrind = shutil.which("valgrind")
    if valgrind is None or platform.machine() != MACHINE:
        reason = "this is no x86-64 machine" if valgrind else "no valgrind on the path (Debian: valgrind)"
        print(f"instructions: SKIPPED, nothing was counted: {reason}")
        return int(options.update)
    # The linker's work at the first call of a function is not the walk's.
    os.environ["LD_BIND_NOW"] = "1"
    version = subprocess.run(["rustc", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    found = Counts(version, count(valgrind, build()))
    if options.update:
        KEPT.write_text(found.text())
        print(f"instructions: kept the counts of {len(found.cases)} cases")
        return 0
    findings = list(compare(Counts.parse(KEPT.read_text()), found))
    for finding in findings:
        print(f"instructions: {finding.text}")
    failed = sum(finding.fails for finding in findings)
    print(f"instructions: {len(found.cases)} cases counted, {failed} over what is kept")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
