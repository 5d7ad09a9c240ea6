"""Both engines behind one face, for tests of what they share: clients that block, and servers beside the test."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
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
def serving(
    engine: str, handler: object, url: str | Sequence[str], *, patience: float = 5.0, **options: Any
) -> Iterator[list[str]]:
    """Serve by one of the engines, and give the URLs; in the end, wait so long for what is in flight."""
    if engine == "threads":
        server = fastthrift.Server(handler, url, **options)
        server.start()
        try:
            yield server.urls
        finally:
            server.stop(patience)
        return
    running = aio.Server(handler, url, **options)
    started: Future[asyncio.AbstractEventLoop] = Future()
    over = asyncio.Event()

    async def serve() -> None:
        try:
            await running.start()
        except Exception as error:  # noqa: BLE001 (the test is told)
            started.set_exception(error)
            return
        started.set_result(asyncio.get_running_loop())
        await over.wait()
        await running.stop(patience)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        loop = started.result(20)
        try:
            yield running.urls
        finally:
            loop.call_soon_threadsafe(over.set)
    finally:
        thread.join()
