"""Serves a long list of books in pages, and reads it as one: `pages.py serve [URL]`, `pages.py list [URL]`.

A list that is too long for one reply comes in pages. Each page has a token for the next one, and the client is an
iterator that asks when it needs more; crates/fastthrift/examples/pages.rs does the same in Rust.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import fastthrift

library = fastthrift.load(Path(__file__).with_name("library.thrift"))

LARGEST = 1000
"""Books that a page may have, whatever a client asks for."""


class Shelf(library.Library):  # type: ignore[misc, name-defined]
    """Serves books. A token is the title of the last book before the page, so books may come and go in between."""

    def __init__(self, count: int) -> None:
        self._books = [library.Book(title=f"Book {number:06}", year=1900 + number % 100) for number in range(count)]
        self._titles = [book.title for book in self._books]

    def books(self, token: str, limit: int) -> Any:
        """Give a page."""
        if token and not token.startswith("after:"):
            raise library.UnknownToken(f"{token!r} did not come from here")
        start = bisect_right(self._titles, token.removeprefix("after:")) if token else 0
        books = self._books[start : start + max(1, min(limit, LARGEST))]
        is_last = start + len(books) >= len(self._books)
        return library.Page(books=books, next=None if is_last else f"after:{books[-1].title}")


def all_books(client: Any, page: int = 100) -> Iterator[Any]:
    """Yield all books of a server. Each page is asked for when the one before is used up."""
    token: str | None = ""
    while token is not None:
        reply = client.books(token, page)
        yield from reply.books
        token = reply.next


async def all_books_async(client: Any, page: int = 100) -> AsyncIterator[Any]:
    """Yield the same from a client on an event loop."""
    token: str | None = ""
    while token is not None:
        reply = await client.books(token, page)
        for book in reply.books:
            yield book
        token = reply.next


def main() -> None:
    """Do what the arguments say."""
    command, url = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "tcp://127.0.0.1:9090"
    if command == "serve":
        with fastthrift.Server(Shelf(1000), url) as server:
            print(server.url, flush=True)
            sys.stdin.read()
    else:
        with fastthrift.connect(library.Library, url, timeout=10.0) as client:
            titles = [book.title for book in all_books(client, page=64)]
        print(f"{len(titles)} books, from {titles[0]} to {titles[-1]}")


if __name__ == "__main__":
    main()
