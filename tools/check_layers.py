"""The layer guard: dependencies point one way, and no crate above the line does IO.

It reads `cargo metadata` and the sources of the pure crates, prints one line a finding, and exits with 1 if there is
any. The table below is the one of ARCHITECTURE.md; a new crate fails until it has a row.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import rust_text

Metadata = Mapping[str, Any]
"""What `cargo metadata --format-version 1` prints, parsed."""

MAY_USE: Mapping[str, frozenset[str]] = {
    "fastthrift-schema": frozenset(),
    "fastthrift-idl": frozenset({"fastthrift-schema"}),
    "fastthrift-protocol": frozenset(),
    "fastthrift-dynamic": frozenset({"fastthrift-schema", "fastthrift-protocol"}),
    "fastthrift-rpc": frozenset({"fastthrift-protocol"}),
    "fastthrift-tls": frozenset(),
    "fastthrift-codegen": frozenset({"fastthrift-schema", "fastthrift-idl"}),
    "fastthrift": frozenset(
        {
            "fastthrift-idl",
            "fastthrift-schema",
            "fastthrift-protocol",
            "fastthrift-dynamic",
            "fastthrift-rpc",
            "fastthrift-tls",
        }
    ),
    "fastthrift-cli": frozenset({"fastthrift-idl", "fastthrift-schema", "fastthrift-codegen"}),
    "fastthrift-python": frozenset(
        {
            "fastthrift-idl",
            "fastthrift-schema",
            "fastthrift-protocol",
            "fastthrift-dynamic",
            "fastthrift-rpc",
            "fastthrift-tls",
            "fastthrift-codegen",
        }
    ),
    "fastthrift-generated": frozenset(
        {"fastthrift", "fastthrift-codegen", "fastthrift-dynamic", "fastthrift-idl", "fastthrift-schema"}
    ),
    "fastthrift-guide": frozenset({"fastthrift", "fastthrift-codegen"}),
    "fastthrift-peers": frozenset({"fastthrift", "fastthrift-codegen"}),
    "fastthrift-testing": frozenset(
        {"fastthrift-idl", "fastthrift-schema", "fastthrift-protocol", "fastthrift-dynamic", "fastthrift-rpc"}
    ),
}
"""Which workspace crates each crate may use outside its tests."""

PURE = (
    "fastthrift-schema",
    "fastthrift-idl",
    "fastthrift-protocol",
    "fastthrift-dynamic",
    "fastthrift-rpc",
    "fastthrift-codegen",
)
"""The crates above the line: functions of their arguments."""

IO_CRATES = frozenset(
    {
        "async-io",
        "async-std",
        "crossbeam-channel",
        "getrandom",
        "hyper",
        "libc",
        "mio",
        "nix",
        "pyo3",
        "pyo3-ffi",
        "quinn",
        "rand",
        "rayon",
        "rustix",
        "rustls",
        "smol",
        "socket2",
        "tokio",
        "tokio-util",
        "tracing",
    }
)
"""Crates that bring IO, threads, clocks, global state or an interpreter, and so may not be reached from a pure one."""

IO_PATHS = (
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "std::time::SystemTime",
    "std::io::stdin",
    "std::io::stdout",
    "std::io::stderr",
)

EXCEPTIONS: Mapping[tuple[str, str], frozenset[str]] = {
    ("fastthrift-idl", "src/loader/fs.rs"): frozenset({"std::fs"}),
    ("fastthrift-codegen", "src/build.rs"): frozenset({"std::env", "std::io::stdout"}),
    ("fastthrift-codegen", "src/write.rs"): frozenset({"std::fs"}),
}
"""Paths that one file may name all the same; that file must be behind a feature."""

_SHARED = r"Atomic\w+|Mutex|RwLock|Once|OnceLock|LazyLock|OnceCell|LazyCell|Cell|RefCell|UnsafeCell|Condvar"
IO_CODE: Mapping[str, str] = {
    r"(?<!')\bstatic\s+mut\b": "a mutable static is global state",
    rf"(?<!')\bstatic\s+\w+\s*:[^=;]*\b(?:{_SHARED})\b": "a static with inner mutability is global state",
    r"\b(?:thread_local|lazy_static)\s*!": "a lazy or thread-local static is global state",
    r"\b(?:e?print|e?println|dbg)\s*!": "printing is IO",
    r"\basync\s+(?:fn|move|unsafe|\{)|\.await\b": "async code needs a runtime",
    r"\bextern\s+\"": "a foreign function is outside the language's promises",
}


def check_graph(metadata: Metadata) -> Iterator[str]:
    """Yield a finding for each dependency that points the wrong way or brings IO above the line."""
    packages = {package["id"]: package["name"] for package in metadata["packages"]}
    uses = _dependencies(metadata, {None, "build"})
    # A library's build script runs where the library is built, and is no part of it.
    links = _dependencies(metadata, {None})
    members = {packages[member]: member for member in metadata["workspace_members"]}
    for name, member in sorted(members.items()):
        if name not in MAY_USE:
            yield f"{name}: not in the table of tools/check_layers.py"
            continue
        used = {packages[package] for package in uses[member]} & members.keys()
        yield from (f"{name}: must not use {other}" for other in sorted(used - MAY_USE[name]))
        if name in PURE:
            yield from (f"{name}: reaches {other}, which does IO" for other in _io_reached(member, links, packages))


def check_source(crate: str, path: str, source: str) -> Iterator[str]:
    """Yield a finding for each place where a pure crate's code, outside its tests, does IO or keeps global state."""
    code = rust_text.code_only(source)
    allowed = EXCEPTIONS.get((crate, path), frozenset())
    for named, line in sorted(set(rust_text.paths(code)), key=lambda found: found[1]):
        if (io := _io_named(named)) and io not in allowed:
            yield f"crates/{crate}/{path}:{line}: names {named}; {io} does not belong above the line"
    for pattern, reason in IO_CODE.items():
        for match in re.finditer(pattern, code):
            yield f"crates/{crate}/{path}:{rust_text.line_of(code, match.start())}: {reason}"


