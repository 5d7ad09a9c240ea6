"""Python clients call Rust servers, and the reverse."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import fastthrift
import pytest

ROOT = Path(__file__).resolve().parents[2]
CASES = [("binary", None), ("compact", None), ("json", None), ("compact", "header")]


@cache
def program(name: str) -> Path:
    """Return the program of an example, built if the Rust tests did not do so."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("there is no cargo here")
    metadata = [cargo, "metadata", "--no-deps", "--format-version", "1"]
    target = json.loads(subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True).stdout)["target_directory"]
    built = Path(target) / "debug" / "examples" / name
    if not built.exists():
        build = [cargo, "build", "--quiet", "--locked", "--package", "fastthrift", "--example", name]
        subprocess.run(build, cwd=ROOT, check=True, env={**os.environ, "CARGO_TERM_COLOR": "never"}, timeout=600)
    return built


@contextmanager
def rust_server(url: str) -> Iterator[str]:
    """Serve by the Rust program, and give the URL."""
    pipe = subprocess.PIPE
    with subprocess.Popen([program("calculator_server"), url], stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


def calculator() -> Any:
    """Load the IDL that both sides have."""
    return fastthrift.load(ROOT / "examples" / "rust" / "calculator.thrift")


@pytest.mark.timeout(700)
@pytest.mark.parametrize("url", ["tcp://127.0.0.1:0", "http://127.0.0.1:0/calculator"])
def test_a_python_client_calls_a_rust_server(url: str) -> None:
    module = calculator()
    with rust_server(url) as served:
        for protocol, transport in CASES:
            chosen: Any = None if served.startswith("http") else transport
            with fastthrift.connect(
                module.Calculator, served, protocol=protocol, transport=chosen, timeout=20
            ) as client:
                assert client.add(2, 3) == 5
                with pytest.raises(module.Overflow) as raised:
                    client.add(2**31 - 1, 1)
                assert raised.value.limit == 2**31 - 1
                client.log("a line")
                assert client.greet("Ada") == "Hello, Ada!"
                client.ping()
                with pytest.raises(fastthrift.TApplicationException, match="the handler panicked"):
                    client.greet("panic")


@pytest.mark.timeout(700)
@pytest.mark.parametrize(("protocol", "transport"), CASES)
def test_a_rust_client_calls_a_python_server(protocol: str, transport: str | None) -> None:
    module = calculator()
    lines: list[str] = []

    class Handler(module.Calculator):  # type: ignore[misc, name-defined]
        def ping(self) -> None:
            pass

        def add(self, a: int, b: int) -> int:
            if a + b >= 2**31:
                raise module.Overflow(message="too large", limit=2**31 - 1)
            return a + b

        def greet(self, name: str) -> str:
            return f"Hello, {name}!"

        def log(self, line: str) -> None:
            lines.append(line)

    command: list[Any] = [program("calculator_client")]
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        command += [server.url, protocol, *([transport] if transport else [])]
        done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["2 + 3 = 5", "too large over 2147483647", "Hello, Ada!"], done.stderr
    assert lines == ["the client was here"]
