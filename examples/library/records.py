"""Writes books to a file and reads them again: `records.py write FILE [COUNT]`, `records.py read FILE`.

A file of records is one struct after the other. Each of them knows where it ends, so nothing stands between them, and
whoever speaks Thrift can read it; crates/fastthrift/examples/records.rs does the same in Rust.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import fastthrift

library = fastthrift.load(Path(__file__).with_name("library.thrift"))

PROTOCOL: Final = "compact"
BUFFER = 1 << 16
"""Bytes that are collected before they go to the file."""


def books(count: int) -> Iterator[Any]:
    """Yield as many books."""
    for number in range(count):
        authors = [f"Author {number % 7}", f"Author {number % 11}"]
        yield library.Book(title=f"Book {number:06}", year=1900 + number % 100, authors=authors)


def write(path: Path, count: int) -> None:
    """Write one struct after the other, without a `bytes` for each."""
    buffer = bytearray()
    with path.open("wb") as file:
        for book in books(count):
            fastthrift.serialize_into(book, buffer, PROTOCOL)
            if len(buffer) >= BUFFER:
                file.write(buffer)
                buffer.clear()
        file.write(buffer)


def read(path: Path) -> Iterator[Any]:
    """Yield the structs of a file, which is mapped and not loaded: one that is larger than memory is fine."""
    if path.stat().st_size == 0:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        yield from fastthrift.iter_structs(library.Book, mapped, PROTOCOL)


def main() -> None:
    """Do what the arguments say."""
    command, path = sys.argv[1], Path(sys.argv[2])
    if command == "write":
        write(path, int(sys.argv[3]) if len(sys.argv) > 3 else 1000)
    else:
        count, years = 0, 0
        for book in read(path):
            count, years = count + 1, years + book.year
        print(f"{count} books, {years} years")


if __name__ == "__main__":
    main()
