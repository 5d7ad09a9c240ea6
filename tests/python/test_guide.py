"""The programs of the guide run."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guide"
PAGES = sorted(page.name for page in GUIDE.glob("*.md") if page.name != "README.md")
PYTHON_PAGES = [page for page in PAGES if not page.startswith("rust-")]


@pytest.mark.parametrize("page", PYTHON_PAGES)
def test_the_programs_of_a_page_run_in_its_order(page: str, tmp_path: Path) -> None:
    blocks = re.findall(r"^```python\n(.*?)^```", (GUIDE / page).read_text(), re.DOTALL | re.MULTILINE)
    assert blocks
    program = tmp_path / "program.py"
    program.write_text("\n".join(blocks))
    # An unclosed socket or an unawaited coroutine is an error here as in the other tests.
    command = [sys.executable, "-X", "dev", "-W", "error", program]
    done = subprocess.run(command, cwd=tmp_path, check=False, capture_output=True, text=True, timeout=50)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def test_the_index_names_every_page() -> None:
    assert sorted(re.findall(r"\]\(([\w-]+\.md)\)", (GUIDE / "README.md").read_text())) == PAGES
