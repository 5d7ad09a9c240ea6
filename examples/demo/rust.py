"""The programs in Rust of `crates/fastthrift/examples`, each with the Python package on the other side."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import fastthrift

from examples.demo.check import calls_per_second, expect, expect_raised
from examples.library import pages, records

ROOT = Path(__file__).resolve().parents[2]
IDL = ROOT / "examples" / "rust" / "calculator.thrift"
LARGEST = 2**31 - 1
calculator = fastthrift.load(IDL)


class Calculator(calculator.Calculator):  # type: ignore[misc, name-defined]  # the class is made when the file is loaded
    """What calculator_server.rs does, in Python."""

    def ping(self) -> None:
        pass

    def add(self, a: int, b: int) -> int:
        if a + b > LARGEST:
            raise calculator.Overflow(message="too large", limit=LARGEST)
        return a + b

    def greet(self, name: str) -> str:
        return f"Hello, {name}!"

    def log(self, line: str) -> None:
        pass


class Programs:
    """The programs, built as the tests build them: for finding faults, not for speed."""

    def __init__(self) -> None:
        build = ["cargo", "build", "--quiet", "--locked", "-p", "fastthrift", "--all-features", "--examples"]
        subprocess.run(build, cwd=ROOT, check=True)
        metadata = ["cargo", "metadata", "--no-deps", "--format-version", "1"]
        told = json.loads(subprocess.run(metadata, cwd=ROOT, check=True, capture_output=True).stdout)
        self._folder = Path(told["target_directory"]) / "debug" / "examples"

    def run(self, name: str, *arguments: str | Path) -> str:
        """Run one to its end, and return what it printed."""
        words = [self._folder / name, *arguments]
        return subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout

    @contextmanager
    def serving(self, name: str, *arguments: str | Path) -> Iterator[str]:
        """Run one that serves until its standard input ends, and yield its URL."""
        words, pipe = [self._folder / name, *arguments], subprocess.PIPE
        with subprocess.Popen(words, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            yield process.stdout.readline().strip()
            process.stdin.close()

    def call_calculator(self, url: str, protocol: str, transport: str) -> None:
        """Have the generated Rust client call."""
        how = [url, protocol, *(["header"] if transport == "header" else [])]
        expect(self.run("calculator_client", *how), f"2 + 3 = 5\ntoo large over {LARGEST}\nHello, Ada!\n")

    def call_by_idl(self, url: str, protocol: str, _transport: str) -> None:
        """Have the Rust program call that has no generated code."""
        expect(self.run("call", IDL, url, "Calculator.add", '{"a": 2, "b": 3}', protocol), "5\n")

    def list_pages(self, url: str, _protocol: str, _transport: str) -> None:
        """Have the Rust program list all books."""
        expect(self.run("pages", "list", url), "1000 books, from Book 000000 to Book 000999\n")

    def read_records(self, *_how: str) -> None:
        """Have the Rust program read a file that Python wrote."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "books"
            records.write(file, 1000)
            expect(self.run("records", "read", file), "1000 books, 1949500 years\n")

    def write_records(self, *_how: str) -> None:
        """Have the Rust program write a file, and read it."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "books"
            self.run("records", "write", file, "1000")
            expect(list(records.read(file)), list(records.books(1000)))


def call_calculator(url: str, protocol: Any, transport: Any) -> float:
    """Call a calculator and return how many calls a second `add` does."""
    with fastthrift.connect(calculator.Calculator, url, protocol=protocol, transport=transport, timeout=10.0) as client:
        error = expect_raised(calculator.Overflow, client.add, LARGEST, 1)
        expect((error.message, error.limit), ("too large", LARGEST))
        expect(client.greet("Ada"), "Hello, Ada!")
        client.log("a line")
        client.ping()
        return calls_per_second(lambda: client.add(2, 3), 5)


def call_gateway(url: str, _protocol: str, _transport: str) -> None:
    """Call by JSON over HTTP."""
    with urlopen(Request(f"{url}/add", data=b'{"a": 2, "b": 3}', method="POST"), timeout=10) as response:
        expect(json.loads(response.read()), 5)


def list_pages(url: str, protocol: Any, transport: Any) -> None:
    """List all books."""
    library = pages.library.Library
    with fastthrift.connect(library, url, protocol=protocol, transport=transport, timeout=10.0) as client:
        titles = [book.title for book in pages.all_books(client, page=64)]
    expect((len(titles), titles[0], titles[-1]), (1000, "Book 000000", "Book 000999"))