def check_crate(crate: str, folder: Path) -> Iterator[str]:
    """Yield the findings in all sources of a pure crate."""
    sources = {file: file.read_text() for file in sorted((folder / "src").rglob("*.rs"))}
    if not sources:
        yield f"{crate}: no sources in {folder / 'src'}"
    tests = {module for file, text in sources.items() for module in _test_modules(file, text)}
    for file, text in sources.items():
        if not any(file == test.with_suffix(".rs") or test in file.parents for test in tests):
            yield from check_source(crate, file.relative_to(folder).as_posix(), text)
    for path in (folder / path for name, path in EXCEPTIONS if name == crate):
        if path in sources and not _is_behind_a_feature(path, sources):
            yield f"crates/{crate}/{path.relative_to(folder).as_posix()}: must be declared behind a feature"


def _dependencies(metadata: Metadata, wanted: Collection[str | None]) -> dict[str, list[str]]:
    """Return what each package depends on in one of these ways: None is ordinary use."""
    return {
        node["id"]: [dep["pkg"] for dep in node["deps"] if any(kind["kind"] in wanted for kind in dep["dep_kinds"])]
        for node in metadata["resolve"]["nodes"]
    }


def _io_reached(start: str, uses: Mapping[str, list[str]], packages: Mapping[str, str]) -> list[str]:
    seen, waiting = set[str](), [start]
    while waiting:
        for package in uses[waiting.pop()]:
            if package not in seen:
                seen.add(package)
                waiting.append(package)
    return sorted(IO_CRATES & {packages[package] for package in seen})


def _io_named(path: str) -> str | None:
    """Return the forbidden path that this one names or, by a glob, could name."""
    if path.endswith("::*"):
        stem = path.removesuffix("*")
        return next((io for io in IO_PATHS if f"{io}::".startswith(stem) or stem.startswith(f"{io}::")), None)
    return next((io for io in IO_PATHS if path == io or path.startswith(f"{io}::")), None)


def _test_modules(file: Path, source: str) -> Iterator[Path]:
    """Yield the modules, as paths without suffix, that `#[cfg(test)] mod name;` declares."""
    here = file.parent if file.name in {"lib.rs", "mod.rs"} else file.with_suffix("")
    declaration = r"#\[cfg\(test\)\]\s*(?:pub(?:\([^)]*\))?\s+)?mod\s+(\w+)\s*;"
    for match in re.finditer(declaration, rust_text.without_trivia(source)):
        yield here / match[1]


def _is_behind_a_feature(path: Path, sources: Mapping[Path, str]) -> bool:
    """Say whether the module above this file's declares it under a `cfg` of a feature."""
    above = (path.with_name("lib.rs"), path.with_name("mod.rs"), path.parent.with_suffix(".rs"))
    code = rust_text.code_only("\n".join(sources[file] for file in above if file in sources))
    attribute = r"#\[cfg\(feature\s*=\s*\"[^\"]*\"\)\]"
    return bool(re.search(rf"{attribute}\s*(?:#\[[^\]]*\]\s*)*(?:pub(?:\([^)]*\))?\s+)?mod\s+{path.stem}\s*;", code))


def main() -> int:
    """Check the workspace that this file lies in."""
    root = Path(__file__).resolve().parent.parent
    command = ["cargo", "metadata", "--format-version", "1", "--all-features"]
    cargo = subprocess.run(command, check=False, cwd=root, stdout=subprocess.PIPE, text=True)
    if cargo.returncode:
        return cargo.returncode
    metadata = json.loads(cargo.stdout)
    findings = list(check_graph(metadata))
    for crate in PURE:
        findings += check_crate(crate, root / "crates" / crate)
    print("\n".join(findings) if findings else f"layers: {len(MAY_USE)} rows hold, {len(PURE)} crates are pure")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
