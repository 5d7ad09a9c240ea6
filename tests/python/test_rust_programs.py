"""Python clients call Rust servers, and the reverse."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import fastthrift
import pytest

from tests.python.certificates import Authority

ROOT = Path(__file__).resolve().parents[2]
CASES = [("binary", None), ("compact", None), ("json", None), ("compact", "header")]


@cache
def program(name: str) -> Path:
    """Return the program of an example, built with all features if the Rust tests did not do so."""
    cargo = shutil.which("cargo")
    if cargo is None:
        pytest.skip("there is no cargo here")
    metadata = [cargo, "metadata", "--no-deps", "--format-version", "1"]
    target = json.loads(subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True).stdout)["target_directory"]
    built = Path(target) / "debug" / "examples" / name
    if not built.exists():
        build = [cargo, "build", "--quiet", "--locked", "--package", "fastthrift"]
        build += ["--all-features", "--example", name]
        subprocess.run(build, cwd=ROOT, check=True, env={**os.environ, "CARGO_TERM_COLOR": "never"}, timeout=600)
    return built


def command(language: str, name: str) -> list[str]:
    """Return what starts an example that is there in both languages."""
    in_python = [sys.executable, "-X", "dev", "-W", "error", str(ROOT / "examples" / "library" / f"{name}.py")]
    return [str(program(name))] if language == "rust" else in_python


@contextmanager
def serving(*words: str | Path) -> Iterator[str]:
    """Serve by a program that prints its URL, and serves until its standard input ends."""
    pipe = subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
            process.stdin.close()
            assert process.wait(20) == 0
        finally:
            process.kill()


def rust_server(url: str) -> AbstractContextManager[str]:
    """Serve by the Rust program, and give the URL."""
    return serving(program("calculator_server"), url)


IDL = ROOT / "examples" / "rust" / "calculator.thrift"


def calculator() -> Any:
    """Load the IDL that both sides have."""
    return fastthrift.load(IDL)


@contextmanager
def python_server(lines: list[str]) -> Iterator[str]:
    """Serve by Python, and give the URL; the lines are those that are logged."""
    module = calculator()

    class Handler(module.Calculator):  # type: ignore[misc, name-defined]
        def ping(self) -> None:
            pass

        def add(self, a: int, b: int) -> int:
            if a + b >= 2**31:
                raise module.Overflow(message="too large", limit=2**31 - 1)
            return a + b

        def greet(self, name: str) -> str:
            if not name:
                raise fastthrift.TApplicationException(6, "there is nobody to greet")
            return f"Hello, {name}!"

        def log(self, line: str) -> None:
            lines.append(line)

    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0") as server:
        yield server.url


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
                    client.greet("")


@pytest.mark.timeout(700)
@pytest.mark.parametrize(("protocol", "transport"), CASES)
def test_a_rust_client_calls_a_python_server(protocol: str, transport: str | None) -> None:
    lines: list[str] = []
    words: list[Any] = [program("calculator_client")]
    with python_server(lines) as url:
        words += [url, protocol, *([transport] if transport else [])]
        done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert done.stdout.splitlines() == ["2 + 3 = 5", "too large over 2147483647", "Hello, Ada!"], done.stderr
    assert lines == ["the client was here"]


def run(*words: str | Path) -> str:
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return done.stdout


LANGUAGES = [("python", "python"), ("python", "rust"), ("rust", "python"), ("rust", "rust")]


@pytest.mark.timeout(700)
@pytest.mark.parametrize(("writer", "reader"), LANGUAGES)
def test_a_file_of_records_is_read_whoever_wrote_it(writer: str, reader: str, tmp_path: Path) -> None:
    file = tmp_path / "books.bin"
    for count, years in [(3000, 3000 * 1900 + 30 * sum(range(100))), (0, 0)]:
        run(*command(writer, "records"), "write", file, str(count))
        assert run(*command(reader, "records"), "read", file) == f"{count} books, {years} years\n"


def test_the_readme_shows_a_program_that_prints_what_it_says() -> None:
    shown = re.findall(r"```rust\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    kept = (ROOT / "crates" / "fastthrift" / "examples" / "readme.rs").read_text()
    assert len(shown) == 1
    # Where the module is from is all that a program with a build script has differently.
    assert shown[0].partition("\n\n")[2] == kept.partition("mod idl;\n\n")[2]
    done = subprocess.run([program("readme")], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == re.findall(r"println!\(.*// (\S+)", shown[0])


def test_both_languages_write_the_same_records(tmp_path: Path) -> None:
    files = [tmp_path / language for language in ("python", "rust")]
    for file in files:
        run(*command(file.name, "records"), "write", file, "3000")
    assert files[0].read_bytes() == files[1].read_bytes()


@pytest.mark.timeout(700)
@pytest.mark.parametrize(("server", "client"), LANGUAGES)
def test_a_long_list_comes_in_pages_whoever_serves_it(server: str, client: str) -> None:
    with serving(*command(server, "pages"), "serve", "tcp://127.0.0.1:0") as url:
        assert run(*command(client, "pages"), "list", url) == "1000 books, from Book 000000 to Book 000999\n"


@pytest.mark.timeout(700)
@pytest.mark.parametrize("language", ["python", "rust"])
def test_pages_are_bounded_and_foreign_tokens_refused(language: str) -> None:
    library = fastthrift.load(ROOT / "examples" / "library" / "library.thrift")
    with (
        serving(*command(language, "pages"), "serve", "tcp://127.0.0.1:0") as url,
        fastthrift.connect(library.Library, url, timeout=20.0) as client,
    ):
        assert [len(client.books("", limit).books) for limit in (-1, 0, 7, 2**31 - 1)] == [1, 1, 7, 1000]
        assert client.books("after:Book 000997", 7).next is None
        assert client.books("after:Book 000996x", 2).books[0].title == "Book 000997"
        with pytest.raises(library.UnknownToken):
            client.books("page 2", 7)


@pytest.mark.timeout(700)
@pytest.mark.parametrize("protocol", ["binary", "compact", "json"])
def test_a_rust_program_calls_a_python_server_by_its_idl_alone(protocol: str) -> None:
    def call(function: str, arguments: str) -> subprocess.CompletedProcess[str]:
        words = [program("call"), IDL, url, f"Calculator.{function}", arguments, protocol]
        return subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)

    lines: list[str] = []
    with python_server(lines) as url:
        assert call("add", '{"a": 2, "b": 3}').stdout == "5\n"
        assert call("greet", '{"name": "Ada"}').stdout == '"Hello, Ada!"\n'
        assert call("log", '{"line": "a line"}').stdout == "null\n"
        failed = call("add", '{"a": 2147483647, "b": 1}')
        name, _, value = failed.stderr.partition(" ")
        assert (name, json.loads(value)) == ("Overflow", {"message": "too large", "limit": 2147483647})
        misspelt = call("gret", "{}")
        assert (misspelt.returncode, misspelt.stderr) == (
            1,
            "'Calculator' has no function 'gret', did you mean 'greet'?\n",
        )
        end = time.monotonic() + 30
        while not lines and time.monotonic() < end:
            time.sleep(0.01)
    assert lines == ["a line"]


@pytest.mark.timeout(700)
def test_a_rust_gateway_gives_a_python_server_a_json_face() -> None:
    def post(path: str, body: str) -> tuple[int, Any]:
        connection = http.client.HTTPConnection(served.removeprefix("http://"), timeout=60)
        connection.request("POST", path, body)
        with closing(connection), connection.getresponse() as response:
            return response.status, json.loads(response.read())

    with python_server([]) as url, serving(program("gateway"), IDL, "Calculator", url, "127.0.0.1:0") as served:
        assert post("/add", '{"a": 2, "b": 3}') == (200, 5)
        assert post("/ping", "{}") == (200, None)
        assert post("/add", '{"a": 2147483647, "b": 1}') == (
            422,
            {"Overflow": {"message": "too large", "limit": 2147483647}},
        )
        status, problem = post("/add", '{"a": 1, "b": "two"}')
        assert (status, problem["error"].partition(":")[0]) == (400, "b")
        assert post("/greed", "{}") == (
            404,
            {"error": "'Calculator' has no function 'greed', did you mean 'greet'?"},
        )


@pytest.mark.timeout(700)
@pytest.mark.skipif(sys.platform == "win32", reason="there is no limit of descriptors")
def test_a_rust_gateway_goes_on_after_more_connections_than_it_may_have() -> None:
    limited = ["sh", "-c", 'ulimit -n 24 && exec "$0" "$@"', program("gateway")]
    with python_server([]) as url, serving(*limited, IDL, "Calculator", url, "127.0.0.1:0") as served:
        host, _, port = served.removeprefix("http://").rpartition(":")
        for _ in range(2):
            idle = [socket.create_connection((host, int(port)), timeout=20) for _ in range(40)]
            time.sleep(0.1)
            for connection in idle:
                connection.close()
        asking = http.client.HTTPConnection(host, int(port), timeout=60)
        asking.request("POST", "/add", '{"a": 2, "b": 3}')
        with closing(asking), asking.getresponse() as response:
            assert json.load(response) == 5


@pytest.mark.timeout(700)
def test_a_python_client_calls_a_rust_server_that_knows_the_idl_alone() -> None:
    module, lines = calculator(), []
    stranger = fastthrift.loads("service Calculator { i32 subtract(1: i32 a, 2: i32 b) }").Calculator
    with python_server(lines) as url, serving(program("proxy"), IDL, "Calculator", url, "tcp://127.0.0.1:0") as served:
        for protocol, transport in CASES:
            how: Any = {"protocol": protocol, "transport": transport, "timeout": 20}
            with fastthrift.connect(module.Calculator, served, **how) as client:
                assert client.add(2, 3) == 5
                with pytest.raises(module.Overflow) as raised:
                    client.add(2**31 - 1, 1)
                assert (raised.value.message, raised.value.limit) == ("too large", 2**31 - 1)
                client.log(f"by {protocol}")
                assert client.greet("Ada") == "Hello, Ada!"
                client.ping()
                with pytest.raises(fastthrift.TApplicationException, match="nobody to greet"):
                    client.greet("")
            with (
                fastthrift.connect(stranger, served, **how) as client,
                pytest.raises(fastthrift.TApplicationException, match="subtract"),
            ):
                client.subtract(3, 2)
        end = time.monotonic() + 30
        while len(lines) < len(CASES) and time.monotonic() < end:
            time.sleep(0.01)
    assert sorted(lines) == sorted(f"by {protocol}" for protocol, _ in CASES)


@pytest.mark.timeout(700)
def test_tls_and_a_token_are_asked_for_whichever_language_the_other_side_has(tmp_path: Path) -> None:
    module, authority = calculator(), Authority(tmp_path)
    certificate, key = authority.issue("server")
    trusting = fastthrift.ClientTLS(ca_file=authority.file)
    with serving(program("guarded"), "serve", "tls://127.0.0.1:0", certificate, key, "swordfish") as url:
        assert run(program("guarded"), "call", url, authority.file, "swordfish") == "Hello, Ada!\n"
        for token in ("swordfish", "tuna"):
            with fastthrift.connect(
                module.Calculator, url, transport="header", tls=trusting, headers={"token": token}, timeout=20
            ) as client:
                if token == "swordfish":
                    assert client.add(2, 3) == 5
                else:
                    with pytest.raises(fastthrift.TApplicationException, match="the token is wrong"):
                        client.add(2, 3)
