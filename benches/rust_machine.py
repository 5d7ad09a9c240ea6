"""The Rust programs of benchmarks: how they are built, and what their reports say of the machine and of the crates."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benches import report
from benches.peers import ROOT


def built(crate: Path, folder: str, program: str, features: Iterable[str] = ()) -> Path:
    """Build a crate's program for release, and return where it is.

    Args:
        crate: The crate's folder.
        folder: Where in the folder of builds it keeps its own.
        program: The program's name.
        features: Those of the crate to build it with.
    """
    target = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / folder
    command = ["cargo", "build", "--release", "--locked", "--quiet", "--target-dir", str(target)]
    subprocess.run([*command, "--features", ",".join(features)], cwd=crate, check=True)
    return target / "release" / program


def described(crate: Path, peers: Iterable[str]) -> str:
    """Return when and where it was measured, with these peers as the crate's lock file has them."""
    lock = (crate / "Cargo.lock").read_text()
    found = dict(re.findall(r'name = "([^"]+)"\nversion = "([^"]+)"', lock))
    versions = ", ".join(f"{name} {found[name]}" for name in peers if name in found)
    rustc = subprocess.run(
        ["rustc", "--version"], check=True, cwd=crate, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    return (
        f"Measured on {datetime.date.today().isoformat()}: {report.processor()}, {os.cpu_count()} cores, "
        f"{platform.system()} {platform.release()}, {rustc}. Crates: {versions}."
    )
