"""The server of the fault test, in a process of its own: `python -m tests.faults.server KIND [OPTIONS]`, as JSON.

OPTIONS are those of the server, and an `identity`, a certificate's file and its key's, with which it serves TLS too. It
says its ports in the first line; for each line that it then reads it says what it holds. It ends when there is no more
to read.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import fastthrift

from tests.faults import tokens, watch

URL = "tcp://127.0.0.1:0"
THREADS = 8
SLOW = 0.02
"""The seconds that `slow` takes."""


class Handler(tokens.module().Oracle):  # type: ignore[misc, name-defined]
    """Answers each token by its own, in every way that a reply can be."""

    def ask(self, token: Any) -> Any:
        return self._answer(token, "ask")

    def slow(self, token: Any) -> Any:
        time.sleep(SLOW)
        return self._answer(token, "slow")

    def refuse(self, token: Any) -> Any:
        raise tokens.module().Refused(self._answer(token, "refuse"))

    def fail(self, token: Any) -> Any:
        said = self._answer(token, "fail")
        raise fastthrift.TApplicationException(fastthrift.TApplicationException.INTERNAL_ERROR, said.text)

    def note(self, token: Any) -> None:
        pass

    @staticmethod
    def _answer(token: Any, function: str) -> Any:
        if not tokens.is_whole(token):
            raise tokens.module().Damaged(function)
        return tokens.answer(token, function)


class AsyncHandler(Handler):
    """The same on an event loop; what waits lets others go on, and some answers come from the pool."""

    async def ask(self, token: Any) -> Any:
        return self._answer(token, "ask")

    async def slow(self, token: Any) -> Any:
        await asyncio.sleep(SLOW)
        return self._answer(token, "slow")

    async def note(self, token: Any) -> None:
        pass


def held() -> dict[str, int]:
    """Return what the server holds, with the threads that it may have whenever it is busy: the pool, and four."""
    found = watch.held()
    found["threads"] = max(found["threads"], THREADS + 4)
    del found["python threads"]  # a thread of the pool becomes one of Python's when it logs
    return found


def converse(urls: Sequence[str]) -> None:
    """Say where the server is, and for each line what it holds."""
    ports = {urlsplit(url).scheme: urlsplit(url).port for url in urls}
    print(json.dumps({"port": ports["tcp"], "ports": ports}), flush=True)
    for _ in sys.stdin:
        print(json.dumps(held()), flush=True)


def serve(options: dict[str, Any]) -> None:
    """Serve by threads."""
    with fastthrift.Server(Handler(), **options) as server:
        converse(server.urls)


async def serve_on_loop(options: dict[str, Any]) -> None:
    """Serve on an event loop."""
    from fastthrift import aio

    server: Any = aio.Server(AsyncHandler(), **options)
    async with server:
        await asyncio.to_thread(converse, server.urls)


def main() -> None:
    """Serve until there is no more to read."""
    kind, *given = sys.argv[1:]
    options: dict[str, Any] = {"threads": THREADS, "message_timeout": 2, "idle_timeout": 20}
    options |= json.loads(given[0]) if given else {}
    identity = options.pop("identity", None)
    options["url"] = [URL, URL.replace("tcp", "http")]
    if identity is not None:
        options["tls"] = fastthrift.ServerTLS(*identity)
        options["url"] += [URL.replace("tcp", "tls"), URL.replace("tcp", "https")]
    if kind == "asyncio":
        asyncio.run(serve_on_loop(options))
    else:
        serve(options)


if __name__ == "__main__":
    main()
