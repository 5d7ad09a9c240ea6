"""Builds the peers' programs, each once for the same sources, IDL and toolchain."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

from conformance.libraries import HERE, IDL, PROGRAMS, Command, Peer

BUILDS = HERE.parent / "build" / "conformance"
PACKAGE = "fastthrift-peers"
BUILD_TIMEOUT = 900.0


class BuildError(Exception):
    """A peer whose toolchain is there could not be built: the last lines of what its tools printed."""


def missing_tool(peer: Peer) -> str | None:
    """Return the first command that a peer needs and that fails here, or None if it can be built."""
    for command in peer.needs:
        if _output(command) is None:
            return " ".join(command[:6])
    return None


def build(peer: Peer) -> Path:
    """Build a peer unless that has been done, and return the folder that it lies in.

    Raises:
        BuildError: A command failed, or took too long.
    """
    built = BUILDS / f"{peer.name}-{_fingerprint(peer)}"
    if built.is_dir():
        return built
    for old in BUILDS.glob(f"{peer.name}-*"):
        shutil.rmtree(old)
    growing = BUILDS / f"new-{peer.name}"
    shutil.rmtree(growing, ignore_errors=True)
    shutil.copytree(PROGRAMS / peer.name, growing)
    (growing / "gen").mkdir()
    for command in peer.build:
        _run([part.format(idl=IDL) for part in command], growing)
    growing.rename(built)
    return built


def build_ours() -> Path:
    """Build the programs on the crate unless that has been done, and return the file that has both.

    Raises:
        BuildError: They do not build.
    """
    said = _run(["cargo", "build", "--quiet", "--locked", "-p", PACKAGE, "--message-format", "json"], HERE.parent)
    for artifact in map(json.loads, said.splitlines()):
        if artifact.get("executable") and artifact["target"]["name"] == PACKAGE:
            return Path(artifact["executable"])
    raise BuildError(f"cargo built no {PACKAGE}")


def _run(command: Command, folder: Path) -> str:
    """Run a command, and return what it printed."""
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=BUILD_TIMEOUT, check=False)
    except subprocess.TimeoutExpired as error:
        raise BuildError(f"{' '.join(command)}: took longer than {BUILD_TIMEOUT} seconds") from error
    if done.returncode:
        raise BuildError(f"{' '.join(command)}: {(done.stdout + done.stderr)[-3000:]}")
    return done.stdout


def _fingerprint(peer: Peer) -> str:
    digest = hashlib.sha256(repr((peer.needs, peer.build)).encode())
    sources = sorted(file for file in (PROGRAMS / peer.name).rglob("*") if file.is_file())
    for file in [IDL, *(file for file in sources if "__pycache__" not in file.parts)]:
        digest.update(file.relative_to(HERE).as_posix().encode() + b"\0" + file.read_bytes())
    for command in peer.needs:
        digest.update((_output(command) or "").encode())
    return digest.hexdigest()[:16]


def _output(command: Command) -> str | None:
    """Return what a command prints, or None if there is no such command or it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
