"""The server of the fault test, in a process of its own: `python -m tests.faults.server [OPTIONS]`, as JSON.

It says its port in the first line; for each line it then reads it says what it holds, and it ends when there is no
more to read.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import fastthrift

from tests.faults import tokens, watch

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

    def _answer(self, token: Any, function: str) -> Any:
        if not tokens.is_whole(token):
            raise tokens.module().Damaged(function)
        return tokens.answer(token, function)


def held() -> dict[str, int]:
    """Return what the server holds, with the threads that it may have whenever it is busy: the pool, and two."""
    found = watch.held()
    found["threads"] = max(found["threads"], THREADS + 2)
    del found["python threads"]  # a thread of the pool becomes one of Python's when it logs
    return found


def main() -> None:
    """Serve until there is no more to read."""
    options: dict[str, Any] = {"message_timeout": 2, "idle_timeout": 20}
    options |= json.loads(sys.argv[1]) if len(sys.argv) > 1 else {}
    with fastthrift.Server(Handler(), "tcp://127.0.0.1:0", threads=THREADS, **options) as server:
        print(json.dumps({"port": int(server.url.rpartition(":")[2])}), flush=True)
        for _ in sys.stdin:
            print(json.dumps(held()), flush=True)


if __name__ == "__main__":
    main()
