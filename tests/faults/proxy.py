"""The proxy of the fault test, in a process of its own: `python -m tests.faults.proxy PORT PLAN`, the plan as JSON.

It says its port in the first line; for each line it then reads it says what it did and how many connections there are,
and it ends when there are no more.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.faults.chaos import Plan
from tests.faults.lane import Ledger, Pair

HOST = "127.0.0.1"


class Proxy:
    """All connections, in one thread."""

    def __init__(self, upstream: int, plan: Plan) -> None:
        self._upstream = upstream
        self._plan = plan
        self._ledger = Ledger()
        self._selector = selectors.DefaultSelector()
        self._timers: list[tuple[float, int, Callable[[float], None]]] = []
        self._order = itertools.count()
        self._open: set[Pair] = set()
        self._numbers = itertools.count()
        self._listener = socket.create_server((HOST, 0), backlog=512)
        self._listener.setblocking(False)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._is_wanted = True

    @property
    def port(self) -> int:
        """Where it listens."""
        port: int = self._listener.getsockname()[1]
        return port

    def run(self, commands: int) -> None:
        """Forward until the descriptor of the commands has no more."""
        self._selector.register(commands, selectors.EVENT_READ, self._command)
        while self._is_wanted:
            now = time.monotonic()
            while self._timers and self._timers[0][0] <= now:
                heapq.heappop(self._timers)[2](now)
            wait = self._timers[0][0] - now if self._timers else None
            events = self._selector.select(wait)
            now = time.monotonic()
            for key, mask in events:
                key.data(key.fileobj, mask, now)

    def _command(self, commands: int, _mask: int, _now: float) -> None:
        lines = os.read(commands, 4096).count(b"\n")
        self._is_wanted = lines > 0
        for _ in range(lines):
            print(json.dumps(self._report()), flush=True)

    def _report(self) -> dict[str, Any]:
        return {
            "open": len(self._open),
            "connections": next(self._numbers),
            "faults": self._ledger.faults,
            "renumbered": sorted(self._ledger.renumbered),
            "unclosed": self._ledger.unclosed,
            "must close": self._ledger.must_close,
        }

    def _accept(self, listener: socket.socket, _mask: int, _now: float) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                client, _ = listener.accept()
                try:
                    server = socket.create_connection((HOST, self._upstream))
                except OSError:
                    client.close()
                    continue
                self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        pair = Pair(next(self._numbers), client, server, self._plan, self._ledger)
        pair.wake = self._wake
        pair.watch = lambda side: self._watch(pair, side)
        pair.forget = self._forget
        self._open.add(pair)
        for side in (client, server):
            side.setblocking(False)
            side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._watch(pair, side)

    def _wake(self, when: float, work: Callable[[float], None]) -> None:
        heapq.heappush(self._timers, (when, next(self._order), work))

    def _watch(self, pair: Pair, side: socket.socket) -> None:
        """Look at a socket for what its lanes want."""
        if pair.is_closed:
            return
        wanted = 0 if side in pair.silent else selectors.EVENT_READ
        wanted |= selectors.EVENT_WRITE if pair.writer_to(side).wants_write else 0
        is_known = side in self._selector.get_map()
        if not wanted:
            if is_known:
                self._selector.unregister(side)
        elif is_known:
            self._selector.modify(side, wanted, self._selector.get_key(side).data)
        else:
            self._selector.register(side, wanted, lambda side, mask, now: self._move(pair, side, mask, now))

    @staticmethod
    def _move(pair: Pair, side: socket.socket, mask: int, now: float) -> None:
        if mask & selectors.EVENT_WRITE and not pair.is_closed:
            pair.writer_to(side).send(now)
        if mask & selectors.EVENT_READ and not pair.is_closed:
            pair.lanes[side].receive(now)

    def _forget(self, pair: Pair) -> None:
        self._open.discard(pair)
        for side in pair.lanes:
            if side in self._selector.get_map():
                self._selector.unregister(side)


def main() -> None:
    """Forward until there is no more to read."""
    upstream, plan = sys.argv[1:]
    proxy = Proxy(int(upstream), Plan(**json.loads(plan)))
    print(json.dumps({"port": proxy.port}), flush=True)
    proxy.run(sys.stdin.fileno())


if __name__ == "__main__":
    main()
