"""The house checks on the text of every file that git knows: the project speaks of itself alone.

Prints one line a finding and exits with 1 if there is any. What it looks for would bind a checkout to one machine
(absolute paths of a developer, a package registry's address) or to one tracker (the number of an issue).
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

# Each pattern is written so that it does not match itself.
PATTERNS: Mapping[str, str] = {
    r"(?<![\w.])/(?:root|work|home/\w+|Users/\w+)/(?=[\w.])": "a path of one machine",
    r"(?i)\b(?:index\.crates|static\.crates)[.]io\b": "a registry's address",
    r"(?i)\b(?:files\.pythonhosted|upload\.pypi|pypi\.python)[.]org\b": "a registry's address",
    r"(?i)\bpypi[.]org/simple|\b(?:registry\.npmjs|proxy\.golang|deb\.debian)[.]org\b": "a registry's address",
    r"(?i)--(?:extra-)?index-url[ =]\S*//": "a registry's address",
    r"(?i)\bissue\s+[#]?\d+\b|\b(?:fixes|closes|resolves)\s+[#]\d+\b": "the number of an issue",
    r"(?m)^(?:<{7}|>{7}) ": "a merge left unfinished",
}
BY_TOOLS = frozenset({"Cargo.lock"})
"""Files that a tool writes: cargo's lock file names its default registry."""


def check_text(name: str, text: str) -> Iterator[str]:
    """Yield a finding for each place in a file's text that a pattern matches."""
    for pattern, what in PATTERNS.items():
        for match in re.finditer(pattern, text):
            yield f"{name}:{text.count(chr(10), 0, match.start()) + 1}: {what}: {match[0].strip()}"


def known_files(root: Path) -> list[Path]:
    """Return the files that git tracks or would track, those of `BY_TOOLS` left out."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, check=True, capture_output=True, text=True).stdout.split("\0")
    files = (root / name for name in names if name and Path(name).name not in BY_TOOLS)
    return [file for file in files if file.is_file()]


def main() -> int:
    """Check the repository that this file lies in."""
    root = Path(__file__).resolve().parent.parent
    files = known_files(root)
    findings: list[str] = []
    for file in files:
        text = file.read_bytes().decode("utf-8", "replace")
        findings += check_text(file.relative_to(root).as_posix(), text)
    print("\n".join(findings) if findings else f"house: {len(files)} files speak of the project alone")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
