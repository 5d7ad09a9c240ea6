"""The processes of the RPC benchmark: servers pinned to one core, those that call them to another."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benches.echo_server import HOST

START_SECONDS = 15.0


def cores() -> list[int]:
    """Return the cores that there are: servers run on the first, generators on the last."""
    return sorted(os.sched_getaffinity(0))


def cpu_seconds(process: int) -> float:
    """Return the CPU time of a process, all its threads, in nanoseconds' resolution (Linux: clock_getcpuclockid)."""
    return time.clock_gettime((~process << 3) | 2)


@contextlib.contextmanager
def server(kind: str, work: Path) -> Iterator[tuple[int, int]]:
    """Run a server of a kind; gives its process and its port.

    Raises:
        RuntimeError: It ended, or does not listen; the text is its last line.
    """
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    log = work / "server.log"
    command = [sys.executable, "-m", "benches.echo_server", kind, str(port), str(cores()[0]), str(work)]
    with log.open("wb") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        try:
            _wait_until_it_listens(process, port, log)
            yield process.pid, port
        finally:
            process.kill()


def generate(command: Sequence[str], core: int) -> dict[str, float]:
    """Run what calls a server on a core, and return what it measured. The command's last word is its seconds.

    Raises:
        RuntimeError: It failed; the text is its last line.
    """
    with start(command, core) as process:
        try:
            out, errors = process.communicate(timeout=float(command[-1]) + 20)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
    if process.returncode:
        raise RuntimeError((errors.strip().splitlines() or ["failed"])[-1])
    return {name: float(value) for name, value in json.loads(out).items()}


def start(command: Sequence[str], core: int) -> subprocess.Popen[str]:
    """Start what calls a server, on a core."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    os.sched_setaffinity(process.pid, {core})
    return process


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines()
            raise RuntimeError(lines[-1] if lines else f"ended with status {process.returncode}")
        with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"does not listen after {START_SECONDS:.0f} s")
