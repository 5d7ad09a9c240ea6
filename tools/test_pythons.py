"""Runs a part of the Python tests by each other interpreter that is here, with the package built for it.

python tools/test_pythons.py [--seconds SECONDS] [INTERPRETER...]

Beside those that are named, interpreters are looked for on the path and among pyenv's. Of each version one is used, and
not the one that this program itself runs by, which `make test` is for. What the tests need goes into environments in
`.venv-pythons`. It says which versions are not here, and exits with 1 if any test failed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENVS = ROOT / ".venv-pythons"
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")).absolute() / "pythons"

# The newest first, and those without a global lock before the others: most is found there.
VERSIONS = ("3.15t", "3.15", "3.14t", "3.14", "3.13", "3.12", "3.11", "3.10")

# What depends on the interpreter: classes and codecs, threads, event loops, and what is generated. These need no peers.
PARTS = (
    "parallel", "hammer", "threads", "classes", "unions", "subclasses", "reentrancy", "pickling", "protocol_objects",
    "generated", "conversations", "client", "call", "server_threads", "aio_client", "aio_ends", "aio_server",
)  # fmt: skip
NEEDED = ("hypothesis", "pytest", "pytest-timeout", "typing_extensions")
WISHED = ("uvloop",)

FAILED = "FAILED"

ABOUT = """
import json, platform, sys, sysconfig
version = "%d.%d%s" % (*sys.version_info[:2], "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else "")
print(json.dumps([platform.python_implementation(), version, platform.python_version()]))
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that is here."""

    path: str
    version: str
    """Such as "3.14", and "3.14t" for a free-threaded build."""
    release: str


class Failed(Exception):
    """Something did not go well; what, was printed."""


def run(command: Sequence[str | Path], **environment: str) -> None:
    """Run a program in the project's folder."""
    if subprocess.run(command, cwd=ROOT, env={**os.environ, **environment}, check=False).returncode:
        raise Failed


def about(path: str) -> Interpreter | None:
    """Ask an interpreter what it is; None where there is none, or one of another kind."""
    try:
        asked = subprocess.run([path, "-c", ABOUT], capture_output=True, text=True, timeout=60, check=True)
        implementation, version, release = json.loads(asked.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return Interpreter(path, version, release) if implementation == "CPython" else None


def candidates(named: Sequence[str]) -> Iterator[str]:
    """The places where interpreters may be."""
    yield from named
    for version in VERSIONS:
        found = shutil.which(f"python{version}")
        if found:
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from sorted(map(str, pyenv.glob("versions/*/bin/python")), reverse=True)


def interpreters(named: Sequence[str]) -> dict[str, Interpreter]:
    """The interpreters that are here, one a version, without the one that runs this."""
    found: dict[str, Interpreter] = {}
    for path in candidates(named):
        interpreter = about(path)
        if interpreter and interpreter.version in VERSIONS:
            found.setdefault(interpreter.version, interpreter)
        elif path in named:
            what = f"Python {interpreter.version}" if interpreter else "no CPython"
            print(f"test-pythons: {path} is {what}, for which the package is not made", flush=True)
    own = about(sys.executable)
    if own:
        found.pop(own.version, None)
    return found


def pins() -> Mapping[str, str]:
    """The tests' requirements by the names of what they require."""
    lines = (ROOT / "tests" / "requirements.txt").read_text().splitlines()
    return {line.partition("==")[0]: line for line in lines if "==" in line}


def prepare(interpreter: Interpreter) -> Path:
    """Make an environment with what the tests need, and return its interpreter."""
    venv = VENVS / f"{interpreter.release}{'t' if interpreter.version.endswith('t') else ''}"
    python = venv / "bin" / "python"
    pip: list[str | Path] = [python, "-m", "pip", "--disable-pip-version-check"]
    try:
        run([interpreter.path, "-m", "venv", venv])
    except Failed:
        # It has no pip of its own, or one that is too old for it, so this program's installs.
        run([interpreter.path, "-m", "venv", "--without-pip", venv])
        pip = [sys.executable, "-m", "pip", "--python", python, "--disable-pip-version-check"]
    install: list[str | Path] = [*pip, "install", "--quiet", "--prefer-binary"]
    run([*install, *(pins()[name] for name in NEEDED)])
    for name in WISHED:
        try:
            run([*install, "--only-binary", name, pins()[name]])
        except Failed:
            print(f"test-pythons: {interpreter.version} goes without {name}", flush=True)
    return python


def build(python: Path) -> Path:
    """Build the package for an interpreter, and return the folder that it is in."""
    # Quick to build, and its calls take about as much of the stack as those of a release, which some tests fill.
    profile = {"CARGO_PROFILE_DEV_OPT_LEVEL": "1", "CARGO_PROFILE_DEV_DEBUG": "0", "CARGO_TARGET_DIR": str(TARGET)}
    options = {"PYO3_PYTHON": str(python), "PYO3_BUILD_EXTENSION_MODULE": "1"}
    run(["cargo", "build", "--locked", "--quiet", "-p", "fastthrift-python"], **profile, **options)
    folder = python.parent.parent / "package"
    package = folder / "fastthrift"
    shutil.rmtree(package, ignore_errors=True)
    package.mkdir(parents=True)
    for source in (ROOT / "python" / "fastthrift").iterdir():
        if source.suffix != ".so" and source.name != "__pycache__":
            (package / source.name).symlink_to(source)
    suffix = "dylib" if sys.platform == "darwin" else "so"
    shutil.copy(TARGET / "debug" / f"libfastthrift_python.{suffix}", package / "_core.so")
    return folder


def test(interpreter: Interpreter) -> str:
    """Build the package for an interpreter, run the tests by it, and say what came of it."""
    print(f"=== Python {interpreter.version}: {interpreter.release} at {interpreter.path}", flush=True)
    began = time.monotonic()
    try:
        python = prepare(interpreter)
    except Failed:
        return "left out: what the tests need cannot be installed"
    files = [f"tests/python/test_{part}.py" for part in PARTS]
    command: list[str | Path] = [ROOT / "tools" / "run_tests", python, "-q", *files]
    try:
        run(command, PYTHONPATH=str(build(python)))
    except Failed:
        return FAILED
    return f"passed in {time.monotonic() - began:.0f} s"


def main() -> int:
    """Run the tests by each interpreter, as long as there is time."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, help="begin with no more interpreters after this time")
    parser.add_argument("interpreter", nargs="*", help="the path of one, or its name")
    options = parser.parse_args()
    found = interpreters(options.interpreter)
    end = time.monotonic() + (options.seconds or float("inf"))
    outcomes = {}
    for version in filter(found.__contains__, VERSIONS):
        if time.monotonic() > end:
            outcomes[version] = "left out: there was no time"
            continue
        outcomes[version] = test(found[version])
    own = about(sys.executable)
    for version in VERSIONS:
        missing = "what `make test` runs by" if own and version == own.version else "not found"
        print(f"test-pythons: {version}: {outcomes.get(version, missing)}")
    return 1 if FAILED in outcomes.values() else 0


if __name__ == "__main__":
    sys.exit(main())
