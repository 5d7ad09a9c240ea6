"""What the documents show works as they show it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "examples" / "calculator"


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    done = subprocess.run([sys.executable, *command], cwd=cwd, check=False, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_opens_with_a_program_that_prints_what_it_says(tmp_path: Path) -> None:
    program = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert program
    idl = re.search(r"# calculator\.thrift: +(.*)", program[1])
    assert idl
    (tmp_path / "calculator.thrift").write_text(idl[1])
    (tmp_path / "program.py").write_text(program[1])
    assert run(tmp_path / "program.py", cwd=tmp_path).split() == re.findall(r"print\(.*# (\S+)", program[1])


@pytest.fixture
def calculator(tmp_path: Path) -> Iterator[str]:
    """The URL of the example's server, which runs in a process of its own."""
    url = f"unix://{tmp_path}/calculator.sock"
    with subprocess.Popen([sys.executable, EXAMPLE / "server.py", url], stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 20
            while not os.path.exists(tmp_path / "calculator.sock"):
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)
            yield url
        finally:
            process.kill()


def test_the_example_client_talks_to_the_example_server(calculator: str) -> None:
    lines = run(EXAMPLE / "client.py", calculator).splitlines()
    assert lines[:3] == ["2 + 3 = 5", "1 / 4 = 0.25", "1 / 0: cannot divide 1.0 by zero"]
    assert [line.split(":")[0] for line in lines[3:]] == ["earlier", "earlier"]


@pytest.mark.parametrize("document", sorted(path.name for path in ROOT.glob("*.md")))
def test_the_links_of_a_document_lead_somewhere(document: str) -> None:
    text = (ROOT / document).read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert [link for link in links if link and not (ROOT / link).exists()] == []


def test_the_architecture_lists_every_crate() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text()
    crates = [path.parent.name for path in ROOT.glob("crates/*/Cargo.toml")]
    assert crates
    assert [crate for crate in crates if f"`{crate}`" not in text] == []
