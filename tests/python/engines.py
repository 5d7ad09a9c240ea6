"""Both engines behind one face, for tests of what they share: clients that block, and servers beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import fastthrift
from fastthrift import aio


class OnLoop:
    """A client on an event loop of its own, called as a blocking one is."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        try:
            self._client = self._loop.run_until_complete(self._open(arguments, options))
        except BaseException:
            self._loop.close()
            raise

    @staticmethod
    async def _open(arguments: Any, options: Any) -> Any:
        return await aio.connect(*arguments, **options)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        function = getattr(self._client, name)

        async def call(arguments: Any) -> Any:
            return await function(*arguments)

        return lambda *arguments: self._loop.run_until_complete(call(arguments))

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()


CLIENTS: Mapping[str, Callable[..., Any]] = {"blocking": fastthrift.connect, "asyncio": OnLoop}
"""What opens a client of each engine."""
SERVERS = ("threads", "asyncio")
"""The engines of servers."""


@contextmanager
def serving(engine: str, handler: object, url: str | Sequence[str], **options: Any) -> Iterator[list[str]]:
    """Serve by one of the engines, and give the URLs."""
    if engine == "threads":
        with fastthrift.Server(handler, url, **options) as server:
            yield server.urls
        return
    loop = asyncio.new_event_loop()
    running = aio.Server(handler, url, **options)
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(running.start(), loop).result(20)
        try:
            yield running.urls
        finally:
            asyncio.run_coroutine_threadsafe(running.stop(), loop).result(20)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
