"""The programs in Rust that the tests talk to: the crate `fastthrift-peers`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "fastthrift-peers"
BUILD_TIMEOUT = 900.0


def is_possible() -> bool:
    """Whether there is what builds them."""
    return shutil.which("cargo") is not None


@cache
def program() -> Path:
    """Return the file that has all of them, built if anything changed since it was."""
    build = ["cargo", "build", "--quiet", "--locked", "--package", PACKAGE, "--message-format", "json"]
    environment = {**os.environ, "CARGO_TERM_COLOR": "never"}
    done = subprocess.run(build, cwd=ROOT, check=True, stdout=subprocess.PIPE, timeout=BUILD_TIMEOUT, env=environment)
    for line in done.stdout.splitlines():
        said: dict[str, Any] = json.loads(line)
        if said.get("executable") and said["target"]["name"] == PACKAGE:
            return Path(said["executable"])
    raise AssertionError(f"cargo built no {PACKAGE}")
