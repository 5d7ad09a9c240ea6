"""Starts the programs: a server until it is no longer needed, a client until it has made all its checks."""

from __future__ import annotations

import os
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from conformance.cells import Speech
from conformance.libraries import PROGRAMS, Command

START_TIMEOUT = 30.0
CLIENT_TIMEOUT = 120.0
HEADING = "listening "


class ServerError(Exception):
    """A server did not come to listen; the text is what it wrote."""


def environment(*more_python: Path) -> dict[str, str]:
    """Return what programs are started with: those in Python find what they share, and what was generated."""
    paths = [str(PROGRAMS / "common"), *map(str, more_python), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths)), "PYTHONDONTWRITEBYTECODE": "1"}


@contextmanager
def serving(command: Command, speech: Speech, files: Command, env: dict[str, str]) -> Iterator[str]:
    """Run a server, and yield the URL at which it listens.

    Raises:
        ServerError: It does not listen in time.
    """
    with tempfile.TemporaryDirectory(prefix="conformance-") as folder, tempfile.TemporaryFile() as noise:
        process = subprocess.Popen(
            [*command, "--url", _url_to_listen_at(speech.carrier, folder), *files],
            stdout=subprocess.PIPE,
            stderr=noise,
            stdin=subprocess.DEVNULL,
            text=True,
            env=env,
        )
        assert process.stdout is not None
        watch = threading.Timer(START_TIMEOUT, process.kill)
        watch.start()
        try:
            line = process.stdout.readline()
            watch.cancel()
            if not line.startswith(HEADING):
                raise ServerError(f"the server said {line!r}, and {_end_of(process, noise)!r}")
            yield line.removeprefix(HEADING).strip()
        finally:
            watch.cancel()
            process.kill()
            process.wait()
            process.stdout.close()


def call(command: Command, env: dict[str, str]) -> tuple[dict[str, str | None], str]:
    """Run a client, and return for each of its checks what went wrong, or None, and what else it wrote."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=CLIENT_TIMEOUT, env=env, check=False
        )
        output, noise = done.stdout, done.stderr
    except subprocess.TimeoutExpired as error:
        output = (error.stdout or b"").decode("utf-8", "replace")
        noise = f"the client took longer than {CLIENT_TIMEOUT:.0f} seconds"
    outcomes: dict[str, str | None] = {}
    for line in output.splitlines():
        word, _, rest = line.partition(" ")
        if word == "ok":
            outcomes[rest] = None
        elif word == "FAIL":
            check, _, message = rest.partition(": ")
            outcomes[check] = message
    return outcomes, noise[-500:]


def _url_to_listen_at(carrier: str, folder: str) -> str:
    if carrier == "unix":
        return f"unix://{folder}/socket"
    return f"{carrier}://127.0.0.1:0" + ("/conformance" if carrier in ("http", "https") else "")


def _end_of(process: subprocess.Popen[str], noise: IO[bytes]) -> str:
    process.kill()
    process.wait()
    noise.seek(0)
    return noise.read()[-1000:].decode("utf-8", "replace")
