"""What the reports of Rust programs say of the machine and of the crates that took part."""

from __future__ import annotations

import datetime
import os
import platform
import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

from benches import report


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
