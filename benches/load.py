"""Loading IDL: fresh processes, so that nothing is warm but the disk, every subject in the same rounds."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benches import report
from benches.measure import Sample, shuffled
from benches.peers import IDL, SHARED

TIMEOUT = 60.0

TOUCH = """
def touch(module, seen=set()):
    seen.add(module)
    for value in [getattr(module, name) for name in dir(module) if not name.startswith("_")]:
        if isinstance(value, type(os)) and value not in seen:
            touch(value)
"""
LOADERS: Mapping[str, str] = {
    "fastthrift": "import fastthrift as peer\nload = lambda: peer.load(path, include_dirs=[folder])",
    "fastthrift, every name touched": "import fastthrift as peer\n"
    f"{TOUCH}\nload = lambda: touch(peer.load(path, include_dirs=[folder]))",
    "thriftpy2": "import thriftpy2 as peer\nload = lambda: peer.load(path, 'loaded_thrift', include_dirs=[folder])",
}
"""The lines that import a peer and make its loading function; `path` and `folder` are given."""

PROGRAM = """
import os, sys, time
path = sys.argv[1]
folder = os.path.dirname(path)
{loader}
start = time.process_time()
load()
print("call_ms", (time.process_time() - start) * 1e3)
"""

IMPORTS: Mapping[str, str] = {
    "fastthrift": "import fastthrift",
    "the bare interpreter": "pass",
    "thriftpy2": "import thriftpy2",
    "Apache thrift": "import thrift.Thrift, thrift.protocol.TBinaryProtocol, thrift.transport.TSocket",
    "msgspec": "import msgspec",
    "thriftrs2": "import thriftrs2",
}


@dataclass(frozen=True)
class Measured:
    """One process: the milliseconds it printed of its own, and the CPU milliseconds of the whole."""

    inner: float | None
    whole: float


def run(work: Path, *, rounds: int) -> str:
    """Measure every file with every loader, then the imports, and return the report."""
    parts = [
        "# Load and import",
        report.machine(),
        f"CPU time in milliseconds, each measurement a fresh process, {rounds} rounds, subjects shuffled in each. "
        "`call` is the loading function alone, all threads counted, the library imported before; `process` is all. "
        "fastthrift makes a class when its name is first touched; the second row touches all of them, includes too. "
        "Apache's compiler writes Python that then has to be imported, which is not counted. Modules have their byte "
        "code, as installed packages have.",
    ]
    for name, path in _files():
        parts += f"## load {name}", _loads(path, work, rounds)
    if not (SHARED / "idl").is_dir():
        parts.append("Not here: the folder of real IDL (FASTTHRIFT_SHARED).")
    parts += "## import", _imports(rounds)
    return "\n\n".join(parts) + "\n"


def _files() -> Iterator[tuple[str, Path]]:
    yield "one struct", IDL / "one.thrift"
    impala = SHARED / "idl" / "impala"
    for name in ("hive_metastore.thrift", "ImpalaService.thrift"):
        if (impala / name).is_file():
            yield f"{name} and what it includes", impala / name


def _loads(path: Path, work: Path, rounds: int) -> str:
    commands = {
        name: [sys.executable, "-c", PROGRAM.format(loader=loader), str(path)] for name, loader in LOADERS.items()
    }
    if compiler := shutil.which("thrift"):
        out = work / "load-gen"
        out.mkdir(exist_ok=True)
        options = ["-nowarn", "-r", "-I", str(path.parent), "--gen", "py", "-out", str(out)]
        commands["Apache compiler, --gen py"] = [compiler, *options, str(path)]
    calls, wholes, notes = _measure(commands, rounds)
    ours = calls.get(report.OURS) or Sample()
    rows = [
        [name, _cell(calls.get(name)), _cell(whole), _ratio(calls.get(name) or whole, ours)]
        for name, whole in wholes.items()
    ]
    return "\n\n".join([report.table(["", "call, ms", "process, ms", "call x ours"], rows), *notes])


def _imports(rounds: int) -> str:
    commands = {name: [sys.executable, "-c", code] for name, code in IMPORTS.items()}
    _, wholes, notes = _measure(commands, rounds)
    bare = wholes["the bare interpreter"].median
    rows = [[name, _cell(whole), report.figure(max(0.0, whole.median - bare))] for name, whole in wholes.items()]
    return "\n\n".join([report.table(["", "process, ms", "over bare, ms"], rows), *notes])


def _measure(commands: Mapping[str, list[str]], rounds: int) -> tuple[dict[str, Sample], dict[str, Sample], list[str]]:
    """Run every command once to warm the disk, then in rounds; one that fails gets a note and no figures."""
    works: dict[str, list[str]] = {}
    notes: list[str] = []
    for name, command in commands.items():
        try:
            _process(command)
            works[name] = command
        except subprocess.SubprocessError as error:
            notes.append(f"Not here: {name}: {_reason(error)}.")
    calls: dict[str, Sample] = {}
    wholes = {name: Sample() for name in works}
    for order in shuffled(works, rounds):
        for name in order:
            measured = _process(works[name])
            wholes[name].values.append(measured.whole)
            if measured.inner is not None:
                calls.setdefault(name, Sample()).values.append(measured.inner)
    return calls, wholes, notes


def _process(command: list[str]) -> Measured:
    before = _children_seconds()
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=TIMEOUT, env=_environment())
    whole = _children_seconds() - before
    mark, _, inner = done.stdout.partition(" ")
    return Measured(float(inner) if mark == "call_ms" else None, whole * 1e3)


def _environment() -> dict[str, str]:
    """Return this process's variables, less the one that would have each process compile all modules anew."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _children_seconds() -> float:
    """Return the CPU time of all processes that this one has waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _reason(error: subprocess.SubprocessError) -> str:
    if isinstance(error, subprocess.CalledProcessError):
        lines = str(error.stderr).strip().splitlines()
        return lines[-1] if lines else f"exit status {error.returncode}"
    return f"not done in {TIMEOUT:.0f} s"


def _cell(sample: Sample | None) -> str:
    return "" if sample is None else report.figure(sample.median)


def _ratio(sample: Sample, ours: Sample) -> str:
    return f"{sample.ratio_to(ours):.1f}" if ours.values else ""
