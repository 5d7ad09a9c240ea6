"""Type checkers accept generated stubs and programs that use them rightly, and find what is wrong in others."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import fastthrift
import pytest

from tests.python import odd_names

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "tests" / "generated"
SHARED = Path(os.environ.get("FASTTHRIFT_SHARED") or ROOT.parent / "shared") / "idl"
PACKAGE = Path(fastthrift.__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with packages of all IDL there is, stubs for loading, and the programs."""
    folder = tmp_path_factory.mktemp("typed")
    fastthrift.generate_python(PROGRAMS / "orders.thrift", folder)
    fastthrift.generate_stubs(PROGRAMS / "orders.thrift", folder)
    for project in sorted(SHARED.iterdir()) if SHARED.is_dir() else []:
        files = sorted(project.rglob("*.thrift"))
        if files:
            name = re.sub(r"\W", "_", project.name)
            includes = [project, *sorted({path.parent for path in files})]
            # Files of one name and namespace would be one module.
            first = [*{path.name: path for path in files[::-1]}.values()][::-1]
            others = [path for path in files if path not in first]
            fastthrift.generate_python(first, folder, package=f"real.{name}", include_dirs=includes)
            if others:
                fastthrift.generate_python(others, folder, package=f"others.{name}", include_dirs=includes)
        if project.name == "jaeger":
            fastthrift.generate_stubs(files, folder, include_dirs=includes)
    for name, text in odd_names.files().items():
        (folder / f"{name}.thrift").write_text(text)
        fastthrift.generate_python(folder / f"{name}.thrift", folder)
        fastthrift.generate_stubs(folder / f"{name}.thrift", folder)
    for program in ("good.py", "bad.py"):
        shutil.copy(PROGRAMS / program, folder)
    return folder


def wrong_lines() -> set[int]:
    lines = (PROGRAMS / "bad.py").read_text().splitlines()
    return {number for number, line in enumerate(lines, 1) if "  # " in line}


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(tool) is None, reason=f"{tool} is not installed")


def check(tool: str, folder: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", tool, *arguments]
    environment = {**os.environ, "MYPYPATH": str(PACKAGE)}
    done = subprocess.run(
        command, cwd=folder, check=False, capture_output=True, text=True, timeout=550, env=environment
    )
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@needs("mypy")
@pytest.mark.timeout(600)
def test_mypy_finds_what_is_wrong_and_nothing_else(folder: Path) -> None:
    (folder / "mypy.ini").write_text("[mypy]\nstrict = true\npython_version = 3.10\n")
    stubs = [path.relative_to(folder).as_posix() for path in sorted(folder.rglob("*.pyi"))]
    output = check("mypy", folder, "--config-file=mypy.ini", "--no-error-summary", "good.py", "bad.py", *stubs)
    found = re.findall(r"^([^:\n]+):(\d+): error: (.*)$", output, re.MULTILINE)
    assert {name for name, _, _ in found} == {"bad.py"}, output
    assert {int(line) for _, line, _ in found} == wrong_lines()
    messages = "\n".join(message for _, _, message in found)
    assert 'Cannot instantiate abstract class "Handler" with abstract attribute "find"' in messages
    assert 'Unexpected keyword argument "town" for "Address"' in messages
    assert '"Client" has no attribute "plaice"; maybe "place"?' in messages


@needs("pyright")
@pytest.mark.timeout(600)
def test_pyright_finds_what_is_wrong_and_nothing_else(folder: Path) -> None:
    configuration = {
        "typeCheckingMode": "strict",
        "pythonVersion": "3.10",
        "extraPaths": [str(PACKAGE)],
        "include": ["."],
    }
    (folder / "pyrightconfig.json").write_text(json.dumps(configuration))
    output = json.loads(check("pyright", folder, "--outputjson"))
    found = [each for each in output["generalDiagnostics"] if each["severity"] == "error"]
    assert {Path(each["file"]).name for each in found} == {"bad.py"}, found
    assert {each["range"]["start"]["line"] + 1 for each in found} == wrong_lines()
    messages = "\n".join(each["message"] for each in found)
    assert 'Cannot instantiate abstract class "Handler"\n\xa0\xa0"Orders.find" is not implemented' in messages
    assert 'No parameter named "town"' in messages
    assert 'Cannot access attribute "plaice" for class "Client"' in messages
